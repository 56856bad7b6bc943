"""A person's session: from a sign-in until a sign-out, for SESSION_HOURS at most."""

import secrets
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict
from datetime import timedelta
from typing import Any, cast

from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase, UpdateError
from django.middleware.csrf import rotate_token
from django.utils import timezone

from crmadmin.models import Session
from crmadmin.sso.store import SessionStore, actor_in, empty
from customers.access import Actor
from customers.audit.models import actor_key
from customers.services import credentials
from customers.services.session_encryption import digest
from customers.session import OWN, forget_searches
from customers.views.answers import DeskRequest

_GRACE = timedelta(minutes=1)  # in which what other tabs have asked for is still answered
_SYSTEMS = {
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Android": "Android",
    "Windows": "Windows",
    "Mac OS X": "macOS",
    "CrOS": "ChromeOS",
    "Linux": "Linux",
}
_BROWSERS = {  # the first that is named: Edge and Chrome name those they are like as well
    "Edg": "Edge",
    "OPR": "Opera",
    "SamsungBrowser": "Samsung Internet",
    "Firefox": "Firefox",
    "FxiOS": "Firefox",
    "CriOS": "Chrome",
    "Chrome": "Chrome",
    "Safari": "Safari",
}


def actor_of(session: SessionBase) -> Actor | None:
    """Who is signed in; None if nobody is."""
    identity = ours(session).identity
    return actor_in(identity) if identity else None


def ours(session: SessionBase) -> SessionStore:
    """The session of a request, with the type that SESSION_ENGINE gives it."""
    return cast(SessionStore, session)


def begin(request: DeskRequest, actor: Actor, *, sid: str = "", **private: Any) -> None:
    """Start a session for this person, under a new key.

    Forms that stand in other tabs are still good if it was this person who signed in here last.

    sid: the provider's name for its own session, or "". private: JSON values to keep beside who
    they are, in `SessionStore.identity`.
    """
    request.browser = request.browser or secrets.token_urlsafe(16)
    was_last, request.was_last = request.was_last, digest(f"{request.browser} {actor.key}")[:16]
    private |= {"on": browser_words(request.headers.get("User-Agent", ""))}
    start(ours(request.session), actor, sid=sid, browser=request.was_last, **private)
    if was_last != request.was_last:
        rotate_token(request)


def start(
    session: SessionStore, actor: Actor, *, sid: str = "", browser: str = "", **private: Any
) -> None:
    """As `begin`. browser: what this person in this browser is known by; "" if that is not known.

    The session of the same person goes on, whose former key is good for a minute: several tabs may
    sign in at once. Anybody else's ends.
    """
    now = timezone.now()
    row = Session(began=now, ends_at=now + timedelta(seconds=settings.SESSION_COOKIE_AGE))
    content = {OWN: secrets.token_urlsafe(16)}
    before, former = actor_of(session), session.row
    if former is not None and before is not None and before.key == actor.key:
        row.began, content = former.began, dict(session.items())
        # Not the end of `former`: another tab may have cut that to a minute already.
        row.ends_at = row.began + timedelta(seconds=settings.SESSION_COOKIE_AGE)
        credentials.forget(before.sign_in, at=now + _GRACE)
        with suppress(UpdateError):  # somebody else has ended it meanwhile
            goes_on = session.identity | {"goes_on": True}
            session.renew(goes_on, ends_at=min(former.ends_at, now + _GRACE))
    else:
        end(session)
    row.last_active = now
    row.person = actor_key(actor.issuer, actor.sub)
    row.sid_digest = digest_of_sid(actor.issuer, sid)
    session.begin(row, private | {"actor": asdict(actor), "browser": browser}, content)


def end(session: SessionBase) -> None:
    """Delete the session, what it remembers, and the person's own token for Club Med."""
    if actor := actor_of(session):
        credentials.forget(actor.sign_in)
        forget_searches(session)
        end_all(of_browser(actor, ours(session).identity.get("browser", "")))
    session.flush()


def of_browser(actor: Actor, browser: str) -> list[Session]:
    """The sessions of a person in one browser: tabs that sign in at once begin one each."""
    rows = Session.objects.filter(person=actor_key(actor.issuer, actor.sub))
    identities = ((row, row.read_identity() or {}) for row in rows)
    return [row for row, identity in identities if browser and identity.get("browser") == browser]


def end_all(rows: Iterable[Session]) -> list[Actor]:
    """Delete these sessions: their next request is a stranger's. Returns whose ended."""
    actors = []
    for row in rows:
        is_ours = bool(Session.objects.filter(pk=row.pk).delete()[0])
        if identity := row.read_identity():
            credentials.forget(actor_in(identity).sign_in)
            if is_ours and not identity.get("goes_on"):
                actors.append(actor_in(identity))
    return actors


def end_by_hand(row: Session) -> None:
    """End somebody's session. Its row stays, emptied, so that their next request can say so."""
    if identity := row.read_identity():
        credentials.forget(actor_in(identity).sign_in)
    Session.objects.filter(pk=row.pk).update(was_ended=True, identity="", content="")


def expire(session: SessionBase) -> Actor | None:
    """Empty a session whose time is over. Returns whose it was, None if another request did so."""
    over = ours(session).over
    return empty(over) if over else None


def digest_of_sid(issuer: str, sid: str) -> str:
    """The value of `Session.sid_digest`."""
    return digest(f"{issuer} {sid}") if sid else ""


def browser_words(user_agent: str) -> str:
    """What a browser says of itself, for people: "Firefox, Windows"; "" if it is none we know."""
    browser = next((name for sign, name in _BROWSERS.items() if f"{sign}/" in user_agent), "")
    system = next((name for sign, name in _SYSTEMS.items() if sign in user_agent), "")
    return ", ".join(filter(None, (browser, system)))
