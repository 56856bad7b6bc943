"""All fields of one group at once: what was touched goes out as one change."""

from collections.abc import Mapping
from functools import partial

from django.contrib import messages
from django.http import HttpResponse
from django.urls import reverse

from customers import wording
from customers.access import Actor, Permission, allow
from customers.audit.models import Access
from customers.catalogue.fields import FIELDS, Group
from customers.catalogue.markets import market_of
from customers.clubmed.profile import Json, Profile
from customers.forms.plain import Editing
from customers.forms.profile import ProfileForm, typed_text
from customers.services.change import change_profile
from customers.services.markets import known_market
from customers.services.outcomes import NotSaved, Pending, Unknown
from customers.services.revert import puts_back
from customers.session import remember_given_up
from customers.views import answers
from customers.views.answers import DeskRequest, Notice
from customers.views.edit import GIVEN_UP, undo_address
from customers.views.record import ProfilePage

_GROUPS = {row.group.value: row.group for row in FIELDS.values() if row.patch}


@allow(Permission.CUSTOMERS)
@answers.records_access(Access.VIEW, limited=True)
def edit(request: DeskRequest, customer_id: str, slug: str) -> HttpResponse:
    """The form of a group; POST saves the fields that were touched."""
    if slug not in _GROUPS:
        raise answers.NotEditableError
    group, profile = _GROUPS[slug], answers.profile_of(request, customer_id)
    why = answers.reason_for(request, customer_id)
    editing = editing_of(group, profile, request.actor, why)
    show = partial(editor, request, group)
    form, notice = answers.profile_form(request, editing)
    if not form.is_valid():
        return show(form, notice)
    if not form.changes:
        return show(form, answers.Note(text=wording.UNTOUCHED))
    try:
        reverts = puts_back(form.reverts, form.changes)
        act = answers.act_of(request, form)
        saved = change_profile(customer_id, form.changes, **act, reverts=reverts)
    except NotSaved as exc:
        return answers.not_saved(request, exc, form, show)
    labels = ", ".join(FIELDS[name].label for name in saved.values)
    message = wording.ABOUT % {"field": labels, "message": wording.SAVED}
    message = message if labels else str(wording.HELD_ALREADY)
    messages.success(request, message, extra_tags=undo_address(request, saved))
    if form.given_up:
        _tell_given_up(request, customer_id, form.given_up)
    return answers.lead(request, reverse("profile", args=[customer_id]))


def _tell_given_up(request: DeskRequest, customer_id: str, values: Mapping[str, Json]) -> None:
    """Name each value that the person gave up, with a link to its editor."""
    remember_given_up(request.session, customer_id, values)
    for name, value in values.items():
        text = wording.KEPT_THEIRS % {"mine": typed_text(name, value)}
        text = wording.ABOUT % {"field": FIELDS[name].label, "message": text}
        editor = reverse("edit", args=[customer_id, name])
        messages.info(request, text, extra_tags=f"{editor}?again={GIVEN_UP}")


def editing_of(group: Group, profile: Profile, actor: Actor, reason: str) -> Editing:
    """The `Editing` of a group: its fields that may be edited."""
    rows = [row for row in FIELDS.values() if row.group is group and row.patch]
    rows = [row for row in rows if row.readable(row.value(profile))]
    form_name = f"{profile.customer_id}/groups/{group.value}"
    here = known_market(market_of(profile), actor=actor)
    return Editing(rows, here, actor, form_name, profile, reason=reason)


def editor(request: DeskRequest, group: Group, form: ProfileForm, notice: Notice) -> HttpResponse:
    """The form with a notice; or, where the values are under way or were stored, no form."""
    record = ProfilePage(form.editing.profile, {})
    context = {"form": form, "notice": notice, "group": group, "record": record}
    part = "sent" if isinstance(notice, Unknown | Pending) else "form"
    fragment = f"customers/_group_{part}.html"
    return answers.page_or_fragment(request, "customers/group.html", fragment, context)
