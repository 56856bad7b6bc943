"""What the log calls an act, what came of it and on what that rests; and what each action means."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.db import models
from django.utils.translation import gettext_lazy as _

SIDES = ("old", "new", "found", "reason", "customer_label", "related")  # of an entry, in the vault


class Action(models.TextChoices):
    """What was done."""

    CHANGE = "change", _("Changed")
    CREATE = "create", _("Created")
    ELSEWHERE = "elsewhere", _("Changed elsewhere")
    FORGOTTEN = "forgotten", _("Customer forgotten")
    EXPIRED = "expired", _("Old data erased")
    ANCHOR = "anchor", _("Old entries removed")


class Outcome(models.TextChoices):
    """What came of it. Refused, not applied, not seen applied and unclear are different things."""

    APPLIED = "applied", _("Applied")
    REFUSED = "refused", _("Refused")
    NOT_APPLIED = "not_applied", _("Not applied")
    NOT_SEEN = "not_seen", _("Not seen applied")
    UNCLEAR = "unclear", _("Unclear")
    STORED_AS = "stored_as", _("Stored as")  # applied before; says how Club Med writes it


class Evidence(models.TextChoices):
    """What an outcome rests on."""

    ANSWER = "answer", _("Answered by Club Med")
    NO_CALL = "no_call", _("Nothing reached Club Med")
    READ = "read", _("Seen in the profile")
    NOTHING = "nothing", _("Cannot be looked up")
    PERSON = "person", _("Decided by a person")


class Flag(models.TextChoices):
    """A fact about how a change was made."""

    DESPITE_DUPLICATES = (
        "despite_duplicates",
        _("Created although somebody like this is there"),
    )
    FORCED_ADDRESS = "forced_address", _("Address sent without Club Med’s check")
    REVERTS = "reverts", _("Reverts an earlier change")
    UNCHECKED_DUPLICATES = (
        "unchecked_duplicates",
        _("Created although Club Med could not be searched for the same person"),
    )


@dataclass(frozen=True)
class Meaning:
    """What an action means.

    of_values: it is done to a customer's fields, so its entries have an old and a new value; else
    it is done to the log. personal: the sides that may hold data of the customer. All of them are
    erased when the customer is forgotten, unless stays_when_forgotten. detail: the member of
    `Entry.detail` that says up to which number, "" if there is none.
    """

    of_values: bool = False
    personal: tuple[str, ...] = ()
    stays_when_forgotten: bool = False
    detail: str = ""


MEANINGS: Mapping[str, Meaning] = {
    Action.CHANGE: Meaning(of_values=True, personal=SIDES),
    Action.CREATE: Meaning(of_values=True, personal=SIDES),
    # Done by nobody here, and found when a profile was read.
    Action.ELSEWHERE: Meaning(of_values=True, personal=("old", "new", "found", "customer_label")),
    # The reason for forgetting a customer stays until it expires.
    Action.FORGOTTEN: Meaning(personal=("reason",), stays_when_forgotten=True, detail="up_to"),
    Action.EXPIRED: Meaning(detail="up_to"),
    Action.ANCHOR: Meaning(detail="seq"),
}
OF_VALUES = tuple(action for action, meaning in MEANINGS.items() if meaning.of_values)
STAY_WHEN_FORGOTTEN = tuple(a for a, meaning in MEANINGS.items() if meaning.stays_when_forgotten)


def meaning_of(action: str) -> Meaning:
    """The meaning of an action; an altered entry may have a word that means nothing."""
    return MEANINGS.get(action, Meaning())
