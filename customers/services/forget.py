"""Forget a customer: erase the values that the log holds of them. The entries stay."""

from collections.abc import Collection
from contextlib import suppress
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from customers.access import Actor
from customers.audit import chain, entries, erasure, journal, tombstones
from customers.audit.actions import Action
from customers.audit.models import Change, Entry, JournalLine, moment
from customers.audit.tombstones import Tombstone
from customers.catalogue.fields import FIELDS
from customers.services.connection import calling
from customers.services.outcomes import Forbidden, InUse, NotFound, NoTombstone
from customers.services.read import read_profile
from customers.services.record import act_of, journal_in_reach
from customers.services.settle import append_settlement, give_up, settlement_of


def forget_customer(
    customer_id: str, *, reason: str, actor: Actor, request_id: str = "", caller: Actor | None
) -> int:
    """Erase the values that the log holds of a customer; returns of how many entries.

    caller: with whose token the profile is read to settle an open change; None: the background's.
    Raises a NotSaved, InUse while a change is open: then nothing was erased.
    """
    of_customer = Q(customer_id=customer_id)
    with journal_in_reach():
        open_lines = [line for line in journal.overdue().filter(of_customer) if line.is_readable]
        try:
            if open_lines:
                read_profile(customer_id, actor=caller)  # which settles them
        except NotFound:  # nobody will ever know
            give_up(open_lines)
    change_id = uuid4()
    act = act_of(Action.FORGOTTEN, actor, reason, customer_id=customer_id, request_id=request_id)
    with journal_in_reach(), transaction.atomic():
        give_up(journal.overdue().filter(of_customer), readable=False)
        head = chain.lock()
        at = moment(max(timezone.now(), head.recorded_at))
        creations = Entry.objects.filter(of_customer, action=Action.CREATE).order_by()
        creates = sorted({change.hex for change in creations.values_list("change_id", flat=True)})
        count = _erase(change_id, act, of_customer, head.seq)
        who = (actor.issuer, actor.sub, actor.name)
        try:  # before the commit: a tombstone too many does no harm
            tombstones.write(Tombstone(customer_id, change_id.hex, at, tuple(creates), *who))
        except OSError:
            raise NoTombstone from None
    return count


def replay(tombstone: Tombstone) -> int:
    """Forget a customer again after an older backup was restored; later entries stay whole.

    Changes that were open in the backup are settled in the same transaction. Returns of how many
    entries values were erased, 0 if the backup holds none. Raises as `forget_customer`.
    """
    customer_id, change_id = tombstone.customer_id, UUID(tombstone.change_id)
    creates = [UUID(create) for create in tombstone.creates]
    at = datetime.fromisoformat(tombstone.at)
    lines = Q(customer_id=customer_id) | Q(pk__in=creates)
    with journal_in_reach():
        if Entry.objects.filter(change_id=change_id).exists():
            return 0  # nothing older was restored
        open_lines = list(journal.overdue().filter(lines, sent_at__lte=at))
        profile = None
        if any(line.is_readable for line in open_lines):
            with suppress(NotFound, Forbidden), calling(None) as api:
                profile = api.read_profile(customer_id)
    with journal_in_reach(), transaction.atomic():
        chain.lock()
        for line in open_lines:
            append_settlement(settlement_of(line, profile, customer_id))
        up_to = chain.newest_at(at)
        changes = [*creates, *(line.pk for line in open_lines)]
        older = Q(customer_id=customer_id, seq__lte=up_to) | Q(change_id__in=changes)
        if not Entry.objects.filter(older).exists() and not JournalLine.objects.filter(lines):
            return 0
        actor = Actor(tombstone.actor_issuer, tombstone.actor_sub, tombstone.actor_name, ())
        reason = f"Forgotten on {tombstone.at}, before a backup was restored"
        act = act_of(Action.FORGOTTEN, actor, reason, customer_id=customer_id)
        return _erase(change_id, act, lines, up_to, changes)


def _erase(
    change_id: UUID, act: dict[str, Any], lines: Q, up_to: int, changes: Collection[UUID] = ()
) -> int:
    """Erase the values of `erasure.values_of`; returns of how many entries. Call under the lock.

    lines: must not be open. Claims every field, so that nobody can change the customer meanwhile.
    """
    customer_id = act["customer_id"]
    every_field = dict.fromkeys(FIELDS, (None, None))
    own_line = journal.write(change_id, act, every_field, read_at=chain.position())
    # A create whose number is known claims no field.
    if (other := JournalLine.objects.filter(lines).exclude(pk=change_id).first()) is not None:
        raise InUse(other)
    values = erasure.values_of(customer_id, up_to, changes)
    also = values.exclude(entry__customer_id=customer_id, pk__lte=up_to).order_by("pk")
    finding = erasure.erasure_entry(erasure.VALUES, up_to, also.values_list("pk", flat=True))
    of_values = Entry.objects.filter(seq__in=values.values("pk")).order_by().values("change_id")
    of_customer = Q(customer_id=customer_id, seq__lte=up_to) | Q(pk__in=of_values)
    Change.objects.filter(of_customer).update(read_again_at=None, unseen_by_author=False)
    count, _ = values.delete()
    entries.append(change_id, act, [finding])
    journal.close(own_line)
    return count
