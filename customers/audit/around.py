"""The changes around one: before and after it, of its customer and of each of its fields; the one
that it puts back, and those that put it back.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Max, Min, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce

from customers.audit import reverts
from customers.audit.models import Change, ChangedField, Entry, JournalLine

_NEWEST = 2**62  # a line that waits comes after all entries


class Near(NamedTuple):
    """A change as the lists have it. first: the row of its first field. fields: their names.
    outcome: of the whole change. actor_name: of its first entry.
    """

    first: ChangedField
    fields: list[str]
    outcome: str
    actor_name: str


@dataclass(frozen=True)
class Around:
    """earlier, later: the nearest changes of the same customer. earlier_of, later_of: field -> the
    nearest change of that field. put_back_by: those that put this one back or tried to, the
    newest first.
    """

    earlier: Near | None = None
    later: Near | None = None
    earlier_of: dict[str, UUID] = field(default_factory=dict)
    later_of: dict[str, UUID] = field(default_factory=dict)
    puts_back: Near | None = None
    put_back_by: list[Near] = field(default_factory=list)


def around(change: Change | JournalLine) -> Around:
    """The neighbours of a change with its entries. One query; nothing without a customer."""
    if not change.customer_id:
        return Around()
    seq, act = (change.seq, change.entries[0]) if isinstance(change, Change) else (_NEWEST, change)
    earlier_id = reverts.reverted_by(act)
    rows = _rows(change, seq, earlier_id)
    earlier = [row for row in rows if row.seq < seq]
    later = [row for row in rows if row.seq > seq]
    changes = _changes(rows)
    return Around(
        changes[earlier[0].change_id] if earlier else None,
        changes[later[-1].change_id] if later else None,
        {row.field: row.change_id for row in reversed(earlier)},
        {row.field: row.change_id for row in later},
        changes.get(earlier_id) if earlier_id else None,
        [changes[change_id] for change_id in dict.fromkeys(r.change_id for r in rows if r.reverts)],
    )


def _rows(change: Change | JournalLine, seq: int, earlier_id: UUID | None) -> list[Any]:
    """`ChangedField`s, newest first. of_all: its change's outcome; reverts: it reverts `change`."""
    rows = ChangedField.objects.filter(customer_id=change.customer_id)
    others = rows.exclude(change_id=change.pk)
    by_field = others.order_by().values("field")
    reverting = Q(change_id__in=reverts.of(change.pk))
    nearest = (
        Q(seq__in=by_field.filter(seq__lt=seq).annotate(end=Max("seq")).values("end"))
        | Q(seq__in=by_field.filter(seq__gt=seq).annotate(end=Min("seq")).values("end"))
        | reverting
    )
    if earlier_id:
        nearest |= Q(change_id=earlier_id)
    outcome = Change.objects.filter(pk=OuterRef("change_id")).values("outcome")
    of_all = Coalesce(Subquery(outcome), "outcome")  # somebody may have deleted that row
    who = Subquery(Entry.objects.filter(pk=OuterRef("pk")).values("actor_name"))
    return list(others.filter(nearest).annotate(of_all=of_all, who=who, reverts=reverting))


def _changes(rows: Iterable[Any]) -> dict[UUID, Near]:
    """change id -> the change. rows: the newest first."""
    groups: dict[UUID, list[Any]] = {}
    for row in rows:
        groups.setdefault(row.change_id, []).insert(0, row)
    return {
        change_id: Near(
            first, [row.field for row in (first, *others)], first.of_all, first.who or ""
        )
        for change_id, (first, *others) in groups.items()
    }
