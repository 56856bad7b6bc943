"""Whoever was away too long, or signed out, shows the company anew that they are there.

The provider's own session may outlast ours: it lets in whoever sits at the browser then. So it is
asked for a sign-in that is no older than the end of our session, and its id_token should say when
that was (OpenID Connect Core, 3.1.2.1 and 3.1.3.7). A provider whose discovery does not know of
`auth_time` is believed: it was asked, and nobody is shut out for what it leaves out. One that does
leaves it out of a token if somebody took `max_age` out of the address on the way.
"""

import logging
import time
from typing import Any

from django.conf import settings
from django.http import HttpResponse

from crmadmin.sso.provider import LEEWAY, SignInError, provider
from crmadmin.sso.sessions import ours
from customers.views.answers import DeskRequest, set_cookie

logger = logging.getLogger(__name__)
# Seconds: whoever signed in at the company so recently is there, in each of several tabs. And a
# provider may have the token end when `max_age` is over, as Entra ID does.
_JUST_NOW = 300


class NotShownError(SignInError):
    """The provider let somebody in who signed in there before our session ended."""


def note_end(response: HttpResponse, moment: float) -> None:
    """Have the browser know when its session ended, until its next sign-in. moment: since 1970."""
    name, age = settings.ENDED_COOKIE_NAME, settings.BROWSER_COOKIE_AGE
    set_cookie(response, name, str(int(moment)), max_age=age, signed=True)


def forget_end(response: HttpResponse) -> None:
    """Somebody has signed in."""
    response.delete_cookie(settings.ENDED_COOKIE_NAME)
    response.delete_cookie(settings.SIGNED_OUT_COOKIE_NAME)


def required(request: DeskRequest) -> tuple[float, dict[str, Any]]:
    """Since when the person must have signed in at the provider, in seconds since 1970, and what
    the provider is asked for that. After no end that this browser knows of: 0 and {}.
    """
    name, now = settings.ENDED_COOKIE_NAME, time.time()
    cookie = request.get_signed_cookie(name, "", max_age=settings.BROWSER_COOKIE_AGE) or "0"
    ended_at = ours(request.session).ended_at or int(cookie)
    if not ended_at:
        return 0, {}
    just_now = min(_JUST_NOW, settings.SESSION_IDLE_MINUTES * 60)
    age = int(max(now - ended_at, just_now))
    if request.COOKIES.get(settings.SIGNED_OUT_COOKIE_NAME):
        return ended_at, {"max_age": age, "prompt": "login"}
    return now - age, {"max_age": age}


def check(claims: dict[str, Any], since: float) -> None:
    """claims: of the id_token, of which `auth_time` is a number or missing."""
    if not since:
        return
    moment = claims.get("auth_time")
    if moment is None and "auth_time" not in provider().server_metadata.get("claims_supported", []):
        logger.warning("the provider was asked who is there, and its id_token has no auth_time")
    elif moment is None or not since - LEEWAY <= moment <= time.time() + LEEWAY:
        raise NotShownError("the provider did not ask who is there")
