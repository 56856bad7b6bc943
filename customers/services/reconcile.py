"""Settle changes that got no answer although nobody opens their customer.

Runs on a timer, in any number of processes: a line is settled by whoever deletes it.
"""

import logging
import random
from dataclasses import dataclass
from itertools import islice

from django.utils import timezone

from customers.audit import journal
from customers.audit.actions import Outcome
from customers.audit.models import Change, JournalLine
from customers.audit.projections import WATCH
from customers.services.outcomes import NotSaved, SaidNo
from customers.services.read import read_profile
from customers.services.settle import give_up, give_up_creates

logger = logging.getLogger(__name__)
_AT_ONCE = 500  # lines, and changes, of one run
_PATIENCE = 3  # failures in a row after which Club Med counts as down


@dataclass(frozen=True)
class Remaining:
    """The changes that a run could not settle. answered: Club Med answered to the end."""

    open: int
    watched: int
    unclear: int
    answered: bool


def reconcile() -> Remaining:
    """Read once each customer with a change that is due, which settles what the profile shows."""
    give_up_creates()
    failures = 0
    for customer_id in _due():
        try:
            read_profile(customer_id, actor=None)
            failures = 0
        except SaidNo:
            _cannot_be_read(customer_id)
            failures = 0
        except NotSaved as exc:
            logger.warning("a customer cannot be read: %s", type(exc).__name__)
            failures += 1
            if failures == _PATIENCE:
                break
    return Remaining(
        open=JournalLine.objects.count(),
        watched=Change.objects.filter(read_again_at__isnull=False).count(),
        unclear=Change.objects.filter(outcome=Outcome.UNCLEAR).count(),
        answered=failures < _PATIENCE,
    )


def _due() -> list[str]:
    """The customers to read, in random order: a few that Club Med never shows must not end every
    run before the others are read.
    """
    readable = (line.customer_id for line in journal.overdue().iterator() if line.is_readable)
    overdue = islice(filter(None, readable), _AT_ONCE)
    watched = Change.objects.filter(read_again_at__lte=timezone.now()).exclude(customer_id="")
    oldest = watched.order_by("read_again_at").values_list("customer_id", flat=True)[:_AT_ONCE]
    due = list({*overdue, *oldest})
    random.shuffle(due)
    return due


def _cannot_be_read(customer_id: str) -> None:
    """After a day of refusals stop asking: open lines become unclear, for a person to settle."""
    long_ago = timezone.now() - WATCH
    give_up(journal.overdue().filter(customer_id=customer_id, sent_at__lt=long_ago))
    watched = Change.objects.of_customer(customer_id).filter(read_again_at__isnull=False)
    watched.update(read_again_at=timezone.now() + WATCH)
    watched.filter(recorded_at__lt=long_ago).update(read_again_at=None)
