"""Pages of a long table by keyset, newest first: never counted, and never searched without a bound.

One value of one name is answered by an index. Anything else is searched in bounded runs, so that no
filter reads a whole table for one page.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

from django.db import connection
from django.db.models import Model, QuerySet

from customers.audit import statements

PAGE = 50  # rows
RUN = 15_000  # rows that are searched for one page: PostgreSQL may look at each, in 2.5 ms
_FIRST_RUN = 2_000  # most filters fill their page from these
_ENDLESS = 2**63 - 2

Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True)
class Filter(Generic[Row]):
    """A row matches if each name that has values has one of them in its column.

    since, until: aware times; until is the first one that is too late. columns: name of a filter ->
    column of the table, each with an index that goes on with the key. out_of_order: how far the
    times of rows may stand in another order than their keys.
    """

    since: datetime | None = None
    until: datetime | None = None

    model: ClassVar[type[Model]]
    key: ClassVar[str]
    columns: ClassVar[Mapping[str, str]]
    out_of_order: ClassVar[timedelta] = timedelta(0)

    @property
    def is_indexed(self) -> bool:
        """Does one index give exactly these rows, newest first? A period is a range of keys."""
        given = [values for name in self.columns if (values := getattr(self, name))]
        return len(given) <= 1 and all(len(values) == 1 for values in given)

    @property
    def is_ordered(self) -> bool:
        """Does an index give all rows that match, perhaps with others, newest first?"""
        return any(len(getattr(self, name)) == 1 for name in self.columns)

    def rows(self) -> "QuerySet[Row]":
        """The rows that match, of whatever time, newest first."""
        found: QuerySet[Any] = self.model._default_manager.order_by(f"-{self.key}")
        for name, column in self.columns.items():
            if values := getattr(self, name):
                # "=" keeps the order of an index, "IN" does not.
                found = found.filter(
                    **{column: values[0]} if len(values) == 1 else {f"{column}__in": values}
                )
        return found

    def selects(self, row: Row) -> bool:
        """Does this row match? Asked of rows that are not in the database."""
        time: datetime = getattr(row, "recorded_at")  # noqa: B009 - every table of ours has it
        return (
            all(
                not getattr(self, name) or getattr(row, column) in getattr(self, name)
                for name, column in self.columns.items()
            )
            and (self.since is None or time >= self.since)
            and (self.until is None or time < self.until)
        )


class Page(NamedTuple, Generic[Row]):
    """A page of rows, newest first.

    older, newer: where the next pages start, None if there is none, or if the newer one is the
    newest. searched_to: the time of the oldest row that was searched, where older ones were not.
    beyond: the first row of the older page, where this page is full.
    """

    rows: list[Row]
    older: int | None = None
    newer: int | None = None
    is_newest: bool = True
    searched_to: datetime | None = None
    beyond: Row | None = None


def search(wanted: Filter[Row], *, before: int | None = None, size: int = PAGE) -> Page[Row]:
    """One page of what matches, of rows whose key is below `before`.

    At most RUN rows are searched, unless an index answers the filter.
    """
    first, last = span_of(wanted)
    start = last + 1 if before is None else min(before, last + 1)
    rows: list[Row] = []
    low = start
    for low, below in _runs(wanted, first, start):
        rows += statements.fetched(_between(wanted, low, below)[: size + 1 - len(rows)])
        if len(rows) > size:
            break
    newer, is_newest = (None, True) if before is None else _newer(wanted, start, last, size)
    if len(rows) > size:
        older = getattr(rows[size - 1], wanted.key)
        return Page(rows[:size], older, newer, is_newest, None, rows[size])
    if low <= first:
        return Page(rows, None, newer, is_newest)
    later = f"FROM {wanted.model._meta.db_table} WHERE {wanted.key} >= %s"
    oldest = f"SELECT recorded_at {later} ORDER BY {wanted.key} LIMIT 1"
    searched_to = statements.time_of(statements.asked(oldest, [low])[0])
    return Page(rows, low, newer, is_newest, searched_to)


def every(wanted: Filter[Row], *, size: int = 500) -> Iterator[list[Row]]:
    """All that matches, newest first, in batches of so many rows; memory stays flat."""
    first, last = span_of(wanted)
    below = last + 1
    while rows := statements.fetched(_between(wanted, first, below)[:size]):
        yield rows
        below = getattr(rows[-1], wanted.key)


# In SQL, a recursive table {column}_(value): from one value of a column to the next in its index.
STEPS = """
{column}_(value) AS (
    SELECT min({column}) FROM {table}
    UNION ALL
    SELECT (SELECT min({column}) FROM {table} WHERE {column} > {column}_.value)
    FROM {column}_ WHERE {column}_.value IS NOT NULL
)"""

# In SQL, behind the STEPS of actor_key: whom each key is, by the newest row that `rows` has of it:
# its name as it was last, and its login or else identifier. rows, key: where the names are.
PEOPLE = """
SELECT 'actor_key', CAST(actor_key_.value AS text), actor_name, coalesce(login, actor_sub)
FROM actor_key_
JOIN {rows} ON {key} = (SELECT max({key}) FROM {table} WHERE actor_key = actor_key_.value)
LEFT JOIN customers_colleague ON key = actor_key_.value"""


def _between(wanted: Filter[Row], low: int, below: int) -> "QuerySet[Row]":
    return wanted.rows().filter(**{f"{wanted.key}__gte": low, f"{wanted.key}__lt": below})


def span_of(wanted: Filter[Row]) -> tuple[int, int]:
    """The keys of the filter's period, both ends in it; all, if an index finds them by itself."""
    if wanted.is_indexed and not wanted.since and not wanted.until:
        return 1, _ENDLESS
    key, table = wanted.key, wanted.model._meta.db_table
    oldest, newest = (f"(SELECT {end}({key}) FROM {table})" for end in ("min", "max"))  # noqa: S608
    from_time = f"FROM {table} WHERE recorded_at >= %s ORDER BY recorded_at, {key} LIMIT 1"
    by_time = f"(SELECT {key} {from_time})"
    times = []
    if wanted.since:
        times.append(wanted.since - wanted.out_of_order)
    if wanted.until:
        times.append(wanted.until + wanted.out_of_order)
    begins, ends = by_time if wanted.since else oldest, by_time if wanted.until else "NULL"
    asked = [connection.ops.adapt_datetimefield_value(time) for time in times]
    first, beyond, last = statements.asked(f"SELECT {begins}, {ends}, {newest}", asked)
    if first is None:
        return 1, 0
    return first, last if beyond is None else beyond - 1


def _runs(wanted: Filter[Row], first: int, start: int) -> Iterator[tuple[int, int]]:
    """(from, below): the keys to search one after the other, newest first."""
    if wanted.is_indexed:
        yield first, start
        return
    last = max(first, start - RUN)
    # Without an order all of a run are sorted, so the first is short.
    low = last if wanted.is_ordered else max(first, start - _FIRST_RUN)
    yield low, start
    if low > last:
        yield last, low


def _newer(wanted: Filter[Row], start: int, last: int, size: int) -> tuple[int | None, bool]:
    """Where the newer page starts, None if it is the newest one; and is this the newest page?

    start: this page holds rows below it.
    """
    high = last if wanted.is_indexed else min(last, start + RUN)
    rows = _between(wanted, start, high + 1).order_by(wanted.key)
    keys = list(rows.values_list(wanted.key, flat=True)[:size])
    if len(keys) == size:
        return keys[-1] + 1, False
    return (None, not keys) if high == last else (high + 1, False)
