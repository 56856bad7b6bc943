"""A person's session: from a sign-in until a sign-out, for SESSION_COOKIE_AGE at most."""

import time
from dataclasses import asdict, replace

from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest
from django.middleware.csrf import rotate_token

from customers.access import Actor, Role
from customers.services import credentials
from customers.session import carry_over


def actor_of(session: SessionBase) -> Actor | None:
    """Who is signed in; None once SESSION_COOKIE_AGE is over, however much they work meanwhile."""
    person = session.get("person")
    if person is None or person.get("until", 0) <= time.time():
        return None
    known = {key: value for key, value in person.items() if key != "until"}
    return Actor(**known | {"roles": tuple(map(Role, person["roles"]))})


def begin(request: HttpRequest, actor: Actor, sign_in: str) -> None:
    """Start a new session for this person, with what they typed before the last one ended.

    sign_in: the handle of their own token for Club Med, or "".
    """
    carried: dict[str, str] = {}
    carry_over(request.session, carried)
    end(request)
    request.session.update(carried)
    until = time.time() + settings.SESSION_COOKIE_AGE
    request.session["person"] = asdict(replace(actor, sign_in=sign_in)) | {"until": until}
    rotate_token(request)


def end(request: HttpRequest) -> None:
    """Delete the session and the person's own token for Club Med."""
    if sign_in := request.session.get("person", {}).get("sign_in"):
        credentials.forget(sign_in)
    request.session.flush()
