"""Settling what nobody looks at: every open line and every change that is still watched.

Runs on a timer, in any number of processes: a line is settled by whoever deletes it.
"""

import logging
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import islice
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from customers.audit import chain, entries, journal, reading
from customers.audit.entries import WATCH, FieldOutcome
from customers.audit.models import Action, Change, Entry, Evidence, JournalLine, Missing, Outcome
from customers.catalogue.compare import fold, raw_text
from customers.catalogue.fields import FIELDS
from customers.clubmed.profile import Json, Profile
from customers.services.connection import calling
from customers.services.duplicates import look_alike
from customers.services.outcomes import NotSaved, SaidNo
from customers.services.read import read_profile
from customers.services.search_terms import emails
from customers.services.settle import (
    Settlement,
    append_settlement,
    give_up,
    look_again_later,
    settled,
)

logger = logging.getLogger(__name__)
_AT_ONCE = 500  # customers, and creates, of one run
_PATIENCE = 3  # failures in a row, before we take Club Med for down
_CANDIDATES = 10


@dataclass(frozen=True)
class Reconciled:
    """What a run left behind. answered: did Club Med answer to the end?"""

    open: int
    watched: int
    unclear: int
    answered: bool


def reconcile() -> Reconciled:
    """Look at everything that is due once."""
    failures = 0
    for look in _due():
        try:
            look()
            failures = 0
        except NotSaved as exc:
            logger.warning("a look at Club Med failed: %s", type(exc).__name__)
            failures += 1
            if failures == _PATIENCE:
                break
    return Reconciled(
        open=JournalLine.objects.count(),
        watched=Change.objects.filter(look_at__isnull=False).count(),
        unclear=Change.objects.filter(outcome=Outcome.UNCLEAR).count(),
        answered=failures < _PATIENCE,
    )


def _due() -> Iterator[Callable[[], None]]:
    """The looks that are due, those of open lines first."""
    readable = (line for line in journal.overdue().iterator() if line.is_readable)
    overdue = list(islice(readable, _AT_ONCE))
    due = Change.objects.filter(look_at__lte=timezone.now()).order_by("look_at")
    watched = list(due[:_AT_ONCE])
    # In no order: a few customers of whom Club Med never says anything must not end every run
    # before the others were looked at.
    random.shuffle(overdue)
    random.shuffle(watched)
    customers = [line.customer_id for line in overdue] + [change.customer_id for change in watched]
    for customer_id in filter(None, dict.fromkeys(customers)):
        yield partial(_look_at_customer, customer_id)
    for line in overdue:
        if not line.customer_id and not _in_the_making(line.new_values):
            yield partial(_look_for_created, line)
    for change in reading.with_entries(watched):
        new = _new_values(change)
        gone = any(isinstance(value, Missing) for value in new.values())
        if not change.customer_id and not gone and not _in_the_making(new):
            yield partial(_look_for_late, change)


def _in_the_making(new: Mapping[str, Json]) -> bool:
    """Is somebody creating this person just now? Then whoever is found may be theirs."""
    on_the_way = JournalLine.objects.filter(action=Action.CREATE, customer_id="")
    on_the_way = on_the_way.exclude(pk__in=journal.overdue().values("pk"))
    return any(look_alike(new, line.new_values) for line in on_the_way)


def _new_values(change: Change) -> Mapping[str, Json]:
    return {history.first.field: history.first.new for history in change.fields}


def _look_at_customer(customer_id: str) -> None:
    try:
        read_profile(customer_id, actor=None)
    except SaidNo:
        _cannot_be_read(customer_id)


def _cannot_be_read(customer_id: str) -> None:
    """After a day of refusals a person has to find out; nothing is watched in vain."""
    long_ago = timezone.now() - WATCH
    for line in journal.overdue().filter(customer_id=customer_id, sent_at__lt=long_ago):
        if line.is_readable:  # else its key may come back
            give_up(line)
    watched = Change.objects.of_customer(customer_id).filter(look_at__isnull=False)
    watched.update(look_at=timezone.now() + WATCH)
    watched.filter(recorded_at__lt=long_ago).update(look_at=None)


def _look_for_created(line: JournalLine) -> None:
    """Was the customer created whose number never came?"""
    new = line.new_values
    try:
        found = _candidates(new, line.change_id, line.sent_at)
    except SaidNo:
        give_up(line)
        return
    outcome, customer_id = _verdict(found)
    findings = [_searched(name, value, outcome, found) for name, value in new.items()]
    _settle(settled(line, findings, customer_id))


def _look_for_late(change: Change) -> None:
    """A create that was not seen may still have landed late."""
    new = _new_values(change)
    try:
        found = _candidates(new, change.pk, change.recorded_at)
    except SaidNo:
        found = {}
    outcome, customer_id = _verdict(found)
    if outcome is Outcome.NOT_SEEN:
        look_again_later(change, still=True)
        return
    with transaction.atomic():
        head = chain.lock()
        made = entries.of_change(change.pk)
        if any(entry.outcome != Outcome.NOT_SEEN for entry in made):
            return  # another process found it too
        act = made[0].act() | {"customer_id": customer_id}
        findings = [_searched(name, value, outcome, found) for name, value in new.items()]
        entries.append(change.pk, act, findings, head=head, before=made, unseen_by_author=True)


def _settle(settlement: Settlement) -> None:
    with transaction.atomic():
        append_settlement(settlement)


def _searched(name: str, new: Json, outcome: Outcome, found: Mapping[str, bool]) -> FieldOutcome:
    return FieldOutcome(name, None, new, outcome, Evidence.SEARCH, list(found))


def _verdict(found: Mapping[str, bool]) -> tuple[Outcome, str]:
    """One customer who is all that was sent: created. Nobody: not seen. Else a person must say."""
    if not found:
        return Outcome.NOT_SEEN, ""
    if len(found) == 1 and all(found.values()):
        return Outcome.APPLIED, next(iter(found))
    return Outcome.UNCLEAR, ""


def _candidates(new: Mapping[str, Json], change_id: UUID, sent_at: datetime) -> Mapping[str, bool]:
    """Numbers of customers of that name who may be the created one; True: all that was sent.

    Searched by e-mail, then by last name and date of birth (contract 5). Whoever this desk knew
    before, or created by another change, is none.
    """
    for filters in _searches(new):
        with calling(None) as api:
            page = api.find_customers(filters, limit=_CANDIDATES)
            found = {
                item["id"]: _agrees(new, api.read_profile(item["id"]))
                for item in page.items
                if _same_name(new, item) and not _known_before(item["id"], change_id, sent_at)
            }
        if found:
            return found
    return {}


def _searches(new: Mapping[str, Json]) -> Iterator[dict[str, str]]:
    """Filters match exactly, so each is tried as it was typed and as Club Med may store it."""
    email, last_name = raw_text(new.get("email")), raw_text(new.get("last_name"))
    beside = "birthdate" if new.get("birthdate") else "first_name"
    for address in emails(email) if email else ():
        yield {"email": address}
    yield {"last_name": last_name, beside: raw_text(new[beside])}
    yield {"last_name": fold(last_name).upper(), beside: fold(raw_text(new[beside])).upper()}


def _same_name(new: Mapping[str, Json], item: Mapping[str, Json]) -> bool:
    names = ("first_name", "last_name")
    return all(FIELDS[name].same(new.get(name), item.get(name)) for name in names)


def _agrees(new: Mapping[str, Json], profile: Profile) -> bool:
    return all(
        FIELDS[name].same(value, FIELDS[name].value(profile))
        for name, value in new.items()
        if name in FIELDS and FIELDS[name].read
    )


def _known_before(customer_id: str, change_id: UUID, sent_at: datetime) -> bool:
    others = Entry.objects.filter(customer_id=customer_id).exclude(change_id=change_id)
    return others.filter(Q(recorded_at__lt=sent_at) | Q(action=Action.CREATE)).exists()
