"""One field, edited in place: the same address is a fragment with htmx and a whole page without."""

import re
from functools import partial
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from customers import wording
from customers.access import Permission, allow
from customers.audit import reading
from customers.audit.actions import Outcome
from customers.audit.models import Access, Entry
from customers.catalogue.compare import is_empty
from customers.catalogue.fields import FIELDS, Field
from customers.catalogue.markets import market_of
from customers.clubmed.profile import Json, Profile
from customers.forms.plain import Editing
from customers.forms.profile import ProfileForm
from customers.services.change import change_profile
from customers.services.markets import known_market
from customers.services.outcomes import NotSaved, Pending, Saved, Unknown
from customers.services.read import confirm_change
from customers.session import forget_shown, remember_shown
from customers.views.answers import (
    DeskRequest,
    NotEditableError,
    Notice,
    act_of,
    check_customer_number,
    not_saved,
    page_or_fragment,
    profile_form,
    records_access,
    shown_or_read,
    status_of,
    wants_fragment,
)
from customers.views.record import FieldRow, ProfilePage


@allow(Permission.CUSTOMERS)
@require_http_methods(["GET", "HEAD", "POST"])
@records_access(Access.VIEW)
def edit(request: DeskRequest, customer_id: str, name: str) -> HttpResponse:
    """Open the editor on what the person saw; save what they typed, or clear on purpose."""
    field = _editable(customer_id, name)
    profile = shown_or_read(request, customer_id)
    if not field.readable(field.value(profile)):
        raise NotEditableError
    here = known_market(market_of(profile), actor=request.actor)
    editing = Editing([field], here, request.actor, f"{customer_id}/{name}", profile, alone=True)
    form, notice = profile_form(request, editing)
    show = partial(_page, request, field)
    if not form.is_sent or not form.is_valid():
        return show(form, notice)
    try:
        saved = change_profile(customer_id, form.changes, **act_of(request, form))
    except NotSaved as exc:
        return not_saved(request, exc, form, show)
    return _saved(request, profile, field, saved)


@allow(Permission.CUSTOMERS)
@require_safe
@records_access(Access.VIEW)
def value(request: DeskRequest, customer_id: str, name: str) -> HttpResponse:
    """The field at rest, as the person saw it: what Cancel and Hide go back to."""
    field = _editable(customer_id, name, or_revealed=True)
    if not wants_fragment(request):
        return redirect(_place(customer_id, field))
    profile = shown_or_read(request, customer_id)
    return render(request, "customers/_field.html", {"row": _row(profile, field)})


@allow(Permission.CUSTOMERS)
@require_safe
@records_access(Access.VIEW)
def confirm(request: DeskRequest, customer_id: str, name: str, change_id: UUID) -> HttpResponse:
    """What came of a change, from a fresh read of Club Med."""
    field = _editable(customer_id, name)
    profile, open_yet, change = confirm_change(customer_id, change_id, actor=request.actor)
    remember_shown(request.session, profile)
    if not wants_fragment(request):
        return redirect(_place(customer_id, field))
    histories = change.fields if change else []
    history = next((one for one in histories if one.first.field == name), None)
    context: dict[str, Any] = {"row": _row(profile, field), "change_id": change_id}
    page, *_ = re.split("[?#]", request.htmx.current_url or "")
    if page.endswith(reverse("profile", args=[customer_id])):  # an editor's own page has no trail
        context["trail"] = reading.trail(customer_id)
    if open_yet or change is None or history is None:
        context["fragment"] = f"customers/_field{'_unknown' if open_yet else ''}.html"
        return render(request, "customers/_confirmed.html", context)
    if change.is_by(request.actor):
        reading.mark_seen([change])
    entry = context["entry"] = history.verdict
    if entry.outcome != Outcome.APPLIED:
        context["fragment"] = "customers/_field_settled.html"
    else:
        context["fragment"] = "customers/_field.html"
        context |= {"saved": True, "note": _note(entry.new)}
        context["stored_as"] = _stored_as(field, entry, field.value(profile))
    return render(request, "customers/_confirmed.html", context)


def _page(request: DeskRequest, field: Field, form: ProfileForm, notice: Notice) -> HttpResponse:
    """The editor with a notice; or, where the value is under way or was stored, no editor."""
    profile = form.editing.profile
    new = form.changes.get(field.name)
    context: dict[str, Any] = {
        "form": form,
        "notice": notice,
        "title": ProfilePage(profile, {}).title,
    }
    fragment, status = "customers/_field_form.html", status_of(form, notice)
    match notice:
        case Unknown():
            fragment = "customers/_field_unknown.html"
            [(_, typed)] = form.typed_texts
            context |= {"typed": typed or wording.TYPED_A_CLEAR}
            context["change_id"] = form.cleaned_data["token"].change_id
        case Pending():
            fragment, profile = "customers/_field.html", _with(profile, field, new)
            context |= {"saved": True, "note": notice.title}
        case NotSaved() if wants_fragment(request) and not notice.is_about_form:
            raise notice  # a notice above the page; the form stays as it is
    context["row"] = ProfilePage(profile, {}).rows[field.name]  # without its last change
    return page_or_fragment(request, "customers/field_form.html", fragment, context, status=status)


def _saved(request: DeskRequest, profile: Profile, field: Field, saved: Saved) -> HttpResponse:
    """Right after the 204: the row with what was sent, which is read again by itself."""
    forget_shown(request.session, profile.customer_id)
    note = _note(saved.values[field.name]) if saved.values else wording.HELD_ALREADY
    if not wants_fragment(request):
        messages.success(request, f"{field.label}: {note}")
        return redirect(_place(profile.customer_id, field))
    if saved.values:
        profile = _with(profile, field, saved.values[field.name])
    context = {
        "row": _row(profile, field),
        "saved": True,
        "change_id": saved.change_id,
        "confirm": bool(saved.values),
        "note": note,
    }
    return render(request, "customers/_field.html", context)


def _note(new: Json) -> str:
    return str(wording.CLEARED if is_empty(new) else wording.SAVED)


def _with(profile: Profile, field: Field, new: Json) -> Profile:
    return Profile(profile.customer_id, {**profile.values, field.name: new})


def _editable(customer_id: str, name: str, *, or_revealed: bool = False) -> Field:
    """The field that may be edited; or_revealed: or whose value may have been revealed."""
    check_customer_number(customer_id)
    field = FIELDS.get(name)
    if field is None or not (field.patch or (or_revealed and field.sensitive)):
        raise NotEditableError
    return field


def _row(profile: Profile, field: Field) -> FieldRow:
    newest = reading.newest_by_field(profile.customer_id)
    return ProfilePage(profile, newest).rows[field.name]


def _place(customer_id: str, field: Field) -> str:
    return f"{reverse('profile', args=[customer_id])}#{field.name}"


def _stored_as(field: Field, entry: Entry, stored: Json) -> tuple[str, str] | None:
    """What was typed and what Club Med made of it, if they differ to the eye."""
    typed, kept_as = field.text(entry.new), field.text(stored)
    return None if typed == kept_as else (typed, kept_as)
