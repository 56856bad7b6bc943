"""Appending to the log: what happened, one entry a field."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from customers.audit import chain
from customers.clubmed.profile import Json
from customers.models import Change, Entry, Outcome

# Which outcome stands for a change whose fields came out differently.
_GRAVEST = (Outcome.UNCLEAR, Outcome.NOT_APPLIED, Outcome.REFUSED, Outcome.APPLIED)


@dataclass(frozen=True)
class Finding:
    """What came of one field of a change."""

    field: str
    old: Json
    new: Json
    outcome: Outcome
    detail: str = ""


def append(change_id: UUID, act: dict[str, Any], findings: Iterable[Finding]) -> list[Entry]:
    """Append one entry a finding and bring the change's current state up; in a transaction.

    act: the shared columns of `customers.models.Act`.
    """
    findings = list(findings)
    numbers, now = chain.advance(len(findings))
    entries = Entry.objects.bulk_create(
        Entry(
            seq=seq,
            change_id=change_id,
            recorded_at=now,
            field=finding.field,
            old=finding.old,
            new=finding.new,
            outcome=finding.outcome,
            detail=finding.detail,
            **act,
        )
        for seq, finding in zip(numbers, findings, strict=True)
    )
    _project(entries)
    return entries


def _project(entries: list[Entry]) -> None:
    first = entries[0]
    outcomes = {Outcome(entry.outcome) for entry in entries}
    current = {
        "outcome": next(outcome for outcome in _GRAVEST if outcome in outcomes),
        "customer_id": first.customer_id,
        "customer_label": first.customer_label,
    }
    Change.objects.update_or_create(
        change_id=first.change_id,
        defaults=current,
        create_defaults={
            **current,
            "seq": first.seq,
            "recorded_at": first.recorded_at,
            "action": first.action,
            "actor_issuer": first.actor_issuer,
            "actor_sub": first.actor_sub,
            "actor_name": first.actor_name,
        },
    )
