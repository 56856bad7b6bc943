"""The example of a proxy in front (docs/nginx.conf), run by a real nginx."""

import shutil
import socket
import ssl
import subprocess
import threading
import time
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.demo import ROOT

pytestmark = [
    pytest.mark.once,
    pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not installed"),
]
HOST = "desk.example.com"


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


class Desk(BaseHTTPRequestHandler):
    """In place of the product: says what reached it."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.server.reached.append((dict(self.headers), body))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def desk():
    with ThreadingHTTPServer(("127.0.0.1", 0), Desk) as server:
        server.reached = []
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def write_certificate(folder):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, HOST)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    (folder / "desk.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (folder / "desk.key").write_bytes(private)


@contextmanager
def nginx(folder, *replicas):
    """One with the example, as it is but for ports and paths: yields its ports, (http, https)."""
    write_certificate(folder)
    http, https = free_port(), free_port()
    example = (ROOT / "docs/nginx.conf").read_text()
    for ours, theirs in (
        ("server 127.0.0.1:8000;", "".join(f"server 127.0.0.1:{port}; " for port in replicas)),
        ("listen 443", f"listen 127.0.0.1:{https}"),
        ("listen 80", f"listen 127.0.0.1:{http}"),
        ("/etc/ssl/", f"{folder}/"),
        ("/var/log/nginx/", f"{folder}/"),
    ):
        assert ours in example
        example = example.replace(ours, theirs)
    places = "".join(
        f"{name}_temp_path {folder}/{name};\n"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"daemon off; pid {folder}/pid; error_log {folder}/error.log;\n"
        f"events {{}}\nhttp {{\n{places}{example}}}\n"
    )
    command = ["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf")]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None:
            with closing(socket.socket()) as probe:
                if probe.connect_ex(("127.0.0.1", https)) == 0:
                    break
            time.sleep(0.05)
        yield http, https
        process.terminate()


@pytest.fixture(scope="module")
def proxy(desk, tmp_path_factory):
    with nginx(tmp_path_factory.mktemp("nginx"), desk.server_port) as ports:
        yield ports


def tls(port, host=HOST, version=None, caller="127.0.0.1"):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if version:
        context.minimum_version = context.maximum_version = version
        context.set_ciphers("ALL:@SECLEVEL=0")
    wire = socket.create_connection(("127.0.0.1", port), source_address=(caller, 0))
    return context.wrap_socket(wire, server_hostname=host)


def request(method, *headers, path="/customers/1/"):
    lines = [f"{method} {path} HTTP/1.1", f"Host: {HOST}", "Connection: close", *headers, "", ""]
    return "\r\n".join(lines).encode()


def answer_to(port, *said, path="/customers/1/", caller="127.0.0.1"):
    with tls(port, caller=caller) as wire:
        wire.sendall(request(*said, path=path))
        return wire.recv(65536).decode()


def test_the_desk_hears_the_callers_address_and_not_what_the_caller_says(desk, proxy):
    forged = ("X-Forwarded-For: 198.51.100.9", "X-Forwarded-Proto: http")

    assert answer_to(proxy[1], "GET", *forged).startswith("HTTP/1.1 200")

    heard, _ = desk.reached[-1]
    assert heard["X-Forwarded-For"] == "127.0.0.1"
    assert heard["X-Forwarded-Proto"] == "https"
    assert heard["Host"] == HOST


def test_a_request_goes_on_once_it_is_whole(desk, proxy):
    before = len(desk.reached)
    with tls(proxy[1]) as wire:
        wire.sendall(request("POST", "Content-Length: 6") + b"abc")
        assert answer_to(proxy[1], "GET").startswith("HTTP/1.1 200")  # meanwhile others are served
        assert [body for _, body in desk.reached[before:]] == [b""]
        wire.sendall(b"def")
        assert wire.recv(65536).startswith(b"HTTP/1.1 200")

    assert desk.reached[-1][1] == b"abcdef"


def test_only_who_watches_the_desk_asks_whether_it_works(desk, proxy):
    assert " 200 " in answer_to(proxy[1], "GET", path="/health/ready")
    before = len(desk.reached)

    assert " 403 " in answer_to(proxy[1], "GET", path="/health/ready", caller="127.0.0.2")
    assert len(desk.reached) == before


def test_what_is_too_long_or_not_for_us_does_not_reach_the_desk(desk, proxy):
    http, https = proxy
    before = len(desk.reached)

    assert " 413 " in answer_to(https, "POST", "Content-Length: 2000000")
    assert " 405 " in answer_to(https, "TRACE")
    assert " 400 " in answer_to(https, "POST", "Content-Length: 3", "Transfer-Encoding: chunked")
    answer = requests.get(
        f"http://127.0.0.1:{http}/audit/", headers={"Host": HOST}, allow_redirects=False
    )
    assert (answer.status_code, answer.headers["Location"]) == (301, f"https://{HOST}/audit/")
    assert answer.headers["Server"] == "nginx"
    for path in ("/metrics", "/oidc/backchannel-logout/"):
        assert (
            requests.post(f"http://127.0.0.1:{http}{path}", headers={"Host": HOST}).status_code
            == 403
        )
    with pytest.raises(ssl.SSLError):
        tls(https, host="other.example.com")
    with pytest.warns(DeprecationWarning, match="deprecated"), pytest.raises(ssl.SSLError):
        tls(https, version=ssl.TLSVersion.TLSv1_1)
    assert len(desk.reached) == before


def test_where_one_replica_is_stopped_the_other_answers(desk, tmp_path):
    before = len(desk.reached)
    with nginx(tmp_path, free_port(), desk.server_port) as (_, https):
        for method in ("POST", "GET"):
            assert " 200 " in answer_to(https, method, "Content-Length: 0")
    assert len(desk.reached) == before + 2


def test_a_form_that_a_replica_got_before_it_died_is_sent_to_no_other(desk, tmp_path):
    before = len(desk.reached)
    with (
        socket.create_server(("127.0.0.1", 0)) as dying,
        nginx(tmp_path, dying.getsockname()[1], desk.server_port) as (_, https),
        tls(https) as wire,
    ):
        wire.sendall(request("POST", "Content-Length: 3") + b"abc")
        got, _ = dying.accept()
        with got:
            assert got.recv(65536).startswith(b"POST ")
        assert wire.recv(65536).startswith(b"HTTP/1.1 502")
    assert len(desk.reached) == before
