"""What of a refusal of Club Med's may be shown, and what of it the log keeps.

A refusal may repeat what was sent, and what is stored beside it.
"""

import re
from collections.abc import Mapping

from customers.catalogue.compare import is_empty
from customers.catalogue.fields import FIELDS, secrets_of
from customers.catalogue.masking import repeats, telling
from customers.catalogue.words import CHANNELS, PHONE_TYPES
from customers.clubmed.errors import FieldError, RefusedError
from customers.clubmed.profile import Json, Profile, member_name

_CODE = re.compile(r"[\w.\[\]-]+", re.ASCII)  # of an error, or of a field it is about
_LONGEST = 255  # characters of a line of text in the log
_HELD_BACK = "its words may repeat a hidden value, and are not shown."
_ROWS = [one for row in FIELDS.values() for one in (row, *row.members)]
# Values that are nobody's: PHONE, a channel of opt-ins, is in many a code.
_COMMON = {*telling([*CHANNELS, *PHONE_TYPES, *(code for row in _ROWS for code in row.choices)])}


def discreet(exc: RefusedError, held: Profile, typed: Mapping[str, Json]) -> RefusedError:
    """The refusal without what tells a sensitive value that the customer has and nobody typed.

    Left out is what is about such a value, what is about no field where one was part of what was
    sent, and whatever repeats one, but for what the person typed. The codes stay.
    """
    stored = {row.name: row.hidden(row.value(held)) for row in FIELDS.values() if row.sensitive}
    unseen = {
        name
        for name, hidden in stored.items()
        if not is_empty(hidden) and (name not in typed or FIELDS[name].leaves_hidden(typed[name]))
    }
    secrets, typed_texts = secrets_of(held), [*telling(dict(typed))]
    was_sent = not unseen.isdisjoint(typed)

    def told(said: str) -> str:
        return "" if repeats(said, secrets, besides=typed_texts) else said

    def sentence(said: str, code: str = "", *, is_silent: bool) -> str:
        if said and (is_silent or not told(said)):
            return ": ".join(filter(None, (code, _HELD_BACK)))
        return said

    def told_of(error: FieldError) -> FieldError:
        name, code = member_name(error.key), told(error.code)
        is_silent = name in unseen or (not name and was_sent)
        message = sentence(error.message, code, is_silent=is_silent)
        return FieldError(code=code, key=told(error.key), message=message)

    errors = tuple(map(told_of, exc.errors))
    description = sentence(exc.description, is_silent=was_sent)
    return type(exc)(str(exc), status=exc.status, description=description, errors=errors)


def codes(exc: RefusedError, held: Profile, sent: Mapping[str, Json]) -> str:
    """Why Club Med refused, without its sentences and whatever is no code: either may repeat what
    was sent, or is stored of this customer.
    """
    personal = set(telling([dict(held.values), dict(sent)])) - _COMMON
    words = {one for one in personal if one.isalpha()}  # Mr Vali stands in no INVALID

    def is_code(said: str) -> bool:
        parts = {part.casefold() for part in re.split("[^A-Za-z]", said)}
        is_personal = repeats(said, personal - words) or not words.isdisjoint(parts)
        return bool(_CODE.fullmatch(said)) and not is_personal

    told = (" ".join(filter(is_code, (error.key, error.code))) for error in exc.errors)
    return "; ".join(filter(None, told))[:_LONGEST] or f"status {exc.status}"
