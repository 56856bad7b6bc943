"""Forgetting a customer: what the log holds of them is erased, that they were changed stays."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from customers.access import Actor
from customers.audit import chain, entries, erasure, journal, tombstones
from customers.audit.models import Action, Change, Entry, JournalLine, VaultItem, moment
from customers.audit.tombstones import Tombstone
from customers.catalogue.fields import FIELDS
from customers.clubmed.profile import Profile
from customers.services.connection import calling
from customers.services.outcomes import Forbidden, InUse, NotFound, NoTombstone
from customers.services.read import read_profile
from customers.services.record import act_of, journal_in_reach
from customers.services.settle import answer_found, append_settlement, give_up, give_up_unreadable


def forget_customer(
    customer_id: str, *, reason: str, actor: Actor, request_id: str = "", caller: Actor | None
) -> int:
    """Erase the values that the log holds of a customer; returns of how many entries.

    caller: with whose token Club Med is asked what came of an open change; None for the
    background's. Raises a NotSaved, InUse while one is open: then nothing was erased.
    """
    lines = JournalLine.objects.filter(customer_id=customer_id)
    with journal_in_reach():
        _settle(lines, customer_id, caller)
    change_id = uuid4()
    with journal_in_reach(), transaction.atomic():
        give_up_unreadable(_overdue(lines))
        head = chain.lock()
        at = moment(max(timezone.now(), head.recorded_at))
        items = erasure.values_of(customer_id, head.seq)
        act = act_of(Action.FORGOTTEN, customer_id, "", actor, request_id, reason)
        count = _erase(change_id, act, lines, items, head.seq)
        who = (actor.issuer, actor.sub, actor.name)
        try:  # before it is committed: a tombstone too many does no harm
            tombstones.write(Tombstone(customer_id, change_id.hex, at, _creates(customer_id), *who))
        except OSError:
            raise NoTombstone from None
    return count


def replay(tombstone: Tombstone) -> int:
    """Forget again who was forgotten before an older backup was restored; what came later stays.

    What was open in the backup is settled in the same transaction, and where Club Med will never
    show the customer it is unclear. Returns of how many entries. Raises as `forget_customer`; what
    was erased stands in SQLite's write-ahead log until `erasure.scrub`.
    """
    customer_id, change_id = tombstone.customer_id, UUID(tombstone.change_id)
    creates = [UUID(create) for create in tombstone.creates]
    at = datetime.fromisoformat(tombstone.at)
    lines = JournalLine.objects.filter(Q(customer_id=customer_id) | Q(pk__in=creates))
    with journal_in_reach():
        if Entry.objects.filter(change_id=change_id).exists():
            return 0  # nothing older was restored
        open_then = list(_overdue(lines.filter(sent_at__lte=at)))
        profile = _shown(customer_id) if any(line.is_readable for line in open_then) else None
    with journal_in_reach(), transaction.atomic():
        chain.lock()
        for line in open_then:
            append_settlement(answer_found(line, profile, customer_id))
        up_to = chain.newest_at(at)
        of_then = [*creates, *(line.pk for line in open_then)]
        known = Q(customer_id=customer_id, seq__lte=up_to) | Q(change_id__in=of_then)
        if not Entry.objects.filter(known).exists() and not lines.exists():
            return 0
        items = erasure.values_of(customer_id, up_to)
        later = erasure.values_since(customer_id, up_to, of_then).exclude(pk__in=items.values("pk"))
        also = list(later.order_by("pk").values_list("pk", flat=True))
        items = VaultItem.objects.filter(
            Q(pk__in=items.values("pk")) | Q(pk__in=later.values("pk"))
        )
        actor = Actor(tombstone.actor_issuer, tombstone.actor_sub, tombstone.actor_name, ())
        reason = f"Forgotten on {tombstone.at}, before a backup was restored"
        act = act_of(Action.FORGOTTEN, customer_id, "", actor, "", reason)
        return _erase(change_id, act, lines, items, up_to, also)


def _shown(customer_id: str) -> Profile | None:
    """What Club Med holds of a customer, None if it never will be known."""
    try:
        with calling(None) as api:
            return api.read_profile(customer_id)
    except (NotFound, Forbidden):
        return None


def _creates(customer_id: str) -> tuple[str, ...]:
    """The creates that got that number: in an older backup they may not have it yet."""
    made = Entry.objects.filter(customer_id=customer_id, action=Action.CREATE).order_by()
    ids = made.values_list("change_id", flat=True).distinct()
    return tuple(sorted(change_id.hex for change_id in ids))


def _overdue(lines: QuerySet[JournalLine]) -> QuerySet[JournalLine]:
    """Those that nobody can be working on any more."""
    return lines.filter(pk__in=journal.overdue().values("pk"))


def _settle(lines: QuerySet[JournalLine], customer_id: str, caller: Actor | None) -> None:
    """Find out what came of changes that nobody can be working on any more."""
    overdue = [line for line in _overdue(lines) if line.is_readable]
    if not overdue:
        return
    try:
        read_profile(customer_id, actor=caller)
    except NotFound:  # it never will be known
        for line in overdue:
            give_up(line)


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
        raise InUse(other)
    theirs = Q(customer_id=act["customer_id"], seq__lte=up_to)
    held = Entry.objects.filter(seq__in=items.values("pk")).order_by().values("change_id")
    Change.objects.filter(theirs | Q(pk__in=held)).update(look_at=None, unseen_by_author=False)
    count, _ = VaultItem.objects.filter(pk__in=items.values("pk")).delete()
    entries.append(change_id, act, [erasure.erasure_entry(erasure.VALUES, up_to, also)])
    journal.close(ours)
    return count
