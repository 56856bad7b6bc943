"""Two at once: one field is in one open change at most, and the log stays true."""

import io
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from threading import Barrier
from unittest.mock import patch

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from crmadmin.sandbox import Fault
from customers import form_token
from customers.audit import entries, group_commit, journal
from customers.audit.actions import Evidence, Outcome
from customers.audit.entries import FieldOutcome
from customers.audit.models import Change, Entry, Head, JournalLine, Missing, VaultItem
from customers.clubmed.errors import ContractError, RefusedError
from customers.services.change import change_profile
from customers.services.connection import client
from customers.services.create import create_customer
from customers.services.decide import settle_change
from customers.services.forget import forget_customer
from customers.services.outcomes import InUse, NotSent, Pending, Saved, Unknown
from customers.services.read import read_profile
from customers.services.record import act_of
from customers.services.settle import give_up
from tests import log
from tests.acts import at_once
from tests.conftest import AGENT, OTHER_AGENT, SUPERVISOR, TOM, sent
from tests.people import actor, token_over

pytestmark = pytest.mark.django_db(transaction=True)


def token(person, seen="tom@example.com", form=f"{TOM}/email"):
    made = form_token.mint(actor=actor(person), form=form, values={"email": seen})
    return form_token.read(made, actor=actor(person), form=form)


def change(person, value, used=None):
    who = {"token": used or token(person), "actor": actor(person), "request_id": "r"}
    return lambda: change_profile(TOM, {"email": value}, **who)


@contextmanager
def overdue(clubmed, verb, method="PATCH"):
    """While the verb's call is under way and others may settle its line: what it will return."""
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(at_once, verb)
        while not sent(clubmed, method):
            pass
        JournalLine.objects.update(deadline=timezone.now() - timedelta(hours=1))
        yield lambda: running.result()[0]


def test_of_two_people_one_wins_and_the_other_is_told(clubmed):
    clubmed.faults.add(Fault("latency", method="PATCH", seconds=0.3, times=None))

    results = at_once(change(AGENT, "a@example.com"), change(OTHER_AGENT, "b@example.com"))

    assert sorted(type(result).__name__ for result in results) in (
        ["InUse", "Saved"],
        ["Conflict", "Saved"],
    )
    assert len(sent(clubmed, "PATCH")) == 1
    entry = Entry.objects.get()
    assert (entry.old, entry.new) == ("tom@example.com", clubmed.customers[TOM]["email"])
    assert not JournalLine.objects.exists()


def test_one_form_sent_twice_at_once_is_one_call(clubmed):
    clubmed.faults.add(Fault("latency", method="PATCH", seconds=0.3, times=None))
    used = token(AGENT)

    results = at_once(*[change(AGENT, "a@example.com", used)] * 3)

    assert sum(isinstance(result, Saved) for result in results) >= 1
    assert len(sent(clubmed, "PATCH")) == 1
    assert Entry.objects.count() == 1


def test_one_create_form_sent_twice_at_once_is_one_customer(clubmed):
    clubmed.faults.add(Fault("latency", method="POST", seconds=0.3, times=None))
    used = token(AGENT, form="new")
    typed = {"civility": "MR", "first_name": "Ada", "last_name": "Vance"}

    at_once(*[lambda: create_customer(typed, token=used, actor=actor(AGENT), request_id="r")] * 3)

    assert len(sent(clubmed, "POST")) == 1
    assert Change.objects.count() == 1


@pytest.mark.parametrize("seconds", [0.3, 0.01])
def test_of_two_who_create_the_same_customer_at_once_one_is_told_of_the_other(clubmed, seconds):
    """Neither is there when the other searches; whoever is told may still say that it is another
    person."""
    clubmed.faults.add(Fault("latency", method="POST", seconds=seconds, times=None))
    clubmed.faults.add(Fault("latency", path="/v1/customers", seconds=0.2, times=None))
    typed = {"civility": "MR", "first_name": "Ada", "last_name": "Vance", "email": "a@example.com"}

    def create(person):
        who = {"token": token(person, form="new"), "actor": actor(person), "request_id": "r"}
        return lambda: create_customer(typed, **who)

    results = at_once(create(AGENT), create(OTHER_AGENT))

    told = [type(result).__name__ for result in results]
    assert set(told) <= {"Saved", "MayExist"}
    assert told.count("Saved") == len(sent(clubmed, "POST")) <= 1
    assert not JournalLine.objects.exists()


def test_many_appends_take_numbers_without_a_gap(clubmed):
    people = [f"{n}" for n in range(200, 208)]
    for number in people:
        clubmed.customers[number] = {"id": number, "email": "tom@example.com"}

    def changes(number):
        def run():
            for value in ("a@example.com", "b@example.com", "c@example.com"):
                seen = read_profile(number, actor=actor(AGENT)).get("email")
                used = token(AGENT, seen=seen, form=f"{number}/email")
                who = {"token": used, "actor": actor(AGENT), "request_id": "r"}
                change_profile(number, {"email": value}, **who)

        return run

    at_once(*map(changes, people))

    numbers = list(Entry.objects.order_by("seq").values_list("seq", flat=True))
    assert numbers == list(range(1, 25))
    assert Head.objects.get().seq == 24
    times = list(Entry.objects.order_by("seq").values_list("recorded_at", flat=True))
    assert times == sorted(times)


@pytest.fixture
def answered_together(clubmed):
    """Change so many customers at once, and let whoever has the log's lock wait for all of them.

    first: called with each line before that. Returns what the verbs returned or raised.
    """

    def run(count, *, first=lambda line: None):
        people = [str(number) for number in range(200, 200 + count)]
        close, take, taken = group_commit.close, group_commit._take, []
        all_there = Barrier(count, timeout=60)

        def close_together(line, new):
            first(line)
            all_there.wait()
            return close(line, new)

        def take_all():
            while not taken and len(group_commit._waiting) < count:
                pass
            taken.extend(took := take())
            return took

        def verb(number):
            clubmed.customers[number] = {"id": number, "email": "tom@example.com"}
            used = token(AGENT, form=f"{number}/email")
            who = {"token": used, "actor": actor(AGENT), "request_id": "r"}
            return lambda: change_profile(number, {"email": "a@example.com"}, **who)

        with (
            patch.object(group_commit, "close", close_together),
            patch.object(group_commit, "_take", take_all),
        ):
            return at_once(*map(verb, people))

    return run


def test_changes_that_are_answered_together_are_recorded_in_one_transaction(
    answered_together, caplog
):
    with caplog.at_level("INFO"):
        results = answered_together(4)

    # Whoever appends seals the head once it is committed.
    assert [record.seal["seq"] for record in caplog.records if record.message == "appended"] == [4]
    recorded = {entry.customer_id: entry for entry in Entry.objects.all()}
    assert recorded.keys() == {"200", "201", "202", "203"}
    for result in results:
        [entry] = result.entries
        assert recorded[result.customer_id].seq == entry.seq
        assert (entry.old, entry.new, entry.outcome) == (
            *("tom@example.com", "a@example.com"),
            "applied",
        )
    assert Change.objects.count() == 4
    assert not JournalLine.objects.exists()
    assert log.verify()[0] == 0


def test_those_that_were_settled_meanwhile_are_corrected_and_the_others_are_recorded(
    answered_together,
):
    def settle(line):
        if line.customer_id == "201":
            give_up([line])
        if line.customer_id == "202":  # its value was seen
            sides = line.values["email"].values()
            seen = FieldOutcome("email", *sides, Outcome.APPLIED, Evidence.READ)
            with transaction.atomic():
                head, _ = journal.close(line)
                entries.append(line.change_id, line.act(), [seen], head=head)

    results = answered_together(3, first=settle)

    assert [type(result) for result in results] == [Saved] * 3
    outcomes = Entry.objects.order_by("customer_id", "seq").values_list("customer_id", "outcome")
    assert list(outcomes) == [
        *[("200", "applied"), ("201", "unclear")],
        *[("201", "applied"), ("202", "applied")],
    ]
    assert not JournalLine.objects.exists()
    assert log.verify()[0] == 0


def test_where_their_transaction_fails_each_records_its_change_alone(answered_together):
    failed = patch.object(group_commit, "_record", side_effect=DatabaseError)

    with failed as record:
        results = answered_together(3)

    record.assert_called_once()
    assert [type(result) for result in results] == [Saved] * 3
    assert Entry.objects.count() == 3
    assert not JournalLine.objects.exists()
    assert log.verify()[0] == 0


def test_where_the_commit_fails_nobody_is_told_that_the_change_is_recorded(answered_together):
    """Nobody knows whether it came, so each looks for its line."""
    atomic = transaction.Atomic.__exit__

    def fail_to_commit(block, kind, *about):
        if block.durable:
            atomic(block, DatabaseError, DatabaseError(), None)
            raise DatabaseError
        return atomic(block, kind, *about)

    with patch.object(transaction.Atomic, "__exit__", fail_to_commit):
        results = answered_together(3)

    assert [type(result) for result in results] == [Saved] * 3
    assert Entry.objects.count() == 3
    assert log.verify()[0] == 0


def test_where_the_lock_is_not_to_be_had_all_are_pending_at_once(answered_together):
    def together_without_a_lock():
        while len(group_commit._waiting) < 3:
            time.sleep(0.01)
        raise DatabaseError

    with patch.object(group_commit.chain, "lock", side_effect=together_without_a_lock) as lock:
        results = answered_together(3)

    lock.assert_called_once()
    assert [type(result) for result in results] == [Pending] * 3
    assert JournalLine.objects.count() == 3  # which are settled like any other
    assert not group_commit._waiting


def test_a_thread_whose_turn_does_not_come_records_its_change_alone(clubmed):
    with patch.object(group_commit, "_PATIENCE", 0.2), group_commit._turn:
        assert type(change(AGENT, "a@example.com")()) is Saved

    assert Entry.objects.count() == 1
    assert type(change(AGENT, "b@example.com", token(AGENT, "a@example.com"))()) is Saved
    assert not group_commit._waiting
    assert log.verify()[0] == 0


def test_a_pair_of_fields_is_taken_whole_or_not_at_all(clubmed):
    """A second writer of one of two fields leaves no half claim behind."""
    both = token_over(email="tom@example.com", birth_city=None)
    clubmed.faults.add(Fault("drop_before", method="PATCH"))
    with pytest.raises(Unknown):
        change(AGENT, "a@example.com")()

    typed = {"birth_city": "Lyon", "email": "b@example.com"}
    with pytest.raises(InUse):
        change_profile(TOM, typed, token=both, actor=actor(OTHER_AGENT), request_id="r")

    assert JournalLine.objects.count() == 1
    assert list(JournalLine.objects.get().claims.values_list("field", flat=True)) == ["email"]


def test_no_database_connection_is_held_while_club_med_takes_its_time(clubmed):
    """A slow API must not use up the pool that everybody shares."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no pool")
    clubmed.faults.add(Fault("latency", method="PATCH", seconds=0.5))
    connection.close()

    with overdue(clubmed, change(AGENT, "a@example.com")) as result:
        connection.close()
        stats = connection.pool.get_stats()
        assert stats["pool_available"] == stats["pool_size"]

    assert isinstance(result(), Saved)


@pytest.mark.parametrize(
    ("fault", "outcomes"),
    [
        # The look comes before Club Med stores it; its answer comes after the look.
        (Fault("latency", method="PATCH", seconds=0.7), ["not_seen", "applied"]),
        # It is stored when the look comes, and the answer drips in after it.
        (Fault("drip", method="PATCH", seconds=0.02, part="headers"), ["applied"]),
    ],
    ids=["settled wrongly", "settled rightly"],
)
def test_an_owner_that_comes_back_late_corrects_only_what_was_wrong(clubmed, fault, outcomes):
    clubmed.faults.add(fault)
    with overdue(clubmed, change(AGENT, "a@example.com")) as result:
        read_profile(TOM, actor=actor(AGENT))

    assert isinstance(result(), Saved)
    recorded = Entry.objects.order_by("seq").values_list("outcome", flat=True)
    assert list(recorded) == outcomes
    assert Change.objects.get().outcome == "applied"
    assert not JournalLine.objects.exists()


def test_an_owner_that_comes_back_late_does_not_bring_back_what_was_forgotten(
    clubmed, settings, tmp_path
):
    settings.AUDIT_TOMBSTONES = str(tmp_path / "tombstones.ndjson")
    clubmed.faults.add(Fault("latency", method="PATCH", seconds=0.7))
    with overdue(clubmed, change(AGENT, "a@example.com")) as result:
        forget_customer(TOM, reason="By letter", actor=actor(SUPERVISOR), caller=actor(SUPERVISOR))

    assert isinstance(result(), Saved)
    made = Entry.objects.filter(action="change").order_by("seq")
    assert [(entry.outcome, entry.new) for entry in made] == [
        ("not_seen", Missing.ERASED),
        ("applied", Missing.NOT_KEPT),
    ]
    assert not VaultItem.objects.filter(entry__in=made).exists()


def test_a_create_that_is_refused_late_keeps_nothing_of_the_person(clubmed, tmp_path):
    """It was settled from a search meanwhile, with all that had been typed."""
    typed = {"civility": "MR", "first_name": "Ada", "last_name": "Durand 2"}
    clubmed.faults.add(Fault("latency", method="POST", seconds=0.7))
    who = {"token": token(AGENT, form="new"), "actor": actor(AGENT), "request_id": "r"}

    def create():
        with pytest.raises(RefusedError):
            create_customer(typed, reason="Ada said so", **who)

    with overdue(clubmed, create, "POST"):
        call_command("reconcile", stdout=io.StringIO())
        assert VaultItem.objects.count() == 3

    made = list(Entry.objects.order_by("seq"))
    assert [(entry.outcome, entry.new) for entry in made] == [
        *[("unclear", Missing.ERASED)] * 3,
        *[("refused", Missing.NOT_KEPT)] * 3,
    ]
    assert {text for entry in made[3:] for text in (entry.customer_label, entry.reason)} == {""}
    assert not VaultItem.objects.exists()
    assert log.both(tmp_path)[0] == (0, 0)


def test_nor_does_one_that_a_person_had_decided_on(clubmed):
    """Somebody had found out by themselves what Club Med's answer says later: not stored."""
    typed = {"civility": "MR", "first_name": "Ada", "last_name": "Vance"}
    clubmed.faults.add(Fault("redirect", method="POST", seconds=0.7))
    used = token(AGENT, form="new")

    def create():
        with pytest.raises(ContractError):
            create_customer(typed, token=used, actor=actor(AGENT), request_id="r")

    with overdue(clubmed, create, "POST"):
        give_up(JournalLine.objects.all())
        who = {"actor": actor(SUPERVISOR), "request_id": "r"}
        settle_change(used.change_id, landed=False, reason="Asked by phone", **who)
        assert VaultItem.objects.count() == 6

    made = Entry.objects.filter(change_id=used.change_id)
    assert {entry.new for entry in made} == {Missing.ERASED, Missing.NOT_KEPT}
    assert not VaultItem.objects.exists()
    assert log.verify()[0] == 0


def test_nothing_is_sent_once_others_may_settle_the_line(clubmed, settings):
    """A worker that was stopped between its line and its call."""
    client()  # with its own deadline: only the line's has passed
    settings.CLUBMED_DEADLINE = -1

    with pytest.raises(NotSent):
        change(AGENT, "a@example.com")()

    assert sent(clubmed, "PATCH") == []
    entry = Entry.objects.get()
    assert (entry.outcome, entry.evidence) == ("not_applied", "no_call")


def test_many_looks_at_once_record_one_settlement(clubmed):
    clubmed.faults.add(Fault("drop_after", method="PATCH"))
    with pytest.raises(Unknown):
        change(AGENT, "a@example.com")()
    JournalLine.objects.update(deadline=timezone.now() - timedelta(hours=1))

    at_once(*[lambda: read_profile(TOM, actor=actor(AGENT))] * 6)

    assert Entry.objects.count() == 1


@pytest.mark.parametrize("form", [f"{TOM}/email", "new"])
def test_a_second_sending_that_lags_behind_the_first_meets_its_entries(clubmed, form):
    """It looked before the first was recorded, and writes its line after that line was closed."""
    used = token(AGENT, form=form)
    act = act_of("create", actor(AGENT), "", request_id="r")
    if form == "new":
        typed = {"civility": "MR", "first_name": "Ada", "last_name": "Vance"}
        create_customer(typed, token=used, actor=actor(AGENT), request_id="r")
    else:
        change(AGENT, "a@example.com", used)()

    with pytest.raises(journal.MovedOnError):
        journal.write(used.change_id, act, {"last_name": (None, "Vance")}, read_at=0)

    assert not JournalLine.objects.exists()
