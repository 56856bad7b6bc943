"""Reading the log: pages of changes, a customer's newest, a field's newest."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Max

from customers.models import Change, ChangeQuerySet, Entry, Outcome

PAGE = 50  # changes
_TRAIL = 8  # changes beside a record


@dataclass(frozen=True)
class Page:
    """A run of changes, newest first. older: where the next page starts, None on the last."""

    changes: list[Change]
    older: int | None


def with_entries(changes: Iterable[Change], *, field: str = "") -> list[Change]:
    """The changes, each with its entries in order as `change.entries`; one query."""
    changes = list(changes)
    found: Mapping[UUID, list[Entry]] = defaultdict(list)
    entries = Entry.objects.filter(change_id__in=[change.pk for change in changes])
    if field:
        entries = entries.filter(field=field)
    for entry in entries.order_by("seq"):
        found[entry.change_id].append(entry)
    for change in changes:
        change.entries = found[change.pk]  # type: ignore[attr-defined]
    return changes


def page(changes: ChangeQuerySet, *, before: int | None, size: int = PAGE, field: str = "") -> Page:
    """One page by keyset: never counted, and steady while the log grows."""
    found = list(changes.before(before)[: size + 1])
    older = found[size - 1].seq if len(found) > size else None
    return Page(with_entries(found[:size], field=field), older)


def trail(customer_id: str) -> Page:
    """A customer's newest changes, to stand beside the record."""
    return page(Change.objects.of_customer(customer_id), before=None, size=_TRAIL)


def newest(customer_id: str) -> int:
    """The number of a customer's newest entry, 0 if there is none."""
    numbers = Entry.objects.filter(customer_id=customer_id).order_by("-seq")
    return numbers.values_list("seq", flat=True).first() or 0


def newest_by_field(customer_id: str) -> dict[str, Entry]:
    """For each field of a customer, the last entry that changed it."""
    applied = Entry.objects.filter(customer_id=customer_id, outcome=Outcome.APPLIED)
    newest = applied.order_by().values("field").annotate(last=Max("seq")).values("last")
    return {entry.field: entry for entry in Entry.objects.filter(seq__in=newest)}
