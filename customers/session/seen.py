"""The profile that a person was shown, kept for a quarter of an hour.

So an editor opens without asking Club Med, on the very value that the person saw. It lies sealed in
the cache under the person's session; when it is gone, the profile is read again.
"""

from django.contrib.sessions.backends.base import SessionBase
from django.core.cache import cache

from customers.audit import reading
from customers.clubmed.profile import Profile
from customers.session_encryption import decrypt_for_session, encrypt_for_session

_SECONDS = 15 * 60


def _key(session: SessionBase, customer_id: str) -> str:
    return f"seen:{session.session_key}:{customer_id}"


def remember(session: SessionBase, profile: Profile) -> None:
    newest = reading.newest(profile.customer_id)
    sealed = encrypt_for_session([newest, dict(profile.values)])
    cache.set(_key(session, profile.customer_id), sealed, _SECONDS)


def recall(session: SessionBase, customer_id: str, *, current: bool = True) -> Profile | None:
    """What was shown, None if it is gone.

    current: only if nobody has changed the customer from here since, in whatever process.
    """
    sealed = cache.get(_key(session, customer_id))
    held = decrypt_for_session(sealed, max_age=_SECONDS) if sealed else None
    if held is None or (current and held[0] != reading.newest(customer_id)):
        return None
    return Profile(customer_id, held[1])


def forget(session: SessionBase, customer_id: str) -> None:
    """What was shown no longer holds: the next look asks Club Med."""
    cache.delete(_key(session, customer_id))
