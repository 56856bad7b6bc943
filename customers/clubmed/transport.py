"""One hard deadline a call, a largest answer, and a circuit breaker.

The timeouts of requests bound each wait on the socket, so a server that drips bytes can hold a call
for ever. Here each wait gets the rest of the whole call's time. The connection also notes the
first byte that it sends: a call that failed without one did not land. Looking up a host's name is
the one wait that the system alone bounds.
"""

import io
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from http.client import HTTPResponse, parse_headers
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.util.connection import create_connection

_FRESH = 2  # seconds that a connection may have been idle and still take a write
_MAX_ANSWER = 5 * 1024 * 1024  # bytes, unpacked
_MAX_FAILURES = 5  # calls in a row without an answer: then the breaker opens
_THREADS = 64  # connections of a pool: as many as the server has threads


class Breaker:
    """Allows no calls for a while to a server that does not answer."""

    def __init__(self) -> None:
        self.rest: float = 10  # seconds from the opening, or a probe that failed, to the next probe
        self._lock = threading.Lock()
        self._failures = 0
        self._probe_at = 0.0  # on the monotonic clock

    @property
    def is_open(self) -> bool:
        return self._failures >= _MAX_FAILURES

    def allows(self, *, may_probe: bool = True) -> bool:
        """May a call be made? An open breaker allows a probe after each rest, if it may report."""
        with self._lock:
            if not self.is_open:
                return True
            if not may_probe or time.monotonic() < self._probe_at:
                return False
            self._probe_at = time.monotonic() + self.rest  # should the probe never report
            return True

    def report(self, *, answered: bool) -> None:
        """Count the outcome of a call that was allowed."""
        with self._lock:
            self._failures = 0 if answered else self._failures + 1
            if self.is_open:
                self._probe_at = time.monotonic() + self.rest


@dataclass
class Call:
    """One call under way.

    ends_at: its deadline, on the monotonic clock. is_write: does it change something? was_sent: did
    a byte of this try go out? was_answered: was the last try answered; None if that is unknown.
    """

    ends_at: float
    is_write: bool = False
    was_sent: bool = False
    was_answered: bool | None = None

    @property
    def seconds_left(self) -> float:
        """Seconds until the deadline; negative after it."""
        return self.ends_at - time.monotonic()

    def wait(self, most: float | None = None) -> float:
        """Seconds that one wait may take, at most `most`; TimeoutError after the deadline."""
        seconds = self.seconds_left
        if seconds <= 0:
            raise TimeoutError("the call's deadline has passed")
        return seconds if most is None else min(seconds, most)


current_call: ContextVar[Call] = ContextVar("current_call")


@contextmanager
def within(seconds: float) -> Iterator[Call]:
    """A call of its own, which ends after these seconds at the latest."""
    call = Call(ends_at=time.monotonic() + seconds)
    reset = current_call.set(call)
    try:
        yield call
    finally:
        current_call.reset(reset)


class _BoundedRead(io.RawIOBase):
    """The receiving side of a socket: no wait is longer than the call has left."""

    def __init__(self, sock: socket.socket, raw: io.RawIOBase) -> None:
        self._sock, self._raw, self._most = sock, raw, sock.gettimeout()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(current_call.get().wait(self._most))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Response(HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(_BoundedRead(sock, self.fp.detach()))

    def _read_status(self) -> tuple[str, int, str]:
        """Pass over provisional answers, such as 103 (RFC 9110, 15.2)."""
        status: tuple[str, int, str] = super()._read_status()  # type: ignore[misc]
        while 100 <= status[1] < 200:
            parse_headers(self.fp)
            status = super()._read_status()  # type: ignore[misc]
        return status


class _Connection(HTTPConnection):
    """Connects, sends and receives within the current call's time."""

    response_class = _Response

    def _new_conn(self) -> socket.socket:
        """A socket to the first of the host's addresses that answers. A handshake is one wait."""
        call = current_call.get()
        problem = OSError("the host has no address")
        for *_, address in socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM):
            where = str(address[0]), self.port
            try:
                most = call.wait(self.timeout)
                sock = create_connection(where, most, self.source_address, self.socket_options)
                sock.settimeout(call.wait(most))
                return sock
            except OSError as exc:
                problem = exc
        raise problem

    def send(self, data: Any) -> None:
        """Connect first: a call that fails until then was not sent. All the data is one wait."""
        call = current_call.get()
        if self.sock is None:
            self.connect()
        self.sock.settimeout(call.wait())
        call.was_sent = True
        super().send(data)


class _TLSConnection(_Connection, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    """Gives no write a connection that was idle for long: the server may be closing it."""

    ConnectionCls = _Connection

    def _get_conn(self, timeout: float | None = None) -> Any:
        connection: Any = super()._get_conn(timeout)
        idle = time.monotonic() - getattr(connection, "idle_since", time.monotonic())
        if current_call.get().is_write and idle > _FRESH:
            connection.close()  # it connects again when it is used
        return connection

    def _put_conn(self, conn: Any) -> None:
        if conn is not None:
            conn.idle_since = time.monotonic()
        super()._put_conn(conn)


class _TLSPool(_Pool, HTTPSConnectionPool):
    ConnectionCls = _TLSConnection


class _BoundedAdapter(HTTPAdapter):
    """Receives the whole answer within the current call's deadline and the largest size."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TLSPool}

    def send(self, *args: Any, **kwargs: Any) -> requests.Response:
        with super().send(*args, **kwargs) as response:
            body = _body(response)
        response._content, response._content_consumed = body, True  # type: ignore[attr-defined]
        response.headers.pop("location", None)  # requests would look at where it leads
        return response


def _body(response: requests.Response) -> bytes:
    """The body of a success, whole; of a 4xx as far as it can be read; of any other, nothing."""
    kind = response.status_code // 100
    body = bytearray()
    if kind not in (2, 4):
        return b""
    try:
        for chunk in response.iter_content(64 * 1024):
            body += chunk
            if len(body) > _MAX_ANSWER:
                raise ValueError("larger than any answer of the contract")
    except Exception:
        if kind != 4:  # the status of a refusal is enough
            raise
    return bytes(body)


def bound(session: requests.Session) -> None:
    """Bind a session to the current call's deadline, and to nothing of the environment's proxy."""
    session.trust_env = False
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.headers["User-Agent"] = "crmadmin"
    adapter = _BoundedAdapter(pool_connections=1, pool_maxsize=_THREADS, max_retries=0)
    session.mount("http://", adapter)
    session.mount("https://", adapter)


def bounded_session() -> requests.Session:
    """A session within the current call's deadline, without the environment's proxy and cookies."""
    session = requests.Session()
    bound(session)
    return session
