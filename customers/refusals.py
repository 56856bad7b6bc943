"""What of a refusal of Club Med's may be shown, and what of it the log keeps.

A refusal may repeat what was sent, and what is stored beside it.
"""

import re
from collections.abc import Mapping

from customers.clubmed.errors import FieldError, RefusedError
from customers.clubmed.profile import Json, Profile, member_name
from customers.fields import FIELDS, secrets_of
from customers.kinds import CHANNELS, PHONE_TYPES, is_empty
from customers.secrets import repeats, telling

_CODE = re.compile(r"[\w.\[\]-]+", re.ASCII)  # of an error, or of a field it is about
_LONGEST = 255  # characters of a line of text in the log
_ROWS = [one for row in FIELDS.values() for one in (row, *row.members)]
# Values that are nobody's: PHONE, a channel of opt-ins, is in many a code.
_COMMON = {*telling([*CHANNELS, *PHONE_TYPES, *(code for row in _ROWS for code in row.choices)])}


def discreet(exc: RefusedError, held: Profile, typed: Mapping[str, Json]) -> RefusedError:
    """The refusal without what tells a sensitive value that the customer has and nobody typed.

    Where such a value was part of what was sent, no sentence is left; of other fields, those that
    are about it, and whatever repeats it. The codes stay.
    """
    stored = {row.name: row.hidden(row.value(held)) for row in FIELDS.values() if row.sensitive}
    unseen = {
        name
        for name, hidden in stored.items()
        if not is_empty(hidden) and (name not in typed or FIELDS[name].leaves_hidden(typed[name]))
    }
    secrets = secrets_of(held)

    def told(said: str) -> str:
        return "" if repeats(said, secrets) else said

    def is_silent(error: FieldError) -> bool:
        return not unseen.isdisjoint({member_name(error.key), *typed})

    errors = tuple(
        FieldError(
            code=told(error.code),
            key=told(error.key),
            message="" if is_silent(error) else told(error.message),
        )
        for error in exc.errors
    )
    description = told(exc.description) if unseen.isdisjoint(typed) else ""
    return type(exc)(str(exc), status=exc.status, description=description, errors=errors)


def codes(exc: RefusedError, held: Profile, sent: Mapping[str, Json]) -> str:
    """Why Club Med refused, without its sentences and whatever is no code: either may repeat what
    was sent, or is stored of this customer.
    """
    personal = set(telling([dict(held.values), dict(sent)])) - _COMMON

    def is_code(said: str) -> bool:
        return bool(_CODE.fullmatch(said)) and not repeats(said, personal)

    told = (" ".join(filter(is_code, (error.key, error.code))) for error in exc.errors)
    return "; ".join(filter(None, told))[:_LONGEST] or f"status {exc.status}"
