"""The vault: what the commitments of entries stand for, encrypted in a table of its own.

An entry keeps its commitments for ever; its values leave the vault when their customer is forgotten
or they are too old. docs/audit.md, section 9, gives the bytes.
"""

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from django.db import transaction

from customers import encryption
from customers.audit import digests
from customers.models import (
    SALT,
    SIDES,
    Entry,
    Gone,
    JournalLine,
    VaultItem,
    bound_to,
    json_text,
)

_BATCH = 500  # rows


def commit(entry: Entry, values: Mapping[str, Any]) -> dict[str, bytes]:
    """Let a new entry commit to the values of its sides; what is Gone or not given is no value.

    Returns side -> salt and text, for `items`.
    """
    salted = {
        side: secrets.token_bytes(SALT) + json_text(value).encode()
        for side, value in values.items()
        if not isinstance(value, Gone)
    }
    for side, text in salted.items():
        setattr(entry, f"{side}_commitment", digests.commitment(text))
    return salted


def items(entries: Iterable[Entry], salted: Iterable[Mapping[str, bytes]]) -> Iterator[VaultItem]:
    """The rows that hold what numbered entries committed to; none for those that did not."""
    for entry, texts in zip(entries, salted, strict=True):
        if texts:
            item = VaultItem(entry=entry, key_id=encryption.current())
            encrypt(item, entry.field, texts)
            yield item


def encrypt(item: VaultItem, field: str, texts: Mapping[str, bytes]) -> None:
    """Put the texts of its sides into a row, under the current key."""
    item.key_id = encryption.current()
    for side in SIDES:
        text = texts.get(side)
        about = bound_to(item.pk, field, side)
        setattr(item, side, b"" if text is None else encryption.encrypt(text, about))


def faults(seq: int, field: str, commitments: Sequence[str], held: Sequence[Any]) -> Iterator[str]:
    """What does not hold of a row that is there.

    commitments: of the entry's sides, in their order. held: the row's key id and its sides.
    """
    key_id, *sides = held
    for side, commitment, encrypted in zip(SIDES, commitments, sides, strict=True):
        name = side.replace("_", " ")
        if bool(commitment) != bool(encrypted):
            yield f"its {name} is {'missing' if commitment else 'not committed to'} in the vault"
        elif commitment:
            try:
                salted = encryption.decrypt(key_id, bytes(encrypted), bound_to(seq, field, side))
            except encryption.UnknownKeyError:
                yield f"its values are encrypted with key {key_id}, which is not given"
                return
            except (encryption.UnreadableError, TypeError):
                yield f"its {name} in the vault does not open"
                continue
            if digests.commitment(salted) != commitment:
                yield f"its {name} in the vault is not what it committed to"


def opened(seq: int, field: str, held: Sequence[Any]) -> dict[str, bytes]:
    """side -> salt and text, of a row as `hashed.rows` gives it; {} where there is none.

    Raises UnreadableError.
    """
    key_id, *sides = held
    return {
        side: encryption.decrypt(key_id, bytes(encrypted), bound_to(seq, field, side))
        for side, encrypted in zip(SIDES, sides, strict=True)
        if encrypted
    }


def rewrap(progress: Callable[[int], None] = lambda done: None) -> int:
    """Encrypt under the current key what a former one encrypted; how many rows that were.

    In small batches, beside the workers: a row that is deleted meanwhile stays deleted.
    progress: told how many are done, now and then. Raises UnreadableError, at a row that does not
    open.
    """
    done, reached = 0, 0
    while batch := _rewrap_items(reached):
        done, reached = done + len(batch), batch[-1].pk
        progress(done)
    while lines := _rewrap_lines():
        done += lines
        progress(done)
    return done


def left_behind() -> int:
    """How many rows a former key encrypted."""
    former = [
        model.objects.exclude(key_id=encryption.current()) for model in (VaultItem, JournalLine)
    ]
    return sum(rows.count() for rows in former)


def _rewrap_items(reached: int) -> list[VaultItem]:
    """Those of the first rows beyond that number."""
    former = VaultItem.objects.exclude(key_id=encryption.current()).filter(pk__gt=reached)
    with transaction.atomic():
        # In one order, as whoever deletes takes them: else the two might wait for each other.
        rows = former.select_related("entry").order_by("pk").select_for_update(of=("self",))
        batch = list(rows[:_BATCH])
        for item in batch:
            texts = {side: item.decrypt(side) for side in SIDES if getattr(item, side)}
            encrypt(item, item.entry.field, texts)
        VaultItem.objects.bulk_update(batch, ["key_id", *SIDES])
    return batch


def _rewrap_lines() -> int:
    former = JournalLine.objects.exclude(key_id=encryption.current())
    with transaction.atomic():
        batch = list(former.select_for_update()[:_BATCH])
        for line in batch:
            text = encryption.decrypt(line.key_id, bytes(line.encrypted), line.about())
            line.key_id = encryption.current()
            line.encrypted = encryption.encrypt(text, line.about())
        JournalLine.objects.bulk_update(batch, ["key_id", "encrypted"])
    return len(batch)
