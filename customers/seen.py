"""The profile that a person was shown, kept for a quarter of an hour.

So an editor opens without asking Club Med, on the very value that the person saw. It lies sealed in
the cache under the person's session; when it is gone, the profile is read again.
"""

from django.contrib.sessions.backends.base import SessionBase
from django.core.cache import cache

from customers.clubmed.profile import Profile
from customers.sealed import seal, unseal

_SECONDS = 15 * 60


def _key(session: SessionBase, customer_id: str) -> str:
    return f"seen:{session.session_key}:{customer_id}"


def remember(session: SessionBase, profile: Profile) -> None:
    cache.set(_key(session, profile.customer_id), seal(dict(profile.values)), _SECONDS)


def recall(session: SessionBase, customer_id: str) -> Profile | None:
    sealed = cache.get(_key(session, customer_id))
    values = unseal(sealed, max_age=_SECONDS) if sealed else None
    return None if values is None else Profile(customer_id, values)


def forget(session: SessionBase, customer_id: str) -> None:
    """What was shown no longer holds: the next look asks Club Med."""
    cache.delete(_key(session, customer_id))
