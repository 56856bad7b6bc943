"""Who may be the person whom somebody is about to create: a customer of Club Med, or a create that
is not settled.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import product
from typing import Any
from uuid import UUID

from customers import wording
from customers.audit import reading
from customers.audit.actions import Action, Outcome
from customers.catalogue.compare import is_empty
from customers.catalogue.fields import FIELDS
from customers.catalogue.names import full_name
from customers.catalogue.phones import same_number
from customers.clubmed.profile import Json, parse_phones

_COMPARED = ("first_name", "last_name", "birthdate", "phones", "email", "address")


@dataclass(frozen=True)
class Duplicate:
    """Somebody who may be the same person.

    values: field -> value, as a search gave them, or as they were sent. customer_id: "" for
    a create that is not settled; then change_id, actor_name and at say which, whose and when.
    """

    values: Mapping[str, Json]
    customer_id: str = ""
    change_id: UUID | None = None
    actor_name: str = ""
    at: datetime | None = None

    @property
    def key(self) -> str:
        """What a form names this duplicate by."""
        return self.customer_id or str(self.change_id)

    @property
    def name(self) -> str:
        return full_name(self.values) or str(wording.UNNAMED)


def unsettled_creates(values: Mapping[str, Json], *, since: int | None = None) -> list[Duplicate]:
    """Unsettled creates that share an e-mail address, a phone, or last name and date of birth.

    since: also those that were settled after that entry.
    """
    unsettled = reading.unsettled(action=Action.CREATE, most=None)
    creates = [
        Duplicate(line.new_values, "", line.change_id, line.actor_name, line.sent_at)
        for line in unsettled.waiting
    ]
    changes = unsettled.changes
    if since is not None:
        changes = changes + reading.creates_since(since)
    for change in changes:
        sent = {entry.field: entry.new for entry in change.entries}
        number = change.customer_id if change.outcome == Outcome.APPLIED else ""
        origin = (change.change_id, change.actor_name, change.recorded_at)
        creates.append(Duplicate(sent, number, *origin))
    pairs = [(create, _agreeing(values, create.values)) for create in creates]
    both = {"last_name", "birthdate"}
    return [create for create, same in pairs if same & {"email", "phones"} or both <= same]


def likeliest_first(values: Mapping[str, Json], duplicates: Iterable[Duplicate]) -> list[Duplicate]:
    return sorted(duplicates, key=lambda duplicate: -len(_agreeing(values, duplicate.values)))


def compared(typed: Mapping[str, Json], duplicates: Iterable[Duplicate]) -> list[dict[str, Any]]:
    """The typed values beside those of each duplicate, a line a field.

    cells: the value of each duplicate in words, and is it the same?
    """
    sides = [(other.values, _agreeing(typed, other.values)) for other in duplicates]
    return [
        {
            "label": FIELDS[name].label,
            "typed": FIELDS[name].text(typed.get(name)),
            "cells": [(FIELDS[name].text(side.get(name)), name in same) for side, same in sides],
        }
        for name in _COMPARED
    ]


def _agreeing(person: Mapping[str, Json], somebody: Mapping[str, Json]) -> set[str]:
    """The fields that both have with the same meaning; of phones, one in common is enough."""
    names = [name for name in _COMPARED if not is_empty(person.get(name))]
    same = {name for name in names if FIELDS[name].same(person[name], somebody.get(name))}
    phones = (parse_phones(values.get("phones")) or () for values in (person, somebody))
    if any(same_number(phone.number, other.number) for phone, other in product(*phones)):
        same.add("phones")
    return same
