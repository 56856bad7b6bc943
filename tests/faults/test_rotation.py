"""A new key for the values of the log, while everybody goes on saving."""

import os
import signal
from contextlib import suppress
from uuid import uuid4

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection, transaction

from customers.audit import encryption, journal, values
from customers.audit.models import Entry, JournalLine, Missing, VaultItem
from customers.services.connection import client
from customers.services.outcomes import Conflict, InUse
from customers.services.record import act_of
from tests import log
from tests.conftest import AGENT
from tests.faults.conftest import FORK, LONG, PATIENCE, PEOPLE, change, ended, forking, wait_until
from tests.people import actor

pytestmark = [pytest.mark.django_db(transaction=True), forking]
NEW = b"a-new-key-of-exactly-32-bytes---"
CURRENT = encryption.key_id(NEW)


@pytest.fixture
def keys(people):
    """With which keys somebody may know the values; the workers' customers are there, too."""

    class Keys:
        old = settings.AUDIT_ENCRYPTION_KEYS
        both = (NEW, *old)
        new = (NEW,)

    yield Keys
    know(Keys.old)


def know(given):
    settings.AUDIT_ENCRYPTION_KEYS = given


def begin(at, given, act, *args):
    """A process that is there from the beginning, and does nothing before its time."""
    assert at.wait(LONG)
    know(given)
    act(*args)


def save_until(stop, number):
    """A worker that saves one customer's e-mail again and again."""
    while not stop.is_set():
        seen = client().read_profile(number).get("email")
        with suppress(Conflict, InUse):  # of who ends just now
            change(number, f"{uuid4().hex}@example.com", seen)


def rewrap_and_be_killed():
    values._BATCH = 10
    values.rewrap(lambda done: os.kill(os.getpid(), signal.SIGKILL))


def written_under(key_id):
    return VaultItem.objects.filter(key_id=key_id).count()


def one_more_comes(counted):
    before = counted()
    wait_until(lambda: counted() > before)


def assert_all_open():
    for entry in Entry.objects.all():
        values = (entry.old, entry.new, entry.reason, entry.customer_label)
        assert not any(isinstance(value, Missing) for value in values)
    assert log.verify()[0] == 0


def test_nothing_is_unreadable_after_a_new_key_under_load(start_together, keys):
    log.fill(60)
    former = encryption.current()
    act = act_of("change", actor(AGENT), "", customer_id="909", label="Ada Vance", request_id="r")
    journal.write(uuid4(), act, {"email": (None, "open@example.com")}, read_at=0)
    now, kill, again = (FORK.Event() for _ in range(3))
    stops = [FORK.Event() for _ in range(3)]
    first, second, third, fourth, killed, whole = start_together(
        (begin, now, keys.old, save_until, stops[0], PEOPLE[0]),
        (begin, now, keys.old, save_until, stops[1], PEOPLE[1]),
        (begin, stops[0], keys.both, save_until, stops[2], PEOPLE[0]),
        (begin, stops[1], keys.both, save_until, stops[2], PEOPLE[1]),
        (begin, kill, keys.both, rewrap_and_be_killed),
        (begin, again, keys.both, call_command, "audit_rewrap"),
    )
    now.set()
    one_more_comes(lambda: written_under(former))

    # Restarted one after another, while the other goes on.
    stops[0].set()
    one_more_comes(lambda: written_under(CURRENT))
    one_more_comes(lambda: written_under(former))
    stops[1].set()
    assert ended([first, second]) == [0, 0]
    kill.set()
    assert ended([killed]) == [-signal.SIGKILL]
    know(keys.both)
    assert values.count_of_former_keys()
    again.set()
    assert ended([whole]) == [0]

    one_more_comes(Entry.objects.count)
    stops[2].set()
    assert ended([third, fourth]) == [0, 0]
    assert values.count_of_former_keys() == 0
    know(keys.new)
    assert_all_open()
    assert JournalLine.objects.get().new_values == {"email": "open@example.com"}


def delete_and_hold(numbers, held, go_on):
    with transaction.atomic():
        VaultItem.objects.filter(pk__in=numbers).delete()
        held.set()
        go_on.wait(PATIENCE)


def test_it_waits_for_nobody_who_deletes_values(start, keys, lock_wait):
    """So neither can be in the other's way for ever, in whatever order they come to the rows."""
    if connection.vendor == "sqlite":
        pytest.skip("SQLite has one lock, so nobody holds a part of it")
    lock_wait(LONG)
    log.fill()
    held, go_on = FORK.Event(), FORK.Event()
    deleting = start(delete_and_hold, (3, 5), held, go_on)
    assert held.wait(PATIENCE)
    know(keys.both)

    assert values.rewrap() == 7

    assert values.count_of_former_keys() == 2
    go_on.set()
    assert ended([deleting]) == [0]
    assert values.count_of_former_keys() == 0
    assert not VaultItem.objects.filter(pk__in=(3, 5)).exists()
