"""The journal: a line for each change, written before a byte of it is sent.

A line is one change. Its claims make sure that a field of a customer is in one open line at most.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from customers.audit import chain, statements
from customers.audit.models import PERSONAL, Claim, Entry, Head, JournalLine
from customers.audit.statements import Statement
from customers.clubmed.profile import Json


class ClaimedError(Exception):
    """Somebody's line holds the field already; `line` is it."""

    def __init__(self, line: JournalLine) -> None:
        super().__init__("the field is being saved")
        self.line = line


class MovedOnError(Exception):
    """The field, or the change itself, got an entry since `read_at`: read again."""


def write(
    change_id: UUID,
    act: dict[str, Any],
    values: Mapping[str, tuple[Json, Json]],
    *,
    read_at: int,
) -> JournalLine:
    """Write the line and its claims, committed on their own unless in the caller's transaction.

    values: field -> (old, new). read_at: the log's position before anything was read.
    Raises ClaimedError or MovedOnError; then nothing was written and nothing may be sent.
    """
    now, patience = timezone.now(), settings.CLUBMED_DEADLINE
    columns = {name: value for name, value in act.items() if name not in PERSONAL}
    line = JournalLine(
        change_id=change_id, sent_at=now, deadline=now + timedelta(seconds=patience), **columns
    )
    line.encrypt({name: {"old": old, "new": new} for name, (old, new) in values.items()}, act)
    clock = {"sent_at": 0, "deadline": patience}
    claims = [
        Claim(line=line, customer_id=line.customer_id, field=name)
        for name in sorted(values)  # in one order, so that two writers cannot deadlock
        if line.customer_id  # a create claims nothing: there is no customer yet
    ]
    try:
        with transaction.atomic():
            *_, moved_on = statements.run(
                [
                    *statements.inserting([line], seconds_from_now=clock),
                    *statements.inserting(claims),
                    # After the claims: their former owner has committed its entries by now.
                    _newer_entry(line, read_at),
                ]
            )
            if moved_on:
                raise MovedOnError
    except IntegrityError:
        raise _obstacle(line) from None
    return line


def _obstacle(line: JournalLine) -> ClaimedError | MovedOnError:
    """Whose line is in the way; MovedOnError if its owner was done meanwhile."""
    of_fields = {"claims__customer_id": line.customer_id, "claims__field__in": line.fields}
    other = JournalLine.objects.filter(**of_fields).first()
    other = other or JournalLine.objects.filter(pk=line.pk).first()
    return ClaimedError(other) if other else MovedOnError()


def _newer_entry(line: JournalLine, read_at: int) -> Statement:
    """Has the change, or one of its fields, an entry after that number?

    In SQL: every save asks it, and the ORM takes twenty times longer to build it than it runs.
    """
    fields = ", ".join(["%s"] * len(line.values))
    query = (
        "SELECT 1 FROM customers_entry WHERE seq > %s AND"  # noqa: S608 - only marks are put in
        f" (change_id = %s OR (customer_id = %s AND field IN ({fields}))) LIMIT 1"
    )
    change_id = line._meta.pk.get_db_prep_save(line.change_id, connection)
    return query, [read_at, change_id, line.customer_id, *line.values]


def close(line: JournalLine) -> tuple[Head, bool]:
    """Lock the log's head and delete the line, in the transaction that appends its entries; the
    head, and was the line still there?
    """
    head = chain.lock()
    [_, closed] = statements.run(closing(line))
    return head, closed == 1


def closing(line: JournalLine) -> list[Statement]:
    """Delete the line's claims, and the line; under the log's lock."""
    return [
        statements.deleting(Claim, line_id=line.pk),
        statements.deleting(JournalLine, change_id=line.pk),
    ]


def overdue() -> QuerySet[JournalLine]:
    """The lines that nobody's call can still be working on, by the database's clock, oldest first.

    Without lines that were put back after they had been settled: those are never settled again.
    """
    grace = timedelta(seconds=settings.JOURNAL_GRACE)
    lines = JournalLine.objects.filter(~_SETTLED, deadline__lt=statements.now() - grace)
    return lines.order_by("deadline", "sent_at")


def put_back() -> list[str]:
    """A sentence for each open line that was settled before. A backup may have brought it back."""
    lines = JournalLine.objects.filter(_SETTLED).order_by("sent_at")
    return [
        f"the open line {line.pk} was settled before: somebody put it back, so delete it"
        for line in lines
    ]


# A form that was refused may be sent again under the same change, but by another request.
_SETTLED = Exists(
    Entry.objects.filter(change_id=OuterRef("pk"), request_id=OuterRef("request_id")).order_by()
)


def claimed_fields(customer_id: str) -> set[str]:
    """The fields of a customer that are on their way to Club Med."""
    claims = Claim.objects.filter(customer_id=customer_id)
    return set(claims.values_list("field", flat=True))
