"""Filters of the log: they select rows of `ChangedField`, shown as changes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import ClassVar, NamedTuple
from uuid import UUID

from django.core.cache import cache
from django.db import connection
from django.db.models import Q, QuerySet

from customers.audit import paging, reverts
from customers.audit.actions import Outcome
from customers.audit.models import Change, ChangedField, Entry, JournalLine
from customers.audit.reading import entries_of, waiting

WAITING = "waiting"  # the outcome of an open journal line


@dataclass(frozen=True)
class LogFilter(paging.Filter[ChangedField]):
    """people: keys as `actor_key` gives them. outcomes: words of `Outcome`, or WAITING. flags:
    words of `Flag`.
    """

    people: tuple[int, ...] = ()
    customers: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    outcomes: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    requests: tuple[str, ...] = ()

    model = ChangedField
    key = "seq"
    columns: ClassVar = {
        "customers": "customer_id",
        "people": "actor_key",
        "fields": "field",
        "actions": "action",
        "outcomes": "outcome",
        "requests": "request_id",
    }

    @property
    def is_indexed(self) -> bool:
        return not self.flags and super().is_indexed

    @property
    def is_ordered(self) -> bool:
        return bool(self.flags) or super().is_ordered

    def rows(self) -> "QuerySet[ChangedField]":
        if not self.flags:
            return super().rows()
        flagged = reduce(or_, (Q(flags__contains=flag) for flag in self.flags))
        return super().rows().exclude(flags="").filter(flagged)

    def selects(self, row: ChangedField) -> bool:
        flags = set(row.flags.split())
        return super().selects(row) and (not self.flags or not flags.isdisjoint(self.flags))


def page(
    filters: LogFilter, *, before: int | None = None, size: int = paging.PAGE
) -> paging.Page[Change]:
    """One page of changes with the fields that match, of rows older than entry number `before`.

    A change whose rows do not fit is left to the next page, unless it is the only one.
    """
    result = paging.search(filters, before=before, size=size)
    rows, older = result.rows, result.older
    if result.beyond:
        last_change = result.beyond.change_id
        rows = [row for row in rows if row.change_id != last_change] or rows
        older = rows[-1].seq
    changes = changes_of(rows)
    reverts.link(changes)
    return paging.Page(changes, older, result.newer, result.is_newest, result.searched_to)


def changes_of(rows: Sequence[ChangedField]) -> list[Change]:
    """The changes of these rows in their order, each with the entries of these fields alone."""
    by_change: dict[UUID, list[ChangedField]] = {}
    for row in rows:
        by_change.setdefault(row.change_id, []).append(row)
    entries: dict[tuple[UUID, str], list[Entry]] = {}
    for entry in entries_of(by_change, {row.field for row in rows}):
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
        keys = [(change_id, row.field) for row in reversed(of_change)]
        change.entries = [entry for key in keys for entry in entries.get(key, ())]
        if change.entries:  # else somebody put these rows in
            changes.append(change)
    return changes


def waiting_lines(filters: LogFilter) -> list[JournalLine]:
    """The newest open lines of which a field matches."""
    return [line for line in waiting() if any(map(filters.selects, _as_rows(line)))]


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
            actor_key=line.actor_key,
            request_id=line.request_id,
        )


class Occurring(NamedTuple):
    """The values in the log. people: (key, name as it was last, login or else identifier) each."""

    people: list[tuple[int, str, str]]
    fields: list[str]
    actions: list[str]
    outcomes: list[str]


def occurring(*, now: bool = False) -> Occurring:
    """The values to filter by, at most a minute old; now: current."""
    values: Occurring | None = None if now else cache.get("log:occurring")
    if values is None:
        values = _occurring()
        cache.set("log:occurring", values, 60)
    return values


def _occurring() -> Occurring:
    """In SQL: from one value to the next in its index, in one query."""
    others = ("field", "action", "outcome")
    table, columns = "customers_changedfield", ("actor_key", *others)
    people = paging.PEOPLE.format(rows="customers_entry", key="seq", table=table)
    steps = ",".join(paging.STEPS.format(table=table, column=column) for column in columns)
    values = "".join(_VALUES.format(column=column) for column in others)
    with connection.cursor() as cursor:
        cursor.execute(f"WITH RECURSIVE {steps} {people} {values}")
        lines = [row for row in cursor.fetchall() if row[1] is not None]
    persons = [(int(key), name, sub) for column, key, name, sub in lines if column == "actor_key"]
    return Occurring(persons, *([row[1] for row in lines if row[0] == column] for column in others))


_VALUES = " UNION ALL SELECT '{column}', value, '', '' FROM {column}_"
