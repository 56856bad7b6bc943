"""What every request passes: proxy, headers, who is there and may they, and errors as pages."""

import logging
import secrets
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any
from urllib.parse import urlencode
from zoneinfo import available_timezones

from django import http
from django.conf import settings
from django.contrib.sessions import middleware as sessions
from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.exceptions import SessionInterrupted
from django.db import DatabaseError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CsrfViewMiddleware
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.utils.functional import Promise, SimpleLazyObject

from crmadmin import counters, error_pages, logs
from crmadmin.sso import renewal
from crmadmin.sso.ending import let_forms_lead_there
from crmadmin.sso.presence import note_end
from crmadmin.sso.sessions import actor_of, expire, ours
from customers import wording
from customers.access import Actor, Permission
from customers.audit import reading, verification
from customers.audit.models import Access, Change
from customers.services.connection import client, locale_of
from customers.services.markets import current_market
from customers.services.outcomes import LimitReached, NeedsSignIn, NotSaved
from customers.services.search_terms import is_customer_number
from customers.session import put_aside
from customers.views.answers import (
    DeskRequest,
    chosen_markets,
    markets_at_hand,
    note_at_door,
    set_cookie,
    wants_fragment,
)

GetResponse = Callable[[HttpRequest], HttpResponse]
logger = logging.getLogger(__name__)
_zones = cache(available_timezones)
_METHODS = ("GET", "HEAD", "POST")  # of a view that does not say less


def trusted_proxy(get_response: GetResponse) -> GetResponse:
    """Believe X-Forwarded-Proto and X-Forwarded-For if the caller is one of TRUSTED_PROXIES.

    `request.address` is the nearest caller that is none of them; "" if that is not known.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        caller = _address(request.META.get("REMOTE_ADDR", ""))
        if _is_proxy(caller):
            if request.headers.get("X-Forwarded-Proto") == "https":
                request.META["wsgi.url_scheme"] = "https"
            hops = request.headers.get("X-Forwarded-For", "").split(",")
            before = map(_address, reversed(hops))
            caller = next((hop for hop in before if not _is_proxy(hop)), None)
        request.address = str(caller or "")  # type: ignore[attr-defined]
        return get_response(request)

    return middleware


def _address(text: str) -> IPv4Address | IPv6Address | None:
    """The IP address in a text; None if there is none, as of a Unix socket."""
    try:
        address = ip_address(text.strip().partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _is_proxy(caller: IPv4Address | IPv6Address | None) -> bool:
    return caller is not None and any(caller in network for network in settings.TRUSTED_PROXIES)


_OF_NO_USE = (
    *("accelerometer", "camera", "display-capture", "geolocation", "gyroscope"),
    *("magnetometer", "microphone", "midi", "payment", "usb"),
)


def browser_rules(get_response: GetResponse) -> GetResponse:
    """Tell browsers, with every answer and file: use no device, let no other site load this."""
    policy = ", ".join(f"{name}=()" for name in _OF_NO_USE)

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response["Permissions-Policy"] = policy
        response["Cross-Origin-Resource-Policy"] = "same-origin"
        return response

    return middleware


def answer_headers(get_response: GetResponse) -> GetResponse:
    """Give each request a reference; have no page stored, and no fragment taken for a page."""

    def middleware(request: HttpRequest) -> HttpResponse:
        began = time.monotonic()
        request.id = secrets.token_hex(6)  # type: ignore[attr-defined]
        reset = logs.current_request.set(request.id)  # type: ignore[attr-defined]
        response = get_response(request)
        response["X-Request-ID"] = request.id  # type: ignore[attr-defined]
        response["Cache-Control"] = "no-store"
        patch_vary_headers(response, ["HX-Request"])
        seconds, status = time.monotonic() - began, response.status_code
        is_open = client().breaker.is_open
        counters.count_answer(_route(request), status, seconds, breaker_is_open=is_open)
        about = {"method": request.method, "route": _route(request), "status": status}
        level = logging.ERROR if status >= 500 else logging.INFO
        logger.log(level, "answered", extra=about | {"ms": round(seconds * 1000)})
        logs.current_request.reset(reset)
        return response

    return middleware


def reader_zone(get_response: GetResponse) -> GetResponse:
    """Show times in the zone of the person's browser, which its script puts into a cookie."""

    def middleware(request: HttpRequest) -> HttpResponse:
        zone = request.COOKIES.get(settings.ZONE_COOKIE_NAME, "")
        # Nothing is taken back afterwards: an export is streamed once the answer has passed here.
        timezone.activate(zone if zone in _zones() else settings.READER_ZONE)
        return get_response(request)

    return middleware


class SessionMiddleware(sessions.SessionMiddleware):
    """Django's, but an answer is sent even if its session cannot be stored: a change may have been
    made. A cookie identifies the browser after a sign-in, and who signed in there last.
    """

    def process_request(self, request: HttpRequest) -> None:
        super().process_request(request)
        name, age = settings.BROWSER_COOKIE_NAME, settings.BROWSER_COOKIE_AGE
        cookie = request.get_signed_cookie(name, "", max_age=age) or ""
        request.browser, _, request.was_last = cookie.partition(".")  # type: ignore[attr-defined]

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        session = ours(request.session)
        if session.ended_at and not session.is_new:
            note_end(response, session.ended_at)
        if session.is_new:
            name, age = settings.BROWSER_COOKIE_NAME, settings.BROWSER_COOKIE_AGE
            cookie = f"{request.browser}.{request.was_last}"  # type: ignore[attr-defined]
            set_cookie(response, name, cookie, max_age=age, signed=True)
        try:
            return super().process_response(request, response)
        except SessionInterrupted:
            logger.error("%s answered, and its session could not be kept", request.id)  # type: ignore[attr-defined]
            return response


def _is_whole(request: HttpRequest) -> bool:
    """Did the whole body arrive? A form that was cut off may have lost the end of a value."""
    try:
        length = int(request.META.get("CONTENT_LENGTH") or "0")
        return request.method != "POST" or len(request.body) == length
    except (http.UnreadablePostError, ValueError):
        return False


class AccessMiddleware:
    """Deny by default: a view without a rule is refused, and a rule holds for every request.

    An address with something that cannot be a customer_id (contract 3) leads to no view.
    What a verb raised, and a wrong method, become pages.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: DeskRequest) -> HttpResponse:
        if not _is_whole(request):
            return error_pages.bad_request(request)
        try:
            actor = actor_of(request.session)
            gone = expire(request.session)
        except DatabaseError:
            return error_pages.failed(request, error_pages.NO_DATABASE)
        if gone:
            note_at_door(request, Access.EXPIRED, actor=gone)
        chosen = current_market(chosen_markets(request))
        request.actor = actor and replace(actor, market=chosen)  # type: ignore[assignment]
        response = self.get_response(request)
        let_forms_lead_there(response, ours(request.session).identity)
        if not isinstance(response, http.HttpResponseNotAllowed):
            return response
        page = error_pages.answer(request, error_pages.WRONG_METHOD)
        page["Allow"] = response["Allow"]
        return page

    def process_view(
        self, request: DeskRequest, view: Any, args: Any, kwargs: Any
    ) -> HttpResponse | None:
        rule: tuple[Permission, ...] = getattr(view, "access_rule", ())
        if Permission.EVERYONE in rule:
            return None
        try:
            answer = _work(request)
        except Exception as exc:  # Django asks `process_exception` about views only
            if (answer := self.process_exception(request, exc)) is None:
                raise
        if answer is not None:
            return answer
        actor: Actor | None = request.actor
        if actor is None:
            return _ask_to_sign_in(request)
        number = kwargs.get("customer_id", "")
        if rule and all(map(actor.may, rule)):
            if request.method not in _METHODS:
                return http.HttpResponseNotAllowed(_METHODS)
            if "customer_id" in kwargs and not is_customer_number(number):
                return error_pages.answer(request, error_pages.NO_CUSTOMER_NUMBER)
            return None
        customer_id = number if is_customer_number(number) else ""
        about = {"customer_id": customer_id, "change_id": kwargs.get("change_id")}
        note_at_door(request, Access.REFUSED, **about)
        return error_pages.not_allowed(request)

    def process_exception(self, request: DeskRequest, exc: Exception) -> HttpResponse | None:
        if isinstance(exc, NeedsSignIn):
            return _ask_to_sign_in(request, wording.NEEDS_SIGN_IN)
        if isinstance(exc, LimitReached):
            return error_pages.limited(request, exc)
        if isinstance(exc, NotSaved):
            return error_pages.answer(request, exc)
        if not isinstance(exc, http.Http404):
            # Where it happened, without the exception's text: that may hold what somebody typed.
            frames = "".join(traceback.format_tb(exc.__traceback__))
            logger.error("%s failed: %s\n%s", request.id, type(exc).__name__, frames)
        if isinstance(exc, OperationalError):  # it went away in the middle of the request
            return error_pages.failed(request, error_pages.DATABASE_LOST)
        return None


def _work(request: DeskRequest) -> HttpResponse | None:
    """Note that a signed-in person works, and ask the company about them if it is time.

    A request that a page makes by itself is no work.
    """
    actor: Actor | None = request.actor
    is_background = "X-Background" in request.headers
    if actor is None or (is_background and not renewal.is_overdue(request)):
        return None
    if not is_background:
        with suppress(UpdateError):  # it has just ended, or the next request will note it
            ours(request.session).touch()
    if renewal.must_confirm(request):
        return _ask_to_sign_in(request, wording.CONFIRM_SIGN_IN)
    return renewal.renew(request)


def _ask_to_sign_in(request: DeskRequest, why: str | Promise = "") -> HttpResponse:
    """Redirect a page to the sign-in; tell htmx and a form, whose text is put aside meanwhile.

    why: of somebody who is signed in. Nobody is redirected then: a sign-in that changes nothing
    would go round and round.
    """
    is_kept, come_back = True, request.get_full_path()
    if request.method == "POST":
        # Another site must not start a session here, nor fill the table with its forms.
        check = CsrfViewMiddleware(error_pages.bad_request)
        check.process_request(request)
        is_ours = check.process_view(request, error_pages.bad_request, (), {}) is None
        is_kept = is_ours and put_aside(request.browser, request.path, request.POST)
        come_back = request.path
    elif wants_fragment(request):
        come_back = _page_of(request)
    elif not why and not ours(request.session).was_ended:
        # After a sign-out nothing signs in again without a click.
        place = "signed-out" if request.COOKIES.get(settings.SIGNED_OUT_COOKIE_NAME) else "login"
        return redirect(f"{reverse(place)}?{urlencode({'next': come_back})}")
    return error_pages.sign_in(request, come_back=come_back, is_kept=is_kept, why=why)


def _page_of(request: DeskRequest) -> str:
    """The page that a fragment is asked for, as htmx says; "/" if that is none of ours."""
    try:
        return request.htmx.current_url_abs_path or "/"
    except ValueError:  # no address at all
        return "/"


def page_context(request: HttpRequest) -> dict[str, Any]:
    """What base.html needs on every page. section: the entry of the main menu that we are in."""
    name = request.resolver_match.url_name if request.resolver_match else None
    sections = {None: "", "create": "create", "saves": "", "integrity": "integrity"}
    sections |= {"activity": "activity", "findings": "activity"}
    usual = "log" if _route(request).startswith("audit/") else "find"
    actor = getattr(request, "actor", None)
    if actor is not None:
        sections["sessions"] = "log" if actor.may_end_sessions else ""
    return {
        "page_name": name,
        "section": sections.get(name, usual),
        "actor": actor,
        "market": locale_of(actor),
        "markets": markets_at_hand(request),
        "unseen_by_author": SimpleLazyObject(lambda: _unseen(request, actor)),
        "outage": actor is not None and actor.may_handle_customers and client().breaker.is_open,
        "environment_name": settings.ENVIRONMENT_NAME,
        "log_is_broken": SimpleLazyObject(lambda: _log_is_broken(request)),
    }


def _route(request: HttpRequest) -> str:
    """The pattern of the address, "" if there is no such page."""
    return (request.resolver_match and request.resolver_match.route) or ""


def _log_is_broken(request: HttpRequest) -> bool:
    """Did the last check say so? Asked for by whole pages of the log only."""
    try:
        return _is_of_the_log(request) and verification.is_broken()
    except DatabaseError:  # this may be the page that says so
        return False


def _is_of_the_log(request: HttpRequest) -> bool:
    route = _route(request)
    return route.startswith("audit/") or route.endswith("history/")


def _unseen(request: HttpRequest, actor: Actor | None) -> list[Change]:
    """The person's changes that were settled without them. Only whole pages ask, and not those of
    the log.
    """
    if actor is not None and actor.may_handle_customers and not _is_of_the_log(request):
        with suppress(DatabaseError):  # this may be the page that says so
            return reading.unseen_by_author(actor)
    return []
