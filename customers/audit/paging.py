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
        filters = [values for name in self.columns if (values := getattr(self, name))]
        return len(filters) <= 1 and all(len(values) == 1 for values in filters)

    @property
    def is_ordered(self) -> bool:
        """Does an index give all rows that match, perhaps with others, newest first?"""
        return any(len(getattr(self, name)) == 1 for name in self.columns)

    def rows(self) -> "QuerySet[Row]":
        """The rows that match, of whatever time, newest first."""
        rows: QuerySet[Any] = self.model._default_manager.order_by(f"-{self.key}")
        for name, column in self.columns.items():
            if values := getattr(self, name):
                # "=" keeps the order of an index, "IN" does not.
                rows = rows.filter(
                    **{column: values[0]} if len(values) == 1 else {f"{column}__in": values}
                )
        return rows

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


def search(filters: Filter[Row], *, before: int | None = None, size: int = PAGE) -> Page[Row]:
    """One page of the rows that match and whose key is below `before`.

    At most RUN rows are searched, unless an index answers the filter.
    """
    first, last = span_of(filters)
    start = last + 1 if before is None else min(before, last + 1)
    rows: list[Row] = []
    low = start
    for low, below in _runs(filters, first, start):
        rows += statements.fetch(_between(filters, low, below)[: size + 1 - len(rows)])
        if len(rows) > size:
            break
    newer, is_newest = (None, True) if before is None else _newer(filters, start, last, size)
    if len(rows) > size:
        older = getattr(rows[size - 1], filters.key)
        return Page(rows[:size], older, newer, is_newest, None, rows[size])
    if low <= first:
        return Page(rows, None, newer, is_newest)
    later = f"FROM {filters.model._meta.db_table} WHERE {filters.key} >= %s"
    oldest = f"SELECT recorded_at {later} ORDER BY {filters.key} LIMIT 1"
    searched_to = statements.time_of(statements.one_row(oldest, [low])[0])
    return Page(rows, low, newer, is_newest, searched_to)


def every(filters: Filter[Row], *, size: int = 500) -> Iterator[list[Row]]:
    """All rows that match, newest first, in batches of so many rows; memory stays flat."""
    first, last = span_of(filters)
    below = last + 1
    while rows := statements.fetch(_between(filters, first, below)[:size]):
        yield rows
        below = getattr(rows[-1], filters.key)


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


def _between(filters: Filter[Row], low: int, below: int) -> "QuerySet[Row]":
    return filters.rows().filter(**{f"{filters.key}__gte": low, f"{filters.key}__lt": below})


def span_of(filters: Filter[Row]) -> tuple[int, int]:
    """The keys of the filter's period, both ends in it; all, if an index finds them by itself."""
    if filters.is_indexed and not filters.since and not filters.until:
        return 1, _ENDLESS
    key, table = filters.key, filters.model._meta.db_table
    oldest, newest = (f"(SELECT {end}({key}) FROM {table})" for end in ("min", "max"))  # noqa: S608
    from_time = f"FROM {table} WHERE recorded_at >= %s ORDER BY recorded_at, {key} LIMIT 1"
    by_time = f"(SELECT {key} {from_time})"
    times = []
    if filters.since:
        times.append(filters.since - filters.out_of_order)
    if filters.until:
        times.append(filters.until + filters.out_of_order)
    begins, ends = by_time if filters.since else oldest, by_time if filters.until else "NULL"
    parameters = [connection.ops.adapt_datetimefield_value(time) for time in times]
    first, beyond, last = statements.one_row(f"SELECT {begins}, {ends}, {newest}", parameters)
    if first is None:
        return 1, 0
    return first, last if beyond is None else beyond - 1


def _runs(filters: Filter[Row], first: int, start: int) -> Iterator[tuple[int, int]]:
    """(from, below): the keys to search one after the other, newest first."""
    if filters.is_indexed:
        yield first, start
        return
    last = max(first, start - RUN)
    # Without an order all of a run are sorted, so the first is short.
    low = last if filters.is_ordered else max(first, start - _FIRST_RUN)
    yield low, start
    if low > last:
        yield last, low


def _newer(filters: Filter[Row], start: int, last: int, size: int) -> tuple[int | None, bool]:
    """Where the newer page starts, None if it is the newest one; and is this the newest page?

    start: this page holds rows below it.
    """
    high = last if filters.is_indexed else min(last, start + RUN)
    rows = _between(filters, start, high + 1).order_by(filters.key)
    keys = list(rows.values_list(filters.key, flat=True)[:size])
    if len(keys) == size:
        return keys[-1] + 1, False
    return (None, not keys) if high == last else (high + 1, False)
