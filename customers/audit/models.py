"""What is stored here: the audit log, the journal of what is about to be sent, and, sealed, the
tokens to send it with.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import cached_property
from json.encoder import encode_basestring_ascii
from typing import TYPE_CHECKING, Any

from django.db import models

from customers.access import Actor
from customers.audit import encryption


class JsonTextField(models.TextField):  # type: ignore[type-arg]
    """Any JSON value as its text, keys sorted.

    Not the databases' own JSON: PostgreSQL's takes no NUL, and Club Med may have stored one.
    """

    if TYPE_CHECKING:
        _pyi_private_set_type: Any
        _pyi_private_get_type: Any

    def from_db_value(self, value: str | None, *_: object) -> Any:
        return None if value is None else json.loads(value)

    def get_prep_value(self, value: Any) -> str:
        return json_text(value)


def json_text(value: Any) -> str:
    """The one text of a JSON value: this is what is stored, and what is hashed."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def facts(detail: Any) -> dict[str, Any]:
    """What an entry that was done to the log says in its detail; {} if somebody altered it so that
    it says nothing. Its digest gives that away, so no reader has to.
    """
    try:
        said = json.loads(detail)
    except (ValueError, TypeError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def number_in(detail: Any, name: str) -> int | None:
    """The same, of one number of an entry or a look."""
    number = facts(detail).get(name)
    return number if type(number) is int and 0 <= number < 2**63 else None


def moment(time: datetime) -> str:
    """The one text of a time: 2026-11-23T09:41:07.118000Z."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class Missing(StrEnum):
    """What stands in the place of a value that cannot be had. A text that any page can say."""

    ERASED = "erased"  # its customer was forgotten, or it was older than AUDIT_VALUE_MONTHS
    NOT_KEPT = "not kept"  # it never was in the log
    UNREADABLE = "unreadable"  # it does not open: no key for it, or it was tampered with


class Action(models.TextChoices):
    """What was done."""

    CHANGE = "change", "Changed"
    CREATE = "create", "Created"
    ELSEWHERE = "elsewhere", "Changed elsewhere"  # by nobody here: found when a profile was read
    FORGOTTEN = "forgotten", "Customer forgotten"  # the values up to a number are erased
    EXPIRED = "expired", "Old data erased"  # likewise, of all customers
    ANCHOR = "anchor", "Old entries removed"  # up to a number that the entry names


class Outcome(models.TextChoices):
    """What came of it. Refused, not applied, not seen applied and unclear are different things."""

    APPLIED = "applied", "Applied"
    REFUSED = "refused", "Refused"
    NOT_APPLIED = "not_applied", "Not applied"
    NOT_SEEN = "not_seen", "Not seen applied"
    UNCLEAR = "unclear", "Unclear"
    STORED_AS = "stored_as", "Stored as"  # applied before; says how Club Med writes it


class Evidence(models.TextChoices):
    """What an outcome rests on."""

    ANSWER = "answer", "Answered by Club Med"
    NO_CALL = "no_call", "Nothing reached Club Med"
    LOOK = "look", "Seen in the profile"
    NOTHING = "nothing", "Cannot be looked up"
    PERSON = "person", "Decided by a person"


# Done to a customer's values: such entries commit to what they were and became.
OF_VALUES = (Action.CHANGE, Action.CREATE, Action.ELSEWHERE)


class Act(models.Model):
    """Who did what to whom: the columns that a journal line and an entry share.

    Names of staff are kept as they were: history outlives the people. Why it was done, and what the
    customer was called, is personal: that lies encrypted.
    """

    action = models.CharField(max_length=16, choices=Action)
    customer_id = models.CharField(max_length=64, blank=True)  # unknown until a create is answered
    actor_issuer = models.CharField(max_length=255, blank=True)  # blank: nobody of this desk
    actor_sub = models.CharField(max_length=255, blank=True)
    actor_name = models.CharField(max_length=255)
    actor_roles = models.CharField(max_length=64, blank=True)
    locale = models.CharField(max_length=35)
    request_id = models.CharField(max_length=64, blank=True)

    class Meta:
        abstract = True

    def is_by(self, actor: Actor) -> bool:
        return (self.actor_issuer, self.actor_sub) == (actor.issuer, actor.sub)

    @cached_property
    def customer_label(self) -> str:
        """What the customer was called."""
        raise NotImplementedError

    @cached_property
    def reason(self) -> str:
        """Why, in the person's words."""
        raise NotImplementedError

    def act(self) -> dict[str, Any]:
        """The shared columns, with the label and the reason, to carry over into an entry."""
        columns = {column.name: getattr(self, column.name) for column in Act._meta.get_fields()}
        return {**columns, "customer_label": self.customer_label, "reason": self.reason}


class JournalLine(Act):
    """A change that is about to be sent, or whose outcome is not known yet.

    Its owner may settle it until `deadline`; others only `JOURNAL_GRACE` seconds after it. What is
    sent, why and of whom lies encrypted in the line itself, bound to who does what, and goes with
    it.
    """

    change_id = models.UUIDField(primary_key=True)
    fields = JsonTextField()  # their names
    key_id = models.CharField(max_length=8)
    encrypted = models.BinaryField()
    sent_at = models.DateTimeField()
    deadline = models.DateTimeField()

    class Meta(Act.Meta):
        abstract = False
        indexes = [
            models.Index(fields=["customer_id"], name="line_customer"),
            models.Index(fields=["deadline"], name="line_deadline"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.change_id}"

    def encrypt(self, values: dict[str, Any], *, customer_label: str, reason: str) -> None:
        """Put in what is sent, of whom and why. values: {field: {"old": Json, "new": Json}}."""
        self.fields = list(values)
        self.values, self.customer_label, self.reason = values, customer_label, reason
        self.key_id = encryption.current()
        text = json_text([values, customer_label, reason]).encode()
        self.encrypted = encryption.encrypt(text, self.about())

    def about(self) -> bytes:
        """What its text is bound to: who does what."""
        actor = [self.actor_issuer, self.actor_sub, self.actor_name, self.actor_roles]
        act = [self.action, self.customer_id, *actor, self.locale, self.request_id, *self.fields]
        return json_text(["crmadmin-line-1", self.change_id.hex, *act]).encode()

    @cached_property
    def _text(self) -> tuple[dict[str, Any], str, str]:
        """values, label, reason. What opens may have been made by somebody who has the key."""
        try:
            text = encryption.decrypt(self.key_id, self.encrypted, self.about())
            values, label, reason = json.loads(text)
            pairs = {
                name: {"old": pair["old"], "new": pair["new"]} for name, pair in values.items()
            }
            are_texts = isinstance(label, str) and isinstance(reason, str)
            if are_texts and pairs.keys() == set(self.fields):
                return pairs, label, reason
        except (encryption.UnreadableError, ValueError, TypeError, KeyError, AttributeError):
            pass
        pair = {"old": Missing.UNREADABLE, "new": Missing.UNREADABLE}
        return dict.fromkeys(self.fields, pair), Missing.UNREADABLE, Missing.UNREADABLE

    @cached_property
    def values(self) -> dict[str, Any]:
        """{field: {"old": Json, "new": Json}}."""
        return self._text[0]

    @cached_property
    def customer_label(self) -> str:
        return self._text[1]

    @cached_property
    def reason(self) -> str:
        return self._text[2]

    @property
    def is_readable(self) -> bool:
        return self.customer_label is not Missing.UNREADABLE

    @property
    def new_values(self) -> dict[str, Any]:
        """field -> what is sent."""
        return {name: pair["new"] for name, pair in self.values.items()}


class Claim(models.Model):
    """One field of one customer that a journal line holds: at most one open line a field."""

    # Whoever closes a line deletes its claims first; the database refuses anything else.
    line = models.ForeignKey(JournalLine, models.DO_NOTHING, related_name="claims")
    customer_id = models.CharField(max_length=64)
    field = models.CharField(max_length=64)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["customer_id", "field"], name="claim_once"),
        ]

    def __str__(self) -> str:
        return f"{self.field} of {self.customer_id}"


class EntryManager(models.Manager["Entry"]):
    """Entries come with what the vault holds of them."""

    def get_queryset(self) -> "models.QuerySet[Entry]":
        return super().get_queryset().select_related("item")


class Entry(Act):
    """What happened to one field. Only ever appended; a later finding is a further entry.

    The shared columns say who is behind this entry: who made the change or, where a person decided
    what came of it, who decided and why.

    What was personal is here as commitments: SHA-256 of a salt and the value, "" where there is
    none. The values are in the vault, and read from there under the names below.
    found: what Club Med held when it was looked at (evidence "look"), as JSON; null otherwise.
    """

    seq = models.BigIntegerField(primary_key=True)
    change_id = models.UUIDField(db_index=True)
    recorded_at = models.DateTimeField()
    field = models.CharField(max_length=64)
    old_commitment = models.CharField(max_length=64, blank=True)
    new_commitment = models.CharField(max_length=64, blank=True)
    found_commitment = models.CharField(max_length=64, blank=True)
    reason_commitment = models.CharField(max_length=64, blank=True)
    customer_label_commitment = models.CharField(max_length=64, blank=True)
    outcome = models.CharField(max_length=16, choices=Outcome)
    evidence = models.CharField(max_length=16, choices=Evidence)
    # What Club Med said of a refusal, in its codes; what was erased or removed, as JSON; why it is
    # not known what was sent.
    detail = models.TextField(blank=True)
    version = models.SmallIntegerField()  # of the encoding that was hashed
    content_digest = models.BinaryField(max_length=32)
    digest = models.BinaryField(max_length=32)

    item: "VaultItem"  # where there is one

    objects = EntryManager()

    class Meta(Act.Meta):
        abstract = False
        ordering = ["-seq"]
        indexes = [
            models.Index(fields=["customer_id", "field", "-seq"], name="entry_customer_field"),
            models.Index(
                fields=["seq"], condition=models.Q(action=Action.ANCHOR), name="entry_anchor"
            ),
        ]
        constraints = [
            models.CheckConstraint(condition=models.Q(seq__gt=0), name="entry_numbered"),
        ]

    def __str__(self) -> str:
        return f"{self.seq} {self.field} {self.outcome}"

    @cached_property
    def old(self) -> Any:
        return self._said("old", Missing.NOT_KEPT if self.action in OF_VALUES else None)

    @cached_property
    def new(self) -> Any:
        return self._said("new", Missing.NOT_KEPT if self.action in OF_VALUES else None)

    @cached_property
    def found(self) -> Any:
        return self._said("found", None)

    @cached_property
    def reason(self) -> str:
        reason: str = self._said("reason", "")
        return reason

    @cached_property
    def customer_label(self) -> str:
        label: str = self._said("customer_label", "")
        return label

    def _said(self, side: str, nothing: Any) -> Any:
        """What the entry committed to, if it can be had; `nothing` if it committed to nothing."""
        commitment = getattr(self, f"{side}_commitment")
        if not commitment:
            return nothing
        try:
            item = self.item
        except VaultItem.DoesNotExist:
            return Missing.ERASED
        try:
            salted = item.decrypt(side)
        except encryption.UnreadableError:
            return Missing.UNREADABLE
        if hashlib.sha256(salted).hexdigest() != commitment:  # as `customers.audit.digests` has it
            return Missing.UNREADABLE
        return json.loads(salted[SALT:])

    @property
    def known(self) -> Any:
        """What Club Med held of this field when this was recorded."""
        return self.found if self.evidence == Evidence.LOOK else self.new


SIDES = ("old", "new", "found", "reason", "customer_label")  # of an entry, in the vault
SALT = 32  # bytes


class VaultItem(models.Model):
    """What the commitments of an entry stand for, encrypted: salt and value of each side.

    Put in with the entry, encrypted anew under a new key, and deleted when its customer is
    forgotten or it is too old; the entry stays.
    """

    entry = models.OneToOneField(
        Entry,
        models.DO_NOTHING,
        primary_key=True,
        db_column="seq",
        db_constraint=False,  # an entry is never touched for it
        related_name="item",
    )
    key_id = models.CharField(max_length=8)
    old = models.BinaryField()  # each b"" where there is nothing
    new = models.BinaryField()
    found = models.BinaryField()
    reason = models.BinaryField()
    customer_label = models.BinaryField()

    def __str__(self) -> str:
        return f"values of entry {self.pk}"

    def decrypt(self, side: str) -> bytes:
        """Salt and JSON text of one side. Raises UnreadableError."""
        about = bound_to(self.pk, self.entry.field, side)
        return encryption.decrypt(self.key_id, getattr(self, side), about)


def bound_to(seq: int, field: str, side: str) -> bytes:
    """What a side in the vault is bound to: it opens nowhere else."""
    return f'["crmadmin-value-1","{seq}",{encode_basestring_ascii(field)},"{side}"]'.encode()


class ChangeQuerySet(models.QuerySet["Change"]):
    """Newest first; every restriction is a link of a chain."""

    def of_customer(self, customer_id: str) -> "ChangeQuerySet":
        return self.filter(customer_id=customer_id)

    def of_field(self, field: str) -> "ChangeQuerySet":
        entries = Entry.objects.filter(change_id=models.OuterRef("pk"), field=field)
        return self.filter(models.Exists(entries))

    def by(self, actor: Actor) -> "ChangeQuerySet":
        return self.filter(actor_issuer=actor.issuer, actor_sub=actor.sub)

    def before(self, seq: int | None) -> "ChangeQuerySet":
        """Older than that entry: keyset paging."""
        return self if seq is None else self.filter(seq__lt=seq)


class Change(models.Model):
    """A projection of the entries, one row a change: its current state and what pages filter by.

    Not part of the record: it can be rebuilt from the entries at any time.
    """

    change_id = models.UUIDField(primary_key=True)
    seq = models.BigIntegerField(unique=True)  # of its first entry
    recorded_at = models.DateTimeField()
    action = models.CharField(max_length=16, choices=Action)
    outcome = models.CharField(max_length=16, choices=Outcome)
    customer_id = models.CharField(max_length=64, blank=True)
    actor_issuer = models.CharField(max_length=255, blank=True)
    actor_sub = models.CharField(max_length=255, blank=True)
    actor_name = models.CharField(max_length=255)
    look_at = models.DateTimeField(null=True)  # when Club Med is to be asked about it again
    unseen_by_author = models.BooleanField(
        default=False
    )  # settled, and its author has not been told

    entries: list[Entry]  # in order, where `customers.audit.reading.with_entries` fetched them

    objects = ChangeQuerySet.as_manager()

    class Meta:
        ordering = ["-seq"]
        indexes = [
            models.Index(fields=["customer_id", "-seq"], name="change_customer"),
            models.Index(fields=["actor_issuer", "actor_sub", "-seq"], name="change_actor"),
            models.Index(
                fields=["look_at"], condition=models.Q(look_at__isnull=False), name="change_look"
            ),
            models.Index(
                fields=["outcome", "-seq"],
                condition=models.Q(outcome__in=[Outcome.UNCLEAR, Outcome.NOT_SEEN]),
                name="change_unsettled",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.change_id} {self.outcome}"

    def is_by(self, actor: Actor) -> bool:
        return (self.actor_issuer, self.actor_sub) == (actor.issuer, actor.sub)

    @property
    def is_of_the_log(self) -> bool:
        """Was it done to the log, and not to a customer?"""
        return self.action not in OF_VALUES

    @property
    def customer_label(self) -> str:
        """What the customer was called, from `entries`."""
        return self.entries[-1].customer_label

    @property
    def fields(self) -> "list[FieldHistory]":
        """What became of each field, from `entries`."""
        by_field: dict[str, list[Entry]] = {}
        for entry in self.entries:
            by_field.setdefault(entry.field, []).append(entry)
        return [FieldHistory(entries) for entries in by_field.values()]


@dataclass(frozen=True)
class FieldHistory:
    """The entries of one field of one change, in order."""

    entries: list[Entry]

    @property
    def first(self) -> Entry:
        return self.entries[0]

    @property
    def verdict(self) -> Entry:
        """The last word on what came of it."""
        found = [entry for entry in self.entries if entry.outcome != Outcome.STORED_AS]
        return (found or self.entries)[-1]  # none is left only if somebody altered them

    @property
    def stored(self) -> Entry | None:
        """How Club Med writes it, where that is not as it was sent."""
        last = self.entries[-1]
        return last if last.outcome == Outcome.STORED_AS else None


class Head(models.Model):
    """The one row that says how far the log goes; whoever appends locks it first."""

    seq = models.BigIntegerField(default=0)
    recorded_at = models.DateTimeField()
    digest = models.BinaryField(max_length=32)
    key_id = models.CharField(
        max_length=8, blank=True
    )  # blank, as is the signature, before entry 1
    signature = models.BinaryField(max_length=64)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(pk=1), name="one_head"),
        ]

    def __str__(self) -> str:
        return f"head at {self.seq}"


class Access(models.TextChoices):
    """What somebody looked at, or was let into."""

    VIEW = "view", "Profile viewed"
    REVEAL = "reveal", "Sensitive value revealed"
    SEARCH = "search", "Search made"  # that, not for what
    EXPORT = "export", "Log exported"
    AUDIT = "audit", "Audit page read"
    REPORT = "report", "Report made"
    SIGN_IN = "sign_in", "Signed in"
    REFUSED = "refused", "Entry refused"


class Purpose(models.TextChoices):
    """Why a sensitive value was revealed. A choice and no text, which might hold personal data."""

    IDENTIFY = "identify", "To make sure who the customer is"
    CORRECT = "correct", "To check or correct the value"
    REQUEST = "request", "The customer asked about it"
    DUTY = "duty", "A legal or tax duty"
    REVIEW = "review", "To review a change"


class AccessEvent(models.Model):
    """Somebody saw something. Only ever inserted; it leaves when it is older than ACCESS_MONTHS.

    Not part of the chain, so that a view takes no lock.
    """

    recorded_at = models.DateTimeField(db_index=True)
    kind = models.CharField(max_length=16, choices=Access)
    actor_issuer = models.CharField(max_length=255, blank=True)
    actor_sub = models.CharField(max_length=255, blank=True)
    actor_name = models.CharField(max_length=255)
    actor_roles = models.CharField(max_length=64, blank=True)
    customer_id = models.CharField(max_length=64, blank=True)
    # That was revealed; of a report about a member of staff, the identifier of whom.
    field = models.CharField(max_length=64, blank=True)
    change_id = models.UUIDField(null=True)  # whose old and new it was, if not the profile's
    purpose = models.CharField(max_length=16, choices=Purpose, blank=True)
    request_id = models.CharField(max_length=64, blank=True)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["customer_id", "-id"], name="access_customer"),
            models.Index(fields=["actor_issuer", "actor_sub", "-id"], name="access_actor"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} at {self.recorded_at}"


class Credential(models.Model):
    """An access token that the calls of many processes share (`customers.services.credentials`)."""

    key = models.CharField(max_length=80, primary_key=True)
    encrypted = models.TextField()
    ends_at = models.DateTimeField(db_index=True)  # of no use to anybody after that

    def __str__(self) -> str:
        return f"credential until {self.ends_at}"
