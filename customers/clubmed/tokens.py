"""Where the bearer token comes from (contract 1).

A fixed one, or one that a token endpoint gives (RFC 6749) and that is renewed before it expires:
our service's own, or that of the signed-in person. Where tokens lie between calls is not known
here: a `Store` is.
"""

import json
import logging
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from math import isfinite
from typing import Any, Protocol
from urllib.parse import quote_plus

from customers.clubmed.errors import (
    NoTokenError,
    NotSentError,
    SignInNeededError,
    TokenRefusedError,
)
from customers.clubmed.transport import Call, Session, current_call

logger = logging.getLogger("customers.clubmed")
_BEARER = re.compile(r"[\x21-\x7e]+")
_REFUSALS = re.compile("(invalid|unauthorized|unsupported)_[a-z_]{1,30}")  # RFC 6749, 5.2
_LARGEST = 64 * 1024  # bytes of an answer
_SECONDS = 5  # for one request to a token endpoint
_LEASE = 15  # seconds after which one that renews and says nothing is taken for dead
_AGAIN = 5  # seconds from a renewal that failed to the next try, while the token is still good
_PAUSE = 0.05  # seconds between two looks at what another is renewing
_MARGIN = 60  # seconds before its end that a token is renewed, or a quarter of its life
_LIFE = 300  # seconds that a token is taken to live whose `expires_in` is missing or odd
_LONGEST_LIFE = 24 * 3600


class TokenSource(Protocol):
    """Gives the token for the next call.

    Raises NotSentError where there is none: nothing has been sent then.
    """

    def token(self) -> str: ...

    def renew(self, rejected: str) -> bool:
        """After a 401: is there now another token than the rejected one? Raises nothing."""


@dataclass(frozen=True)
class StaticToken:
    """A fixed token, from the environment."""

    value: str = field(repr=False)

    def token(self) -> str:
        return self.value

    def renew(self, rejected: str) -> bool:
        return False


@dataclass(frozen=True)
class NoToken:
    """Nobody's: there is no credential for whoever calls. why: for the log."""

    why: str

    def token(self) -> str:
        raise NoTokenError(self.why)

    def renew(self, rejected: str) -> bool:
        return False


@dataclass(frozen=True)
class Token:
    """What a token endpoint gave. renew_at, expires_at: seconds since 1970, by our clock.

    refresh: the refresh token, "" where there is none or it has been used. endpoint: the address
    that takes it; in_form: as of an `Endpoint`.
    """

    access: str = field(repr=False)
    renew_at: float
    expires_at: float
    refresh: str = field(repr=False, default="")
    endpoint: str = ""
    in_form: bool = False

    @property
    def spent(self) -> "Token":
        """The same without its refresh token."""
        return replace(self, refresh="")


def parse_token(answer: Any, began: float, *, life: float = _LIFE) -> Token:
    """The token of a token endpoint's JSON (RFC 6749, 5.1). Raises ValueError.

    began: when it was asked for, in seconds since 1970. life: seconds, where the answer does not
    say in a readable way how long the token lives.
    """
    answer = answer if isinstance(answer, dict) else {}
    access, kind = answer.get("access_token"), answer.get("token_type", "Bearer")
    if not isinstance(access, str) or not _BEARER.fullmatch(access):
        raise ValueError("no access token")
    if not isinstance(kind, str) or kind.lower() != "bearer":
        raise ValueError("no bearer token")
    refresh = answer.get("refresh_token")
    life = _seconds(answer.get("expires_in")) or life
    return Token(
        access,
        renew_at=began + life - min(_MARGIN, life / 4),
        expires_at=began + life,
        refresh=refresh if isinstance(refresh, str) else "",
    )


def _seconds(value: Any) -> float:
    """A life in seconds; 0 for what cannot be one."""
    try:
        seconds = float(value) if isinstance(value, str | int | float) else 0
    except (ValueError, OverflowError):
        return 0
    if isinstance(value, bool) or not isfinite(seconds):
        return 0
    return min(max(seconds, 0), _LONGEST_LIFE)


@dataclass(frozen=True)
class Endpoint:
    """A token endpoint and our account there.

    in_form: the secret travels in the form (client_secret_post), where nothing else is taken.
    """

    url: str
    client_id: str
    client_secret: str = field(repr=False)
    in_form: bool = False

    def ask(self, form: Mapping[str, str], *, ends_at: float) -> Token:
        """One request. ends_at: on the monotonic clock.

        Raises NoTokenError, and TokenRefusedError for a clear no to what the form holds.
        """
        status, began = 0, time.time()
        call = Call(ends_at=min(ends_at, time.monotonic() + _SECONDS))
        reset = current_call.set(call)  # the call that waits for the token has sent nothing yet
        try:
            status, body = self._exchange(form)
            if 400 <= status < 500 and status != 429:
                raise TokenRefusedError(f"token endpoint: {status} {_code(body)}".strip())
            if not 200 <= status < 300:
                raise NoTokenError(f"token endpoint: {status}")
            return parse_token(json.loads(body), began)
        except NoTokenError:
            raise
        # Their texts hold addresses, so none is chained. A success that cannot be read has used up
        # what was sent, and so may a request without an answer have.
        except Exception as exc:
            reason = f"token endpoint: {type(exc).__name__}"
            raise NoTokenError(reason, used_up=call.sent) from None
        finally:
            current_call.reset(reset)
            logger.info("POST token %s %d ms", status or "failed", (time.time() - began) * 1000)

    def _exchange(self, form: Mapping[str, str]) -> tuple[int, bytes]:
        """Status and body, as far as it may go; seldom enough for a connection of its own."""
        account = (quote_plus(self.client_id), quote_plus(self.client_secret))  # RFC 6749, 2.3.1
        if self.in_form:
            form = {**form, "client_id": self.client_id, "client_secret": self.client_secret}
        with (
            Session(pool_size=1) as http,
            http.post(
                self.url,
                data=form,
                auth=None if self.in_form else account,
                headers={"accept": "application/json"},
                timeout=_SECONDS,
                allow_redirects=False,
                stream=True,
            ) as response,
        ):
            body = b""
            for chunk in response.iter_content(4096):
                body += chunk
                if len(body) > _LARGEST:
                    raise ValueError("larger than any token")
            return response.status_code, body


def _code(body: bytes) -> str:
    """The error's code, if it is one of the standard's: the log takes no text of theirs."""
    try:
        found = json.loads(body)["error"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return ""
    return found if isinstance(found, str) and _REFUSALS.fullmatch(found) else ""


@dataclass(frozen=True)
class Kept:
    """A token as it lies in a store. stamp: of just this state. leased: is it being renewed?"""

    stamp: str
    token: Token | None
    leased: bool


class Store(Protocol):
    """Where one token lies, for all threads and processes."""

    def read(self) -> Kept: ...

    def swap(self, stamp: str, token: Token | None, *, leased: float = 0) -> str:
        """Put a token in the place of the state with that stamp; returns the new stamp, "" if
        somebody else was quicker. leased: seconds for which it counts as being renewed.
        """


class RenewedToken:
    """A token that is renewed before it expires, by one at a time of all who share the store.

    Whoever wins the lease asks the endpoint, and holds nothing of the database meanwhile. The
    others go on with the token that is still good, or wait. `grant` gives the endpoint and the form
    to ask it with, None where there is nothing to ask with: then the person has to sign in again.

    A refresh token leaves the store before it is sent, and comes back only if it certainly was not
    used: a provider that rotates them takes a second use for a theft.
    """

    def __init__(
        self,
        store: Store,
        grant: Callable[[Token | None], tuple[Endpoint, Mapping[str, str]] | None],
    ) -> None:
        self._store = store
        self._grant = grant

    def token(self) -> str:
        return self._current(rejected="")

    def renew(self, rejected: str) -> bool:
        try:
            return self._current(rejected) != rejected
        except NotSentError as exc:
            logger.warning("the token cannot be renewed: %s", exc)
            return False

    def _current(self, rejected: str) -> str:
        call = current_call.get(None)
        left = call.left if call else 2 * _SECONDS
        now = time.monotonic()
        patience, ends_at = now + left / 2, now + left * 3 / 4  # the rest is the call's own
        while True:
            kept = self._store.read()
            token = kept.token
            good = token if token and _is_good(token, rejected) else None
            if good and time.time() < good.renew_at:
                return good.access
            if not kept.leased:
                fresh = self._renewed(kept, good, ends_at)
                if fresh:
                    return fresh.access
            elif good:
                return good.access
            if time.monotonic() > patience:
                raise NoTokenError("another is renewing the token, and takes long")
            time.sleep(_PAUSE)

    def _renewed(self, kept: Kept, good: Token | None, ends_at: float) -> Token | None:
        """A new token, or the one that is still good; None if somebody else was quicker."""
        granted = self._grant(kept.token)
        if granted is None:
            if good:
                return good
            raise SignInNeededError("no refresh token")
        spent = kept.token.spent if kept.token else None
        stamp = self._store.swap(kept.stamp, spent, leased=_LEASE)
        if not stamp:
            return None
        endpoint, form = granted
        try:
            fresh = endpoint.ask(form, ends_at=ends_at)
        except NoTokenError as exc:
            back = spent if exc.used_up else kept.token
            self._store.swap(stamp, back, leased=_AGAIN if good else 0)
            logger.warning("the token cannot be renewed: %s", exc)
            if good:
                return good
            if exc.used_up and kept.token and kept.token.refresh:
                raise SignInNeededError("the refresh token is used up") from None
            raise
        if kept.token:
            fresh = replace(
                fresh,
                refresh=fresh.refresh or kept.token.refresh,
                endpoint=kept.token.endpoint,
                in_form=kept.token.in_form,
            )
        self._store.swap(stamp, fresh)
        return fresh


def _is_good(token: Token, rejected: str) -> bool:
    return token.access != rejected and time.time() < token.expires_at
