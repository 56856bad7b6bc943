"""The workers and then the whole server are replaced while people work: no request fails.

With FROM=commit, as by `make upgrade`, the first server and the tables are of that version.
"""

import os
import signal
import subprocess
import threading
from collections import Counter
from contextlib import closing

import psycopg
import pytest
import requests
from django.db import connection

from crmadmin.demo import listening
from tests import postgres
from tests.conftest import HTMX, hidden_inputs
from tests.demo import ROOT, SERVER, children_of
from tests.faults.conftest import (
    Person,
    manage,
    open_database,
    patched,
    recorded,
    wait_until,
)

FROM = os.environ.get("FROM", "")
PEOPLE = [str(number) for number in range(901, 903)]


@pytest.fixture
def own_database(own_database):
    """On what the tests run."""
    if connection.vendor == "sqlite":
        yield own_database
    else:
        with postgres.running() as address:
            yield address


@pytest.fixture
def first_version(tmp_path):
    """Where its code is."""
    if not FROM:
        return ROOT
    code = tmp_path / "code"
    code.mkdir()
    archive = subprocess.run(["git", "archive", FROM], cwd=ROOT, capture_output=True, check=True)  # noqa: S607
    subprocess.run(["tar", "x"], cwd=code, input=archive.stdout, check=True)  # noqa: S607
    (code / ".venv").symlink_to(ROOT / ".venv")
    subprocess.run(["make", "--silent", "compiled"], cwd=code, check=True)  # noqa: S607
    return code


class Server:
    """A version of the product, on a socket that others may serve too. log: its process log."""

    def __init__(self, code, environment, listener, log):
        handle, self.log = listener.fileno(), log
        with log.open("wb") as told:
            self.process = subprocess.Popen(
                [*SERVER, "--bind", f"fd://{handle}"],
                cwd=code,
                env=environment,
                pass_fds=[handle],
                stderr=told,
            )

    def serves(self):
        """Wait until two more workers do: each says where the log stands."""
        wait_until(lambda: self.log.read_bytes().count(b'"at start"') == 2)

    def replace_workers(self):
        before = children_of(self.process.pid)
        self.process.send_signal(signal.SIGHUP)
        self.serves()
        wait_until(lambda: not {*before} & {*children_of(self.process.pid)})

    def stop(self):
        self.process.terminate()
        return self.process.wait()


@pytest.fixture
def serve():
    """Start a `Server`, which ends with the test at the latest."""
    started = []

    def start(*args):
        started.append(Server(*args))
        return started[-1]

    yield start
    for server in started:
        server.process.kill()
        server.process.wait()


class Worker(threading.Thread):
    """Somebody who looks and saves again and again, on a connection that stays open."""

    def __init__(self, url, number):
        super().__init__(daemon=True)
        self.person, self.path = Person(url, "ines.moreau"), f"/customers/{number}/"
        self.failed, self.saves, self.stop = [], 0, threading.Event()

    def run(self):
        edit = f"{self.path}fields/email/"
        while not self.stop.is_set():
            try:
                self.person.page(self.path)
                value = f"new{self.saves}@example.com"
                form = hidden_inputs(self.person.page(edit)) | {"value": value}
                self.person.post(edit, form, headers=HTMX).raise_for_status()
            except requests.RequestException as exc:
                self.failed.append(repr(exc))
            self.saves += 1
            self.stop.wait(0.3)


def everybody_saves_again(people):
    before = [person.saves for person in people]
    wait_until(lambda: all(one.saves > n + 1 for one, n in zip(people, before, strict=True)))


def counted(environment, folder):
    """How many lines and entries each customer has."""
    if connection.vendor == "sqlite":
        with closing(open_database(folder)):
            return recorded(folder)
    address = environment["DATABASE_URL"].replace("postgres://", "postgresql://")
    with psycopg.connect(address) as database:
        return Counter(
            number
            for table in ("customers_entry", "customers_journalline")
            for (number,) in database.execute(f"SELECT customer_id FROM {table}")
        )


def test_no_request_fails_while_workers_and_the_server_are_replaced(
    sandbox,
    environment,
    first_version,
    serve,
    tmp_path,
):
    for number in PEOPLE:
        sandbox.customers[number] = {"id": number, "first_name": "Ada", "email": None}
    with listening.on(0) as listener:
        url = listening.url(listener)
        first = serve(first_version, environment, listener, tmp_path / "first.log")
        people = [Worker(url, number) for number in PEOPLE]
        for person in people:
            person.start()
        everybody_saves_again(people)
        first.replace_workers()
        everybody_saves_again(people)
        manage(environment, "migrate")
        second = serve(ROOT, environment, listener, tmp_path / "second.log")
        second.serves()
        everybody_saves_again(people)
        assert first.stop() == 0
        everybody_saves_again(people)
        for person in people:
            person.stop.set()
        for person in people:
            person.join()
        assert second.stop() == 0

    assert [failed for person in people for failed in person.failed] == []
    assert sum(patched(sandbox).values()) == sum(person.saves for person in people)
    assert counted(environment, tmp_path) == patched(sandbox)
    logs = [item for log in tmp_path.glob("*.log") for item in ("--log", str(log))]
    assert "whole" in manage(environment, "audit_verify", *logs)
