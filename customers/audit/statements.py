"""Rows of the log and the journal, written and deleted with statements that are built once.

The ORM builds each statement anew, at several times the cost of running it, and every save pays for
these. The columns, and how a value is handed to the database, are the models' own.
"""

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any, TypeAlias

from django.db import connection, transaction
from django.db.models import AutoField, Field, Model
from django.db.models.functions import Now
from django.utils import timezone

Column: TypeAlias = "Field[Any, Any]"
_NONE: Mapping[str, float] = {}


def now() -> Any:
    """The database's time, for a query. SQLite's is the machine's."""
    return timezone.now() if connection.vendor == "sqlite" else Now()


def insert(rows: Iterable[Model], *, seconds_from_now: Mapping[str, float] = _NONE) -> None:
    """Insert new rows. seconds_from_now: columns whose time the database's clock gives."""
    with connection.cursor() as cursor:
        for row in rows:
            columns, statement = _insert(type(row), tuple(seconds_from_now))
            cursor.execute(statement, _parameters(row, columns, seconds_from_now))


def insert_if_new(row: Model) -> bool:
    """Insert the row unless its primary key is there already; was it inserted?"""
    columns, statement = _insert(type(row), ())
    with connection.cursor() as cursor:
        cursor.execute(f"{statement} ON CONFLICT DO NOTHING", _parameters(row, columns))
        return int(cursor.rowcount) == 1


def update(row: Model, *names: str) -> None:
    """Update these columns of a row that is there."""
    columns, statement = _update(type(row), names)
    with connection.cursor() as cursor:
        cursor.execute(statement, _parameters(row, columns))


def delete(model: type[Model], **key: Any) -> int:
    """Delete the rows with that value in one column; returns how many there were."""
    [(name, value)] = key.items()
    column, statement = _delete(model, name)
    with connection.cursor() as cursor:
        cursor.execute(statement, [column.get_db_prep_save(value, connection)])
        return int(cursor.rowcount)


@contextmanager
def batch() -> Iterator[None]:
    """A transaction of a long run; then a pause as long as it took.

    Who waits for SQLite's one lock looks now and then whether it is free: so the workers get their
    turn.
    """
    began = time.monotonic()
    with transaction.atomic():
        yield
    time.sleep(time.monotonic() - began)


def _parameters(
    row: Model, columns: list[Column], seconds_from_now: Mapping[str, float] = _NONE
) -> list[Any]:
    if connection.vendor == "sqlite":
        seconds_from_now = _NONE
    return [
        seconds_from_now[one.attname]
        if one.attname in seconds_from_now
        else one.get_db_prep_save(getattr(row, one.attname), connection)
        for one in columns
    ]


# All names below are the models' own.


@cache
def _insert(model: type[Model], by_clock: tuple[str, ...]) -> tuple[list[Column], str]:
    columns = [one for one in model._meta.concrete_fields if not isinstance(one, AutoField)]
    names = ", ".join(map(_quoted, columns))
    from_now = "%s" if connection.vendor == "sqlite" else "clock_timestamp() + %s * interval '1s'"
    marks = ", ".join(from_now if one.attname in by_clock else "%s" for one in columns)
    return columns, f"INSERT INTO {_table(model)} ({names}) VALUES ({marks})"  # noqa: S608


@cache
def _update(model: type[Model], names: tuple[str, ...]) -> tuple[list[Column], str]:
    columns = _named(model, names)
    updates = ", ".join(f"{_quoted(one)} = %s" for one in columns)
    key = model._meta.pk
    statement = f"UPDATE {_table(model)} SET {updates} WHERE {_quoted(key)} = %s"  # noqa: S608
    return [*columns, key], statement


@cache
def _delete(model: type[Model], name: str) -> tuple[Column, str]:
    [column] = _named(model, [name])
    return column, f"DELETE FROM {_table(model)} WHERE {_quoted(column)} = %s"  # noqa: S608


def _named(model: type[Model], names: Iterable[str]) -> list[Column]:
    columns = {one.attname: one for one in model._meta.concrete_fields}
    return [columns[name] for name in names]


def _table(model: type[Model]) -> str:
    return connection.ops.quote_name(model._meta.db_table)


def _quoted(column: Column) -> str:
    return connection.ops.quote_name(column.column or column.attname)
