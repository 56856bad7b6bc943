"""What can go wrong between us and Club Med, on demand, once or always."""

import re
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """How an exchange goes wrong."""

    LATENCY = "latency"  # the right answer, `seconds` later
    STATUS = "status"  # `status`, with `headers` and `body` if given, else a JSON error
    DROP_BEFORE = "drop_before"  # the connection is closed, nothing was applied
    DROP_AFTER = "drop_after"  # applied, then closed without an answer
    APPLY_LATE = "apply_late"  # closed at once, applied `seconds` later
    DRIP = "drip"  # the right answer, a byte of its `part` every `seconds`
    HTML = "html"  # a page instead of JSON, with `status` or 200
    TRUNCATED = "truncated"  # applied, then JSON cut in the middle
    REDIRECT = "redirect"  # `status` or 302, with a Location
    EMPTY = "empty"  # `status` or 200, without a body
    RESET = "reset"  # the connection is reset in place of an answer
    EARLY_HINTS = "early_hints"  # a 103 before the right answer
    WRONG_LENGTH = "wrong_length"  # applied, then ten bytes fewer than the answer announces


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong with the requests it matches.

    method: of the request, any when None. path: a prefix or a regular expression from the start of
    the path, any when None. times: how often, always when None. seconds: for drip the pause between
    two bytes, for apply_late the delay, for every other kind a wait before anything happens.
    part: "headers" or "body", what drips. applied: whether status, html, redirect, empty and reset
    come after the request took effect instead of in its place.
    Raises ValueError for what makes no sense.
    """

    kind: str
    method: str | None = None
    path: str | None = None
    times: int | None = 1
    status: int | None = None
    seconds: float = 0.0
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str | None = None
    part: str = "body"
    applied: bool = False

    def __post_init__(self) -> None:
        kind = Kind(self.kind)
        if kind is Kind.STATUS and self.status is None:
            raise ValueError("A status fault needs a status.")
        if kind in (Kind.LATENCY, Kind.DRIP, Kind.APPLY_LATE) and self.seconds <= 0:
            raise ValueError(f"A {kind} fault needs seconds.")
        if self.status is not None and not 200 <= self.status <= 599:
            raise ValueError("A status is from 200 to 599.")
        if self.times is not None and self.times < 1:
            raise ValueError("times is at least 1, or null for always.")
        if self.part not in ("headers", "body"):
            raise ValueError('part is "headers" or "body".')
        try:
            re.compile(self.path or "")
        except re.error:
            raise ValueError("path is no regular expression.") from None

    @classmethod
    def from_json(cls, value: Any) -> "Fault":
        """A fault from the same names in JSON. Raises ValueError."""
        known = {member.name for member in fields(cls)}
        if not isinstance(value, dict) or not known.issuperset(value):
            raise ValueError(f"A fault is an object of {', '.join(sorted(known))}.")
        try:
            return cls(**value)
        except TypeError:
            raise ValueError("A fault has a kind, and numbers where numbers belong.") from None

    def matches(self, method: str, path: str) -> bool:
        return self.method in (None, method) and bool(re.match(self.path or "", path))


class Faults:
    """The faults to come, in order; safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[tuple[Fault, int | None]] = []

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._waiting.append((fault, fault.times))

    def clear(self) -> None:
        with self._lock:
            self._waiting.clear()

    def take(self, method: str, path: str) -> Fault | None:
        """The first fault that matches, counted down; None when the exchange goes well."""
        with self._lock:
            for index, (fault, left) in enumerate(self._waiting):
                if fault.matches(method, path):
                    if left == 1:
                        del self._waiting[index]
                    elif left is not None:
                        self._waiting[index] = (fault, left - 1)
                    return fault
        return None

    def __iter__(self) -> Iterator[Fault]:
        with self._lock:
            return iter([fault for fault, _ in self._waiting])

    def __len__(self) -> int:
        with self._lock:
            return len(self._waiting)
