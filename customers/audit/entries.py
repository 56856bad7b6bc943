"""Appending to the log: what happened, one entry a field."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from customers.audit import chain, statements, values
from customers.audit.models import OF_VALUES, Act, Action, Change, Entry, Evidence, Head, Outcome
from customers.clubmed.profile import Json

# How long Club Med is asked again about a change: it may show late, or never.
WATCH = timedelta(days=1)
FIRST_LOOK = timedelta(minutes=1)  # after a change; a page that is open looks at once
_COLUMNS = [column.name for column in Act._meta.get_fields()]
# Which outcome stands for a change whose fields came out differently.
_GRAVEST = (
    Outcome.UNCLEAR,
    Outcome.NOT_SEEN,
    Outcome.NOT_APPLIED,
    Outcome.REFUSED,
    Outcome.APPLIED,
)


@dataclass(frozen=True)
class FieldOutcome:
    """What came of one field of a change, and what that rests on; see `models.Entry`."""

    field: str
    old: Json
    new: Json
    outcome: Outcome
    evidence: Evidence = Evidence.ANSWER
    found: Json = None
    detail: str = ""


def append(
    change_id: UUID,
    act: Mapping[str, Any],
    findings: Iterable[FieldOutcome],
    *,
    head: Head | None = None,
    before: Sequence[Entry] = (),
    unseen_by_author: bool = False,
) -> list[Entry]:
    """Append one entry a finding and bring the change's current state up; in a transaction.

    act: as `customers.audit.models.Act.act` gives it. head: if the caller has locked it already.
    before: the change's earlier entries in order, if these come on top of them.
    unseen_by_author: its author is to be told, as this was found out behind their back.
    """
    head = head or chain.lock()
    columns = {name: act.get(name, "") for name in _COLUMNS}
    entries, salted = [], []
    for finding in findings:
        entry = Entry(
            change_id=change_id,
            field=finding.field,
            outcome=finding.outcome,
            evidence=finding.evidence,
            detail=finding.detail,
            **columns,
        )
        salted.append(values.commit(entry, _values(act, finding)))
        entries.append(entry)
    chain.extend(head, entries)
    statements.insert(entries)
    statements.insert(values.items(entries, salted))
    _project([*before, *entries], unseen_by_author=unseen_by_author)
    return entries


def _values(act: Mapping[str, Any], finding: FieldOutcome) -> dict[str, Any]:
    """What an entry commits to. Of old and new always, so that the log does not tell for ever
    which values were empty; of the others where there is one.
    """
    values: dict[str, Any] = {}
    if act["action"] in OF_VALUES:
        values = {"old": finding.old, "new": finding.new}
    if finding.found is not None:
        values["found"] = finding.found
    return values | {name: act[name] for name in ("reason", "customer_label") if act.get(name)}


def of_change(change_id: UUID) -> list[Entry]:
    """A change's entries in order."""
    return list(Entry.objects.filter(change_id=change_id).order_by("seq"))


def verdicts(entries: Iterable[Entry]) -> dict[str, Entry]:
    """field -> the entry that says what came of it, from a change's entries in order.

    A form that was refused may be sent again with other fields: only its last sending counts, which
    all entries but a person's word name by their request.
    """
    found = [entry for entry in entries if entry.outcome != Outcome.STORED_AS]
    sendings = [entry.request_id for entry in found if entry.evidence != Evidence.PERSON]
    return {
        entry.field: entry
        for entry in found
        if entry.evidence == Evidence.PERSON or entry.request_id == sendings[-1]
    }


def _project(entries: list[Entry], *, unseen_by_author: bool) -> None:
    """The change's row, from all its entries."""
    first, last = entries[0], entries[-1]
    stands = verdicts(entries).values()
    outcome = next(one for one in _GRAVEST if one in {entry.outcome for entry in stands})
    current: dict[str, Any] = {
        "outcome": outcome,
        "customer_id": last.customer_id,
        "look_at": last.recorded_at + FIRST_LOOK if _to_be_seen(entries) else None,
    }
    if unseen_by_author:  # a later finding does not make it told
        current["unseen_by_author"] = True
    change = Change(
        change_id=first.change_id,
        seq=first.seq,
        recorded_at=first.recorded_at,
        action=first.action,
        actor_issuer=first.actor_issuer,
        actor_sub=first.actor_sub,
        actor_name=first.actor_name,
        **current,
    )
    statements.insert([change], or_update=tuple(current))


def _to_be_seen(entries: list[Entry]) -> bool:
    """Is there a field of which Club Med's profile has not shown yet what became of it?"""
    last = {entry.field: entry for entry in entries}.values()
    return entries[0].action in (Action.CHANGE, Action.CREATE) and any(
        entry.outcome == Outcome.NOT_SEEN
        or (entry.outcome == Outcome.APPLIED and entry.evidence == Evidence.ANSWER)
        for entry in last
    )
