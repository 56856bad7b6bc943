"""Appending to the log, one entry a field."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from customers.audit import chain, projections, statements, values
from customers.audit.actions import OF_VALUES, Evidence, Outcome
from customers.audit.models import PERSONAL, Act, Entry, Head
from customers.audit.statements import Statement
from customers.clubmed.profile import Json

_COLUMNS = [column.name for column in Act._meta.get_fields()]


@dataclass(frozen=True)
class FieldOutcome:
    """The outcome of one field of a change, and its evidence; see `models.Entry`."""

    field: str
    old: Json
    new: Json
    outcome: Outcome
    evidence: Evidence = Evidence.ANSWER
    found: Json = None
    detail: str = ""


@dataclass(frozen=True)
class NewEntries:
    """The entries of one change, not yet numbered. salted: the values of each, for the vault."""

    entries: list[Entry]
    salted: list[list[bytes]]


def append(
    change_id: UUID,
    act: Mapping[str, Any],
    outcomes: Iterable[FieldOutcome],
    *,
    head: Head | None = None,
    unseen_by_author: bool = False,
) -> list[Entry]:
    """Append one entry for each field and bring the projections up to date; in a transaction.

    act: as `customers.audit.models.Act.act` gives it. head: if the caller has locked it already.
    unseen_by_author: the author does not know the outcome, so their pages show it until it is read.
    """
    new = prepare(change_id, act, outcomes)
    insert([new], head or chain.lock(), unseen_by_author=unseen_by_author)
    return new.entries


def prepare(
    change_id: UUID, act: Mapping[str, Any], outcomes: Iterable[FieldOutcome]
) -> NewEntries:
    """One entry for each field, to `insert`: what can be done without the log's lock."""
    columns = {name: act.get(name, "") for name in _COLUMNS}
    personal = {name: act[name] for name in PERSONAL if act.get(name)}
    entries, salted = [], []
    for outcome in outcomes:
        entry = Entry(
            change_id=change_id,
            field=outcome.field,
            outcome=outcome.outcome,
            evidence=outcome.evidence,
            detail=outcome.detail,
            **columns,
        )
        # It commits to old and new even if empty: the log does not show which values were empty.
        sides = {"old": outcome.old, "new": outcome.new} if act["action"] in OF_VALUES else {}
        reading = {} if outcome.found is None else {"found": outcome.found}
        salted.append(values.commit(entry, sides | reading | personal))
        entries.append(entry)
    return NewEntries(entries, salted)


def insert(
    changes: Sequence[NewEntries],
    head: Head,
    *,
    before: Sequence[Statement] = (),
    unseen_by_author: bool = False,
) -> list[int]:
    """Append the entries of these changes and bring the projections up to date.

    head: locked. before: statements to run first. Returns the row count of each of these.
    """
    entries = [entry for new in changes for entry in new.entries]
    extended = chain.extend(head, entries)  # before they are encrypted with their numbers
    salted = [texts for new in changes for texts in new.salted]
    items = [
        values.item(entry, texts) for entry, texts in zip(entries, salted, strict=True) if texts
    ]
    to_run = [*before, *extended, *statements.inserting([*entries, *items])]
    is_new_at = []
    for new in changes:
        to_run += projections.adding(new.entries, unseen_by_author=unseen_by_author)
        is_new_at.append(len(to_run) - 1)
    counts = statements.run(to_run)
    for new, at in zip(changes, is_new_at, strict=True):
        if not counts[at]:
            projections.update(new.entries[0].change_id, unseen_by_author=unseen_by_author)
    return counts[: len(before)]
