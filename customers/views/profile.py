"""The profile of a customer."""

from functools import partial

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from customers.access import Permission, allow
from customers.audit import reading
from customers.audit.models import Access
from customers.catalogue.markets import market_of
from customers.services.markets import refresh_market
from customers.services.read import read_profile
from customers.session import remember_shown
from customers.views.answers import (
    DeskRequest,
    afterwards,
    check_customer_number,
    records_access,
)
from customers.views.record import ProfilePage


@allow(Permission.CUSTOMERS)
@require_safe
@records_access(Access.VIEW)
def profile(request: DeskRequest, customer_id: str) -> HttpResponse:
    """The whole record, read from Club Med now."""
    check_customer_number(customer_id)
    found = read_profile(customer_id, actor=request.actor)
    remember_shown(request.session, found)
    context = {
        "waiting": reading.waiting(customer_id),
        "record": ProfilePage(found, reading.newest_by_field(customer_id)),
        "trail": reading.trail(customer_id),
    }
    # For the editors that may follow.
    refresh = partial(refresh_market, market_of(found), actor=request.actor)
    return afterwards(render(request, "customers/profile.html", context), refresh)
