"""The vault: the values that entries commit to, encrypted in a table of their own.

Values leave it when their customer is forgotten or they are too old; the commitments stay.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from typing import Any

from django.db.models import QuerySet

from customers.audit import encryption, statements
from customers.audit.actions import SIDES
from customers.audit.models import Entry, JournalLine, Missing, VaultItem, json_text

_BATCH = 500  # rows


def commit(entry: Entry, values: Mapping[str, Any]) -> list[bytes]:
    """Let a new entry commit to the values of its sides; a Missing or absent one is no value.

    Returns salt and JSON text of each, in the order of SIDES, for `item`.
    """
    salted = []
    for side in SIDES:
        value = values.get(side, Missing.NOT_KEPT)
        if not isinstance(value, Missing):
            salted.append(encryption.salted(json_text(value)))
            setattr(entry, f"{side}_commitment", sha256(salted[-1]).hexdigest())
    return salted


def item(entry: Entry, salted: Sequence[bytes]) -> VaultItem:
    """The row of the values that a numbered entry commits to."""
    encrypted = encryption.encrypt_values(entry.seq, entry.field, salted)
    return VaultItem(entry=entry, key_id=encryption.current(), encrypted=encrypted)


def rewrap(progress: Callable[[int], None] = lambda count: None) -> int:
    """Encrypt rows of a former key under the current one, beside the workers.

    Leaves out rows that do not open and, lest two wait for each other, rows that somebody has
    locked. progress: called with the number of rows so far. Returns their number.
    """
    count = 0
    for rows in _of_former_keys():
        rest = rows.order_by("pk").select_for_update(of=("self",), skip_locked=True)
        while True:
            with statements.batch():
                batch = list(rest[:_BATCH])
                for row in batch:
                    with suppress(encryption.UnreadableError):
                        text = encryption.decrypt(row.key_id, row.encrypted, row.place())
                        row.encrypted = encryption.encrypt(text, row.place())
                        row.key_id = encryption.current()
                        statements.update(row, "key_id", "encrypted")
                        count += 1
            if not batch:
                break
            rest = rest.filter(pk__gt=batch[-1].pk)
            progress(count)
    return count


def count_of_former_keys() -> int:
    """How many rows a former key encrypted."""
    return sum(rows.count() for rows in _of_former_keys())


def _of_former_keys() -> list[QuerySet[Any]]:
    rows = VaultItem.objects.select_related("entry"), JournalLine.objects.all()
    return [query.exclude(key_id=encryption.current()) for query in rows]
