"""The failures of a call, sorted by the one question that matters: did it land?

The text of an error may reach a log: it holds the route's template and a status, never an address,
an id or a value. Club Med's own words stand in attributes, for the page.
"""

from dataclasses import dataclass

from customers.clubmed.profile import Json


class ClubMedError(Exception):
    """Any outcome of a call but the promised one."""


class NotSentError(ClubMedError):
    """No byte of the request went out: a write did not land."""


class NoTokenError(NotSentError):
    """No token could be had. used_up: its credential (code, refresh token) is spent."""

    def __init__(self, text: str, *, used_up: bool = False) -> None:
        super().__init__(text)
        self.used_up = used_up


class TokenRefusedError(NoTokenError):
    """The token endpoint said no."""


class SignInNeededError(NotSentError):
    """The person's own token is no longer good, and cannot be renewed."""


class NoAnswerError(ClubMedError):
    """Timeout, reset, 5xx, gibberish: a write may have landed. Never send it again."""


class ContractError(ClubMedError):
    """A redirect: nothing landed."""


@dataclass(frozen=True)
class FieldError:
    """One of the `errors` of a 400. key: dotted `concerned_key` ("address.zip_code") or ""."""

    code: str
    key: str
    message: str


class RefusedError(ClubMedError):
    """A 4xx: a write did not land.

    status: 401 if the token or the key is no longer good, 403 if the token may not do this, 404 if
    there is no such customer, 429 after too many calls. description: `error_description` or "".
    errors: often none.
    """

    def __init__(
        self, text: str, status: int, description: str = "", errors: tuple[FieldError, ...] = ()
    ) -> None:
        super().__init__(text)
        self.status, self.description, self.errors = status, description, errors


def refusal(route: str, status: int, body: Json) -> RefusedError:
    """The error for a 4xx. body: its JSON, or None; every part of it is optional (contract 1)."""
    items = body.get("errors") if isinstance(body, dict) else None
    names = ("error_code", "concerned_key", "error_description")
    errors = tuple(
        FieldError(*(_text(item, name) for name in names))
        for item in (items if isinstance(items, list) else [])
        if isinstance(item, dict)
    )
    description = _text(body, "error_description") or _text(body, "error")
    return RefusedError(f"{route}: {status}", status, description, errors)


def _text(item: Json, name: str) -> str:
    value = item.get(name) if isinstance(item, dict) else None
    return value if isinstance(value, str) else ""
