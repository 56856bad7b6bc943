"""What somebody typed to find a customer, as filters of `GET /v1/customers`.

Club Med finds exact matches only (contract 4), so a value is tried in the shapes under which it may
be stored. Nothing here calls Club Med: `services.find_customers` does.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import phonenumbers

from customers.catalogue.compare import as_written, fold, is_empty, raw_text
from customers.catalogue.fields import FIELDS
from customers.catalogue.phones import dialled, same_number
from customers.catalogue.words import date_text
from customers.clubmed.profile import Json, member, parse_phones

Filters: TypeAlias = Mapping[str, str]  # search key -> value, all of which must match

MOST_CALLS = 4  # of one search
_PHONES = 2  # of a customer to be created, that are looked for
_DATE = re.compile(
    r"(?<![^\s,])(\d{1,2}[/.\-]\d{1,2}[/.\-]\d{4}|\d{4}-\d{1,2}-\d{1,2}|\d{8})(?![^\s,])"
)
_LABELS = {
    "number": "Number",
    "email": "E-mail",
    "phone": "Phone",
    "name": "Name",
    "last_name": "Last name",
    "first_name": "First name",
    "zip_code": "Postal code",
}


@dataclass(frozen=True)
class Search:
    """What to ask Club Med, and in which order.

    steps: all filters of a step are tried; the next step only where a step found nobody. At most
    MOST_CALLS in all. besides: name -> value that is compared here with whoever is found. number:
    digits that may be a customer's own number, "" if they cannot.
    """

    steps: tuple[tuple[Filters, ...], ...]
    besides: Mapping[str, str] = field(default_factory=dict)
    number: str = ""

    def is_by_number(self, step: int) -> bool:
        """Does that step ask for a GM number, which is one customer's?"""
        return "gm_number" in self.steps[step][0]

    def keeps(self, customer: Mapping[str, Json]) -> bool:
        """Is this customer all that was typed besides? What was not sent along is no difference."""
        return all(_agrees(customer, name, value) for name, value in self.besides.items())

    @property
    def tried(self) -> list[str]:
        """The spellings that are looked for, in order."""
        tries = (filters for step in self.steps for filters in step)
        spelled = (
            " ".join(filters[key] for key in ("first_name", "last_name", *_ALONE) if key in filters)
            for filters in tries
        )
        return list(dict.fromkeys(filter(None, spelled)))


_ALONE = ("email", "phones.number", "gm_number")


def read(text: str) -> dict[str, str]:
    """What the one box holds: `number`, `email`, or `name` and `birthdate`; none of it checked.

    `number` is whatever has no letters: a customer's, a GM's or a phone's. Empty: nothing in it.
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
    """How to look for what was typed.

    criteria: `number`, `email`, `phone`, `name`, `last_name`, `first_name`, `birthdate` (YYYYMMDD),
    `zip_code`; at least one. region: whose national numbers a phone may be one of ("FR").

    An e-mail or a phone is asked for alone, and the rest compared here, where case and accents can
    be folded. All else is ANDed by Club Med.
    """
    if "number" in criteria:
        return _by_number(criteria["number"], region)
    for name, key in (("email", "email"), ("phone", "phones.number")):
        if name in criteria:
            shapes = emails if name == "email" else lambda text: phone_shapes(text, region)
            tries = tuple({key: shape} for shape in shapes(criteria[name]))
            rest = {other: value for other, value in criteria.items() if other != name}
            return Search((tries,), besides=rest)
    keys = {"birthdate": "birthdate", "zip_code": "address.zip_code"}
    rest = {key: criteria[name] for name, key in keys.items() if name in criteria}
    readings = _readings(criteria) or [{}]
    most = MOST_CALLS // len(readings)
    return Search(
        tuple(
            tuple({**spelled, **rest} for spelled in _spelled(reading)[:most])
            for reading in readings
        )
    )


def _by_number(text: str, region: str) -> Search:
    """GM number, then phone where it can be one; then, if nobody has either, the customer's own."""
    number = dialled(text)
    by_gm: Filters = {"gm_number": number}
    if number.startswith("+") or "(" in text:
        return Search((_by_phone(phone_shapes(text, region)),))
    if number.startswith("0"):
        return Search((_by_phone(phone_shapes(text, region)), (by_gm,)))
    phones = _by_phone(_unmarked_phone(number, region))
    is_one = bool(re.fullmatch("[1-9][0-9]{0,63}", number))
    return Search(((by_gm,), phones) if phones else ((by_gm,),), number=number if is_one else "")


def _by_phone(shapes: Iterable[str]) -> tuple[Filters, ...]:
    return tuple({"phones.number": shape} for shape in list(shapes)[: MOST_CALLS - 1])


def _unmarked_phone(digits: str, region: str) -> list[str]:
    """The shapes of a phone that nothing marks as one: written as its country does, or without +.

    "2125550123" is how a number is written in the US; in France "639981234" is not.
    """
    national = _parsed(digits, region)
    if national and phonenumbers.is_valid_number(national) and _national(national) == digits:
        return phone_shapes(digits, region)
    abroad = _parsed(f"+{digits}", region) if len(digits) > 10 else None
    if abroad and phonenumbers.is_valid_number(abroad):
        return phone_shapes(f"+{digits}", region)
    return []


def phone_shapes(text: str, region: str) -> list[str]:
    """How one phone may be stored: 0639981234, +33639981234, 33639981234, and as it was typed."""
    typed = dialled(text)
    number = _parsed(text, region)
    shapes = [typed]
    if number and phonenumbers.is_possible_number(number):
        whole = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
        shapes = [_national(number), whole, whole.removeprefix("+"), typed]
    return list(dict.fromkeys(filter(None, shapes)))


def _parsed(text: str, region: str) -> phonenumbers.PhoneNumber | None:
    text = re.sub(r"^\s*00", "+", text)
    try:
        return phonenumbers.parse(text, region or None)
    except phonenumbers.NumberParseException:
        return None


def _national(number: phonenumbers.PhoneNumber) -> str:
    text = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL)
    return re.sub(r"\D", "", text)


def emails(text: str) -> list[str]:
    """As it was typed, and in small letters."""
    return list(dict.fromkeys((text, text.lower())))


def spellings(name: str) -> list[str]:
    """As a name is written, and as Club Med may store it: in capitals, without accents or with."""
    written = as_written(name)
    if written == written.lower():
        written = written.title()
    return list(dict.fromkeys((written, fold(written).upper(), written.upper())))


def _spelled(names: Mapping[str, str]) -> list[Filters]:
    """Both names in one spelling at a time."""
    spelled = {key: spellings(name) for key, name in names.items()}
    most = max(map(len, spelled.values()), default=1)
    tries = [{key: of[min(n, len(of) - 1)] for key, of in spelled.items()} for n in range(most)]
    return list({tuple(one.items()): one for one in tries}.values())


def _readings(criteria: Mapping[str, str]) -> list[dict[str, str]]:
    """Which part of a name is the last name, the likeliest reading first.

    "Smith, Tom" and "SMITH Tom" say it; "Tom Smith" may be either way round.
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
    given_first = _names(words[0], " ".join(words[1:]))
    if len(words) == 2:
        return [given_first, _names(words[1], words[0])]
    return [given_first, _names(" ".join(words[:-1]), words[-1])]


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
    """What was looked for, in words: Last name “Wang”, born 14 June 1986."""
    parts = [f"{label} “{criteria[name]}”" for name, label in _LABELS.items() if name in criteria]
    if "birthdate" in criteria:
        parts.append(f"born {date_text(criteria['birthdate'])}")
    text = ", ".join(parts)
    return text[:1].upper() + text[1:]


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
        tries += [{"email": shape} for shape in emails(email)]
    for phone in (parse_phones(values.get("phones")) or ())[:_PHONES]:
        shapes = phone_shapes(phone.number or "", region)[:2]
        tries += [{"phones.number": shape} for shape in shapes]
    last_name, birthdate = values.get("last_name"), values.get("birthdate")
    if not is_empty(last_name) and not is_empty(birthdate):
        known = spellings(raw_text(last_name))[:2]
        tries += [{"last_name": name, "birthdate": raw_text(birthdate)} for name in known]
    if by_name and not tries:
        names = {key: raw_text(values.get(key)) for key in ("first_name", "last_name")}
        tries += _spelled({key: name for key, name in names.items() if name})
    return tries
