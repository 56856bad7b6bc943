"""The projections: tables that lists are made of and filtered by, made of the entries alone.

`audit_verify` compares them with the entries, and `audit_rebuild` makes them anew.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import timedelta
from operator import attrgetter
from typing import Any
from uuid import UUID

from django.db import DataError, connection
from django.db.models import Exists, OuterRef, Q

from customers.audit import chain, statements
from customers.audit.actions import Action, Evidence, Outcome
from customers.audit.models import Change, ChangedField, Entry, by_field
from customers.audit.reading import of_change, verdicts
from customers.audit.statements import Statement

# How long Club Med is asked again about a change: it may show late, or never.
WATCH = timedelta(days=1)
FIRST_READ = timedelta(minutes=1)  # after a change; a page that is open reads at once
# Which outcome stands for a change whose fields came out differently.
_GRAVEST = ("unclear", "not_seen", "not_applied", "refused", "applied")
_ANSWERS = (Evidence.ANSWER, Evidence.NO_CALL)  # its author saw it at once
_SENT_ACTIONS = (Action.CHANGE, Action.CREATE)
_REBUILD = "audit_rebuild makes them anew"
_BATCH = 1_000  # entries
# Columns that follow from the entries; when to read again and what its author saw do not.
_OF_NONE = ("read_again_at", "unseen_by_author")
_OF_A_CHANGE, _OF_A_FIELD = (
    [column.attname for column in model._meta.concrete_fields if column.name not in _OF_NONE]
    for model in (Change, ChangedField)
)


def adding(entries: Sequence[Entry], *, unseen_by_author: bool) -> list[Statement]:
    """Insert the rows of a new change; nothing if the change has rows. The last statement's count
    tells: 1 for a new change, else 0.
    """
    change, fields = rows_of(entries)
    change.unseen_by_author = unseen_by_author
    key = Change._meta.pk.get_db_prep_save(change.change_id, connection)
    query = ("SELECT 1 FROM customers_change WHERE change_id = %s", [key])
    return [statements.inserting_unless(row, query) for row in (*fields, change)]


def update(change_id: UUID, *, unseen_by_author: bool) -> None:
    """Bring a change's rows up to date with entries that were just inserted; in a transaction."""
    change, fields = rows_of(of_change(change_id))
    change.unseen_by_author = True
    unseen = ["unseen_by_author"] if unseen_by_author else []  # a later entry makes none seen
    statements.update(change, "outcome", "customer_id", "read_again_at", *unseen)
    ChangedField.objects.bulk_create(
        fields,
        update_conflicts=True,
        unique_fields=["seq"],
        update_fields=["outcome", "flags", "customer_id"],
    )


def rows_of(entries: Sequence[Entry]) -> tuple[Change, list[ChangedField]]:
    """The rows of one change, from all its entries in order."""
    first, last = entries[0], entries[-1]
    outcomes = {entry.outcome for entry in verdicts(entries).values()}
    common = {
        "change_id": first.change_id,
        "customer_id": last.customer_id,
        "action": first.action,
    }
    change = Change(
        **common,
        seq=first.seq,
        recorded_at=first.recorded_at,
        outcome=next((outcome for outcome in _GRAVEST if outcome in outcomes), last.outcome),
        actor_key=first.actor_key,
        read_again_at=last.recorded_at + FIRST_READ if _to_be_seen(entries) else None,
    )
    fields = [
        ChangedField(
            **common,
            seq=history.first.seq,
            field=history.first.field,
            recorded_at=history.first.recorded_at,
            outcome=history.verdict.outcome,
            flags=history.entries[-1].flags,
            actor_key=history.first.actor_key,
            request_id=history.first.request_id,
        )
        for history in by_field(entries)
    ]
    return change, fields


def _to_be_seen(entries: Sequence[Entry]) -> bool:
    """Is there a field whose outcome no read of the profile has confirmed yet?"""
    last = {entry.field: entry for entry in entries}.values()
    return entries[0].action in _SENT_ACTIONS and any(
        entry.outcome == Outcome.NOT_SEEN
        or (entry.outcome == Outcome.APPLIED and entry.evidence == Evidence.ANSWER)
        for entry in last
    )


# All of them --------------------------------------------------------------------------------------


def _by_change(change_ids: Iterable[UUID]) -> dict[UUID, list[Entry]]:
    """The entries of these changes, in order."""
    by_change: dict[UUID, list[Entry]] = {}
    entries = Entry.objects.select_related(None).filter(change_id__in=change_ids)
    for entry in entries.order_by("seq"):
        by_change.setdefault(entry.change_id, []).append(entry)
    return by_change


def faults(change_ids: Collection[str]) -> Iterator[str]:
    """Which of these changes, ids in hex, are not projected as their entries say; in words."""
    if _are_projected(change_ids):
        return
    for change_id in change_ids:
        # Entries and rows are read one after the other: an append in between is no fault.
        if not (_are_projected([change_id]) or _are_projected([change_id])):
            yield f"change {change_id}: the lists do not show it as its entries say: {_REBUILD}"


def _are_projected(change_ids: Iterable[str]) -> bool:
    try:
        by_change = _by_change(map(UUID, change_ids))
        expected = [rows_of(entries) for entries in by_change.values()]
        numbers = [entry.seq for entries in by_change.values() for entry in entries]
        changes = Change.objects.filter(Q(pk__in=by_change) | Q(seq__in=numbers))
        fields = ChangedField.objects.filter(pk__in=numbers)
        return (
            set(changes.values_list(*_OF_A_CHANGE)),
            set(fields.values_list(*_OF_A_FIELD)),
        ) == (
            set(map(attrgetter(*_OF_A_CHANGE), (change for change, _ in expected))),
            set(map(attrgetter(*_OF_A_FIELD), (row for _, fields in expected for row in fields))),
        )
    except (DataError, ValueError, TypeError):  # what is no id and no time for Python
        return False


def stray_faults() -> Iterator[str]:
    """Rows of no entry, in words."""
    for model in (Change, ChangedField):
        for key in _strays(model):
            yield f"{model._meta.db_table} holds a row of no entry, {key}: {_REBUILD}"


def _strays(model: type[Change] | type[ChangedField]) -> Any:
    column = "change_id" if model is Change else "seq"
    of_none = ~Exists(Entry.objects.filter(**{column: OuterRef("pk")}).order_by())
    return model._default_manager.filter(of_none).order_by("pk").values_list("pk", flat=True)


def rebuild(progress: Callable[[int, int], None] = lambda seq, last: None) -> None:
    """Make all rows anew in batches, beside the workers. May be ended and begun again.

    A change whose row was lost counts as unseen by its author. progress: called with the number of
    the entry reached, and the last.
    """
    seq, last = chain.oldest() - 1, chain.position()
    while seq < last:
        with statements.batch():
            chain.lock()
            oldest = Entry.objects.filter(seq__gt=seq).order_by("seq")
            batch = list(oldest.values_list("seq", "change_id")[:_BATCH])
            if not batch:
                break
            _rebuild({change_id for _, change_id in batch})
        seq = batch[-1][0]
        progress(seq, last)
    with statements.batch():
        chain.lock()
        for model in (Change, ChangedField):
            model._default_manager.filter(pk__in=list(_strays(model))).delete()


def _rebuild(change_ids: Collection[UUID]) -> None:
    by_change = _by_change(change_ids)
    numbers = [entry.seq for entries in by_change.values() for entry in entries]
    former = Change.objects.in_bulk(list(by_change))
    Change.objects.filter(Q(pk__in=by_change) | Q(seq__in=numbers)).delete()
    ChangedField.objects.filter(pk__in=numbers).delete()
    for entries in by_change.values():
        change, fields = rows_of(entries)
        if row := former.get(change.pk):
            change.read_again_at = row.read_again_at
            change.unseen_by_author = row.unseen_by_author
        else:
            is_settled = entries[-1].evidence not in _ANSWERS
            change.unseen_by_author = is_settled and change.action in _SENT_ACTIONS
        statements.insert([change, *fields])
