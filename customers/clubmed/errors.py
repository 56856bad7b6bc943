"""What can go wrong with a call, sorted by the one question that matters: did it land?

    ClubMedError
    ├── NotSentError       no byte of the request went out: a write did not land
    │   ├── NotAnsweringError  none was tried: it has not answered for a while
    │   ├── NoTokenError       no token could be had
    │   │   └── TokenRefusedError  the token endpoint said no
    │   └── SignInNeededError  the person's own token is no longer good
    ├── NoAnswerError      no answer that says: a write may have landed; never resend, read again
    ├── ContractError      an answer outside the contract, but a clear no: a redirect
    └── RefusedError       a 4xx: a write did not land
        ├── UnauthorizedError  401
        ├── ForbiddenError     403
        ├── NotFoundError      404
        └── BusyError          429

The text of an error holds the route's template and a status, never an address, an id or a value: it
may reach a log. What Club Med said stands in attributes, for the page.
"""

from dataclasses import dataclass
from typing import Any


class ClubMedError(Exception):
    """Club Med did not do what was asked."""


class NotSentError(ClubMedError):
    """Nothing went out: unknown host, refused, failed handshake, no token. Safe to try again."""


class NotAnsweringError(NotSentError):
    """Calls before this one got no answer, so none is made until one of them is answered again."""


class NoTokenError(NotSentError):
    """No token could be had. used_up: what a token was asked for with must not be used again."""

    def __init__(self, text: str, *, used_up: bool = False) -> None:
        super().__init__(text)
        self.used_up = used_up


class TokenRefusedError(NoTokenError):
    """The token endpoint took neither our account nor what a token was asked for with."""

    def __init__(self, text: str) -> None:
        super().__init__(text, used_up=True)


class SignInNeededError(NotSentError):
    """The signed-in person's own token is no longer good, and cannot be renewed without them."""


class NoAnswerError(ClubMedError):
    """Timeout, reset, 5xx, another success than promised, or gibberish. It may have landed."""


class ContractError(ClubMedError):
    """A redirect: not followed, and nothing landed."""


@dataclass(frozen=True)
class FieldError:
    """One of the `errors` of a 400. key: dotted `concerned_key` ("address.zip_code") or ""."""

    code: str
    key: str
    message: str


class RefusedError(ClubMedError):
    """A clear no.

    status: HTTP status. description: `error_description` or "". errors: one a field, often none.
    """

    def __init__(
        self,
        text: str,
        *,
        status: int,
        description: str = "",
        errors: tuple[FieldError, ...] = (),
    ) -> None:
        super().__init__(text)
        self.status = status
        self.description = description
        self.errors = errors

    @property
    def is_about_input(self) -> bool:
        """Does it refuse what was sent, and not who sent it or for whom?"""
        return type(self) is RefusedError


class UnauthorizedError(RefusedError):
    """401: the token or the key is no longer good."""


class ForbiddenError(RefusedError):
    """403: the authenticated context may not read or change this profile."""


class NotFoundError(RefusedError):
    """404: no such customer."""


class BusyError(RefusedError):
    """429: too many calls."""


_BY_STATUS = {
    401: UnauthorizedError,
    403: ForbiddenError,
    404: NotFoundError,
    429: BusyError,
}


def refusal(route: str, status: int, body: Any) -> RefusedError:
    """The error for a 4xx. body: its JSON, or None; every part of it is optional (contract 1)."""
    body = body if isinstance(body, dict) else {}
    items = body.get("errors")
    return _BY_STATUS.get(status, RefusedError)(
        f"{route}: {status}",
        status=status,
        description=_text(body.get("error_description")) or _text(body.get("error")),
        errors=tuple(
            FieldError(
                code=_text(item.get("error_code")),
                key=_text(item.get("concerned_key")),
                message=_text(item.get("error_description")),
            )
            for item in (items if isinstance(items, list) else [])
            if isinstance(item, dict)
        ),
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
