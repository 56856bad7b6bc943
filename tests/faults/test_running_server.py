"""The server of `make run` and its SQLite files, which stay whole when it is killed or reloaded;
and what one of its workers is told of a sign-out holds in the other.
"""

import json
import os
import re
import select
import signal
import socket
import sqlite3
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from gunicorn.config import Config

from crmadmin.sandbox import Fault
from crmadmin.worker import ServerLog
from tests import hostile_provider as hostile
from tests.conftest import HTMX, TOM, hidden_inputs
from tests.demo import ROOT, SERVER, children_of
from tests.faults.conftest import (
    PATIENCE,
    Person,
    manage,
    open_database,
    patched,
    recorded,
    wait_until,
)

pytestmark = pytest.mark.once
PEOPLE = [str(number) for number in range(901, 941)]
GRACEFUL = 1  # seconds; the calls below take longer
NEW = {"value": "new@example.com"}


class Server:
    """The product under gunicorn with the settings of `make run`, but a short graceful time."""

    def __init__(self, environment, port, log):
        self.url = f"http://127.0.0.1:{port}"
        command = [
            *(*SERVER, "--bind", f"127.0.0.1:{port}"),
            *("--graceful-timeout", str(GRACEFUL)),
        ]
        self.process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=log)
        wait_until(self.answers)

    def answers(self):
        with suppress(requests.ConnectionError):
            return requests.get(f"{self.url}/health/ready").ok


@contextmanager
def serving(environment, log):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with open(log, "wb") as stderr:
        server = Server(environment, port, stderr)
        try:
            yield server
        finally:
            server.process.kill()
            server.process.wait()


def kill_the_main_process(server):
    server.process.kill()


def reload_it(server):
    server.process.send_signal(signal.SIGHUP)


@pytest.mark.parametrize("interrupt", [kill_the_main_process, reload_it])
def test_saves_under_way_are_recorded_and_no_file_is_written_into(
    sandbox, environment, tmp_path, interrupt
):
    for n, number in enumerate(PEOPLE):
        sandbox.customers[number] = {"id": number, "first_name": "Ada", "email": None}
        # One call after another is answered when the graceful time is over.
        slow = Fault("latency", method="PATCH", path=f".*/{number}/", seconds=3 + n / 32)
        sandbox.faults.add(slow)

    log = tmp_path / "process.log"
    with serving(environment, log) as server, closing(open_database(tmp_path)):
        ines = Person(server.url, "ines.moreau")
        urls = [f"/customers/{number}/fields/email/" for number in (TOM, *PEOPLE)]
        first, *forms = [hidden_inputs(ines.page(url)) | NEW for url in urls]
        save(ines, urls[0], first)
        workers = [os.pidfd_open(worker) for worker in children_of(server.process.pid)]
        with ThreadPoolExecutor(len(PEOPLE)) as pool:
            saving = [pool.submit(save, ines, *one) for one in zip(urls[1:], forms, strict=True)]
            wait_until(lambda: len(patched(sandbox)) == len(urls))
            interrupt(server)
            for one in saving:
                one.result()
        for worker in workers:
            assert select.select([worker], [], [], PATIENCE)[0], "a worker goes on"
            os.close(worker)
        if interrupt is reload_it:
            wait_until(lambda: b'"at start"' in log.read_bytes())

        assert_the_files_are_whole(tmp_path)
    assert_the_files_are_whole(tmp_path)
    verified = manage(environment, "audit_verify", "--log", str(log))
    assert re.search("whole, [1-9][0-9]* seals compared", verified)
    assert recorded(tmp_path) == patched(sandbox) == Counter([TOM, *PEOPLE])


def save(person, url, form):
    """Send it; who is cut off gets no answer."""
    with suppress(requests.ConnectionError):
        person.post(url, form, headers=HTMX)


def assert_the_files_are_whole(folder):
    """The first bytes are what SQLite writes there (its file format, sections 1.3 and 4.1)."""
    file = folder / "desk.sqlite3"
    assert file.read_bytes()[:16] == b"SQLite format 3\0"
    wal, shm = (Path(f"{file}-{name}") for name in ("wal", "shm"))
    if wal.exists():
        assert wal.read_bytes()[:4] in (b"", b"\x37\x7f\x06\x82", b"\x37\x7f\x06\x83")
        head = shm.read_bytes()
        assert head[:48] == head[48:96]
        assert int.from_bytes(head[:4], sys.byteorder) == 3_007_000
    with closing(sqlite3.connect(file)) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


PRIVATE = b"/customers/123456789/?tom@example.com"
NO_REQUESTS = [
    b"GET %s FOO/1.1\r\n\r\n",
    b"GET %s\xff HTTP/1.1\r\n\r\n",
    b"GET / HTTP/1.1\r\nNo header %s\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nExpect: %s\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: %s\r\n\r\n",
]


def test_the_servers_own_lines_are_json_and_hold_nothing_that_was_sent(environment, tmp_path):
    log = tmp_path / "process.log"
    with serving(environment, log) as server:
        for said in NO_REQUESTS:
            with socket.create_connection(("127.0.0.1", urlsplit(server.url).port)) as wire:
                wire.sendall(said % PRIVATE)
                assert wire.recv(100).startswith(b"HTTP/1.1 ")
        told = "Invalid request from ip=127.0.0.1"
        wait_until(lambda: log.read_text().count(told) == len(NO_REQUESTS))

    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert {"Starting", "Booting"} < {line["message"].split()[0] for line in lines}
    assert not [line for line in lines if "123456789" in str(line) or "tom@" in str(line)]


def test_where_a_request_failed_is_told_and_not_its_address(capsys):
    servers_log = ServerLog(Config())
    try:
        raise ValueError(PRIVATE)
    except ValueError:
        servers_log.exception("Error handling request %s %s", "GET", PRIVATE)

    said = capsys.readouterr().err
    assert "a request failed: ValueError" in said
    assert "test_running_server.py" in said
    assert "tom@" not in said


@contextmanager
def stopped(process):
    """Whatever comes is for the other worker."""
    os.kill(process, signal.SIGSTOP)
    yield
    os.kill(process, signal.SIGCONT)


def test_a_sign_out_that_one_worker_is_told_of_holds_in_the_other(environment, tmp_path):
    with (
        hostile.HostileProvider() as company,
        serving(
            environment
            | {
                "OIDC_ISSUER": company.issuer,
                "OIDC_CLIENT_ID": hostile.CLIENT_ID,
                "OIDC_CLIENT_SECRET": hostile.CLIENT_SECRET,
            },
            tmp_path / "process.log",
        ) as server,
        # Else a worker is the last to close the file, which locks it, and may be stopped just then.
        closing(open_database(tmp_path)),
    ):
        one, other = children_of(server.process.pid)
        company.claims = {"sid": "one"}
        cookies = sign_in_by(server).cookies
        token = company.logout_token(sid="one")

        for worker in (one, other):
            with stopped(worker):
                for claims in hostile.BAD_LOGOUTS:
                    assert tell(server, company.logout_token(**claims)) == 400
                assert tell(server, company.logout_token(sub=None, sid="unknown")) == 200
                assert open_page(server, cookies) == 200
        with stopped(one):
            assert tell(server, token) == 200
        with stopped(other):
            assert tell(server, token) == 400
            assert open_page(server, cookies) == 302


def sign_in_by(server):
    browser = requests.Session()
    assert browser.get(f"{server.url}/saves/").url == f"{server.url}/saves/"
    return browser


def tell(server, token):
    """Over a connection of its own, which whichever worker is free takes."""
    said = {"logout_token": token}
    return requests.post(f"{server.url}/oidc/backchannel-logout/", said).status_code


def open_page(server, cookies):
    answer = requests.get(f"{server.url}/saves/", cookies=cookies, allow_redirects=False)
    return answer.status_code
