"""Rows of the log and the journal, written and deleted with statements that are built once.

The ORM builds each statement anew, at several times the cost of running it, and every save pays for
these. The columns, and how a value is handed to the database, are the models' own.
"""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, TypeAlias

from django.db import connection, transaction
from django.db.models import AutoField, Field, Model

Column: TypeAlias = "Field[Any, Any]"


def insert(rows: Iterable[Model], *, or_update: tuple[str, ...] = ()) -> None:
    """Insert new rows; or_update: columns to update where the primary key is there already."""
    with connection.cursor() as cursor:
        for row in rows:
            columns, statement = _insert(type(row), or_update)
            cursor.execute(statement, _given(row, columns))


def update(row: Model, *names: str) -> None:
    """Update these columns of a row that is there."""
    columns, statement = _update(type(row), names)
    with connection.cursor() as cursor:
        cursor.execute(statement, _given(row, columns))


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


def _given(row: Model, columns: Iterable[Column]) -> list[Any]:
    return [one.get_db_prep_save(getattr(row, one.attname), connection) for one in columns]


# All names below are the models' own.


@cache
def _insert(model: type[Model], or_update: tuple[str, ...]) -> tuple[list[Column], str]:
    columns = [one for one in model._meta.concrete_fields if not isinstance(one, AutoField)]
    names = ", ".join(map(_quoted, columns))
    marks = ", ".join(["%s"] * len(columns))
    statement = f"INSERT INTO {_table(model)} ({names}) VALUES ({marks})"  # noqa: S608
    if or_update:
        key, updated = _quoted(model._meta.pk), map(_quoted, _named(model, or_update))
        updates = ", ".join(f"{name} = EXCLUDED.{name}" for name in updated)
        statement += f" ON CONFLICT ({key}) DO UPDATE SET {updates}"
    return columns, statement


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
