"""The outcomes of a verb: `Saved`, or one of the `NotSaved`, each with its sentences for people."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils import timezone
from django.utils.timesince import timesince

from customers import wording
from customers.audit.limits import ReachedLimit
from customers.audit.models import Entry, JournalLine
from customers.catalogue import reader
from customers.clubmed import errors
from customers.clubmed.errors import FieldError
from customers.clubmed.profile import Json, Profile
from customers.services.duplicates import Duplicate


@dataclass(frozen=True)
class Saved:
    """A change that Club Med took. values: field -> the value sent; empty without a change.

    entries: those that were just appended.
    """

    change_id: UUID
    customer_id: str
    values: Mapping[str, Json]
    entries: Sequence[Entry] = ()


class NotSaved(Exception):
    """status: of the HTTP answer. title, text: an argument takes the place of the class's own.

    is_about_form: it is shown inside the form that was sent, not above the page.
    """

    status, is_about_form = 503, False
    title: Any = ""
    text: Any = ""
    icon, tone = "plug-connected-x", "bad"

    def __init__(self, title: Any = "", text: Any = "") -> None:
        super().__init__()
        self.title, self.text = title or self.title, text or self.text


class SaidNo(NotSaved):
    """Club Med answered no: by a redirect, or by a refusal of values that no person typed."""

    status, icon = 502, "alert-circle"
    title, text = wording.ODD_ANSWER, wording.ODD_ANSWER_TEXT


@dataclass(eq=False)
class Refused(SaidNo):
    """A refusal. description: in Club Med's words, or "". errors: one a field, often none."""

    status, is_about_form = 422, True
    title, text = wording.REFUSED, wording.NOTHING_CHANGED

    description: str = ""
    errors: tuple[FieldError, ...] = ()


class Forbidden(SaidNo):
    """Club Med lets this person not do that: read or change this profile, or search."""

    status, icon, tone = 403, "lock", "warn"
    title, text = wording.FORBIDDEN, wording.ASK_SUPERVISOR


class NotFound(SaidNo):
    status, icon, tone = 404, "users", "warn"
    title, text = wording.NOT_FOUND, wording.CHECK_NUMBER


class TooLong(SaidNo):
    """A profile that cannot be cut: what can be edited is too long."""

    title, text = wording.TOO_LONG_PROFILE, wording.TOO_LONG_PROFILE_TEXT


class Busy(SaidNo):
    status, icon, tone = 503, "hourglass", "warn"
    title, text = wording.BUSY, wording.BUSY_TEXT


class NoAnswer(NotSaved):
    """A read got no answer."""

    title, text = wording.NO_ANSWER, wording.NO_ANSWER_TEXT


class Unreachable(NoAnswer):
    """No byte of a read went out, perhaps because no token could be had."""


class NotSent(NotSaved):
    """No byte of a write went out."""

    title, text = wording.NO_ANSWER, wording.NOT_SENT


class NeedsRenewal(NotSaved):
    """Club Med does not take this product's key or account."""

    title, text = wording.NEEDS_RENEWAL, wording.NEEDS_RENEWAL_TEXT


class NeedsSignIn(NotSaved):
    """Club Med does not take this person's own token: only a new sign-in can mend that."""

    status = 401


class Unknown(NotSaved):
    """No answer says whether a write landed. It is never sent again."""

    icon, tone = "hourglass", "warn"
    title, text = wording.UNKNOWN, wording.UNKNOWN_TEXT


@dataclass(eq=False)
class Pending(NotSaved):
    """It landed at Club Med; the log cannot be written, and the journal line waits for it."""

    status, icon, tone = 200, "hourglass", "warn"
    title, text = wording.PENDING, wording.PENDING_TEXT

    customer_id: str


class NotRecorded(NotSaved):
    """The log cannot be written, so nothing was sent, erased or revealed."""

    title, text = wording.NOT_RECORDED, wording.NOT_SENT


class NoTombstone(NotSaved):
    """The list of those who were forgotten cannot be written, so nothing was erased."""

    icon = "alert-circle"
    title, text = wording.NO_TOMBSTONE, wording.NO_TOMBSTONE_TEXT


class Clash(NotSaved):
    """Another change is in the way of this one."""

    status, is_about_form = 409, True
    icon, tone = "alert-triangle", "warn"


@dataclass(eq=False)
class Conflict(Clash):
    """A field is not what the person saw. profile: as Club Med holds it now."""

    title, text = wording.CONFLICT, wording.CONFLICT_TEXT

    profile: Profile


@dataclass(eq=False)
class InUse(Clash):
    """Somebody, perhaps the same person, is saving a field of this change; `line` says who."""

    line: JournalLine


@dataclass(eq=False)
class AlreadySent(Clash):
    """This form was sent before, with other answers; `sent` is what that change holds."""

    title, text = wording.CREATED_BEFORE, wording.CREATED_BEFORE_TEXT

    sent: Mapping[str, Json]


@dataclass(eq=False)
class MayExist(Clash):
    """Somebody who may be the same person is there, or in the making.

    duplicates: likeliest first. values: not sent. unchecked: Club Med could not
    be searched, so there may be others.
    """

    duplicates: list[Duplicate]
    values: Mapping[str, Json]
    unchecked: bool


@dataclass(eq=False)
class LimitReached(NotSaved):
    """The person has looked at as much as one person may, for now."""

    status, icon, tone = 429, "hourglass", "warn"

    limit: ReachedLimit

    def __post_init__(self) -> None:
        title, text = wording.LIMITS[self.limit.name]
        now = timezone.now()
        until = self.limit.until + timedelta(seconds=59)  # in whole minutes
        facts = {
            "count": self.limit.most,
            "time": timesince(now - self.limit.within, now),
            "until": reader.clock_text(until),
        }
        super().__init__(title % facts, f"{text % facts} {wording.NOTHING_LOST}")

    @property
    def seconds(self) -> int:
        """From now on, until there is room for one more."""
        return max(1, math.ceil((self.limit.until - timezone.now()).total_seconds()))

    @property
    def minutes(self) -> int:
        return math.ceil(self.seconds / 60)


class NotYours(NotSaved):
    """Nobody settles a change of their own, nor one that needs no person."""

    text = wording.NOT_YOURS


class NumberMissing(NotSaved):
    """A create that landed has made a customer, so the person must enter the number."""

    text = wording.NUMBER_MISSING


def outcome_of(exc: errors.ClubMedError, *, is_write: bool, is_new: bool = False) -> NotSaved:
    """The outcome of a verb whose call failed: the one place that translates these errors.

    is_new: the call creates a customer, so it has no number and no profile.
    """
    match exc:
        case errors.SignInNeededError():
            return NeedsSignIn()
        case errors.RefusedError(status=401) if settings.CLUBMED_AUTH == "employee":
            return NeedsSignIn()
        case errors.RefusedError(status=401) | errors.TokenRefusedError():
            return NeedsRenewal()
        case errors.NotSentError():
            return NotSent() if is_write else Unreachable()
        case errors.NoAnswerError():
            return Unknown() if is_write else NoAnswer()
        case errors.RefusedError(status=403) if is_new:
            return Forbidden(wording.MAY_NOT_CREATE, wording.ASK_WHO_MAY)
        case errors.RefusedError(status=403 | 404 | 429 as status) if not (
            is_new and status == 404
        ):
            return {403: Forbidden, 404: NotFound, 429: Busy}[status]()
        case errors.RefusedError() if is_write:
            return Refused(exc.description, exc.errors)
    return SaidNo()
