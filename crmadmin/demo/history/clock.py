"""The clock of the process that lives in the past."""

from datetime import datetime, timedelta

from django.utils import timezone


class Clock:
    """Goes as fast as time does, some weeks behind it. Never backwards.

    `now` takes the place of Django's `timezone.now`, from which the product has all its times.
    """

    def __init__(self, start: datetime) -> None:
        self._now = timezone.now
        self._behind = self._now() - start

    def now(self) -> datetime:
        return self._now() - self._behind

    def move_to(self, moment: datetime) -> None:
        """Go on to that moment; one that has passed is no reason to go back."""
        self._behind -= max(moment - self.now(), timedelta(0))

    def move_on(self, **by: float) -> None:
        """by: as `timedelta` takes it."""
        self.move_to(self.now() + timedelta(**by))
