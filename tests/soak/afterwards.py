"""`python -m tests.soak.afterwards SEALS LOG`: a day later, what does the log say? On one line.

SEALS: the file that takes another seal before. LOG: the process log. Both must fit what it says.
"""

import io
import json
import sys

import django

django.setup()

from django.core.management import call_command  # noqa: E402
from django.utils import timezone  # noqa: E402

from customers.audit.models import Change, Claim, Entry, JournalLine  # noqa: E402
from tests.faults.conftest import settle  # noqa: E402


def main():
    """As JSON. lines: how many are still open. entries: each in order, with its values. verified:
    what `audit_verify` says.
    """
    seals, log = sys.argv[1:]
    call_command("audit_seal", to=seals, stdout=io.StringIO())
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
    verified = io.StringIO()
    call_command("audit_verify", "--seal", seals, "--log", log, stdout=verified)
    print(json.dumps({"lines": still, "entries": entries, "verified": verified.getvalue()}))


if __name__ == "__main__":
    main()
