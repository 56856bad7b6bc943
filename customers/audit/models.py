"""The tables: the audit log, the journal of changes that are about to be sent, and API tokens."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from customers.access import Actor, role_words
from customers.audit import encryption
from customers.audit.actions import OF_VALUES, SIDES, Action, Evidence, Flag, Outcome

PERSONAL = ("customer_label", "reason", "related")  # members of an act that are encrypted
# Not as "IN": SQLite uses the index of these only for a query that says it in these words.
UNSETTLED = models.Q(outcome=Outcome.UNCLEAR) | models.Q(outcome=Outcome.NOT_SEEN)
_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode


class NumberField(models.BigIntegerField):  # type: ignore[type-arg]
    """The number of an entry. As a primary key it is SQLite's own number of the row."""

    def db_type(self, connection: Any) -> str | None:
        return "integer" if connection.vendor == "sqlite" else super().db_type(connection)


def json_text(value: Any) -> str:
    """The one text of a JSON value, to store and to hash."""
    return _encode(value)


def facts(detail: Any) -> dict[str, Any]:
    """Parse `detail` of a maintenance entry as a JSON object; {} if it is not one.

    Verification reports tampering, this does not.
    """
    try:
        members = json.loads(detail or "{}")
    except (ValueError, RecursionError):
        return {}
    return members if isinstance(members, dict) else {}


def number_in(detail: Any, name: str) -> int | None:
    """A member of that object which is a number of an entry, 0 or above; else None."""
    number = facts(detail).get(name)
    return number if type(number) is int and 0 <= number < 2**63 else None


def moment(time: datetime) -> str:
    """The one text of a time: 2026-11-23T09:41:07.118000Z."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@lru_cache(maxsize=1024)
def actor_key(issuer: str, sub: str) -> int:
    """The number of a person in the projections, above 0; 0 for nobody of this desk."""
    if not issuer and not sub:
        return 0
    digest = hashlib.sha256(json_text([issuer, sub]).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1 | 1


class Missing(models.TextChoices):
    """The reason why a value is missing, in its place. A text for any page."""

    ERASED = "erased", _("erased")  # its customer was forgotten, or it was too old
    NOT_KEPT = "not kept", _("not kept")  # it never was in the log
    UNREADABLE = "unreadable", _("not readable")  # no key opens it, or somebody altered it

    def __str__(self) -> str:
        return str(self.label)


class ByPerson(models.Model):
    """Who did it, as `Actor.columns` gives it; without issuer and sub it is nobody of this desk."""

    actor_issuer = models.CharField(max_length=255, blank=True)
    actor_sub = models.CharField(max_length=255, blank=True)
    actor_name = models.CharField(max_length=255)
    actor_roles = models.CharField(max_length=64, blank=True)

    class Meta:
        abstract = True

    @property
    def role_words(self) -> str:
        return role_words(self.actor_roles.split(", "))


class Act(ByPerson):
    """Who did what to whom: the columns that a journal line and an entry share.

    The members of PERSONAL lie encrypted; each may be Missing.
    """

    action = models.CharField(max_length=16, choices=Action)
    customer_id = models.CharField(max_length=64, blank=True)  # unknown until a create is answered
    locale = models.CharField(max_length=35)
    request_id = models.CharField(max_length=64, blank=True)
    flags = models.CharField(max_length=128, blank=True)  # words of Flag, sorted, a space between
    reverts = models.CharField(max_length=32, blank=True)  # the change id in hex

    class Meta:
        abstract = True

    @cached_property
    def contents(self) -> Mapping[str, Any]:
        """The decrypted members, by name."""
        raise NotImplementedError

    def is_by(self, actor: Actor) -> bool:
        return (self.actor_issuer, self.actor_sub) == (actor.issuer, actor.sub)

    @property
    def actor_key(self) -> int:
        return actor_key(self.actor_issuer, self.actor_sub)

    @property
    def flag_words(self) -> list[tuple[str, str]]:
        """(flag, in words) each; a flag that somebody altered stands as it is."""
        codes = set(Flag.values)
        return [
            (flag, str(Flag(flag).label) if flag in codes else flag) for flag in self.flags.split()
        ]

    @property
    def customer_label(self) -> str:
        """The customer's name at that time."""
        return self.contents.get("customer_label") or ""

    @property
    def reason(self) -> str:
        """Why, as a person typed it."""
        return self.contents.get("reason") or ""

    @property
    def related(self) -> list[str] | Missing:
        """Numbers of customers, and ids of creates, that looked like the same person."""
        return self.contents.get("related") or []

    def act(self) -> dict[str, Any]:
        """The shared columns and the personal members, to copy into an entry."""
        names = [column.name for column in Act._meta.get_fields()]
        return {name: getattr(self, name) for name in (*names, *PERSONAL)}


class JournalLine(Act):
    """A change that is about to be sent, or whose outcome is not known yet.

    Its owner may settle it until `deadline`; others only `JOURNAL_GRACE` seconds after it. Values
    and PERSONAL lie encrypted in the line itself, bound to who does what.
    """

    change_id = models.UUIDField(primary_key=True)
    fields = models.JSONField()  # their names
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

    def encrypt(self, values: dict[str, Any], personal: Mapping[str, Any]) -> None:
        """Encrypt what is sent. values: {field: {"old": Json, "new": Json}}; personal: PERSONAL."""
        self.fields = list(values)
        self.contents = {"values": values, **{name: personal.get(name, "") for name in PERSONAL}}
        self.key_id = encryption.current()
        self.encrypted = encryption.encrypt(json_text(self.contents).encode(), self.place())

    def place(self) -> bytes:
        """The text that the ciphertext is bound to: who does what."""
        actor = [self.actor_issuer, self.actor_sub, self.actor_name, self.actor_roles]
        about = [self.locale, self.request_id, self.flags, self.reverts, *self.fields]
        act = [self.change_id.hex, self.action, self.customer_id, *actor, *about]
        return json_text(["crmadmin-line-2", *act]).encode()

    @cached_property
    def contents(self) -> Mapping[str, Any]:
        """values and PERSONAL."""
        try:
            text = encryption.decrypt(self.key_id, self.encrypted, self.place())
        except encryption.UnreadableError:
            pair = {"old": Missing.UNREADABLE, "new": Missing.UNREADABLE}
            values = dict.fromkeys(self.fields, pair)
            return {"values": values, **dict.fromkeys(PERSONAL, Missing.UNREADABLE)}
        return dict(json.loads(text))

    @property
    def values(self) -> dict[str, Any]:
        """{field: {"old": Json, "new": Json}}."""
        return dict(self.contents["values"])

    @property
    def is_readable(self) -> bool:
        return self.customer_label is not Missing.UNREADABLE

    @property
    def new_values(self) -> dict[str, Any]:
        """field -> the value to send."""
        return {name: pair["new"] for name, pair in self.values.items()}


class Claim(models.Model):
    """One field of one customer that a journal line holds: at most one open line a field."""

    # Whoever closes a line deletes its claims first; the database refuses anything else.
    line = models.ForeignKey(JournalLine, models.DO_NOTHING, related_name="claims")
    customer_id = models.CharField(max_length=64)
    field = models.CharField(max_length=64)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["customer_id", "field"], name="claim_once")]

    def __str__(self) -> str:
        return f"{self.field} of {self.customer_id}"


class EntryManager(models.Manager["Entry"]):
    """Entries come with their item of the vault."""

    def get_queryset(self) -> "models.QuerySet[Entry]":
        return super().get_queryset().select_related("item")


class Entry(Act):
    """What happened to one field. Only ever appended; a later outcome is a further entry.

    The shared columns say who made the change or, if a person decided its outcome, who decided and
    why. The commitments are SHA-256 of a salt and a value, "" where there is none; the values
    are in the vault, and read from there under the names of SIDES.
    """

    seq = NumberField(primary_key=True)
    change_id = models.UUIDField(db_index=True)
    recorded_at = models.DateTimeField()
    field = models.CharField(max_length=64)
    old_commitment = models.CharField(max_length=64, blank=True)
    new_commitment = models.CharField(max_length=64, blank=True)
    found_commitment = models.CharField(max_length=64, blank=True)
    reason_commitment = models.CharField(max_length=64, blank=True)
    customer_label_commitment = models.CharField(max_length=64, blank=True)
    related_commitment = models.CharField(max_length=64, blank=True)
    outcome = models.CharField(max_length=16, choices=Outcome)
    evidence = models.CharField(max_length=16, choices=Evidence)
    # Of a refusal, Club Med's codes; of maintenance, up to which number, as JSON; else why it is
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
            models.Index(fields=["customer_id", "seq"], name="entry_customer"),
            models.Index(
                fields=["seq"], condition=models.Q(action=Action.ANCHOR), name="entry_anchor"
            ),
            models.Index(fields=["reverts"], condition=~models.Q(reverts=""), name="entry_reverts"),
        ]
        constraints = [models.CheckConstraint(condition=models.Q(seq__gt=0), name="entry_numbered")]

    def __str__(self) -> str:
        return f"{self.seq} {self.field} {self.outcome}"

    @cached_property
    def contents(self) -> Mapping[str, Any]:
        """side -> the value it committed to, or Missing."""
        commitments = {side: getattr(self, f"{side}_commitment") for side in SIDES}
        sides = [side for side in SIDES if commitments[side]]
        try:
            texts = encryption.decrypt_values(
                self.seq, self.field, commitments.values(), self.item.key_id, self.item.encrypted
            )
        except VaultItem.DoesNotExist:
            return dict.fromkeys(sides, Missing.ERASED)
        except encryption.UnreadableError:
            return dict.fromkeys(sides, Missing.UNREADABLE)
        values = b",".join(text[encryption.SALT :] for text in texts)
        return dict(zip(sides, json.loads(b"[%b]" % values), strict=True))

    @property
    def old(self) -> Any:
        return self._value("old")

    @property
    def new(self) -> Any:
        return self._value("new")

    @property
    def found(self) -> Any:
        """The value that a read of Club Med showed (evidence "read"); None otherwise."""
        return self.contents.get("found")

    def _value(self, side: str) -> Any:
        if side in self.contents:
            return self.contents[side]
        return Missing.NOT_KEPT if self.action in OF_VALUES else None

    @property
    def value(self) -> Any:
        """The value that Club Med held when this was recorded."""
        return self.found if self.evidence == Evidence.READ else self.new


class VaultItem(models.Model):
    """The values that an entry commits to, encrypted: salt and value of each side.

    Inserted with the entry, encrypted anew under a new key, and deleted when its customer is
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
    encrypted = models.BinaryField()

    def __str__(self) -> str:
        return f"values of entry {self.pk}"

    def place(self) -> bytes:
        """The text that the ciphertext is bound to."""
        return encryption.place_of(self.pk, self.entry.field)


class ChangeQuerySet(models.QuerySet["Change"]):
    """Newest first."""

    def of_customer(self, customer_id: str, *, field: str = "") -> "ChangeQuerySet":
        """field: only the changes of that field."""
        changes = self.filter(customer_id=customer_id)
        if not field:
            return changes
        of_field = ChangedField.objects.filter(customer_id=customer_id, field=field)
        return changes.filter(pk__in=of_field.order_by().values("change_id"))

    def by(self, actor: Actor) -> "ChangeQuerySet":
        return self.filter(actor_key=actor_key(actor.issuer, actor.sub))


class Change(models.Model):
    """A projection of the entries, one row a change: its current state and what pages filter by.

    Not part of the record: `manage.py audit_rebuild` makes it anew from the entries.
    """

    change_id = models.UUIDField(primary_key=True)
    seq = models.BigIntegerField(unique=True)  # of its first entry
    recorded_at = models.DateTimeField()  # likewise
    actor_key = models.BigIntegerField()
    action = models.CharField(max_length=16, choices=Action)
    outcome = models.CharField(max_length=16, choices=Outcome)
    customer_id = models.CharField(max_length=64, blank=True)
    read_again_at = models.DateTimeField(null=True)  # when Club Med is to be asked about it again
    unseen_by_author = models.BooleanField(default=False)  # settled without its author

    entries: list[Entry]  # in order, where `customers.audit.reading.with_entries` fetched them
    reverted: "Change | None" = None  # the earlier change that it puts back, likewise

    objects = ChangeQuerySet.as_manager()

    class Meta:
        ordering = ["-seq"]
        indexes = [
            models.Index(fields=["customer_id", "seq"], name="change_customer"),
            models.Index(fields=["actor_key", "seq"], name="change_actor"),
            models.Index(
                fields=["read_again_at"],
                condition=models.Q(read_again_at__isnull=False),
                name="change_read_again",
            ),
            models.Index(
                fields=["outcome", "seq"],
                condition=UNSETTLED,
                name="change_unsettled",
            ),
            models.Index(
                fields=["actor_key", "seq"],
                condition=models.Q(unseen_by_author=True),
                name="change_unseen",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.change_id} {self.outcome}"

    def is_by(self, actor: Actor) -> bool:
        return self.actor_key == actor_key(actor.issuer, actor.sub)

    @property
    def is_of_the_log(self) -> bool:
        """Was the act done to the log, and not to a customer?"""
        return self.action not in OF_VALUES

    @property
    def actor_name(self) -> str:
        """From `entries`."""
        return self.entries[0].actor_name

    @property
    def customer_label(self) -> str:
        """The customer's name at that time, from `entries`."""
        return self.entries[-1].customer_label

    @property
    def came_out_alike(self) -> bool:
        """Have all its fields the same outcome, evidence, detail and reason?"""
        verdicts = [history.verdict for history in self.fields]
        sorts = {(entry.outcome, entry.evidence, entry.detail, entry.reason) for entry in verdicts}
        return len(sorts) == 1 and self.action != Action.ELSEWHERE

    @property
    def fields(self) -> "list[FieldHistory]":
        return by_field(self.entries)


class ChangedField(models.Model):
    """A projection of the entries, one row a field of a change: what the log is filtered by.

    seq, recorded_at, actor and request_id: of the field's first entry in that change. outcome: what
    is known now. flags: of its last entry. Made anew like `Change`. Numbers and times come first,
    as PostgreSQL leaves room before them.
    """

    seq = NumberField(primary_key=True)
    change_id = models.UUIDField()
    recorded_at = models.DateTimeField()
    actor_key = models.BigIntegerField()
    field = models.CharField(max_length=64)
    action = models.CharField(max_length=16, choices=Action)
    outcome = models.CharField(max_length=16, choices=Outcome)
    flags = models.CharField(max_length=128, blank=True)
    customer_id = models.CharField(max_length=64, blank=True)
    request_id = models.CharField(max_length=64, blank=True)

    class Meta:
        ordering = ["-seq"]
        # Read backwards, each gives the newest first. Of one time or request there are few rows.
        indexes = [
            models.Index(fields=["field", "seq"], name="field_field"),
            models.Index(fields=["customer_id", "seq"], name="field_customer"),
            models.Index(fields=["actor_key", "seq"], name="field_actor"),
            models.Index(fields=["action", "seq"], name="field_action"),
            models.Index(fields=["outcome", "seq"], name="field_outcome"),
            models.Index(fields=["recorded_at"], name="field_time"),
            models.Index(fields=["request_id"], name="field_request"),
            models.Index(fields=["seq"], condition=~models.Q(flags=""), name="field_flagged"),
        ]

    def __str__(self) -> str:
        return f"{self.field} of {self.change_id}"


@dataclass(frozen=True)
class FieldHistory:
    """The entries of one field of one change, in order."""

    entries: list[Entry]

    @property
    def first(self) -> Entry:
        return self.entries[0]

    @property
    def verdict(self) -> Entry:
        """The entry with the outcome of the field."""
        verdicts = [entry for entry in self.entries if entry.outcome != Outcome.STORED_AS]
        return (verdicts or self.entries)[-1]  # all say "stored as" only if somebody altered them

    @property
    def stored(self) -> Entry | None:
        """How Club Med writes it, where that is not as it was sent."""
        last = self.entries[-1]
        return last if last.outcome == Outcome.STORED_AS else None


def by_field(entries: Iterable[Entry]) -> list[FieldHistory]:
    """The history of each field, from the entries of a change in order."""
    histories: dict[str, FieldHistory] = {}
    for entry in entries:
        histories.setdefault(entry.field, FieldHistory([])).entries.append(entry)
    return list(histories.values())


class Head(models.Model):
    """The one row that says how far the log goes; whoever appends locks it first."""

    seq = models.BigIntegerField(default=0)
    recorded_at = models.DateTimeField()
    digest = models.BinaryField(max_length=32)
    key_id = models.CharField(max_length=8, blank=True)  # blank, as the signature, before entry 1
    signature = models.BinaryField(max_length=64)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(pk=1), name="one_head")]

    def __str__(self) -> str:
        return f"head at {self.seq}"


class StoredSeal(models.Model):
    """A former head, as it was signed. Every `chain.SEALED_EVERY` entries one is stored.

    So an old change is proven by a few entries, and not by all that came after it.
    """

    seq = NumberField(primary_key=True)
    recorded_at = models.DateTimeField()
    digest = models.BinaryField(max_length=32)
    key_id = models.CharField(max_length=8)
    signature = models.BinaryField(max_length=64)

    def __str__(self) -> str:
        return f"seal of entry {self.seq}"


class Access(models.TextChoices):
    """What somebody looked at, and what happened at the door: who came in, left or was refused."""

    VIEW = "view", _("Profile viewed")
    REVEAL = "reveal", _("Sensitive value revealed")
    SEARCH = "search", _("Search made")  # that, not for what
    EXPORT = "export", _("Log exported")
    AUDIT = "audit", _("Audit page read")
    REPORT = "report", _("Report made")
    SIGN_IN = "sign_in", _("Signed in")
    SIGN_IN_FAILED = "sign_in_failed", _("Sign-in failed")
    SIGN_OUT = "sign_out", _("Signed out")
    EXPIRED = "expired", _("Sign-in expired")  # too long idle, or too long in all
    ENDED = "ended", _("Sign-in ended by the company")  # at the provider, or by somebody here
    END_SIGN_IN = "end_sign_in", _("Session ended by somebody else")  # who ended it
    REFUSED = "refused", _("Entry refused")
    FORGED_FORM = "forged_form", _("Form refused")  # its token was not ours, or had expired
    LIMITED = "limited", _("Limit reached")


class Purpose(models.TextChoices):
    """Why a sensitive value was revealed. A choice and no text, which might hold personal data."""

    IDENTIFY = "identify", _("To make sure who the customer is")
    CORRECT = "correct", _("To check or correct the value")
    REQUEST = "request", _("The customer asked about it")
    DUTY = "duty", _("A legal or tax duty")
    REVIEW = "review", _("To review a change")


class AccessEvent(ByPerson):
    """Somebody saw something. Only ever inserted; it leaves when it is older than ACCESS_MONTHS.

    Not part of the chain, so that a view takes no lock.
    """

    recorded_at = models.DateTimeField(db_index=True)
    kind = models.CharField(max_length=16, choices=Access)
    actor_key = models.BigIntegerField()
    customer_id = models.CharField(max_length=64, blank=True)
    # That was revealed; of an export its format; of a limit its name; of a report about staff, and
    # of a sign-in that somebody ended, the identifier of whom.
    field = models.CharField(max_length=64, blank=True)
    change_id = models.UUIDField(null=True)  # whose old and new it was, if not the profile's
    purpose = models.CharField(max_length=16, choices=Purpose, blank=True)
    query = models.TextField(blank=True)  # of an export, its filter; of a sign-in ended, why
    request_id = models.CharField(max_length=64, blank=True)
    address = models.CharField(max_length=39, blank=True)  # the caller's; only at the door

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["customer_id", "id"], name="access_customer"),
            models.Index(fields=["actor_key", "id"], name="access_actor"),
            models.Index(fields=["kind", "id"], name="access_kind"),
            # Repeated views, and how many there were lately.
            models.Index(fields=["actor_key", "kind", "recorded_at"], name="access_lately"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} at {self.recorded_at}"


class CheckState(models.TextChoices):
    """How far a verification is."""

    RUNNING = "running"
    WHOLE = "whole"
    NOT_WHOLE = "not_whole"
    BROKEN_OFF = "broken_off"  # it ended without a result


class Verification(models.Model):
    """One run of `manage.py audit_verify`, for the page that shows it. No part of the record.

    since: the trusted seal that it went on from, 0 for the whole log. first, reached: the entries
    that it has read; last: the newest when it began, 0 until it says so. proven: up to which entry
    a signature vouches for them. sealed: the newest entry whose seal, kept elsewhere, it compared;
    0 for none.
    """

    state = models.CharField(max_length=16, choices=CheckState, default=CheckState.RUNNING)
    actor_name = models.CharField(max_length=255)
    started_at = models.DateTimeField()
    beat_at = models.DateTimeField()  # when it was last at work, by the database's clock
    ended_at = models.DateTimeField(null=True)
    since = models.BigIntegerField(default=0)
    first = models.BigIntegerField(default=1)
    reached = models.BigIntegerField(default=0)
    last = models.BigIntegerField(default=0)
    proven = models.BigIntegerField(default=0)
    sealed = models.BigIntegerField(default=0)
    # [number of the entry or None, what is wrong] each, in the verifier's words
    faults = models.JSONField(default=list)

    class Meta:
        ordering = ["-pk"]
        indexes = [models.Index(fields=["ended_at"], name="check_ended")]
        constraints = [
            models.UniqueConstraint(
                fields=["state"], condition=models.Q(state=CheckState.RUNNING), name="check_once"
            ),
        ]

    def __str__(self) -> str:
        return f"verification up to entry {self.reached}: {self.state}"

    @property
    def is_broken(self) -> bool:
        """Was the log not whole?"""
        return self.state == CheckState.NOT_WHOLE

    @property
    def seconds(self) -> float:
        """How long it took."""
        return (self.ended_at - self.started_at).total_seconds() if self.ended_at else 0.0

    @property
    def unproven(self) -> int:
        """The first entry that no signature vouches for."""
        return max(self.proven + 1, self.first)

    @property
    def lists_agree(self) -> bool:
        """Do the lists show what the entries say?"""
        return not any("audit_rebuild" in what for _, what in self.faults)


class Credential(models.Model):
    """An access token that the calls of many processes share (`customers.services.credentials`)."""

    key = models.CharField(max_length=80, primary_key=True)
    encrypted = models.TextField()
    ends_at = models.DateTimeField(db_index=True)  # of no use to anybody after that

    def __str__(self) -> str:
        return f"credential until {self.ends_at}"


class Remembered(models.Model):
    """A person's typed text or search, for a quarter of an hour (`customers.session`)."""

    key_digest = models.CharField(max_length=64, primary_key=True)
    owner = models.CharField(max_length=64)  # digest of what the session or the browser is known by
    encrypted = models.TextField()
    ends_at = models.DateTimeField(db_index=True)

    class Meta:
        indexes = [models.Index(fields=["owner", "ends_at"], name="remembered_owner")]

    def __str__(self) -> str:
        return f"remembered until {self.ends_at}"


class SavedView(models.Model):
    """A filter of the log under a name. No part of the record.

    query: the filter as a query string, without a period that moves. days: of a period that ends
    today, None if it does not move along.
    """

    name = models.CharField(max_length=60)
    query = models.TextField(blank=True)
    days = models.PositiveIntegerField(null=True)
    is_shared = models.BooleanField(default=False)
    owner_issuer = models.CharField(max_length=255)
    owner_sub = models.CharField(max_length=255)
    owner_name = models.CharField(max_length=255)

    class Meta:
        ordering = ["name", "id"]

    def __str__(self) -> str:
        return self.name

    def is_of(self, actor: Actor) -> bool:
        return (self.owner_issuer, self.owner_sub) == (actor.issuer, actor.sub)


class Colleague(models.Model):
    """How the company knows a person beside their name, as of their last sign-in. No part of the
    record.
    """

    key = models.BigIntegerField(primary_key=True)  # as `actor_key` gives it
    login = models.CharField(max_length=255)  # their user name or e-mail

    def __str__(self) -> str:
        return self.login
