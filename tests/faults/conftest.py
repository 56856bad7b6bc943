"""Processes that may be killed, and what must hold of the log whatever became of them."""

import faulthandler
import io
import logging
import multiprocessing
import os
import sqlite3
import sys
import time
import traceback
from collections import Counter
from contextlib import closing, redirect_stdout
from datetime import timedelta

import pytest
import requests
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from customers.audit.models import Change, Claim, Entry, JournalLine
from customers.services.change import change_profile
from customers.services.connection import client
from customers.services.reconcile import reconcile
from tests.conftest import AGENT, soup
from tests.demo import python
from tests.people import actor, token_over
from tests.provider import sign_in

# Forked, so that a child stands on the test's own database and sandbox without being told where
# they are. A child has a copy of every lock as it was, and none of the sandbox's threads to let go
# of one: so nobody is forked while the sandbox is at work (`start_together`).
FORK = multiprocessing.get_context("fork")
forking = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork")  # Python 3.12 advises against
PATIENCE = 60  # seconds until a test gives up on what has to happen
LONG = 300  # seconds until it gives up on many changes


@pytest.fixture(autouse=True)
def long_deadlines(settings):
    """A busy machine must not make an outcome unknown where something else is tested."""
    settings.CLUBMED_CONNECT_TIMEOUT = settings.CLUBMED_READ_TIMEOUT = LONG
    settings.CLUBMED_DEADLINE = settings.JOURNAL_GRACE = LONG


@pytest.fixture
def lock_wait(transactional_db):
    """Set the seconds that everybody waits for a lock or a connection in this test."""
    options = connection.settings_dict["OPTIONS"]
    before = dict(options)

    def wait(seconds):
        let_go_of_the_database()
        if connection.vendor == "postgresql":
            options["options"] = f"-c lock_timeout={int(seconds * 1000)}ms"
            options["pool"] = {**options["pool"], "timeout": seconds}
        else:
            options["timeout"] = seconds

    yield wait
    let_go_of_the_database()
    options.clear()
    options.update(before)


@pytest.fixture
def start(transactional_db):
    """Run a function in a process of its own, which ends with the test at the latest."""
    started = []

    def run(target, *args):
        let_go_of_the_database()
        process = FORK.Process(target=_alone, args=(target, *args), daemon=True)
        process.start()
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()  # also ends one that was stopped
        process.join()
        process.close()
    let_go_of_the_database()


@pytest.fixture
def start_together(start):
    """Run functions in processes that begin at the same moment: (target, *args) each."""

    def run(*acts):
        gate = FORK.Barrier(len(acts))
        return [start(_when_all_are_there, gate, *act) for act in acts]

    return run


def _when_all_are_there(gate, target, *args):
    gate.wait(PATIENCE)
    target(*args)


def ended(processes):
    """How they ended, None for one that did not in `LONG` seconds; its threads are then shown."""
    give_up = time.monotonic() + LONG
    for process in processes:
        process.join(max(0, give_up - time.monotonic()))
    return [process.exitcode for process in processes]


def _alone(target, *args):
    faulthandler.dump_traceback_later(LONG - 10, file=2)
    # Streams of its own: the lock of the parent's may be held in the copy.
    sys.stdout = sys.stderr = os.fdopen(os.dup(2), "w")
    logging.basicConfig(force=True, level=logging.WARNING, stream=sys.stderr)
    client.cache_clear()  # the parent's connections are not ours
    target(*args)
    let_go_of_the_database()


def let_go_of_the_database():
    """No connection and no pool: a fork must not share them."""
    connection.close()
    if connection.vendor == "postgresql":
        connection.close_pool()


def stand_ins(sandbox, provider):
    """The environment that points a product of its own at the sandbox and at the sign-in."""
    return {
        "CLUBMED_API_URL": sandbox.url,
        "CLUBMED_API_KEY": sandbox.api_key,
        "CLUBMED_TOKEN": sandbox.token,
        "OIDC_ISSUER": provider.issuer,
        "OIDC_CLIENT_ID": provider.client_id,
        "OIDC_CLIENT_SECRET": provider.client_secret,
    }


def wait_until(happened):
    """Return what it returns, once that is true."""
    give_up = time.monotonic() + PATIENCE
    while not (result := happened()):
        assert time.monotonic() < give_up, "it did not happen"
        time.sleep(0.01)
    return result


def settle():
    """Deadline, grace and pause have passed for everything: whoever reconciles now finds it."""
    now = timezone.now()
    JournalLine.objects.update(deadline=now - timedelta(hours=1))
    Change.objects.filter(read_again_at__isnull=False).update(read_again_at=now)
    return reconcile()


def assert_nothing_is_open():
    assert not JournalLine.objects.exists()
    assert not Claim.objects.exists()


def assert_the_log_is_whole():
    """No number is missing, and every digest, up to the signed head, can be computed again."""
    numbers = list(Entry.objects.order_by("seq").values_list("seq", flat=True))
    assert numbers == list(range(1, len(numbers) + 1))
    call_command("audit_verify")


PEOPLE = ("901", "902", "903", "904", "905", "906", "907", "908")


@pytest.fixture
def people(clubmed):
    for number in PEOPLE:
        clubmed.customers[number] = {"id": number, "first_name": "Ada", "email": None}
    return clubmed.customers


def change(number, value, seen=None):
    token = token_over(email=seen)
    return change_profile(number, {"email": value}, token=token, actor=actor(AGENT), request_id="r")


class Person:
    """Somebody who is signed in to a running product, whose address is `desk`."""

    def __init__(self, desk, name):
        self._desk, self._browser = desk, requests.Session()
        asked = self._browser.get(f"{desk}/oidc/login/", allow_redirects=False)
        self._browser.get(sign_in(name, asked.headers["Location"], self._browser))

    def page(self, path):
        answer = self._browser.get(self._desk + path)
        answer.raise_for_status()
        return soup(answer)

    def post(self, path, form, **kwargs):
        return self._browser.post(self._desk + path, form, **kwargs)


# Another database than the tests', and a process that knows only that


@pytest.fixture(scope="session")
def elsewhere(django_db_blocker):
    """Run a function in a fork of this process: (what of the database's settings is another,
    function, *args). Gives back what it printed; what it raises is an AssertionError here.
    """

    def run(there, act, *args):
        let_go_of_the_database()
        hear, tell = FORK.Pipe(duplex=False)
        process = FORK.Process(target=_act, args=(django_db_blocker, tell, there, act, args))
        process.start()
        tell.close()
        raised, said = hear.recv()
        process.join()
        assert not raised, raised
        return said

    return run


def _act(blocker, tell, there, act, args):
    blocker.unblock()
    connection.settings_dict.update(there)
    cache.clear()
    raised, said = "", io.StringIO()
    with redirect_stdout(said):
        try:
            act(*args)
        except BaseException:
            raised = traceback.format_exc()
    tell.send((raised, said.getvalue()))
    let_go_of_the_database()


# The product under gunicorn, on SQLite in a folder of the test's own, unless a test says otherwise


@pytest.fixture
def own_database(tmp_path):
    return f"sqlite:///{tmp_path}/desk.sqlite3"


@pytest.fixture
def environment(sandbox, provider, elsewhere, tmp_path, own_database):
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "crmadmin.settings",
        "DATABASE_URL": own_database,
        "TMPDIR": str(tmp_path),  # a server that is killed leaves its folder of metrics
        "AUDIT_TOMBSTONES": str(tmp_path / "tombstones.ndjson"),
        **stand_ins(sandbox, provider),
        "CLUBMED_READ_TIMEOUT": "15",
        "CLUBMED_DEADLINE": "15",
        "JOURNAL_GRACE": "15",
    }
    if own_database.startswith("sqlite"):
        elsewhere({"NAME": f"{tmp_path}/desk.sqlite3"}, call_command, "migrate")
    else:
        manage(environment, "migrate")
    return environment


def manage(environment, *command):
    done = python("manage.py", *command, **environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


def patched(sandbox):
    """How often each customer was changed at Club Med."""
    return Counter(r.path.split("/")[3] for r in sandbox.requests if r.method == "PATCH")


def recorded(folder):
    """How many lines and entries each customer has."""
    with closing(open_database(folder)) as database:
        return Counter(
            number
            for table in ("customers_entry", "customers_journalline")
            for (number,) in database.execute(f"SELECT customer_id FROM {table}")
        )


def open_database(folder):
    """A connection that has read: while it is open the WAL stays."""
    database = sqlite3.connect(folder / "desk.sqlite3")
    database.execute("SELECT count(*) FROM customers_entry").fetchone()
    return database
