"""A change as the desk records it every day: one field, an invented agent, an invented customer."""

import random
from typing import Any
from uuid import UUID

from customers.audit.actions import Action

FIELD = "email"
_CUSTOMERS = 40_000
_AGENTS = ("Inès Moreau", "Owen Whitfield", "Mei-Ling Chao", "Tomás Echeverría")
_NAMES = ("Tom", "Béatriz", "Alexandra", "Jean-Baptiste", "Lea")
_SURNAMES = ("Durand", "Van der Berg", "Echeverría", "Li", "Whitfield")


def value() -> str:
    """25 characters."""
    return f"{random.randrange(10**13):013}@example.com"


def change_id() -> UUID:
    return UUID(int=random.getrandbits(128), version=4)


def act() -> dict[str, Any]:
    """The shared columns of `customers.audit.models.Act`."""
    customer, agent = random.randrange(_CUSTOMERS), random.randrange(len(_AGENTS))
    return {
        "action": Action.CHANGE,
        "customer_id": str(123_000_000 + customer),
        "customer_label": f"{random.choice(_NAMES)} {random.choice(_SURNAMES)}",
        "actor_issuer": "https://login.example.com/realms/desk",
        "actor_sub": f"staff-{1000 + agent}",
        "actor_name": _AGENTS[agent],
        "actor_roles": "agent",
        "reason": "",
        "locale": "en-US",
        "request_id": f"{random.getrandbits(128):032x}",
    }
