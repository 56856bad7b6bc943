"""What our middleware adds to a request, typed once."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from django.core.signing import BadSignature
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django_htmx.http import HttpResponseClientRedirect
from django_htmx.middleware import HtmxDetails

from customers.access import Actor
from customers.audit import access_events
from customers.audit.models import Access
from customers.services.outcomes import NeedsSignIn, NotSaved
from customers.services.search_terms import is_customer_number

Answering = Callable[..., HttpResponse]


class DeskRequest(HttpRequest):
    """A request as a view behind a rule gets it."""

    htmx: HtmxDetails
    actor: Actor
    id: str


MARKETS = "markets"  # the cookie's name


def chosen_markets(request: HttpRequest) -> list[str]:
    """Locales that were chosen in this browser, the current one first; [] if none ever was."""
    try:
        held = request.get_signed_cookie(MARKETS, "")
    except BadSignature:
        return []
    return (held or "").split()


class NotACustomerNumberError(Http404):
    """The address holds something that cannot be a customer_id (contract 3)."""


class NotEditableError(Http404):
    """There is no such field, or none that this product may change."""


def check_customer_number(customer_id: str) -> None:
    """Digits without a leading zero, or NotACustomerNumberError; nothing is asked of Club Med."""
    if not is_customer_number(customer_id):
        raise NotACustomerNumberError


def wants_fragment(request: HttpRequest) -> bool:
    """Asked by htmx for a part of the page; a boosted or history request wants the whole page."""
    htmx: HtmxDetails | None = getattr(request, "htmx", None)  # none where a request failed early
    return bool(htmx and not htmx.boosted and not htmx.history_restore_request)


def lead(request: HttpRequest, place: str) -> HttpResponse:
    """To another page; htmx, which would put it where the form was, has the browser open it."""
    return HttpResponseClientRedirect(place) if wants_fragment(request) else redirect(place)


def looks(kind: Access) -> Callable[[Answering], Answering]:
    """A view whose answers are looks, at the customer in its address where there is one."""

    def mark(view: Answering) -> Answering:
        @wraps(view)
        def noting(request: DeskRequest, **address: Any) -> HttpResponse:
            answer = view(request, **address)
            return looked(request, answer, kind, address.get("customer_id", ""))

        return noting

    return mark


def looked(
    request: DeskRequest,
    answer: HttpResponse,
    kind: Access,
    customer_id: str,
    change_id: UUID | None = None,
) -> HttpResponse:
    """The same answer, noted as a look unless it leads elsewhere.

    change_id: of the one change that was looked at; whose it was may turn out later.
    Where a save failed, the form still shows what was there; where nothing could be read, no answer
    of the view's comes this far.
    """
    if not 300 <= answer.status_code < 400 and "HX-Redirect" not in answer:
        access_events.note(
            kind,
            actor=request.actor,
            request_id=request.id,
            customer_id=customer_id,
            change_id=change_id,
        )
    return answer


def failure_of(exc: NotSaved) -> NotSaved:
    """What to say of it on the form's own page.

    Raises what only a new sign-in can mend: the way to it keeps what was typed, wherever that was.
    """
    if isinstance(exc, NeedsSignIn):
        raise exc
    return exc


def afterwards(response: HttpResponse, act: Callable[[], None]) -> HttpResponse:
    """Act once the answer is out, so that nobody waits for it: a server closes it then."""
    close = response.close

    def act_and_close() -> None:
        try:
            act()
        finally:
            close()

    response.close = act_and_close  # type: ignore[method-assign]
    return response


def typed_text(request: HttpRequest) -> list[tuple[str, str]]:
    """What a person typed into the form that was sent, for an answer that must give it back."""
    if request.method != "POST":
        return []
    try:
        posted = request.POST
    except Exception:  # it could not be read at all: that is what the answer is about
        return []
    chosen = {"token", "act", "add", "remove", "row", "field", "purpose"}  # and not typed
    hidden = {"csrfmiddlewaretoken", *chosen}
    return [
        (name, value)
        for name, values in posted.lists()
        if name not in hidden
        for value in values
        if value
    ]
