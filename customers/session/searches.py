"""What somebody looked for, kept so that an address can name it without holding it.

It lies sealed in the person's session under a random handle, for 15 minutes: Back works, and the
address tells nobody else anything.
"""

import secrets

from django.contrib.sessions.backends.base import SessionBase
from django.core.exceptions import RequestDataTooBig
from django.http import QueryDict

from customers.session_encryption import decrypt_for_session, encrypt_for_session

_KEPT = "searches"
_SECONDS = 15 * 60
_LONGEST = 8 * 1024  # characters
_MOST = 10  # of one session; the oldest leave


def keep(session: SessionBase, typed: QueryDict) -> str:
    """The handle of what was typed. Raises RequestDataTooBig: it is no search of ours."""
    text = typed.urlencode()
    if len(text) > _LONGEST:
        raise RequestDataTooBig
    handle = secrets.token_urlsafe(16)
    kept = {**session.get(_KEPT, {}), handle: encrypt_for_session(text)}
    session[_KEPT] = dict(list(kept.items())[-_MOST:])
    return handle


def recall(session: SessionBase, handle: str) -> QueryDict | None:
    """What was typed; None if it is gone, or was never of this session."""
    sealed = session.get(_KEPT, {}).get(handle)
    text = decrypt_for_session(sealed, max_age=_SECONDS) if sealed else None
    return None if text is None else QueryDict(text)
