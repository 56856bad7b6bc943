"""Ageing: values, entries and looks leave when they are older than their months.

In small batches, each in a transaction of its own; the log verifies after every one, so a run may
be ended anywhere, and the next goes on.
"""

import calendar
import json
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, Min, OuterRef

from customers import services
from customers.access import OPERATOR
from customers.audit import chain, entries, erasure
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
    entries_up_to = _whole(_newest_before(entries_before))
    looks_up_to = _counted(_newest_before(looks_before))
    uncounted = AccessEvent.objects.filter(recorded_at__lt=looks_before, pk__gt=_counted())
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
    done, up_to = 0, _whole(up_to)
    while (first := _oldest()) <= up_to:
        last, size = 0, _BATCH
        while last < first:  # a change that is longer than a batch
            last, size = _whole(min(first + size - 1, up_to)), size * 2
        with transaction.atomic():
            head = chain.lock()
            digest = Entry.objects.values_list("digest", flat=True).get(seq=last)
            _append(head, Action.ANCHOR, erasure.anchor(last, bytes(digest)))
            VaultItem.objects.filter(pk__lte=last).delete()
            Change.objects.filter(seq__lte=last).delete()
            done += Entry.objects.filter(seq__lte=last).delete()[0]
        progress(done)
    erasure.scrub()


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


def _whole(up_to: int) -> int:
    """The same or a lower number, with no change on both sides of it."""
    while True:
        later = Entry.objects.filter(change_id=OuterRef("change_id"), seq__gt=up_to)
        split = Entry.objects.filter(Exists(later), seq__lte=up_to)
        first = split.aggregate(first=Min("seq"))["first"]
        if first is None:
            return up_to
        up_to = first - 1


def _counted(up_to: int | None = None) -> int:
    """The last look that an entry counted, one up to that number."""
    counts = Entry.objects.filter(action=Action.ACCESS)
    if up_to is not None:
        counts = counts.filter(seq__lte=up_to)
    newest = counts.order_by("-seq").values_list("detail", flat=True).first()
    return int(json.loads(newest)["last"]) if newest else 0
