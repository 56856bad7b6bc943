"""One hard deadline a call, and whether any byte of it went out.

The timeouts of requests bound each wait on the socket, so a server that drips bytes can hold a call
for ever. Here each wait gets what is left of the whole call's time. The connection also notes the
first byte that it sends: a call that failed without one certainly did not land.
"""

import io
import socket
import time
from contextvars import ContextVar
from dataclasses import dataclass
from http.client import HTTPResponse
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool


@dataclass
class Call:
    """One call under way. ends_at: on the monotonic clock. sent: has a byte gone out?"""

    ends_at: float
    sent: bool = False

    def left(self) -> float:
        """Seconds that remain; raises TimeoutError when there are none."""
        left = self.ends_at - time.monotonic()
        if left <= 0:
            raise TimeoutError("the call's deadline has passed")
        return left


current_call: ContextVar[Call] = ContextVar("current_call")


class _BoundedRead(io.RawIOBase):
    """The receiving side of a socket, each wait no longer than the call has left."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._raw = sock.makefile("rb", buffering=0)
        self._most = sock.gettimeout()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = current_call.get().left()
        self._sock.settimeout(left if self._most is None else min(left, self._most))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Response(HTTPResponse):
    """http.client's answer, read through `_BoundedRead`."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp.close()
        self.fp = io.BufferedReader(_BoundedRead(sock))


class _NotesSending:
    """Mixed into a connection: connect first, then note that bytes go out."""

    response_class = _Response

    def send(self, data: Any) -> None:
        call = current_call.get()
        if self.sock is None:  # type: ignore[attr-defined]
            self.connect()  # type: ignore[attr-defined]
        self.sock.settimeout(call.left())  # type: ignore[attr-defined]
        call.sent = True
        super().send(data)  # type: ignore[misc]


class _HTTPConnection(_NotesSending, HTTPConnection):  # type: ignore[misc]
    pass


class _HTTPSConnection(_NotesSending, HTTPSConnection):  # type: ignore[misc]
    pass


class _HTTPPool(HTTPConnectionPool):
    ConnectionCls = _HTTPConnection


class _HTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _HTTPSConnection


class DeadlineAdapter(HTTPAdapter):
    """An adapter whose connections keep to the current call's deadline."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _HTTPPool, "https": _HTTPSPool}
