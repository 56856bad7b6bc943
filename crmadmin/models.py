"""The sessions of the people who are signed in."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone

from customers.services.session_encryption import decrypt_for_session, encrypt_for_session


class Session(models.Model):
    """From one sign-in to its end. Of no use to who reads the table, copies a row or writes one.

    The cookie's value is the key, and only its digest stands here. `identity` can be read by the
    product, for the list of who is signed in, and is good in this row with these columns only.
    `content` can be read with the cookie's value only.
    """

    key_digest = models.CharField(max_length=64, primary_key=True)
    person = models.BigIntegerField(db_index=True)  # as `actor_key` gives it
    # Of the provider's session: SHA-256 of issuer and `sid`; "" if it named none.
    sid_digest = models.CharField(max_length=64, blank=True, db_index=True)
    began = models.DateTimeField()
    last_active = models.DateTimeField()  # at most a minute behind
    ends_at = models.DateTimeField(db_index=True)  # whatever is done meanwhile
    was_ended = models.BooleanField(default=False)  # by somebody here: the person is told so
    identity = models.TextField()
    content = models.TextField()

    def __str__(self) -> str:
        return f"session since {self.began}"

    @property
    def _bound_to(self) -> str:
        times = f"{self.began.timestamp()} {self.ends_at.timestamp()}"
        return f"identity {self.key_digest} {self.person} {self.sid_digest} {times}"

    def set_identity(self, identity: dict[str, Any]) -> None:
        self.identity = encrypt_for_session(identity, bound_to=self._bound_to)

    def read_identity(self) -> dict[str, Any] | None:
        """None if somebody else wrote it, or another column that it is bound to."""
        identity: dict[str, Any] | None = decrypt_for_session(
            self.identity, max_age=None, bound_to=self._bound_to
        )
        return identity

    @property
    def ended_at(self) -> datetime:
        """When its time is over, or will be if nothing more is done."""
        return min(self.ends_at, self.last_active + _idle())

    @property
    def lasts(self) -> bool:
        """Is the session still open?"""
        return self.ended_at > timezone.now()

    @classmethod
    def lasting(cls) -> "models.QuerySet[Session]":
        """The sessions that have not ended."""
        now = timezone.now()
        return cls.objects.filter(ends_at__gt=now, last_active__gt=now - _idle(), was_ended=False)


def _idle() -> timedelta:
    """A session ends after so long without work."""
    return timedelta(minutes=settings.SESSION_IDLE_MINUTES)


class SpentLogoutToken(models.Model):
    """A logout token of the provider's, which is good once."""

    digest = models.CharField(max_length=64, primary_key=True)
    until = models.DateTimeField(db_index=True)  # it is too old from then on

    def __str__(self) -> str:
        return f"logout token until {self.until}"
