"""Reading the log: pages of changes, a customer's newest, a field's newest."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Max, OuterRef, Q, Subquery

from customers.access import Actor
from customers.audit import reverts, statements
from customers.audit.actions import OF_VALUES, Action, Evidence, Outcome
from customers.audit.models import (
    UNSETTLED,
    AccessEvent,
    Change,
    ChangeQuerySet,
    Entry,
    JournalLine,
    Missing,
    SavedView,
    VaultItem,
    actor_key,
)
from customers.audit.paging import PAGE, Page


def with_entries(changes: Iterable[Change], *, field: str = "") -> list[Change]:
    """The changes, each with its entries in order as `change.entries`; one query.

    Without a change that has no entry: somebody put its row in.
    """
    changes = list(changes)
    by_change: Mapping[UUID, list[Entry]] = defaultdict(list)
    for entry in entries_of([change.pk for change in changes], [field] if field else []):
        by_change[entry.change_id].append(entry)
    for change in changes:
        change.entries = by_change[change.pk]
    reverts.link(changes)
    return [change for change in changes if change.entries]


def entries_of(change_ids: Collection[UUID], fields: Collection[str] = ()) -> list[Entry]:
    """The entries of these changes in order; fields: of these alone."""
    if not change_ids:
        return []
    to_id = Entry._meta.get_field("change_id").get_db_prep_value
    ids = [to_id(change_id, connection) for change_id in change_ids]
    of_fields = f"AND entry.field IN ({', '.join(['%s'] * len(fields))})" if fields else ""
    query = f"""
        SELECT {statements.columns(Entry, "entry")}, {statements.columns(VaultItem, "item")}
        FROM customers_entry entry LEFT JOIN customers_vaultitem item ON item.seq = entry.seq
        WHERE entry.change_id IN ({", ".join(["%s"] * len(ids))}) {of_fields} ORDER BY entry.seq
    """  # noqa: S608 - only names and marks are put in
    with connection.cursor() as cursor:
        cursor.execute(query, [*ids, *fields])
        return [entry for row in cursor.fetchall() if (entry := entry_of(row)) is not None]


def entry_of(row: Sequence[Any]) -> Entry | None:
    """An entry with its item of the vault, from the columns of both; None if there is none.

    The item does not refer to its entry: a cycle would stay until the garbage collector runs.
    """
    width = len(Entry._meta.concrete_fields)
    entry, item = statements.row_of(Entry, row[:width]), statements.row_of(VaultItem, row[width:])
    if entry is not None:
        Entry._meta.get_field("item").set_cached_value(entry, item)
    return entry


def page(
    changes: ChangeQuerySet, *, before: int | None, size: int = PAGE, field: str = ""
) -> Page[Change]:
    """One page by keyset: never counted, and steady while the log grows."""
    older_ones = changes if before is None else changes.filter(seq__lt=before)
    rows = list(older_ones[: size + 1])
    older = rows[size - 1].seq if len(rows) > size else None
    return Page(with_entries(rows[:size], field=field), older)


def newest_change(customer_id: str) -> Change | None:
    """The last change of a customer's values that the log holds."""
    changes = Change.objects.of_customer(customer_id).filter(action__in=OF_VALUES)
    return next(iter(with_entries(changes[:1])), None)


def waiting(customer_id: str = "") -> list[JournalLine]:
    """The newest open lines, of one customer or of all.

    Read before the changes that stand beside them on a page: what is settled between the two looks
    is then shown twice, and not missed.
    """
    parameters = [customer_id] if customer_id else []
    of_customer = "WHERE customer_id = %s" if parameters else ""
    newest_ones = f"{of_customer} ORDER BY sent_at DESC LIMIT {PAGE}"
    return statements.rows(JournalLine, newest_ones, parameters)


def views_of(actor: Actor) -> list[SavedView]:
    """The saved views of a person, and those for everybody."""
    which = "WHERE is_shared OR (owner_issuer = %s AND owner_sub = %s) ORDER BY name, id"
    return statements.rows(SavedView, which, [actor.issuer, actor.sub])


@dataclass(frozen=True)
class Unsettled:
    """Changes without an outcome. waiting: no answer yet. changes: unclear, or still watched.

    more: there are others beside these.
    """

    waiting: list[JournalLine]
    changes: list[Change]
    more: bool


def unsettled(
    actor: Actor | None = None, *, action: Action | None = None, most: int | None = PAGE
) -> Unsettled:
    """Unsettled changes, unclear ones first, then the newest; actor: theirs only; action: of one
    sort only; most: of those that wait, and of the others; None for all.
    """
    watched = Q(outcome=Outcome.NOT_SEEN, read_again_at__isnull=False)
    visible = watched | Q(outcome=Outcome.UNCLEAR)
    changes = Change.objects.filter(UNSETTLED, visible).order_by("-outcome", "-seq")
    waiting = JournalLine.objects.order_by("-sent_at")
    if actor is not None:
        changes = changes.by(actor)
        waiting = waiting.filter(actor_issuer=actor.issuer, actor_sub=actor.sub)
    if action is not None:
        changes, waiting = changes.filter(action=action), waiting.filter(action=action)
    one_more = None if most is None else most + 1
    lines, rows = list(waiting[:one_more]), list(changes[:one_more])
    more = most is not None and max(len(lines), len(rows)) > most
    return Unsettled(lines[:most], with_entries(rows[:most]), more)


def creates_since(seq: int) -> list[Change]:
    """The creates whose first entry came after that one."""
    return with_entries(Change.objects.filter(action=Action.CREATE, seq__gt=seq))


def unseen_by_author(actor: Actor) -> list[Change]:
    """The person's changes that were settled without them, and that they have not been shown.

    There seldom is any, and every page asks: first in SQL.
    """
    query = (
        "SELECT EXISTS (SELECT 1 FROM customers_change WHERE actor_key = %s AND unseen_by_author)"
    )
    if not statements.planned(query, [actor_key(actor.issuer, actor.sub)])[0][0]:
        return []
    return with_entries(Change.objects.by(actor).filter(unseen_by_author=True)[:PAGE])


def mark_seen(changes: Iterable[Change]) -> None:
    """Note that their author has been shown the outcomes."""
    Change.objects.filter(pk__in=[change.pk for change in changes]).update(unseen_by_author=False)


def of_change(change_id: UUID) -> list[Entry]:
    """A change's entries in order."""
    return list(Entry.objects.filter(change_id=change_id).order_by("seq"))


def names_of(events: Iterable[AccessEvent]) -> dict[str, str]:
    """customer_id -> the last name of that customer in the log; without those it cannot name.

    One query.
    """
    one_each = {event.customer_id: event.pk for event in events if event.customer_id}
    entries = Entry.objects.filter(customer_id=OuterRef("customer_id"), action__in=OF_VALUES)
    last = Subquery(entries.order_by("-seq").values("seq")[:1])
    numbers = AccessEvent.objects.filter(pk__in=one_each.values()).order_by().values(last=last)
    last_entries = Entry.objects.filter(seq__in=numbers)
    labels = {entry.customer_id: entry.customer_label for entry in last_entries}
    return {number: name for number, name in labels.items() if not isinstance(name, Missing)}


def verdicts(entries: Iterable[Entry]) -> dict[str, Entry]:
    """field -> the entry with its outcome, from a change's entries in order.

    A form that was refused may be sent again with other fields: only its last sending counts, which
    all entries but a person's decision name by their request.
    """
    steps = [entry for entry in entries if entry.outcome != Outcome.STORED_AS]
    sendings = [entry.request_id for entry in steps if entry.evidence != Evidence.PERSON]
    return {
        entry.field: entry
        for entry in steps
        if entry.evidence == Evidence.PERSON or entry.request_id == sendings[-1]
    }


def newest(customer_id: str) -> int:
    """The number of a customer's newest entry, 0 if there is none."""
    query = "SELECT max(seq) FROM customers_entry WHERE customer_id = %s"
    return statements.planned(query, [customer_id])[0][0] or 0


def newest_by_field(customer_id: str, *, field: str = "") -> dict[str, Entry]:
    """For each field of a customer, or for one of them, the last entry that changed it."""
    return _newest(customer_id, (Outcome.APPLIED,), **({"field": field} if field else {}))


def newest_stored(customer_id: str) -> dict[str, Entry]:
    """The same, or the entry after it with the value as Club Med stored it; `Entry.value`."""
    return _newest(customer_id, (Outcome.APPLIED, Outcome.STORED_AS))


def _newest(customer_id: str, outcomes: Collection[Outcome], **about: str) -> dict[str, Entry]:
    of_values = Entry.objects.filter(action__in=OF_VALUES, outcome__in=outcomes)
    rows = of_values.filter(customer_id=customer_id, **about).order_by().values("field")
    newest = rows.annotate(last=Max("seq")).values("last")
    return {entry.field: entry for entry in Entry.objects.filter(seq__in=newest)}
