"""What can come of a verb: `Saved`, or one of the `NotSaved`, each with what people are told.

Order of the words: what happened; what was or was not stored; what to do now.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings

from customers.audit.models import JournalLine
from customers.clubmed import errors
from customers.clubmed.errors import ClubMedError, FieldError
from customers.clubmed.profile import Json, Profile
from customers.services.duplicates import Duplicate


@dataclass(frozen=True)
class Saved:
    """A change that Club Med took. values: field -> what was sent; empty if all was so already."""

    change_id: UUID
    customer_id: str
    values: Mapping[str, Json]


class NotSaved(Exception):
    """status: of the HTTP answer. title, text: the sentences. icon, tone: how a notice looks.

    is_about_form: it is told inside the form that was sent, not above the page.
    """

    status = 503
    is_about_form = False
    title = ""
    text = ""
    icon = "plug-connected-x"
    tone = "bad"


# Club Med says no


class SaidNo(NotSaved):
    """Club Med answered that it does not do it."""

    icon = "alert-circle"


@dataclass(eq=False)
class Refused(SaidNo):
    """It refuses what was sent. description: in its words, or "". errors: one a field, or none."""

    status = 422
    is_about_form = True
    title = "Club Med refused this."
    text = "Nothing was changed."

    description: str = ""
    errors: tuple[FieldError, ...] = ()


class Forbidden(SaidNo):
    """It lets this person neither read nor change this profile."""

    status = 403
    title = "You may not read or change this profile at Club Med."
    text = "Nothing was changed. Club Med decides who may: ask your supervisor."
    icon, tone = "lock", "warn"


class MayNotSearch(Forbidden):
    """It does not let this person search."""

    title = "You may not search for customers at Club Med."
    text = "Type a customer number: that opens the customer without a search."


class NotFound(SaidNo):
    """It has no such customer."""

    status = 404
    title = "No such customer at Club Med."
    text = "Check the number: Club Med knows nobody by it."
    icon, tone = "users", "warn"


class Busy(SaidNo):
    """It gets too many calls."""

    title = "Club Med is asked too much at this moment."
    text = "Nothing was changed. What you typed is kept: try again in a moment."
    icon, tone = "hourglass", "warn"


class OddAnswer(SaidNo):
    """It redirects, or refuses what no person typed."""

    status = 502
    title = "Club Med refused this request."
    text = "Nothing was changed. Try again, and tell the people who run this site if it stays so."


# Club Med does not answer, or not to us


class NoAnswer(NotSaved):
    """A read got no answer."""

    title = "Club Med does not answer."
    text = "This could not be read now. Nothing is lost: try again in a moment."


class Unreachable(NoAnswer):
    """No byte of a read went out."""


class NoToken(Unreachable):
    """There was no token for a call."""

    title = "The connection to Club Med cannot be made."
    text = "Its sign-in does not answer. Nothing is lost: try again in a moment."


class NotSent(NotSaved):
    """No byte of a write went out. reason: the failure of a read before it."""

    text = "Nothing was sent. What you typed is kept: save again in a moment."

    def __init__(self, reason: NoAnswer | None = None) -> None:
        super().__init__("not sent")
        self.title = (reason or NoAnswer()).title


class NeedsRenewal(NotSaved):
    """Club Med does not take this product's key or account."""

    title = "The connection to Club Med needs renewing."
    text = (
        "Nothing was changed. Tell the people who run this site: Club Med no longer takes its key."
    )


class NeedsSignIn(NotSaved):
    """Club Med does not take this person's own token: only a new sign-in can mend that."""

    status = 401


class Unknown(NotSaved):
    """No answer says whether a write landed. It is never sent again."""

    title = "We do not know yet whether Club Med stored this."
    text = "It did not answer. We will not send it twice."


# Our own log does not take it


@dataclass(eq=False)
class Pending(NotSaved):
    """Club Med stored it; the log cannot be written, and the journal line waits for it."""

    status = 200
    title = "Saved at Club Med; our record of it is pending and will follow."
    text = "There is nothing to do again."

    customer_id: str


class NotRecorded(NotSaved):
    """The log cannot be written, so nothing was sent. Its argument, if any, says what to do."""

    title = "Our own record cannot be written at this moment."
    text = "Nothing was sent to Club Med. What you typed is kept: save again in a moment."


class NotErased(NotRecorded):
    """The log cannot be written, so nothing was erased."""

    text = "Nothing was erased. Try again in a moment."


class NotRevealed(NotRecorded):
    """The log cannot be written, so nothing was revealed."""

    title = "Nothing was revealed: it could not be recorded."
    text = "Who sees such a value is written down before it is shown. Try again in a moment."


class NoTombstone(NotSaved):
    """The list of those who were forgotten cannot be written, so nothing was erased."""

    title = "The list of those who were forgotten cannot be written."
    text = "Nothing was erased. Tell the people who run this site: AUDIT_TOMBSTONES."
    icon = "alert-circle"


# Somebody else, or the same person, was there before


class Taken(NotSaved):
    """Another change is in the way of this one."""

    status = 409
    is_about_form = True
    icon, tone = "alert-triangle", "warn"


@dataclass(eq=False)
class Conflict(Taken):
    """A field is not what the person saw. profile: as Club Med holds it now."""

    title = "This customer is being changed at this moment."
    text = "Nothing of yours was sent: look again, then save."

    profile: Profile


@dataclass(eq=False)
class InUse(Taken):
    """Somebody, perhaps the same person, is saving a field of this change; `line` says who."""

    line: JournalLine


@dataclass(eq=False)
class AlreadySent(Taken):
    """This form was sent before, with other answers; `sent` is what that change holds."""

    title = "This form was sent before with other answers, and that customer was created."
    text = "What you typed now was not sent. To create another customer, send it again."

    sent: Mapping[str, Json]


@dataclass(eq=False)
class MayExist(Taken):
    """Somebody who may be the same person is there, or in the making.

    duplicates: the likeliest first. values: what would have been sent. unchecked: Club Med could
    not be searched, so there may be others.
    """

    duplicates: list[Duplicate]
    values: Mapping[str, Json]
    unchecked: bool


class NotYours(NotSaved):
    """Nobody settles a change of their own, nor one that needs no person."""

    text = "Nothing was recorded: this change is settled, or is your own."


class NumberMissing(NotSaved):
    """A create that landed has made a customer: which one has to be said."""

    text = "Type the number of the customer that was created."


def outcome_of(exc: ClubMedError, *, is_write: bool) -> NotSaved:
    """What an error of a call means for a verb: the one place where they are translated."""
    match exc:
        case errors.SignInNeededError():
            return NeedsSignIn()
        case errors.UnauthorizedError():
            return NeedsSignIn() if settings.CLUBMED_AUTH == "employee" else NeedsRenewal()
        case errors.TokenRefusedError():
            return NeedsRenewal()
        case errors.NoTokenError():
            return NotSent(NoToken()) if is_write else NoToken()
        case errors.NotSentError():
            return NotSent() if is_write else Unreachable()
        case errors.NoAnswerError():
            return Unknown() if is_write else NoAnswer()
        case errors.ForbiddenError():
            return Forbidden()
        case errors.NotFoundError():
            return NotFound()
        case errors.BusyError():
            return Busy()
        case errors.RefusedError() if is_write:
            return Refused(exc.description, exc.errors)
        case _:
            return OddAnswer()
