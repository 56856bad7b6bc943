"""One try to sign in: what its callback must match, and where it leads.

It travels in an encrypted cookie of its own. So any number of tabs may try at once, and a stranger
costs no row.
"""

from dataclasses import asdict, dataclass, replace
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from crmadmin.sso.provider import provider
from customers.services.session_encryption import decrypt_for_session, digest, encrypt_for_session
from customers.views.answers import set_cookie

_SECONDS = 10 * 60
# Of one browser: all cookies of it must fit into one header, whose length crmadmin.server limits.
_MOST = 12
_LONGEST = 700  # characters of a target, for the same reason


@dataclass(frozen=True)
class Attempt:
    """state, nonce, verifier: as the provider was told of them. target: a path of ours.

    since: when the person must have signed in at the provider, in seconds since 1970; 0: whenever.
    """

    state: str
    nonce: str
    verifier: str
    target: str
    is_silent: bool = False  # with `prompt=none`, for somebody who is signed in
    is_spent: bool = False
    since: float = 0


def start(
    request: HttpRequest, target: str, *, is_silent: bool = False, since: float = 0, **extra: Any
) -> HttpResponse:
    """Send the browser to the provider. extra: further parameters of the request.

    Raises one of UNACCEPTABLE.
    """
    callback = request.build_absolute_uri(reverse("callback"))
    authorization = provider().create_authorization_url(callback, **extra)
    secrets = (authorization["state"], authorization["nonce"], authorization["code_verifier"])
    response = redirect(authorization["url"])
    put(request, response, Attempt(*secrets, target, is_silent, since=since))
    return response


def safe_target(request: HttpRequest, target: str) -> str:
    """The target if it is an address of ours that fits into a cookie, else "/"."""
    here = {request.get_host()}
    is_ours = url_has_allowed_host_and_scheme(target, here, require_https=request.is_secure())
    return target if is_ours and target.isascii() and len(target) <= _LONGEST else "/"


def put(request: HttpRequest, response: HttpResponse, attempt: Attempt) -> None:
    """Store the attempt in a cookie, and delete the oldest ones beyond _MOST."""
    ours = [name for name in request.COOKIES if name.startswith(settings.ATTEMPT_COOKIE_NAME)]
    for name in ours[: 1 - _MOST]:  # a browser names the oldest first
        response.delete_cookie(name)
    _set(response, attempt)


def of(request: HttpRequest) -> Attempt | None:
    """The attempt that a callback answers; None if it is too old or of another browser."""
    state = request.GET.get("state", "")
    encrypted = request.COOKIES.get(_name(state), "")
    members = decrypt_for_session(encrypted, max_age=_SECONDS, bound_to=f"attempt {state}")
    return None if members is None else Attempt(**members)


def spend(response: HttpResponse, attempt: Attempt) -> None:
    """Use the attempt up, but keep its target: the same callback may be opened again."""
    _set(response, replace(attempt, nonce="", verifier="", is_spent=True))


def _set(response: HttpResponse, attempt: Attempt) -> None:
    encrypted = encrypt_for_session(asdict(attempt), bound_to=f"attempt {attempt.state}")
    set_cookie(response, _name(attempt.state), encrypted, max_age=_SECONDS)


def _name(state: str) -> str:
    return settings.ATTEMPT_COOKIE_NAME + digest(state)[:16]
