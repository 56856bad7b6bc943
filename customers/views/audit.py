"""The log: who changed which field, when, from what to what. Newest first."""

from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from customers.access import Permission, allow
from customers.audit import queries
from customers.fields import FIELDS
from customers.http import DeskRequest, check_customer_number
from customers.models import Change, ChangeQuerySet, JournalLine


@allow(Permission.LOG)
@require_safe
def log(request: DeskRequest) -> HttpResponse:
    """Everything, for supervisors and auditors."""
    waiting = JournalLine.objects.order_by("-sent_at")[: queries.PAGE]
    return _pages(request, "audit/log.html", Change.objects.all(), {"waiting": waiting})


@allow(Permission.CUSTOMER_HISTORY)
@require_safe
def customer_history(request: DeskRequest, customer_id: str) -> HttpResponse:
    """One customer's timeline."""
    check_customer_number(customer_id)
    changes = Change.objects.of_customer(customer_id)
    waiting = JournalLine.objects.filter(customer_id=customer_id)
    context = {"customer_id": customer_id, "waiting": waiting}
    return _pages(request, "audit/history.html", changes, context)


@allow(Permission.CUSTOMER_HISTORY)
@require_safe
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
def change(request: DeskRequest, change_id: UUID) -> HttpResponse:
    """One change: every field, its outcome, who and why."""
    found = queries.with_entries(Change.objects.filter(pk=change_id))
    if not found:
        raise Http404
    return render(request, "audit/change.html", {"change": found[0]})


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
