"""The only thing stored here: the audit log, and the journal of what is about to be sent."""

import json
from typing import TYPE_CHECKING, Any

from django.db import models

from customers.access import Actor


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
        return json.dumps(value, sort_keys=True, separators=(",", ":"))


class Action(models.TextChoices):
    """What a person did."""

    CHANGE = "change", "Changed"
    CREATE = "create", "Created"


class Outcome(models.TextChoices):
    """What came of it. Refused, not applied and unclear are three different things."""

    APPLIED = "applied", "Applied"
    REFUSED = "refused", "Refused"
    NOT_APPLIED = "not_applied", "Not applied"
    UNCLEAR = "unclear", "Unclear"


class Act(models.Model):
    """Who did what to whom, and why: the columns that a journal line and an entry share.

    Names are kept as they were: history outlives the people and the customers.
    """

    action = models.CharField(max_length=16, choices=Action)
    customer_id = models.CharField(max_length=64, blank=True)  # unknown until a create is answered
    customer_label = models.CharField(max_length=255, blank=True)
    actor_issuer = models.CharField(max_length=255)
    actor_sub = models.CharField(max_length=255)
    actor_name = models.CharField(max_length=255)
    actor_roles = models.CharField(max_length=64)
    reason = models.TextField(blank=True)
    locale = models.CharField(max_length=35)
    request_id = models.CharField(max_length=64)

    class Meta:
        abstract = True

    def act(self) -> dict[str, Any]:
        """The shared columns, to carry over into an entry."""
        return {column.name: getattr(self, column.name) for column in Act._meta.get_fields()}


class JournalLine(Act):
    """A change that is about to be sent, or whose outcome is not known yet.

    values: {field: {"old": Json, "new": Json}}. Its owner may settle it until `deadline`; others
    only `JOURNAL_GRACE` seconds after it.
    """

    change_id = models.UUIDField(primary_key=True)
    values = JsonTextField()
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


class Claim(models.Model):
    """One field of one customer that a journal line holds: at most one open line a field."""

    line = models.ForeignKey(JournalLine, models.CASCADE, related_name="claims")
    customer_id = models.CharField(max_length=64)
    field = models.CharField(max_length=64)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["customer_id", "field"], name="claim_once"),
        ]

    def __str__(self) -> str:
        return f"{self.field} of {self.customer_id}"


class Entry(Act):
    """What happened to one field. Only ever appended; a later finding is a further entry."""

    seq = models.BigIntegerField(primary_key=True)
    change_id = models.UUIDField(db_index=True)
    recorded_at = models.DateTimeField()
    field = models.CharField(max_length=64)
    old = JsonTextField()
    new = JsonTextField()
    outcome = models.CharField(max_length=16, choices=Outcome)
    detail = models.TextField(blank=True)  # how it came to this outcome, in words

    class Meta(Act.Meta):
        abstract = False
        ordering = ["-seq"]
        indexes = [
            models.Index(fields=["customer_id", "field", "-seq"], name="entry_customer_field"),
            models.Index(fields=["customer_id", "-seq"], name="entry_customer"),
        ]

    def __str__(self) -> str:
        return f"{self.seq} {self.field} {self.outcome}"


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
    customer_label = models.CharField(max_length=255, blank=True)
    actor_issuer = models.CharField(max_length=255)
    actor_sub = models.CharField(max_length=255)
    actor_name = models.CharField(max_length=255)

    objects = ChangeQuerySet.as_manager()

    class Meta:
        ordering = ["-seq"]
        indexes = [
            models.Index(fields=["customer_id", "-seq"], name="change_customer"),
            models.Index(fields=["actor_issuer", "actor_sub", "-seq"], name="change_actor"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.change_id} {self.outcome}"


class Head(models.Model):
    """The one row that says how far the log goes; whoever appends locks it first."""

    seq = models.BigIntegerField(default=0)
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(pk=1), name="one_head"),
        ]

    def __str__(self) -> str:
        return f"head at {self.seq}"
