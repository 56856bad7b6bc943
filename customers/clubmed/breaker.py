"""A circuit breaker: a server that does not answer is left alone for a while."""

import threading
import time

_MOST = 5  # calls in a row without an answer, and no more are made
_REST = 10  # seconds until one is let through again, to see


class Breaker:
    """One for a process, shared by its threads.

    rest: seconds between an opening, or a probe that failed, and the next probe.
    """

    def __init__(self, *, most: int = _MOST, rest: float = _REST) -> None:
        self.rest = rest
        self._most = most
        self._lock = threading.Lock()
        self._failures = 0
        self._probe_at = 0.0  # on the monotonic clock

    @property
    def is_open(self) -> bool:
        """Is the server taken for dead? True until a call is answered again."""
        return self._failures >= self._most

    def lets_through(self, *, may_probe: bool = True) -> bool:
        """May a call be made? While it is open one may, each time that the rest is over.

        may_probe: is it a call whose outcome will be reported?
        """
        with self._lock:
            if not self.is_open:
                return True
            if not may_probe or time.monotonic() < self._probe_at:
                return False
            # Nobody else meanwhile; and should the probe never report, the next one may.
            self._probe_at = time.monotonic() + self.rest
            return True

    def report(self, *, answered: bool) -> None:
        """What became of a call that was let through."""
        with self._lock:
            self._failures = 0 if answered else self._failures + 1
            if self.is_open:
                self._probe_at = time.monotonic() + self.rest
