"""Deleting values from the vault, and the entries that record it.

An entry "forgotten" says that the values of a customer are erased, "expired" those of everybody: in
the entries up to N, {"up_to": N} in its detail, and in further ones, {"also": [N...]}.
"""

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, TypeVar
from uuid import UUID

from django.db.models import Model, Q, QuerySet

from customers.audit import chain, statements
from customers.audit.actions import STAY_WHEN_FORGOTTEN, Action, Evidence, Outcome
from customers.audit.entries import FieldOutcome
from customers.audit.models import Entry, VaultItem, facts, number_in

VALUES, ENTRIES, ACCESS = "values", "entries", "access"  # the field of such an entry
_BATCH = 1_000  # rows
_Row = TypeVar("_Row", bound=Model)


def erasure_entry(part: str, up_to: int, also: Iterable[int] = ()) -> FieldOutcome:
    """The outcome in an entry of an erasure: this part of the log is erased up to a number.

    part: VALUES or ACCESS. also: the numbers of further entries whose values are erased.
    """
    further = {"also": numbers} if (numbers := list(also)) else {}
    return _outcome(part, {"up_to": up_to} | further)


def anchor(seq: int, digest: bytes) -> FieldOutcome:
    """The outcome in an anchor: the entries up to `seq` may leave. digest: of that entry."""
    return _outcome(ENTRIES, {"digest": digest.hex(), "seq": seq})


def _outcome(part: str, detail: Mapping[str, Any]) -> FieldOutcome:
    text = json.dumps(detail)
    return FieldOutcome(part, None, None, Outcome.APPLIED, Evidence.NOTHING, detail=text)


def values_of(customer_id: str, up_to: int, changes: Collection[UUID] = ()) -> QuerySet[VaultItem]:
    """All values of each change that had the customer's number in an entry up to that one, and of
    the given changes; not the reason why somebody was forgotten.
    """
    entries = Entry.objects.filter(customer_id=customer_id, seq__lte=up_to).order_by()
    filters = Q(change_id__in=entries.values("change_id")) | Q(change_id__in=changes)
    return _values_in(Entry.objects.filter(filters))


def values_of_no_customer(change_id: UUID | str) -> QuerySet[VaultItem]:
    """The values of a create from before a finding that it made no customer."""
    return _values_in(Entry.objects.filter(change_id=change_id, seq__lt=_no_customer_at(change_id)))


def _values_in(entries: QuerySet[Entry]) -> QuerySet[VaultItem]:
    numbers = entries.exclude(action__in=STAY_WHEN_FORGOTTEN).order_by()
    return VaultItem.objects.filter(pk__in=numbers.values("seq"))


def _no_customer_at(change_id: UUID | str) -> int:
    """The number of the last entry that says that a create made no customer, 0 if there is none."""
    findings = Entry.objects.filter(
        change_id=change_id,
        action=Action.CREATE,
        outcome__in=(Outcome.REFUSED, Outcome.NOT_APPLIED),
        new_commitment="",
    )
    return findings.order_by("-seq").values_list("seq", flat=True).first() or 0


def delete(rows: QuerySet[_Row], progress: Callable[[int], None] = lambda count: None) -> None:
    """Delete the rows in batches beside the workers. May be ended and begun again.

    Each batch holds the head's lock, so that no two deletions wait for each other. progress: called
    with the number of rows deleted so far.
    """
    count = 0
    oldest = rows.order_by("pk").values_list("pk", flat=True)
    while batch := list(oldest[:_BATCH]):
        with statements.batch():
            chain.lock()
            count += rows.model._default_manager.filter(pk__in=batch).delete()[0]
        progress(count)


def expired(part: str) -> int:
    """Up to which number that part is erased by age, as the newest such entry says; 0 if none."""
    expiries = Entry.objects.filter(action=Action.EXPIRED, field=part).order_by("-seq")
    return number_in(expiries.values_list("detail", flat=True).first(), "up_to") or 0


class Erasures:
    """The erasures in the log, as of the last `read`."""

    def __init__(self) -> None:
        self._expired = 0
        self._forgotten: dict[str, int] = {}  # customer -> up to which entry
        self._also: set[int] = set()
        self.read()

    def read(self) -> None:
        acts = Entry.objects.filter(action__in=(Action.FORGOTTEN, Action.EXPIRED), field=VALUES)
        for action, customer_id, detail in acts.order_by().values_list(
            "action", "customer_id", "detail"
        ):
            up_to = number_in(detail, "up_to") or 0
            if action == Action.EXPIRED:
                self._expired = max(up_to, self._expired)
                continue
            self._forgotten[customer_id] = max(up_to, self._forgotten.get(customer_id, 0))
            if isinstance(also := facts(detail).get("also"), list):
                self._also.update(number for number in also if type(number) is int)

    def is_forgotten(self, seq: int, customer_id: str) -> bool:
        """Was this entry's customer forgotten after it?"""
        return seq <= self._forgotten.get(customer_id, 0) or seq in self._also

    def names(self, seq: int, change_id: str, customer_id: str, action: str) -> bool:
        """Does the log say that the values of this entry are erased?"""
        if seq <= self._expired or action in STAY_WHEN_FORGOTTEN:
            return seq <= self._expired
        return self.is_forgotten(seq, customer_id) or seq < _no_customer_at(change_id)
