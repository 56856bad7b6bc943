"""Who may be the person whom somebody is about to create: a customer of Club Med's, or a create
that is not settled.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from customers.audit import reading
from customers.audit.actions import Action
from customers.catalogue.compare import fold, is_empty, raw_text
from customers.catalogue.fields import FIELDS
from customers.clubmed.profile import Json, member, parse_phones
from customers.services.search_terms import has_phone

_COMPARED = ("first_name", "last_name", "birthdate", "phones", "email")


@dataclass(frozen=True)
class Twin:
    """Somebody who may be the same person.

    values: as Club Med's search gave them, or as they were sent. customer_id: "" for a create that
    is not settled; then change_id, actor_name and at say which, whose and when.
    """

    values: Mapping[str, Json]
    customer_id: str = ""
    change_id: UUID | None = None
    actor_name: str = ""
    at: datetime | None = None

    @property
    def key(self) -> str:
        """One string that is this twin and no other."""
        return self.customer_id or str(self.change_id)

    @property
    def name(self) -> str:
        names = (raw_text(self.values.get(key)) for key in ("first_name", "last_name"))
        return " ".join(filter(None, names)) or "Unnamed customer"


@dataclass(frozen=True)
class Cell:
    """A twin's value. same: is it what was typed?"""

    text: str
    same: bool


@dataclass(frozen=True)
class Line:
    """One field of all who are compared."""

    label: str
    typed: str
    cells: list[Cell]


def unsettled(values: Mapping[str, Json]) -> list[Twin]:
    """Unsettled creates of who may be this person."""
    found = reading.unsettled(action=Action.CREATE, most=None)
    creates = [
        Twin(line.new_values, "", line.change_id, line.actor_name, line.sent_at)
        for line in found.waiting
    ]
    for change in found.changes:
        sent = {entry.field: entry.new for entry in change.entries}
        creates.append(Twin(sent, "", change.change_id, change.actor_name, change.recorded_at))
    return [twin for twin in creates if look_alike(values, twin.values)]


def look_alike(mine: Mapping[str, Json], theirs: Mapping[str, Json]) -> bool:
    """By e-mail address, by phone, or by last name and date of birth."""
    same = agreeing(mine, theirs)
    return bool(same & {"email", "phones"}) or {"last_name", "birthdate"} <= same


def agreeing(mine: Mapping[str, Json], theirs: Mapping[str, Json]) -> set[str]:
    """The fields that are there in both and mean the same; one phone in common will do."""
    return {
        name
        for name in _COMPARED
        if not is_empty(mine.get(name)) and _same(name, mine[name], theirs.get(name))
    }


def _same(name: str, mine: Json, theirs: Json) -> bool:
    if name == "phones":
        return any(has_phone(theirs, phone.number) for phone in parse_phones(mine) or ())
    return FIELDS[name].same(mine, theirs)


def likeliest_first(mine: Mapping[str, Json], twins: Iterable[Twin]) -> list[Twin]:
    return sorted(twins, key=lambda twin: -len(agreeing(mine, twin.values)))


def compared(mine: Mapping[str, Json], twins: Iterable[Twin]) -> list[Line]:
    """What was typed beside what each of them holds."""
    twins = list(twins)
    lines = [
        Line(
            FIELDS[name].label,
            FIELDS[name].text(mine.get(name)),
            [
                Cell(FIELDS[name].text(twin.values.get(name)), name in agreeing(mine, twin.values))
                for twin in twins
            ],
        )
        for name in _COMPARED
    ]
    city = _city(mine)
    cells = [Cell(text, bool(city) and fold(text) == fold(city)) for text in map(_city_of, twins)]
    return [*lines, Line("City", city, cells)]


def _city_of(twin: Twin) -> str:
    return _city(twin.values)


def _city(values: Mapping[str, Json]) -> str:
    return raw_text(member(values, "address.city"))
