"""What somebody typed to find a customer, as filters of `GET /v1/customers`.

Club Med finds exact matches only (contract 4), so a value is tried in each shape in which it may be
stored. Nothing here calls Club Med: `services.find` does.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import phonenumbers

from customers import wording
from customers.catalogue.compare import as_written, fold, is_empty, raw_text
from customers.catalogue.fields import FIELDS
from customers.catalogue.phones import dialled, parsed, same_number
from customers.catalogue.words import date_text
from customers.clubmed.profile import Json, member, parse_phones

Filters: TypeAlias = Mapping[str, str]  # search key -> value, all of which must match

MOST_CALLS = 4  # of one search
_PHONE = "phones.number"
_DATE = re.compile(
    r"(?<![^\s,])(\d{1,2}[/.\-]\d{1,2}[/.\-]\d{4}|\d{4}-\d{1,2}-\d{1,2}|\d{8})(?![^\s,])"
)


@dataclass(frozen=True)
class Search:
    """What to ask Club Med, and in which order.

    steps: all filters of a step are tried, the next step only if it found nobody; at most
    MOST_CALLS filters in all. besides: name -> value to compare with each customer that is found.
    number: digits that may be a customer's own number, or "".
    """

    steps: tuple[tuple[Filters, ...], ...]
    besides: Mapping[str, str] = field(default_factory=dict)
    number: str = ""

    def keeps(self, customer: Mapping[str, Json]) -> bool:
        """Does the customer agree in `besides`? A member that the answer lacks is no difference."""
        return all(_agrees(customer, name, value) for name, value in self.besides.items())

    @property
    def tried(self) -> list[str]:
        """The spellings that are searched for, in order."""
        keys = ("first_name", "last_name", "email", _PHONE, "gm_number")
        spelled = (
            " ".join(filters[key] for key in keys if key in filters)
            for step in self.steps
            for filters in step
        )
        return list(dict.fromkeys(filter(None, spelled)))


def read(text: str) -> dict[str, str]:
    """What the one box holds: `number`, `email`, or `name` and `birthdate`, unchecked.

    `number` has no letters: it may be a customer's, a GM's or a phone's. {} if it holds nothing.
    """
    text = as_written(unicodedata.normalize("NFKC", text))
    if "@" in text:
        word = next(word for word in text.split() if "@" in word)
        return {"email": word.strip("<>()[],;:\"'").removeprefix("mailto:")}
    if found := _DATE.search(text):
        name = as_written(text[: found.start()] + text[found.end() :]).strip(" ,;")
        if _has_letters(name):
            return {"name": name, "birthdate": found[0]}
        if not name and not found[0].isdecimal():
            return {"birthdate": found[0]}
    if _has_letters(text):
        return {"name": text}
    return {"number": text} if dialled(text) else {}


def _has_letters(text: str) -> bool:
    return any(char.isalpha() for char in text)


def search(criteria: Mapping[str, str], *, region: str) -> Search:
    """How to search for what was typed.

    criteria: `number`, `email`, `phone`, `name`, `last_name`, `first_name`, `birthdate` (YYYYMMDD),
    `zip_code`; at least one. region: ISO alpha-2 code of the country of national phone numbers.

    Club Med is asked for an e-mail or a phone alone, and the rest is compared here, where case and
    accents can be folded. All other criteria are sent together.
    """
    if "number" in criteria:
        return _by_number(criteria["number"], region)
    rest = dict(criteria)
    if "email" in criteria:
        return Search((_each("email", emails(rest.pop("email"))),), besides=rest)
    if "phone" in criteria:
        return Search((_each(_PHONE, phone_shapes(rest.pop("phone"), region)),), besides=rest)
    keys = {"birthdate": "birthdate", "zip_code": "address.zip_code"}
    exact = {key: criteria[name] for name, key in keys.items() if name in criteria}
    readings = _readings(criteria) or [{}]
    most = MOST_CALLS // len(readings)
    return Search(
        tuple(
            tuple({**spelled, **exact} for spelled in _spelled(reading)[:most])
            for reading in readings
        )
    )


def _each(key: str, values: Iterable[str]) -> tuple[Filters, ...]:
    return tuple({key: value} for value in values)


def is_customer_number(text: str) -> bool:
    """Digits that do not start with 0 (contract 3)."""
    return bool(re.fullmatch(r"[1-9][0-9]{0,63}", text))


def _by_number(text: str, region: str) -> Search:
    """By GM number, by phone where it can be one, and last by the customer's own number."""
    number = dialled(text)
    by_gm = _each("gm_number", [number])
    by_phone = _each(_PHONE, phone_shapes(text, region)[: MOST_CALLS - 1])
    if number.startswith("+") or "(" in text:
        return Search((by_phone,))
    if number.startswith("0"):
        return Search((by_phone, by_gm))
    by_phone = _each(_PHONE, _unmarked_phone(number, region)[: MOST_CALLS - 1])
    steps = (by_gm, by_phone) if by_phone else (by_gm,)
    return Search(steps, number=number if is_customer_number(number) else "")


def _unmarked_phone(digits: str, region: str) -> list[str]:
    """The shapes of digits that are a valid phone number of the region, or of abroad without its +.

    "2125550123" is one in the US; "639981234" is none in France, where it begins with 0.
    """
    national = _parsed(digits, region)
    if national and phonenumbers.is_valid_number(national) and _national(national) == digits:
        return phone_shapes(digits, region)
    abroad = _parsed(f"+{digits}", region) if len(digits) > 10 else None
    if abroad and phonenumbers.is_valid_number(abroad):
        return phone_shapes(f"+{digits}", region)
    return []


def phone_shapes(text: str, region: str) -> list[str]:
    """How a phone may be stored: 0639981234, +33639981234, 33639981234, and as it was typed."""
    typed = dialled(text)
    number = _parsed(text, region)
    shapes = [typed]
    if number and phonenumbers.is_possible_number(number):
        whole = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
        shapes = [_national(number), whole, whole.removeprefix("+"), typed]
    return list(dict.fromkeys(filter(None, shapes)))


def _parsed(text: str, region: str) -> phonenumbers.PhoneNumber | None:
    return parsed(re.sub(r"^\s*00", "+", text), region)


def _national(number: phonenumbers.PhoneNumber) -> str:
    text = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL)
    return re.sub(r"\D", "", text)


def emails(text: str) -> list[str]:
    """As it was typed, and in small letters."""
    return list(dict.fromkeys((text, text.lower())))


def _spelled(names: Mapping[str, str]) -> list[Filters]:
    """The names as written, and as Club Med may store them: capitals, with or without accents."""
    written = {key: as_written(name) for key, name in names.items()}
    tries = [
        {key: name.title() if name == name.lower() else name for key, name in written.items()},
        {key: fold(name).upper() for key, name in written.items()},
        {key: name.upper() for key, name in written.items()},
    ]
    return list({tuple(one.items()): one for one in tries}.values())


def _readings(criteria: Mapping[str, str]) -> list[dict[str, str]]:
    """The ways to take a name apart, likeliest first.

    "Smith, Tom" and "SMITH Tom" say which is the last name; "Tom Smith" may be either way round.
    """
    name = criteria.get("name", "")
    if not name:
        given = {key: criteria[key] for key in ("first_name", "last_name") if key in criteria}
        return [given] if given else []
    last, comma, first = (part.strip() for part in name.partition(","))
    if comma:
        return [_names(first, last)]
    words = name.split()
    loud = [word for word in words if word.isupper() and len(word) > 1]
    if loud and len(loud) < len(words):
        return [_names(" ".join(word for word in words if word not in loud), " ".join(loud))]
    if len(words) == 1:
        return [_names("", name)]
    other = (words[1], words[0]) if len(words) == 2 else (" ".join(words[:-1]), words[-1])
    return [_names(words[0], " ".join(words[1:])), _names(*other)]


def _names(first: str, last: str) -> dict[str, str]:
    names = {"first_name": first, "last_name": last}
    return {key: name for key, name in names.items() if name}


def person(criteria: Mapping[str, str]) -> dict[str, Json]:
    """What was typed, as values of a customer to be created."""
    values: dict[str, Json] = {
        name: criteria[name] for name in ("email", "birthdate") if name in criteria
    }
    phone = criteria.get("phone") or criteria.get("number", "")
    if phone and (dialled(phone).startswith(("+", "0")) or "phone" in criteria):
        values["phones"] = [{"type": "MOBILE", "number": phone}]
    return values | next(iter(_readings(criteria)), {})


def described(criteria: Mapping[str, str]) -> str:
    """What was searched for, in words: Last name “Wang”, Date of birth “14 June 1986”."""
    texts = dict(criteria)
    if "birthdate" in criteria:
        texts["birthdate"] = date_text(criteria["birthdate"])
    return ", ".join(
        wording.CRITERION % {"label": label, "value": texts[name]}
        for name, label in wording.CRITERIA.items()
        if name in texts
    )


def _agrees(customer: Mapping[str, Json], name: str, value: str) -> bool:
    if name == "phone":
        return "phones" not in customer or has_phone(customer["phones"], value)
    if name == "zip_code":
        stored = raw_text(member(customer, "address.zip_code"))
        return "address" not in customer or _bare(stored) == _bare(value)
    return name not in customer or FIELDS[name].same(value, customer[name])


def _bare(zip_code: str) -> str:
    return re.sub(r"[\s\-]", "", zip_code).upper()


def has_phone(phones: Json, number: Json) -> bool:
    """Is this number one of those phones?"""
    return any(same_number(number, phone.number) for phone in parse_phones(phones) or ())


def look_alikes(values: Mapping[str, Json], *, region: str, by_name: bool = False) -> list[Filters]:
    """The filters that find customers who may be the person with these values; at most eight.

    By e-mail, by each of the first two phones, and by last name and date of birth. by_name: if
    there is none of them, by first and last name.
    """
    tries: list[Filters] = []
    if email := raw_text(values.get("email")):
        tries += _each("email", emails(email))
    for phone in (parse_phones(values.get("phones")) or ())[:2]:
        tries += _each(_PHONE, phone_shapes(phone.number or "", region)[:2])
    last_name, birthdate = values.get("last_name"), values.get("birthdate")
    if not is_empty(last_name) and not is_empty(birthdate):
        known = _spelled({"last_name": raw_text(last_name)})[:2]
        tries += [{**name, "birthdate": raw_text(birthdate)} for name in known]
    if by_name and not tries:
        names = {key: raw_text(values.get(key)) for key in ("first_name", "last_name")}
        tries += _spelled({key: name for key, name in names.items() if name})
    return tries
