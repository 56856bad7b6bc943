"""What is remembered of a person, encrypted: for a quarter of an hour where nothing else is said.

- The profile that the person was shown, in the cache: an editor opens without a call.
- What the customers are called whom the person opened, in the cache: until the sign-in is over.
- What somebody searched for, under a random handle: an address names it without holding it.
- What the person typed and gave up for the value of whoever was quicker, in the cache.
- The text of forms whose session had ended, one a form's address, for the same browser.
- Why the customer who is open is being changed, until another is opened or the session ends.
"""

import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.core.cache import cache
from django.core.exceptions import RequestDataTooBig
from django.db import DatabaseError
from django.http import QueryDict
from django.utils import timezone

from customers.audit import reading
from customers.audit.models import Remembered
from customers.clubmed.profile import Json, Profile
from customers.services.session_encryption import decrypt_for_session, digest, encrypt_for_session

OWN = "own"  # member of a session: random, of this sign-in alone, under whatever key it goes on
_SECONDS = 15 * 60
_LONGEST_FORM = 32 * 1024  # characters; a longer text is still given back on the answer's page
_LONGEST_SEARCH = 8 * 1024
_MOST = 10  # searches of one session: the oldest leave; forms of one browser: no more are kept
_REASON = "reason"


def remember_profile(session: SessionBase, profile: Profile, newest: int) -> None:
    """Remember the profile as it was shown now. newest: the number of the customer's newest entry
    as of then.
    """
    content = [newest, dict(profile.values)]
    _put(_own(session, "shown", profile.customer_id), content, _SECONDS)


def shown_profile(
    session: SessionBase, customer_id: str, *, current: bool = True
) -> Profile | None:
    """The profile that was shown last, None if it is gone.

    current: only if nobody has changed the customer from here since, in whatever process.
    """
    content = _get(_own(session, "shown", customer_id), _SECONDS)
    if not content or (current and content[0] != reading.newest(customer_id)):
        return None
    return Profile(customer_id, content[1])


def forget_profile(session: SessionBase, customer_id: str) -> None:
    """After a change whose outcome the log does not hold yet: the next editor asks Club Med."""
    cache.delete(digest(_own(session, "shown", customer_id)))


def remember_name(session: SessionBase, customer_id: str, name: str) -> None:
    """Remember what a customer is called who was opened: an access event does not say it."""
    _put(_own(session, "name", customer_id), name, settings.SESSION_COOKIE_AGE)


def name_of(session: SessionBase, customer_id: str) -> str:
    """What that customer was called; "" if it is gone."""
    return str(_get(_own(session, "name", customer_id), settings.SESSION_COOKIE_AGE) or "")


def remember_given_up(session: SessionBase, customer_id: str, values: Mapping[str, Json]) -> None:
    """Remember values that were not sent. values: field -> value, as its editor gave it."""
    _put(_own(session, "given up", customer_id), dict(values), _SECONDS)


def given_up(session: SessionBase, customer_id: str) -> dict[str, Json]:
    """Those of the last form of this customer where somebody else's values were kept."""
    return dict(_get(_own(session, "given up", customer_id), _SECONDS) or {})


def _own(session: SessionBase, what: str, customer_id: str) -> str:
    """The key of what this sign-in remembers of a customer."""
    return f"{what} {session.get(OWN, '')} {customer_id}"


def _put(key: str, value: Any, seconds: int) -> None:
    """Keep a JSON value in the cache."""
    cache.set(digest(key), encrypt_for_session(value, bound_to=key), seconds)


def _get(key: str, seconds: int) -> Any:
    """That value; None if it is gone."""
    encrypted = cache.get(digest(key))
    return encrypted and decrypt_for_session(encrypted, max_age=seconds, bound_to=key)


def put_aside(browser: str, path: str, form: QueryDict) -> bool:
    """Put a form's text aside under the path it was sent to; can it be taken back?

    browser: what it is known by, "" if nobody ever signed in there.
    """
    text = form.urlencode()
    if not browser or len(text) > _LONGEST_FORM:
        return False
    key = f"typed {browser} {path}"
    rows = Remembered.objects.filter(owner=digest(browser), ends_at__gt=timezone.now())
    try:
        if rows.exclude(pk=digest(key)).count() >= _MOST:  # each of them was promised
            return False
        _remember(browser, key, text)
    except DatabaseError:
        return False
    return True


def has_put_aside(browser: str) -> bool:
    """Is there text of any form for this browser?"""
    rows = Remembered.objects.filter(owner=digest(browser), ends_at__gt=timezone.now())
    return bool(browser) and rows.exists()


def take_back(browser: str, path: str) -> QueryDict | None:
    """The draft put aside for this path, once. The token in its form says whose it is."""
    key = f"typed {browser} {path}"
    text = _remembered(key) if browser else None
    if text is None:
        return None
    Remembered.objects.filter(pk=digest(key)).delete()
    return QueryDict(text)


def remember_search(session: SessionBase, query: QueryDict) -> str:
    """The handle of a search. Raises RequestDataTooBig: it is no search of ours."""
    text = query.urlencode()
    if len(text) > _LONGEST_SEARCH:
        raise RequestDataTooBig
    handle = secrets.token_urlsafe(16)
    own = session.get(OWN, "")
    of_owner = Remembered.objects.filter(owner=digest(own)).order_by("-ends_at")
    surplus = list(of_owner.values_list("pk", flat=True)[_MOST - 1 :])
    Remembered.objects.filter(pk__in=surplus).delete()
    _remember(own, f"search {own} {handle}", text)
    return handle


def search_of(session: SessionBase, handle: str) -> QueryDict | None:
    """What was searched for; None if it is gone, or was never of this session."""
    text = _remembered(f"search {session.get(OWN, '')} {handle}")
    return None if text is None else QueryDict(text)


def forget_searches(session: SessionBase) -> None:
    """Of a session that ends."""
    Remembered.objects.filter(owner=digest(session.get(OWN, ""))).delete()


def sweep() -> None:
    """Delete what is too old."""
    Remembered.objects.filter(ends_at__lt=timezone.now()).delete()


def _remember(owner: str, key: str, text: str) -> None:
    """Each in a row of its own: two requests at once do not know of each other."""
    sweep()
    row = Remembered(
        key_digest=digest(key),
        owner=digest(owner),
        encrypted=encrypt_for_session(text, bound_to=key),
        ends_at=timezone.now() + timedelta(seconds=_SECONDS),
    )
    Remembered.objects.bulk_create(
        [row],
        update_conflicts=True,
        unique_fields=["key_digest"],
        update_fields=["encrypted", "ends_at"],
    )


def _remembered(key: str) -> str | None:
    row = Remembered.objects.filter(pk=digest(key)).first()
    if row is None:
        return None
    text: str | None = decrypt_for_session(row.encrypted, max_age=_SECONDS, bound_to=key)
    return text


def keep_reason(session: SessionBase, customer_id: str, reason: str) -> None:
    """Keep why this customer is being changed, "" for no reason; that of any other is gone."""
    session[_REASON] = [customer_id, reason]


def reason_of(session: SessionBase, customer_id: str) -> str:
    """Why this customer is being changed, in the person's own words; "" if they did not say."""
    number, reason = session.get(_REASON, ("", ""))
    return str(reason) if number == customer_id else ""


def drop_reason_of_others(session: SessionBase, customer_id: str) -> None:
    """This customer is opened: the reason for changing another does not hold any longer."""
    if _REASON in session and not reason_of(session, customer_id):
        del session[_REASON]
