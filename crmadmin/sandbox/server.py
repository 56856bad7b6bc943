"""The sandbox over real HTTP: connections, faults, and the control routes under /_sandbox."""

import logging
import os
import re
import socket
import socketserver
import struct
import sys
import threading
from collections.abc import Callable
from http.client import responses
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from requests.structures import CaseInsensitiveDict

from crmadmin.sandbox.api import Answer, Api, Recorded, error
from crmadmin.sandbox.faults import Fault, Faults, Kind
from crmadmin.sandbox.people import SEED

logger = logging.getLogger(__name__)

_MAX_BODY = 1024 * 1024
_LOGGED_PATH = re.compile(
    r"/v[0-9]/customers(/[0-9]+/profile)?|/v0/[a-z]+|/v3/schemas/profile/[A-Za-z-]{2,5}"
    r"|/_sandbox/[a-z]+"
)
_PAGE = "<!doctype html><title>Maintenance</title><h1>We will be back soon</h1>"


class Sandbox:
    """A Club Med API on this machine, with invented customers.

    Binds at once (raises OSError when the address is taken) and serves from `with` or
    `serve_forever`. listener: a listening socket to serve on (and close), instead of host and port.

    url: where it listens, without a slash at the end. customers: id -> profile as stored, with its
    "id"; may be changed in place. forbidden: ids that answer 403. searchable: may be set to False,
    for tokens that may not search. tokens: those that are good; may be changed in place. requests:
    what came, in order. faults: what goes wrong next. watch: may be set to a function, called with
    each request and the answer of the API to it, whatever a fault makes of that answer on its way.
    """

    def __init__(
        self,
        *,
        token: str = "sandbox-token",  # noqa: S107 - opens nothing but this stand-in
        api_key: str = "sandbox-key",
        seed: int = SEED,
        listener: socket.socket | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self.token = token
        self.api_key = api_key
        self.faults = Faults()
        self.requests: list[Recorded] = []
        self.watch: Callable[[Recorded, Answer], object] | None = None
        self._api = Api(token=token, api_key=api_key, seed=seed)
        self.customers = self._api.customers
        self.forbidden = self._api.forbidden
        self.tokens = self._api.tokens
        self._over = threading.Event()  # who waits for an answer then gets none
        self._late: list[threading.Timer] = []
        self._server = _Server(self, listener, (host, port))
        self.url = "http://{}:{}".format(*self._server.socket.getsockname()[:2])
        self._thread: threading.Thread | None = None

    def __enter__(self) -> "Sandbox":
        self._thread = threading.Thread(target=self._serve, name="sandbox", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def serve_forever(self) -> None:
        """Serves in this thread until an exception (Ctrl-C) ends it."""
        try:
            self._serve()
        finally:
            self.close()

    def close(self) -> None:
        """Ends every wait, drip, late change and connection."""
        self._over.set()
        if self._thread is not None:
            self._server.shutdown()
            self._thread.join()
            self._thread = None
        self._server.server_close()
        self._server.hang_up()
        self._forget_late()

    def reset(self) -> None:
        """Customers as seeded, none forbidden, searchable; no request, fault or late change.

        A call that is still waiting or dripping ends without an answer, and stores nothing more.
        """
        over, self._over = self._over, threading.Event()
        over.set()
        self._forget_late()
        self.faults.clear()
        self.requests.clear()
        self._api.reset()

    @property
    def searchable(self) -> bool:
        return self._api.searchable

    @searchable.setter
    def searchable(self, value: bool) -> None:
        self._api.searchable = value

    def wait_for_late(self, seconds: float = 10) -> None:
        """Returns when every `apply_late` change has been applied, at most `seconds` each."""
        for timer in list(self._late):
            timer.join(seconds)

    def _serve(self) -> None:
        self._server.serve_forever(poll_interval=0.02)

    def _forget_late(self) -> None:
        with self._api.lock:
            timers, self._late = self._late, []
        for timer in timers:
            timer.cancel()
            timer.join()

    def _answer(self, request: Recorded) -> Answer:
        answer = self._api.answer(request)
        if self.watch is not None:
            self.watch(request, answer)
        return answer

    def _answer_late(self, request: Recorded, seconds: float) -> None:
        timer = threading.Timer(seconds, self._answer, [request])
        timer.daemon = True
        with self._api.lock:
            self._late.append(timer)
            timer.start()

    def _control(self, request: Recorded) -> Answer:
        """The routes for another process: set faults, start afresh, change a customer behind the
        caller's back, see what came.
        """
        match request.method, request.path:
            case "POST", "/_sandbox/faults":
                try:
                    self.faults.add(Fault.from_json(request.json))
                except ValueError as problem:
                    return error(400, str(problem))
            case "DELETE", "/_sandbox/faults":
                self.faults.clear()
            case "POST", "/_sandbox/reset":
                self.reset()
            case "PATCH", path if path.startswith("/_sandbox/customers/"):
                return self._api.change_elsewhere(path.rpartition("/")[2], request)
            case "GET", "/_sandbox/requests":
                return Answer(200, [_as_json(recorded) for recorded in list(self.requests)])
            case _:
                return error(404, "There is no such control.")
        return Answer(204)


def _as_json(request: Recorded) -> dict[str, Any]:
    """A recorded request for another process, without what it was authorised by."""
    secret = {"authorization", "x-api-key", "cookie"}
    return {
        "method": request.method,
        "path": request.path,
        "query": request.query,
        "headers": {k.lower(): v for k, v in request.headers.items() if k.lower() not in secret},
        "body": request.body.decode("utf-8", "replace"),
    }


class _Server(ThreadingHTTPServer):
    """Connections, remembered so that closing can end the open ones."""

    request_queue_size = 128

    def __init__(
        self, sandbox: Sandbox, listener: socket.socket | None, address: tuple[str, int]
    ) -> None:
        self.sandbox = sandbox
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        if listener is None:
            super().__init__(address, _Handler)
        else:
            super().__init__(listener.getsockname(), _Handler, bind_and_activate=False)
            self.socket.close()
            self.socket = listener

    def server_bind(self) -> None:
        socketserver.TCPServer.server_bind(self)  # without HTTPServer's look-up of our own name

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hung up is an everyday thing; anything else is a fault of ours.

        Whatever it is, its text may hold what was sent, so it is not logged.
        """
        problem = sys.exc_info()[0]
        if problem is not None and not issubclass(problem, OSError):
            logger.error("sandbox failed: %s", problem.__name__)

    def hang_up(self) -> None:
        with self._lock:
            for connection in self._open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue  # gone already


class _Handler(BaseHTTPRequestHandler):
    """One connection: reads a request whole, lets the fault or the API answer."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def _exchange(self) -> None:
        sandbox = self.server.sandbox
        request = self._read()
        if isinstance(request, Answer):  # its end cannot be known: nothing more can be read
            self.close_connection = True
            self._send(request)
            return
        if request.path.startswith("/_sandbox/"):
            self._send(sandbox._control(request))
            return
        sandbox.requests.append(request)
        fault = sandbox.faults.take(request.method, request.path)
        if fault is None:
            self._send(sandbox._answer(request))
        else:
            self._go_wrong(fault, request)

    def __getattr__(self, name: str) -> Any:
        """http.server looks for do_GET and the like: every method has an answer, if only a 405."""
        if name.startswith("do_"):
            return self._exchange
        raise AttributeError(name)

    def _read(self) -> Recorded | Answer:
        """The request with its whole body, or a refusal to read it."""
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not re.fullmatch("[0-9]+", length):
            return _refusal(411, "A body needs a Content-Length.")
        if int(length) > _MAX_BODY:
            return _refusal(413, "This body is too large.")
        path, _, query = self.path.partition("?")
        headers = CaseInsensitiveDict(self.headers.items())
        body = self.rfile.read(int(length))
        return Recorded(self.command, path, query, headers, body)

    def _go_wrong(self, fault: Fault, request: Recorded) -> None:
        sandbox = self.server.sandbox
        waits = fault.kind not in (Kind.DRIP, Kind.APPLY_LATE)
        if waits and sandbox._over.wait(fault.seconds):
            self._drop()
            return
        match Kind(fault.kind):
            case Kind.LATENCY:
                self._send(sandbox._answer(request))
            case Kind.DROP_BEFORE:
                self._drop()
            case Kind.DROP_AFTER:
                sandbox._answer(request)
                self._drop()
            case Kind.APPLY_LATE:
                sandbox._answer_late(request, fault.seconds)
                self._drop()
            case Kind.DRIP:
                self._drip(sandbox._answer(request), fault)
            case Kind.TRUNCATED:
                self._send(_truncated(sandbox._answer(request)))
            case Kind.EARLY_HINTS:
                answer = sandbox._answer(request)
                self.connection.sendall(b"HTTP/1.1 103 Early Hints\r\n\r\n")
                self._send(answer)
            case Kind.WRONG_LENGTH:
                self._send(_too_short(sandbox._answer(request)))
                self.close_connection = True
            case Kind.RESET:
                if fault.applied:
                    sandbox._answer(request)
                self._reset()
            case kind:
                if fault.applied:
                    sandbox._answer(request)
                self._send(_instead(kind, fault))

    def _drop(self) -> None:
        self.close_connection = True
        self.log_request("dropped")

    def _reset(self) -> None:
        """Close so that the caller gets a reset: at once, with nothing sent before it."""
        self._drop()
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(self.connection.detach())

    def _send(self, answer: Answer) -> None:
        head, body = self._as_bytes(answer)
        self.log_request(answer.status)
        self.connection.sendall(head + body)

    def _drip(self, answer: Answer, fault: Fault) -> None:
        """Ends when all is sent, the client is gone (an OSError) or the sandbox closes."""
        head, body = self._as_bytes(answer)
        self.log_request(answer.status)
        if fault.part == "body":
            self.connection.sendall(head)
        slow = head + body if fault.part == "headers" else body
        over = self.server.sandbox._over
        for byte in slow:
            if over.wait(fault.seconds):
                self.close_connection = True
                break
            self.connection.sendall(bytes([byte]))

    def _as_bytes(self, answer: Answer) -> tuple[bytes, bytes]:
        """Head and body as they go over the wire; a 204 has no body and says no length."""
        body = answer.body if answer.status not in (204, 304) else b""
        headers = {"Date": self.date_time_string()}
        if answer.status not in (204, 304):
            headers |= {"Content-Type": "application/json", "Content-Length": str(len(body))}
        headers |= answer.headers
        lines = [f"HTTP/1.1 {answer.status} {responses.get(answer.status, 'Unknown')}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        head = "\r\n".join([*lines, "", ""]).encode("latin-1")
        return head, b"" if self.command == "HEAD" else body

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Method, path, status; a path that is no route of ours may hold anything: not logged."""
        path = getattr(self, "path", "").partition("?")[0]
        shown = path if _LOGGED_PATH.fullmatch(path) else "(other)"
        logger.info("%s %s %s", self.command or "-", shown, code)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: what http.server has to say quotes the request."""


def _refusal(status: int, description: str) -> Answer:
    return error(status, description, headers={"Connection": "close"})


def _truncated(answer: Answer) -> Answer:
    """The answer's JSON cut in the middle, with a Content-Length that fits what is sent."""
    body = answer.body or b'{"status": "done"}'
    status = 200 if answer.status == 204 else answer.status
    return Answer(status, headers=answer.headers, raw=body[: len(body) // 2])


def _too_short(answer: Answer) -> Answer:
    """The answer with a Content-Length of ten bytes more than follow."""
    status = 200 if answer.status == 204 else answer.status
    headers = {**answer.headers, "Content-Length": str(len(answer.body) + 10)}
    return Answer(status, headers=headers, raw=answer.body)


def _instead(kind: Kind, fault: Fault) -> Answer:
    """What comes in place of the API's own answer."""
    raw = None if fault.body is None else fault.body.encode()
    match kind:
        case Kind.HTML:
            headers = {"Content-Type": "text/html; charset=utf-8", **fault.headers}
            return Answer(fault.status or 200, headers=headers, raw=raw or _PAGE.encode())
        case Kind.REDIRECT:
            headers = {"Location": "/elsewhere", **fault.headers}
            return Answer(fault.status or 302, headers=headers, raw=b"")
        case Kind.EMPTY:
            return Answer(fault.status or 200, headers=fault.headers, raw=b"")
        case _:
            status = fault.status or 500
            if raw is not None:
                return Answer(status, headers=fault.headers, raw=raw)
            return error(status, "This was asked for.", headers=fault.headers)
