"""A server that says to the byte what a test tells it to, for answers that no sane server gives."""

import json
import socket
import ssl
import threading
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesParser
from http import HTTPStatus


@dataclass(frozen=True)
class Sent:
    """A request as it came."""

    method: str
    target: str
    headers: Message
    body: bytes


def answer(status, content=None, **headers):
    """A whole answer with a JSON body, if there is content."""
    phrase = HTTPStatus(status).phrase if status in set(HTTPStatus) else "Odd"
    body = b"" if content is None else json.dumps(content).encode()
    if status != 204:
        headers |= {"content-type": "application/json", "content-length": len(body)}
    lines = [f"HTTP/1.1 {status} {phrase}", *(f"{k}: {v}" for k, v in headers.items()), "", ""]
    return "\r\n".join(lines).encode() + body


class Drip:
    """An answer sent a byte at a time, many times a second; `quick` goes out at once before it."""

    def __init__(self, slow, quick=b""):
        self.slow = slow
        self.quick = quick
        self.finished = threading.Event()


class RawServer:
    """Takes one connection at a time and gives one answer a request, in order.

    answers: bytes to send, `Drip`, or a function of the socket, after which it is closed. When
    none is left the connection is closed, as it is at the client's end of it.
    """

    def __init__(self, *answers, tls=None):
        self.answers = list(answers)
        self.requests = []
        self.connections = 0
        self.closing = threading.Event()
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve)
        self._current = None

    @property
    def port(self):
        return self._listener.getsockname()[1]

    @property
    def url(self):
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *exc):
        self.closing.set()
        for sock in (self._listener, self._current):
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except (OSError, AttributeError):
                continue  # gone already, or nobody came
        self._thread.join()
        self._listener.close()

    def _serve(self):
        while not self.closing.is_set():
            try:
                plain, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._current = plain
            try:
                tls = self._tls
                with tls.wrap_socket(plain, server_side=True) if tls else plain as connection:
                    self._current = connection
                    self._converse(connection)
            except OSError:
                plain.close()  # the client hung up

    def _converse(self, connection):
        with connection.makefile("rb") as incoming:
            while not self.closing.is_set() and (request := _read(incoming)):
                self.requests.append(request)
                said = self.answers.pop(0) if self.answers else None
                if isinstance(said, bytes):
                    connection.sendall(said)
                    if _framed(said):
                        continue
                elif isinstance(said, Drip):
                    self._drip(connection, said)
                elif said is not None:
                    said(connection)
                return

    def _drip(self, connection, drip):
        connection.sendall(drip.quick)
        for byte in drip.slow:
            if self.closing.wait(0.02):
                return
            connection.sendall(bytes([byte]))
        drip.finished.set()


def _framed(said):
    """Does the client know where this answer ends, and that another may follow?"""
    if b"connection: close" in said:
        return False
    return b"content-length" in said.lower() or b" 204 " in said.split(b"\r\n")[0]


def _read(incoming):
    line = incoming.readline().decode()
    if not line:
        return None
    method, target, _ = line.split(" ")
    head = b""
    while (line := incoming.readline()) not in (b"\r\n", b""):
        head += line
    headers = BytesParser().parsebytes(head)
    return Sent(method, target, headers, incoming.read(int(headers["content-length"] or 0)))


def trusting(certificate, key):
    """A TLS context of a server with that certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context
