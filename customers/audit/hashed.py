"""The entries as the texts that were hashed, read from the rows without models in between.

Batches by number, so memory stays flat and no lock is held.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from django.db import connection

from customers.audit import digests
from customers.models import Action, Entry

_BATCH = 5_000  # entries
# Columns that a database does not hold as the text that is hashed.
_AS_TEXT = {
    "sqlite": {
        "recorded_at": "replace(recorded_at, ' ', 'T')"
        " || CASE length(recorded_at) WHEN 19 THEN '.000000Z' ELSE 'Z' END",
    },
    "postgresql": {
        "change_id": "replace(change_id::text, '-', '')",
        # The year before 1 is written as the year 1, and without BC they would hash alike.
        "recorded_at": "to_char(recorded_at AT TIME ZONE 'UTC',"
        """ 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""
        " || CASE WHEN recorded_at < '0001-01-01Z' THEN ' BC' ELSE '' END",
    },
}


def rows(after: int, last: int) -> Iterator[Sequence[Any]]:
    """seq, version, content_digest, digest, and the columns as texts in the order of COLUMNS.

    Of the entries after one number, up to another; as they lie in the database, so a number may be
    missing.
    """
    columns = ", ".join(map(as_text, digests.COLUMNS))
    query = (
        f"SELECT seq, version, content_digest, digest, {columns} FROM customers_entry"  # noqa: S608
        " WHERE seq > %s AND seq <= %s ORDER BY seq LIMIT %s"
    )
    while after < last:
        with connection.cursor() as cursor:
            cursor.execute(query, [after, last, _BATCH])
            batch = cursor.fetchall()
        if not batch:
            return
        yield from batch
        after = batch[-1][0]


def as_text(column: str) -> str:
    """SQL for a column as the text that is hashed."""
    return _AS_TEXT[connection.vendor].get(column, f'"{column}"')


def beginning() -> tuple[int, bytes]:
    """The number and the digest that the oldest entry follows: of none, or of an anchor."""
    first = Entry.objects.order_by("seq").values_list("seq", flat=True).first()
    if first is not None and first > 1:
        for anchor in Entry.objects.filter(action=Action.ANCHOR):
            if isinstance(anchor.new, dict) and anchor.new.get("seq") == first - 1:
                return first - 1, bytes.fromhex(str(anchor.new.get("digest")))
    return 0, digests.BEGINNING
