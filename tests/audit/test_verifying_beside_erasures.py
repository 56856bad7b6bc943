"""The log is verified and exported while values and entries leave it: no false alarm, and what has
left is not said to have been compared."""

import io

import pytest
from django.core.management import CommandError, call_command

from customers.audit import chain, erasure
from customers.audit.models import Entry, VaultItem
from tests import log

pytestmark = pytest.mark.django_db
LAST = 9


@pytest.fixture(autouse=True)
def filled(db, monkeypatch):
    """Customers 100, 101, 102 in turn; read two entries at a time."""
    log.fill()
    monkeypatch.setattr(chain, "_BATCH", 2)


@pytest.fixture
def meanwhile(monkeypatch):
    """Do something once as many entries were read."""
    rows = chain.hashed_rows

    def once(act, *, after):
        left = [act]

        def watched(*args, **kwargs):
            for n, row in enumerate(rows(*args, **kwargs), start=1):
                yield row
                if n == after and left:
                    left.pop()()

        monkeypatch.setattr(chain, "hashed_rows", watched)

    return once


def forget():
    for customer in ("100", "101", "102"):
        call_command("forget_customer", customer, reason="Letter", stdout=io.StringIO())


def expire():
    log.append(erasure.erasure_entry(erasure.VALUES, LAST), action="expired", customer_id="")
    erasure.delete(VaultItem.objects.filter(pk__lte=LAST))


def is_whole(*arguments):
    status, words = log.verify(*arguments)
    assert status == 0, words
    return words


@pytest.mark.parametrize("after", range(1, LAST))
@pytest.mark.parametrize("erase", [forget, expire])
def test_values_may_be_erased_meanwhile(meanwhile, erase, after):
    meanwhile(erase, after=after)

    assert is_whole()


@pytest.mark.parametrize("after", [1, 2, 3, 5])
def test_the_oldest_entries_may_leave_meanwhile(meanwhile, after):
    meanwhile(lambda: log.leave_behind_an_anchor(6), after=after)

    words = is_whole()

    if after < 5:
        assert words.startswith("entries 7 to 10: whole")


def test_entries_that_are_missing_are_missed_beside_it(meanwhile):
    log.lift_the_triggers()
    Entry.objects.filter(seq=8).delete()
    meanwhile(lambda: log.leave_behind_an_anchor(6), after=1)

    status, words = log.verify()

    assert status == 1
    assert words.startswith("entry 8: missing, up to 8")


def test_an_export_that_old_entries_left_meanwhile_says_so(meanwhile, tmp_path):
    meanwhile(lambda: log.leave_behind_an_anchor(6), after=2)

    with pytest.raises(CommandError, match="Old entries left while it was written: run it again"):
        log.export(tmp_path)

    assert log.verify_alone_here(log.export(tmp_path))[0] == 0


def test_seals_of_entries_that_left_are_not_said_to_agree(tmp_path):
    for _ in range(5):  # seals of entries 9 to 13
        kept = log.seal(tmp_path)
        log.fill(1)
    log.leave_behind_an_anchor(11)

    statuses, words, said = log.both(tmp_path, "--seal", kept)

    assert statuses == (0, 0)
    assert words == said
    assert "2 seals of entries before these are not compared" in said
    assert "whole, 3 seals compared" in said


def test_the_seal_of_the_last_entry_that_left_is_held_against_the_anchor(tmp_path):
    kept = log.seal(tmp_path)
    log.fill(1)
    log.leave_behind_an_anchor(LAST, digest=bytes(32))

    statuses, words, said = log.both(tmp_path, "--seal", kept)

    assert statuses == (1, 1)
    assert "entry 9: it is not the one that was sealed" in words
    assert "entry 9: it is not the one that was sealed" in said


def test_who_goes_on_from_a_seal_whose_entry_left_goes_on_from_the_anchor(tmp_path):
    kept = log.seal(tmp_path)
    log.fill(2)
    log.leave_behind_an_anchor(10)

    assert is_whole("--since", kept).startswith("entries 11 to 13: whole")
