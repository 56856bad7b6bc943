"""The pages of sign-in and sign-out."""

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
from django.views.decorators.http import require_GET, require_POST

from crmadmin.sso import attempts, claims, sessions
from crmadmin.sso.provider import UNACCEPTABLE, SignInError, provider, read_again
from customers.access import Actor, Permission, allow
from customers.audit import access_events
from customers.audit.models import Access
from customers.services import credentials
from customers.session import has_put_aside
from customers.views.answers import DeskRequest

logger = logging.getLogger(__name__)
NO_ATTEMPT = MismatchingStateError()


@allow(Permission.EVERYONE)
@require_GET
def login(request: DeskRequest) -> HttpResponse:
    """Send the browser to the provider; it comes back to `next`, a path of ours."""
    target = attempts.safe_target(request, request.GET.get("next", "/"))
    try:
        callback = request.build_absolute_uri(reverse("callback"))
        asked = provider().create_authorization_url(callback)
        told = (asked["state"], asked["nonce"], asked["code_verifier"])
        attempt = attempts.Attempt(*told, target)
    except UNACCEPTABLE as exc:
        return _failed(request, exc, target)
    response = redirect(asked["url"])
    attempts.put(request, response, attempt)
    return response


@allow(Permission.EVERYONE)
@require_GET
def callback(request: DeskRequest) -> HttpResponse:
    """Answer an attempt, once. Opened again it leads on who is signed in."""
    attempt = attempts.of(request)
    if attempt is None or attempt.is_spent:
        target = attempt.target if attempt else "/"
        known: Actor | None = request.actor
        return _lead_on(known, target) if known else _failed(request, NO_ATTEMPT, target)
    response = _redeem(request, attempt)
    attempts.spend(response, attempt)
    return response


def _redeem(request: DeskRequest, attempt: attempts.Attempt) -> HttpResponse:
    """Redeem the code, check the token, and start the person's session or refuse entry."""
    began = time.time()
    try:
        told, token = claims.redeem(request, attempt)
        actor = claims.actor_from(told)
        sign_in = _keep_own_token(token, began) if actor.roles else ""
    except UNACCEPTABLE as exc:
        return _failed(request, exc, attempt.target)
    kind = Access.SIGN_IN if actor.roles else Access.REFUSED
    access_events.note(kind, actor=actor, request_id=request.id, address=request.address)
    access_events.know(actor, claims.login_of(told))
    if not actor.roles:
        sessions.end(request)
        return _no_access(request, actor, told)
    sessions.begin(request, replace(actor, sign_in=sign_in), sid=str(told.get("sid", "")))
    logger.info("signed in as %s", ", ".join(actor.roles))
    return _lead_on(actor, attempt.target)


def _lead_on(actor: Actor, target: str) -> HttpResponse:
    if target == reverse("find") and not actor.may_handle_customers:
        target = reverse("log")
    return redirect(target)


def _no_access(request: DeskRequest, actor: Actor, told: dict[str, Any]) -> HttpResponse:
    why = claims.why_no_groups(told)
    if why == "too many":
        logger.warning(
            "%s: no entry: the provider leaves out a person's groups, since they are too many, and "
            "refers to another place (_claim_names); let it send only this application's groups",
            request.id,
        )
    elif why == "missing":
        logger.warning("%s: no entry: no group came with the sign-in", request.id)
    return render(request, "no_access.html", {"name": actor.name, "why": why}, status=403)


def _keep_own_token(token: dict[str, Any], began: float) -> str:
    """Store a person's token where Club Med is called with it: its handle, "" elsewhere.

    began: when the call for it began, in seconds since 1970. Raises ValueError for an odd token.
    """
    if settings.CLUBMED_AUTH != "employee":
        return ""
    client = provider()
    in_form = client.client_kwargs.get("token_endpoint_auth_method") == "client_secret_post"
    return credentials.keep(token, began, client.server_metadata["token_endpoint"], in_form=in_form)


@allow(Permission.EVERYONE)
@require_POST
def logout(request: DeskRequest) -> HttpResponse:
    """End our session; the company's own may go on, and the page says so."""
    sessions.end(request)
    return redirect("signed-out")


@allow(Permission.EVERYONE)
@require_GET
def signed_out(request: DeskRequest) -> HttpResponse:
    return render(request, "signed_out.html")


def _failed(request: DeskRequest, exc: Exception, target: str) -> HttpResponse:
    """Page and log do not repeat what the provider sent: it may hold a token or a name.

    target: where the next try leads.
    """
    down = isinstance(exc, requests.RequestException)
    reason = str(exc) if isinstance(exc, SignInError) else type(exc).__name__
    logger.warning("%s: sign-in failed: %s", request.id, reason)
    if not isinstance(exc, AuthlibBaseError):
        read_again()
    who: Actor | None = request.actor
    if who:  # of a stranger nothing is written
        at = request.address
        access_events.note(Access.SIGN_IN_FAILED, actor=who, request_id=request.id, address=at)
    context = {"down": down, "target": target, "is_kept": has_put_aside(request.browser)}
    return render(request, "sign_in_failed.html", context, status=503 if down else 403)
