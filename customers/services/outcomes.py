"""What can come of a verb: `Saved`, or one of the `NotSaved`, each with what people are told.

NotSaved
├── SaidNo            Club Med answered that it does not do it
│   ├── Refused         what was sent
│   ├── Forbidden       for this person
│   │   └── MayNotSearch
│   ├── NotFound        no such customer
│   ├── Busy            too many calls
│   └── OddAnswer       an answer to a read, or a redirect, that nobody expects
├── NoAnswer          a read got no answer
│   └── Unreachable     it did not even go out
│       └── NoToken       no token could be had for it
├── NotSent           nothing went out
├── NeedsRenewal      Club Med does not take this product's key or account
├── NeedsSignIn       Club Med does not take this person's own token
├── Unknown           no answer says whether a write landed; it is never sent again
├── Pending           it landed, and the log cannot be written: the journal line waits for it
├── NotRecorded       the log cannot be written, so nothing was sent
│   ├── NotErased       or erased
│   └── NotRevealed     or revealed
├── NoTombstone       the list of those who were forgotten cannot be written
├── Conflict          a field is not what the person saw
├── InUse             somebody is saving one of the fields
├── AlreadySent       the form was sent before, with other answers
├── MayExist          the customer to create may be there already
├── NotYours          nobody settles a change of their own, nor one that needs no person
└── NumberMissing     a create that landed has made a customer: which one has to be said
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from django.conf import settings

from customers import wording
from customers.audit.models import JournalLine
from customers.clubmed import errors
from customers.clubmed.errors import ClubMedError, FieldError
from customers.clubmed.profile import Json, Profile
from customers.services.duplicates import Duplicate

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


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
    title: "StrOrPromise" = ""
    text: "StrOrPromise" = ""
    icon = "plug-connected-x"
    tone = "bad"


class SaidNo(NotSaved):
    """Club Med answered that it does not do it."""


class Refused(SaidNo):
    """What was sent. description: in Club Med's words, or "". errors: one a field, often none."""

    status = 422
    is_about_form = True
    title = wording.REFUSED
    text = wording.NOTHING_CHANGED
    icon = "alert-circle"

    def __init__(self, description: str = "", errors: tuple[FieldError, ...] = ()) -> None:
        super().__init__("refused")
        self.description = description
        self.errors = errors


class Forbidden(SaidNo):
    """Club Med lets this person neither read nor change this profile."""

    status = 403
    title = wording.FORBIDDEN
    text = wording.ASK_SUPERVISOR
    icon = "lock"
    tone = "warn"


class MayNotSearch(Forbidden):
    """Club Med lets this person not search."""

    title = wording.MAY_NOT_SEARCH
    text = wording.TYPE_A_NUMBER


class NotFound(SaidNo):
    """Club Med has no such customer."""

    status = 404
    title = wording.NOT_FOUND
    text = wording.CHECK_NUMBER
    icon = "users"
    tone = "warn"


class Busy(SaidNo):
    """Club Med gets too many calls."""

    title = wording.BUSY
    text = wording.BUSY_TEXT
    icon = "hourglass"
    tone = "warn"


class OddAnswer(SaidNo):
    """A redirect, or a refusal of what no person typed."""

    status = 502
    title = wording.ODD_ANSWER
    text = wording.ODD_ANSWER_TEXT
    icon = "alert-circle"


class NoAnswer(NotSaved):
    """A read got no answer."""

    title = wording.NO_ANSWER
    text = wording.NO_ANSWER_TEXT


class Unreachable(NoAnswer):
    """No byte of a read went out."""


class NoToken(Unreachable):
    """No token could be had for a call."""

    title = wording.NO_TOKEN
    text = wording.NO_TOKEN_TEXT


class NotSent(NotSaved):
    """No byte of a write went out. reason: why not, if it is not that Club Med does not answer."""

    title: "StrOrPromise" = wording.NO_ANSWER
    text = wording.NOT_SENT

    def __init__(self, reason: NotSaved | None = None) -> None:
        super().__init__("not sent")
        if reason is not None:
            self.title = reason.title


class NeedsRenewal(NotSaved):
    """Club Med does not take this product's key or account."""

    title = wording.NEEDS_RENEWAL
    text = wording.NEEDS_RENEWAL_TEXT


class NeedsSignIn(NotSaved):
    """Club Med does not take this person's own token: only a new sign-in can mend that."""

    status = 401


class Unknown(NotSaved):
    """No answer says whether a write landed. It is never sent again."""

    title = wording.UNKNOWN
    text = wording.UNKNOWN_TEXT
    icon = "hourglass"
    tone = "warn"


class Pending(NotSaved):
    """It landed at Club Med; the log cannot be written, and the journal line waits for it."""

    status = 200
    title = wording.PENDING
    text = wording.PENDING_TEXT
    icon = "hourglass"
    tone = "warn"

    def __init__(self, customer_id: str) -> None:
        super().__init__("the record is pending")
        self.customer_id = customer_id


class NotRecorded(NotSaved):
    """The log cannot be written, so nothing was sent. Its argument, if any, says what to do."""

    title = wording.NOT_RECORDED
    text = wording.NOT_SENT


class NotErased(NotRecorded):
    """The log cannot be written, so nothing was erased."""

    text = wording.NOT_ERASED


class NotRevealed(NotRecorded):
    """The log cannot be written, so nothing was revealed."""

    title = wording.NOT_REVEALED
    text = wording.NOT_REVEALED_TEXT


class NoTombstone(NotSaved):
    """The list of those who were forgotten cannot be written, so nothing was erased."""

    title = wording.NO_TOMBSTONE
    text = wording.NO_TOMBSTONE_TEXT
    icon = "alert-circle"


class Conflict(NotSaved):
    """A field is not what the person saw. profile: as Club Med holds it now."""

    status = 409
    is_about_form = True
    title = wording.CONFLICT
    text = wording.CONFLICT_TEXT
    icon = "alert-triangle"
    tone = "warn"

    def __init__(self, profile: Profile) -> None:
        super().__init__("changed meanwhile")
        self.profile = profile


class InUse(NotSaved):
    """Somebody, perhaps the same person, is saving a field of this change; `line` says who."""

    status = 409
    is_about_form = True
    icon = "alert-triangle"
    tone = "warn"

    def __init__(self, line: JournalLine) -> None:
        super().__init__("being saved")
        self.line = line


class AlreadySent(NotSaved):
    """This form was sent before, with other answers; `sent` is what that change holds."""

    status = 409
    is_about_form = True
    title = wording.CREATED_BEFORE
    text = wording.CREATED_BEFORE_TEXT
    icon = "alert-triangle"
    tone = "warn"

    def __init__(self, sent: Mapping[str, Json]) -> None:
        super().__init__("form sent before")
        self.sent = sent


class MayExist(NotSaved):
    """Somebody who may be the same person is there, or in the making.

    duplicates: likeliest first. values: what would have been sent. unchecked: Club Med could not
    be searched, so there may be others.
    """

    status = 409
    is_about_form = True

    def __init__(
        self, duplicates: list[Duplicate], values: Mapping[str, Json], *, unchecked: bool
    ) -> None:
        super().__init__("may be there already")
        self.duplicates = duplicates
        self.values = values
        self.unchecked = unchecked


class NotYours(NotSaved):
    """Nobody settles a change of their own, nor one that needs no person."""

    status = 409
    text = wording.NOT_YOURS


class NumberMissing(NotSaved):
    """A create that landed has made a customer: which one has to be said."""

    status = 422
    text = wording.NUMBER_MISSING


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
