"""What a filter of the log selects: rows of `ChangedField`, newest first.

One value of one name is answered by an index. Anything else is searched in bounded runs, so that no
filter reads the whole log for one page.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import or_
from typing import NamedTuple
from uuid import UUID

from django.core.cache import cache
from django.db import connection
from django.db.models import Q, QuerySet, Subquery

from customers.audit.actions import Outcome
from customers.audit.models import Change, ChangedField, Entry, Head, JournalLine, actor_key
from customers.audit.reading import waiting

PAGE = 50  # rows
RUN = 50_000  # entries that are searched for one page
_FIRST_RUN = 2_000  # most filters fill their page from these
WAITING = "waiting"  # the outcome of an open journal line
_COLUMNS = {  # of LogFilter -> of ChangedField
    "customers": "customer_id",
    "people": "actor_key",
    "fields": "field",
    "actions": "action",
    "outcomes": "outcome",
}


@dataclass(frozen=True)
class LogFilter:
    """Values of one name are alternatives, all names must hold, and a name without values is none.

    people: keys as `actor_key` gives them. outcomes: words of `Outcome`, or WAITING. flags: words
    of `Flag`. since, until: aware times; until is the first one that is too late.
    """

    people: tuple[int, ...] = ()
    customers: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    outcomes: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None

    @property
    def is_indexed(self) -> bool:
        """Does one index give exactly these rows, newest first? A period is a range of `seq`."""
        given = [values for name in _COLUMNS if (values := getattr(self, name))]
        return not self.flags and len(given) <= 1 and all(len(values) == 1 for values in given)

    def rows(self) -> "QuerySet[ChangedField]":
        """The rows that match, of whatever time, newest first."""
        found = ChangedField.objects.order_by("-seq")
        for name, column in _COLUMNS.items():
            if values := getattr(self, name):
                # "=" keeps the order of an index, "IN" does not.
                found = found.filter(
                    **{column: values[0]} if len(values) == 1 else {f"{column}__in": values}
                )
        if self.flags:
            flagged = reduce(or_, (Q(flags__contains=flag) for flag in self.flags))
            found = found.exclude(flags="").filter(flagged)
        return found

    def selects(self, row: ChangedField) -> bool:
        """Does this row match? Asked of rows that are not in the database."""
        return (
            all(
                not getattr(self, name) or getattr(row, column) in getattr(self, name)
                for name, column in _COLUMNS.items()
            )
            and (not self.flags or not set(self.flags).isdisjoint(row.flags.split()))
            and (self.since is None or row.recorded_at >= self.since)
            and (self.until is None or row.recorded_at < self.until)
        )


class Page(NamedTuple):
    """Changes with the fields that match, newest first.

    older, newer: where the next pages start, None if there is none, or if the newer one is the
    newest. searched_to: the time of the oldest entry that was searched, where older ones were not.
    """

    changes: list[Change]
    older: int | None
    newer: int | None
    is_newest: bool
    searched_to: datetime | None

    @property
    def last(self) -> Change:
        return self.changes[-1]


class _Span(NamedTuple):
    """A range of `seq`, both ends in it."""

    first: int
    last: int


def page(wanted: LogFilter, *, before: int | None = None, size: int = PAGE) -> Page:
    """One page of what matches, of rows that are older than entry number `before`.

    At most RUN entries are searched, unless an index answers the filter. A change whose rows do not
    fit is left to the next page.
    """
    span = _span(wanted)
    start = span.last + 1 if before is None else min(before, span.last + 1)
    rows: list[ChangedField] = []
    low = start
    for low, below in _runs(wanted, span.first, start):
        run = wanted.rows().filter(seq__gte=low, seq__lt=below)
        rows += run[: size + 1 - len(rows)]
        if len(rows) > size:
            break
    older, searched_to = (low, _time_of(low)) if low > span.first else (None, None)
    if len(rows) > size:
        rows = _whole_changes(rows)
        older, searched_to = rows[-1].seq, None
    newer, is_newest = None, True
    if before is not None:
        newer, is_newest = _newer(wanted, start, span.last, size)
    return Page(changes_of(rows), older, newer, is_newest, searched_to)


def _span(wanted: LogFilter) -> _Span:
    """Where the rows of the filter's period lie; anywhere, if an index finds them by itself."""
    if wanted.is_indexed and not wanted.since and not wanted.until:
        return _Span(1, 2**63 - 2)
    by_time = ChangedField.objects.order_by("recorded_at", "seq").values("seq")
    ends = {"first": ChangedField.objects.order_by("seq").values("seq")}
    if wanted.since:
        ends["first"] = by_time.filter(recorded_at__gte=wanted.since)
    if wanted.until:
        ends["beyond"] = by_time.filter(recorded_at__gte=wanted.until)
    asked = {name: Subquery(rows[:1]) for name, rows in ends.items()}
    found = Head.objects.filter(pk=1).annotate(**asked).values("seq", *ends).first()
    if found is None or found["first"] is None:
        return _Span(1, 0)
    beyond = found.get("beyond")
    return _Span(found["first"], found["seq"] if beyond is None else beyond - 1)


def _runs(wanted: LogFilter, first: int, start: int) -> Iterator[tuple[int, int]]:
    """(from, below): the entries to search one after the other, newest first."""
    if wanted.is_indexed:
        yield first, start
        return
    low = max(first, start - _FIRST_RUN)
    yield low, start
    if low > first:
        yield max(first, start - RUN), low


def _whole_changes(rows: list[ChangedField]) -> list[ChangedField]:
    """All rows but the last, and none of a change that goes on in it, unless it is the only one."""
    *shown, beyond = rows
    whole = [row for row in shown if row.change_id != beyond.change_id]
    return whole or shown


def _newer(wanted: LogFilter, start: int, last: int, size: int) -> tuple[int | None, bool]:
    """Where the page after one that starts below `start` starts, None if that is the newest; and is
    there nothing newer?
    """
    high = last if wanted.is_indexed else min(last, start + RUN)
    rows = wanted.rows().filter(seq__gte=start, seq__lte=high).order_by("seq")
    seqs = list(rows.values_list("seq", flat=True)[:size])
    if len(seqs) == size:
        return seqs[-1] + 1, False
    return (None, not seqs) if high == last else (high + 1, False)


def _time_of(seq: int) -> datetime | None:
    """When the entry of that number, or the next that is there, was recorded."""
    later = ChangedField.objects.filter(seq__gte=seq).order_by("seq")
    return later.values_list("recorded_at", flat=True).first()


def changes_of(rows: Sequence[ChangedField]) -> list[Change]:
    """The changes of these rows in their order, each with the entries of these fields alone."""
    by_change: dict[UUID, list[ChangedField]] = {}
    for row in rows:
        by_change.setdefault(row.change_id, []).append(row)
    entries: dict[tuple[UUID, str], list[Entry]] = {}
    shown = Entry.objects.filter(change_id__in=by_change, field__in={row.field for row in rows})
    for entry in shown.order_by("seq"):
        entries.setdefault((entry.change_id, entry.field), []).append(entry)
    changes = []
    for change_id, of_change in by_change.items():
        first = of_change[-1]
        is_unclear = any(row.outcome == Outcome.UNCLEAR for row in of_change)
        change = Change(
            change_id=change_id,
            seq=first.seq,
            recorded_at=first.recorded_at,
            action=first.action,
            outcome=Outcome.UNCLEAR if is_unclear else first.outcome,
            customer_id=first.customer_id,
            actor_key=first.actor_key,
        )
        fields = [row.field for row in reversed(of_change)]
        change.entries = [one for field in fields for one in entries.get((change_id, field), ())]
        if change.entries:  # else somebody put these rows in
            changes.append(change)
    return changes


def waiting_lines(wanted: LogFilter) -> list[JournalLine]:
    """The newest open lines of which a field matches."""
    return [line for line in waiting() if any(map(wanted.selects, _as_rows(line)))]


def _as_rows(line: JournalLine) -> Iterator[ChangedField]:
    for field in line.fields:
        yield ChangedField(
            change_id=line.pk,
            field=field,
            recorded_at=line.sent_at,
            action=line.action,
            outcome=WAITING,
            flags=line.flags,
            customer_id=line.customer_id,
            actor_key=actor_key(line.actor_issuer, line.actor_sub),
        )


class Occurring(NamedTuple):
    """What occurs in the log. people: (key, name as it was last, identifier) each."""

    people: list[tuple[int, str, str]]
    fields: list[str]
    actions: list[str]
    outcomes: list[str]


def occurring(*, now: bool = False) -> Occurring:
    """What a filter may ask for, as it was at most a minute ago; now: as it is."""
    found: Occurring | None = None if now else cache.get("log:occurring")
    if found is None:
        found = _occurring()
        cache.set("log:occurring", found, 60)
    return found


def _occurring() -> Occurring:
    """In SQL: from one value to the next in its index, in one query."""
    others = ("field", "action", "outcome")
    steps = ",".join(_NEXT.format(column=column) for column in ("actor_key", *others))
    values = "".join(_VALUES.format(column=column) for column in others)
    with connection.cursor() as cursor:
        cursor.execute(f"WITH RECURSIVE {steps} {_PEOPLE} {values}")
        found = [row for row in cursor.fetchall() if row[1] is not None]
    people = [(int(key), name, sub) for of, key, name, sub in found if of == "actor_key"]
    return Occurring(people, *([row[1] for row in found if row[0] == one] for one in others))


_NEXT = """
{column}_(value) AS (
    SELECT min({column}) FROM customers_changedfield
    UNION ALL
    SELECT (SELECT min({column}) FROM customers_changedfield WHERE {column} > {column}_.value)
    FROM {column}_ WHERE {column}_.value IS NOT NULL
)"""
_PEOPLE = """
SELECT 'actor_key', CAST(actor_key_.value AS text), actor_name, actor_sub FROM actor_key_
JOIN customers_entry ON seq = (
    SELECT max(seq) FROM customers_changedfield WHERE actor_key = actor_key_.value
)"""
_VALUES = " UNION ALL SELECT '{column}', value, '', '' FROM {column}_"
