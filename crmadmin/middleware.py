"""What every request passes: proxy, headers, who is there and may they, and errors as pages."""

import logging
import secrets
import traceback
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.sessions import middleware as sessions
from django.contrib.sessions.exceptions import SessionInterrupted
from django.db import DatabaseError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.middleware.csrf import CsrfViewMiddleware
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.functional import SimpleLazyObject

from crmadmin import error_pages, sso
from customers.access import Actor, Permission
from customers.audit import access_events, reading
from customers.audit.models import Access, Change
from customers.services.connection import is_answering, locale_of
from customers.services.markets import current_market
from customers.services.outcomes import NeedsSignIn, NotSaved
from customers.session import put_aside
from customers.views.answers import chosen_markets, is_customer_number, wants_fragment

GetResponse = Callable[[HttpRequest], HttpResponse]
logger = logging.getLogger(__name__)


class TrustedProxyMiddleware:
    """Believe a proxy that we know about the scheme; nobody else's word counts."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if (
            _is_trusted(request.META.get("REMOTE_ADDR", ""))
            and request.headers.get("X-Forwarded-Proto") == "https"
        ):
            request.environ["wsgi.url_scheme"] = "https"  # type: ignore[attr-defined]
        return self.get_response(request)


def _is_trusted(caller: str) -> bool:
    try:
        address = ip_address(caller)
    except ValueError:  # a Unix socket has none
        return False
    return any(address in network for network in settings.TRUSTED_PROXIES)


class AnswerHeadersMiddleware:
    """A reference for each request; no page is stored, and a fragment is not taken for a page."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.id = secrets.token_hex(6)  # type: ignore[attr-defined]
        response = self.get_response(request)
        response["X-Request-ID"] = request.id  # type: ignore[attr-defined]
        if response.status_code >= 500:  # the reference that the page names; no address, no value
            name = request.resolver_match.url_name if request.resolver_match else "-"
            logger.error("%s answered %s at %s", request.id, response.status_code, name)  # type: ignore[attr-defined]
        response["Cache-Control"] = "no-store"
        patch_vary_headers(response, ["HX-Request"])
        return response


class SessionMiddleware(sessions.SessionMiddleware):
    """An answer is never replaced because its session could not be kept.

    What was done is done; Django would say that the request was bad, and we that nothing was sent.
    """

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        try:
            return super().process_response(request, response)
        except SessionInterrupted:
            logger.error("%s answered, and its session could not be kept", request.id)  # type: ignore[attr-defined]
            return response


class AccessMiddleware:
    """Deny by default: a view without a rule is refused, and a rule is kept."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        try:
            actor = sso.actor_of(request.session)
        except DatabaseError:
            return error_pages.no_database(request)
        chosen = current_market(chosen_markets(request))
        request.actor = actor and replace(actor, market=chosen)  # type: ignore[attr-defined]
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Any, args: Any, kwargs: Any
    ) -> HttpResponse | None:
        rule: tuple[Permission, ...] = getattr(view, "access_rule", ())
        actor = request.actor  # type: ignore[attr-defined]
        if Permission.EVERYONE in rule:
            return None
        if actor is None:
            return self._sign_in_first(request)
        if not rule or not all(map(actor.may, rule)):
            number = kwargs.get("customer_id", "")
            access_events.note(
                Access.REFUSED,
                actor=actor,
                request_id=request.id,  # type: ignore[attr-defined]
                customer_id=number if is_customer_number(number) else "",
                change_id=kwargs.get("change_id"),
            )
            return error_pages.not_allowed(request)
        return None

    def _sign_in_first(self, request: HttpRequest) -> HttpResponse:
        if request.method == "POST":
            # Only a form of ours: another site must not start a session here, nor fill the table.
            check = CsrfViewMiddleware(self.get_response)
            check.process_request(request)
            own = check.process_view(request, self._sign_in_first, (), {}) is None
            is_kept = own and put_aside(request.session, request.path, request.POST)
            return error_pages.signed_out(request, come_back=request.path, is_kept=is_kept)
        if wants_fragment(request):
            here = request.htmx.current_url_abs_path  # type: ignore[attr-defined]
            return error_pages.signed_out(request, come_back=here, is_kept=True)
        return redirect(f"{reverse('login')}?{urlencode({'next': request.get_full_path()})}")


class ErrorPagesMiddleware:
    """What Club Med would not or could not do, and a wrong method, as pages."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if not isinstance(response, HttpResponseNotAllowed):
            return response
        page = error_pages.wrong_method(request)
        page["Allow"] = response["Allow"]
        return page

    def process_exception(self, request: HttpRequest, exc: Exception) -> HttpResponse | None:
        if isinstance(exc, NeedsSignIn):
            return self._sign_in_again(request)
        if isinstance(exc, NotSaved):
            return error_pages.answer(request, exc)
        # Where it happened, without the exception's text: that may hold what somebody typed.
        frames = "".join(traceback.format_tb(exc.__traceback__))
        if not isinstance(exc, Http404):
            logger.error("%s failed: %s\n%s", request.id, type(exc).__name__, frames)  # type: ignore[attr-defined]
        return None

    def _sign_in_again(self, request: HttpRequest) -> HttpResponse:
        """Never a redirect: a sign-in that changes nothing would go round and round."""
        if request.method == "POST":
            is_kept = put_aside(request.session, request.path, request.POST)
            return error_pages.sign_in_again(request, come_back=request.path, is_kept=is_kept)
        here = request.get_full_path()
        if wants_fragment(request):
            here = request.htmx.current_url_abs_path  # type: ignore[attr-defined]
        return error_pages.sign_in_again(request, come_back=here, is_kept=True)


def page_context(request: HttpRequest) -> dict[str, Any]:
    """What base.html needs on every page. section: the entry of the main menu that we are in."""
    match = request.resolver_match
    name = match.url_name if match else None
    sections = dict.fromkeys(("log", "change", "settle", "reveal-change", "unsettled"), "log")
    sections |= {"create": "create", "saves": ""}
    actor = getattr(request, "actor", None)
    return {
        "page_name": name,
        "section": sections.get(name or "", "find" if name else ""),
        "actor": actor,
        "market": locale_of(actor),
        "markets": chosen_markets(request) or [locale_of(actor)],
        "unseen_by_author": SimpleLazyObject(partial(_unseen, actor)),
        "outage": actor is not None and actor.may_handle_customers and not is_answering(),
        "environment_name": settings.ENVIRONMENT_NAME,
    }


def _unseen(actor: Actor | None) -> list[Change]:
    """The person's changes that were settled without them; asked for by whole pages only."""
    if actor is None or not actor.may_handle_customers:
        return []
    try:
        return reading.unseen_by_author(actor)
    except DatabaseError:  # this may be the page that says so
        return []
