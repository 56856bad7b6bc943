"""Our own database in trouble: no call without a record, and nothing that landed is lost."""

import os
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import psycopg
import pytest
from django.db import connection
from django.db.backends.signals import connection_created

from crmadmin.sandbox import Fault
from customers.audit.models import JournalLine
from tests.acts import history, out_of_reach
from tests.conftest import HTMX, TOM, sent, soup, text
from tests.faults.conftest import (
    PATIENCE,
    assert_nothing_is_open,
    assert_the_log_is_whole,
    let_go_of_the_database,
    settle,
    wait_until,
)

pytestmark = pytest.mark.django_db(transaction=True)
URL = f"/customers/{TOM}/fields/email/"
ROWS = ("customers_journalline", "customers_entry")  # what is written before a call, and after


def is_postgresql():
    return connection.vendor == "postgresql"


def server(database):
    """A connection to the PostgreSQL server, past all that the product's connections are told."""
    address = os.environ["DATABASE_URL"].replace("postgres://", "postgresql://", 1)
    return psycopg.connect(f"{address.rpartition('/')[0]}/{database}", autocommit=True)


# Each trouble begins while a call to Club Med is under way, when no connection is in use.
def failing():
    """A create needs no claim, hence both: the line itself, and the head of the log."""
    return out_of_reach("customers_claim", "customers_head")


@contextmanager
def down():
    """PostgreSQL ends every session and takes no more; SQLite's file is not there."""
    name = connection.settings_dict["NAME"]
    connection.close()
    if is_postgresql():
        with server("postgres") as admin:
            admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
            ending = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
            admin.execute(ending, [name])
            try:
                yield
            finally:
                admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
                let_go_of_the_database()
    else:
        folder = Path(name).parent
        away = folder.rename(folder.with_name("away"))
        try:
            yield
        finally:
            away.rename(folder)


@contextmanager
def full():
    """No room for a further row of the record: the database says so itself."""
    if is_postgresql():
        no_room = "CREATE TRIGGER no_room BEFORE INSERT ON {} EXECUTE FUNCTION no_room()"
        prepare = (
            "CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE disk_full; END $$"
        )
        tidy = ["DROP FUNCTION no_room CASCADE"]
    else:  # a row needs a megabyte beside it, and the file may not grow
        no_room = (
            "CREATE TRIGGER no_room_{0} BEFORE INSERT ON {0}"
            " BEGIN INSERT INTO ballast VALUES (zeroblob(1000000)); END"
        )
        prepare = "CREATE TABLE ballast (weight BLOB)"
        tidy = [f"DROP TRIGGER no_room_{table}" for table in ROWS] + ["DROP TABLE ballast"]
    with connection.cursor() as cursor:
        for statement in (prepare, *(no_room.format(table) for table in ROWS)):
            cursor.execute(statement)
    connection.close()
    connection_created.connect(do_not_grow)
    try:
        yield
    finally:
        connection_created.disconnect(do_not_grow)
        connection.close()
        with connection.cursor() as cursor:
            for statement in tidy:
                cursor.execute(statement)


def do_not_grow(connection, **kwargs):
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA max_page_count = 1")  # that is: as many as there are


@contextmanager
def locked():
    """Somebody holds SQLite's file, or the record's tables on PostgreSQL, and does not let go."""
    if is_postgresql():
        with server(connection.settings_dict["NAME"]) as other, other.transaction():
            other.execute("LOCK TABLE customers_head, customers_journalline")
            yield
    else:
        other = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        yield
        other.close()


@pytest.fixture(autouse=True)
def short_waits(clubmed, lock_wait, monkeypatch):
    """And SQLite is opened anew after each call: what befalls its file is seen at once."""
    monkeypatch.setitem(connection.settings_dict, "CONN_MAX_AGE", 0)
    lock_wait(0.3)


class Held(dict):
    """A customer of the sandbox of whom Club Med says nothing until it is let go.

    `reached` is set when a request of that method is there.
    """

    def __init__(self, profile, method):
        super().__init__(profile)
        self._method = method
        self.reached, self.go_on = threading.Event(), threading.Event()

    def _hold(self, method):
        if method == self._method:
            self.reached.set()
            self.go_on.wait(PATIENCE)

    def items(self):
        self._hold("GET")
        return super().items()

    def update(self, *args, **kwargs):
        self._hold("PATCH")
        super().update(*args, **kwargs)


PERSON = {"civility": "MR", "first_name": "Ada", "last_name": "Vance"}
NEW = "new@example.com"


def post_in(trouble, agent, url, form, headers, under_way, go_on=None):
    """Send a form; the trouble begins once the call is under way, and ends after the answer."""

    def post():
        try:
            return agent.post(url, form, headers=headers)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        posting = pool.submit(post)
        wait_until(under_way)
        with trouble():
            if go_on:
                go_on()
            return posting.result()


def save_in(trouble, agent, clubmed, *, during, headers=HTMX):
    """Save an e-mail address, with trouble from that call of the save on: its form, its answer."""
    form = agent.form(URL) | {"value": NEW}
    held = clubmed.customers[TOM] = Held(clubmed.customers[TOM], during)
    under_way, go_on = held.reached.is_set, held.go_on.set
    return form, post_in(trouble, agent, URL, form, headers, under_way, go_on)


def create_in(trouble, agent, clubmed):
    """Create a customer, with trouble from its call on: the answer."""
    clubmed.faults.add(Fault("latency", method="POST", seconds=1))
    form = agent.form("/customers/new/") | PERSON
    under_way = partial(sent, clubmed, "POST")
    return post_in(trouble, agent, "/customers/new/", form, {}, under_way)


def told(person, answer):
    """What a person reads in the end; where they are sent, the trouble is over."""
    page = person.get(answer["Location"]) if answer.status_code == 302 else answer
    return page.status_code, text(soup(page))


in_each_trouble = pytest.mark.parametrize("trouble", [failing, down, full, locked])
in_both_ways = pytest.mark.parametrize("headers", [HTMX, {}], ids=["htmx", "page"])


@in_both_ways
@in_each_trouble
def test_before_the_call_nothing_is_sent_and_the_text_comes_back(agent, clubmed, trouble, headers):
    form, answer = save_in(trouble, agent, clubmed, during="GET", headers=headers)

    assert answer.status_code == 503
    assert "The audit log cannot be written right now." in text(soup(answer))
    assert "Nothing was sent. What you typed is kept" in text(soup(answer))
    assert NEW.encode() in answer.content
    assert sent(clubmed, "PATCH") == []
    assert_nothing_is_open()
    assert history() == []
    assert agent.post(URL, form, headers=HTMX).status_code == 200


@pytest.mark.parametrize("trouble", [failing, full])
def test_without_a_journal_no_customer_is_created(agent, clubmed, trouble):
    form = agent.form("/customers/new/")

    with trouble():
        answer = agent.post("/customers/new/", form | PERSON)

    assert answer.status_code == 503
    assert soup(answer).select_one("#id_last_name")["value"] == "Vance"
    assert sent(clubmed, "POST") == []
    assert_nothing_is_open()


@in_both_ways
def test_a_database_that_is_down_from_the_start_sends_nothing_and_the_text_comes_back(
    agent, clubmed, headers
):
    """Nobody can be known then, nor what they may do."""
    form = agent.form(URL) | {"value": NEW}
    agent.raise_request_exception = False

    with down():
        answer = agent.post(URL, form, headers=headers)

    assert answer.status_code == 503
    assert NEW.encode() in answer.content
    assert sent(clubmed, "PATCH") == []
    assert_nothing_is_open()


@in_both_ways
@in_each_trouble
def test_what_landed_before_the_trouble_is_said_to_be_pending_and_recorded_after_it(
    agent, clubmed, trouble, headers
):
    agent.raise_request_exception = False
    _, answer = save_in(trouble, agent, clubmed, during="PATCH", headers=headers)

    assert clubmed.customers[TOM]["email"] == NEW
    assert JournalLine.objects.count() == 1
    assert history() == []
    status, words = told(agent, answer)
    assert "aved at Club Med. The log entry follows." in words
    assert "Nothing was sent" not in words
    assert status == 200
    settle()
    assert history() == [("email", "applied", "read")]
    assert_nothing_is_open()
    assert_the_log_is_whole()


@pytest.mark.parametrize(
    ("trouble", "verdict"),
    [(failing, "applied"), (full, "applied"), (down, "unclear"), (locked, "unclear")],
)
def test_a_customer_created_before_the_trouble_is_said_to_be_pending_and_recorded_after_it(
    agent, clubmed, trouble, verdict
):
    """It is unclear what came of it where not even its number could be noted."""
    agent.raise_request_exception = False
    answer = create_in(trouble, agent, clubmed)

    assert JournalLine.objects.count() == 1
    status, words = told(agent, answer)
    assert "Created at Club Med. The log entry follows." in words
    assert "Nothing was sent" not in words
    assert status == 200
    settle()
    assert {(outcome, field in PERSON) for field, outcome, _ in history()} == {(verdict, True)}
    assert len(sent(clubmed, "POST")) == 1
    assert_nothing_is_open()
    assert_the_log_is_whole()


def test_metrics_say_that_the_database_is_down_and_what_was_counted(agent, client):
    agent.get(f"/customers/{TOM}/")

    with down():
        told = client.get("/metrics").content.decode()

    assert "crmadmin_database_up 0.0" in told
    assert 'crmadmin_requests_total{route="customers/<str:customer_id>/",status="200"}' in told


def test_a_database_that_goes_away_while_a_profile_is_read_is_named(agent, clubmed):
    agent.raise_request_exception = False
    held = clubmed.customers[TOM] = Held(clubmed.customers[TOM], "GET")

    def read():
        try:
            return agent.get(f"/customers/{TOM}/")
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(read)
        wait_until(held.reached.is_set)
        with down():
            held.go_on.set()
            answer = reading.result()

    assert answer.status_code == 503
    assert "The database of this desk does not answer." in text(soup(answer))
    assert agent.get(f"/customers/{TOM}/").status_code == 200


def test_a_failure_of_ours_is_a_page_and_its_reference_is_logged(agent, clubmed, caplog):
    agent.raise_request_exception = False
    with out_of_reach("customers_change"):
        answer = agent.get(f"/customers/{TOM}/history/")

    # To SQLite a table that is gone is as a file that is gone.
    says = "Something went wrong here." if is_postgresql() else "The database of this desk"
    assert says in text(soup(answer))
    assert answer["X-Request-ID"] in caplog.text
    assert TOM not in caplog.text.replace("/v2/customers", "")
