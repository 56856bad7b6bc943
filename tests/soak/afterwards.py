"""`python -m tests.soak.afterwards`: a day later, what does the log say? JSON, on one line."""

import json

import django

django.setup()

from django.utils import timezone  # noqa: E402

from customers.audit.models import Change, Claim, Entry, JournalLine  # noqa: E402
from tests.faults.conftest import settle  # noqa: E402


def main():
    """lines: how many are still open. entries: each in order, with its values."""
    for _ in range(5):  # what is watched is looked at again after what was open is settled
        settle()
    Change.objects.filter(read_again_at__isnull=False).update(read_again_at=timezone.now())
    entries = [
        {
            "change": entry.change_id.hex,
            "action": entry.action,
            "customer": entry.customer_id,
            "field": entry.field,
            "outcome": entry.outcome,
            "evidence": entry.evidence,
            "who": entry.actor_sub,
            "old": str(entry.old),
            "new": str(entry.new),
        }
        for entry in Entry.objects.order_by("seq")
    ]
    still = JournalLine.objects.count() + Claim.objects.count()
    print(json.dumps({"lines": still, "entries": entries}))


if __name__ == "__main__":
    main()
