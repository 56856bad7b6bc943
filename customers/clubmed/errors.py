"""What can go wrong with a call, sorted by the one question that matters: did it land?

    ClubMedError
    ├── NotSentError       no byte of the request went out: a write did not land
    │   ├── NoTokenError       no token could be had
    │   │   └── TokenRefusedError  the token endpoint said no
    │   └── SignInNeededError  the person's own token is no longer good, and cannot be renewed
    ├── NoAnswerError      timeout, reset, 5xx, gibberish: a write may have landed; never resend it
    ├── ContractError      a redirect: nothing landed
    └── RefusedError       a 4xx: a write did not land
        ├── UnauthorizedError  401: the token or the key is no longer good
        ├── ForbiddenError     403: the token may not read or change this profile
        ├── NotFoundError      404: no such customer
        └── BusyError          429: too many calls

The text of an error may reach a log: it holds the route's template and a status, never an address,
an id or a value. What Club Med said stands in attributes, for the page.
"""

from dataclasses import dataclass
from typing import Any


class ClubMedError(Exception):
    pass


class NotSentError(ClubMedError):
    pass


class NoTokenError(NotSentError):
    """used_up: the credential that a token was asked for with must not be used again."""

    def __init__(self, text: str, *, used_up: bool = False) -> None:
        super().__init__(text)
        self.used_up = used_up


class TokenRefusedError(NoTokenError):
    pass


class SignInNeededError(NotSentError):
    pass


class NoAnswerError(ClubMedError):
    pass


class ContractError(ClubMedError):
    pass


@dataclass(frozen=True)
class FieldError:
    """One of the `errors` of a 400. key: dotted `concerned_key` ("address.zip_code") or ""."""

    code: str
    key: str
    message: str


class RefusedError(ClubMedError):
    """status: HTTP status. description: `error_description` or "". errors: often none."""

    def __init__(
        self, text: str, *, status: int, description: str = "", errors: tuple[FieldError, ...] = ()
    ) -> None:
        super().__init__(text)
        self.status = status
        self.description = description
        self.errors = errors


class UnauthorizedError(RefusedError):
    pass


class ForbiddenError(RefusedError):
    pass


class NotFoundError(RefusedError):
    pass


class BusyError(RefusedError):
    pass


_BY_STATUS = {401: UnauthorizedError, 403: ForbiddenError, 404: NotFoundError, 429: BusyError}


def refusal(route: str, status: int, body: Any) -> RefusedError:
    """The error for a 4xx. body: its JSON, or None; every part of it is optional (contract 1)."""
    items = body.get("errors") if isinstance(body, dict) else None
    names = ("error_code", "concerned_key", "error_description")
    errors = tuple(
        FieldError(*(_text(item, name) for name in names))
        for item in (items if isinstance(items, list) else [])
        if isinstance(item, dict)
    )
    description = _text(body, "error_description") or _text(body, "error")
    kind = _BY_STATUS.get(status, RefusedError)
    return kind(f"{route}: {status}", status=status, description=description, errors=errors)


def _text(item: Any, name: str) -> str:
    value = item.get(name) if isinstance(item, dict) else None
    return value if isinstance(value, str) else ""
