"""The typed search for a customer, as filters of `GET /v1/customers`.

Club Med finds exact matches only (contract 4), so a value is tried in each shape in which it may be
stored. Nothing here calls Club Med: `services.find` does.
"""

import re
import unicodedata
from collections import ChainMap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice, product
from typing import TypeAlias

import phonenumbers
from phonenumbers import PhoneNumberFormat

from customers.catalogue import dates, emails
from customers.catalogue.compare import as_written, fold, raw_text
from customers.catalogue.phones import dialled, parsed, unlinked
from customers.catalogue.typed import cleaned, coded
from customers.clubmed.profile import Json, parse_phones

Filters: TypeAlias = dict[str, str]  # search key -> value, all of which must match

_MOST_CALLS = 4  # of one search
_PHONE = "phones.number"


@dataclass(frozen=True)
class Search:
    """steps: the next one only if all filters of one find nobody. number: of a customer, or ""."""

    steps: list[list[Filters]]
    number: str = ""

    @property
    def tried(self) -> list[str]:
        """The spellings that are searched for, in order."""
        keys = ("first_name", "last_name", "email", _PHONE, "gm_number")
        texts = (
            " ".join(filters[key] for key in keys if key in filters)
            for step in self.steps
            for filters in step
        )
        return list(dict.fromkeys(filter(None, texts)))


def read(text: str) -> dict[str, str]:
    """Read the text of the search box: `number`, `email`, or `name` and `birthdate`, unchecked.

    `number` has no letters: it may be a customer's, a GM's or a phone's. {} if it holds nothing.
    """
    text = as_written(unicodedata.normalize("NFKC", cleaned(text)))
    if address := emails.find(text):
        return {"email": address}
    if day := dates.find(text):
        before, _, after = coded(text).partition(day)
        name = as_written(f"{before} {after}").strip(" ,;")
        if any(map(str.isalpha, name)):
            return {"name": name, "birthdate": day}
        if not name and not re.fullmatch(r"[\d ]+", day):  # that may be a phone's
            return {"birthdate": day}
    number = unlinked(text)
    if any(map(str.isalpha, number)):
        return {"name": text}
    return {"number": number} if dialled(number) else {}


def search(criteria: Mapping[str, str], *, region: str, others: Iterable[str] = ()) -> Search:
    """How to search by these criteria.

    criteria: `number`, `email`, `phone`, `name`, `last_name`, `first_name`, `birthdate` (YYYYMMDD),
    `zip_code`; at least one. region: ISO alpha-2 code of the country of national phone numbers;
    others: where else such a number may be from.
    """
    if "number" in criteria:
        return _by_number(criteria["number"], region, others)
    keys = {"birthdate": "birthdate", "zip_code": "address.zip_code"}
    exact = {key: criteria[name] for name, key in keys.items() if name in criteria}
    email = criteria.get("email", "")
    emails = _each("email", [email, email.lower()])
    phones = _each(_PHONE, _phone_shapes(criteria.get("phone", ""), region))
    steps: list[list[Filters]] = []
    readings = _readings(criteria)
    for names in readings:
        shapes = [filters for filters in (emails, phones, _spellings(names)) if filters]
        tries = product(*(filters[:2] if len(shapes) > 1 else filters for filters in shapes))
        most = _MOST_CALLS // len(readings)
        steps.append([dict(ChainMap(*group, exact)) for group in islice(tries, most)])
    if criteria.keys() == {"phone"}:
        steps.append(_abroad(criteria["phone"], region, others))
    return Search(steps)


def _each(key: str, values: Iterable[str]) -> list[Filters]:
    return [{key: value} for value in dict.fromkeys(values) if value]


def is_customer_number(text: str) -> bool:
    """Digits that do not start with 0 (contract 3)."""
    return bool(re.fullmatch(r"[1-9][0-9]{0,63}", text))


def _by_number(text: str, region: str, others: Iterable[str]) -> Search:
    """By GM number, by phone, last by the customer's own; by phone alone if it begins + or 0."""
    number = dialled(text)
    by_phone = _each(_PHONE, _phone_shapes(text, region)[: _MOST_CALLS - 1])
    abroad = _abroad(text, region, others)
    if not is_customer_number(number):
        return Search([by_phone, abroad])
    return Search([_each("gm_number", [number]), by_phone, abroad], number=number)


def _phone_shapes(text: str, region: str) -> list[str]:
    """How a phone may be stored: 0639981234, +33639981234, 33639981234, and as it was typed."""
    number = parsed(re.sub(r"^\s*00", "+", text), region)
    if not number or not phonenumbers.is_possible_number(number):
        return [dialled(text)]
    national = phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL)
    whole = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    return [re.sub(r"\D", "", national), whole, whole.removeprefix("+"), dialled(text)]


def _abroad(text: str, region: str, others: Iterable[str]) -> list[Filters]:
    """A national number as it may be stored for customers of other countries."""
    numbers = (parsed(text, other) for other in others if other != region)
    valid = (number for number in numbers if number and phonenumbers.is_valid_number(number))
    whole = dict.fromkeys(phonenumbers.format_number(n, PhoneNumberFormat.E164) for n in valid)
    shapes = _phone_shapes(text, region)
    return _each(_PHONE, islice((shape for shape in whole if shape not in shapes), _MOST_CALLS))


def is_one_person(filters: Filters) -> bool:
    """Do hardly two people share these values?"""
    whole = {"gm_number", "email", _PHONE} & filters.keys()
    return bool(whole) or {"last_name", "birthdate"} <= filters.keys()


def _spellings(names: Mapping[str, str]) -> list[Filters]:
    """The names as written, and as Club Med may store them: capitals, with or without accents; or
    with one capital where all were typed.
    """
    tries = [
        {key: name.title() if name == name.lower() else name for key, name in names.items()},
        {key: fold(name).upper() for key, name in names.items()},
        {key: name.upper() for key, name in names.items()},
        {key: name.title() if name == name.upper() else name for key, name in names.items()},
    ]
    return [spelling for n, spelling in enumerate(tries) if spelling and spelling not in tries[:n]]


def _readings(criteria: Mapping[str, str]) -> list[dict[str, str]]:
    """The ways to take a name apart, likeliest first.

    "Smith, Tom" and "SMITH Tom" say which is the last name; "Tom Smith" may be either way round.
    """
    words = criteria.get("name", "").split()
    if not words:
        return [{key: criteria[key] for key in ("first_name", "last_name") if key in criteria}]
    last, comma, first = criteria["name"].partition(",")
    if comma:
        return [_names(first.split(), last.split())]
    loud = [word for word in words if word.isupper() and len(word) > 1]
    if 0 < len(loud) < len(words):
        return [_names([word for word in words if word not in loud], loud)]
    if len(words) == 1:
        return [_names([], words)]
    other = (words[1:], words[:1]) if len(words) == 2 else (words[:-1], words[-1:])
    return [_names(words[:1], words[1:]), _names(*other)]


def _names(first: list[str], last: list[str]) -> dict[str, str]:
    names = {"first_name": " ".join(first), "last_name": " ".join(last)}
    return {key: name for key, name in names.items() if name}


def person(criteria: Mapping[str, str]) -> dict[str, Json]:
    """The criteria as values of a customer to be created."""
    values: dict[str, Json] = dict(_readings(criteria)[0])
    values |= {name: criteria[name] for name in ("email", "birthdate") if name in criteria}
    phone = criteria.get("phone") or criteria.get("number", "")
    if "phone" in criteria or dialled(phone).startswith(("+", "0")):
        values["phones"] = [{"type": "MOBILE", "number": phone}]
    return values


def look_alikes(values: Mapping[str, Json], *, region: str, by_name: bool = False) -> list[Filters]:
    """The filters that find customers who may be the person with these values; at most eight.

    By e-mail, by each of the first two phones, and by last name and date of birth. by_name: if
    there is none of them, by first and last name.
    """
    email = raw_text(values.get("email"))
    tries = _each("email", [email, email.lower()])
    for phone in (parse_phones(values.get("phones")) or ())[:2]:
        tries += _each(_PHONE, _phone_shapes(phone.number or "", region)[:2])
    names = {key: raw_text(values.get(key)) for key in ("first_name", "last_name")}
    birthdate = raw_text(values.get("birthdate"))
    if names["last_name"] and birthdate:
        spellings = _spellings({"last_name": names["last_name"]})[:2]
        tries += [{**name, "birthdate": birthdate} for name in spellings]
    if by_name and not tries:
        tries += _spellings({key: name for key, name in names.items() if name})
    return tries
