"""The profile of a customer."""

from functools import partial

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from customers.access import Permission, allow
from customers.audit import reading
from customers.audit.models import Access
from customers.catalogue.fields import unknown_values
from customers.catalogue.markets import market_of
from customers.services.markets import refresh_market
from customers.views.answers import DeskRequest, read_and_remember, records_access
from customers.views.record import ProfilePage


@allow(Permission.CUSTOMERS)
@require_safe
@records_access(Access.VIEW)
def profile(request: DeskRequest, customer_id: str) -> HttpResponse:
    """The whole record, read from Club Med now."""
    found = read_and_remember(request, customer_id)
    context = {
        "waiting": reading.waiting(customer_id),
        "record": ProfilePage(found, reading.newest_by_field(customer_id)),
        "unknown": unknown_values(found),
        "trail": reading.trail(customer_id),
    }
    answer = render(request, "customers/profile.html", context)
    # For the editors that may follow; Django calls it once the answer is out, so nobody waits.
    refresh = partial(refresh_market, market_of(found), actor=request.actor)
    answer._resource_closers.append(refresh)  # type: ignore[attr-defined]
    return answer
