"""What a profile that was just read says about changes whose outcome or stored form is open.

docs/audit.md holds the states and who may move a change from one to another. Nothing here calls
Club Med: the verbs do, and hand over what they read.
"""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.db import DatabaseError, transaction
from django.utils import timezone

from customers.audit import chain, entries, journal, reading
from customers.audit.actions import Action, Evidence, Outcome
from customers.audit.entries import FieldOutcome
from customers.audit.models import Change, Entry, JournalLine, Missing
from customers.audit.projections import FIRST_READ, WATCH
from customers.catalogue.compare import canonical
from customers.catalogue.fields import FIELDS, Field
from customers.clubmed.profile import Json, Profile

OUTSIDE = "Outside this desk"
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Settlement:
    """What is to be appended for one change; see `customers.audit.entries.append`.

    line: the open line that this settles.
    """

    change_id: UUID
    act: Mapping[str, Any]
    findings: list[FieldOutcome]
    line: JournalLine | None = None
    unseen_by_author: bool = False


def settle_from_profile(profile: Profile, read_at: int) -> int:
    """Record what a profile says about its customer's open changes.

    read_at: the log's position before the profile was read. Returns the position up to which the
    profile holds true: where entries that were not known to it came in between, nothing is done.
    """
    customer_id = profile.customer_id
    lines = journal.overdue().filter(customer_id=customer_id)
    overdue = [line for line in lines if line.is_readable]
    claimed = journal.claimed(customer_id)
    known = reading.last_known(customer_id)
    changes = Change.objects.of_customer(customer_id).filter(read_again_at__isnull=False)
    pending = reading.with_entries(changes)
    settlements = [answer_found(line, profile, customer_id) for line in overdue]
    settlements += [_seen_since(change, profile, known, besides=claimed) for change in pending]
    in_question = claimed.union(*(line.values for line in overdue), *map(_newest, pending))
    settlements.append(_changed_elsewhere(profile, known, besides=in_question))
    settlements = [settlement for settlement in settlements if settlement.findings]
    if not settlements:
        for change in pending:
            last = _newest(change).values()
            still = any(e.field in claimed or _waits(e, profile, known) for e in last)
            read_again_later(change, still=still)
        return read_at
    with transaction.atomic():
        chain.lock()
        if reading.newest(customer_id) > read_at:
            return read_at
        for settlement in settlements:
            append_settlement(settlement)
        return chain.position()


def append_settlement(settlement: Settlement) -> None:
    """Append the entries and delete the journal line; does nothing if another process settled it
    first. Call inside a transaction.
    """
    head = chain.lock()
    if settlement.line is None or journal.close(settlement.line):
        entries.append(
            settlement.change_id,
            settlement.act,
            settlement.findings,
            head=head,
            unseen_by_author=settlement.unseen_by_author,
        )


def settled(
    line: JournalLine, findings: Iterable[FieldOutcome], customer_id: str = ""
) -> Settlement:
    """The settlement of an open line, which its author has not seen."""
    act = line.act()
    if customer_id:
        act["customer_id"] = customer_id
    return Settlement(line.change_id, act, list(findings), line, unseen_by_author=True)


def give_up(line: JournalLine) -> None:
    """Club Med will not say what came of it, or it cannot be asked: a person has to find out."""
    with transaction.atomic():
        append_settlement(_given_up(line))


def _given_up(line: JournalLine, customer_id: str = "") -> Settlement:
    detail = "" if line.is_readable else "What was sent could not be opened here."
    unclear = Outcome.UNCLEAR, Evidence.NOTHING, None, detail
    findings = [
        FieldOutcome(name, pair["old"], pair["new"], *unclear) for name, pair in line.values.items()
    ]
    return settled(line, findings, customer_id)


def give_up_creates() -> None:
    """Make creates that got no answer unclear, once nobody can be working on them any more.

    No profile can be read to settle them, as they have no number.
    """
    try:
        for line in journal.overdue().filter(customer_id=""):
            if line.is_readable:  # else its key may come back
                give_up(line)
    except DatabaseError as exc:  # the next reader tries again
        logger.error("creates cannot be settled: %s", type(exc).__name__)


def give_up_unreadable(lines: Iterable[JournalLine]) -> int:
    """Make those of overdue lines that do not open unclear, for good; how many they were.

    Nothing that Club Med says could be compared with them, and their fields would stay taken.
    """
    unreadable = [line for line in lines if not line.is_readable]
    for line in unreadable:
        give_up(line)
    return len(unreadable)


def answer_found(line: JournalLine, profile: Profile | None, customer_id: str) -> Settlement:
    """What came of a change of that customer's that got no answer; profile: None if it will never
    be shown.
    """
    if profile is None or not line.is_readable:
        return _given_up(line, customer_id)
    pairs = line.values.items()
    if line.action == Action.CREATE:  # it has a number, so Club Med did answer
        findings = [FieldOutcome(name, None, pair["new"], Outcome.APPLIED) for name, pair in pairs]
    else:
        findings = [_found(name, pair["old"], pair["new"], profile) for name, pair in pairs]
    return settled(line, findings, customer_id)


def _found(name: str, old: Json, new: Json, profile: Profile) -> FieldOutcome:
    field = FIELDS.get(name)
    if field is None:  # it left the catalogue while the line was open
        return FieldOutcome(name, old, new, Outcome.UNCLEAR, Evidence.NOTHING)
    now = field.value(profile)
    if _landed(field, old, new, now):
        outcome = Outcome.APPLIED
    elif _stayed(field, old, new, now):
        outcome = Outcome.NOT_SEEN
    else:
        outcome = Outcome.UNCLEAR
    return FieldOutcome(name, old, new, outcome, Evidence.READ, now)


def _landed(field: Field, old: Json, new: Json, now: Json) -> bool:
    """Does the profile show that `new` was stored?"""
    if field.same(old, new):  # a matter of capitals or accents: only the letter can tell
        return canonical(now) == canonical(new)
    return field.same(new, now)


def _stayed(field: Field, old: Json, new: Json, now: Json) -> bool:
    if field.same(old, new):
        return canonical(now) == canonical(old)
    return field.same(old, now)


def _seen_since(
    change: Change, profile: Profile, known: Mapping[str, Entry], *, besides: Iterable[str]
) -> Settlement:
    """What the profile shows of a change that it had not shown yet.

    besides: fields on their way to Club Med by another change, whose value it may be.
    """
    last = _newest(change)
    act = next(iter(last.values())).act()
    findings = [
        finding
        for entry in last.values()
        if entry.field not in besides and (finding := _seen(entry, profile, known)) is not None
    ]
    unseen_by_author = any(finding.outcome == Outcome.APPLIED for finding in findings)
    return Settlement(change.change_id, act, findings, unseen_by_author=unseen_by_author)


def _newest(change: Change) -> dict[str, Entry]:
    """field -> the change's last entry of it."""
    return {entry.field: entry for entry in change.entries}


def _seen(entry: Entry, profile: Profile, known: Mapping[str, Entry]) -> FieldOutcome | None:
    """A not seen one that shows after all; an applied one that is stored in another form."""
    field = FIELDS.get(entry.field)
    if field is None or not field.read or isinstance(entry.new, Missing):
        return None
    now = field.value(profile)
    if entry.outcome == Outcome.NOT_SEEN:
        late = _landed(field, entry.old, entry.new, now) and not _taken(field, entry, known)
        outcome = Outcome.APPLIED if late else None
    elif _is_last_word(entry, known) and not _as_sent(entry, now) and not _not_yet(entry, now):
        outcome = Outcome.STORED_AS
    else:
        outcome = None
    if outcome is None:
        return None
    return FieldOutcome(field.name, entry.old, entry.new, outcome, Evidence.READ, now)


def _taken(field: Field, entry: Entry, known: Mapping[str, Entry]) -> bool:
    """Did a later change store the same? Then the profile says nothing about this one."""
    last = known.get(entry.field)
    return last is not None and last.seq > entry.seq and field.same(entry.new, last.known)


def _is_last_word(entry: Entry, known: Mapping[str, Entry]) -> bool:
    """An answer of Club Med's that nothing has been recorded after."""
    last = known.get(entry.field)
    return entry.evidence == Evidence.ANSWER and last is not None and last.seq == entry.seq


def _as_sent(entry: Entry, now: Json) -> bool:
    return canonical(now) == canonical(entry.new)


def _not_yet(entry: Entry, now: Json) -> bool:
    """The profile still shows the old value of a change that Club Med took."""
    field = FIELDS[entry.field]
    return field.same(entry.old, now) and not field.same(entry.new, now)


def _changed_elsewhere(
    profile: Profile, known: Mapping[str, Entry], *, besides: Iterable[str]
) -> Settlement:
    """Fields that hold something else than what was last known of them here."""
    findings = []
    label = ""
    for name, entry in known.items():
        field = FIELDS.get(name)
        if field is None or not field.read or name in besides or isinstance(entry.known, Missing):
            continue
        now = field.value(profile)
        if not field.same(entry.known, now) and not field.same(now, entry.known):
            findings.append(
                FieldOutcome(name, entry.known, now, Outcome.APPLIED, Evidence.READ, now)
            )
            label = entry.customer_label
    act = {
        "action": Action.ELSEWHERE,
        "customer_id": profile.customer_id,
        "customer_label": label,
        "actor_name": OUTSIDE,
        "locale": settings.CLUBMED_LOCALE,
    }
    return Settlement(uuid4(), act, findings)


def read_again_later(change: Change, *, still: bool) -> None:
    """Ask about it less and less often, for a day. still: there is something to wait for."""
    age = timezone.now() - change.recorded_at
    later = timezone.now() + max(FIRST_READ, age) if still and age < WATCH else None
    Change.objects.filter(pk=change.pk).update(read_again_at=later)


def _waits(entry: Entry, profile: Profile, known: Mapping[str, Entry]) -> bool:
    field = FIELDS.get(entry.field)
    if field is None or not field.read or isinstance(entry.new, Missing):
        return False
    if entry.outcome == Outcome.NOT_SEEN:
        return not _taken(field, entry, known)
    return _is_last_word(entry, known) and _not_yet(entry, field.value(profile))
