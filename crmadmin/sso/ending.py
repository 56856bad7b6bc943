"""The ends of a session: the person signs out, also at the provider, or the provider says so."""

import logging
import secrets
import time
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from crmadmin.models import Session, SpentLogoutToken
from crmadmin.sso import attempts, logout_tokens, presence, sessions
from crmadmin.sso.provider import UNACCEPTABLE, SignInError, end_session_origin, provider
from customers.access import Permission, allow
from customers.audit.models import Access, actor_key
from customers.services.session_encryption import decrypt_for_session, digest, encrypt_for_session
from customers.views.answers import DeskRequest, lead, note_at_door, set_cookie

logger = logging.getLogger(__name__)
_HINT_SECONDS = 3600
_EVERYWHERE = "everywhere"  # in the cookie of a sign-out, once the provider has sent its state


@allow(Permission.EVERYONE)
@require_POST
def logout(request: DeskRequest) -> HttpResponse:
    """End our session, have the browser forget what it stored, and end the provider's session.

    The provider leads back to `signed_out`. Nothing signs in again then without a click: a cookie
    says so until the next sign-in.
    """
    identity = sessions.ours(request.session).identity
    id_token = identity.get("id_token") or _hint(request.POST.get("hint", ""))
    if request.actor:
        note_at_door(request, Access.SIGN_OUT)
    sessions.end(request.session)
    state = secrets.token_urlsafe(16)
    address = _end_at_provider(request, id_token, state) or reverse("signed-out")
    response = lead(request, address)
    response["Clear-Site-Data"] = '"cache", "storage"'
    set_cookie(response, settings.SIGNED_OUT_COOKIE_NAME, state)
    presence.note_end(response, time.time())
    return response


def _end_at_provider(request: DeskRequest, id_token: str, state: str) -> str:
    """The address that ends the provider's own session and leads back; "" if there is none."""
    try:
        client = provider()
        if not end_session_origin():
            return ""
        logout = client.create_logout_url(
            post_logout_redirect_uri=request.build_absolute_uri(reverse("signed-out")),
            id_token_hint=id_token,
            state=state,
            client_id=client.client_id,
        )
    except UNACCEPTABLE as exc:
        logger.warning("%s: signed out here only: %s", request.id, type(exc).__name__)
        return ""
    return str(logout["url"])


def hint_of(id_token: str) -> str:
    """The id_token, encrypted for a page of a person who has no session here."""
    return encrypt_for_session(id_token, bound_to="sign-out")


def _hint(encrypted: str) -> str:
    return decrypt_for_session(encrypted, max_age=_HINT_SECONDS, bound_to="sign-out") or ""


def let_forms_lead_there(response: HttpResponse, identity: dict[str, Any]) -> None:
    """Without a script the form of a sign-out leads to the provider: its page must allow that."""
    if origin := identity.get("end_session_origin"):
        response._csp_update = {"form-action": [origin]}  # type: ignore[attr-defined]


@allow(Permission.EVERYONE)
@require_GET
def signed_out(request: DeskRequest) -> HttpResponse:
    """Says whether the provider has ended its own session, too: then it sent our state back, to
    one of the tabs.
    """
    if request.actor:
        return redirect("/")
    state = request.COOKIES.get(settings.SIGNED_OUT_COOKIE_NAME)
    is_everywhere = bool(state) and state in (request.GET.get("state"), _EVERYWHERE)
    target = attempts.safe_target(request, request.GET.get("next", "/"))
    context = {"everywhere": is_everywhere, "target": target}
    response = render(request, "signed_out.html", context)
    if is_everywhere:
        set_cookie(response, settings.SIGNED_OUT_COOKIE_NAME, _EVERYWHERE)
    return response


@allow(Permission.EVERYONE)
@csrf_exempt
@require_POST
def backchannel_logout(request: DeskRequest) -> HttpResponse:
    """The provider has ended a session of its own, or all of a person: so do ours."""
    try:
        token = logout_tokens.read(request.POST.get("logout_token", ""))
        with transaction.atomic():
            _spend(token)
            actors = sessions.end_all(_sessions_of(token))
    except UNACCEPTABLE as exc:
        reason = str(exc) if isinstance(exc, SignInError) else type(exc).__name__
        logger.warning("%s: logout token refused: %s", request.id, reason)
        return JsonResponse({"error": "invalid_request"}, status=400)
    for actor in actors:
        note_at_door(request, Access.ENDED, actor=actor)
    logger.info("%s: the provider ended %s sessions", request.id, len(actors))
    return HttpResponse(status=200)


def _spend(token: logout_tokens.LogoutToken) -> None:
    """A token is good once, whichever worker it is sent to. Raises SignInError."""
    now = timezone.now()
    SpentLogoutToken.objects.filter(until__lt=now).delete()
    row = SpentLogoutToken(
        digest=digest(f"{token.issuer} {token.jti}"),
        until=now + timedelta(seconds=2 * logout_tokens.OLDEST),
    )
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        raise SignInError("the logout token was sent before") from None


def _sessions_of(token: logout_tokens.LogoutToken) -> QuerySet[Session]:
    """Ours of the provider's session; of a person, all that are not known to be of another."""
    of_sid = Q(sid_digest=sessions.digest_of_sid(token.issuer, token.sid))
    of_sub = Q(person=actor_key(token.issuer, token.sub))
    if not token.sid:
        return Session.objects.filter(of_sub)
    if not token.sub:
        return Session.objects.filter(of_sid)
    return Session.objects.filter(of_sid | of_sub & Q(sid_digest=""))
