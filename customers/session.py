"""What a person's session remembers, encrypted: for a quarter of an hour, but for the reason.

- The profile that the person was shown, in the cache: an editor opens without a call.
- The text of a form whose session had ended, in the now anonymous session of the same browser.
- What somebody searched for, under a random handle: an address names it without holding it.
- Why the customer who is open is being changed, until another is opened or the session ends.
"""

import secrets

from django.contrib.sessions.backends.base import SessionBase
from django.core.cache import cache
from django.core.exceptions import RequestDataTooBig
from django.http import QueryDict

from customers.audit import reading
from customers.clubmed.profile import Profile
from customers.session_encryption import decrypt_for_session, encrypt_for_session

_SECONDS = 15 * 60
_LONGEST_FORM = 32 * 1024  # characters; a longer text is still given back on the answer's page
_LONGEST_SEARCH = 8 * 1024
_MOST_SEARCHES = 10  # of one session; the oldest leave
_FORM, _SEARCHES, _REASON = "kept", "searches", "reason"


def remember_shown(session: SessionBase, profile: Profile) -> None:
    """Remember the profile as it was shown now."""
    shown = [reading.newest(profile.customer_id), dict(profile.values)]
    cache.set(_key(session, profile.customer_id), encrypt_for_session(shown), _SECONDS)


def shown_profile(
    session: SessionBase, customer_id: str, *, current: bool = True
) -> Profile | None:
    """The profile that was shown last, None if it is gone.

    current: only if nobody has changed the customer from here since, in whatever process.
    """
    encrypted = cache.get(_key(session, customer_id))
    shown = decrypt_for_session(encrypted, max_age=_SECONDS) if encrypted else None
    if shown is None or (current and shown[0] != reading.newest(customer_id)):
        return None
    return Profile(customer_id, shown[1])


def forget_shown(session: SessionBase, customer_id: str) -> None:
    """After a save the next read asks Club Med."""
    cache.delete(_key(session, customer_id))


def _key(session: SessionBase, customer_id: str) -> str:
    return f"seen:{session.session_key}:{customer_id}"


def put_aside(session: SessionBase, path: str, typed: QueryDict) -> bool:
    """Put a form's text aside under the path it was sent to; False if it is too long for that."""
    text = typed.urlencode()
    if len(text) > _LONGEST_FORM:
        return False
    session[_FORM] = encrypt_for_session([path, text])
    return True


def take_back(session: SessionBase, path: str) -> QueryDict | None:
    """The text put aside for this path, once. Whose it is, its form's token says."""
    if _FORM not in session:
        return None
    found = decrypt_for_session(session[_FORM], max_age=_SECONDS)
    if found is not None and found[0] != path:
        return None
    del session[_FORM]
    return None if found is None else QueryDict(found[1])


def carry_over(before: SessionBase, after: dict[str, str]) -> None:
    """Keep what was put aside when a sign-in starts the session anew."""
    if _FORM in before:
        after[_FORM] = before[_FORM]


def remember_search(session: SessionBase, typed: QueryDict) -> str:
    """The handle of what was typed. Raises RequestDataTooBig: it is no search of ours."""
    text = typed.urlencode()
    if len(text) > _LONGEST_SEARCH:
        raise RequestDataTooBig
    handle = secrets.token_urlsafe(16)
    searches = {**session.get(_SEARCHES, {}), handle: encrypt_for_session(text)}
    session[_SEARCHES] = dict(list(searches.items())[-_MOST_SEARCHES:])
    return handle


def search_of(session: SessionBase, handle: str) -> QueryDict | None:
    """What was searched for; None if it is gone, or was never of this session."""
    encrypted = session.get(_SEARCHES, {}).get(handle)
    text = decrypt_for_session(encrypted, max_age=_SECONDS) if encrypted else None
    return None if text is None else QueryDict(text)


def keep_reason(session: SessionBase, customer_id: str, reason: str) -> None:
    """Keep why this customer is being changed, "" for no reason; that of any other is gone."""
    session[_REASON] = encrypt_for_session([customer_id, reason])


def reason_of(session: SessionBase, customer_id: str) -> str:
    """Why this customer is being changed, in the person's own words; "" if they did not say."""
    encrypted = session.get(_REASON)
    kept = decrypt_for_session(encrypted, max_age=None) if encrypted else None
    return str(kept[1]) if kept is not None and kept[0] == customer_id else ""


def drop_reason_of_others(session: SessionBase, customer_id: str) -> None:
    """This customer is opened: the reason for changing another does not hold any longer."""
    if _REASON in session and not reason_of(session, customer_id):
        del session[_REASON]
