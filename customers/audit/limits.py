"""How much one person may look at in a while, counted on the access events that are there anyway.

All workers count the same rows, so a limit holds however many of them there are.
"""

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.conf import settings
from django.utils import timezone

from customers.access import Actor
from customers.audit import statements
from customers.audit.access_events import SAME, lately, viewed_by
from customers.audit.models import Access

# The name of each limit, and the setting with its (count, period).
_LIMITS = {
    Access.VIEW: ("views", "LIMIT_VIEWS"),
    Access.AUDIT: ("histories", "LIMIT_VIEWS"),  # customers' own timelines alone
    Access.SEARCH: ("searches", "LIMIT_SEARCHES"),
    Access.REVEAL: ("reveals", "LIMIT_REVEALS"),
}


class ReachedLimit(NamedTuple):
    """A limit that a person has reached. until: when they may look again."""

    name: str
    most: int
    within: timedelta
    until: datetime


def reached_limit(kind: Access, *, actor: Actor, is_recorded: bool = False) -> ReachedLimit | None:
    """The limit that one more event of that kind would exceed, None if there is room.

    is_recorded: the event is counted already. Ask before and after recording: then no more than the
    limit get through, however many requests come at once.
    """
    name, setting = _LIMITS[kind]
    most, within = getattr(settings, setting)
    query, parameters = _nth(kind, actor, most if is_recorded else most - 1, within)
    [(nth,)] = statements.planned(f"SELECT ({query})", parameters)
    oldest = statements.time_of(nth)
    return ReachedLimit(name, most, within, oldest + within) if oldest else None


def before_a_view(customer_id: str, *, actor: Actor) -> tuple[bool, bool]:
    """Does one more view repeat a recorded one? Is there room for one that does not?"""
    most, within = settings.LIMIT_VIEWS
    rows, parameters = lately(Access.VIEW, actor, SAME)
    nth, of_nth = _nth(Access.VIEW, actor, most - 1, within)
    same = f"SELECT 1 FROM {rows} AND customer_id = %s AND field = '' AND change_id IS NULL"  # noqa: S608
    query = f"SELECT EXISTS ({same}), EXISTS ({nth})"
    [(is_same, is_full)] = statements.planned(query, [*parameters, customer_id, *of_nth])
    return bool(is_same), not is_full


def _nth(kind: Access, actor: Actor, nth: int, within: timedelta) -> tuple[str, list[Any]]:
    """SQL for the time of the nth newest event of that kind, 0 being the newest."""
    rows, parameters = lately(kind, actor, within)
    some = " AND customer_id <> ''" if kind is Access.AUDIT else ""
    order = "ORDER BY recorded_at DESC LIMIT 1 OFFSET %s"
    return f"SELECT recorded_at FROM {rows}{some} {order}", [*parameters, nth]  # noqa: S608


def has_viewed(customer_id: str, *, actor: Actor, lately: bool) -> bool:
    """Has this person viewed this customer? lately: so recently that another view repeats it."""
    views = viewed_by(actor).filter(customer_id=customer_id)
    if lately:
        views = views.filter(recorded_at__gte=timezone.now() - SAME)
    return views.exists()
