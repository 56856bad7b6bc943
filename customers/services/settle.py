"""Settle changes whose outcome or stored form is open, from a profile that was just read.

docs/audit.md holds the states and who may move a change from one to another. Nothing here calls
Club Med: the verbs do, and hand over the profile.
"""

import logging
from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from django.conf import settings
from django.db import DatabaseError, transaction
from django.utils import timezone

from customers.audit import chain, entries, histories, journal, reading, statements
from customers.audit.actions import Action, Evidence, Outcome
from customers.audit.entries import FieldOutcome
from customers.audit.histories import History
from customers.audit.models import Change, Entry, JournalLine, Missing
from customers.audit.projections import FIRST_READ, WATCH
from customers.catalogue.compare import is_same
from customers.catalogue.fields import FIELDS, Field
from customers.clubmed.profile import Json, Profile

OUTSIDE = "Outside this desk"
_STORED_OUTCOMES = {Outcome.APPLIED, Outcome.STORED_AS}
logger = logging.getLogger(__name__)


class Settlement(NamedTuple):
    """The entries to append for one change, and the open line that these settle."""

    change_id: UUID
    act: Mapping[str, Any]
    findings: list[FieldOutcome]
    line: JournalLine | None = None
    unseen_by_author: bool = False


def settle_from_profile(profile: Profile, read_at: int) -> tuple[int, History]:
    """Settle the open changes of a customer from the profile.

    read_at: the log's position before the profile was read. Returns the position up to which the
    profile holds true, and what the log then says of the customer. Does nothing if the customer got
    entries in between.
    """
    customer_id = profile.customer_id
    history = histories.of_customer(customer_id)
    overdue, claims, pending = _open(customer_id, history)
    latest = history.latest
    settlements = [settlement_of(line, profile, customer_id) for line in overdue]
    since = [_news_of(change, profile, latest, claims) for change in pending]
    settlements += [settlement for settlement, _ in since]
    open_fields = [line.fields for line in overdue]
    open_fields += [[entry.field for entry in change.entries] for change in pending]
    settlements.append(_changed_elsewhere(profile, latest, besides=claims.union(*open_fields)))
    settlements = [settlement for settlement in settlements if settlement.findings]
    if not settlements:
        if pending and reading.newest(customer_id) == history.newest:  # else it got entries since
            for change, (_, is_watched) in zip(pending, since, strict=True):
                age = timezone.now() - change.recorded_at
                later = timezone.now() + max(FIRST_READ, age)  # less and less often, for a day
                change.read_again_at = later if is_watched and age < WATCH else None
                statements.update(change, "read_again_at")  # one row a transaction: no deadlock
        return read_at, history
    with transaction.atomic():
        chain.lock()
        if reading.newest(customer_id) > read_at:
            return read_at, history
        for settlement in settlements:
            append_settlement(settlement)
        pairs = zip(pending, since, strict=True)
        pks = [change.pk for change, (_, is_watched) in pairs if not is_watched]
        Change.objects.filter(pk__in=pks).update(read_again_at=None)
        return chain.position(), histories.of_customer(customer_id)


def _open(customer_id: str, history: History) -> tuple[list[JournalLine], set[str], list[Change]]:
    """Lines that are overdue, fields that are on their way, and changes to be looked for."""
    pending = [change for change in history.trail if change.read_again_at is not None]
    if len(pending) < history.watched:
        changes = Change.objects.of_customer(customer_id).filter(read_again_at__isnull=False)
        pending = reading.with_entries(changes)
    if not history.is_waiting:
        return [], set(), pending
    lines = journal.overdue().filter(customer_id=customer_id)
    overdue = [line for line in lines if line.is_readable]
    return overdue, journal.claimed_fields(customer_id), pending


def append_settlement(settlement: Settlement) -> None:
    """Append the entries unless another process settled the line first; in a transaction."""
    change_id, act, findings, line, unseen = settlement
    head, is_open = journal.close(line) if line else (chain.lock(), True)
    if is_open:
        entries.append(change_id, act, findings, head=head, unseen_by_author=unseen)


def give_up(lines: Iterable[JournalLine], *, readable: bool = True) -> int:
    """Make overdue lines unclear, for a person to find out; returns how many.

    readable: those whose text opens; else the others, for good: their key may have come back.
    """
    lines = [line for line in lines if line.is_readable == readable]
    for line in lines:
        with transaction.atomic():
            append_settlement(settlement_of(line, None))
    return len(lines)


def give_up_creates() -> None:
    """Make overdue creates unclear: without a number no profile can be read to settle them."""
    try:
        give_up(journal.overdue().filter(customer_id=""))
    except DatabaseError as exc:  # the next reader tries again
        logger.error("creates cannot be settled: %s", type(exc).__name__)


def settlement_of(line: JournalLine, profile: Profile | None, customer_id: str = "") -> Settlement:
    """How to settle a change that got no answer, from what the profile shows.

    profile: None if it will never be shown. customer_id: if it is known by now.
    """
    act = line.act()
    act["customer_id"] = customer_id or act["customer_id"]
    findings = [
        _result(line, name, pair["old"], pair["new"], profile) for name, pair in line.values.items()
    ]
    return Settlement(line.change_id, act, findings, line, unseen_by_author=True)


def _result(
    line: JournalLine, name: str, old: Json, new: Json, profile: Profile | None
) -> FieldOutcome:
    if profile is not None and line.is_readable:
        if line.action == Action.CREATE:  # it has a number, so Club Med did answer
            return FieldOutcome(name, None, new, Outcome.APPLIED)
        if field := FIELDS.get(name):  # it may have left the catalogue since
            now = field.value(profile)
            outcome = _judge(field, old, new, now)
            return FieldOutcome(name, old, new, outcome, Evidence.READ, now)
    detail = "" if line.is_readable else "What was sent could not be opened here."
    return FieldOutcome(name, old, new, Outcome.UNCLEAR, Evidence.NOTHING, detail=detail)


def _judge(field: Field, old: Json, new: Json, now: Json) -> Outcome:
    """The outcome of a change from `old` to `new`, if the profile shows `now`."""
    if field.holds(now, new, of=(old, new)):
        return Outcome.APPLIED
    return Outcome.NOT_SEEN if field.holds(now, old, of=(old, new)) else Outcome.UNCLEAR


def _news_of(
    change: Change, profile: Profile, latest: Mapping[str, Entry], claims: Collection[str]
) -> tuple[Settlement, bool]:
    """The news of a change in the profile; and may a later read show more?

    claims: fields that another change is sending, so the value may be that one's.
    """
    act: Mapping[str, Any] = {}
    findings, is_watched = [], False
    newest = {entry.field: entry for entry in change.entries}
    for name, entry in newest.items():
        if name in claims:
            is_watched = True
        elif field := _comparable(name, entry.new):
            now = field.value(profile)
            outcome, may_come = _late(field, entry, latest.get(name), now)
            is_watched = is_watched or may_come
            if outcome:
                act = entry.act()
                findings += [FieldOutcome(name, entry.old, entry.new, outcome, Evidence.READ, now)]
    is_news = any(finding.outcome == Outcome.APPLIED for finding in findings)
    return Settlement(change.change_id, act, findings, unseen_by_author=is_news), is_watched


def _comparable(name: str, value: Json | Missing) -> Field | None:
    """The field, if profiles show it and the log still has its value."""
    field = FIELDS.get(name)
    return field if field and field.in_profile and not isinstance(value, Missing) else None


def _late(field: Field, entry: Entry, last: Entry | None, now: Json) -> tuple[Outcome | None, bool]:
    """The outcome to record if a profile holds `now`, or None; and may a later read show more?

    last: the field's last entry with Club Med's value.
    """
    if entry.outcome == Outcome.NOT_SEEN:
        later = last if last and last.seq > entry.seq and last.outcome in _STORED_OUTCOMES else None
        if later and field.same(entry.new, later.value):
            return None, False  # a later change stored the same
        is_applied = _judge(field, entry.old, entry.new, now) == Outcome.APPLIED
        return Outcome.APPLIED if is_applied else None, True
    if entry.evidence != Evidence.ANSWER or last is None or last.seq != entry.seq:
        return None, False
    if came_too_early(field, entry, now):
        return None, True
    return None if is_same(now, entry.new) else Outcome.STORED_AS, False


def came_too_early(field: Field, entry: Entry, now: Json) -> bool:
    """Did Club Med take the change, and does its profile still show the value of before it?"""
    return field.same(entry.old, now) and not field.same(entry.new, now)


def _changed_elsewhere(
    profile: Profile, latest: Mapping[str, Entry], *, besides: Collection[str]
) -> Settlement:
    """Fields that hold another value than the last one known here."""
    findings, label = [], ""
    for name, entry in latest.items():
        field = _comparable(name, entry.value)
        if field is None or name in besides:
            continue
        now = field.value(profile)
        if not field.same(entry.value, now) and not field.same(now, entry.value):
            findings += [FieldOutcome(name, entry.value, now, Outcome.APPLIED, Evidence.READ, now)]
            label = entry.customer_label
    act = {
        "action": Action.ELSEWHERE,
        "customer_id": profile.customer_id,
        "customer_label": label,
        "actor_name": OUTSIDE,
        "locale": settings.CLUBMED_LOCALE,
    }
    return Settlement(uuid4(), act, findings)
