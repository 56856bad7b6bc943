"""One hard deadline a call, and whether any byte of it went out.

The timeouts of requests bound each wait on the socket, so a server that drips bytes, or a host with
many dead addresses, can hold a call for ever. Here each wait gets what is left of the whole call's
time. The connection also notes the first byte that it sends: a call that failed without one
certainly did not land. Looking up a host's name is the one wait that the system alone bounds.
"""

import io
import socket
import time
from contextvars import ContextVar
from dataclasses import dataclass
from http.client import HTTPResponse
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.util.connection import create_connection

_FRESH = 2  # seconds that a connection may have been idle and still take a write


@dataclass
class Call:
    """One call under way.

    ends_at: on the monotonic clock. is_write: an unknown outcome matters. sent: did a byte of this
    try go out? answered: was the last try answered; None where nothing tells.
    """

    ends_at: float
    is_write: bool = False
    sent: bool = False
    answered: bool | None = None

    @property
    def left(self) -> float:
        """Seconds; negative when the deadline has passed."""
        return self.ends_at - time.monotonic()

    def wait(self, most: float | None = None) -> float:
        """Seconds that one wait may take, `most` at most; TimeoutError when no time is left."""
        left = self.left
        if left <= 0:
            raise TimeoutError("the call's deadline has passed")
        return left if most is None else min(left, most)


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
        self._sock.settimeout(current_call.get().wait(self._most))
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


class _Connection(HTTPConnection):
    """Connects, sends and receives within the current call's time."""

    response_class = _Response

    def _new_conn(self) -> socket.socket:
        """A socket to the first of the host's addresses that answers, its timeout set to what a
        TLS handshake may take (Python counts that as one wait)."""
        call = current_call.get()
        problem = OSError("the host has no address")
        for *_, address in socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM):
            most = call.wait(self.timeout)
            found = str(address[0]), self.port
            try:
                sock = create_connection(found, most, self.source_address, self.socket_options)
            except OSError as exc:
                problem = exc
            else:
                sock.settimeout(min(most, max(call.left, 0.001)))  # 0 would mean not to wait
                return sock
        raise problem

    def send(self, data: Any) -> None:
        """Connect first, so that what fails until then is known as not sent.

        Python counts the sending of all the data as one wait, through TLS too.
        """
        call = current_call.get()
        if self.sock is None:
            self.connect()
        self.sock.settimeout(call.wait())
        call.sent = True
        super().send(data)


class _TLSConnection(_Connection, HTTPSConnection):
    """The same, through TLS."""


class _Pool(HTTPConnectionPool):
    """No write goes out on a connection that was idle for long: the server may be closing it at
    this moment, and that would leave the outcome unknown for nothing."""

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


class _DeadlineAdapter(HTTPAdapter):
    """An adapter whose connections keep to the current call's deadline."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TLSPool}


class Session(requests.Session):
    """A session whose calls keep to the current call's deadline.

    It knows no proxy, .netrc or cookie by surprise, and takes a redirect for the answer that it is,
    without looking at where it leads.
    """

    def __init__(self, pool_size: int) -> None:
        super().__init__()
        self.trust_env = False
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self.headers["User-Agent"] = "crmadmin"
        adapter = _DeadlineAdapter(pool_connections=1, pool_maxsize=pool_size, max_retries=0)
        self.mount("http://", adapter)
        self.mount("https://", adapter)

    def get_redirect_target(self, resp: requests.Response) -> None:
        return None
