"""Phones: how they are typed, shown, compared and sent."""

import re

import phonenumbers
from phonenumbers import CountryCodeSource, NumberParseException, PhoneNumber, PhoneNumberFormat

from customers.catalogue.compare import (
    Normal,
    are_paired,
    is_contained,
    normal_codes,
    raw_text,
    same_text,
)
from customers.catalogue.words import phone_types
from customers.clubmed.profile import Json, parse_phones

_TYPED = re.compile(r"[+＋]?[\d\s.()/\-\u2010-\u2015]+")
_FROM_ABROAD = (
    CountryCodeSource.FROM_NUMBER_WITH_PLUS_SIGN,
    CountryCodeSource.FROM_NUMBER_WITH_IDD,
)
_UNDIALLED = re.compile(r"[^\w+*#]|_")  # what stands between the digits of a phone number
_DIALLED = re.compile(r"(\++|00)?([0-9]+)")
_SHORTEST = 7  # digits that tell whose phone it is
_LONGEST_COUNTRY = 3  # digits of a calling code


def phones_text(value: Json) -> str:
    """Mobile +55 11 90000-0412, Office +55 11 3000-0177."""
    phones = parse_phones(value)
    if phones is None:
        return raw_text(value)
    names = phone_types()
    return ", ".join(
        " ".join(filter(None, (names.get(phone.type or "", phone.type), dial_text(phone.number))))
        for phone in phones
    )


def dial_text(number: str | None, region: str = "") -> str:
    """A phone number as people write it: +55 11 90000-0412; as it came if it is not understood.

    region: ISO alpha-2 code of the country whose national numbers are understood too.
    """
    text = number or ""
    read = parsed(text, region)
    if read is None:
        return text
    if text.startswith("+"):
        written = phonenumbers.format_number(read, PhoneNumberFormat.INTERNATIONAL)
    elif phonenumbers.is_valid_number(read):
        written = phonenumbers.format_number(read, PhoneNumberFormat.NATIONAL)
    else:
        return text
    return written if dialled(written) == dialled(text) else text


def dial_digits(typed: str, region: str = "") -> str:
    """A number typed in any shape as the API takes it, `^[+]?[0-9]+$`; "" if it is none.

    A national number stays national: Club Med decides which country it is of. region: the country
    in which it was typed, whose prefix for calls abroad is understood (011 in the US).
    """
    text = typed.strip()
    digits = phonenumbers.normalize_digits_only(text)
    if not digits or not _TYPED.fullmatch(text):
        return ""
    plain = f"+{digits}" if text[0] in "+＋" else digits
    for shape in (plain, f"+{plain[2:]}" if plain.startswith("00") else plain):
        read = parsed(shape, region)
        if not read or read.country_code_source not in _FROM_ABROAD:
            continue
        if phonenumbers.is_possible_number(read):
            return phonenumbers.format_number(read, PhoneNumberFormat.E164)
    return plain


def parsed(text: str, region: str) -> PhoneNumber | None:
    """The number that a text may be in that country, None if it is none."""
    try:
        return phonenumbers.parse(text, region or None, keep_raw_input=True)
    except NumberParseException:
        return None


def dialled(number: Json) -> str:
    """The digits of a phone number, after a + if it is international; "" if it is no number."""
    text = _UNDIALLED.sub("", number) if isinstance(number, str) else ""
    read = _DIALLED.fullmatch(text)
    return ("+" if read[1] else "") + read[2] if read else ""


def same_number(one: Json, other: Json) -> bool:
    """0623456789 and +33623456789 are one phone; two international numbers only if equal."""
    numbers = dialled(one), dialled(other)
    if not all(numbers):
        return False
    if len({number.startswith("+") for number in numbers}) == 1:
        return numbers[0] == numbers[1]
    short, long = sorted((number.lstrip("+").lstrip("0") for number in numbers), key=len)
    return short == long or (
        len(short) >= _SHORTEST
        and len(long) - len(short) <= _LONGEST_COUNTRY
        and long.endswith(short)
    )


def are_phones(value: Json) -> bool:
    return parse_phones(value or []) is not None


def normal_phones(value: Json) -> Json:
    """Phones in one order, their numbers as they are dialled."""
    if isinstance(value, list):
        value = [
            {**item, "number": dialled(item.get("number")) or item.get("number")}
            if isinstance(item, dict)
            else item
            for item in value
        ]
    return normal_codes(value)


def fingerprint(value: Json) -> Json:
    """The normal form; in the list's own order if a phone has members beside number and type.

    `compose_phones` takes those members from the phone that stands in the row's place.
    """
    if isinstance(value, list) and any(
        isinstance(item, dict) and item.keys() - {"number", "type"} for item in value
    ):
        return {"in this order": [normal_phones([item]) for item in value]}
    return normal_phones(value)


def are_contained(sent: Json, stored: Json, normal: Normal) -> bool:
    """Like `is_contained`; a number may have become international, or national."""
    if isinstance(sent, list) and isinstance(stored, list):
        return are_paired(sent, stored, _is_phone_contained)
    return is_contained(sent, stored, normal)


def _is_phone_contained(sent: Json, stored: Json) -> bool:
    if isinstance(sent, dict) and isinstance(stored, dict):
        number = sent.get("number")
        if same_number(number, stored.get("number")):
            stored = {**stored, "number": number}
    return is_contained(sent, stored, normal_codes)


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
    """The same rows over another list.

    A row made from a phone belongs to that phone if it is in the list; a new row to a phone with
    its type and number. Any other row has none.
    """
    before, after = (value if isinstance(value, list) else [] for value in (saw, now))
    rebased = []
    for item in rows if isinstance(rows, list) else []:
        row = item.get("row")
        phone = before[row] if isinstance(row, int) and row < len(before) else None
        typed = {key: item.get(key) for key in ("type", "number")}
        places = (
            i
            for i, other in enumerate(after)
            if (other == phone if phone is not None else same_text(typed, other))
        )
        rebased.append({**item, "row": next(places, None)})
    return rebased
