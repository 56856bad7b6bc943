"""The access tokens that calls carry (contract 1): a fixed one, or one from a token endpoint.

`customers.services.credentials` stores a token between calls.
"""

import logging
import re
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import quote_plus

from customers.clubmed.errors import NoTokenError, TokenRefusedError
from customers.clubmed.transport import bounded_session, current_call, within

logger = logging.getLogger("customers.clubmed")
_BEARER = re.compile(r"[\x21-\x7e]+")
_SECONDS = 5  # for one request to a token endpoint
_MARGIN = 60  # seconds before its end that a token is renewed, or a quarter of its life
_LIFE = 300  # seconds that a token lives whose `expires_in` is missing or odd
_LONGEST_LIFE = 24 * 3600


class TokenSource(Protocol):
    def token(self, rejected: str = "") -> str:
        """The token for the next call. rejected: a token that got a 401, in whose place another is
        wanted; a fixed one is returned again. Raises NotSentError if none can be had.
        """


@dataclass(frozen=True)
class StaticToken:
    """A fixed token; "" for a caller without a credential."""

    value: str = field(repr=False)

    def token(self, rejected: str = "") -> str:
        if not self.value:
            raise NoTokenError("no credential")
        return self.value


@dataclass(frozen=True)
class AccessToken:
    """A token from a token endpoint. renew_at, expires_at: seconds since 1970, by our clock.

    refresh: the refresh token, "" if there is none or it was used, and the `TokenEndpoint` for it.
    """

    access: str = field(repr=False)
    renew_at: float
    expires_at: float
    refresh: str = field(repr=False, default="")
    endpoint: str = ""
    in_form: bool = False

    def is_good(self, rejected: str = "") -> bool:
        return self.access not in ("", rejected) and time.time() < self.expires_at


def parse_token(answer: Any, began: float, *, life: float = _LIFE) -> AccessToken:
    """The token in a token endpoint's JSON (RFC 6749, 5.1). Raises ValueError.

    began: the time of the request, in seconds since 1970. life: seconds, for an answer without a
    readable `expires_in`.
    """
    answer = answer if isinstance(answer, dict) else {}
    access, kind = answer.get("access_token"), answer.get("token_type", "Bearer")
    is_token = isinstance(access, str) and _BEARER.fullmatch(access)
    if not is_token or str(kind).lower() != "bearer":
        raise ValueError("no bearer token")
    refresh = answer.get("refresh_token")
    with suppress(TypeError, ValueError, OverflowError):
        seconds = float(answer.get("expires_in"))
        life = min(seconds, _LONGEST_LIFE) if seconds > 0 else life
    return AccessToken(
        access,
        renew_at=began + life - min(_MARGIN, life / 4),
        expires_at=began + life,
        refresh=refresh if isinstance(refresh, str) else "",
    )


@dataclass(frozen=True)
class TokenEndpoint:
    """A token endpoint and our account there. in_form: the secret travels in the form."""

    url: str
    client_id: str
    client_secret: str = field(repr=False)
    in_form: bool = False

    def fetch(self, grant_type: str, **form: str) -> AccessToken:
        """Ask once, within 5 s and three quarters of the call's time. Raises NoTokenError."""
        outer = current_call.get(None)
        seconds = min(_SECONDS, outer.seconds_left * 3 / 4) if outer else _SECONDS
        with within(seconds) as call:  # the outer call has sent nothing yet
            try:
                return self._ask({"grant_type": grant_type, **form})
            except NoTokenError:
                raise
            # Not chained: the libraries' texts hold addresses. A sent credential may be used up.
            except Exception as exc:
                reason = f"token endpoint: {type(exc).__name__}"
                raise NoTokenError(reason, used_up=call.was_sent) from None
            finally:
                logger.info("POST token %d ms", (seconds - call.seconds_left) * 1000)

    def _ask(self, form: dict[str, str]) -> AccessToken:
        began = time.time()
        account = None
        if self.in_form:
            form |= {"client_id": self.client_id, "client_secret": self.client_secret}
        else:  # RFC 6749, 2.3.1
            account = quote_plus(self.client_id), quote_plus(self.client_secret)
        headers = {"accept": "application/json"}
        with bounded_session() as http:
            answer = http.post(self.url, form, headers=headers, auth=account, timeout=_SECONDS)
        status = answer.status_code
        if 400 <= status < 500 and status != 429:
            raise TokenRefusedError(f"token endpoint: {status}", used_up=True)
        if not 200 <= status < 300:
            raise NoTokenError(f"token endpoint: {status}")
        return parse_token(answer.json(), began)
