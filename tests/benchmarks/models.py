"""A row to insert, and one small model: with nothing that follows it, and with each other log."""

from auditlog.registry import auditlog
from django.db import models
from simple_history.models import HistoricalRecords


class Row(models.Model):
    """What the unit inserts."""

    text = models.CharField(max_length=25)

    def __str__(self) -> str:
        return self.text


class Person(models.Model):
    """Followed by nobody."""

    name = models.CharField(max_length=64)
    email = models.CharField(max_length=64)
    city = models.CharField(max_length=64)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.name


class Unfollowed(Person):
    """What a save costs without a log."""


class Audited(Person):
    """Followed by django-auditlog."""


class Historied(Person):
    """Followed by django-simple-history."""

    history = HistoricalRecords()


auditlog.register(Audited)
