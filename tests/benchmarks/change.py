"""Changes as the desk records them every day: by invented agents, of invented customers."""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any
from uuid import UUID

from customers.audit.actions import Action, Flag
from customers.clubmed.profile import Json

FIELD = "email"
ISSUER = "https://login.example.com/realms/desk"
YEARS = 2  # of a log, up to yesterday
_CUSTOMERS = 2_000
_FIRST_NAMES = ("Inès", "Owen", "Mei-Ling", "Tomás", "Béatriz", "Alexandra", "Jean-Baptiste", "Lea")
_LAST_NAMES = ("Moreau", "Whitfield", "Chao", "Echeverría", "Van der Berg")
_STAFF = [" ".join(names) for names in product(_FIRST_NAMES, _LAST_NAMES)]
_REASONS = ("", "", "Customer called", "Customer asked by e-mail", "Seen on the passport")
_CITIES = ("Lyon", "São Paulo", "Bruxelles", "Annecy", "Marseille")
_DAY = (timedelta(hours=8), timedelta(hours=11))  # when work begins, and how long it lasts


def value() -> str:
    """25 characters."""
    return f"{random.randrange(10**13):013}@example.com"


def _phones() -> Json:
    numbers = [f"+336{random.randrange(10**8):08}" for _ in range(random.randint(1, 3))]
    return [{"number": number, "type": "MOBILE"} for number in numbers]


def _address() -> Json:
    street = {"number": str(random.randrange(1, 200)), "street": "rue des Lilas"}
    return street | {"zip_code": f"{random.randrange(10**5):05}", "city": random.choice(_CITIES)}


def _optins() -> Json:
    return [
        {"channel": channel, "optin": random.random() < 0.5}
        for channel in ("EMAIL", "SMS", "WHATSAPP")
    ]


def _one_of(*words: Json) -> Callable[[], Json]:
    return lambda: random.choice(words)


# field -> how often of a hundred it is the one that is changed, and a value of it
_FIELDS: dict[str, tuple[int, Callable[[], Json]]] = {
    FIELD: (24, value),
    "phones": (20, _phones),
    "address": (14, _address),
    "optins": (12, _optins),
    "last_name": (6, _one_of(*_LAST_NAMES)),
    "first_name": (5, _one_of(*_FIRST_NAMES)),
    "birthdate": (5, lambda: f"19{random.randint(50, 99)}-0{random.randint(1, 9)}-12"),
    "language_code": (4, _one_of("fr", "en", "pt", "nl")),
    "civility": (3, _one_of("MR", "MS")),
    "birth_city": (3, _one_of(*_CITIES)),
    "personal_data_usage_allowed": (2, _one_of(True, False)),
    "second_name": (2, _one_of(*_FIRST_NAMES)),
}
_OF_A_CREATE = list(_FIELDS)[:8]


def values(action: Action) -> dict[str, tuple[Json, Json]]:
    """field -> (old, new): of a create several, else one, sometimes two."""
    if action is Action.CREATE:
        return {name: (None, _FIELDS[name][1]()) for name in _OF_A_CREATE}
    weights = [weight for weight, _ in _FIELDS.values()]
    names = random.choices(list(_FIELDS), weights, k=1 + (random.random() < 0.1))
    return {name: (_FIELDS[name][1](), _FIELDS[name][1]()) for name in names}


def change_id() -> UUID:
    return UUID(int=random.getrandbits(128), version=4)


def customer(number: int | None = None) -> str:
    """Some customer, 0 the one who is changed most; or that one."""
    number = int(_CUSTOMERS * random.random() ** 2) if number is None else number
    return str(123_000_000 + number)


def agent(number: int | None = None) -> dict[str, str]:
    """Somebody of the staff of 40, or that one, as an act or an access event names them."""
    number = random.randrange(len(_STAFF)) if number is None else number
    return {
        "actor_issuer": ISSUER,
        "actor_sub": f"staff-{1000 + number}",
        "actor_name": _STAFF[number],
        "actor_roles": "agent",
    }


def request_id() -> str:
    return f"{random.getrandbits(48):012x}"


def act(action: Action = Action.CHANGE) -> dict[str, Any]:
    """The shared columns of `customers.audit.models.Act`; one in a hundred has a flag."""
    is_flagged = random.random() < 0.01
    return {
        "action": action.value,
        "customer_id": customer(),
        "customer_label": f"{random.choice(_FIRST_NAMES)} {random.choice(_LAST_NAMES)}",
        **agent(),
        "reason": random.choice(_REASONS),
        "locale": "en-US",
        "request_id": request_id(),
        "flags": random.choice((Flag.FORCED_ADDRESS, Flag.REVERTS)).value if is_flagged else "",
    }


def time_at(part: float) -> datetime:
    """When that part of a log was recorded, from 0 to 1: on every day, in the hours of work."""
    days, rest = divmod(min(part, 0.999999) * 365 * YEARS, 1)
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    begins, lasts = _DAY
    return today + timedelta(days=days - 365 * YEARS) + begins + rest * lasts
