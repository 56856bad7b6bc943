"""What to tell a person when something was not done.

Order of the words: what happened; what was or was not stored; what to do now.
"""

from dataclasses import dataclass

from django.conf import settings

from customers.clubmed import errors
from customers.services.forget import NotWrittenError
from customers.services.outcomes import NotRecordedError


@dataclass(frozen=True)
class Message:
    """What to tell a person."""

    status: int
    title: str
    text: str
    icon: str = "alert-circle"
    tone: str = "bad"


NO_SUCH_CUSTOMER = Message(
    404,
    "No such customer at Club Med.",
    "Check the number: Club Med knows nobody by it.",
    "users",
    "warn",
)
FORBIDDEN = Message(
    403,
    "You may not read or change this profile at Club Med.",
    "Nothing was changed. Club Med decides who may: ask your supervisor.",
    "lock",
    "warn",
)
UNAUTHORIZED = Message(
    503,
    "The connection to Club Med needs renewing.",
    "Nothing was changed. Tell the people who run this site: Club Med no longer takes its key.",
    "plug-connected-x",
)
NO_ANSWER = Message(
    503,
    "Club Med does not answer.",
    "Nothing was sent. What you typed is kept: save again in a moment.",
    "plug-connected-x",
)
CANNOT_READ = Message(
    503,
    "Club Med does not answer.",
    "This could not be read now. Nothing is lost: try again in a moment.",
    "plug-connected-x",
)
NO_TOKEN = Message(
    503,
    "The connection to Club Med cannot be made.",
    "Its sign-in does not answer. Nothing was sent. What you typed is kept: save again soon.",
    "plug-connected-x",
)
CANNOT_READ_WITHOUT_TOKEN = Message(
    503,
    "The connection to Club Med cannot be made.",
    "Its sign-in does not answer. Nothing is lost: try again in a moment.",
    "plug-connected-x",
)
NOT_RECORDED = Message(
    503,
    "Our own record cannot be written at this moment.",
    "Nothing was sent to Club Med. What you typed is kept: save again in a moment.",
    "plug-connected-x",
)
NOT_REVEALED = Message(
    503,
    "Nothing was revealed: it could not be recorded.",
    "Who sees such a value is written down before it is shown. Try again in a moment.",
    "plug-connected-x",
)
MAY_NOT_SEARCH = Message(
    403,
    "You may not search for customers at Club Med.",
    "Type a customer number: that opens the customer without a search.",
    "lock",
    "warn",
)
BUSY = Message(
    503,
    "Club Med is asked too much at this moment.",
    "Nothing was changed. What you typed is kept: try again in a moment.",
    "hourglass",
    "warn",
)
NOT_ERASED = Message(
    503,
    "Our own record cannot be written at this moment.",
    "Nothing was erased. Try again in a moment.",
    "plug-connected-x",
)
NO_TOMBSTONE = Message(
    503,
    "The list of those who were forgotten cannot be written.",
    "Nothing was erased. Tell the people who run this site: AUDIT_TOMBSTONES.",
)
REFUSED = Message(
    502,
    "Club Med refused this request.",
    "Nothing was changed. Try again, and tell the people who run this site if it stays so.",
)


def not_done(exc: Exception, *, reading: bool = False) -> Message:
    """What to say when nothing of what was asked landed at Club Med. reading: nor was to.

    Raises what only a new sign-in can mend: the way to it keeps what was typed, wherever that was.
    """
    if needs_sign_in(exc):
        raise exc
    match exc:
        case NotRecordedError():
            return NOT_RECORDED
        case NotWrittenError():
            return NO_TOMBSTONE
        case errors.NotFoundError():
            return NO_SUCH_CUSTOMER
        case errors.ForbiddenError():
            return FORBIDDEN
        case errors.UnauthorizedError() | errors.TokenRefusedError():
            return UNAUTHORIZED
        case errors.BusyError():
            return BUSY
        case errors.NoTokenError():
            return CANNOT_READ_WITHOUT_TOKEN if reading else NO_TOKEN
        case errors.NotSentError() | errors.NoAnswerError():
            return CANNOT_READ if reading else NO_ANSWER
        case _:
            return REFUSED


def needs_sign_in(exc: Exception) -> bool:
    """Is it the person's own token that Club Med does not take, or that is no longer good?"""
    is_own = settings.CLUBMED_AUTH == "employee"
    refused = is_own and isinstance(exc, errors.UnauthorizedError)
    return refused or isinstance(exc, errors.SignInNeededError)
