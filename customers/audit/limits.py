"""How much one person may look at in a while, counted on the access events that are there anyway.

All workers count the same rows, so a limit holds however many of them there are.
"""

from datetime import datetime, timedelta
from typing import NamedTuple

from django.conf import settings
from django.db import connection
from django.utils import timezone

from customers.access import Actor
from customers.audit import statements
from customers.audit.access_events import CLOCKS_DIFFER, SAME
from customers.audit.models import Access, AccessEvent, actor_key

# Of what is limited: the limit's name, and the setting that says (how many, in which time).
_LIMITS = {
    Access.VIEW: ("views", "LIMIT_VIEWS"),
    Access.AUDIT: ("histories", "LIMIT_VIEWS"),  # customers' own timelines alone
    Access.SEARCH: ("searches", "LIMIT_SEARCHES"),
    Access.REVEAL: ("reveals", "LIMIT_REVEALS"),
}


class Reached(NamedTuple):
    """A limit that a person has reached. until: when they may look again."""

    name: str
    most: int
    within: timedelta
    until: datetime


def reached(kind: Access, *, actor: Actor, recorded: bool = False) -> Reached | None:
    """Is there no room for one more of that kind? recorded: it is counted already.

    Whoever asks before and after recording lets through no more than the limit, however many
    requests come at once.
    """
    name, setting = _LIMITS[kind]
    most, within = getattr(settings, setting)
    now = timezone.now()
    lately = AccessEvent.objects.order_by("-recorded_at").filter(
        actor_key=actor_key(actor.issuer, actor.sub),
        kind=kind,
        recorded_at__range=(now - within, now + CLOCKS_DIFFER),
    )
    if kind is Access.AUDIT:
        lately = lately.exclude(customer_id="")
    nth = most if recorded else most - 1
    oldest = lately.values_list("recorded_at", flat=True)[nth : nth + 1].first()
    return Reached(name, most, within, oldest + within) if oldest else None


def before_a_view(customer_id: str, *, actor: Actor) -> tuple[bool, bool]:
    """Is one more view the same as one that is recorded? And is there room for one that is not?

    In SQL: every page of a customer asks it.
    """
    (most, within), now = settings.LIMIT_VIEWS, timezone.now()
    mine = [actor_key(actor.issuer, actor.sub), Access.VIEW.value]
    recorded_at = AccessEvent._meta.get_field("recorded_at")
    then, same, until = (
        recorded_at.get_db_prep_save(time, connection)
        for time in (now - within, now - SAME, now + CLOCKS_DIFFER)
    )
    of_person = "FROM customers_accessevent WHERE actor_key = %s AND kind = %s"
    query = f"""
        SELECT EXISTS (
            SELECT 1 {of_person} AND customer_id = %s AND field = '' AND change_id IS NULL
                AND recorded_at BETWEEN %s AND %s
        ), EXISTS (
            SELECT 1 {of_person} AND recorded_at BETWEEN %s AND %s
            ORDER BY recorded_at DESC LIMIT 1 OFFSET %s
        )"""
    is_same, is_full = statements.asked(
        query, [*mine, customer_id, same, until, *mine, then, until, most - 1]
    )
    return bool(is_same), not is_full


def has_viewed(customer_id: str, *, actor: Actor, lately: bool) -> bool:
    """Is a view of this customer by this person recorded? lately: so that another is the same."""
    views = AccessEvent.objects.filter(
        kind=Access.VIEW,
        customer_id=customer_id,
        actor_key=actor_key(actor.issuer, actor.sub),
    )
    if lately:
        views = views.filter(recorded_at__gte=timezone.now() - SAME)
    return views.exists()
