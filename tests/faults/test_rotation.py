"""A new key for the values of the log, while everybody goes on saving."""

import io
import os
import signal
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command

from customers import encryption, services
from customers.audit import journal, vault
from customers.models import Entry, Gone, JournalLine, VaultItem
from tests import log
from tests.conftest import AGENT
from tests.faults.conftest import FORK, PATIENCE, ended, forking, wait_until
from tests.faults.test_processes import PEOPLE, change, people  # noqa: F401 - a fixture
from tests.people import actor

pytestmark = [pytest.mark.django_db(transaction=True), forking]
NEW = b"a-new-key-of-exactly-32-bytes---"


def save_all_the_time(settings, keys, number, stop):
    """A worker that was started with these keys."""
    settings.AUDIT_ENCRYPTION_KEYS = keys
    while not stop.is_set():
        seen = services.clubmed().read_profile(number).get("email")
        change(number, f"{uuid4().hex}@example.com", seen)


def rewrap():
    said = io.StringIO()
    call_command("audit_rewrap", stdout=said, stderr=io.StringIO())
    return said.getvalue()


def assert_all_open():
    for entry in Entry.objects.all():
        values = (entry.old, entry.new, entry.reason, entry.customer_label)
        assert not any(isinstance(value, Gone) for value in values)
    assert log.verify()[0] == 0


def test_nothing_is_unreadable_after_a_new_key_under_load(people, start_together, settings):  # noqa: F811
    old = settings.AUDIT_ENCRYPTION_KEYS
    both, new = (NEW, *old), (NEW,)
    log.fill(60)
    act = services.act_of("change", "909", "Ada Vance", actor(AGENT), "r", "")
    journal.write(uuid4(), act, {"email": (None, "open@example.com")}, read_at=0)
    stop, stop_all = FORK.Event(), FORK.Event()

    # Half of the workers are restarted with both keys, then the others.
    first = start_together(
        *[(save_all_the_time, settings, old, number, stop) for number in PEOPLE[:2]],
        *[(save_all_the_time, settings, both, number, stop_all) for number in PEOPLE[2:4]],
    )
    settings.AUDIT_ENCRYPTION_KEYS = both
    former, current = encryption.key_id(old[0]), encryption.key_id(NEW)
    for key in (former, current):
        before = VaultItem.objects.filter(key_id=key).count()
        wait_until(lambda k=key, b=before: VaultItem.objects.filter(key_id=k).count() > b)
    stop.set()
    assert ended(first[:2]) == [0, 0]
    count = Entry.objects.count()

    said = rewrap()

    wait_until(lambda: Entry.objects.count() > count)  # they went on saving
    stop_all.set()
    assert ended(first[2:]) == [0, 0]
    assert f"all are under key {current}." in said
    assert vault.left_behind() == 0
    settings.AUDIT_ENCRYPTION_KEYS = new
    assert_all_open()
    assert JournalLine.objects.get().new_values == {"email": "open@example.com"}


def test_a_change_of_keys_that_was_killed_is_gone_on_with(start, settings, monkeypatch):
    monkeypatch.setattr(vault, "_BATCH", 10)
    log.fill(30)
    settings.AUDIT_ENCRYPTION_KEYS = (NEW, *settings.AUDIT_ENCRYPTION_KEYS)

    killed = start(vault.rewrap, lambda done: os.kill(os.getpid(), signal.SIGKILL))
    killed.join(PATIENCE)

    assert killed.exitcode == -signal.SIGKILL
    assert vault.left_behind() == Entry.objects.count() - 10
    rewrap()
    settings.AUDIT_ENCRYPTION_KEYS = (NEW,)
    assert_all_open()


def test_a_worker_that_only_knows_the_former_key_is_told_of(settings, monkeypatch):
    log.fill(1)
    old = settings.AUDIT_ENCRYPTION_KEYS

    def while_it_writes(progress):
        settings.AUDIT_ENCRYPTION_KEYS = old
        log.fill(1)
        settings.AUDIT_ENCRYPTION_KEYS = (NEW, *old)
        return 1

    settings.AUDIT_ENCRYPTION_KEYS = (NEW, *old)
    monkeypatch.setattr(vault, "rewrap", while_it_writes)

    with pytest.raises(CommandError, match=r"1 rows are under key \w+ now, and 2 are not"):
        rewrap()
