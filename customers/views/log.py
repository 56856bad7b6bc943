"""The log: who changed which field, when, from what to what. Newest first."""

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from customers.access import Permission, allow
from customers.audit import reading
from customers.audit.models import Access, Change, ChangeQuerySet
from customers.catalogue.fields import FIELDS
from customers.services.settle import give_up_creates
from customers.views.answers import DeskRequest, records_access


@allow(Permission.LOG)
@require_safe
@records_access(Access.AUDIT)
def log(request: DeskRequest) -> HttpResponse:
    """Everything, for supervisors and auditors."""
    return _pages(request, "audit/log.html", Change.objects.all(), waiting=reading.waiting())


@allow(Permission.CUSTOMER_HISTORY)
@require_safe
@records_access(Access.AUDIT)
def history(request: DeskRequest, customer_id: str, name: str = "") -> HttpResponse:
    """One customer's timeline, or that of one field. name: the field's."""
    if name and name not in FIELDS:
        raise Http404
    changes = Change.objects.of_customer(customer_id, field=name)
    context = {
        "customer_id": customer_id,
        "field": FIELDS.get(name),
        "waiting": [] if name else reading.waiting(customer_id),
    }
    return _pages(request, "audit/history.html", changes, name=name, **context)


@allow(Permission.LOG)
@require_safe
@records_access(Access.AUDIT)
def unsettled(request: DeskRequest) -> HttpResponse:
    """What is not known of anybody's changes, with what was found."""
    give_up_creates()
    return render(request, "audit/unsettled.html", {"unsettled": reading.unsettled()})


def _pages(
    request: DeskRequest, template: str, changes: ChangeQuerySet, *, name: str = "", **context: Any
) -> HttpResponse:
    """A page of changes; `before` in the query string is where it starts. name: of one field."""
    start = request.GET.get("before", "")
    before = int(start) if start.isdecimal() and len(start) < 19 else None
    context |= {"page": reading.page(changes, before=before, field=name), "before": before}
    return render(request, template, context)
