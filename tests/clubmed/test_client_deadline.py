"""One hard deadline a call: no server, however it drips, holds a person longer.

Each read timeout here is far above the pause between two bytes, so only the deadline can end a
call. That it did is shown by order: the call is over before the slow answer is.
"""

import datetime
import ipaddress
import socket
import threading

import pytest
import requests.adapters
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from customers.clubmed.errors import NoAnswerError, NotSentError, RefusedError
from tests.clubmed.calls import GOOD, TOM, client, create, every_route, read, update
from tests.wire import Drip, RawServer, answer, trusting

pytestmark = pytest.mark.once

LONG = b"x" * 1000  # about 20 s of dripping
PROMISED = b"HTTP/1.1 200 OK\r\ncontent-length: 1002\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
DRIPS = {
    "status line": (b"HTTP/1.1 200 " + LONG, b""),
    "header": (b"x-slow: " + LONG, b"HTTP/1.1 200 OK\r\n"),
    "continue": (b"HTTP/1.1 100 Continue\r\n\r\n" * 40, b""),
    "body": (b'"' + LONG + b'"', PROMISED),
    "body without length": (LONG, b"HTTP/1.1 200 OK\r\n\r\n"),
    "chunk size": (b"0" * 1000, CHUNKED),
    "chunk": (LONG, CHUNKED + b"3e8\r\n"),
    "many chunks": (b"1\r\n1\r\n" * 200, CHUNKED),
    "trailer": (b"x: y\r\n" * 200, CHUNKED + b"2\r\n{}\r\n0\r\n"),
}


def impatient(url, **changes):
    return client(url, **({"deadline": 0.4} | changes))


@pytest.mark.parametrize(
    ("where", "call", "tls"),
    [
        *((where, read, False) for where in DRIPS),
        *((where, read, True) for where in ("header", "body", "many chunks")),
        *(("header", call, False) for call in GOOD if call is not read),
    ],
)
def test_a_dripped_answer_is_left_at_the_deadline(where, call, tls, trusted):
    drip = Drip(*DRIPS[where])
    with RawServer(drip, tls=trusting(*trusted) if tls else None) as server:
        with pytest.raises(NoAnswerError):
            call(impatient(server.url))

        assert not drip.finished.is_set()
        assert len(server.requests) == 1


def test_the_deadline_holds_on_a_kept_connection():
    drip = Drip(*DRIPS["body"])
    with RawServer(GOOD[create], drip) as server:
        api = impatient(server.url)
        create(api)
        with pytest.raises(NoAnswerError):
            read(api)

        assert not drip.finished.is_set()
        assert server.connections == 1


def test_a_refusal_whose_explanation_drips_is_still_a_refusal():
    drip = Drip(LONG, quick=b"HTTP/1.1 400 Bad Request\r\ncontent-length: 1000\r\n\r\n")
    with RawServer(drip) as server:
        with pytest.raises(RefusedError):
            update(impatient(server.url))

        assert not drip.finished.is_set()


def test_silence_ends_a_call_at_the_read_timeout():
    with RawServer(lambda connection: connection.recv(1)) as server, pytest.raises(NoAnswerError):
        update(client(server.url, read_timeout=0.2, deadline=60))


def test_a_slow_answer_within_the_deadline_is_taken():
    drip = Drip(b'": 1}', quick=b'HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\n{"a')
    with RawServer(drip) as server:
        assert read(client(server.url)).values == {"a": 1}


def test_a_token_that_came_too_late_sends_nothing():
    class Slow:
        def token(self, rejected=""):
            threading.Event().wait(0.2)
            return "sandbox-token"

    with RawServer(answer(204)) as server:
        with pytest.raises(NotSentError):
            update(impatient(server.url, tokens=Slow(), deadline=0.1))

        assert server.requests == []


def test_many_dead_addresses_do_not_add_up(monkeypatch):
    """A full queue of waiting connections answers nothing to the next one."""
    asked = []
    look_up = socket.getaddrinfo

    def many(host, *args, **kwargs):
        asked.append(host)
        if host != "many.example":
            return look_up(host, *args, **kwargs)
        return look_up("127.0.0.1", *args, **kwargs) * 100

    monkeypatch.setattr(socket, "getaddrinfo", many)
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        address = full.getsockname()
        waiting = [socket.socket() for _ in range(3)]
        for sock in waiting:
            sock.setblocking(False)
            sock.connect_ex(address)

        with pytest.raises(NotSentError):
            read(impatient(f"http://many.example:{address[1]}", connect_timeout=0.1))

        for sock in waiting:
            sock.close()
    assert len(asked) < 20


# Through TLS ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """(certificate, key) files of a server on 127.0.0.1 that nobody else vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    here = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(here, critical=False)
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("tls")
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    (folder / "certificate").write_bytes(made.public_bytes(pem))
    (folder / "key").write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    return str(folder / "certificate"), str(folder / "key")


@pytest.fixture
def trusted(certificate, monkeypatch):
    monkeypatch.setattr(requests.adapters, "DEFAULT_CA_BUNDLE_PATH", certificate[0])
    return certificate


@every_route
def test_a_server_with_an_unknown_certificate_is_sent_nothing(call, certificate):
    with RawServer(tls=trusting(*certificate)) as server:
        with pytest.raises(NotSentError):
            call(client(server.url))

        assert server.requests == []


class OddServer(RawServer):
    """Gives each connection to `serve`, with an event that tells when nobody waits any more."""

    def __init__(self, serve, **settings):
        super().__init__(**settings)
        self._converse = lambda connection: serve(connection, self.closing)


def test_a_dripped_handshake_is_left_with_nothing_sent():
    finished = threading.Event()

    def drip(connection, gone):
        for byte in b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc" + LONG:
            connection.sendall(bytes([byte]))
            if gone.wait(0.02):
                return
        finished.set()

    with OddServer(drip) as server, pytest.raises(NotSentError):
        read(impatient(f"https://127.0.0.1:{server.port}", connect_timeout=60))
    assert not finished.is_set()


@pytest.mark.parametrize("is_tls", [False, True])
def test_a_server_that_takes_the_request_slowly_is_left_at_the_deadline(trusted, is_tls):
    """More than the machine's buffers hold, taken in sips that would last for seconds. The deadline
    is longer here: such a body takes a moment to be written."""
    taken = 0

    def sip(connection, gone):
        nonlocal taken
        while not gone.wait(0.01) and (sipped := connection.recv(10_000)):
            taken += len(sipped)

    with OddServer(sip, tls=trusting(*trusted) if is_tls else None) as server:
        api = impatient(server.url, deadline=3)
        with pytest.raises(NoAnswerError):
            api.update_profile(TOM, {"birth_city": "x" * 20_000_000})
    assert 0 < taken < 10_000_000
