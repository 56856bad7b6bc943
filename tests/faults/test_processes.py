"""Many processes at once: the log stays true, nobody settles what is under way, and a process that
stands still does not stop the others for longer than is stated (docs/audit.md, section 3)."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from itertools import cycle, islice
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone

from crmadmin.sandbox import Fault
from customers.audit import entries
from customers.audit.models import Change, Entry, JournalLine
from customers.clubmed.client import ClubMed
from customers.services.connection import client
from customers.services.outcomes import Conflict, InUse, NotSaved, Saved
from customers.services.reconcile import reconcile
from tests.acts import history
from tests.conftest import sent
from tests.faults.conftest import (
    FORK,
    LONG,
    PATIENCE,
    PEOPLE,
    assert_nothing_is_open,
    assert_the_log_is_whole,
    change,
    ended,
    forking,
    settle,
    wait_until,
)

pytestmark = [pytest.mark.django_db(transaction=True), forking]


def is_postgresql():
    return connection.vendor == "postgresql"


def make_changes(process, many):
    """That many changes of one shared customer after another; who is told to wait tries again."""
    for n, number in enumerate(islice(cycle(PEOPLE), process, process + many)):
        while True:
            seen = client().read_profile(number).get("email")
            with suppress(Conflict, InUse):
                change(number, f"{process}.{n}@example.com", seen)
                break


def look_all_the_time(stop):
    """A timer with a short pause, to which everything that is watched is always due."""
    while not stop.wait(0.5):
        # One by one: two timers that update all at once may wait for each other's rows.
        for change_id in Change.objects.filter(read_again_at__isnull=False).values_list(
            "pk", flat=True
        ):
            Change.objects.filter(pk=change_id).update(read_again_at=timezone.now())
        reconcile()


def deadlocks():
    """How many the server has had to break; SQLite has one lock, so none."""
    if not is_postgresql():
        return 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        return cursor.fetchone()[0]


def assert_every_old_value_was_there(people):
    """Each entry begins where the one before it ended, and the last is what Club Med holds."""
    held = dict.fromkeys(PEOPLE)
    for entry in Entry.objects.order_by("seq"):
        assert (entry.action, entry.field, entry.outcome) == ("change", "email", "applied")
        assert entry.old == held[entry.customer_id]
        held[entry.customer_id] = entry.new
    assert held == {number: people[number]["email"] for number in PEOPLE}


def test_many_processes_change_the_same_customers_and_the_log_is_true(
    people, clubmed, lock_wait, start_together
):
    """Two timers look at everything meanwhile and settle nothing that is under way, though some
    calls take their time. On SQLite, where one writes at a time, there are fewer processes."""
    lock_wait(LONG)
    clubmed.faults.add(Fault("latency", method="PATCH", seconds=0.7, times=16))
    processes, many = (8, 10) if is_postgresql() else (4, 10)
    had = deadlocks()
    stop = FORK.Event()
    changing = [(make_changes, n, many) for n in range(processes)]
    running = start_together(*changing, *[(look_all_the_time, stop)] * 2)

    assert ended(running[:processes]) == [0] * processes
    stop.set()
    assert ended(running[processes:]) == [0, 0]
    assert history() == [("email", "applied", "answer")] * (processes * many)
    assert Change.objects.count() == len(sent(clubmed, "PATCH")) == processes * many
    assert_every_old_value_was_there(people)
    assert_nothing_is_open()
    assert_the_log_is_whole()
    assert deadlocks() == had


def test_the_first_entry_of_somebody_else_is_no_forgery(people):
    """It is appended between our look at the head, which is not there yet, and at the entries."""
    theirs = []

    def appended_meanwhile(execute, sql, params, many, context):
        result = execute(sql, params, many, context)
        if "customers_head" in sql and not theirs:
            with ThreadPoolExecutor(1) as pool:
                theirs.append(pool.submit(change_and_leave, PEOPLE[0], "first@example.com"))
            assert isinstance(theirs[0].result(), Saved)
        return result

    with connection.execute_wrapper(appended_meanwhile):
        change(PEOPLE[1], "second@example.com")

    assert [entry.new for entry in Entry.objects.order_by("seq")] == [
        "first@example.com",
        "second@example.com",
    ]
    assert_the_log_is_whole()


# A process that stands still (SIGSTOP) with the lock that every append needs


def change_and_leave(*args):
    try:
        return change(*args)
    finally:
        connection.close()


def told(outcome, number, value):
    """Make a change and hand over what its person is told: the name of a class."""
    try:
        said = change(number, value)
    except NotSaved as exc:
        said = exc
    outcome.send(type(said).__name__)


def told_once(answered, outcome, number, value):
    """The same, but the answer of Club Med does not come before that."""
    real = ClubMed.update_profile

    def update_and_wait(*args, **kwargs):
        real(*args, **kwargs)
        assert answered.wait(PATIENCE)

    ClubMed.update_profile = update_and_wait
    told(outcome, number, value)


def stop_before_the_commit(outcome, number, value):
    """A worker that is stopped when its entries are written and not committed."""
    real = entries.insert

    def insert_and_stop(*args, **kwargs):
        counts = real(*args, **kwargs)
        entries.insert = real
        os.kill(os.getpid(), signal.SIGSTOP)
        return counts

    entries.insert = insert_and_stop
    told(outcome, number, value)


def is_stopped(process):
    return Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


@pytest.fixture
def telling(start):
    """Start a process that tells what became of its change: the process, and what it says."""

    def run(target, number, value):
        hear, tell = FORK.Pipe(duplex=False)

        def says():
            assert hear.poll(PATIENCE), "it said nothing"
            return hear.recv()

        return start(target, tell, number, value), says

    return run


def idle_transactions(seconds=0):
    """Transactions of the server that have been waiting for their client for so long."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND state = 'idle in transaction'"
            " AND clock_timestamp() - state_change >= make_interval(secs => %s)",
            [seconds],
        )
        return cursor.fetchone()[0]


def test_the_server_ends_a_worker_that_stands_still(people, clubmed, telling):
    """PostgreSQL: a lock is waited for 5 s, then the person is told that the record is pending;
    after 10 s the server ends the transaction, and whoever waits then is recorded. Who stood still
    does it once more."""
    if not is_postgresql():
        pytest.skip("SQLite has no server that could end a transaction")
    stopped, stopped_says = telling(stop_before_the_commit, "901", "stopped@example.com")
    wait_until(lambda: is_stopped(stopped))
    _, first_says = telling(told, "902", "first@example.com")

    assert first_says() == "Pending"
    assert idle_transactions() == 1  # the first gave up before the stopped one was ended
    wait_until(lambda: idle_transactions(7))
    _, second_says = telling(told, "903", "second@example.com")
    assert second_says() == "Saved"
    assert idle_transactions() == 0
    assert is_stopped(stopped)
    assert history() == [("email", "applied", "answer")]

    os.kill(stopped.pid, signal.SIGCONT)
    assert stopped_says() == "Saved"
    assert JournalLine.objects.count() == 1
    settle()
    assert history() == [
        ("email", "applied", "answer"),
        ("email", "applied", "answer"),
        ("email", "applied", "read"),
    ]
    assert len(sent(clubmed, "PATCH")) == 3
    assert_every_old_value_was_there(people)
    assert_nothing_is_open()
    assert_the_log_is_whole()


def test_while_a_worker_holds_the_file_nothing_more_is_sent(people, clubmed, telling):
    """SQLite: the file's one write lock is waited for 10 s. Who had sent is told that the record is
    pending; who had not is told that nothing was sent. It goes on when the worker does or ends."""
    if is_postgresql():
        pytest.skip("PostgreSQL locks rows, and ends a transaction that idles")
    answered = FORK.Event()
    _, under_way_says = telling(partial(told_once, answered), "902", "under-way@example.com")
    wait_until(lambda: sent(clubmed, "PATCH"))
    stopped, stopped_says = telling(stop_before_the_commit, "901", "stopped@example.com")
    wait_until(lambda: is_stopped(stopped))
    answered.set()
    _, new_says = telling(told, "903", "new@example.com")

    assert new_says() == "NotRecorded"
    assert under_way_says() == "Pending"
    assert people["903"]["email"] is None
    assert len(sent(clubmed, "PATCH")) == 2
    assert history() == []

    os.kill(stopped.pid, signal.SIGCONT)
    assert stopped_says() == "Saved"
    settle()
    assert history() == [("email", "applied", "answer"), ("email", "applied", "read")]
    assert_every_old_value_was_there(people)
    assert_nothing_is_open()
    assert_the_log_is_whole()
