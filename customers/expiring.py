"""Ageing: values, entries and looks leave when they are older than their months.

In small batches, each in a transaction of its own; the log verifies after every one, so a run may
be ended anywhere, and the next goes on.
"""

import calendar
from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from django.conf import settings
from django.db import transaction
from django.db.models import Max, Min, OuterRef, Subquery

from customers import services
from customers.access import OPERATOR
from customers.audit import access_events, chain, entries, erasure, rows
from customers.audit.entries import Finding
from customers.models import AccessEvent, Action, Change, Entry, Head, VaultItem

Progress = Callable[[int], None]
_BATCH = 1_000  # entries


@dataclass(frozen=True)
class Due:
    """What is too old: up to which entry or look, and how many hold something still.

    uncounted: old looks that no entry counted yet; they stay until `audit_seal` has.
    """

    values_before: datetime
    values_up_to: int
    values: int
    entries_before: datetime
    entries_up_to: int
    entries: int
    looks_before: datetime
    looks_up_to: int
    looks: int
    uncounted: int


def due(now: datetime) -> Due:
    """What would go now. Raises Entry.DoesNotExist where the log is not whole."""
    values_before = months_before(now, settings.AUDIT_VALUE_MONTHS)
    entries_before = months_before(now, settings.AUDIT_ENTRY_MONTHS)
    looks_before = months_before(now, settings.ACCESS_MONTHS)
    values_up_to = _newest_before(values_before)
    entries_up_to = max(_ends_of_changes(1, _newest_before(entries_before)), default=0)
    looks_up_to = _counted_before(looks_before, now)
    counted = access_events.folded()
    uncounted = AccessEvent.objects.filter(recorded_at__lt=looks_before, pk__gt=counted)
    return Due(
        values_before,
        values_up_to,
        VaultItem.objects.filter(pk__lte=values_up_to).count(),
        entries_before,
        entries_up_to,
        Entry.objects.filter(seq__lte=entries_up_to).count(),
        looks_before,
        looks_up_to,
        AccessEvent.objects.filter(pk__lte=looks_up_to).count(),
        uncounted.count(),
    )


def months_before(now: datetime, months: int) -> datetime:
    """The same day so many months ago, or the last one of a shorter month."""
    year, month = divmod(now.year * 12 + now.month - 1 - months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return now.replace(year=year, month=month + 1, day=min(now.day, last))


def erase_values(up_to: int, progress: Progress) -> None:
    """Take the values of the entries up to that number out of the vault."""
    _say(erasure.VALUES, up_to)
    erasure.expire(VaultItem, up_to, progress)
    erasure.scrub()


def erase_looks(up_to: int, progress: Progress) -> None:
    """Take the looks up to that number away."""
    _say(erasure.LOOKS, up_to)
    erasure.expire(AccessEvent, up_to, progress)
    erasure.scrub()


def remove_entries(up_to: int, progress: Progress) -> None:
    """Take the entries up to that number out of the log, each batch behind an anchor of its own."""
    done = 0
    while removed := _remove_batch(up_to):
        done += removed
        progress(done)
    erasure.scrub()


def _remove_batch(up_to: int) -> int:
    """Remove the oldest entries, none above that number; how many they were.

    Which, is found under the lock: an old change may just have got its answer, and another run may
    be at work.
    """
    with rows.batch():
        head = chain.lock()
        first, last = _oldest(), 0
        for end in _ends_of_changes(first, up_to):
            if last and end >= first + _BATCH:  # longer only if a change is
                break
            last = end
        if not last:
            return 0
        digest = Entry.objects.values_list("digest", flat=True).get(seq=last)
        _append(head, Action.ANCHOR, erasure.anchor(last, bytes(digest)))
        VaultItem.objects.filter(pk__lte=last).delete()
        Change.objects.filter(seq__lte=last).delete()
        return Entry.objects.filter(seq__lte=last).delete()[0]


def _say(part: str, up_to: int) -> None:
    """Append that this is erased, before it is: nothing is ever missing without an entry."""
    with transaction.atomic():
        head = chain.lock()
        if erasure.expired(part) < up_to:
            _append(head, Action.EXPIRED, erasure.said(part, up_to))


def _append(head: Head, action: Action, finding: Finding) -> None:
    act = services.act_of(action, "", "", OPERATOR, "", "")
    entries.append(uuid4(), act, [finding], head=head)


def _oldest() -> int:
    """The number of the oldest entry, 1 in an empty log."""
    return Entry.objects.aggregate(oldest=Min("seq"))["oldest"] or 1


def _newest_before(time: datetime) -> int:
    """The number of the newest entry of before that time: the log's clock never runs backwards."""
    first, last = _oldest(), chain.position()
    return first - 1 + bisect_left(range(first, last + 1), time, key=_recorded_at)


def _recorded_at(seq: int) -> datetime:
    return Entry.objects.values_list("recorded_at", flat=True).get(seq=seq)


def _ends_of_changes(first: int, up_to: int) -> Iterator[int]:
    """The numbers in that range that no change stands on both sides of, in one pass.

    first: the oldest entry's, or a lower one.
    """
    theirs = Entry.objects.filter(change_id=OuterRef("change_id")).order_by()
    last = Subquery(theirs.values("change_id").annotate(last=Max("seq")).values("last"))
    oldest = Entry.objects.filter(seq__range=(first, up_to)).order_by("seq")
    reach = 0
    for seq, end in oldest.values_list("seq", last).iterator():
        reach = max(reach, end)
        if reach == seq:
            yield seq


def _counted_before(time: datetime, now: datetime) -> int:
    """The last look of the newest count that has no younger one in it.

    What was recorded in a far future is not young, but wrong: it must not hold the others up.
    """
    young = AccessEvent.objects.filter(recorded_at__range=(time, now)).order_by("pk")
    first = young.values_list("pk", flat=True).first()
    return access_events.folded() if first is None else access_events.folded_before(first)
