"""The pages of sign-in."""

import logging
import time
from dataclasses import replace
from typing import Any

import requests
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.base_client import MismatchingStateError
from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET

from crmadmin.sso import attempts, claims, ending, presence, renewal, sessions
from crmadmin.sso.claims import Answer
from crmadmin.sso.provider import UNACCEPTABLE, cause_of, provider, read_again
from customers.access import Actor, Permission, allow
from customers.audit import access_events
from customers.audit.models import Access
from customers.services import credentials
from customers.session import has_put_aside
from customers.views.answers import DeskRequest, note_at_door

logger = logging.getLogger(__name__)
NO_ATTEMPT = MismatchingStateError()


@allow(Permission.EVERYONE)
@require_GET
def login(request: DeskRequest) -> HttpResponse:
    """Send the browser to the provider; it comes back to `next`, a path of ours."""
    target = attempts.safe_target(request, request.GET.get("next", "/"))
    since, parameters = presence.required(request)
    try:
        return attempts.start(request, target, since=since, **parameters)
    except UNACCEPTABLE as exc:
        return _failed(request, exc, target)


@allow(Permission.EVERYONE)
@require_GET
def callback(request: DeskRequest) -> HttpResponse:
    """Answer an attempt, once. Opened again it leads on who is signed in."""
    attempt = attempts.of(request)
    if attempt is None or attempt.is_spent:
        target = attempt.target if attempt else "/"
        actor: Actor | None = request.actor
        return _lead_on(actor, target) if actor else _failed(request, NO_ATTEMPT, target)
    answer = renewal.come_back if attempt.is_silent else _redeem
    response = answer(request, attempt)
    attempts.spend(response, attempt)
    return response


def _redeem(request: DeskRequest, attempt: attempts.Attempt) -> HttpResponse:
    """Redeem the code, check the token, and start the person's session or refuse entry."""
    began = time.time()
    try:
        answer = claims.redeem(request, attempt)
        actor = claims.actor_from(answer.claims)
        presence.check(answer.claims, attempt.since)
        sign_in = _keep_own_token(answer.token, began) if actor.roles else ""
        private = renewal.private(answer)
    except presence.NotShownError as exc:
        return _failed(request, exc, attempt.target, whose=actor)
    except UNACCEPTABLE as exc:
        return _failed(request, exc, attempt.target)
    kind = Access.SIGN_IN if actor.roles else Access.REFUSED
    note_at_door(request, kind, actor=actor)
    if not actor.roles:
        sessions.end(request.session)
        return _no_access(request, actor, answer, private)
    access_events.know(actor, claims.login_of(answer.claims))
    actor, sid = replace(actor, sign_in=sign_in), str(answer.claims.get("sid") or "")
    sessions.begin(request, actor, sid=sid, **private)
    logger.info("signed in as %s", ", ".join(actor.roles))
    response = _lead_on(actor, attempt.target)
    presence.forget_end(response)
    return response


def _lead_on(actor: Actor, target: str) -> HttpResponse:
    if target == reverse("find") and not actor.may_handle_customers:
        target = reverse("log")
    return redirect(target)


def _no_access(request: DeskRequest, actor: Actor, answer: Answer, private: Any) -> HttpResponse:
    """Says why, and offers to sign out at the provider."""
    claims.log_missing_groups(answer.claims, request.id)
    context = {
        "name": actor.name,
        "why": claims.why_no_groups(answer.claims),
        "hint": ending.hint_of(private["id_token"]),
    }
    response = render(request, "no_access.html", context, status=403)
    ending.let_forms_lead_there(response, private)
    return response


def _keep_own_token(token: dict[str, Any], began: float) -> str:
    """Store a person's token where Club Med is called with it: its handle, "" elsewhere.

    began: when the call for it began, in seconds since 1970. Raises ValueError for an odd token.
    """
    if settings.CLUBMED_AUTH != "employee":
        return ""
    client = provider()
    in_form = client.client_kwargs.get("token_endpoint_auth_method") == "client_secret_post"
    return credentials.keep(token, began, client.server_metadata["token_endpoint"], in_form=in_form)


def _failed(
    request: DeskRequest, exc: Exception, target: str, *, whose: Actor | None = None
) -> HttpResponse:
    """A page and a log line that quote nothing of the provider's: it may hold a token or a name.

    target: where the next try leads. whose: who tried, if that is known; only then it is recorded.
    """
    down = isinstance(exc, requests.RequestException)
    logger.warning("%s: sign-in failed: %s", request.id, cause_of(exc))
    if not isinstance(exc, AuthlibBaseError):
        read_again()
    if actor := request.actor or whose:
        note_at_door(request, Access.SIGN_IN_FAILED, actor=actor)
    context = {"down": down, "target": target, "is_kept": has_put_aside(request.browser)}
    context["not_shown"] = isinstance(exc, presence.NotShownError)
    return render(request, "sign_in_failed.html", context, status=503 if down else 403)
