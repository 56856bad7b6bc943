"""Putting back what a change replaced, by a supervisor."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.urls import reverse

from customers import form_token, wording
from customers.access import Permission, allow
from customers.audit import reading
from customers.audit.around import around
from customers.audit.models import Access, Change
from customers.catalogue.fields import FIELDS
from customers.form_token import FormToken
from customers.forms.revert import RevertForm
from customers.services import outcomes
from customers.services.outcomes import NotSaved
from customers.services.revert import WayBack, revert_change, ways_back
from customers.session import reason_of
from customers.views import answers
from customers.views.answers import DeskRequest, Notice


@allow(Permission.REVERT)
def revert(request: DeskRequest, change_id: UUID) -> HttpResponse:
    """What can be put back, over what Club Med holds now; POST puts it back."""
    changes = reading.with_entries(Change.objects.filter(pk=change_id))
    change = next(iter(changes), None)
    if change is None or change.is_of_the_log:
        raise Http404
    if request.method == "POST":
        return _put_back(request, change)
    answers.stay_within(request, Access.VIEW, customer_id=change.customer_id)
    ways = ways_back(change)
    if any(not way.obstacle for way in ways):
        profile = answers.read_and_remember(request, change.customer_id)[0]
        ways = [way.over(profile) for way in ways]
    reason = reason_of(request.session, change.customer_id)
    form = RevertForm(ways, reason=reason, **answers.form_arguments(request, _form_name(change)))
    answer = _page(request, change, form)
    number = change.customer_id
    return answers.note_access(request, answer, Access.VIEW, limited=True, customer_id=number)


def part_of_page(request: DeskRequest, change: Change) -> dict[str, Any]:
    """The context of the form on the page of the change; Club Med is not asked."""
    ways = ways_back(change) if request.actor.may_revert else []
    if all(way.obstacle for way in ways):
        return {}
    reason = reason_of(request.session, change.customer_id)
    return {
        "revert_form": RevertForm(ways, reason=reason),
        "revert_token": _mint(request, change, ways),
    }


def _put_back(request: DeskRequest, change: Change) -> HttpResponse:
    form = RevertForm(ways_back(change), request.POST)
    token = form_token.read(
        request.POST.get("token", ""), actor=request.actor, form=_form_name(change)
    )
    if token is None:
        return _page(request, change, form, answers.Note(text=wording.FORM_EXPIRED))
    if not form.is_valid():
        return _page(request, change, form, token=token)
    try:
        saved = revert_change(
            form.chosen,
            token=token,
            actor=request.actor,
            request_id=request.id,
            reason=form.cleaned_data["reason"],
            force_address=form.cleaned_data["force_address"],
        )
    except NotSaved as exc:
        return _not_put_back(request, change, form, token, exc)
    if not saved.values:
        messages.success(request, wording.HELD_ALREADY)
        return answers.lead(request, _place(change.pk))
    fields = ", ".join(FIELDS[name].label for name in saved.values)
    messages.success(request, wording.PUT_BACK % {"fields": fields})
    return answers.lead(request, _place(saved.change_id))


def _not_put_back(
    request: DeskRequest, change: Change, form: RevertForm, token: FormToken, exc: NotSaved
) -> HttpResponse:
    """The form again, or the page that tells the outcome."""
    match exc:
        case outcomes.Conflict():
            ways = [way.over(exc.profile) for way in ways_back(change)]
            form = RevertForm(ways, draft=request.POST)
            told = wording.MOVED_TEXT if form.possible else wording.NOT_PUT_BACK
            notice = outcomes.Clash(wording.MOVED, told)
            return _page(request, change, form, notice)
        case outcomes.Unknown() | outcomes.Pending():
            messages.warning(request, f"{exc.title} {exc.text}")
            return answers.lead(request, _place(token.change_id))
        case outcomes.AlreadySent():
            return _page(request, change, form, answers.sent_before(exc))
        case outcomes.InUse():
            exc = answers.in_use(exc, [way.name for way in form.chosen])
        case outcomes.Refused():
            form.add_refusal(exc)
    return _page(request, change, form, exc, token=token)


def _page(
    request: DeskRequest,
    change: Change,
    form: RevertForm,
    notice: Notice = None,
    *,
    token: FormToken | None = None,
) -> HttpResponse:
    """token: the form's own, while it is good; else it gets a new one over what is shown."""
    context = {
        "change": change,
        "around": around(change),
        "form": form,
        "notice": notice,
        "token": request.POST["token"] if token else _mint(request, change, form.ways),
    }
    pages = "audit/revert.html", "audit/_revert.html"
    answer = answers.page_or_fragment(request, *pages, context)
    of: dict[str, Any] = {"customer_id": change.customer_id, "change_id": change.pk}
    return answers.note_access(request, answer, Access.AUDIT, **of)


def _mint(request: DeskRequest, change: Change, ways: Collection[WayBack]) -> str:
    values = {way.name: way.now for way in ways if way.profile and not way.obstacle}
    return form_token.mint(actor=request.actor, form=_form_name(change), values=values)


def _form_name(change: Change) -> str:
    return f"revert/{change.pk}"


def _place(change_id: UUID) -> str:
    return reverse("change", args=[change_id])
