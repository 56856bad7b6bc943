"""Undo: the button beside what a person has just saved."""

from functools import partial
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from customers import form_token, wording
from customers.access import Permission, allow
from customers.audit import reading
from customers.audit.models import Access, Change
from customers.catalogue.fields import FIELDS
from customers.form_token import FormToken
from customers.forms.profile import ProfileForm
from customers.forms.small import UndoForm
from customers.services import outcomes
from customers.services.outcomes import NotSaved, Saved
from customers.services.revert import WayBack, may_be_undone, revert_change, undo_token, ways_back
from customers.session import forget_profile, remember_profile
from customers.views import answers, edit, group
from customers.views.answers import DeskRequest
from customers.views.record import ProfilePage


@allow(Permission.CUSTOMERS)
@require_POST
@answers.records_access(Access.VIEW, limited=True)
def undo(request: DeskRequest, customer_id: str, change_id: UUID) -> HttpResponse:
    """Put back all that the person's own change has replaced; for htmx in the row of its field.

    With a token they have seen what Club Med holds instead, and want the old value all the same.
    """
    changes = Change.objects.of_customer(customer_id).filter(pk=change_id)
    ways = [way for change in reading.with_entries(changes) for way in ways_back(change)]
    if not may_be_undone([way.entry for way in ways], request.actor):
        raise Http404
    form_name, text = _form_name(change_id), request.POST.get("token", "")
    insisting = form_token.read(text, actor=request.actor, form=form_name)
    token = insisting or undo_token(change_id, request.actor)
    form = _asking(request, ways)
    if not form.is_valid():
        return _page(request, ways, "customers/_undo_reason.html", text if insisting else "", form)
    reason = form.cleaned_data["reason"]
    act = {"actor": request.actor, "request_id": request.id, "reason": reason}
    try:
        saved = revert_change(ways, token=token, **act)
    except NotSaved as exc:
        return _not_undone(request, ways, token, exc, reason)
    return _undone(request, ways, saved)


def _asking(request: DeskRequest, ways: list[WayBack]) -> UndoForm:
    """Why it is undone: as was typed here, else as the bar says. Some fields insist on a reason."""
    data = request.POST.copy()
    data.setdefault("reason", answers.reason_for(request, ways[0].entry.customer_id))
    form = UndoForm(data, auto_id=f"id_{ways[0].name}_%s")
    names = {way.name for way in ways}
    form.fields["reason"].required = not settings.REASON_REQUIRED.isdisjoint(names)
    return form


def _undone(request: DeskRequest, ways: list[WayBack], saved: Saved) -> HttpResponse:
    """The row with the old value, or the profile with a message."""
    profile = answers.profile_of(request, saved.customer_id)
    note = wording.UNDONE if saved.values else wording.HELD_ALREADY
    if not answers.wants_fragment(request):
        messages.success(request, wording.ABOUT % {"field": _labels(ways), "message": note})
        return redirect("profile", saved.customer_id)
    field = FIELDS[ways[0].name]
    if saved.values:
        profile = edit.with_value(profile, field, saved.values[field.name])
    context = {
        "row": edit.row_of(profile, field, saved.entries),
        "saved": True,
        "note": note,
        "confirm": bool(saved.values),
        "change_id": saved.change_id,
    }
    return render(request, "customers/_field.html", context)


def _not_undone(
    request: DeskRequest, ways: list[WayBack], token: FormToken, exc: NotSaved, reason: str
) -> HttpResponse:
    customer_id, is_fragment = ways[0].entry.customer_id, answers.wants_fragment(request)
    match exc:
        case outcomes.Conflict():
            return _both_values(request, ways, exc, reason)
        case outcomes.Refused():
            return _editor(request, ways, exc, reason)
        case outcomes.InUse():
            raise answers.in_use(exc, [way.name for way in ways]) from None
        case outcomes.Unknown() if is_fragment:
            forget_profile(request.session, customer_id)
            way = ways[0]
            row = edit.row_of(answers.read_and_remember(request, customer_id)[0], FIELDS[way.name])
            text = row.field.text(way.entry.old) or wording.TO_BE_CLEARED
            context = {"row": row, "change_id": token.change_id, "typed": text}
            return render(request, "customers/_field_unknown.html", context, status=exc.status)
        case outcomes.Unknown() | outcomes.Pending():
            forget_profile(request.session, customer_id)
            messages.warning(request, f"{exc.title} {exc.text}")
            return answers.lead(request, reverse("profile", args=[customer_id]))
    raise exc


def _both_values(
    request: DeskRequest, ways: list[WayBack], exc: outcomes.Conflict, reason: str
) -> HttpResponse:
    """The saved value and the one that Club Med holds instead, to choose from."""
    profile = exc.profile
    remember_profile(request.session, profile, reading.newest(profile.customer_id))
    ways = [way.over(profile) for way in ways]
    first = ways[0].entry
    if not any(way.moved for way in ways):  # it was put back by somebody else
        return _undone(request, ways, Saved(first.change_id, first.customer_id, {}))
    token = form_token.mint(
        actor=request.actor,
        form=_form_name(first.change_id),
        values={way.name: way.now for way in ways},
    )
    form = UndoForm(initial={"reason": reason})
    return _page(request, ways, "customers/_undo_conflict.html", token, form, exc)


def _page(
    request: DeskRequest,
    ways: list[WayBack],
    fragment: str,
    token: str,
    form: UndoForm,
    notice: NotSaved | None = None,
) -> HttpResponse:
    """The question to answer first. token: of the values on the page, "" if there are none."""
    first = ways[0].entry
    context = {
        "customer_id": first.customer_id,
        "change_id": first.change_id,
        "record": ProfilePage(answers.profile_of(request, first.customer_id), {}),
        "labels": _labels(ways),
        "ways": ways,
        "token": token,
        "form": form,
        "notice": notice,
    }
    return answers.page_or_fragment(request, "customers/undo.html", fragment, context)


def _editor(
    request: DeskRequest, ways: list[WayBack], exc: outcomes.Refused, reason: str
) -> HttpResponse:
    """The editor with the old values, and why Club Med refuses them; of several that of a group."""
    first, field = ways[0].entry, FIELDS[ways[0].name]
    profile = answers.read_and_remember(request, first.customer_id)[0]
    if len(ways) == 1:
        editing = edit.editing_of(field, profile, request.actor, reason)
        show = partial(edit.editor, request, field)
    else:
        editing = group.editing_of(field.group, profile, request.actor, reason)
        show = partial(group.editor, request, field.group)
    old = {way.name: way.entry.old for way in ways if not FIELDS[way.name].sensitive}
    form = ProfileForm(editing, values=old)
    form.reverts = first.change_id
    form.forgive()
    form.add_refusal(exc)
    return show(form, exc)


def _labels(ways: list[WayBack]) -> str:
    return ", ".join(FIELDS[way.name].label for way in ways)


def _form_name(change_id: UUID) -> str:
    return f"undo/{change_id}"
