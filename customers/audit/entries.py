"""Appending to the log: what happened, one entry a field."""

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
    outcomes: Iterable[FieldOutcome],
    *,
    head: Head | None = None,
    unseen_by_author: bool = False,
) -> list[Entry]:
    """Append one entry for each field and bring the projections up to date; in a transaction.

    act: as `customers.audit.models.Act.act` gives it. head: if the caller has locked it already.
    unseen_by_author: the author does not know of it, so their pages say it until they have seen it.
    """
    head = head or chain.lock()
    columns = {name: act.get(name, "") for name in _COLUMNS}
    personal = {name: act[name] for name in PERSONAL if act.get(name)}
    entries, salted = [], []
    for one in outcomes:
        entry = Entry(
            change_id=change_id,
            field=one.field,
            outcome=one.outcome,
            evidence=one.evidence,
            detail=one.detail,
            **columns,
        )
        # Old and new are committed to even if empty: the log does not show which values were.
        committed = {"old": one.old, "new": one.new} if act["action"] in OF_VALUES else {}
        found = {} if one.found is None else {"found": one.found}
        salted.append(values.commit(entry, committed | found | personal))
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
    """All rows of new entries. salted: of each, what the vault holds of it."""
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
