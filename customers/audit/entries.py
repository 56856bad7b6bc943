"""Appending to the log, one entry a field."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from customers.audit import chain, projections, statements, values
from customers.audit.actions import OF_VALUES, Evidence, Outcome
from customers.audit.models import PERSONAL, Act, Entry, Head
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
    head = head or chain.lock()
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
    _insert(entries, salted, head, unseen_by_author=unseen_by_author)
    return entries


def _insert(
    entries: Sequence[Entry],
    salted: Sequence[Sequence[bytes]],
    head: Head,
    *,
    unseen_by_author: bool,
) -> None:
    """All rows of new entries. salted: the values of each, for the vault."""
    to_run = chain.extend(head, entries)  # before the entries are encrypted with their numbers
    items = [
        values.item(entry, texts) for entry, texts in zip(entries, salted, strict=True) if texts
    ]
    to_run += statements.inserting([*entries, *items])
    *_, is_new = statements.run(
        [*to_run, *projections.adding(entries, unseen_by_author=unseen_by_author)]
    )
    if not is_new:
        projections.update(entries[0].change_id, unseen_by_author=unseen_by_author)
