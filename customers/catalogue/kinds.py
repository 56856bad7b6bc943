"""The kinds of value in a profile. Functions take any JSON, and show an odd value as it came."""

from collections.abc import Callable
from dataclasses import dataclass

from customers.catalogue import compare, national_numbers, objects, phones, words
from customers.catalogue.compare import Normal
from customers.clubmed.profile import Json, parse_phones


@dataclass(frozen=True, eq=False)
class Kind:
    """How the values of a field are read, compared and sent.

    text: a value in one line. normal: the form that all values have which mean the same.
    is_contained: does the stored value hold what was sent? Called with both, and `normal`.
    compose: the value to send, from the one now at Club Med and the typed one.
    rebase: a value typed over one value, as if it had been typed over another.
    readable: is it in the contract's shape? fingerprint: the form that must not have changed since
    an editor was opened; `normal` if None. members: the contract's, of an object or of each object
    in a list. number: its digits line up in a column.
    """

    name: str
    text: Callable[[Json], str] = compare.raw_text
    normal: Normal = compare.normal_codes
    is_contained: Callable[[Json, Json, Normal], bool] = compare.is_contained
    compose: Callable[[Json, Json], Json] = lambda now, typed: typed
    rebase: Callable[[Json, Json, Json], Json] = lambda typed, saw, now: typed
    readable: Callable[[Json], bool] = lambda value: True
    fingerprint: Normal | None = None
    members: tuple[str, ...] = ()
    number: bool = False


TEXT = Kind("text", normal=compare.normal_names)  # a name in Latin letters
NATIVE = Kind("native", normal=compare.normal_by(compare.as_written))
EMAIL = Kind("email")
IDENTIFIER = Kind("identifier")
NUMBER = Kind("number", words.number_text, number=True)
CODE = Kind("code")  # one of the field's choices
BOOLEAN = Kind("boolean")
DATE = Kind("date", words.date_text, compare.normal_by(compare.day), number=True)
COUNTRY = Kind("country", words.country_text)
LANGUAGE = Kind("language", words.language_text)
PHONES = Kind(
    "phones",
    phones.phones_text,
    phones.normal_phones,
    phones.are_contained,
    phones.compose_phones,
    phones.rebase_phones,
    lambda value: parse_phones(value or []) is not None,
    phones.fingerprint,
    members=("number", "type"),
)
ADDRESS = Kind(
    "address",
    objects.address_text,
    compare.normal_names,
    compose=objects.compose_object,
    readable=objects.is_object,
    members=objects.ADDRESS_MEMBERS,
)
OPTINS = Kind(
    "optins",
    objects.optins_text,
    compose=objects.compose_optins,
    rebase=objects.rebase_optins,
    readable=objects.are_optins,
    members=objects.OPTIN_MEMBERS,
)
IDENTITY = Kind(
    "identity",
    normal=national_numbers.normal,
    compose=objects.compose_object,
    readable=objects.is_object,
)
