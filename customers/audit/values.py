"""The vault: what the commitments of entries stand for, encrypted in a table of its own.

An entry keeps its commitments for ever; its values leave the vault when their customer is forgotten
or they are too old. docs/audit.md, section 9, gives the bytes.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from typing import Any

from django.db.models import QuerySet

from customers.audit import encryption, statements
from customers.audit.actions import SIDES
from customers.audit.models import Entry, JournalLine, Missing, VaultItem, json_text

_BATCH = 500  # rows


def commit(entry: Entry, values: Mapping[str, Any]) -> list[bytes]:
    """Let a new entry commit to the values of its sides; Missing, or one not given, is no value.

    Returns salt and JSON text of each, in the order of SIDES, for `item`.
    """
    salted = []
    for side in SIDES:
        value = values.get(side, Missing.NOT_KEPT)
        if not isinstance(value, Missing):
            salted.append(encryption.salt() + json_text(value).encode())
            setattr(entry, f"{side}_commitment", sha256(salted[-1]).hexdigest())
    return salted


def item(entry: Entry, salted: Sequence[bytes]) -> VaultItem:
    """The row of what a numbered entry committed to."""
    encrypted = encryption.encrypt_values(entry.seq, entry.field, salted)
    return VaultItem(entry=entry, key_id=encryption.current(), encrypted=encrypted)


def opened(
    seq: int, field: str, commitments: Sequence[str], key_id: str, encrypted: bytes
) -> Mapping[str, bytes]:
    """side -> salt and JSON text of a row. commitments: of the entry. Raises UnreadableError."""
    sides = [side for side, one in zip(SIDES, commitments, strict=True) if one]
    texts = encryption.decrypt_values(key_id, encrypted, seq, field, len(sides))
    return dict(zip(sides, texts, strict=True))


def fault(
    seq: int, field: str, commitments: Sequence[str], key_id: str, encrypted: bytes
) -> str | None:
    """What does not hold between a row and the commitments of its entry."""
    committed = [one for one in commitments if one]
    try:
        texts = encryption.decrypt_values(key_id, encrypted, seq, field, len(committed))
    except encryption.UnknownKeyError:
        return f"its values are encrypted with key {key_id}, which is not given"
    except encryption.UnreadableError:
        return "its values in the vault do not open"
    for text, commitment in zip(texts, committed, strict=True):
        if sha256(text).hexdigest() != commitment:
            return "its values in the vault are not what it committed to"
    return None


def rewrap(progress: Callable[[int], None] = lambda done: None) -> int:
    """Encrypt under the current key what a former one encrypted; how many rows that were.

    Once through all rows, beside the workers, who get their turn between two batches. What does
    not open, what somebody is deleting just now, and what is written meanwhile under a former key,
    is left behind. progress: told how many are done, now and then.
    """
    done = 0
    newest = VaultItem.objects.order_by("-pk").values_list("pk", flat=True).first()
    items = VaultItem.objects.filter(pk__lte=newest or 0).select_related("entry")
    for former in (items, JournalLine.objects.all()):
        for renewed in _batches(former.exclude(key_id=encryption.current())):
            done += renewed
            progress(done)
    return done


def _batches(former: QuerySet[Any]) -> Iterator[int]:
    """Renew the rows in the order of their keys; yields how many a batch renewed.

    A row that somebody has locked is left out: who waits for nobody is in no deadlock.
    """
    left = former.order_by("pk").select_for_update(of=("self",), skip_locked=True)
    while True:
        renewed = 0
        with statements.batch():
            batch: list[VaultItem | JournalLine] = list(left[:_BATCH])
            for row in batch:
                with suppress(encryption.UnreadableError):
                    _renew(row)
                    renewed += 1
        if not batch:
            return
        left = left.filter(pk__gt=batch[-1].pk)
        yield renewed


def _renew(row: VaultItem | JournalLine) -> None:
    place = row.place()
    row.encrypted = encryption.encrypt(encryption.decrypt(row.key_id, row.encrypted, place), place)
    row.key_id = encryption.current()
    statements.update(row, "key_id", "encrypted")


def left_behind() -> int:
    """How many rows a former key encrypted."""
    models = VaultItem, JournalLine
    former = (model.objects.exclude(key_id=encryption.current()) for model in models)
    return sum(found.count() for found in former)
