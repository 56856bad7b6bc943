"""The entries as the texts that were hashed, read from the rows without models in between.

Batches by number, so memory stays flat and no lock is held.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

from django.db import connection

from customers.audit import digests
from customers.audit.models import SIDES, Action, Entry, facts, number_in

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


class OldestLeftError(Exception):
    """Entries left with age while they were read: begin again."""


WIDTH = 4 + len(digests.COLUMNS)  # of a row, before what the vault holds


def rows(after: int, last: int, *, with_vault: bool = False) -> Iterator[Sequence[Any]]:
    """seq, version, content_digest, digest, and the columns as texts in the order of COLUMNS; and
    with the vault: its key id, None where it holds nothing, and its sides in the order of SIDES.

    Of the entries after one number, up to another; as they lie in the database, so a number may be
    missing. Raises OldestLeftError.
    """
    columns = [*map(as_text, digests.COLUMNS)]
    source = "customers_entry AS e"
    if with_vault:
        columns += [f"v.{name}" for name in ("key_id", *SIDES)]
        source += " LEFT JOIN customers_vaultitem AS v ON v.seq = e.seq"
    query = (
        "SELECT e.seq, e.version, e.content_digest, e.digest,"  # noqa: S608
        f" {', '.join(columns)} FROM {source}"
        " WHERE e.seq > %s AND e.seq <= %s ORDER BY e.seq LIMIT %s"
    )
    while after < last:
        with connection.cursor() as cursor:
            cursor.execute(query, [after, last, _BATCH])
            batch = cursor.fetchall()
        if (not batch or batch[0][0] > after + 1) and beginning()[0] > after:
            raise OldestLeftError
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
        anchors = Entry.objects.filter(action=Action.ANCHOR).order_by("seq")
        for detail in anchors.values_list("detail", flat=True):
            if number_in(detail, "seq") == first - 1:
                with suppress(ValueError):
                    return first - 1, bytes.fromhex(str(facts(detail).get("digest")))
    return 0, digests.BEGINNING
