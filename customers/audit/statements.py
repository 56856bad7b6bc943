"""Rows of the log and the journal, written, deleted and read with SQL of our own.

The ORM builds each statement anew, at several times the cost of running it, and every page and save
pays for these. The names in them, and how a value is handed to the database, are the models' own.
"""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from typing import Any, TypeAlias, TypeVar

from django.db import DEFAULT_DB_ALIAS, connection, transaction
from django.db.backends.postgresql.base import ServerBindingCursor
from django.db.models import AutoField, Model, QuerySet
from django.db.models.base import ModelState
from django.db.models.functions import Now
from django.utils import timezone

Statement: TypeAlias = tuple[str, list[Any]]
Row = TypeVar("Row", bound=Model)
_NONE: Mapping[str, float] = {}


def now() -> Any:
    """The database's time, for a query. SQLite's is the machine's."""
    return timezone.now() if connection.vendor == "sqlite" else Now()


def run(statements: Iterable[Statement]) -> list[int]:
    """Run statements in order, on PostgreSQL in one message; the row count of each."""
    statements = list(statements)
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":  # which takes one at a time
            return [_count(cursor.execute(*statement)) for statement in statements]
        texts, parameters = zip(*statements, strict=True)
        cursor.execute("; ".join(texts), [value for row in parameters for value in row])
        counts = [cursor.rowcount]
        while cursor.nextset():
            counts.append(cursor.rowcount)
        return counts


def _count(cursor: Any) -> int:
    return len(cursor.fetchall()) if cursor.description else cursor.rowcount


def insert(rows: Iterable[Model]) -> None:
    if statements := list(inserting(rows)):
        run(statements)


def inserting(
    rows: Iterable[Model], *, seconds_from_now: Mapping[str, float] = _NONE
) -> Iterator[Statement]:
    """A statement for each new row. seconds_from_now: column -> seconds from the database's now."""
    if connection.vendor == "sqlite":
        seconds_from_now = _NONE
    for row in rows:
        columns, names, marks = _insert(type(row), tuple(seconds_from_now))
        text = f'INSERT INTO "{row._meta.db_table}" ({names}) VALUES ({marks})'  # noqa: S608
        yield text, _parameters(row, columns, seconds_from_now)


def inserting_unless(row: Model, query: Statement) -> Statement:
    """A statement for a row, unless it is there already or the query finds one."""
    columns, names, marks = _insert(type(row), ())
    text = (
        f'INSERT INTO "{row._meta.db_table}" ({names}) SELECT {marks}'
        f" WHERE NOT EXISTS ({query[0]}) ON CONFLICT DO NOTHING"
    )
    return text, [*_parameters(row, columns), *query[1]]


def update(row: Model, *names: str) -> None:
    run([updating(row, *names)])


def updating(row: Model, *names: str) -> Statement:
    """A statement that writes these columns of a row that is there."""
    columns: list[Any] = [row._meta.get_field(name) for name in names]
    table, key = row._meta.db_table, row._meta.pk
    changes = ", ".join(f'"{field.column}" = %s' for field in columns)
    text = f'UPDATE "{table}" SET {changes} WHERE "{key.column}" = %s'  # noqa: S608
    return text, _parameters(row, [*columns, key])


def deleting(model: type[Model], **key: Any) -> Statement:
    """A statement that deletes the rows with that value in one column."""
    [(name, value)] = key.items()
    column: Any = model._meta.get_field(name)
    text = f'DELETE FROM "{model._meta.db_table}" WHERE "{column.column}" = %s'  # noqa: S608
    return text, [column.get_db_prep_save(value, connection)]


def give_back_connection() -> None:
    """Before a call of another machine: PostgreSQL's goes back to its pool, so that nobody waits
    for it meanwhile. SQLite's stays open. Does nothing in a transaction.
    """
    if not connection.in_atomic_block:
        connection.close_if_unusable_or_obsolete()


@contextmanager
def batch() -> Iterator[None]:
    """A transaction of a long run; then a pause as long as it took, so that the workers, who wait
    for SQLite's one lock, get their turn.
    """
    began = time.monotonic()
    with transaction.atomic():
        yield
    time.sleep(time.monotonic() - began)


def _parameters(
    row: Model, columns: Iterable[Any], seconds: Mapping[str, float] = _NONE
) -> list[Any]:
    return [
        seconds[field.attname]
        if field.attname in seconds
        else field.get_db_prep_save(getattr(row, field.attname), connection)
        for field in columns
    ]


@cache
def _insert(model: type[Model], by_clock: tuple[str, ...]) -> tuple[list[Any], str, str]:
    """Columns, their names, and a mark for each."""
    columns = [field for field in model._meta.concrete_fields if not isinstance(field, AutoField)]
    names = ", ".join(f'"{field.column}"' for field in columns)
    from_now = "clock_timestamp() + %s * interval '1s'"
    marks = ", ".join(from_now if field.attname in by_clock else "%s" for field in columns)
    return columns, names, marks


# Reading ------------------------------------------------------------------------------------------


def one_row(query: str, parameters: Sequence[Any]) -> tuple[Any, ...]:
    """The one row of a query."""
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        row: tuple[Any, ...] = cursor.fetchone()
    return row


def planned(query: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    """The rows of a query that each page or save runs. PostgreSQL stops planning it once a
    connection has run it some times (`prepare_threshold`).

    To plan the largest takes eight times as long as to run it.
    """
    if connection.vendor == "sqlite" or connection.queries_logged:  # whose text is asked for
        cursor = connection.cursor()
    else:
        connection.ensure_connection()
        binding: Any = ServerBindingCursor  # which the stubs do not know
        cursor = connection.make_cursor(binding(connection.connection))
    with cursor:
        cursor.execute(query, parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def time_of(moment: datetime | None) -> datetime | None:
    """A time of a query. SQLite does not say in which zone it is."""
    return moment.replace(tzinfo=UTC) if moment and moment.tzinfo is None else moment


def find(model: type[Row], key: Any, *, locked: bool = False) -> Row | None:
    """The row with that primary key; locked: until the transaction ends."""
    pk = model._meta.pk
    query = _selecting(model, f"WHERE {pk.column} = %s")
    if locked and connection.vendor != "sqlite":  # where the transaction has its one lock already
        query += " FOR UPDATE"
    rows = planned(query, [pk.get_db_prep_save(key, connection)])
    return row_of(model, rows[0]) if rows else None


def rows(model: type[Row], which: str, parameters: Sequence[Any] = ()) -> list[Row]:
    """Rows of one table, as the ORM gives them. which: the text behind FROM."""
    return _fetch(model, _selecting(model, which), parameters)


def _selecting(model: type[Model], which: str) -> str:
    return f"SELECT {columns(model, 'one')} FROM {model._meta.db_table} one {which}"  # noqa: S608


def fetch(query: QuerySet[Row]) -> list[Row]:
    """The rows of a query that the ORM has built."""
    return _fetch(query.model, *query.query.sql_with_params())


def _fetch(model: type[Row], query: str, parameters: Sequence[Any]) -> list[Row]:
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        return [row for values in cursor.fetchall() if (row := row_of(model, values)) is not None]


@cache
def columns(model: type[Model], table: str) -> str:
    """The columns that a query selects for `row_of`. table: its name there."""
    return ", ".join(f'{table}."{field.column}"' for field in model._meta.concrete_fields)


def row_of(model: type[Row], values: Sequence[Any]) -> Row | None:
    """A row as the ORM gives it. None if it was joined and there is none.

    `Model.from_db` sets one column after the other and takes three times as long.
    """
    if values[_key_at(model)] is None:
        return None
    names, to_convert = _conversions(model)
    members = dict(zip(names, values, strict=True))
    for name, column, converters in to_convert:
        for convert in converters:
            members[name] = convert(members[name], column, connection)
    row = model.__new__(model)
    row._state = ModelState()
    row._state.adding, row._state.db = False, DEFAULT_DB_ALIAS
    vars(row).update(members)
    return row


@cache
def _key_at(model: type[Model]) -> int:
    return model._meta.concrete_fields.index(model._meta.pk)


@cache
def _conversions(model: type[Model]) -> tuple[list[str], list[Any]]:
    """The names of its columns; and of those that are not as the database gives them: name,
    column, what converts it.
    """
    names, conversions = [], []
    for field in model._meta.concrete_fields:
        column = field.cached_col
        own = column.get_db_converters(connection)
        names.append(field.attname)
        if converters := [*connection.ops.get_db_converters(column), *own]:
            conversions.append((field.attname, column, converters))
    return names, conversions
