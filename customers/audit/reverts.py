"""Which change puts back which: the later one names the earlier one in `Entry.reverts`."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from customers.audit.models import Act, Change, Entry


def link(changes: Iterable[Change]) -> None:
    """Give each change the one that it reverts, as `change.reverted`; one query if any does."""
    earlier_ids = {
        change: change_id
        for change in changes
        if change.entries and (change_id := reverted_by(change.entries[0]))
    }
    earlier = Change.objects.in_bulk([*earlier_ids.values()]) if earlier_ids else {}
    for change, change_id in earlier_ids.items():
        change.reverted = earlier.get(change_id)


def of(change_id: UUID) -> Any:
    """The ids of the changes that revert this one, as a query."""
    # By the partial index, which the second condition asks for.
    naming = Entry.objects.filter(reverts=change_id.hex).exclude(reverts="")
    return naming.order_by().values("change_id")


def reverted_by(act: Act) -> UUID | None:
    """The change that an act puts back; None also if somebody altered it so that it is no id."""
    try:
        return UUID(act.reverts)
    except ValueError:
        return None
