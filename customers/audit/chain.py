"""The order of the log: gapless numbers, and a clock that never runs backwards.

The head row is locked before anything else in the appending transaction, so that two appends
cannot take one number. Digests and the signed head belong here.
"""

from datetime import datetime

from django.db import connection
from django.db.transaction import TransactionManagementError
from django.utils import timezone

from customers.models import Head


def position() -> int:
    """The number of the newest entry, 0 before the first."""
    return Head.objects.values_list("seq", flat=True).filter(pk=1).first() or 0


def advance(count: int) -> tuple[range, datetime]:
    """Take the next `count` numbers and the time to record with them; inside a transaction."""
    if not connection.in_atomic_block:
        raise TransactionManagementError("the log grows inside a transaction only")
    head, _ = Head.objects.select_for_update().get_or_create(
        pk=1, defaults={"recorded_at": timezone.now()}
    )
    first = head.seq + 1
    head.seq += count
    head.recorded_at = max(timezone.now(), head.recorded_at)
    head.save(update_fields=["seq", "recorded_at"])
    return range(first, first + count), head.recorded_at
