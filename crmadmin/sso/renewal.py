"""Every SESSION_RENEW_MINUTES of work the company is asked again: may they work here, as what?

With a refresh token the server asks, else a page asks by way of the browser (`prompt=none`), and so
it does once a refresh token got no answer. A no ends the session. A provider that does not answer
changes nothing until SESSION_HOURS are over. Whoever opens no page, by which it could be asked, has
to after as many minutes more.
"""

import logging
import time
from collections.abc import Mapping
from dataclasses import replace
from math import inf
from typing import Any

import requests
from authlib.common.errors import AuthlibBaseError
from django.conf import settings
from django.contrib.sessions.backends.base import UpdateError
from django.http import HttpResponse
from django.shortcuts import redirect

from crmadmin.sso import attempts, claims, sessions
from crmadmin.sso.claims import Answer
from crmadmin.sso.provider import (
    UNACCEPTABLE,
    SignInError,
    UsedUpError,
    cause_of,
    end_session_origin,
    provider,
    read_again,
)
from customers.audit.models import Access
from customers.audit.statements import give_back_connection
from customers.views.answers import DeskRequest, note_at_door

logger = logging.getLogger(__name__)
_NOTHING: Mapping[str, Any] = {}
_LONGEST_HINT = 4_000  # characters of an id_token in an address; else the user name is the hint
_AGAIN = 60  # seconds until a provider that did not answer is asked again
# What a provider calls a no, to a refresh token and to `prompt=none`.
_NO = {
    *("invalid_grant", "access_denied", "login_required", "interaction_required"),
    *("consent_required", "account_selection_required"),
}


def private(answer: Answer, former: Mapping[str, Any] = _NOTHING) -> dict[str, Any]:
    """What a session keeps for its renewals and its end. former: what it has kept until now."""
    token, now = answer.token, time.time()
    id_token = token.get("id_token", former.get("id_token", ""))
    return {
        "id_token": id_token if len(id_token) <= _LONGEST_HINT else "",
        "login": claims.login_of(answer.claims) or former.get("login", ""),
        "refresh_token": _refresh_token(token),
        "nonce": answer.claims.get("nonce", former.get("nonce", "")),
        "groups_are_signed": answer.groups_are_signed or former.get("groups_are_signed", False),
        "end_session_origin": end_session_origin(),
        "renew_at": now + settings.SESSION_RENEW_MINUTES * 60,
        "overdue_at": now + 2 * settings.SESSION_RENEW_MINUTES * 60,
    }


def _refresh_token(token: dict[str, Any]) -> str:
    """The next one, "" if there is none for renewals: a person's own token for Club Med is renewed
    with it, and it is good once.
    """
    refresh = "" if settings.CLUBMED_AUTH == "employee" else token.get("refresh_token")
    return refresh if isinstance(refresh, str) else ""


def renew(request: DeskRequest) -> HttpResponse | None:
    """Ask the company if it is time, one request at a time.

    `request.actor` is then as the company says, None if the session has ended. Returns an answer
    that sends a page to the provider.
    """
    session = sessions.ours(request.session)
    identity = session.identity
    by_browser = not identity.get("refresh_token")
    must = by_browser and is_overdue(request)
    is_due = must or time.time() >= identity.get("renew_at", inf)
    if not is_due or not can_ask(request):
        return None
    if not session.claim(identity | {"renew_at": time.time() + _AGAIN}) and not must:
        return None  # another request asks
    give_back_connection()
    try:
        if by_browser:
            return _ask_by_browser(request, identity)
        _ask_with_token(request, identity)
    except UNACCEPTABLE as exc:
        if isinstance(exc, UsedUpError):  # a second use may look like a theft: a page asks next
            session.claim(session.identity | {"refresh_token": ""})
        _not_renewed(request, exc, is_theirs=True)
    return None


def is_overdue(request: DeskRequest) -> bool:
    """Has the company said nothing for twice the time? A browser need not go where it is sent."""
    return time.time() >= float(sessions.ours(request.session).identity.get("overdue_at", inf))


def can_ask(request: DeskRequest) -> bool:
    """Is this a request by which the company can be asked?"""
    return bool(sessions.ours(request.session).identity.get("refresh_token")) or _is_page(request)


def must_confirm(request: DeskRequest) -> bool:
    """Is it overdue, and does this request have to wait until a page has asked?"""
    if not is_overdue(request) or can_ask(request):
        return False
    try:
        read_again()
        provider()
    except UNACCEPTABLE as exc:
        _not_renewed(request, exc, is_theirs=True)
        return False
    return True


def come_back(request: DeskRequest, attempt: attempts.Attempt) -> HttpResponse:
    """The browser comes back from `prompt=none`, to where it was."""
    if request.actor:  # else somebody signed out meanwhile: it begins no session
        try:
            _take(request, claims.redeem(request, attempt))
        except UNACCEPTABLE as exc:
            _not_renewed(request, exc, is_theirs=_is_down(exc))
    return redirect(attempt.target)


def _is_down(exc: Exception) -> bool:
    """Is the provider out of order, whatever the browser brought along?"""
    if isinstance(exc, requests.HTTPError):
        return exc.response.status_code >= 500
    return isinstance(exc, requests.ConnectionError | requests.Timeout)


def _is_page(request: DeskRequest) -> bool:
    """Does the browser itself open it, as a whole page to which it can come back?"""
    path = request.get_full_path()
    is_page = request.headers.get("Sec-Fetch-Mode", "navigate") == "navigate" and not request.htmx
    return request.method == "GET" and is_page and attempts.safe_target(request, path) == path


def _ask_with_token(request: DeskRequest, identity: dict[str, Any]) -> None:
    token = provider().refreshed(identity["refresh_token"])
    try:
        _take(request, claims.of_refreshed(token, request.actor, identity["nonce"]))
    except UNACCEPTABLE:  # and the former refresh token may be good no longer
        session = sessions.ours(request.session)
        session.claim(session.identity | {"refresh_token": _refresh_token(token)})
        raise


def _ask_by_browser(request: DeskRequest, identity: dict[str, Any]) -> HttpResponse:
    """The hint says who is meant, of several who are signed in at the provider."""
    read_again()  # the browser is only sent to a provider that answers now
    hints = {"id_token_hint": identity["id_token"], "login_hint": identity.get("login")}
    hint = next(({name: value} for name, value in hints.items() if value), {})
    path = request.get_full_path()
    return attempts.start(request, path, is_silent=True, prompt="none", **hint)


def _take(request: DeskRequest, answer: Answer) -> None:
    """Go on with the groups of now. Raises SignInError if the company speaks of somebody else."""
    session = sessions.ours(request.session)
    actor_before, actor_now = request.actor, claims.actor_from(answer.claims)
    if actor_now.key != actor_before.key:
        raise SignInError("the renewal speaks of somebody else")
    identity = session.identity
    members = private(answer, identity)
    if "id_token" not in answer.token and identity["groups_are_signed"] and not actor_now.roles:
        # This way tells no groups. The next page asks by way of the browser, which does.
        members |= {"refresh_token": "", "renew_at": 0}
        actor_now = actor_before
    if not actor_now.roles:
        claims.log_missing_groups(answer.claims, request.id)
        _end(request)
        return
    columns = {}
    if sid := answer.claims.get("sid"):
        columns["sid_digest"] = sessions.digest_of_sid(actor_now.issuer, str(sid))
    actor = identity["actor"] | {"roles": actor_now.roles, "reveals": actor_now.reveals}
    try:
        session.renew(identity | members | {"actor": actor}, **columns)
        request.actor = replace(actor_before, roles=actor_now.roles, reveals=actor_now.reveals)
    except UpdateError:  # it has ended meanwhile
        request.actor = None  # type: ignore[assignment]


def _not_renewed(request: DeskRequest, exc: Exception, *, is_theirs: bool) -> None:
    """A no ends the session; without a clear answer it goes on, and the process log says so.

    is_theirs: the fault is the provider's, and none that a browser can make up.
    """
    session = sessions.ours(request.session)
    is_no = isinstance(exc, AuthlibBaseError) and exc.error in _NO
    if is_no or (is_overdue(request) and not is_theirs):
        _end(request)
        return
    what = "%s: renewal: the provider gave no answer that counts: %s"
    logger.warning(what, request.id, cause_of(exc))
    if is_theirs:
        more = settings.SESSION_RENEW_MINUTES * 60
        session.claim(session.identity | {"overdue_at": time.time() + more})


def _end(request: DeskRequest) -> None:
    note_at_door(request, Access.ENDED)
    sessions.end(request.session)
    request.actor = None  # type: ignore[assignment]
