"""Access events: who viewed, searched, revealed or exported what. Plain inserts beside the chain,
without a lock.
"""

import logging
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import DatabaseError
from django.utils import timezone

from customers.access import Actor
from customers.audit import statements
from customers.audit.models import Access, AccessEvent, Purpose

logger = logging.getLogger(__name__)
_SAME_VIEW = timedelta(minutes=10)  # repeated views within it count as one
_CLOCKS_DIFFER = timedelta(minutes=1)  # between workers, at most


def record(
    kind: Access,
    *,
    actor: Actor,
    request_id: str,
    customer_id: str = "",
    field: str = "",
    change_id: UUID | None = None,
    purpose: Purpose | None = None,
) -> None:
    """Record an access before it is given. Raises DatabaseError: then it must not be given."""
    event = AccessEvent(
        recorded_at=timezone.now(),
        kind=kind,
        actor_issuer=actor.issuer,
        actor_sub=actor.sub,
        actor_name=actor.name,
        actor_roles=", ".join(actor.roles),
        customer_id=customer_id,
        field=field,
        change_id=change_id,
        purpose=purpose or "",
        request_id=request_id,
    )
    statements.insert([event])


def note(
    kind: Access,
    *,
    actor: Actor,
    request_id: str,
    customer_id: str = "",
    change_id: UUID | None = None,
) -> None:
    """Record an access that is given even if it cannot be recorded; the process log says so then.

    Views of one customer by one person within ten minutes are recorded once.
    """
    now = timezone.now()
    same_views = AccessEvent.objects.filter(
        kind=Access.VIEW,
        customer_id=customer_id,
        change_id=change_id,
        actor_issuer=actor.issuer,
        actor_sub=actor.sub,
        recorded_at__range=(now - _SAME_VIEW, now + _CLOCKS_DIFFER),
    )
    try:
        if kind is not Access.VIEW or not same_views.exists():
            whom: dict[str, Any] = {"customer_id": customer_id, "change_id": change_id}
            record(kind, actor=actor, request_id=request_id, **whom)
    except DatabaseError as exc:  # its text may hold values
        logger.error("%s: %s is not recorded: %s", request_id, kind, type(exc).__name__)
