"""The kinds of value in a profile: how a person reads one, when two are the same, how it is sent.

Every function takes any JSON and never raises: new values may appear at any time (contract 1), so
what cannot be read is shown as it came.
"""

from collections.abc import Callable
from dataclasses import dataclass

from customers.catalogue.compare import (
    Normal,
    as_written,
    day,
    found,
    normal_by,
    normal_codes,
    normal_names,
    raw_text,
)
from customers.catalogue.objects import (
    ADDRESS_MEMBERS,
    OPTIN_MEMBERS,
    address_text,
    are_optins,
    compose_object,
    compose_optins,
    is_object,
    optins_text,
    rebase_optins,
)
from customers.catalogue.phones import (
    are_phones,
    compose_phones,
    found_phones,
    normal_phones,
    phones_text,
    rebase_phones,
    seen_phones,
)
from customers.catalogue.words import country_text, date_text, language_text, number_text
from customers.clubmed.profile import Json


@dataclass(frozen=True)
class Kind:
    """How the values of a field are read, compared and sent.

    text: a value in one line, "" when there is none.
    normal: the form under which values that mean the same to a person are one; see `normal_by`.
    found: is what was sent there again in what is stored? Takes `normal` too.
    compose: what to send, from the value now at Club Med and what was typed.
    rebase: what was typed over one value, as if it had been typed over another.
    readable: is a value in the contract's shape? One that is not is shown, and not ours to rewrite.
    seen: of a value, what has to be there still for `compose` to be right; `normal` unless given.
    members: those that the contract knows, of an object or of each one in a list.
    """

    name: str
    text: Callable[[Json], str] = raw_text
    normal: Normal = normal_codes
    found: Callable[[Json, Json, Normal], bool] = found
    compose: Callable[[Json, Json], Json] = lambda now, typed: typed
    rebase: Callable[[Json, Json, Json], Json] = lambda typed, saw, now: typed
    readable: Callable[[Json], bool] = lambda value: True
    seen: Normal | None = None
    members: tuple[str, ...] = ()
    number: bool = False  # its digits line up

    def same(self, sent: Json, stored: Json) -> bool:
        """Is what was stored what was sent, to a person?"""
        return self.found(sent, stored, self.normal)


TEXT = Kind("text", normal=normal_names)  # a name of a person or a place, in Latin letters


NATIVE = Kind("native", normal=normal_by(as_written))


EMAIL = Kind("email")


IDENTIFIER = Kind("identifier")


NUMBER = Kind("number", number_text, number=True)


CODE = Kind("code")  # one of the field's choices


BOOLEAN = Kind("boolean")


DATE = Kind("date", date_text, normal_by(day), number=True)


COUNTRY = Kind("country", country_text)


LANGUAGE = Kind("language", language_text)


PHONES = Kind(
    "phones",
    phones_text,
    normal=normal_phones,
    found=found_phones,
    compose=compose_phones,
    rebase=rebase_phones,
    readable=are_phones,
    seen=seen_phones,
    members=("number", "type"),
)


ADDRESS = Kind(
    "address",
    address_text,
    normal_names,
    compose=compose_object,
    readable=is_object,
    members=ADDRESS_MEMBERS,
)


OPTINS = Kind(
    "optins",
    optins_text,
    compose=compose_optins,
    rebase=rebase_optins,
    readable=are_optins,
    members=OPTIN_MEMBERS,
)


IDENTITY = Kind("identity", compose=compose_object, readable=is_object)
