"""The profile of a customer."""

from functools import partial
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from customers import form_token, session
from customers.access import Permission, allow
from customers.audit import reading
from customers.audit.models import Access
from customers.catalogue.fields import unknown_values
from customers.catalogue.markets import market_of
from customers.forms.reason import ReasonForm
from customers.services.markets import refresh_market
from customers.views.answers import DeskRequest, read_and_remember, records_access
from customers.views.record import ProfilePage


@allow(Permission.CUSTOMERS)
@require_safe
@records_access(Access.VIEW, limited=True)
def profile(request: DeskRequest, customer_id: str) -> HttpResponse:
    """The whole record, read from Club Med now."""
    return profile_page(request, customer_id)


def profile_page(
    request: DeskRequest, customer_id: str, why: ReasonForm | None = None
) -> HttpResponse:
    """The page. why: the reason bar as it was sent; None for the stored reason."""
    profile, history = read_and_remember(request, customer_id)
    record = ProfilePage(profile, history.changed)
    session.remember_name(request.session, customer_id, record.name or record.native_name)
    session.drop_reason_of_others(request.session, customer_id)
    context = bar(request, customer_id, why) | {
        "waiting": reading.waiting(customer_id) if history.is_waiting else [],
        "record": record,
        "unknown": unknown_values(profile),
        "trail": history.trail,
    }
    status = 422 if why and why.is_wrong else 200
    answer = render(request, "customers/profile.html", context, status=status)
    # For the editors that may follow; Django calls it once the answer is out, so nobody waits.
    refresh = partial(refresh_market, market_of(profile), actor=request.actor)
    answer._resource_closers.append(refresh)  # type: ignore[attr-defined]
    return answer


def bar(request: DeskRequest, customer_id: str, why: ReasonForm | None = None) -> dict[str, Any]:
    """The context of `customers/_reason.html`."""
    reason = session.reason_of(request.session, customer_id)
    token = form_token.mint(actor=request.actor, form=f"{customer_id}/reason", values={})
    why = why or ReasonForm(reason=reason)
    return {"customer_id": customer_id, "why": why, "why_token": token}
