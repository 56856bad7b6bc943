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
    found = reading.unsettled(action=Action.CREATE, most=None)
    creates = [
        Duplicate(line.new_values, "", line.change_id, line.actor_name, line.sent_at)
        for line in found.waiting
    ]
    changes = found.changes
    if since is not None:
        changes = changes + reading.creates_since(since)
    for change in changes:
        sent = {entry.field: entry.new for entry in change.entries}
        number = change.customer_id if change.outcome == Outcome.APPLIED else ""
        made = (change.change_id, change.actor_name, change.recorded_at)
        creates.append(Duplicate(sent, number, *made))
    shared = [(one, _agreeing(values, one.values)) for one in creates]
    both = {"last_name", "birthdate"}
    return [one for one, same in shared if same & {"email", "phones"} or both <= same]


def likeliest_first(mine: Mapping[str, Json], found: Iterable[Duplicate]) -> list[Duplicate]:
    return sorted(found, key=lambda one: -len(_agreeing(mine, one.values)))


def compared(mine: Mapping[str, Json], found: Iterable[Duplicate]) -> list[dict[str, Any]]:
    """What was typed beside what each of them holds, a line a field.

    cells: of each duplicate its value in words, and is it the same?
    """
    theirs = [(one.values, _agreeing(mine, one.values)) for one in found]
    return [
        {
            "label": FIELDS[name].label,
            "typed": FIELDS[name].text(mine.get(name)),
            "cells": [(FIELDS[name].text(one.get(name)), name in same) for one, same in theirs],
        }
        for name in _COMPARED
    ]


def _agreeing(mine: Mapping[str, Json], theirs: Mapping[str, Json]) -> set[str]:
    """What both have and what means the same; of phones, one in common is enough."""
    there = [name for name in _COMPARED if not is_empty(mine.get(name))]
    same = {name for name in there if FIELDS[name].same(mine[name], theirs.get(name))}
    phones = (parse_phones(values.get("phones")) or () for values in (mine, theirs))
    if any(same_number(one.number, other.number) for one, other in product(*phones)):
        same.add("phones")
    return same
