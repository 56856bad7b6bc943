"""What was typed into a form whose session had ended, kept until its person is back.

It waits sealed in the (now anonymous) session of the same browser, for 15 minutes. The form's own
token comes along: a page shows the text again only to the person that the token was made for.
"""

from django.contrib.sessions.backends.base import SessionBase
from django.http import QueryDict

from customers import form_token
from customers.access import Actor
from customers.session_encryption import decrypt_for_session, encrypt_for_session

_KEPT = "kept"
_SECONDS = 15 * 60
_MOST = 32 * 1024  # characters; a longer text is still given back on the answer's page


def keep(session: SessionBase, path: str, typed: QueryDict) -> bool:
    """Put a form's text aside under the path it was sent to; False if it is too long for that."""
    text = typed.urlencode()
    if len(text) > _MOST:
        return False
    session[_KEPT] = encrypt_for_session([path, text])
    return True


def take(session: SessionBase, path: str) -> QueryDict | None:
    """The text kept for this path, once."""
    if _KEPT not in session:
        return None
    kept = decrypt_for_session(session[_KEPT], max_age=_SECONDS)
    if kept is not None and kept[0] != path:
        return None
    del session[_KEPT]
    return None if kept is None else QueryDict(kept[1])


def take_own(session: SessionBase, path: str, *, actor: Actor, form: str) -> QueryDict | None:
    """The same, if the token in it was minted for this person and that form."""
    typed = take(session, path)
    own = typed is not None and form_token.read(typed.get("token", ""), actor=actor, form=form)
    return typed if own else None


def carry(before: SessionBase, after: dict[str, str]) -> None:
    """Take what is kept along when a sign-in starts the session anew."""
    if _KEPT in before:
        after[_KEPT] = before[_KEPT]
