"""Ageing: values, access events and entries leave when they are older than their months.

The times in the database are believed only because the log was verified just before
(`manage.py audit_expire`). Everything leaves in small batches, each in a transaction of its own:
the log is whole after each of them, so a run may be ended at any moment and begun again.
"""

import calendar
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from django.conf import settings
from django.db import transaction
from django.db.models import Max

from customers.access import OPERATOR
from customers.audit import chain, entries, erasure, statements
from customers.audit.actions import Action
from customers.audit.entries import FieldOutcome
from customers.audit.models import (
    AccessEvent,
    Change,
    ChangedField,
    Entry,
    Head,
    VaultItem,
)
from customers.services.record import act_of

Progress = Callable[[int], None]  # told how many are done

_BATCH = 1_000  # entries
_LONGEST_PAUSE = timedelta(days=32)


@dataclass(frozen=True)
class Old:
    """What is older than `before`: up to which number, and how many rows are still there."""

    before: datetime
    up_to: int
    count: int


def doubt(now: datetime) -> str:
    """Why this machine's clock may be wrong, as a sentence; "" if nothing speaks against it.

    A clock that runs ahead would erase what is young.
    """
    head = Head.objects.filter(seq__gt=0).first()
    if head is None or head.recorded_at >= now - _LONGEST_PAUSE:
        return chain.ahead_of_now(head)
    return f"The newest entry is of {head.recorded_at:%d %B %Y}, more than 32 days ago."


def old_values(now: datetime) -> Old:
    """The values older than AUDIT_VALUE_MONTHS, by the times in the database."""
    before = _months_before(now, settings.AUDIT_VALUE_MONTHS)
    up_to = _newest_before(before)
    return Old(before, up_to, VaultItem.objects.filter(pk__lte=up_to).count())


def old_access_events(now: datetime) -> Old:
    """The access events older than ACCESS_MONTHS."""
    before = _months_before(now, settings.ACCESS_MONTHS)
    events = AccessEvent.objects.filter(recorded_at__lt=before).order_by("-pk")
    return Old(before, events.values_list("pk", flat=True).first() or 0, events.count())


def old_entries(now: datetime) -> Old:
    """The entries older than AUDIT_ENTRY_MONTHS, but for changes with a younger entry."""
    before = _months_before(now, settings.AUDIT_ENTRY_MONTHS)
    up_to = max(_ends_of_changes(_newest_before(before)), default=0)
    return Old(before, up_to, Entry.objects.filter(seq__lte=up_to).count())


def _months_before(now: datetime, months: int) -> datetime:
    """The same day so many months ago, or the last one of a shorter month."""
    year, month = divmod(now.year * 12 + now.month - 1 - months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return now.replace(year=year, month=month + 1, day=min(now.day, last))


def erase_values(old: Old, reason: str, progress: Progress) -> None:
    """Delete values that are too old from the vault, after an entry that says so.

    reason: why although the log is not whole, "" if it is.
    """
    _say(erasure.VALUES, old.up_to, reason)
    erasure.delete(VaultItem.objects.filter(pk__lte=old.up_to), progress)


def erase_access_events(old: Old, reason: str, progress: Progress) -> None:
    """Delete access events that are too old, after an entry that says so."""
    _say(erasure.ACCESS, old.up_to, reason)
    erasure.delete(AccessEvent.objects.filter(recorded_at__lt=old.before), progress)


def _say(part: str, up_to: int, reason: str) -> None:
    """Append that this part is erased up to a number, unless an entry says so already."""
    with transaction.atomic():
        head = chain.lock()
        if erasure.expired(part) < up_to:
            _append(head, Action.EXPIRED, erasure.erasure_entry(part, up_to), reason)


def remove_entries(old: Old, reason: str, progress: Progress) -> None:
    """Delete entries that are too old, oldest first, each batch behind an anchor of its own."""
    done = 0
    while batch := _next_batch(old.up_to):
        done += _remove(*batch, reason)
        progress(done)


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

    Returns 0 and removes none if another run removed them, or if one of their changes got a
    further entry meanwhile.
    """
    with statements.batch():
        head = chain.lock()
        theirs = Entry.objects.filter(seq__lte=last).order_by().values("change_id")
        if (
            chain.oldest() != first
            or Entry.objects.filter(seq__gt=last, change_id__in=theirs).exists()
        ):
            return 0
        digest = Entry.objects.values_list("digest", flat=True).get(seq=last)
        _append(head, Action.ANCHOR, erasure.anchor(last, bytes(digest)), reason)
        VaultItem.objects.filter(pk__lte=last).delete()
        for projection in (Change, ChangedField):
            projection._default_manager.filter(seq__lte=last).delete()
        return Entry.objects.filter(seq__lte=last).delete()[0]


def _append(head: Head, action: Action, finding: FieldOutcome, reason: str) -> None:
    act = act_of(action, "", "", OPERATOR, "", reason)
    entries.append(uuid4(), act, [finding], head=head)


def _newest_before(time: datetime) -> int:
    """The number of the newest entry of before that time."""
    return chain.newest_at(time - timedelta(microseconds=1))


def _ends_of_changes(up_to: int) -> Iterator[int]:
    """The numbers up to that one that no change has entries on both sides of, oldest first."""
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
