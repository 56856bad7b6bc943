"""Phones: how they are typed, shown, compared and sent."""

import re
from functools import cache, lru_cache, partial
from operator import eq

import phonenumbers

from customers.catalogue import compare
from customers.catalogue.compare import Normal, is_contained, normal_codes
from customers.catalogue.typed import coded
from customers.catalogue.words import here
from customers.clubmed.profile import Json, parse_phones

_NUMBER = re.compile(r"\+?[\d\s.()\[\]/~\-]+")  # once it is `coded`
_SCHEME = re.compile("^(tel|callto|sms):", re.IGNORECASE)
_LONGEST = 17  # digits: fifteen at most of any country, after 00
_SOURCES = phonenumbers.CountryCodeSource
_FROM_ABROAD = (_SOURCES.FROM_NUMBER_WITH_PLUS_SIGN, _SOURCES.FROM_NUMBER_WITH_IDD)
_UNDIALLED = re.compile(r"[^\w+*#]|_")  # what stands between the digits of a phone number
_DIALLED = re.compile(r"(\++|00)?([0-9]+)")
_SHORTEST = 7  # digits that tell whose phone it is
_COUNTRIES = phonenumbers.COUNTRY_CODE_TO_REGION_CODE
_CODES = "|".join(sorted(map(str, _COUNTRIES), key=len))
_INTERNATIONAL = re.compile(rf"(?=.{{6,16}}\Z)\+({_CODES})([1-9][0-9]*)")
_LONGEST_COUNTRY = 3  # digits of a calling code
phonenumbers.enable_pattern_cache()  # else each number asks `re` for a handful of them


def phones_text(value: Json) -> str:
    """Mobile +55 11 90000-0412, Office +55 11 3000-0177."""
    phones = parse_phones(value)
    if phones is None:
        return compare.raw_text(value)
    words = here()
    texts = ((words.phone_type(phone.type), dial_text(phone.number)) for phone in phones)
    return ", ".join(" ".join(filter(None, both)) for both in texts)


def dial_text(number: str | None, region: str = "") -> str:
    """A phone number as people write it: +55 11 90000-0412; as it came if it is not understood.

    region: ISO alpha-2 code of the country whose national numbers are understood too.
    """
    text = number or ""
    if (display := _dialled_abroad(text)) is not None:
        return display
    phone, is_abroad = parsed(text, region), text.startswith("+")
    if phone is None or not (is_abroad or phonenumbers.is_valid_number(phone)):
        return text
    form = (
        phonenumbers.PhoneNumberFormat.INTERNATIONAL
        if is_abroad
        else phonenumbers.PhoneNumberFormat.NATIONAL
    )
    display = phonenumbers.format_number(phone, form)
    return display if dialled(display) == dialled(text) else text


def _dialled_abroad(text: str) -> str | None:
    """`dial_text` of a number that has its country code and nothing between its digits, at a
    fifth of the cost; None for any other number.
    """
    if not (match := _INTERNATIONAL.fullmatch(text)):
        return None
    country, national = int(match[1]), match[2]
    if national.startswith(_prefix(country)):
        return None
    phone = phonenumbers.PhoneNumber(country_code=country, national_number=int(national))
    display = phonenumbers.format_number(phone, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
    digits = display.replace(" ", "").replace("-", "")
    return display if digits == text or _UNDIALLED.sub("", digits) == text else text


@cache
def _prefix(country: int) -> str:
    """The prefix of a number that is dialled within a country of that calling code."""
    return phonenumbers.ndd_prefix_for_region(_COUNTRIES[country][0], True) or "0"


def dial_digits(typed: str, region: str = "") -> str:
    """A number typed or pasted in any shape as the API takes it, `^[+]?[0-9]+$`; "" if it is none.

    region: of the customer. A number of that country is given its country code, and its prefix for
    calls abroad is understood (011 in the US). Any other national number stays as it was typed.
    """
    text = unlinked(typed)
    for shape in (text, re.sub(r"^\W*00", "+", text)):
        phone = parsed(shape, region)
        if phone is None or phone.extension or not phonenumbers.is_possible_number(phone):
            continue
        is_abroad = phone.country_code_source in _FROM_ABROAD and _NUMBER.fullmatch(shape)
        if is_abroad or phonenumbers.is_valid_number(phone) or _is_national(shape, phone, region):
            return phonenumbers.format_number(phone, phonenumbers.PhoneNumberFormat.E164)
    digits = phonenumbers.normalize_digits_only(text)
    if not _NUMBER.fullmatch(text) or not 0 < len(digits) <= _LONGEST:
        return ""
    return f"+{digits}" if text[0] == "+" else digits


def _is_national(text: str, phone: phonenumbers.PhoneNumber, region: str) -> bool:
    """Is it dialled as one dials within that country? Ranges that nobody has yet are among them."""
    start = phonenumbers.ndd_prefix_for_region(region, True) or ""
    digits = phonenumbers.normalize_digits_only(text)
    whole = phonenumbers.national_significant_number(phone)
    return bool(start and _NUMBER.fullmatch(text)) and digits == start + whole


@lru_cache
def example(region: str) -> tuple[str, str]:
    """A mobile number as people of that country write it, and as it is stored; "" for no country.

    It is nobody's.
    """
    number = phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.MOBILE)
    if number is None:
        return "", ""
    formats = phonenumbers.PhoneNumberFormat.NATIONAL, phonenumbers.PhoneNumberFormat.E164
    national, whole = (phonenumbers.format_number(number, form) for form in formats)
    return national, whole


def unlinked(text: str) -> str:
    """A number as it was pasted, cleaned, without the tel: of a link."""
    return _SCHEME.sub("", coded(text))


def parsed(text: str, region: str) -> phonenumbers.PhoneNumber | None:
    """The number that a text may be in that country, None if it is none."""
    try:
        return phonenumbers.parse(text, region or None, keep_raw_input=True)
    except phonenumbers.NumberParseException:
        return None


def dialled(number: Json) -> str:
    """The digits of a phone number, after a + if it is international; "" if it is no number."""
    text = _UNDIALLED.sub("", number) if isinstance(number, str) else ""
    match = _DIALLED.fullmatch(text)
    return ("+" if match[1] else "") + match[2] if match else ""


def same_number(number: Json, other: Json) -> bool:
    """0623456789 and +33623456789 are one phone; two international numbers only if equal."""
    numbers = dialled(number), dialled(other)
    if not all(numbers):
        return False
    if len({number.startswith("+") for number in numbers}) == 1:
        return numbers[0] == numbers[1]
    short, long = sorted((number.lstrip("+").lstrip("0") for number in numbers), key=len)
    is_country = len(long) - len(short) <= _LONGEST_COUNTRY
    return short == long or (len(short) >= _SHORTEST and is_country and long.endswith(short))


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
    phones = parse_phones(value or []) or ()
    is_ordered = any(phone.extra for phone in phones)
    return [[normal_phones([phone])] for phone in value] if is_ordered else normal_phones(value)


def are_contained(sent: Json, stored: Json, normal: Normal) -> bool:
    """Like `is_contained`; a number may have become international, or national."""
    if isinstance(sent, list) and isinstance(stored, list):
        return compare.are_paired(
            sent, stored, lambda item, other: are_contained(item, other, normal_codes)
        )
    if isinstance(sent, dict) and isinstance(stored, dict):
        number = sent.get("number")
        if same_number(number, stored.get("number")):
            stored = {**stored, "number": number}
    return is_contained(sent, stored, normal)


def compose_phones(now: Json, rows: Json) -> Json:
    """The whole list to send: each row over the phone it was made from, whose other members stay.

    rows: [{"row": index in the list now or null, "number", "type"}], from the editor.
    """
    return [
        {**(_phone_of(item, now) or {}), **{key: item[key] for key in item if key != "row"}}
        for item in rows or []
    ]


def rebase_phones(rows: Json, saw: Json, now: Json) -> Json:
    """The rows of an editor that was opened over `saw`, as if it had been opened over `now`.

    A row made from a phone belongs to that phone if it is in the list; a new row to a phone with
    its type and number. Any other row has none.
    """
    rebased = []
    for item in rows or []:
        phone = _phone_of(item, saw)
        values = {key: item.get(key) for key in ("type", "number")}
        fits = partial(eq, phone) if phone else partial(compare.same_text, values)
        places = (
            at for at, other in enumerate(now if isinstance(now, list) else []) if fits(other)
        )
        rebased.append({**item, "row": next(places, None)})
    return rebased


def _phone_of(item: Json, phones: Json) -> Json:
    """The phone that a row of the editor was made from, None if it is not there."""
    row = item.get("row")
    is_there = isinstance(phones, list) and isinstance(row, int) and row < len(phones)
    return phones[row] if is_there else None
