"""When two values are the same to a person.

Every function takes any JSON and never raises: new values may appear at any time (contract 1).
"""

import json
import re
import unicodedata
from collections.abc import Callable
from typing import Any, TypeAlias

from customers.clubmed.profile import Json, parse_date

Normal: TypeAlias = Callable[[Json], Json]


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


normal_names = normal_by(fold)


normal_codes = normal_by(caseless)


def canonical(value: Any) -> str:
    """One string for one JSON value: keys sorted, nothing spare, all that is empty as null."""
    value = None if is_empty(value) else value
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
