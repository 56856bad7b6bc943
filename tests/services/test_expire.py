"""Ageing: values, access events and entries leave when they are too old, in batches, and the log
is whole after each of them."""

import io
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from crmadmin.models import Session
from customers.audit import access_events, chain, erasure, triggers
from customers.audit.actions import Outcome
from customers.audit.entries import FieldOutcome
from customers.audit.models import (
    Access,
    AccessEvent,
    Change,
    Credential,
    Entry,
    Head,
    JournalLine,
    Missing,
    VaultItem,
)
from customers.services import expire as service
from tests import log
from tests.acts import lose_the_answer
from tests.conftest import AGENT, signed_in, text
from tests.people import actor

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 23, 9, 41, tzinfo=UTC)


@pytest.fixture
def at(monkeypatch):
    """What time it is."""

    def set_clock(*date):
        time = datetime(*date, tzinfo=UTC) if date else NOW
        monkeypatch.setattr(timezone, "now", lambda: time)

    set_clock()
    return set_clock


@pytest.fixture
def small_batches(monkeypatch):
    monkeypatch.setattr(service, "_BATCH", 2)
    monkeypatch.setattr(erasure, "_BATCH", 2)


@pytest.fixture
def aged(at):
    """Nine entries of 2022, nine of early 2025 and nine of today."""
    for date in ((2022, 3, 1), (2025, 3, 1), ()):
        at(*date)
        log.fill()


def change(value="new@example.com", **kwargs):
    log.append(FieldOutcome("email", "old@example.com", value, Outcome.APPLIED), **kwargs)


def expire(*options):
    said, told = io.StringIO(), io.StringIO()
    call_command("audit_expire", *options, stdout=said, stderr=told)
    return said.getvalue()


def erase(part, progress=lambda done: None):
    """The values (0) or the entries (-1)."""
    service.erase(service.find_old(NOW)[part], "", progress)


def held():
    return list(VaultItem.objects.order_by("pk").values_list("pk", flat=True))


def numbers():
    return list(Entry.objects.order_by("seq").values_list("seq", flat=True))


def is_whole(tmp_path):
    statuses, words, said = log.both(tmp_path)
    assert statuses == (0, 0), words + said
    return True


def test_nothing_goes_unless_asked(aged):
    before = numbers(), held()

    said = expire()

    assert said == (
        "Values older than 23 November 2025: 18.\n"
        "Access events older than 23 November 2025: 0.\n"
        "Entries older than 23 November 2023: 9.\n"
        "Nothing was erased: --execute does it.\n"
    )
    assert (numbers(), held()) == before


@pytest.mark.parametrize(
    ("now", "months", "then"),
    [
        ((2026, 3, 31), 1, "28 February 2026"),
        ((2024, 3, 31), 1, "29 February 2024"),
        ((2026, 1, 15), 1, "15 December 2025"),
        ((2024, 2, 29), 12, "28 February 2023"),
        ((2026, 12, 31), 36, "31 December 2023"),
    ],
)
def test_months_are_those_of_the_calendar(at, settings, now, months, then):
    settings.AUDIT_VALUE_MONTHS = months
    at(*now, 12)

    assert f"Values older than {then}: 0." in expire()


@pytest.mark.parametrize(("minute", "left"), [(40, 0), (41, 1)])
def test_a_value_goes_to_the_minute(at, minute, left):
    at(2025, 11, 23, 9, minute)
    change()
    at()

    expire("--execute", "--clock-is-right")

    assert VaultItem.objects.filter(pk=1).count() == left


def test_old_values_are_erased_and_no_other_may_be_missing(aged, tmp_path, supervisor, settings):
    settings.AUDIT_ENTRY_MONTHS = 600

    expire("--execute")

    assert numbers() == list(range(1, 29))
    assert held() == list(range(19, 28))
    said = Entry.objects.get(seq=28)
    assert (said.action, said.field, said.detail) == ("expired", "values", '{"up_to": 18}')
    assert said.actor_name == "Command line"
    assert Entry.objects.get(seq=3).new is Missing.ERASED
    assert is_whole(tmp_path)
    page = text(supervisor.page("/audit/"))
    assert page.count("erased → erased") == 18
    assert "Old data erased" in page
    assert "All values erased, up to entry 18" in page
    seen = text(supervisor.page(f"/audit/changes/{said.change_id}/"))
    assert "All values erased, up to entry 18" in seen
    assert "Club Med" not in seen.partition("What changed")[2]
    VaultItem.objects.filter(pk=20).delete()
    assert log.verify()[1].startswith("entry 20: its values are missing, and no entry says")


class EndedError(Exception):
    """The process was ended."""


@pytest.mark.parametrize("batches", [1, 2, 5])
def test_a_run_that_was_ended_is_whole_and_the_next_goes_on(
    aged, tmp_path, settings, small_batches, batches
):
    settings.AUDIT_ENTRY_MONTHS = 600

    def end(done):
        if done >= 2 * batches:
            raise EndedError

    with pytest.raises(EndedError):
        erase(0, end)
    assert len(held()) == 27 - 2 * batches
    assert is_whole(tmp_path)

    expire("--execute")

    assert held() == list(range(19, 28))
    assert Entry.objects.filter(action="expired").count() == 1
    assert is_whole(tmp_path)


def test_the_oldest_entries_leave_behind_an_anchor(aged, tmp_path, supervisor):
    expire("--execute", "--although-not-whole", "Ticket 12")

    assert numbers() == list(range(10, 30))
    anchor = Entry.objects.get(seq=29)
    assert (anchor.action, anchor.field) == ("anchor", "entries")
    assert anchor.reason == ""  # the log was whole
    assert '"seq": 9' in anchor.detail
    assert not Change.objects.filter(seq__lte=9).exists()
    assert is_whole(tmp_path)
    page = text(supervisor.page("/audit/"))
    assert "Old entries removed All entries removed, up to entry 9" in page


def test_each_batch_leaves_the_log_whole_and_a_run_that_was_ended_is_gone_on_with(
    aged, tmp_path, small_batches
):
    def end_after_two(done):
        assert is_whole(tmp_path)
        if done >= 4:
            raise EndedError

    with pytest.raises(EndedError):
        erase(-1, end_after_two)
    assert 1 < numbers()[0] < 10

    expire("--execute")

    assert numbers()[0] == 10
    assert Entry.objects.filter(action="anchor").count() > 2
    assert is_whole(tmp_path)


def test_a_change_with_a_younger_entry_stays_whole(at, tmp_path):
    at(2022, 3, 1)
    change()
    at(2022, 3, 2)
    late = uuid4()
    change(change_id=late)
    change()
    at(2025, 3, 2)
    change(change_id=late)
    at()

    expire("--execute", "--clock-is-right")

    assert numbers()[0] == 2
    assert is_whole(tmp_path)


def test_changes_that_overlap_leave_together(at, tmp_path, small_batches):
    at(2022, 3, 1)
    changes = [uuid4() for _ in range(5)]
    for n in (0, 1, 0, 2, 1, 3, 2, 3, 4):  # entries 1 to 8 hang together
        change(change_id=changes[n])
    at()
    seen = []

    erase(-1, seen.append)

    assert seen == [8, 9]
    assert is_whole(tmp_path)


@pytest.mark.parametrize("late", ["an answer", "another run"])
def test_what_comes_just_before_the_lock_is_seen(aged, tmp_path, monkeypatch, late):
    last, lock = Entry.objects.get(seq=9).change_id, chain.lock

    def lock_later():
        monkeypatch.setattr(chain, "lock", lock)
        if late == "an answer":
            change(change_id=last)
        else:
            erase(-1)
        return lock()

    monkeypatch.setattr(chain, "lock", lock_later)

    erase(-1)

    theirs = Entry.objects.filter(change_id=last).values_list("seq", flat=True)
    assert numbers()[0] == min(theirs, default=10)
    assert Entry.objects.filter(action="anchor").count() == 1
    assert is_whole(tmp_path)


def test_upon_a_forged_head_nothing_leaves(aged):
    Head.objects.update(key_id="00000000")

    with pytest.raises(
        CommandError, match="Nothing was erased, as the log is not whole: the head is"
    ):
        expire("--execute")
    with pytest.raises(CommandError, match="The head is not signed with our key: run audit_verify"):
        expire("--execute", "--although-not-whole", "Ticket 12")

    assert len(held()) == 27


@pytest.fixture
def viewed(at):
    """Five access events of early 2025 and three of this month."""
    for date, count in (((2025, 3, 1), 5), ((2026, 11, 1), 3)):
        at(*date)
        for n in range(count):
            access_events.record(
                Access.VIEW, actor=actor(AGENT), request_id="r", customer_id=str(n)
            )
    at()


def test_old_access_events_leave_and_an_entry_says_so(viewed, tmp_path, supervisor):
    """One of a wrong clock does not hold the others up."""
    newest = AccessEvent.objects.filter(recorded_at__year=2025).latest("pk").pk
    tamper(AccessEvent.objects.filter(pk=AccessEvent.objects.earliest("pk").pk), recorded_at=LATE)

    said = expire("--execute")

    assert "Access events older than 23 November 2025: 4." in said
    assert AccessEvent.objects.count() == 4
    assert erasure.expired(erasure.ACCESS) == newest
    assert is_whole(tmp_path)
    page = text(supervisor.page("/audit/"))
    assert f"Old access events erased, up to number {newest}" in page
    assert "Unnamed" not in page


def test_sessions_and_tokens_of_nobody_any_more_leave_too(at):
    over, lasting = (signed_in(AGENT).session.row for _ in range(2))
    Session.objects.filter(pk=over.pk).update(last_active=NOW - timedelta(days=1))
    for key, ends_at in (("over", NOW - timedelta(hours=1)), ("lasting", NOW + timedelta(hours=1))):
        Credential.objects.create(key=key, encrypted="", ends_at=ends_at)

    expire("--execute")

    assert [one.pk for one in Session.objects.exclude(identity="")] == [lasting.pk]
    assert AccessEvent.objects.get(kind="expired").actor_sub == AGENT[0]
    assert [one.pk for one in Credential.objects.all()] == ["lasting"]


def tamper(rows, **columns):
    log.lift_the_triggers()
    rows.update(**columns)
    triggers.install()


OLD, LATE = datetime(2020, 1, 1, tzinfo=UTC), datetime(2125, 1, 1, tzinfo=UTC)


def make_entries_look_old():
    tamper(Entry.objects.filter(seq__range=(19, 26)), recorded_at=OLD)


def make_a_hole():
    log.lift_the_triggers()
    Entry.objects.filter(seq__in=range(5, 17)).delete()
    VaultItem.objects.filter(pk__in=range(5, 17)).delete()
    triggers.install()


NOT_WHOLE = [
    (make_entries_look_old, "entry 19: its content gives another digest than the one recorded"),
    (make_a_hole, "entry 5: missing, up to 16"),
]


@pytest.mark.parametrize(("meddle", "fault"), NOT_WHOLE)
def test_from_a_log_that_is_not_whole_nothing_leaves_unless_somebody_says_why(
    aged, viewed, meddle, fault
):
    meddle()
    before = numbers(), held(), AccessEvent.objects.count()

    with pytest.raises(CommandError) as refused:
        expire("--execute")

    assert f"Nothing was erased, as the log is not whole: {fault}" in str(refused.value)
    assert (numbers(), held(), AccessEvent.objects.count()) == before
    assert "Nothing was erased" in expire()  # what would leave is shown all the same

    assert expire("--execute", "--although-not-whole", "Ticket 12").endswith("Erased.\n")
    acts = Entry.objects.filter(action__in=("expired", "anchor"))
    assert {entry.reason for entry in acts} == {f"Ticket 12 (not whole: {fault})"}
    assert not set(held()) & set(range(1, 19))


@pytest.mark.parametrize(
    ("now", "doubt"),
    [
        ((2026, 11, 23, 9, 38, 59), "The newest entry was recorded 2 minutes ahead of this"),
        ((2026, 11, 23, 9, 39), None),
        ((2026, 12, 25, 9, 41), None),
        ((2026, 12, 25, 9, 41, 1), "The newest entry is of 23 November 2026, more than 32 days"),
    ],
    ids=["behind the log", "nearly", "after a long pause", "far ahead of it"],
)
def test_while_the_clock_may_be_wrong_nothing_leaves_unless_somebody_vouches_for_it(
    aged, at, now, doubt
):
    at(*now)
    before = numbers(), held()
    if doubt:
        with pytest.raises(CommandError, match=f"Nothing was erased, as the clock may be.*{doubt}"):
            expire("--execute")
        assert (numbers(), held()) == before

    assert expire("--execute", *["--clock-is-right"] * bool(doubt)).endswith("Erased.\n")


def test_old_changes_on_their_way_are_named(agent, clubmed, settings):
    lose_the_answer(agent, clubmed, "drop_after")
    JournalLine.objects.update(sent_at=OLD)

    assert "Changes as old, without an answer yet: 1. Run reconcile." in expire()
