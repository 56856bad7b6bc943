"""Ageing: values, access events and entries leave when they are older than their months.

`manage.py audit_expire` verifies the log just before, so that its times can be believed. The log is
whole after each batch, so a run may be ended at any moment and begun again.
"""

import calendar
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.db import transaction
from django.db.models import Max, QuerySet

from customers.access import OPERATOR
from customers.audit import chain, entries, erasure, statements
from customers.audit.actions import Action
from customers.audit.entries import FieldOutcome
from customers.audit.models import AccessEvent, Change, ChangedField, Entry, Head, VaultItem
from customers.services.record import act_of

_BATCH = 1_000  # entries


@dataclass(frozen=True)
class Old:
    """The rows of one part of the log that are older than `before`. up_to: the newest's number."""

    part: str
    before: datetime
    up_to: int
    count: int
    rows: QuerySet[Any]


def doubt(now: datetime) -> str:
    """Why this machine's clock may be wrong, as a sentence; "" if nothing speaks against it.

    A clock that runs ahead would erase young values.
    """
    head = Head.objects.filter(seq__gt=0).first()
    if head is None or head.recorded_at >= now - timedelta(days=32):
        return chain.ahead_of_now(head)
    return f"The newest entry is of {head.recorded_at:%d %B %Y}, more than 32 days ago."


def find_old(now: datetime) -> list[Old]:
    """The rows older than AUDIT_VALUE_MONTHS, ACCESS_MONTHS and AUDIT_ENTRY_MONTHS, in the order to
    erase it, by the times in the database. A change with a younger entry stays whole.
    """
    before = now - timedelta(microseconds=1)
    value = _months_before(before, settings.AUDIT_VALUE_MONTHS)
    access = _months_before(before, settings.ACCESS_MONTHS)
    entry = _months_before(before, settings.AUDIT_ENTRY_MONTHS)
    events = AccessEvent.objects.filter(recorded_at__lte=access).order_by("-pk")
    newest_event = events.values_list("pk", flat=True).first() or 0
    newest_value = chain.newest_at(value)
    newest_entry = max(_ends_of_changes(chain.newest_at(entry)), default=0)
    values = VaultItem.objects.filter(pk__lte=newest_value)
    entries = Entry.objects.filter(seq__lte=newest_entry)
    return [
        Old(erasure.VALUES, value, newest_value, values.count(), values),
        Old(erasure.ACCESS, access, newest_event, events.count(), events),
        # Last, as entries need a right that the workers' role does not have.
        Old(erasure.ENTRIES, entry, newest_entry, entries.count(), entries),
    ]


def _months_before(now: datetime, months: int) -> datetime:
    """The same day so many months ago, or the last one of a shorter month."""
    year, month = divmod(now.year * 12 + now.month - 1 - months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return now.replace(year=year, month=month + 1, day=min(now.day, last))


def erase(old: Old, reason: str, progress: Callable[[int], None]) -> None:
    """Delete rows that are too old: values and access events after an entry of this, entries in
    batches behind an anchor, oldest first. reason: why although the log is not whole, else "".
    progress: called with the number of rows deleted so far.
    """
    if old.part == erasure.ENTRIES:
        count = 0
        while batch := _next_batch(old.up_to):
            count += _remove(*batch, reason)
            progress(count)
        return
    with transaction.atomic():
        head = chain.lock()
        if erasure.expired(old.part) < old.up_to:
            _append(head, Action.EXPIRED, erasure.erasure_entry(old.part, old.up_to), reason)
    erasure.delete(old.rows, progress)


def _next_batch(up_to: int) -> tuple[int, int] | None:
    """The numbers of the oldest entry and of the last one that may leave with it; None: no more.

    No change is cut in two: changes that overlap leave together.
    """
    first, last = chain.oldest(), 0
    for end in _ends_of_changes(up_to):
        if last and end >= first + _BATCH:
            break
        last = end
    return (first, last) if last else None


def _remove(first: int, last: int, reason: str) -> int:
    """Remove these entries; returns how many.

    Removes none if another run removed them, or if one of their changes got an entry meanwhile.
    """
    with statements.batch():
        head = chain.lock()
        changes = Entry.objects.filter(seq__lte=last).order_by().values("change_id")
        later = Entry.objects.filter(seq__gt=last, change_id__in=changes)
        if chain.oldest() != first or later.exists():
            return 0
        digest = Entry.objects.values_list("digest", flat=True).get(seq=last)
        _append(head, Action.ANCHOR, erasure.anchor(last, bytes(digest)), reason)
        VaultItem.objects.filter(pk__lte=last).delete()
        for projection in (Change, ChangedField):
            projection._default_manager.filter(seq__lte=last).delete()
        return Entry.objects.filter(seq__lte=last).delete()[0]


def _append(head: Head, action: Action, finding: FieldOutcome, reason: str) -> None:
    act = act_of(action, OPERATOR, reason)
    entries.append(uuid4(), act, [finding], head=head)


def _ends_of_changes(up_to: int) -> Iterator[int]:
    """The numbers up to that one after which no change would be cut in two, oldest first."""
    oldest = Entry.objects.filter(seq__lte=up_to).order_by("seq").values_list("seq", "change_id")
    last = Entry.objects.order_by().values_list("change_id").annotate(last=Max("seq"))
    ends: dict[object, int] = {}  # change -> its last entry
    reach = after = 0
    while batch := list(oldest.filter(seq__gt=after)[:_BATCH]):
        ends.update(last.filter(change_id__in={change for _, change in batch} - ends.keys()))
        for seq, change in batch:
            reach = max(reach, ends[change])
            if reach == seq:
                yield seq
        after = batch[-1][0]
