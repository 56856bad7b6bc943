"""The vault: what the commitments of entries stand for, encrypted in a table of its own.

An entry keeps its commitments for ever; its values leave the vault when their customer is forgotten
or they are too old. docs/audit.md, section 9, gives the bytes.
"""

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from django.db.models import QuerySet

from customers.audit import encryption, signing, statements
from customers.audit.models import (
    SALT,
    SIDES,
    Entry,
    JournalLine,
    Missing,
    VaultItem,
    bound_to,
    json_text,
)

_BATCH = 500  # rows


def commit(entry: Entry, values: Mapping[str, Any]) -> dict[str, bytes]:
    """Let a new entry commit to the values of its sides; what is Missing or not given is no value.

    Returns side -> salt and text, for `items`.
    """
    salted = {
        side: secrets.token_bytes(SALT) + json_text(value).encode()
        for side, value in values.items()
        if not isinstance(value, Missing)
    }
    for side, text in salted.items():
        setattr(entry, f"{side}_commitment", signing.commitment(text))
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
                salted = encryption.decrypt(key_id, encrypted, bound_to(seq, field, side))
            except encryption.UnknownKeyError:
                yield f"its values are encrypted with key {key_id}, which is not given"
                return
            except encryption.UnreadableError:
                yield f"its {name} in the vault does not open"
                continue
            if signing.commitment(salted) != commitment:
                yield f"its {name} in the vault is not what it committed to"


def opened(seq: int, field: str, held: Sequence[Any]) -> dict[str, bytes]:
    """side -> salt and text, of a row as `chain.hashed_rows` gives it; {} where there is none.

    Raises UnreadableError.
    """
    key_id, *sides = held
    return {
        side: encryption.decrypt(key_id, encrypted, bound_to(seq, field, side))
        for side, encrypted in zip(SIDES, sides, strict=True)
        if encrypted
    }


def rewrap(progress: Callable[[int], None] = lambda done: None) -> int:
    """Encrypt under the current key what a former one encrypted; how many rows that were.

    Once through all that is there, beside the workers, who get their turn between two batches.
    What does not open, what somebody is deleting just now, and what is written meanwhile under a
    former key, is left behind. progress: told how many are done, now and then.
    """
    done = 0
    newest = VaultItem.objects.order_by("-pk").values_list("pk", flat=True).first()
    for former, renew in (
        (VaultItem.objects.filter(pk__lte=newest or 0).select_related("entry"), _renew_item),
        (JournalLine.objects.all(), _renew_line),
    ):
        for renewed in _batches(former.exclude(key_id=encryption.current()), renew):
            done += renewed
            progress(done)
    return done


def _batches(former: QuerySet[Any], renew: Callable[[Any], None]) -> Iterator[int]:
    """Renew the rows in the order of their keys; yields how many a batch renewed.

    A row that somebody holds is passed over: who waits for nobody is in no deadlock.
    """
    left = former.order_by("pk").select_for_update(of=("self",), skip_locked=True)
    while True:
        renewed = 0
        with statements.batch():
            batch = list(left[:_BATCH])
            for row in batch:
                with suppress(encryption.UnreadableError):
                    renew(row)
                    renewed += 1
        if not batch:
            return
        left = left.filter(pk__gt=batch[-1].pk)
        yield renewed


def _renew_item(item: VaultItem) -> None:
    texts = {side: item.decrypt(side) for side in SIDES if getattr(item, side)}
    encrypt(item, item.entry.field, texts)
    statements.update(item, "key_id", *SIDES)


def _renew_line(line: JournalLine) -> None:
    text = encryption.decrypt(line.key_id, line.encrypted, line.about())
    line.key_id = encryption.current()
    line.encrypted = encryption.encrypt(text, line.about())
    statements.update(line, "key_id", "encrypted")


def left_behind() -> int:
    """How many rows a former key encrypted."""
    models = VaultItem, JournalLine
    former = (model.objects.exclude(key_id=encryption.current()) for model in models)
    return sum(found.count() for found in former)
