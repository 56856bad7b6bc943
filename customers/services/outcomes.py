"""What can come of a verb."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from customers.audit.models import JournalLine
from customers.clubmed.profile import Json
from customers.services.duplicates import Twin


class NotDoneError(Exception):
    """Nothing was sent: what is said to the person depends on the class."""


class ConflictError(NotDoneError):
    """A field is not what the person saw."""


class NotAsShownError(NotDoneError):
    """What would be sent now is not to the letter what the person was shown before."""


class BeingSavedError(NotDoneError):
    """Somebody, perhaps the same person, is saving a field of this change; `line` says who."""

    def __init__(self, line: JournalLine) -> None:
        super().__init__("being saved")
        self.line = line


class UsedTokenError(NotDoneError):
    """This form was sent before, with another text; `sent` is what that change holds."""

    def __init__(self, sent: Mapping[str, Json]) -> None:
        super().__init__("form sent before")
        self.sent = sent


class TwinError(NotDoneError):
    """Somebody who may be the same person is there, or in the making.

    twins: the likeliest first. values: what would have been sent. unchecked: Club Med could not
    be searched, so there may be others.
    """

    def __init__(self, twins: list[Twin], values: Mapping[str, Json], *, unchecked: bool) -> None:
        super().__init__("may be there already")
        self.twins = twins
        self.values = values
        self.unchecked = unchecked


class NotYoursToSettleError(NotDoneError):
    """Nobody settles a change of their own, nor one that needs no person."""


class NoCustomerNumberError(NotDoneError):
    """A create that landed has made a customer: which one has to be said."""


class NotRecordedError(NotDoneError):
    """The journal cannot be written, so nothing was sent. Its text, if any, says what to do."""


class UnknownOutcomeError(Exception):
    """Club Med gave no answer that says whether the act landed. It is never sent again."""


class RecordPendingError(Exception):
    """It landed at Club Med; the entry could not be written, and the journal line waits for it."""

    def __init__(self, customer_id: str) -> None:
        super().__init__("the record is pending")
        self.customer_id = customer_id


@dataclass(frozen=True)
class Saved:
    """A change that Club Med took. values: field -> what was sent; empty if all was so already."""

    change_id: UUID
    customer_id: str
    values: Mapping[str, Json]
