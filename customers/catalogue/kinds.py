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
from typing import Any, TypeAlias

import phonenumbers
from babel import Locale
from phonenumbers import CountryCodeSource, NumberParseException, PhoneNumberFormat

from customers.clubmed.profile import Json, parse_date, parse_phones

Normal: TypeAlias = Callable[[Json], Json]

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
    # Two letters in one are two: "ﬁ" is fi, "ǆ" is dž.
    parts = (unicodedata.normalize("NFKD" if char.isalpha() else "NFD", char) for char in text)
    plain = _ACCENTS.sub("", "".join(parts))
    # By way of the capitals: "ı" and "i" have the same one.
    return " ".join(unicodedata.normalize("NFC", plain.upper().casefold()).split())


def caseless(text: str) -> str:
    """Case and outer spaces taken out, accents kept: of an e-mail address or a code."""
    plain = unicodedata.normalize("NFD", text.strip()).casefold()
    return unicodedata.normalize("NFC", plain)


def as_written(text: str) -> str:
    """Only repeated spaces taken out: in native script, case and marks make another name."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def day(text: str) -> str:
    """1986-06-14, however the API wrote that day."""
    known = parse_date(text.strip())
    return caseless(text) if known is None else known.isoformat()


def normal_by(rule: Callable[[str], str]) -> Normal:
    """The normal form of a kind whose texts, at any depth, are the same by this rule.

    All that is empty is null, and an empty member of an object is an absent one; a list has one
    order. Two normal forms are one if their `canonical` texts are: Python takes 1 for true.
    """

    def normal(value: Json) -> Json:
        if isinstance(value, str):
            return rule(value) or None
        if isinstance(value, list):
            return sorted(map(normal, value), key=canonical) or None
        if isinstance(value, dict):
            members = {key: normal(member) for key, member in value.items()}
            return {key: member for key, member in members.items() if member is not None} or None
        return value

    return normal


def found(sent: Json, stored: Json, normal: Normal) -> bool:
    """Is what was sent there again? The server may have added members to objects.

    A member that was sent empty has to be empty: that is how one is cleared (contract 2).
    """
    forms = [canonical(normal(value)) for value in (sent, stored)]
    if "null" in forms or forms[0] == forms[1]:
        return forms[0] == forms[1]
    if isinstance(sent, dict) and isinstance(stored, dict):
        return all(found(member, stored.get(key), normal) for key, member in sent.items())
    if isinstance(sent, list) and isinstance(stored, list):
        return one_to_one(sent, stored, lambda item, other: found(item, other, normal))
    return False


def one_to_one(sent: list[Json], stored: list[Json], same: Callable[[Json, Json], bool]) -> bool:
    """Can each item sent have a stored one of its own, with none left over?

    The first fit is not always right: {"type": "HOME"} may take the only one that fits
    {"type": "HOME", "number": "1"}. So an item may displace one that fits elsewhere too (Kuhn's
    bipartite matching); by Berge's theorem, what finds no place this way finds none in any other.
    """
    fits = [[at for at, other in enumerate(stored) if same(item, other)] for item in sent]
    holder: dict[int, int] = {}  # place in stored -> place in sent

    def place(item: int, tried: set[int]) -> bool:
        for at in fits[item]:
            if at not in tried:
                tried.add(at)
                if at not in holder or place(holder[at], tried):
                    holder[at] = item
                    return True
        return False

    return len(sent) == len(stored) and all(place(item, set()) for item in range(len(sent)))


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


def phones_text(value: Json) -> str:
    """Mobile +55 11 90000-0412, Office +55 11 3000-0177."""
    phones = parse_phones(value)
    if phones is None:
        return raw_text(value)
    names = PHONE_TYPES
    parts = (
        " ".join(filter(None, (names.get(phone.type or "", phone.type), dial_text(phone.number))))
        for phone in phones
    )
    return ", ".join(parts)


def dial_text(number: str | None, region: str = "") -> str:
    """A phone number as people write it: +55 11 90000-0412; as it came if it is not understood.

    region: the country, in ISO alpha-2, whose national numbers are known too.
    """
    text = number or ""
    try:
        read = phonenumbers.parse(text, region or None)
    except NumberParseException:
        return text
    if text.startswith("+"):
        written = phonenumbers.format_number(read, PhoneNumberFormat.INTERNATIONAL)
    elif phonenumbers.is_valid_number(read):
        written = phonenumbers.format_number(read, PhoneNumberFormat.NATIONAL)
    else:
        return text
    return written if dialled(written) == dialled(text) else text


_TYPED = re.compile(r"[+＋]?[\d\s.()/\-\u2010-\u2015]+")
_FROM_ABROAD = (
    CountryCodeSource.FROM_NUMBER_WITH_PLUS_SIGN,
    CountryCodeSource.FROM_NUMBER_WITH_IDD,
)


def dial_digits(typed: str, region: str = "") -> str:
    """A number typed in any shape as the API takes it, `^[+]?[0-9]+$`; "" if it is none.

    A national one stays national: whose country it is, is Club Med's to say. region: the country
    from which it was typed, whose prefix for abroad is known then (011 in the US).
    """
    text = typed.strip()
    digits = phonenumbers.normalize_digits_only(text)
    if not digits or not _TYPED.fullmatch(text):
        return ""
    plain = f"+{digits}" if text[0] in "+＋" else digits
    for shape in (plain, f"+{plain[2:]}" if plain.startswith("00") else plain):
        try:
            read = phonenumbers.parse(shape, region or None, keep_raw_input=True)
        except NumberParseException:
            continue
        if read.country_code_source in _FROM_ABROAD and phonenumbers.is_possible_number(read):
            return phonenumbers.format_number(read, PhoneNumberFormat.E164)
    return plain


_UNDIALLED = re.compile(r"[^\w+*#]|_")  # what stands between the digits of a phone number
_DIALLED = re.compile(r"(\++|00)?([0-9]+)")
_SHORTEST = 7  # digits that tell whose phone it is
_LONGEST_COUNTRY = 3  # digits of a calling code


def dialled(number: Json) -> str:
    """The digits of a phone number, after a + if it is international; "" if it is no number."""
    text = _UNDIALLED.sub("", number) if isinstance(number, str) else ""
    read = _DIALLED.fullmatch(text)
    return ("+" if read[1] else "") + read[2] if read else ""


def normal_phones(value: Json) -> Json:
    """Any order; numbers as they are dialled."""
    if isinstance(value, list):
        value = [
            {**item, "number": dialled(item.get("number")) or item.get("number")}
            if isinstance(item, dict)
            else item
            for item in value
        ]
    return normal_codes(value)


def seen_phones(value: Json) -> Json:
    """The normal form, but in this very order if a phone holds more than its number and type:
    `compose_phones` takes the rest from the phone that stands in the row's place.
    """
    if isinstance(value, list) and any(
        isinstance(item, dict) and item.keys() - {"number", "type"} for item in value
    ):
        return [normal_phones([item]) for item in value]
    return normal_phones(value)


def found_phones(sent: Json, stored: Json, normal: Normal) -> bool:
    """As `found`; a number may have become international, or national."""
    if isinstance(sent, list) and isinstance(stored, list):
        return one_to_one(sent, stored, _found_phone)
    return found(sent, stored, normal)


def _found_phone(sent: Json, stored: Json) -> bool:
    if isinstance(sent, dict) and isinstance(stored, dict):
        number = sent.get("number")
        if same_number(number, stored.get("number")):
            stored = {**stored, "number": number}
    return found(sent, stored, normal_codes)


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


def are_phones(value: Json) -> bool:
    return parse_phones(value or []) is not None


def is_object(value: Json) -> bool:
    return is_empty(value) or isinstance(value, dict)


def are_optins(value: Json) -> bool:
    """A list of objects, each with a channel of its own."""
    if is_empty(value):
        return True
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        return False
    channels = [item.get("channel") for item in value]
    return all(isinstance(one, str) and one for one in channels) and len(set(channels)) == len(
        channels
    )


def compose_object(now: Json, typed: Json) -> Json:
    """The whole object to send: what was typed over what there is, whose other members stay.

    typed: member -> value, null for nothing; so a member is emptied, and none is added empty.
    """
    if not isinstance(typed, dict):
        return typed
    base = now if isinstance(now, dict) else {}
    new = {key: value for key, value in typed.items() if value is not None or base.get(key)}
    return {**base, **new}


_ANSWER = ("channel", "optin", "optin_partners")


def compose_optins(now: Json, typed: Json) -> Json:
    """The whole list to send: each answer over the one of its channel; no channel is taken out.

    typed: [{"channel", "optin", "optin_partners"}], the last two only where they are answered.
    """
    answers = by_channel(typed)
    whole = [{**item, **answers.pop(item["channel"], {})} for item in by_channel(now).values()]
    return whole + list(answers.values())


def all_refused(now: Json) -> Json:
    """No to every channel that was asked, and to partners where they were."""
    return [
        {"channel": channel, "optin": False}
        | ({} if item.get("optin_partners") is None else {"optin_partners": False})
        for channel, item in by_channel(now).items()
    ]


def rebase_optins(typed: Json, saw: Json, now: Json) -> Json:
    """Only the answers that were changed, over another list: nobody else's are undone."""
    before = by_channel(saw)
    changed = [
        item for channel, item in by_channel(typed).items() if not covers(item, before.get(channel))
    ]
    return [
        {key: item[key] for key in _ANSWER if key in item} for item in compose_optins(now, changed)
    ]


def by_channel(value: Json) -> dict[str, dict[str, Json]]:
    """Opt-ins by their channel; {} for what are none."""
    return {item["channel"]: item for item in value} if value and are_optins(value) else {}


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
    """In one line, without the members that are new to us: like a phone's, they stand in the
    profile alone, which knows whether they repeat a secret.
    """
    if isinstance(value, dict):
        value = {key: one for key, one in value.items() if key in ADDRESS.members}
    return ", ".join(address_lines(value))


def optins_text(value: Json) -> str:
    """E-mail Yes (partners No), SMS No."""
    if not isinstance(value, list):
        return raw_text(value)
    return ", ".join(
        _optin_text(item) if isinstance(item, dict) else raw_text(item) for item in value
    )


def _optin_text(item: Mapping[str, Json]) -> str:
    partners = yes_no(item.get("optin_partners"))
    answers = (yes_no(item.get("optin")), f"(partners {partners})" if partners else "")
    return " ".join(filter(None, (channel_text(item.get("channel")), *answers)))


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


normal_names = normal_by(fold)
normal_codes = normal_by(caseless)


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
    members=("country_code", *(key for line in _ADDRESS_LINES for key in line)),
)
OPTINS = Kind(
    "optins",
    optins_text,
    compose=compose_optins,
    rebase=rebase_optins,
    readable=are_optins,
    members=_ANSWER,
)
IDENTITY = Kind("identity", compose=compose_object, readable=is_object)


def canonical(value: Any) -> str:
    """One string for one JSON value: keys sorted, nothing spare, all that is empty as null."""
    value = None if is_empty(value) else value
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
