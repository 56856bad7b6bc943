"""Ageing: values, entries and looks leave when they are older than their months.

Times are believed of a log that was verified just before, and again of what leaves at the moment it
does: else whoever writes to the database could have it erased under our signature. In small
batches, each in a transaction of its own; the log verifies after every one, so a run may be ended
anywhere, and the next goes on.
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
from customers.audit import access_events, chain, entries, erasure, statements, verify
from customers.audit.entries import FieldOutcome
from customers.audit.models import (
    AccessEvent,
    Action,
    Change,
    Entry,
    Head,
    JournalLine,
    VaultItem,
    moment,
)
from customers.audit.verify import AlteredError, Report
from customers.services.record import act_of

_BATCH = 1_000  # entries


@dataclass(frozen=True)
class Due:
    """What is too old: up to which entry or look, and how many hold something still.

    uncounted: old looks that no entry counted yet; they stay until `audit_seal` has. open: changes
    on their way that are as old as values may be; they stay until it is known what came of them.
    """

    now: datetime
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
    open: int


@dataclass(frozen=True)
class Ground:
    """What something is erased on: a report that found no fault, or a reason to do so although the
    log is not whole. Then nothing is compared with it.
    """

    report: Report
    reason: str = ""


Progress = Callable[[int], None]


def what_is_due(now: datetime) -> Due:
    """What would go now, as the database says: nothing of it is verified."""
    values_before = months_before(now, settings.AUDIT_VALUE_MONTHS)
    entries_before = months_before(now, settings.AUDIT_ENTRY_MONTHS)
    looks_before = months_before(now, settings.ACCESS_MONTHS)
    values_up_to = _newest_before(values_before)
    entries_up_to = max(_ends_of_changes(_newest_before(entries_before)), default=0)
    looks_up_to = _counted_before(looks_before, now)
    counted = access_events.folded_before(None)
    uncounted = AccessEvent.objects.filter(recorded_at__lt=looks_before, pk__gt=counted)
    return Due(
        now=now,
        values_before=values_before,
        values_up_to=values_up_to,
        values=VaultItem.objects.filter(pk__lte=values_up_to).count(),
        entries_before=entries_before,
        entries_up_to=entries_up_to,
        entries=Entry.objects.filter(seq__lte=entries_up_to).count(),
        looks_before=looks_before,
        looks_up_to=looks_up_to,
        looks=AccessEvent.objects.filter(pk__lte=looks_up_to).count(),
        uncounted=uncounted.count(),
        open=JournalLine.objects.filter(sent_at__lt=values_before).count(),
    )


def months_before(now: datetime, months: int) -> datetime:
    """The same day so many months ago, or the last one of a shorter month."""
    year, month = divmod(now.year * 12 + now.month - 1 - months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return now.replace(year=year, month=month + 1, day=min(now.day, last))


def erase_values(due: Due, ground: Ground, progress: Progress) -> None:
    """Take the values that are too old out of the vault. Raises AlteredError, as do the others."""
    with transaction.atomic():
        head = chain.lock()
        if erasure.expired(erasure.VALUES) < due.values_up_to:
            _check(ground, due.values_up_to, due.values_before, since=due.values_up_to)
            _append(
                head,
                Action.EXPIRED,
                erasure.erasure_entry(erasure.VALUES, due.values_up_to),
                ground,
            )
    erasure.expire(VaultItem, due.values_up_to, progress)


def erase_looks(due: Due, ground: Ground, progress: Progress) -> None:
    """Take the looks that are too old away."""
    after = erasure.expired(erasure.LOOKS)
    if after < due.looks_up_to:
        if not ground.reason:
            try:
                access_events.check_age(
                    ground.report.counts,
                    due.looks_up_to,
                    after=after,
                    since=due.looks_before,
                    now=due.now,
                )
            except access_events.AlteredCountError:
                raise AlteredError from None
        with transaction.atomic():
            head = chain.lock()
            if erasure.expired(erasure.LOOKS) < due.looks_up_to:  # else another run said so
                _append(
                    head,
                    Action.EXPIRED,
                    erasure.erasure_entry(erasure.LOOKS, due.looks_up_to),
                    ground,
                )
    erasure.expire(AccessEvent, due.looks_up_to, progress)


def remove_entries(due: Due, ground: Ground, progress: Progress) -> None:
    """Take the entries that are too old out of the log, each batch behind an anchor of its own."""
    done = 0
    while batch := _next_batch(due.entries_up_to):
        done += _remove(*batch, due, ground)
        progress(done)


def _next_batch(up_to: int) -> tuple[int, int] | None:
    """The numbers of the oldest entry, and of the last one that may leave with it; None: no more.

    Of a long chain of changes that overlap all leave together.
    """
    first, last = chain.oldest(), 0
    for end in _ends_of_changes(up_to):
        if last and end >= first + _BATCH:
            break
        last = end
    return (first, last) if last else None


def _remove(first: int, last: int, due: Due, ground: Ground) -> int:
    """Remove these entries; returns how many. 0, and none, if they are no longer the oldest, or no
    longer end where changes do: another run was at work, or an old change just got its answer.
    """
    with statements.batch():
        head = chain.lock()
        theirs = Entry.objects.filter(seq__lte=last).order_by().values("change_id")
        if (
            chain.oldest() != first
            or Entry.objects.filter(seq__gt=last, change_id__in=theirs).exists()
        ):
            return 0
        _check(ground, last, due.entries_before, since=first)
        digest = Entry.objects.values_list("digest", flat=True).get(seq=last)
        _append(head, Action.ANCHOR, erasure.anchor(last, bytes(digest)), ground)
        VaultItem.objects.filter(pk__lte=last).delete()
        Change.objects.filter(seq__lte=last).delete()
        return Entry.objects.filter(seq__lte=last).delete()[0]


def _check(ground: Ground, seq: int, before: datetime, *, since: int) -> None:
    """Is that entry as old as it has to be, as was verified, and what stands since that number?"""
    if ground.reason:
        return
    if verify.recorded_at(ground.report, seq, since=since) >= moment(before):
        raise AlteredError


def _append(head: Head, action: Action, finding: FieldOutcome, ground: Ground) -> None:
    act = act_of(action, "", "", OPERATOR, "", ground.reason)
    entries.append(uuid4(), act, [finding], head=head)


def _newest_before(time: datetime) -> int:
    """The number of the newest entry of before that time."""
    return chain.newest_at(time - timedelta(microseconds=1))


def _ends_of_changes(up_to: int) -> Iterator[int]:
    """The numbers up to that one that no change stands on both sides of, the oldest first."""
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


def _counted_before(time: datetime, now: datetime) -> int:
    """The last look of the newest count that has no younger one in it.

    What was recorded in a far future is not young, but wrong: it must not hold the others up.
    """
    young = AccessEvent.objects.filter(recorded_at__range=(time, now)).order_by("pk")
    return access_events.folded_before(young.values_list("pk", flat=True).first())
