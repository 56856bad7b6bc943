"""Which customers a search finds, a page of them at a time (contract, section 4).

Where the contract is silent, this API decides: values are compared as text, as they are stored (so
dates in their order); a key that holds several values matches when one of them does; without a
value only `!=` matches; a search that finds nothing has one empty page.
"""

import operator
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, quote, urlencode

from crmadmin.sandbox.rules import Refusal, Refused

KEYS = {
    "gm_number",
    "first_name",
    "last_name",
    "phones.number",
    "birthdate",
    "email",
    "address.zip_code",
}
LARGEST_LIMIT = 100
LARGEST_PAGE = 1_000_000
_COMPARE: dict[str, Callable[[str, str], bool]] = {
    "==": operator.eq,
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}
_FILTER = re.compile("([^=!<>]*)(==|!=|<=|>=|<|>)(.*)", re.DOTALL)


@dataclass(frozen=True)
class Filter:
    """One condition, as `last_name==SMITH`."""

    key: str
    sign: str
    value: str

    @classmethod
    def from_text(cls, text: str) -> "Filter":
        """Raises Refused."""
        match = _FILTER.fullmatch(text)
        if match is None:
            raise Refused(Refusal("pattern", "filter", "A filter is a key, an operator, a value."))
        if match[1] not in KEYS:
            raise Refused(Refusal("choice", "filter", "This key cannot be searched."))
        return cls(*match.groups())

    def matches(self, profile: dict[str, Any]) -> bool:
        stored = _values(profile, self.key)
        if self.sign == "!=":
            return self.value not in stored
        return any(_COMPARE[self.sign](value, self.value) for value in stored)


@dataclass(frozen=True)
class Search:
    """What was asked: every filter must match. page: from 1, of `limit` customers each."""

    filters: tuple[Filter, ...]
    limit: int
    page: int

    @classmethod
    def from_query(cls, query: str) -> "Search":
        """Raises Refused."""
        sent = parse_qs(query, keep_blank_values=True)
        return cls(
            filters=tuple(Filter.from_text(text) for text in sent.get("filter", [])),
            limit=_number("limit", sent.get("limit", ["10"]), most=LARGEST_LIMIT),
            page=_number("page", sent.get("page", ["1"]), most=LARGEST_PAGE),
        )

    def among(self, profiles: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
        """All that match, in their order."""
        return [
            profile
            for profile in profiles
            if all(condition.matches(profile) for condition in self.filters)
        ]

    def on_page(self, found: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return found[self._first : self._first + self.limit]

    def headers(self, total: int) -> dict[str, str]:
        """Where this page stands among `total` customers, and the way to the others."""
        after = min(self._first + self.limit, total)
        last = -(-total // self.limit)
        pages = {"first": 1, "prev": self.page - 1, "next": self.page + 1, "last": last}
        links = [
            f'<{self._url(page)}>; rel="{rel}"' for rel, page in pages.items() if 1 <= page <= last
        ]
        return {"Content-Range": f"{self._first}-{after - 1}/{total}", "Link": ", ".join(links)}

    @property
    def _first(self) -> int:
        return (self.page - 1) * self.limit

    def _url(self, page: int) -> str:
        query = [("filter", f"{each.key}{each.sign}{each.value}") for each in self.filters]
        query += [("limit", str(self.limit)), ("page", str(page))]
        return f"/v1/customers?{urlencode(query, quote_via=quote)}"


def _number(key: str, sent: list[str], *, most: int) -> int:
    if len(sent) == 1 and re.fullmatch("[0-9]{1,9}", sent[0]) and 1 <= int(sent[0]) <= most:
        return int(sent[0])
    raise Refused(Refusal("range", key, f"A number from 1 to {most}."))


def _values(stored: Any, path: str) -> list[str]:
    """The values at a dotted path, of every item where it leads through a list."""
    if isinstance(stored, list):
        return [value for item in stored for value in _values(item, path)]
    if path:
        name, _, rest = path.partition(".")
        return _values(stored.get(name), rest) if isinstance(stored, dict) else []
    return [] if stored in (None, "") else [str(stored)]
