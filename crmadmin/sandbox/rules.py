"""What the sandbox accepts in a body, and how it stores it (contract, section 3).

Each rule takes the dotted key and the value sent, and gives the value to store or raises Refused.
Where the contract is silent, this API decides: a list or an object is replaced whole, with the
members it does not know kept as sent; whatever is empty (null, "", blanks, [], {}) is stored as
null; a create leaves out what is empty; a list of opt-ins is never emptied; second, third and
fourth names hold 50 characters, a place of birth 100.
"""

import re
import unicodedata
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

Rule = Callable[[str, Any], Any]

# The gender that each one drives.
CIVILITIES = {"MR": "M", "MS": "F", "MX": None, "MASTER": "M", "MISS": "F"}
CHILDREN = {"MASTER", "MISS"}
# FAX_2 stands for a type that came after the contract was written: stored ones can be sent back.
PHONE_TYPES = {"HOME", "MOBILE", "OFFICE", "FAX_2"}
CHANNELS = {
    "EMAIL",
    "SMS",
    "WECHAT",
    "PHONE",
    "MAIL",
    "ALL",
    "FOSUN_PARTNERS",
    "CLUBMED_PLUS",
    "WHATSAPP",
    "PROFILING",
    "CGU_2",
    "CONFORMITY",
}
IDENTITY_TYPES = {
    "CPF",
    "CUIL",
    "TAX_NUMBER",
    "SECURITY_NUMBER",
    "ID_NUMBER",
    "NATIONAL_REGISTER",
    "DNI",
}
ADDRESS_LENGTHS = {
    "number": 50,
    "street": 100,
    "add_on": 50,
    "town": 100,
    "city": 150,
    "zip_code": 50,
    "state_or_district": 100,
    "country": 100,
    "country_code": 3,
    "additional_information_1": 100,
    "additional_information_2": 100,
}
UNKNOWN_ZIP_CODE = "00000"  # the one that the standard address validation refuses


@dataclass(frozen=True)
class Refusal:
    """One item of `errors` in a 400."""

    code: str
    key: str
    text: str

    def as_json(self) -> dict[str, str]:
        return {"error_code": self.code, "concerned_key": self.key, "error_description": self.text}


class Refused(Exception):
    """The body is not accepted; `refusals` says why, key by key."""

    def __init__(self, *refusals: Refusal) -> None:
        super().__init__(f"{len(refusals)} refusals")
        self.refusals = refusals


def check_create(
    body: Mapping[str, Any], market: Sequence[Refusal] = (), *, force_address: bool
) -> dict[str, Any]:
    """The values to store for a new customer. market: what it refuses besides. Raises Refused."""
    empty = [
        Refusal("required", key, "What is empty is left out.")
        for key, value in body.items()
        if value in (None, "")
    ]
    besides = [*market, *empty]
    return _accepted(
        body, _CREATE, besides, needed=_REQUIRED, complete=True, force_address=force_address
    )


def check_patch(
    body: Mapping[str, Any], market: Sequence[Refusal] = (), *, force_address: bool
) -> dict[str, Any]:
    """The values to store over a profile: only keys that were sent; None clears. Raises Refused.

    market: what it refuses besides.
    """
    values = {key: None if value == "" else value for key, value in body.items()}
    needed = {*_REQUIRED, "personal_data_usage_allowed", "optins"}
    return _accepted(values, PATCHABLE, market, needed=needed, force_address=force_address)


def _accepted(
    body: Mapping[str, Any],
    rules: Mapping[str, Rule],
    market: Sequence[Refusal],
    *,
    needed: Container[str],
    complete: bool = False,
    force_address: bool,
) -> dict[str, Any]:
    """What the rules and the market let through. Raises Refused, with one refusal a key."""
    known = {key: value for key, value in body.items() if key in rules}
    refusals = [
        Refusal("not_allowed", key, "This field cannot be set here.")
        for key in body
        if key not in rules
    ]
    stored: dict[str, Any] = {}
    try:
        stored = _members("", known, rules, needed=needed, complete=complete)
        _check_address(stored, force_address=force_address)
    except Refused as refused:
        refusals += refused.refusals
    if refusals or market:
        raise Refused(
            *{refusal.key: refusal for refusal in (*reversed(market), *refusals)}.values()
        )
    return stored


def is_empty(value: Any) -> bool:
    """Does this value say nothing?"""
    return value in (None, "", [], {})


def _members(
    prefix: str,
    values: Mapping[str, Any],
    rules: Mapping[str, Rule],
    *,
    needed: Container[str] = (),
    complete: bool = False,
) -> dict[str, Any]:
    """Each member by its rule, those without one as sent; every refusal, not just the first.

    needed: members that may not be empty; complete: nor be missing.
    """
    stored: dict[str, Any] = {}
    refusals: list[Refusal] = []
    absent = [key for key in rules if complete and key in needed and key not in values]
    for key, value in {**values, **dict.fromkeys(absent)}.items():
        rule = rules.get(key)
        try:
            found = value if rule is None or value is None else rule(prefix + key, value)
        except Refused as refused:
            refusals += refused.refusals
            continue
        stored[key] = None if is_empty(found) else found
        if stored[key] is None and key in needed:
            refusals.append(Refusal("required", prefix + key, "This field is required."))
    if refusals:
        raise Refused(*refusals)
    return stored


def _check_address(stored: dict[str, Any], *, force_address: bool) -> None:
    address = stored.get("address")
    if address and address.get("zip_code") == UNKNOWN_ZIP_CODE and not force_address:
        text = "This postal code does not exist in this city."
        raise Refused(Refusal("address_not_found", "address.zip_code", text))


def _text(limit: int) -> Rule:
    def rule(key: str, value: Any) -> str:
        if not isinstance(value, str):
            raise Refused(Refusal("type", key, "This value must be a string."))
        text = unicodedata.normalize("NFC", value.strip())
        if len(text) > limit:
            raise Refused(Refusal("max_length", key, f"At most {limit} characters."))
        if any(unicodedata.category(char) in ("Cc", "Cs") for char in text):
            raise Refused(Refusal("pattern", key, "Control characters are not allowed."))
        return text

    return rule


def _pattern(pattern: str, limit: int, hint: str) -> Rule:
    def rule(key: str, value: Any) -> str:
        text: str = _text(limit)(key, value)
        if text and not re.fullmatch(pattern, text):
            raise Refused(Refusal("pattern", key, hint))
        return text

    return rule


def _name(limit: int) -> Rule:
    """A name in Latin letters, stored in capitals without accents."""

    def rule(key: str, value: Any) -> str:
        text: str = _text(limit)(key, value)
        if not all(char in " -'’." or _is_latin(char) for char in text):
            hint = "Only Latin letters, spaces, hyphens, apostrophes and dots."
            raise Refused(Refusal("pattern", key, hint))
        return capitals(text)

    return rule


def _is_latin(char: str) -> bool:
    return unicodedata.combining(char) > 0 or (
        char.isalpha() and unicodedata.name(char, "").startswith("LATIN")
    )


def capitals(name: str) -> str:
    """`Béatriz` -> `BEATRIZ`; a letter that is no letter plus an accent (ø, ł) keeps its form."""
    decomposed = unicodedata.normalize("NFKD", name)
    return "".join(char for char in decomposed if not unicodedata.combining(char)).upper()


def _choice(choices: Container[str]) -> Rule:
    def rule(key: str, value: Any) -> str:
        if not isinstance(value, str):
            raise Refused(Refusal("type", key, "This value must be a string."))
        if value not in choices:
            raise Refused(Refusal("choice", key, "This value is not one of the allowed ones."))
        return value

    return rule


def _boolean(key: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise Refused(Refusal("type", key, "This value must be true or false."))
    return value


def _email(key: str, value: Any) -> str:
    return _EMAIL_SHAPE(key, value).lower()  # type: ignore[no-any-return]


def _birthdate(key: str, value: Any) -> str:
    text: str = _pattern(r"[0-9]{8}", 8, "A date as YYYYMMDD.")(key, value)
    if not text:
        return ""
    try:
        day = datetime.strptime(text, "%Y%m%d").date()
    except ValueError:
        raise Refused(Refusal("pattern", key, "This date does not exist.")) from None
    if day > datetime.now(UTC).date():
        raise Refused(Refusal("future_date", key, "This date is in the future."))
    return text


def _list_of(rule: Rule) -> Rule:
    def list_rule(key: str, value: Any) -> list[Any]:
        if not isinstance(value, list):
            raise Refused(Refusal("type", key, "This value must be a list."))
        keyed = _members(f"{key}.", dict(_numbered(value)), dict.fromkeys(_indexes(value), rule),
                         needed=_indexes(value))  # fmt: skip
        return list(keyed.values())

    return list_rule


def _numbered(items: list[Any]) -> list[tuple[str, Any]]:
    return [(str(index), item) for index, item in enumerate(items)]


def _indexes(items: list[Any]) -> list[str]:
    return [str(index) for index in range(len(items))]


def _object_of(rules: Mapping[str, Rule], needed: Container[str] = ()) -> Rule:
    def object_rule(key: str, value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise Refused(Refusal("type", key, "This value must be an object."))
        return _members(f"{key}.", value, rules, needed=needed, complete=True)

    return object_rule


def _optin(key: str, value: Any) -> dict[str, Any]:
    stored: dict[str, Any] = _OPTIN_SHAPE(key, value)
    if stored.get("optin_partners") is not None and stored["channel"] != "EMAIL":
        hint = "Partners can be set with EMAIL only."
        raise Refused(Refusal("choice", f"{key}.optin_partners", hint))
    return stored


_EMAIL_SHAPE = _pattern(
    r'([^@\s"]+|"[^"]+")@[^@\s.]+(\.[^@\s.]+)+', 254, "This is not an e-mail address."
)
_PHONE_SHAPE = _pattern(r"[+]?[0-9]+", 50, "Digits only, with an optional leading +.")
_COUNTRY = _pattern(r"[A-Z]{2}", 2, "A country code of two capitals.")
_LANGUAGE = _pattern(r"[A-Z]{2}", 2, "A language code of two capitals.")
_PHONES = _list_of(
    _object_of({"number": _PHONE_SHAPE, "type": _choice(PHONE_TYPES)}, needed={"number", "type"})
)
_OPTIN_SHAPE = _object_of(
    {"channel": _choice(CHANNELS), "optin": _boolean, "optin_partners": _boolean},
    needed={"channel", "optin"},
)
_IDENTITY = _object_of(
    {"number": _text(50), "type": _choice(IDENTITY_TYPES)}, needed={"number", "type"}
)
_REQUIRED = {"civility", "first_name", "last_name"}
_BOTH: dict[str, Rule] = {
    "civility": _choice(CIVILITIES),
    "unicode_civility": _text(100),
    "first_name": _name(20),
    "last_name": _name(30),
    "unicode_first_name": _text(100),
    "unicode_last_name": _text(100),
    "email": _email,
    "birthdate": _birthdate,
    "language_code": _LANGUAGE,
    "phones": _PHONES,
    "address": _object_of({key: _text(limit) for key, limit in ADDRESS_LENGTHS.items()}),
    "optins": _list_of(_optin),
    "identity": _IDENTITY,
}
_CREATE: dict[str, Rule] = {
    **_BOTH,
    "customer_type": _choice({"CLIENT", "PROSPECT"}),
    "call_id": _text(100),
}
PATCHABLE: dict[str, Rule] = {
    **_BOTH,
    "second_name": _name(50),
    "third_name": _name(50),
    "fourth_name": _name(50),
    "unicode_second_name": _text(100),
    "unicode_third_name": _text(100),
    "unicode_fourth_name": _text(100),
    "birth_country_code": _COUNTRY,
    "birth_city": _text(100),
    "personal_data_usage_allowed": _boolean,
}
