"""A profile as Club Med answered it, and readers that take any JSON and never raise.

Any member may be missing, null or partial, and new ones may appear at any time (contract 1 and 2).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, TypeAlias

_DATE = re.compile(r"\d{8}|\d{4}-\d\d-\d\d", re.ASCII)
Json: TypeAlias = Any  # None, bool, int, float, str, list or dict of these


@dataclass(frozen=True)
class Profile:
    """The answer of `GET /v2/customers/{customer_id}/profile`. values: its JSON object, whole.

    length: bytes of the answer; 0 of a profile that was remembered or made here.
    """

    customer_id: str
    values: Mapping[str, Json]
    length: int = 0

    def get(self, name: str) -> Json:
        """A member, with "" read as null; `birthdate` from its deprecated twin if it is missing."""
        if name == "birthdate" and name not in self.values:
            name = "birthday"
        value = self.values.get(name)
        return None if value == "" else value


def member(values: Json, path: str) -> Json:
    """A nested member by its dotted path, None where the path leads nowhere."""
    for key in path.split("."):
        values = values.get(key) if isinstance(values, Mapping) else None
    return None if values == "" else values


def member_name(key: str) -> str:
    """The member that a `concerned_key` is about: of "phones[0].number" phones."""
    return key.split(".")[0].split("[")[0]


def parse_date(raw: Json) -> date | None:
    """A date from YYYYMMDD or YYYY-MM-DD (contract 3), None if it is neither."""
    try:
        is_date = isinstance(raw, str) and _DATE.fullmatch(raw)
        return date.fromisoformat(raw) if is_date else None
    except ValueError:
        return None


@dataclass(frozen=True)
class Phone:
    """One of `phones`. extra: members beside number and type, as they came."""

    number: str | None
    type: str | None
    extra: Mapping[str, Json] = field(default_factory=dict)


def parse_phones(raw: Json) -> tuple[Phone, ...] | None:
    """The phones; None if this is not a list of {number, type} with texts or nulls in them."""
    if not isinstance(raw, list | None):
        return None
    phones = []
    for item in raw or []:
        if not isinstance(item, dict):
            return None
        extra = dict(item)
        number, kind = extra.pop("number", None), extra.pop("type", None)
        if not isinstance(number, str | None) or not isinstance(kind, str | None):
            return None
        phones.append(Phone(number, kind, extra))
    return tuple(phones)
