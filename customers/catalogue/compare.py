"""When two values are the same to a person. The functions take any JSON and never raise."""

import json
import re
import unicodedata
from collections.abc import Callable
from typing import TypeAlias

from customers.clubmed.profile import Json, parse_date

Normal: TypeAlias = Callable[[Json], Json]

_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode


def is_empty(value: Json) -> bool:
    """Null, "", [] and {} are the same to a person: nothing there (contract 2)."""
    return value is None or value == "" or value == [] or value == {}


def raw_text(value: Json) -> str:
    """A text as it came, any other value as JSON; "" for an empty one."""
    if is_empty(value):
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


# Accents of the Latin, Greek and Cyrillic scripts. Marks of others (the voicing of kana, the vowels
# of Arabic or Hindi) make another word.
_ACCENTS = re.compile("[\u0300-\u036f]")


def fold(text: str) -> str:
    """A name without case, accents and repeated spaces, which Club Med's storage changes."""
    if text.isascii():
        return as_written(text.lower())
    # One character may stand for two letters: "ﬁ" is fi. "ı" and "i" have the same capital.
    parts = (unicodedata.normalize("NFKD" if char.isalpha() else "NFD", char) for char in text)
    plain = _ACCENTS.sub("", "".join(parts)).upper().casefold()
    return as_written(plain)


def caseless(text: str) -> str:
    """An e-mail address or a code without case and outer spaces; accents stay."""
    plain = unicodedata.normalize("NFD", text.strip()).casefold()
    return unicodedata.normalize("NFC", plain)


def as_written(text: str) -> str:
    """A text without repeated spaces: in native script, case and marks make another name."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def day(text: str) -> str:
    """1986-06-14, however the API wrote that day; `caseless` of a text that is no day."""
    date = parse_date(text.strip())
    return caseless(text) if date is None else date.isoformat()


def normal_by(rule: Callable[[str], str]) -> Normal:
    """A function that brings values which mean the same to a person into one form.

    rule: for every text, at any depth. What is empty becomes null or leaves its object, lists are
    sorted. Compare two forms by `canonical`: to Python, 1 == True.
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


def is_contained(sent: Json, stored: Json, normal: Normal) -> bool:
    """Does the stored value hold everything that was sent?

    The server may have added members to objects; a member that was sent empty must be empty.
    """
    forms = [canonical(normal(value)) for value in (sent, stored)]
    if "null" in forms or forms[0] == forms[1]:
        return forms[0] == forms[1]
    if isinstance(sent, dict) and isinstance(stored, dict):
        return all(is_contained(member, stored.get(key), normal) for key, member in sent.items())
    if isinstance(sent, list) and isinstance(stored, list):
        return are_paired(sent, stored, lambda item, other: is_contained(item, other, normal))
    return False


def are_paired(sent: list[Json], stored: list[Json], fits: Callable[[Json, Json], bool]) -> bool:
    """Does each item sent have a stored one of its own, with none left over?

    The longest item chooses first, and takes the shortest that fits.
    """
    rest = sorted(stored, key=lambda item: len(canonical(item)))
    for item in sorted(sent, key=lambda item: -len(canonical(item))):
        at = next((at for at, other in enumerate(rest) if fits(item, other)), None)
        if at is None:
            return False
        del rest[at]
    return not rest


def same_text(typed: Json, sent: Json) -> bool:
    """Was this typed text sent, letter by letter? Members that only `sent` has do not count."""
    if isinstance(typed, dict) and isinstance(sent, dict):
        return all(same_text(value, sent.get(key)) for key, value in typed.items())
    if isinstance(typed, list) and isinstance(sent, list):
        return len(typed) == len(sent) and all(map(same_text, typed, sent))
    return canonical(typed) == canonical(sent)


normal_names = normal_by(fold)
normal_codes = normal_by(caseless)


def canonical(value: Json) -> str:
    """The one JSON text of a value: keys sorted, no spaces; "null" for every empty value."""
    return _encode(None if is_empty(value) else value)


def is_same(value: Json, other: Json) -> bool:
    """Have two values the same `canonical` text? Plain values are compared as they are: faster."""
    if value is None or other is None:
        return is_empty(value) and is_empty(other)
    if type(value) is type(other) and isinstance(value, str | bool | None):
        return bool(value == other)
    return canonical(value) == canonical(other)
