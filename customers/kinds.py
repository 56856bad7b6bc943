"""The kinds of value in a profile: how a person reads one, when two are the same, how it is sent.

Every function takes any JSON and never raises: new values may appear at any time (contract 1), so
what cannot be read is shown as it came.
"""

import json
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from babel import Locale

from customers.clubmed.profile import Json, parse_date, parse_phones

_NAMES = Locale("en")
# Codes of Babel's territories that are not ISO 3166-1 alpha-2: groupings, exceptional reservations.
_NOT_COUNTRIES = frozenset(
    ("AC", "CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN", "XA", "XB", "XK", "ZZ")
)


def is_empty(value: Json) -> bool:
    """Null, "" and [] are one thing to a person: nothing there (contract 2)."""
    return value is None or value == "" or value == [] or value == {}


def raw_text(value: Json) -> str:
    """A value that nothing here knows, as it came."""
    if is_empty(value):
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


# Accents of the Latin, Greek and Cyrillic scripts. Marks of others (the voicing of kana, the vowels
# of Arabic or Hindi) make another word.
_ACCENTS = re.compile("[\u0300-\u036f]")


def fold(text: str) -> str:
    """Case, accents and repeated spaces taken out: what Club Med's storage changes in a name."""
    plain = _ACCENTS.sub("", unicodedata.normalize("NFD", text))
    return " ".join(unicodedata.normalize("NFC", plain).casefold().split())


def digits(number: Json) -> str:
    """A phone number without its spaces, dots and brackets."""
    return re.sub(r"[^0-9+]", "", number) if isinstance(number, str) else raw_text(number)


def same_json(sent: Json, stored: Json) -> bool:
    """The same to a person: folded text, any list order, members that the server added allowed."""
    if is_empty(sent) or is_empty(stored):
        return is_empty(sent) and is_empty(stored)
    if isinstance(sent, str) and isinstance(stored, str):
        return fold(sent) == fold(stored)
    if isinstance(sent, Mapping) and isinstance(stored, Mapping):
        return all(same_json(value, stored.get(key)) for key, value in sent.items())
    if isinstance(sent, list) and isinstance(stored, list):
        left = list(stored)
        for item in sent:
            at = next((i for i, other in enumerate(left) if same_json(item, other)), None)
            if at is None:
                return False
            del left[at]
        return not left
    return type(sent) is type(stored) and sent == stored


def covers(typed: Json, sent: Json) -> bool:
    """Is `typed`, to the letter, what was sent? Members that were sent along are no difference."""
    if isinstance(typed, dict) and isinstance(sent, dict):
        return all(covers(value, sent.get(key)) for key, value in typed.items())
    if isinstance(typed, list) and isinstance(sent, list):
        return len(typed) == len(sent) and all(map(covers, typed, sent))
    return canonical(typed) == canonical(sent)


@cache
def countries() -> Mapping[str, str]:
    """ISO 3166-1 alpha-2 codes with their names, by name."""
    found = {
        code: name
        for code, name in _NAMES.territories.items()
        if len(code) == 2 and code.isalpha() and code not in _NOT_COUNTRIES
    }
    return dict(sorted(found.items(), key=lambda pair: fold(pair[1])))


@cache
def languages() -> Mapping[str, str]:
    """ISO 639-1 codes in capitals, as Club Med writes them, with their names, by name."""
    found = {code.upper(): name for code, name in _NAMES.languages.items() if len(code) == 2}
    return dict(sorted(found.items(), key=lambda pair: fold(pair[1])))


def date_text(value: Json) -> str:
    """14 June 1986."""
    day = parse_date(value)
    return raw_text(value) if day is None else f"{day.day} {day:%B} {day.year}"


def same_date(sent: Json, stored: Json) -> bool:
    days = parse_date(sent), parse_date(stored)
    return same_json(sent, stored) if None in days else days[0] == days[1]


def phones_text(value: Json) -> str:
    """Mobile +55 11 90000-0412, Office +55 11 3000-0177."""
    phones = parse_phones(value)
    if phones is None:
        return raw_text(value)
    names = PHONE_TYPES
    parts = (
        " ".join(filter(None, (names.get(phone.type or "", phone.type), phone.number)))
        for phone in phones
    )
    return ", ".join(parts)


def same_phones(sent: Json, stored: Json) -> bool:
    """As lists, with each number reduced to its digits."""
    return same_json(_with_digits(sent), _with_digits(stored))


def _with_digits(value: Json) -> Json:
    if not isinstance(value, list):
        return value
    return [
        {**item, "number": digits(item.get("number"))} if isinstance(item, dict) else item
        for item in value
    ]


def compose_phones(now: Json, rows: Json) -> Json:
    """The whole list to send: each row over the phone it was made from, whose other members stay.

    rows: [{"row": index in the list now or null, "number", "type"}], from the editor.
    """
    phones = now if isinstance(now, list) else []
    composed: list[Json] = []
    for item in rows if isinstance(rows, list) else []:
        row = item.get("row")
        base = phones[row] if isinstance(row, int) and row < len(phones) else {}
        typed = {key: value for key, value in item.items() if key != "row"}
        composed.append({**base, **typed} if isinstance(base, dict) else typed)
    return composed


def rebase_phones(rows: Json, saw: Json, now: Json) -> Json:
    """The same rows over another list: each made from the phone that it was made from, if it is
    there still, or from one with the same type and number.
    """
    before, after = (value if isinstance(value, list) else [] for value in (saw, now))
    rebased = []
    for item in rows if isinstance(rows, list) else []:
        row = item.get("row")
        phone = before[row] if isinstance(row, int) and row < len(before) else None
        alike = {key: item.get(key) for key in ("type", "number")}
        found = (
            i
            for i, other in enumerate(after)
            if (other == phone if phone is not None else covers(alike, other))
        )
        rebased.append({**item, "row": next(found, None)})
    return rebased


def address_lines(value: Json) -> list[str]:
    """An address as it is written on a letter; members without a place there follow, named."""
    if not isinstance(value, dict):
        return [raw_text(value)] if not is_empty(value) else []
    left = {key: raw_text(member) for key, member in value.items() if not is_empty(member)}
    country = countries().get(left.get("country_code", ""), left.get("country_code", ""))
    left.setdefault("country", country)
    lines = [" ".join(filter(None, (left.pop(key, "") for key in keys))) for keys in _ADDRESS_LINES]
    left.pop("country_code", None)
    lines += [f"{key}: {text}" for key, text in left.items()]
    return [line for line in lines if line]


_ADDRESS_LINES = (
    ("number", "street"),
    ("add_on",),
    ("additional_information_1",),
    ("additional_information_2",),
    ("town",),
    ("zip_code", "city", "state_or_district"),
    ("country",),
)


def address_text(value: Json) -> str:
    return ", ".join(address_lines(value))


def optins_text(value: Json) -> str:
    """E-mail Yes, SMS No."""
    if not isinstance(value, list):
        return raw_text(value)
    return ", ".join(
        f"{channel_text(item.get('channel'))} {yes_no(item.get('optin'))}".strip()
        if isinstance(item, dict)
        else raw_text(item)
        for item in value
    )


def channel_text(code: Json) -> str:
    return CHANNELS.get(raw_text(code), raw_text(code))


def yes_no(answer: Json) -> str:
    """Yes or No; what is neither as it came."""
    return ("Yes" if answer else "No") if isinstance(answer, bool) else raw_text(answer)


def number_text(value: Json) -> str:
    """12,480."""
    if isinstance(value, bool) or not isinstance(value, int):
        return raw_text(value)
    return f"{value:,}"


def country_text(value: Json) -> str:
    return countries().get(raw_text(value), raw_text(value))


def language_text(value: Json) -> str:
    return languages().get(raw_text(value), raw_text(value))


PHONE_TYPES = {"MOBILE": "Mobile", "HOME": "Home", "OFFICE": "Office"}
CHANNELS = {
    "EMAIL": "E-mail",
    "SMS": "SMS",
    "WECHAT": "WeChat",
    "PHONE": "Phone",
    "MAIL": "Post",
    "ALL": "All channels",
    "FOSUN_PARTNERS": "Fosun partners",
    "CLUBMED_PLUS": "Club Med Plus",
    "WHATSAPP": "WhatsApp",
    "PROFILING": "Profiling",
    "CGU_2": "Terms of use 2",
    "CONFORMITY": "Conformity",
}


@dataclass(frozen=True)
class Kind:
    """How the values of a field are read, compared and sent.

    text: a value in one line, "" when there is none.
    same: is what was stored what was sent, to a person?
    compose: what to send, from the value now at Club Med and what was typed.
    rebase: what was typed over one value, as if it had been typed over another.
    """

    name: str
    text: Callable[[Json], str] = raw_text
    same: Callable[[Json, Json], bool] = same_json
    compose: Callable[[Json, Json], Json] = lambda now, typed: typed
    rebase: Callable[[Json, Json, Json], Json] = lambda typed, saw, now: typed
    number: bool = False  # its digits line up


TEXT = Kind("text")
EMAIL = Kind("email")
NUMBER = Kind("number", number_text, number=True)
CODE = Kind("code")  # one of the field's choices
BOOLEAN = Kind("boolean")
DATE = Kind("date", date_text, same_date, number=True)
COUNTRY = Kind("country", country_text)
LANGUAGE = Kind("language", language_text)
PHONES = Kind("phones", phones_text, same_phones, compose_phones, rebase_phones)
ADDRESS = Kind("address", address_text)
OPTINS = Kind("optins", optins_text)
IDENTITY = Kind("identity")


def canonical(value: Any) -> str:
    """One string for one JSON value: keys sorted, nothing spare, all that is empty as null."""
    value = None if is_empty(value) else value
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
