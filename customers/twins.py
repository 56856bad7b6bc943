"""Creates that are not settled, and may be of the person whom somebody is about to create."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from customers.audit import queries
from customers.clubmed.profile import Json
from customers.fields import FIELDS
from customers.kinds import is_empty
from customers.models import Action


@dataclass(frozen=True)
class Twin:
    """An unsettled create of what may be the same person."""

    change_id: UUID
    actor_name: str
    at: datetime


def twins(values: Mapping[str, Json]) -> list[Twin]:
    """Unsettled creates with the same e-mail address, or the same name and date of birth."""
    unsettled = queries.unsettled(action=Action.CREATE, most=None)
    found = [
        (Twin(line.change_id, line.actor_name, line.sent_at), line.new_values)
        for line in unsettled.waiting
    ]
    found += [
        (
            Twin(change.change_id, change.actor_name, change.recorded_at),
            {entry.field: entry.new for entry in change.entries},
        )
        for change in unsettled.changes
    ]
    return [twin for twin, theirs in found if same_person(values, theirs)]


def same_person(mine: Mapping[str, Json], theirs: Mapping[str, Json]) -> bool:
    """By e-mail address, or by name and date of birth."""

    def same(*names: str) -> bool:
        return all(
            not is_empty(mine.get(name)) and FIELDS[name].same(mine.get(name), theirs.get(name))
            for name in names
        )

    return same("email") or same("first_name", "last_name", "birthdate")
