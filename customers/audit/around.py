"""The changes before and after one: of its customer, and of each of its fields."""

from dataclasses import dataclass, field
from uuid import UUID

from django.db.models import Max, Min, Q

from customers.audit.filters import changes_of
from customers.audit.models import Change, ChangedField


@dataclass(frozen=True)
class Around:
    """earlier, later: the nearest changes of the same customer. earlier_of, later_of: field -> the
    nearest change of that field.
    """

    earlier: Change | None = None
    later: Change | None = None
    earlier_of: dict[str, UUID] = field(default_factory=dict)
    later_of: dict[str, UUID] = field(default_factory=dict)


def around(change_id: UUID, customer_id: str, seq: int) -> Around:
    """seq: of the change's first entry. Two queries; nothing without a customer."""
    if not customer_id:
        return Around()
    others = ChangedField.objects.filter(customer_id=customer_id).exclude(change_id=change_id)
    by_field = others.order_by().values("field")
    before = by_field.filter(seq__lt=seq).annotate(end=Max("seq")).values("end")
    after = by_field.filter(seq__gt=seq).annotate(end=Min("seq")).values("end")
    rows = list(others.filter(Q(seq__in=before) | Q(seq__in=after)))  # the newest first
    earlier = [row for row in rows if row.seq < seq]
    later = [row for row in rows if row.seq > seq]
    nearest = {row.change_id for row in (*later[-1:], *earlier[:1])}
    changes = {one.pk: one for one in changes_of([row for row in rows if row.change_id in nearest])}
    return Around(
        changes.get(earlier[0].change_id) if earlier else None,
        changes.get(later[-1].change_id) if later else None,
        {row.field: row.change_id for row in earlier},
        {row.field: row.change_id for row in later},
    )
