"""Who looked: plain inserts beside the chain, without a lock.

A reveal, an export and a report happen only if they are recorded; a view goes on without.
"""

import logging
from datetime import timedelta

from django.db import DatabaseError
from django.utils import timezone

from customers.access import Actor
from customers.audit import rows
from customers.models import Access, AccessEvent, Purpose

logger = logging.getLogger(__name__)
_ONE_LOOK = timedelta(minutes=10)  # views of one customer by one person within it count as one


def record(
    kind: Access,
    *,
    actor: Actor,
    request_id: str,
    customer_id: str = "",
    field: str = "",
    purpose: Purpose | None = None,
) -> None:
    """Record a look before it is given. Raises DatabaseError: then it must not be."""
    rows.insert([_event(kind, actor, request_id, customer_id, field, purpose)])


def note(kind: Access, *, actor: Actor, request_id: str, customer_id: str = "") -> None:
    """Record a look that goes on even if this fails; the process log says so then.

    One page of one customer's, looked at again within ten minutes, is one look.
    """
    try:
        if kind is not Access.VIEW or not _viewed_just_now(actor, customer_id):
            rows.insert([_event(kind, actor, request_id, customer_id)])
    except DatabaseError as exc:  # its text may hold values
        logger.error("%s: %s is not recorded: %s", request_id, kind, type(exc).__name__)


def _viewed_just_now(actor: Actor, customer_id: str) -> bool:
    return AccessEvent.objects.filter(
        kind=Access.VIEW,
        customer_id=customer_id,
        actor_issuer=actor.issuer,
        actor_sub=actor.sub,
        recorded_at__gt=timezone.now() - _ONE_LOOK,
    ).exists()


def _event(
    kind: Access,
    actor: Actor,
    request_id: str,
    customer_id: str,
    field: str = "",
    purpose: Purpose | None = None,
) -> AccessEvent:
    return AccessEvent(
        recorded_at=timezone.now(),
        kind=kind,
        actor_issuer=actor.issuer,
        actor_sub=actor.sub,
        actor_name=actor.name,
        actor_roles=", ".join(actor.roles),
        customer_id=customer_id,
        field=field,
        purpose=purpose or "",
        request_id=request_id,
    )
