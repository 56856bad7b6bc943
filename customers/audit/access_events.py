"""Access events: who viewed, searched, revealed or exported what, and who came in, left or was
refused. Plain inserts beside the chain, without a lock.
"""

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar

from django.db import DatabaseError, connection
from django.db.models import QuerySet
from django.utils import timezone

from customers.access import Actor
from customers.audit import paging, statements
from customers.audit.models import Access, AccessEvent, Colleague, Purpose, actor_key
from customers.audit.statements import Statement

logger = logging.getLogger(__name__)
# Of these, what one person repeats within ten minutes counts as one.
_COUNTED_ONCE = (
    *(Access.VIEW, Access.EXPIRED, Access.SIGN_IN_FAILED, Access.REFUSED, Access.FORGED_FORM),
    Access.LIMITED,
)
SAME = timedelta(minutes=10)
CLOCKS_DIFFER = timedelta(minutes=1)  # between workers, at most


def record(kind: Access, *, actor: Actor, request_id: str, **about: Any) -> None:
    """Record an access before it happens. Raises DatabaseError: then it must not happen.

    about: customer_id, field, change_id, purpose, query, and address: the caller's, of what happens
    at the door.
    """
    statements.insert([_event(kind, actor, request_id, **about)])
    logger.info("recorded", extra={"kind": str(kind)})


def note(
    kind: Access, *, actor: Actor, request_id: str, same: timedelta = SAME, **about: Any
) -> bool:
    """Record an access that happens even if that fails; then the process log says so. Returns
    whether it was recorded.

    about: customer_id, field, change_id and address, as of `record`. Views of one customer by one
    person within ten minutes are recorded once, and so is what somebody repeats at the door from
    one address.
    """
    event = _event(kind, actor, request_id, **about)
    try:
        if kind in _COUNTED_ONCE:
            like_it = _like(event, actor, same)
            if statements.run([statements.inserting_unless(event, like_it)]) == [0]:
                return False
        else:
            statements.insert([event])
    except DatabaseError as exc:  # its text may hold values
        logger.error("%s: %s is not recorded: %s", request_id, kind, type(exc).__name__)
        return False
    logger.info("recorded", extra={"kind": str(kind)})
    return True


def _event(
    kind: Access,
    actor: Actor,
    request_id: str,
    *,
    purpose: Purpose | None = None,
    **about: Any,
) -> AccessEvent:
    return AccessEvent(
        recorded_at=timezone.now(),
        kind=kind,
        **actor.columns,
        actor_key=actor_key(actor.issuer, actor.sub),
        request_id=request_id,
        purpose=purpose or "",
        **about,
    )


def lately(kind: Access, actor: Actor, since: timedelta) -> tuple[str, list[Any]]:
    """SQL behind FROM, and its parameters: a person's events of one kind, `since` ago at most."""
    now, recorded_at = timezone.now(), AccessEvent._meta.get_field("recorded_at")
    times = (now - since, now + CLOCKS_DIFFER)
    range_of = [recorded_at.get_db_prep_save(time, connection) for time in times]
    person = [actor_key(actor.issuer, actor.sub), kind.value]
    rows = (
        "customers_accessevent WHERE actor_key = %s AND kind = %s AND recorded_at BETWEEN %s AND %s"
    )
    return rows, [*person, *range_of]


def _like(event: AccessEvent, actor: Actor, since: timedelta) -> Statement:
    """A query for events that this one repeats, `since` ago at most."""
    rows, parameters = lately(Access(event.kind), actor, since)
    key = AccessEvent._meta.get_field("change_id").get_db_prep_save(event.change_id, connection)
    of_change, of_key = ("= %s", [key]) if event.change_id else ("IS NULL", [])
    about = f"customer_id = %s AND field = %s AND address = %s AND change_id {of_change}"
    parameters += [event.customer_id, event.field, event.address, *of_key]
    return f"SELECT 1 FROM {rows} AND {about}", parameters  # noqa: S608


def viewed_by(actor: Actor) -> QuerySet[AccessEvent]:
    """Whom a person viewed, newest first."""
    of_person = AccessEvent.objects.filter(actor_key=actor_key(actor.issuer, actor.sub))
    return of_person.filter(kind=Access.VIEW).exclude(customer_id="").order_by("-recorded_at")


@dataclass(frozen=True)
class AccessFilter(paging.Filter[AccessEvent]):
    """people: keys as `actor_key` gives them. kinds: words of `Access`. fields, purposes:
    they select reveals alone.
    """

    people: tuple[int, ...] = ()
    customers: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    purposes: tuple[str, ...] = ()

    model = AccessEvent
    key = "id"
    columns: ClassVar = {"customers": "customer_id", "people": "actor_key", "kinds": "kind"}
    out_of_order = CLOCKS_DIFFER

    @property
    def is_indexed(self) -> bool:
        return not self._of_reveals and super().is_indexed

    @property
    def _of_reveals(self) -> dict[str, Any]:
        choices = {"field__in": self.fields, "purpose__in": self.purposes}
        filters = {name: values for name, values in choices.items() if values}
        return {"kind": Access.REVEAL, **filters} if filters else {}

    def rows(self) -> "QuerySet[AccessEvent]":
        rows = super().rows().filter(**self._of_reveals)
        if self.since:
            rows = rows.filter(recorded_at__gte=self.since)
        return rows.filter(recorded_at__lt=self.until) if self.until else rows


def know(actor: Actor, login: str) -> None:
    """Note how the company knows this person, so that two of one name can be told apart."""
    if login:
        key = actor_key(actor.issuer, actor.sub)
        Colleague.objects.update_or_create(key=key, defaults={"login": login})


def people() -> list[tuple[int, str, str]]:
    """Who has access events: (key, name as it was last, login or else identifier) each.

    In SQL: from one person to the next in the index.
    """
    table = "customers_accessevent"
    steps = paging.STEPS.format(table=table, column="actor_key")
    names = paging.PEOPLE.format(rows=table, key="id", table=table)
    with connection.cursor() as cursor:
        cursor.execute(f"WITH RECURSIVE {steps} {names}")
        return [(int(key), name, sub) for _, key, name, sub in cursor.fetchall()]
