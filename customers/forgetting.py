"""Forgetting a customer: what the log holds of them is erased, that they were changed stays."""

from datetime import datetime
from uuid import uuid4

from django.db import transaction
from django.utils import timezone

from customers import services, settling
from customers.access import Actor
from customers.audit import chain, entries, erasure, journal, tombstones
from customers.audit.tombstones import Tombstone
from customers.clubmed.errors import RefusedError, UnauthorizedError
from customers.fields import FIELDS
from customers.models import Action, Change, Entry, JournalLine, moment


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
    with services.journal_in_reach():
        _settle(customer_id, caller)
    with services.journal_in_reach(), transaction.atomic():
        head = chain.lock()
        at = moment(max(timezone.now(), head.recorded_at))
        count = _erase(customer_id, head.seq, reason, actor, request_id)
        try:  # before it is committed: a tombstone too many does no harm
            tombstones.write(Tombstone(customer_id, at, actor.issuer, actor.sub, actor.name))
        except OSError:
            raise NotWrittenError from None
    erasure.scrub()
    return count


def replay(tombstone: Tombstone) -> int:
    """Forget again who was forgotten before an older backup was restored; what came later stays.

    Returns of how many entries. Raises as `forget_customer`.
    """
    at = datetime.fromisoformat(tombstone.at)
    before = Entry.objects.filter(recorded_at__lte=at).order_by("-seq")
    up_to = before.values_list("seq", flat=True).first() or 0
    actor = Actor(tombstone.actor_issuer, tombstone.actor_sub, tombstone.actor_name, ())
    if not erasure.held(tombstone.customer_id, up_to).exists():
        return 0
    with services.journal_in_reach():
        _settle(tombstone.customer_id, None)
    with services.journal_in_reach(), transaction.atomic():
        chain.lock()
        reason = f"Forgotten on {tombstone.at}, before a backup was restored"
        count = _erase(tombstone.customer_id, up_to, reason, actor, "")
    erasure.scrub()
    return count


def _settle(customer_id: str, caller: Actor | None) -> None:
    """Find out what came of changes that nobody can be working on any more."""
    overdue = journal.overdue().filter(customer_id=customer_id)
    settling.give_up_unreadable(overdue.all())
    if not overdue.exists():
        return
    try:
        services.read_profile(customer_id, actor=caller)
    except RefusedError as exc:
        if isinstance(exc, UnauthorizedError):
            raise
        for line in overdue:  # Club Med does not show this customer: it never will be known
            settling.give_up(line)


def _erase(customer_id: str, up_to: int, reason: str, actor: Actor, request_id: str) -> int:
    """In a transaction that locked the head: nobody can be changing the customer meanwhile."""
    change_id = uuid4()
    act = services.act_of(Action.FORGOTTEN, customer_id, "", actor, request_id, reason)
    every_field = dict.fromkeys(FIELDS, (None, None))
    line = journal.write(change_id, act, every_field, read_at=chain.position())
    # A create whose number is known holds no field.
    others = JournalLine.objects.filter(customer_id=customer_id).exclude(pk=change_id)
    if (other := others.first()) is not None:
        raise services.BeingSavedError(other)
    items = erasure.held(customer_id, up_to)
    count, _ = items.delete()
    Change.objects.of_customer(customer_id).update(look_at=None, untold=False)
    entries.append(change_id, act, [erasure.said(erasure.VALUES, up_to)])
    journal.close(line)
    return count
