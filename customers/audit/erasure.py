"""Taking values out of the vault, and what the log says was taken out.

An entry with action "forgotten" or "expired" says up to which number the values of a customer, or
of all, are erased: {"up_to": N} in its detail, and where others went with them {"also": [N...]}.
"""

import json
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any
from uuid import UUID

from django.db import DatabaseError, connection
from django.db.backends.utils import CursorWrapper
from django.db.models import Q, QuerySet

from customers.audit import chain, statements
from customers.audit.entries import FieldOutcome
from customers.audit.models import (
    AccessEvent,
    Action,
    Entry,
    Evidence,
    Outcome,
    VaultItem,
    facts,
    number_in,
)

VALUES, ENTRIES, LOOKS = "values", "entries", "looks"  # what stands in the field of such an entry
_BATCH = 1_000  # rows
_TRIES, _PAUSE = 5, 0.2  # s

logger = logging.getLogger(__name__)


def erasure_entry(part: str, up_to: int, also: Sequence[int] = ()) -> FieldOutcome:
    """The finding of an entry that says that this part of the log is erased up to a number.

    also: further numbers.
    """
    detail = json.dumps({"up_to": up_to} | ({"also": list(also)} if also else {}))
    return FieldOutcome(part, None, None, Outcome.APPLIED, Evidence.NOTHING, detail=detail)


def anchor(seq: int, digest: bytes) -> FieldOutcome:
    """The finding of an entry that lets the entries up to that one leave; digest: that one's."""
    detail = json.dumps({"digest": digest.hex(), "seq": seq})
    return FieldOutcome(ENTRIES, None, None, Outcome.APPLIED, Evidence.NOTHING, detail=detail)


def values_of(customer_id: str, up_to: int) -> QuerySet[VaultItem]:
    """What entries up to that number hold of a customer.

    What a change held before it had the customer's number is theirs too; why somebody was forgotten
    is not.
    """
    changes = Entry.objects.filter(customer_id=customer_id, seq__lte=up_to).order_by()
    theirs = Entry.objects.filter(change_id__in=changes.values("change_id"), seq__lte=up_to)
    theirs = theirs.exclude(action=Action.FORGOTTEN).order_by()
    return VaultItem.objects.filter(pk__in=theirs.values("seq"))


def of_no_customer(change_id: UUID | str) -> QuerySet[VaultItem]:
    """What a create held before Club Med refused it, or it turned out that it never got there.

    Such a finding keeps no value, as it made no customer, and what stood before it goes with it.
    """
    before = Entry.objects.filter(change_id=change_id, seq__lt=_no_customer_at(change_id))
    return VaultItem.objects.filter(pk__in=before.values("seq"))


def _no_customer_at(change_id: UUID | str) -> int:
    """The number of the last finding that a create made no customer, 0 if there is none."""
    findings = Entry.objects.filter(
        change_id=change_id,
        action=Action.CREATE,
        outcome__in=(Outcome.REFUSED, Outcome.NOT_APPLIED),
        new_commitment="",
    )
    return findings.order_by("-seq").values_list("seq", flat=True).first() or 0


def values_since(customer_id: str, up_to: int, changes: Iterable[UUID]) -> QuerySet[VaultItem]:
    """What entries after that number hold of a customer's changes from before it, and of those
    changes: what was found out late.
    """
    known = Entry.objects.filter(customer_id=customer_id, seq__lte=up_to).order_by()
    theirs = Q(change_id__in=known.values("change_id")) | Q(change_id__in=changes)
    found = Entry.objects.filter(theirs).exclude(action=Action.FORGOTTEN).order_by()
    return VaultItem.objects.filter(pk__in=found.values("seq"))


def expire(
    model: type[VaultItem] | type[AccessEvent],
    up_to: int,
    progress: Callable[[int], None] = lambda done: None,
) -> None:
    """Delete the rows up to that number, batch by batch, beside the workers.

    Under the head's lock, as whoever else deletes: two who delete the same rows in another order
    would wait for each other. progress: told how many are done. May be ended at any moment and
    begun again.
    """
    done = 0
    oldest = model.objects.filter(pk__lte=up_to).order_by("pk").values_list("pk", flat=True)
    while batch := list(oldest[:_BATCH]):
        with statements.batch():
            chain.lock()
            done += model.objects.filter(pk__in=batch).delete()[0]
        progress(done)


def scrub() -> None:
    """Let nothing of what was erased stand in SQLite's write-ahead log, as far as readers allow.

    Its pages are overwritten (secure_delete). PostgreSQL overwrites its own when it vacuums.
    """
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        return
    try:
        scrubbed = _scrubbed()
    except DatabaseError:  # a full disk: what was erased is so all the same
        scrubbed = False
    if not scrubbed:
        logger.warning("SQLite's write-ahead log is in use: what was erased is in it yet")


def _scrubbed() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout")
        [patience] = cursor.fetchone()
        cursor.execute("PRAGMA busy_timeout = 0")  # while it waited, nobody could write
        try:
            return any(_truncated(cursor) for _ in range(_TRIES))
        finally:
            cursor.execute(f"PRAGMA busy_timeout = {patience}")


def _truncated(cursor: CursorWrapper) -> bool:
    cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    busy, *_ = cursor.fetchone()
    if busy:
        time.sleep(_PAUSE)
    return not busy


def expired(part: str) -> int:
    """Up to which number all of that part is said to be erased."""
    expiries = Entry.objects.filter(action=Action.EXPIRED, field=part).order_by("-seq")
    return number_in(expiries.values_list("detail", flat=True).first(), "up_to") or 0


class Erased:
    """What the log says was erased, as of when it was read last."""

    def __init__(self) -> None:
        self._expired = 0
        self._forgotten: dict[str, int] = {}
        self._also: set[int] = set()
        self.read()

    def read(self) -> None:
        """What is said once is said for good, so it only grows."""
        acts = Entry.objects.filter(action__in=(Action.FORGOTTEN, Action.EXPIRED), field=VALUES)
        for action, customer_id, detail in acts.order_by().values_list(
            "action", "customer_id", "detail"
        ):
            up_to = number_in(detail, "up_to") or 0
            if action == Action.EXPIRED:
                self._expired = max(up_to, self._expired)
            else:
                self._forgotten[customer_id] = max(up_to, self._forgotten.get(customer_id, 0))
                self._also.update(_numbers(facts(detail).get("also")))

    def is_forgotten(self, seq: int, change_id: UUID | str, customer_id: str) -> bool:
        """Was this entry's customer forgotten after it?"""
        if seq <= self._forgotten.get(customer_id, 0) or seq in self._also:
            return True
        # A create may have had no number at first; what got it only after its customer was
        # forgotten was not erased with them.
        return not customer_id and self._is_of_forgotten(seq, change_id)

    def is_expired(self, seq: int) -> bool:
        return seq <= self._expired

    def covers(self, seq: int, change_id: UUID | str, customer_id: str) -> bool:
        """May its values be missing: were they of no customer, or of one who was forgotten?"""
        return (
            self.is_forgotten(seq, change_id, customer_id)
            or seq < _no_customer_at(change_id)
            or self._is_of_forgotten(seq, change_id)  # it may have had another's number by mistake
        )

    def _is_of_forgotten(self, seq: int, change_id: UUID | str) -> bool:
        change = Entry.objects.filter(change_id=change_id).order_by()
        return any(
            max(seq, named) <= self._forgotten.get(number, 0)
            for named, number in change.values_list("seq", "customer_id")
        )


def _numbers(said: Any) -> Iterable[int]:
    return (number for number in said if type(number) is int) if isinstance(said, list) else ()
