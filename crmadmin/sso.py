"""Identity is the company's: OpenID Connect, authorization code with PKCE, and nothing beside it.

A person is known by issuer and `sub`. The groups of the token become roles at each sign-in; with
none of ours there is no entry. Authlib checks state, nonce, signature, expiry, `iss` and `aud`.
"""

import logging
import time
from functools import cache
from typing import Any

import requests
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.django_client import DjangoOAuth2App, OAuth
from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import rotate_token
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_POST
from joserfc.errors import JoseError

from customers.access import Actor, Permission, Role, allow, roles_of
from customers.audit import access_events
from customers.audit.models import Access
from customers.services import credentials
from customers.session import carry_over

logger = logging.getLogger(__name__)
_SIGNATURES = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA")
_SCOPES = ("openid", "profile", "email", "groups")  # those that the provider knows are asked for
_REFRESHABLE = "offline_access"  # asked for where Club Med is called with the person's own token
_SECONDS = 5  # for each call to the provider
_LEEWAY = 30  # seconds that its clock may differ from ours
_LONGEST = 255  # characters of a name or a `sub`: what the log's columns hold


class SignInError(Exception):
    """The provider's answer cannot be accepted; the text says why, for the log."""


# Authlib trusts the shape of what it is sent: an odd one ends in one of the last five.
_UNACCEPTABLE = (
    requests.RequestException,
    AuthlibBaseError,
    JoseError,
    SignInError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    RuntimeError,
)


@cache
def _client(issuer: str, client_id: str, client_secret: str) -> DjangoOAuth2App:
    return OAuth().register(
        name="sso",
        client_id=client_id,
        client_secret=client_secret,
        server_metadata_url=f"{issuer.rstrip('/')}/.well-known/openid-configuration",
        client_kwargs={
            "scope": " ".join(_SCOPES),
            "code_challenge_method": "S256",
            "default_timeout": _SECONDS,
        },
    )


def _provider() -> DjangoOAuth2App:
    """The company's provider, its discovery document read and narrowed to what we accept."""
    client = _client(settings.OIDC_ISSUER, settings.OIDC_CLIENT_ID, settings.OIDC_CLIENT_SECRET)
    metadata = client.load_server_metadata()
    if str(metadata.get("issuer", "")).rstrip("/") != settings.OIDC_ISSUER.rstrip("/"):
        raise SignInError("discovery names another issuer")
    offered = metadata.get("id_token_signing_alg_values_supported") or ["RS256"]
    accepted = [name for name in offered if name in _SIGNATURES]
    if not accepted:  # Authlib takes an empty list for its own choice, shared secrets among it
        raise SignInError("discovery offers no signature that we accept")
    metadata["id_token_signing_alg_values_supported"] = accepted
    known = metadata.get("scopes_supported") or _SCOPES
    scopes = (*_SCOPES, _REFRESHABLE) if settings.CLUBMED_AUTH == "employee" else _SCOPES
    client.client_kwargs["scope"] = " ".join(name for name in scopes if name in known)
    methods = metadata.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
    if "client_secret_basic" not in methods and "client_secret_post" in methods:
        client.client_kwargs["token_endpoint_auth_method"] = "client_secret_post"  # noqa: S105
    return client


def actor_of(session: SessionBase) -> Actor | None:
    """Who is signed in: for SESSION_COOKIE_AGE at most, however much they work meanwhile."""
    person = session.get("person")
    if person is None or person.get("until", 0) <= time.time():
        return None
    return Actor(
        issuer=person["issuer"],
        sub=person["sub"],
        name=person["name"],
        roles=tuple(Role(role) for role in person["roles"]),
        sign_in=person.get("sign_in", ""),
        reveals=person["reveals"],
    )


@allow(Permission.EVERYONE)
@require_GET
def login(request: HttpRequest) -> HttpResponse:
    """Send the browser to the provider; it comes back to `next`, a path of ours.

    Without one it is a second try: the person still goes where the first was to lead.
    """
    target = request.GET.get("next", request.session.get("next", "/"))
    here = {request.get_host()}
    safe = url_has_allowed_host_and_scheme(target, here, require_https=request.is_secure())
    request.session["next"] = target if safe else "/"
    try:
        callback = request.build_absolute_uri(reverse("callback"))
        response: HttpResponse = _provider().authorize_redirect(request, callback)
    except _UNACCEPTABLE as exc:
        return _failed(request, exc)
    return response


@allow(Permission.EVERYONE)
@require_GET
def callback(request: HttpRequest) -> HttpResponse:
    """Take the code, check the token, and start the person's session or refuse entry."""
    began = time.time()
    try:
        claims, token = _claims(request)
        groups = _groups(claims)
        actor = Actor(
            issuer=claims["iss"],
            sub=_sub(claims),
            name=_name(claims),
            roles=roles_of(
                groups,
                agents=settings.AGENT_GROUPS,
                supervisors=settings.SUPERVISOR_GROUPS,
                auditors=settings.AUDITOR_GROUPS,
            ),
            reveals=not settings.REVEAL_GROUPS.isdisjoint(groups),
        )
    except _UNACCEPTABLE as exc:
        return _failed(request, exc)
    if not actor.roles:
        _end(request)
        access_events.note(Access.REFUSED, actor=actor, request_id=request.id)  # type: ignore[attr-defined]
        return render(request, "no_access.html", {"name": actor.name}, status=403)
    try:
        target = _begin(request, actor, _keep(token, began))
    except ValueError as exc:
        return _failed(request, exc)
    access_events.note(Access.SIGN_IN, actor=actor, request_id=request.id)  # type: ignore[attr-defined]
    return redirect(target)


def _keep(token: dict[str, Any], began: float) -> str:
    """Keep a person's own token where Club Med is called with it; the handle, "" elsewhere."""
    if settings.CLUBMED_AUTH != "employee":
        return ""
    client = _provider()
    in_form = client.client_kwargs.get("token_endpoint_auth_method") == "client_secret_post"
    endpoint = client.server_metadata["token_endpoint"]
    return credentials.keep(token, began, endpoint, in_form=in_form)


def _end(request: HttpRequest) -> None:
    """The session is over, and the token that came with it is of no more use here."""
    if sign_in := request.session.get("person", {}).get("sign_in"):
        credentials.forget(sign_in)
    request.session.flush()


@allow(Permission.EVERYONE)
@require_POST
def logout(request: HttpRequest) -> HttpResponse:
    """End our session; the company's own may go on, and the page says so."""
    _end(request)
    return redirect("signed-out")


@allow(Permission.EVERYONE)
@require_GET
def signed_out(request: HttpRequest) -> HttpResponse:
    return render(request, "signed_out.html")


def _claims(request: HttpRequest) -> tuple[dict[str, Any], dict[str, Any]]:
    """The checked claims of the id_token, with the groups from userinfo if it lacks them; and all
    that the token endpoint gave.
    """
    client = _provider()
    token = client.authorize_access_token(
        request,
        leeway=_LEEWAY,
        claims_options={
            "iss": {"essential": True, "values": [client.server_metadata["issuer"]]},
            "aud": {"essential": True, "values": [settings.OIDC_CLIENT_ID]},
            "sub": {"essential": True},
            "exp": {"essential": True},
        },
    )
    claims = token.get("userinfo")
    if claims is None:
        raise SignInError("no id_token")
    claims = dict(claims)
    if settings.OIDC_GROUPS_CLAIM not in claims and "userinfo_endpoint" in client.server_metadata:
        more = client.userinfo(token=token)
        if more.get("sub") != claims["sub"]:
            raise SignInError("userinfo speaks of somebody else")
        claims = {**more, **claims}
    return claims, token


def _groups(claims: dict[str, Any]) -> list[str]:
    groups = claims.get(settings.OIDC_GROUPS_CLAIM) or []
    groups = [groups] if isinstance(groups, str) else groups
    if not isinstance(groups, list):
        raise SignInError("the groups claim is no list")
    return [group for group in groups if isinstance(group, str)]


def _sub(claims: dict[str, Any]) -> str:
    """What a person is known by is recorded to the letter, or not at all."""
    sub: str = claims["sub"]
    if sub != _line(sub):
        raise SignInError("the sub cannot be recorded as it is")
    return sub


def _name(claims: dict[str, Any]) -> str:
    names = (_line(claims.get(key)) for key in ("name", "preferred_username", "email", "sub"))
    return next(name for name in names if name)


def _line(text: object) -> str:
    """One line that a page can show and a database hold: no control, no half a character."""
    if not isinstance(text, str):
        return ""
    printable = "".join(char if char.isprintable() else " " for char in text)
    return " ".join(printable.split())[:_LONGEST]


def _begin(request: HttpRequest, actor: Actor, sign_in: str) -> str:
    """A new session for this person; returns where they were going."""
    target: str = request.session.pop("next", "/")
    carried: dict[str, str] = {}
    carry_over(request.session, carried)
    _end(request)
    request.session.update(carried)
    request.session["person"] = {
        "issuer": actor.issuer,
        "sub": actor.sub,
        "name": actor.name,
        "roles": [role.value for role in actor.roles],
        "reveals": actor.reveals,
        "until": time.time() + settings.SESSION_COOKIE_AGE,
        **({"sign_in": sign_in} if sign_in else {}),
    }
    if target == reverse("find") and not actor.may_handle_customers:
        target = reverse("log")
    rotate_token(request)
    logger.info("signed in as %s", ", ".join(actor.roles))
    return target


def _failed(request: HttpRequest, exc: Exception) -> HttpResponse:
    """What the provider sent stays out of page and log: it may hold a token or a name."""
    down = isinstance(exc, requests.RequestException)
    reason = str(exc) if isinstance(exc, SignInError) else type(exc).__name__
    logger.warning("%s: sign-in failed: %s", request.id, reason)  # type: ignore[attr-defined]
    if not isinstance(exc, AuthlibBaseError):
        _client.cache_clear()  # discovery or keys may have been put right meanwhile
    return render(request, "sign_in_failed.html", {"down": down}, status=503 if down else 403)
