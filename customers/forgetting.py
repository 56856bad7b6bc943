"""Forgetting a customer: what the log holds of them is erased, that they were changed stays."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from customers import services, settling
from customers.access import Actor
from customers.audit import chain, entries, erasure, journal, tombstones
from customers.audit.tombstones import Tombstone
from customers.clubmed.errors import ForbiddenError, NotFoundError
from customers.fields import FIELDS
from customers.models import Action, Change, Entry, JournalLine, VaultItem, moment


class NotWrittenError(services.NotDoneError):
    """The file of tombstones cannot be written, so nothing was erased."""


def forget_customer(
    customer_id: str, *, reason: str, actor: Actor, request_id: str = "", caller: Actor | None
) -> int:
    """Erase the values that the log holds of a customer; returns of how many entries.

    caller: with whose token Club Med is asked what came of an open change; None for the
    background's. Raises BeingSavedError while one is open, NotRecordedError, NotWrittenError, or
    a ClubMedError: then nothing was erased.
    """
    lines = JournalLine.objects.filter(customer_id=customer_id)
    with services.journal_in_reach():
        _settle(lines, customer_id, caller, unless=NotFoundError)
    change_id = uuid4()
    with services.journal_in_reach(), transaction.atomic():
        settling.give_up_unreadable(_overdue(lines))
        head = chain.lock()
        at = moment(max(timezone.now(), head.recorded_at))
        items = erasure.held(customer_id, head.seq)
        act = services.act_of(Action.FORGOTTEN, customer_id, "", actor, request_id, reason)
        count = _erase(change_id, act, lines, items, head.seq)
        who = (actor.issuer, actor.sub, actor.name)
        try:  # before it is committed: a tombstone too many does no harm
            tombstones.write(Tombstone(customer_id, change_id.hex, at, _creates(customer_id), *who))
        except OSError:
            raise NotWrittenError from None
    erasure.scrub()
    return count


def replay(tombstone: Tombstone) -> int:
    """Forget again who was forgotten before an older backup was restored; what came later stays.

    What was open in the backup is settled first, and where Club Med will never show the customer it
    stays unclear. Returns of how many entries. Raises as `forget_customer`.
    """
    customer_id, change_id = tombstone.customer_id, UUID(tombstone.change_id)
    creates = [UUID(create) for create in tombstone.creates]
    with services.journal_in_reach():
        if Entry.objects.filter(change_id=change_id).exists():
            return 0  # nothing older was restored
        lines = JournalLine.objects.filter(Q(customer_id=customer_id) | Q(pk__in=creates))
        at = datetime.fromisoformat(tombstone.at)
        of_before = [*creates, *lines.filter(sent_at__lte=at).values_list("pk", flat=True)]
        for line in _overdue(lines.filter(customer_id="")):
            if line.is_readable:
                services.note_number(line, customer_id)
        _settle(lines, customer_id, None, unless=(NotFoundError, ForbiddenError))
    with services.journal_in_reach(), transaction.atomic():
        settling.give_up_unreadable(_overdue(lines))
        chain.lock()
        before = Entry.objects.filter(recorded_at__lte=at).order_by("-seq")
        up_to = before.values_list("seq", flat=True).first() or 0
        items = erasure.held(customer_id, up_to)
        later = erasure.held_since(customer_id, up_to, of_before).exclude(pk__in=items.values("pk"))
        also = list(later.order_by("pk").values_list("pk", flat=True))
        if not (also or items.exists() or lines.filter(pk__in=of_before).exists()):
            return 0
        actor = Actor(tombstone.actor_issuer, tombstone.actor_sub, tombstone.actor_name, ())
        reason = f"Forgotten on {tombstone.at}, before a backup was restored"
        act = services.act_of(Action.FORGOTTEN, customer_id, "", actor, "", reason)
        count = _erase(change_id, act, lines, items, up_to, also)
    erasure.scrub()
    return count


def _creates(customer_id: str) -> tuple[str, ...]:
    """The creates that got that number: in an older backup they may not have it yet."""
    made = Entry.objects.filter(customer_id=customer_id, action=Action.CREATE).order_by()
    ids = made.values_list("change_id", flat=True).distinct()
    return tuple(sorted(change_id.hex for change_id in ids))


def _overdue(lines: QuerySet[JournalLine]) -> QuerySet[JournalLine]:
    """Those that nobody can be working on any more."""
    return lines.filter(pk__in=journal.overdue().values("pk"))


def _settle(
    lines: QuerySet[JournalLine],
    customer_id: str,
    caller: Actor | None,
    *,
    unless: type[Exception] | tuple[type[Exception], ...],
) -> None:
    """Find out what came of changes that nobody can be working on any more.

    unless: upon which answer of Club Med's it never will be known.
    """
    overdue = [line for line in _overdue(lines) if line.is_readable]
    if not overdue:
        return
    try:
        services.read_profile(customer_id, actor=caller)
    except unless:
        for line in overdue:
            settling.give_up(line)


def _erase(
    change_id: UUID,
    act: dict[str, str],
    lines: QuerySet[JournalLine],
    items: QuerySet[VaultItem],
    up_to: int,
    also: Sequence[int] = (),
) -> int:
    """In a transaction that locked the head: nobody can be changing the customer meanwhile."""
    every_field = dict.fromkeys(FIELDS, (None, None))
    ours = journal.write(change_id, act, every_field, read_at=chain.position())
    # A create whose number is known holds no field.
    if (other := lines.exclude(pk=change_id).first()) is not None:
        raise services.BeingSavedError(other)
    erased = Q(customer_id=act["customer_id"], seq__lte=up_to) | Q(pk__in=_changes(also))
    Change.objects.filter(erased).update(look_at=None, untold=False)
    count, _ = items.delete()
    count += VaultItem.objects.filter(pk__in=also).delete()[0]
    entries.append(change_id, act, [erasure.said(erasure.VALUES, up_to, also)])
    journal.close(ours)
    return count


def _changes(seqs: Sequence[int]) -> QuerySet[Entry, UUID]:
    return Entry.objects.filter(seq__in=seqs).order_by().values_list("change_id", flat=True)
