"""One field, edited in place: the same address is a fragment with htmx and a whole page without."""

import re
from collections.abc import Iterable
from functools import partial
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from customers import wording
from customers.access import Actor, Permission, allow
from customers.audit import histories, reading
from customers.audit.actions import Outcome
from customers.audit.histories import History
from customers.audit.models import Access, Change, Entry, JournalLine, Missing
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
from customers.services.revert import may_be_undone, puts_back
from customers.services.settle import came_too_early
from customers.session import given_up, remember_profile
from customers.views import answers
from customers.views.answers import DeskRequest, Notice
from customers.views.record import FieldRow, ProfilePage

GIVEN_UP = "given-up"  # instead of a change's id, where an editor begins with what was typed before


@allow(Permission.CUSTOMERS)
@answers.records_access(Access.VIEW, limited=True)
def edit(request: DeskRequest, customer_id: str, name: str) -> HttpResponse:
    """Open the editor on what the person saw; save what they typed, or clear on purpose."""
    field = _editable(name)
    profile = answers.profile_of(request, customer_id)
    if not field.readable(field.value(profile)):
        raise answers.NotEditableError
    why = answers.reason_for(request, customer_id)
    editing = editing_of(field, profile, request.actor, why)
    again = _typed_before(request, customer_id, field)
    form, notice = answers.profile_form(request, editing, values=again)
    show = partial(editor, request, field)
    if "theirs" in request.POST:
        return _kept_theirs(request, form)
    if not form.is_valid():
        return show(form, notice)
    try:
        reverts = puts_back(form.reverts, form.changes)
        act = answers.act_of(request, form)
        saved = change_profile(customer_id, form.changes, **act, reverts=reverts)
    except NotSaved as exc:
        return answers.not_saved(request, exc, form, show)
    return _saved(request, profile, field, saved)


@allow(Permission.CUSTOMERS)
@require_safe
@answers.records_access(Access.VIEW, limited=True)
def value(request: DeskRequest, customer_id: str, name: str) -> HttpResponse:
    """The field at rest, as the person saw it: what Cancel and Hide go back to."""
    field = _editable(name, or_revealed=True)
    if not answers.wants_fragment(request):
        return redirect(_place(customer_id, field))
    row = row_of(answers.profile_of(request, customer_id), field)
    return render(request, "customers/_field.html", {"row": row})


@allow(Permission.CUSTOMERS)
@require_safe
@answers.records_access(Access.VIEW, limited=True)
def confirm(request: DeskRequest, customer_id: str, name: str, change_id: UUID) -> HttpResponse:
    """What came of a change, from a fresh read of Club Med."""
    field = _editable(name)
    profile, history, line, change = confirm_change(customer_id, change_id, actor=request.actor)
    remember_profile(request.session, profile, history.newest)
    if not answers.wants_fragment(request):
        return redirect(_place(customer_id, field))
    record = ProfilePage(profile, history.changed)
    context: dict[str, Any] = {"row": record.rows[name], "change_id": change_id}
    beside = _beside(request, record, field, history)
    context |= {"fragment": "customers/_field.html", **beside}
    histories = change.fields if change else []
    entry = next((history.verdict for history in histories if history.first.field == name), None)
    if line:
        context["fragment"] = "customers/_field_unknown.html"
        context["typed"] = _typed_text(field, line)
    elif change and entry:
        if change.is_by(request.actor):
            reading.mark_seen([change])
        context["entry"] = entry
        if entry.outcome != Outcome.APPLIED:
            context["fragment"] = "customers/_field_settled.html"
        else:
            now = field.value(profile)
            context |= {"saved": True, "note": _note(entry.new, entry.reverts)}
            if came_too_early(field, entry, now):
                context["note"] = wording.NOT_SHOWN_YET  # an undo would find the old value there
            else:
                context["may_undo"] = may_be_undone([entry], request.actor)
                texts = field.text(entry.new), field.text(now)
                context["stored_as"] = texts if texts[0] != texts[1] else None
    return render(request, "customers/_confirmed.html", context)


def _beside(
    request: DeskRequest, record: ProfilePage, field: Field, history: History
) -> dict[str, Any]:
    """The rest of the profile's page after that read; {} for an editor's own page."""
    page, *_ = re.split("[?#]", request.htmx.current_url or "")
    if not page.endswith(reverse("profile", args=[record.profile.customer_id])):
        return {}
    return {
        "record": record,
        "panel": record.panel(field.group),
        "followers": [row for row in record.rows.values() if row.field.follows == field.name],
        "trail": history.trail,
    }


def _typed_text(field: Field, line: JournalLine) -> str:
    """The value that an unsettled change would store; "" if it cannot be read."""
    if not line.is_readable:
        return ""
    return field.text(line.new_values.get(field.name)) or str(wording.TO_BE_CLEARED)


def _typed_before(request: DeskRequest, customer_id: str, field: Field) -> dict[str, Json]:
    """What the person's own change of that field was to store, if the editor is opened over one
    that was not stored; or what they gave up for somebody else's value.
    """
    again = request.GET.get("again", "")
    if again == GIVEN_UP:
        return given_up(request.session, customer_id)
    try:
        change_id = UUID(again)
    except ValueError:
        return {}
    own = Change.objects.of_customer(customer_id).by(request.actor).filter(pk=change_id)
    entries = [entry.first for change in reading.with_entries(own) for entry in change.fields]
    values = {entry.field: entry.new for entry in entries if not isinstance(entry.new, Missing)}
    return {} if field.sensitive else {name: new for name, new in values.items() if new}


def editing_of(field: Field, profile: Profile, actor: Actor, reason: str) -> Editing:
    """The `Editing` of one field."""
    here = known_market(market_of(profile), actor=actor)
    form_name = f"{profile.customer_id}/{field.name}"
    return Editing([field], here, actor, form_name, profile, alone=True, reason=reason)


def editor(request: DeskRequest, field: Field, form: ProfileForm, notice: Notice) -> HttpResponse:
    """The editor with a notice; or, where the value is under way or was stored, no editor."""
    profile, fragment = form.editing.profile, "customers/_field_form.html"
    title = ProfilePage(profile, {}).title
    context: dict[str, Any] = {"form": form, "notice": notice, "title": title}
    match notice:
        case Unknown():
            fragment = "customers/_field_unknown.html"
            [(_, text)] = form.typed_texts
            context["typed"] = text or wording.TO_BE_CLEARED
            context["change_id"] = form.cleaned_data["token"].change_id
        case Pending():
            fragment = "customers/_field.html"
            profile = with_value(profile, field, form.changes.get(field.name))
            context |= {"saved": True, "note": notice.title}
        case NotSaved() if answers.wants_fragment(request) and not notice.is_about_form:
            raise notice  # a notice above the page; the form stays as it is
    context["row"] = ProfilePage(profile, {}).rows[field.name]  # without its last change
    return answers.page_or_fragment(request, "customers/field_form.html", fragment, context)


def _kept_theirs(request: DeskRequest, form: ProfileForm) -> HttpResponse:
    """The field at rest with the quicker person's value, and a way back to the typed text."""
    profile, [field] = form.editing.profile, form.editing.rows
    form.is_valid()  # takes what was typed
    history = histories.of_customer(profile.customer_id)
    record = ProfilePage(profile, history.changed)
    context: dict[str, Any] = {"form": form, "notice": None, "row": record.rows[field.name]}
    context |= {"mine": dict(form.typed_texts).get(field.label), "title": record.title}
    context["fragment"] = "customers/_field.html"
    if not answers.wants_fragment(request):
        return render(request, "customers/field_form.html", context)
    beside = _beside(request, record, field, history)
    return render(request, "customers/_confirmed.html", context | beside)


def _saved(request: DeskRequest, profile: Profile, field: Field, saved: Saved) -> HttpResponse:
    """Right after the 204: the row with the sent value, which asks for a fresh read by itself."""
    note = _note(saved.values[field.name]) if saved.values else wording.HELD_ALREADY
    if not answers.wants_fragment(request):
        undo = undo_address(request, saved)
        messages.success(
            request, wording.ABOUT % {"field": field.label, "message": note}, extra_tags=undo
        )
        return redirect(_place(profile.customer_id, field))
    if saved.values:
        profile = with_value(profile, field, saved.values[field.name])
    row = row_of(profile, field, saved.entries)
    context = {"row": row, "saved": True, "note": note, "confirm": bool(saved.values)}
    return render(request, "customers/_field.html", context | {"change_id": saved.change_id})


def undo_address(request: DeskRequest, saved: Saved) -> str:
    """Where the button beside a message leads, "" if there is nothing that can be undone."""
    entries = reading.verdicts(reading.of_change(saved.change_id)).values() if saved.values else ()
    undoing = {"customer_id": saved.customer_id, "change_id": saved.change_id}
    return reverse("undo", kwargs=undoing) if may_be_undone(entries, request.actor) else ""


def row_of(profile: Profile, field: Field, entries: Iterable[Entry] = ()) -> FieldRow:
    """entries: those that were appended last, if that was just now."""
    newest = {entry.field: entry for entry in entries}
    newest = newest or reading.newest_by_field(profile.customer_id, field=field.name)
    return ProfilePage(profile, newest).rows[field.name]


def _note(new: Json, reverts: str = "") -> str:
    if reverts:
        return str(wording.UNDONE)
    return str(wording.CLEARED if is_empty(new) else wording.SAVED)


def with_value(profile: Profile, field: Field, new: Json) -> Profile:
    return Profile(profile.customer_id, {**profile.values, field.name: new})


def _editable(name: str, *, or_revealed: bool = False) -> Field:
    """The field that may be edited; or_revealed: or whose value may have been revealed."""
    field = FIELDS.get(name)
    if field is None or not (field.patch or (or_revealed and field.sensitive)):
        raise answers.NotEditableError
    return field


def _place(customer_id: str, field: Field) -> str:
    return f"{reverse('profile', args=[customer_id])}#{field.name}"
