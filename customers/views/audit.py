"""The log: who changed which field, when, from what to what. Newest first."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from customers.access import Permission, allow
from customers.audit import queries
from customers.audit.models import Access, Change, ChangeQuerySet, JournalLine
from customers.catalogue.fields import FIELDS
from customers.clubmed.errors import ClubMedError, NotFoundError
from customers.forms.profile import SettleForm
from customers.services import desk as services
from customers.session import kept, tokens
from customers.views import notices
from customers.views.http import (
    DeskRequest,
    check_customer_number,
    lead,
    looked,
    looks,
    wants_fragment,
)


@allow(Permission.LOG)
@require_safe
@looks(Access.AUDIT)
def log(request: DeskRequest) -> HttpResponse:
    """Everything, for supervisors and auditors."""
    context = {"waiting": queries.waiting()}
    return _pages(request, "audit/log.html", Change.objects.all(), context)


@allow(Permission.CUSTOMER_HISTORY)
@require_safe
@looks(Access.AUDIT)
def customer_history(request: DeskRequest, customer_id: str) -> HttpResponse:
    """One customer's timeline."""
    check_customer_number(customer_id)
    changes = Change.objects.of_customer(customer_id)
    context = {"customer_id": customer_id, "waiting": queries.waiting(customer_id)}
    return _pages(request, "audit/history.html", changes, context)


@allow(Permission.CUSTOMER_HISTORY)
@require_safe
@looks(Access.AUDIT)
def field_history(request: DeskRequest, customer_id: str, name: str) -> HttpResponse:
    """One field's history."""
    check_customer_number(customer_id)
    if name not in FIELDS:
        raise Http404
    changes = Change.objects.of_customer(customer_id).of_field(name)
    context = {"customer_id": customer_id, "field": FIELDS[name]}
    return _pages(request, "audit/history.html", changes, context, field=name)


@allow(Permission.LOG)
@require_safe
@looks(Access.AUDIT)
def unsettled(request: DeskRequest) -> HttpResponse:
    """What is not known of anybody's changes, with what was found."""
    return render(request, "audit/unsettled.html", {"unsettled": queries.unsettled()})


@allow(Permission.CUSTOMERS)
@require_safe
def saves(request: DeskRequest) -> HttpResponse:
    """A person's own unsettled saves, and those that were settled since they last looked."""
    untold, unsettled = queries.untold(request.actor), queries.unsettled(request.actor)
    settled = [change for change in untold if change not in unsettled.changes]
    page = render(request, "audit/saves.html", {"settled": settled, "unsettled": unsettled})
    queries.tell(untold)
    shown: list[Change | JournalLine] = [*settled, *unsettled.waiting, *unsettled.changes]
    for customer_id in {one.customer_id for one in shown if one.customer_id}:
        looked(request, page, Access.VIEW, customer_id)
    for create in (one for one in shown if not one.customer_id):
        looked(request, page, Access.VIEW, "", create.pk)
    return page


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
        back = kept.take_own(
            request.session, request.path, actor=request.actor, form=_form_name(change_id)
        )
        return change_page(request, change_id, SettleForm(typed=back))
    form = SettleForm(request.POST)
    if not form.is_valid():
        return change_page(request, change_id, form, status=422)
    try:
        services.settle_change(
            change_id,
            landed=form.cleaned_data["landed"],
            reason=form.cleaned_data["reason"],
            customer_id=form.cleaned_data["customer_id"],
            actor=request.actor,
            request_id=request.id,
        )
    except services.NotYoursToSettleError:
        messages.warning(request, "Nothing was recorded: this change is settled, or is your own.")
        return lead(request, reverse("change", args=[change_id]))
    except services.NoCustomerNumberError:
        form.add_error("customer_id", "Type the number of the customer that was created.")
        return change_page(request, change_id, form, status=422)
    except NotFoundError:
        form.add_error("customer_id", "Club Med knows no customer by this number.")
        return change_page(request, change_id, form, status=422)
    except (ClubMedError, services.NotRecordedError) as exc:
        failure = notices.not_done(exc, reading=isinstance(exc, ClubMedError))
        return change_page(request, change_id, form, failure=failure)
    messages.success(request, "Your decision is recorded.")
    return lead(request, reverse("change", args=[change_id]))


def change_page(
    request: DeskRequest,
    change_id: UUID,
    form: SettleForm,
    *,
    failure: notices.Message | None = None,
    reveal: dict[str, Any] | None = None,
    status: int = 200,
) -> HttpResponse:
    """All that is recorded of a change; for htmx the form of a decision alone.

    form: of a decision. reveal: as `revealing` fills it in.
    """
    found = queries.with_entries(Change.objects.filter(pk=change_id))
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
        "token": tokens.mint(actor=request.actor, form=_form_name(change_id), seen={}),
    }
    status = failure.status if failure else status
    template = "audit/_settle.html" if wants_fragment(request) else "audit/change.html"
    page = render(request, template, context, status=status)
    return looked(request, page, Access.AUDIT, shown.customer_id, change_id)


def _form_name(change_id: UUID) -> str:
    return f"settle/{change_id}"


def _pages(
    request: DeskRequest,
    template: str,
    changes: ChangeQuerySet,
    context: dict[str, Any],
    *,
    field: str = "",
) -> HttpResponse:
    """A page of changes; `before` in the query string is where it starts."""
    start = request.GET.get("before", "")
    before = int(start) if start.isdecimal() and len(start) < 19 else None
    context |= {"page": queries.page(changes, before=before, field=field), "before": before}
    return render(request, template, context)
