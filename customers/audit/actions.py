"""The log's words for an act, its outcome, the evidence of that, and how it was made."""

from django.db import models
from django.utils.translation import gettext_lazy as _

SIDES = ("old", "new", "found", "reason", "customer_label", "related")  # of an entry, in the vault


class Action(models.TextChoices):
    """The kind of an act."""

    CHANGE = "change", _("Changed")
    CREATE = "create", _("Created")
    ELSEWHERE = "elsewhere", _("Changed elsewhere")
    FORGOTTEN = "forgotten", _("Customer forgotten")
    EXPIRED = "expired", _("Old data erased")
    ANCHOR = "anchor", _("Old entries removed")


class Outcome(models.TextChoices):
    """The outcome of an act. Refused, not applied, not seen applied and unclear differ."""

    APPLIED = "applied", _("Applied")
    REFUSED = "refused", _("Refused")
    NOT_APPLIED = "not_applied", _("Not applied")
    NOT_SEEN = "not_seen", _("Not seen applied")
    UNCLEAR = "unclear", _("Unclear")
    STORED_AS = "stored_as", _("Stored as")  # applied before; says how Club Med writes it


class Evidence(models.TextChoices):
    """The evidence of an outcome."""

    ANSWER = "answer", _("Answered by Club Med")
    NO_CALL = "no_call", _("Nothing reached Club Med")
    READ = "read", _("Seen in the profile")
    NOTHING = "nothing", _("Cannot be looked up")
    PERSON = "person", _("Decided by a person")


class Flag(models.TextChoices):
    """A fact about how a change was made."""

    DESPITE_DUPLICATES = "despite_duplicates", _("Created despite possible duplicates")
    FORCED_ADDRESS = "forced_address", _("Address sent without Club Med’s check")
    REVERTS = "reverts", _("Reverts an earlier change")
    UNCHECKED_DUPLICATES = (
        "unchecked_duplicates",
        _("Created although Club Med could not be searched for the same person"),
    )


# Done to a customer's fields: such entries have an old and a new value. The others are done to the
# log, and say in `detail` up to which number.
OF_VALUES = (Action.CHANGE, Action.CREATE, Action.ELSEWHERE)
# The reason for forgetting a customer stays until it expires; their other values are erased.
STAY_WHEN_FORGOTTEN = (Action.FORGOTTEN,)
