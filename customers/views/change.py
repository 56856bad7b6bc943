"""One change: every field, its outcome, who and why."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from customers import form_token
from customers.access import Permission, allow
from customers.audit import reading
from customers.audit.models import Access, Change, JournalLine
from customers.forms.small import SettleForm
from customers.services.decide import settle_change
from customers.services.outcomes import (
    NotFound,
    NotSaved,
    NotYours,
    NumberMissing,
)
from customers.session import take_back_own
from customers.views.answers import (
    DeskRequest,
    failure_of,
    lead,
    note_access,
    wants_fragment,
)


@allow(Permission.LOG)
@require_safe
def change(request: DeskRequest, change_id: UUID) -> HttpResponse:
    """One change: every field, its outcome, who and why, and its place in the log."""
    return change_page(request, change_id, SettleForm())


@allow(Permission.SETTLE)
@require_http_methods(["GET", "HEAD", "POST"])
def settle(request: DeskRequest, change_id: UUID) -> HttpResponse:
    """A supervisor's word on an unclear change of somebody else's; GET: back from a sign-in."""
    if request.method != "POST":
        back = take_back_own(
            request.session, request.path, actor=request.actor, form=_form_name(change_id)
        )
        return change_page(request, change_id, SettleForm(typed=back))
    form = SettleForm(request.POST)
    if not form.is_valid():
        return change_page(request, change_id, form, status=422)
    try:
        settle_change(
            change_id,
            landed=form.cleaned_data["landed"],
            reason=form.cleaned_data["reason"],
            customer_id=form.cleaned_data["customer_id"],
            actor=request.actor,
            request_id=request.id,
        )
    except NotYours:
        messages.warning(request, "Nothing was recorded: this change is settled, or is your own.")
        return lead(request, reverse("change", args=[change_id]))
    except NumberMissing:
        form.add_error("customer_id", "Type the number of the customer that was created.")
        return change_page(request, change_id, form, status=422)
    except NotFound:
        form.add_error("customer_id", "Club Med knows no customer by this number.")
        return change_page(request, change_id, form, status=422)
    except NotSaved as exc:
        failure = failure_of(exc)
        return change_page(request, change_id, form, failure=failure)
    messages.success(request, "Your decision is recorded.")
    return lead(request, reverse("change", args=[change_id]))


def change_page(
    request: DeskRequest,
    change_id: UUID,
    form: SettleForm,
    *,
    failure: NotSaved | None = None,
    reveal: dict[str, Any] | None = None,
    status: int = 200,
) -> HttpResponse:
    """All that is recorded of a change; for htmx the form of a decision alone.

    form: of a decision. reveal: as `revealing` fills it in.
    """
    found = reading.with_entries(Change.objects.filter(pk=change_id))
    line = JournalLine.objects.filter(pk=change_id).first()
    shown: Change | JournalLine | None = found[0] if found else line
    if shown is None:
        raise Http404
    context = {
        "change": found[0] if found else None,
        "line": line,
        "form": form,
        "failure": failure,
        "reveal": reveal,
        "token": form_token.mint(actor=request.actor, form=_form_name(change_id), seen={}),
    }
    status = failure.status if failure else status
    template = "audit/_settle.html" if wants_fragment(request) else "audit/change.html"
    page = render(request, template, context, status=status)
    return note_access(request, page, Access.AUDIT, shown.customer_id, change_id)


def _form_name(change_id: UUID) -> str:
    return f"settle/{change_id}"
