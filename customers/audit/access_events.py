"""Who looked: plain inserts beside the chain, without a lock.

A reveal, an export and a report happen only if they are recorded; a view goes on without. A timer
folds them into the chain: an entry says how many there were, and their digest.
"""

import hashlib
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any
from uuid import UUID, uuid4

from django.db import DatabaseError, connection, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from customers.access import Actor
from customers.audit import chain, signing, statements
from customers.audit.models import (
    Access,
    AccessEvent,
    Action,
    Entry,
    Evidence,
    Outcome,
    Purpose,
    facts,
    json_text,
    moment,
    number_in,
)

logger = logging.getLogger(__name__)
_ONE_LOOK = timedelta(minutes=10)  # views of one customer by one person within it count as one
# A look with a lower number may be committed a little later than one with a higher.
_LATE = timedelta(seconds=60)
_NEVER_EXPIRED = timedelta(days=28)  # the shortest month, and ACCESS_MONTHS is 1 at least
_LONG = timedelta(days=1)  # for a timer
_BATCH = 5_000  # events


class AlteredCountError(Exception):
    """Looks are not as an entry counted them, or it no longer says: `audit_verify` names it."""


def record(
    kind: Access,
    *,
    actor: Actor,
    request_id: str,
    customer_id: str = "",
    field: str = "",
    change_id: UUID | None = None,
    purpose: Purpose | None = None,
) -> None:
    """Record a look before it is given. Raises DatabaseError: then it must not be."""
    statements.insert([_event(kind, actor, request_id, customer_id, field, change_id, purpose)])


def note(
    kind: Access,
    *,
    actor: Actor,
    request_id: str,
    customer_id: str = "",
    change_id: UUID | None = None,
) -> None:
    """Record a look that goes on even if this fails; the process log says so then.

    One page of one customer's, looked at again within ten minutes, is one look.
    """
    try:
        if kind is not Access.VIEW or not _viewed_just_now(actor, customer_id, change_id):
            statements.insert([_event(kind, actor, request_id, customer_id, change_id=change_id)])
    except DatabaseError as exc:  # its text may hold values
        logger.error("%s: %s is not recorded: %s", request_id, kind, type(exc).__name__)


def _viewed_just_now(actor: Actor, customer_id: str, change_id: UUID | None) -> bool:
    now = timezone.now()
    return AccessEvent.objects.filter(
        kind=Access.VIEW,
        customer_id=customer_id,
        change_id=change_id,
        actor_issuer=actor.issuer,
        actor_sub=actor.sub,
        recorded_at__range=(now - _ONE_LOOK, now + _LATE),
    ).exists()


def _event(
    kind: Access,
    actor: Actor,
    request_id: str,
    customer_id: str,
    field: str = "",
    change_id: UUID | None = None,
    purpose: Purpose | None = None,
) -> AccessEvent:
    return AccessEvent(
        recorded_at=timezone.now(),
        kind=kind,
        actor_issuer=actor.issuer,
        actor_sub=actor.sub,
        actor_name=actor.name,
        actor_roles=", ".join(actor.roles),
        customer_id=customer_id,
        field=field,
        change_id=change_id,
        purpose=purpose or "",
        request_id=request_id,
    )


def fold() -> None:
    """Append to the chain how many looks there were since the last fold, and their digest.

    They are counted before the head is locked, so that nobody's save waits for that. Nothing is
    appended if there were none, or if another timer came first.
    """
    now, last = timezone.now(), folded()
    newest = AccessEvent.objects.values_list("pk", flat=True).first() or 0
    counted = _facts(last + 1, _settled(_events(last + 1, newest), now))
    if not counted["count"]:
        return
    with transaction.atomic():
        head = chain.lock()
        if folded() != last:
            return
        entry = Entry(
            change_id=uuid4(),
            action=Action.ACCESS,
            actor_name="Timer",
            field="access",
            outcome=Outcome.APPLIED,
            evidence=Evidence.NOTHING,
            detail=json_text(counted),
        )
        chain.extend(head, [entry])
        statements.insert([entry])


def folded() -> int:
    """The last number that is folded, 0 before the first fold. Raises AlteredCountError."""
    newest = _folds().first()
    return _last_of(newest) if newest is not None else 0


def folded_before(number: int | None) -> int:
    """The same, of the folds that end before that number, or of all; what an altered one says is
    passed over.
    """
    for detail in _folds().iterator():
        last = number_in(detail, "last")
        if last is not None and (number is None or last < number):
            return last
    return 0


def check_age(
    counts: Iterable[str], up_to: int, *, after: int, since: datetime, now: datetime
) -> None:
    """Make sure that the looks after one number, up to another, are as they were counted, and that
    none of them is of the time since then. Raises AlteredCountError.

    counts: the details of the entries that counted them, as they were verified.
    """
    young = moment(since), moment(now)

    def old(events: Iterable[Sequence[str]]) -> Iterator[Sequence[str]]:
        for event in events:
            if young[0] <= event[1] <= young[1]:
                raise AlteredCountError
            yield event

    for detail in counts:
        first, last = number_in(detail, "first") or 0, _last_of(detail)
        if after < last <= up_to and _facts(first, old(_events(first, last))) != facts(detail):
            raise AlteredCountError


def _folds() -> "QuerySet[Entry, str]":
    """The details of the folds, the newest first."""
    entries = Entry.objects.filter(action=Action.ACCESS).order_by("-seq")
    return entries.values_list("detail", flat=True)


def _last_of(detail: str) -> int:
    last = number_in(detail, "last")
    if last is None:
        raise AlteredCountError
    return last


def uncounted() -> int:
    """How many looks of more than a day ago no entry has counted: what becomes of one is unseen."""
    try:
        last = folded()
    except AlteredCountError:  # `faults` names it
        return 0
    long_ago = timezone.now() - _LONG
    return AccessEvent.objects.filter(pk__gt=last, recorded_at__lt=long_ago).count()


def faults(expired: Callable[[], int]) -> Iterator[str]:
    """What does not hold of the looks that were folded, in words. Raises DatabaseError.

    expired: the last number that is said to have left with age; folds leave whole, and may do so
    meanwhile.
    """
    yield from _put_in(expired())
    left = expired()
    entries = Entry.objects.filter(action=Action.ACCESS).order_by("seq")
    for seq, detail in entries.values_list("seq", "detail").iterator():
        first, last = number_in(detail, "first"), number_in(detail, "last")
        if first is None or last is None:
            yield f"entry {seq} does not say which looks it counted"
            continue
        if last <= left:
            continue
        counted, found = facts(detail), _facts(first, _events(first, last))
        if (found["count"], found["digest"]) == (counted.get("count"), counted.get("digest")):
            continue
        left = expired()
        if last <= left:
            continue
        if found["count"] != counted.get("count"):
            yield (
                f"looks {first} to {last}: {counted.get('count')} were counted, "
                f"{found['count']} are there"
            )
        else:
            yield f"looks {first} to {last} give another digest than the one recorded"


def _put_in(expired_up_to: int) -> Iterator[str]:
    """Looks that no fold will count: no number is below 1, and what left with age is old."""
    young = timezone.now() - _NEVER_EXPIRED
    odd = AccessEvent.objects.filter(Q(pk__lt=1) | Q(pk__lte=expired_up_to, recorded_at__gt=young))
    for number in odd.order_by("pk").values_list("pk", flat=True):
        yield f"look {number} was put in: its number was never given out, or its look has left"


def _settled(events: Iterable[Sequence[str]], now: datetime) -> Iterable[Sequence[str]]:
    """Those before the first that is so new that one with a lower number may be yet to come.

    What was recorded in a far future is not new, but wrong: it must not hold the others up.
    """
    early, late = moment(now - _LATE), moment(now + _LATE)
    return takewhile(lambda event: not early < event[1] < late, events)


def _facts(first: int, events: Iterable[Sequence[str]]) -> dict[str, Any]:
    """What is recorded of events whose numbers begin at `first`."""
    running, count, last = hashlib.sha256(), 0, first - 1
    for event in events:
        running.update(signing.access_event(event))
        count, last = count + 1, int(event[0])
    return {"count": count, "digest": running.hexdigest(), "first": first, "last": last}


def _events(first: int, last: int) -> Iterator[Sequence[str]]:
    """Access events in order of their numbers, as the texts that are hashed, whatever they hold."""
    texts = (
        f"coalesce(CAST({chain.as_text(name)} AS text), '')" for name in signing.ACCESS_COLUMNS
    )
    query = (
        f"SELECT {', '.join(texts)} FROM customers_accessevent"  # noqa: S608
        " WHERE id BETWEEN %s AND %s ORDER BY id LIMIT %s"
    )
    while first <= last:
        with connection.cursor() as cursor:
            cursor.execute(query, [first, last, _BATCH])
            batch = cursor.fetchall()
        if not batch:
            return
        yield from batch
        first = int(batch[-1][0]) + 1
