"""Is the log whole? What each check left, on its page and on every page of the log."""

import os
import signal
import threading
import time
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from customers.audit import chain, verification
from customers.audit.models import (
    AccessEvent,
    Change,
    ChangedField,
    CheckState,
    Entry,
    Head,
    Verification,
)
from tests import log
from tests.acts import change, lose_the_answer, out_of_reach
from tests.conftest import HTMX, SUPERVISOR, TOM, signed_in, soup, text
from tests.demo import children_of

URL = "/audit/integrity/"
NOT_INTACT = "The log is not intact."
pytestmark = pytest.mark.django_db
only_on_sqlite = pytest.mark.skipif(
    connection.vendor == "postgresql", reason="PostgreSQL takes nothing else for a time or an id"
)


def tamper(seq=5, **columns):
    """What no trigger stops: somebody took them away."""
    log.lift_the_triggers()  # the transaction that this test runs in brings them back
    Entry.objects.filter(seq=seq).update(**columns or {"actor_name": "Somebody else"})


def verdict(person):
    return text(person.page(URL).select_one("#integrity"))


def running(**columns):
    """A check that another process is at."""
    row = verification.begin("Mei-Ling Chao")
    Verification.objects.filter(pk=row.pk).update(reached=4_000, last=48_212, **columns)
    return row


def facts(page):
    return {text(dt): text(dt.find_next("dd")) for dt in page.select("dl.pairs dt")}


# Who opens it


def test_supervisors_and_auditors_read_it_and_it_stands_in_their_menu(supervisor, auditor):
    for person in (supervisor, auditor):
        page = person.page(URL)
        assert text(page.select_one("h1")) == "Integrity"
        assert page.select_one(".topnav [aria-current=page]")["href"] == URL
        assert text(page.select_one("main form button")) == "Check now"
    assert set(AccessEvent.objects.values_list("kind", "actor_name")) == {
        ("audit", "Sana El Idrissi"),
        ("audit", "Mei-Ling Chao"),
    }


# What it says


@pytest.mark.once
def test_a_log_that_was_never_checked(agent, supervisor):
    change(agent, "new@example.com")

    page = supervisor.page(URL)

    assert "The whole log was never checked" in text(page)
    told = facts(page)
    assert told["Last entry"] == "1 , just now"
    assert told["Signature"].startswith("Valid key ")
    assert told["Seal"].endswith(chain.seal_line(Head.objects.get()))
    assert told["Last seal compared"].startswith("None yet.")
    assert told["Lists of changes"] == "Not compared yet"
    assert told["The database"] == "Refuses to change entries"
    assert told["Clocks"] == "Agree"


def test_an_empty_log(supervisor):
    call_command("audit_verify")

    page = supervisor.page(URL)

    assert "The log is intact, and empty" in text(page)
    assert facts(page)["Last entry"] == "None: nothing is recorded yet"


def test_a_log_that_is_whole(agent, supervisor, tmp_path):
    log.fill()
    log.verify("--seal", log.seal(tmp_path))
    change(agent, "new@example.com")

    page = supervisor.page(URL)

    said = text(page.select_one("#integrity"))
    assert "The log is intact up to entry 9" in said
    assert "From entry 1 to 9 none is missing and none was altered." in said
    assert "Checked by Command line in 0." in said
    told = facts(page)
    assert told["Since the check"] == "Entries 10 to 10"
    assert told["Last seal compared"] == "Of entry 9, just now"
    assert told["Lists of changes"] == "As the entries say"
    assert NOT_INTACT not in text(supervisor.page("/audit/"))


def test_a_log_whose_oldest_entries_left_with_age(supervisor):
    log.fill()
    log.lift_the_triggers()
    log.leave_behind_an_anchor(3)
    log.verify()

    assert "From entry 4 to 10 none is missing" in verdict(supervisor)


def test_a_log_that_somebody_altered(supervisor):
    log.fill()
    tamper(5)
    log.verify()

    page = supervisor.page(URL)

    assert text(page.select_one(".verdict h2")) == "The log is not intact"
    assert page.select_one(".verdict")["role"] == "alert"
    assert "Entries 1 to 4 are proven whole." in text(page)
    altered, *_ = page.select("#integrity tbody")
    assert text(altered.select_one("th")) == "5"
    assert "its content gives another digest than the one recorded" in text(altered)
    of_entry = Entry.objects.get(seq=5).change_id
    assert altered.select_one("a")["href"] == f"/audit/changes/{of_entry}/"
    assert "Stop deleting or restoring databases" in text(page)
    rows = page.select("#integrity tbody")
    assert "5 to 9" in text(rows[-1])
    assert "no signature covers them" in text(rows[-1])


@only_on_sqlite
@pytest.mark.parametrize("column", ["change_id", "recorded_at"])
def test_an_entry_that_can_no_longer_be_read_is_named_all_the_same(supervisor, column):
    log.fill()
    log.lift_the_triggers()
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE customers_entry SET {column} = 'oops' WHERE seq = 5")
    log.verify()

    page = supervisor.page(URL)

    assert text(page.select_one("#integrity tbody th")) == "5"
    link = page.select_one("#integrity tbody a")
    assert (link["href"] == "/audit/?before=6") == (column == "change_id")


@only_on_sqlite
def test_a_head_that_can_no_longer_be_read(supervisor):
    log.fill()
    log.lift_the_triggers()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE customers_head SET recorded_at = 'oops'")
    log.verify()

    page = supervisor.page(URL)

    assert text(page.select_one("#integrity td")) == "the head cannot be read"
    assert facts(page)["Last entry"] == "The head cannot be read"


def test_a_missing_entry_and_a_forged_head(supervisor):
    log.fill()
    log.lift_the_triggers()
    Entry.objects.filter(seq=9).delete()
    Head.objects.update(digest=b"x" * 32)
    log.verify()

    page = supervisor.page(URL)

    assert "No entry is proven whole." in text(page)
    assert "the head is not signed with a key that was given" in text(page)
    assert facts(page)["Signature"].startswith("Does not match")


def test_lists_that_do_not_show_what_the_entries_say(supervisor):
    log.fill()
    ChangedField.objects.filter(seq=2).update(field="other")
    log.verify()

    page = supervisor.page(URL)

    assert "Entries 1 to 9 are proven whole." in text(page)
    assert facts(page)["Lists of changes"].startswith("Not as the entries say Run audit_rebuild")


def test_triggers_that_are_missing_and_clocks_that_disagree(supervisor):
    log.fill(1)
    log.lift_the_triggers()
    Head.objects.update(recorded_at=timezone.now() + timedelta(minutes=10, seconds=30))

    told = facts(supervisor.page(URL))

    assert told["The database"].startswith("Lets entries be changed")
    assert "lies 10 minutes ahead of this machine’s clock" in told["Clocks"]


def test_what_is_not_settled_stands_beside_it(agent, supervisor, clubmed):
    lose_the_answer(agent, clubmed, "drop_before")

    page = supervisor.page(URL)

    assert "sent, not answered yet" in text(page)
    assert page.select_one("a[href='/audit/unsettled/']")


def test_nothing_is_unsettled(supervisor):
    assert "No change waits for an answer, and none is unclear." in text(supervisor.page(URL))


# Every page of the log


def test_every_page_of_the_log_says_that_it_is_not_intact(agent, supervisor, auditor):
    change(agent, "new@example.com")
    tamper(1)
    log.verify()
    of_change = f"/audit/changes/{Change.objects.get().pk}/"

    for person in (supervisor, auditor):
        for url in (
            "/audit/",
            "/audit/looks/",
            "/audit/unsettled/",
            of_change,
            f"/customers/{TOM}/history/",
        ):
            notices = person.page(url).select_one("#notices")
            assert NOT_INTACT in text(notices)
            assert notices.select_one("a")["href"] == URL
        assert NOT_INTACT not in text(person.page(URL))
    for url in (f"/customers/{TOM}/history/", f"/customers/{TOM}/fields/email/history/"):
        notices = agent.page(url).select_one("#notices")
        assert "Entries shown here may have been altered. Tell your supervisor." in text(notices)
        assert notices.select_one("a") is None
    for url in ("/", f"/customers/{TOM}/"):
        assert NOT_INTACT not in text(agent.page(url))


def test_it_is_said_until_the_whole_log_was_found_whole(supervisor, tmp_path):
    log.fill()
    kept = log.seal(tmp_path)
    tamper(5, actor_name="Somebody else")
    log.verify()

    assert log.verify("--since", kept)[0] == 0
    assert "The log is not intact" in verdict(supervisor)
    assert NOT_INTACT in text(supervisor.page("/audit/"))

    tamper(5, actor_name="Inès “I” Moreau")
    assert log.verify()[0] == 0
    assert "The log is intact up to entry 9" in verdict(supervisor)
    assert NOT_INTACT not in text(supervisor.page("/audit/"))
    results = [text(row) for row in supervisor.page(URL).select("#runs-title ~ *, .log tbody")]
    assert any("Not whole" in row for row in results)


def test_a_part_that_is_not_whole_counts_at_once(supervisor, tmp_path):
    log.fill(2)
    kept = log.seal(tmp_path)
    log.fill(3)
    log.verify()
    tamper(5)

    assert log.verify("--since", kept)[0] == 1

    assert "Entries 4 to 4 are proven whole." in verdict(supervisor)


# A check under way


@pytest.mark.once
def test_a_check_under_way_shows_how_far_it_is_and_asks_again(supervisor):
    log.fill()
    log.verify()
    running()

    page = supervisor.page(URL)
    part = soup(supervisor.get(URL, headers=HTMX))

    for shown in (page, part):
        said = text(shown.select_one("#integrity"))
        assert "4,000 of 48,212 entries so far. Started by Mei-Ling Chao just now" in said
        assert "You may leave this page" in said
        assert shown.select_one("progress")["value"] == "4000"
        assert shown.select_one("progress")["max"] == "48212"
        assert shown.select_one("#integrity")["hx-trigger"] == "every 2s"
        assert shown.select_one("#integrity a")["href"] == URL
        assert "The log is intact up to entry 9" in said
    assert part.select_one("html") is None
    assert AccessEvent.objects.count() == 1  # asking how far it is shows nothing of anybody


@pytest.mark.once
def test_when_it_has_ended_nothing_asks_again(supervisor):
    log.fill()
    log.verify()

    assert not soup(supervisor.get(URL, headers=HTMX)).select("[hx-trigger]")


def test_two_clicks_begin_one_check(supervisor, auditor, django_capture_on_commit_callbacks):
    log.fill()

    with django_capture_on_commit_callbacks() as begun:
        first = supervisor.post(URL, headers=HTMX)
        second = auditor.post(URL)

    assert len([act for act in begun if act.func is verification._launch]) == 1
    assert "Started by Sana El Idrissi" in text(soup(first))
    assert (second.status_code, second["Location"]) == (302, URL)
    assert not soup(first).select_one("progress").has_attr("value")  # it has not said how far
    [row] = Verification.objects.all()
    assert (row.state, row.actor_name) == ("running", "Sana El Idrissi")


def test_a_check_that_was_broken_off_says_so_and_may_be_begun_again(supervisor):
    long_ago = timezone.now() - timedelta(minutes=3)
    lost = running(beat_at=long_ago)

    page = supervisor.page(URL)
    assert "The check was broken off at entry 4,000. Started by Mei-Ling Chao" in text(page)
    assert "It has no result: check again." in text(page)
    assert not page.select("#integrity[hx-trigger]")

    begun = soup(supervisor.post(URL, headers=HTMX))
    assert "The log is being checked" in text(begun)
    assert list(Verification.objects.values_list("state", flat=True)) == ["running", "broken_off"]

    # The one that seemed lost was only slow: its result is as good as any.
    verification.run("", progress=lambda seq, last: None, number=lost.pk)
    assert set(Verification.objects.values_list("state", flat=True)) == {"running", "whole"}


def test_a_check_that_fails_says_so(supervisor, tmp_path):
    (tmp_path / "seals").write_text("{}\n")

    assert log.verify("--seal", tmp_path / "seals")[0] == 2

    assert "The check was broken off at entry 0. Started by Command line" in verdict(supervisor)


def test_the_command_line_checks_whoever_else_does(supervisor):
    log.fill()
    running()

    assert log.verify()[0] == 0

    said = verdict(supervisor)
    assert "The log is being checked" in said
    assert "The log is intact up to entry 9" in said


def test_how_far_it_is_is_left_while_it_runs(monkeypatch, supervisor):
    monkeypatch.setattr(verification, "_BEAT", 0)
    monkeypatch.setattr("customers.audit.verify._STEP", 4)
    log.fill()
    seen = []

    def note(seq, last):
        seen.append(Verification.objects.values_list("state", "reached", "last").get())

    verification.run("Somebody", progress=note)

    assert seen == [("running", 0, 0), ("running", 4, 9)]


@pytest.mark.django_db(transaction=True)
def test_the_result_is_said_though_it_cannot_be_kept(caplog):
    log.fill()
    with out_of_reach("customers_verification"):
        assert log.verify()[0] == 0

    assert "cannot be kept" in caplog.text


def test_that_the_log_is_not_whole_stands_in_the_process_log(caplog):
    log.fill()
    tamper(5)
    log.verify()

    assert "the audit log is not whole: entry 5: " in caplog.text


def test_ageing_leaves_what_it_verified_and_runs_leave_after_a_year(supervisor):
    log.fill()
    old = timezone.now() - timedelta(days=400)
    for state in (CheckState.WHOLE, CheckState.NOT_WHOLE):
        Verification.objects.create(
            state=state, actor_name="Long ago", started_at=old, beat_at=old, ended_at=old
        )

    call_command("audit_expire", execute=True)

    assert [row.actor_name for row in Verification.objects.all()] == ["Command line"]
    assert "The log is intact up to entry 9" in verdict(supervisor)


# The process


@pytest.fixture
def child_database(transactional_db, monkeypatch):
    """A process that we start works on this test's database, and so does who waits for its end."""
    name = connection.settings_dict["NAME"]
    server = os.environ["DATABASE_URL"].rpartition("/")[0]
    is_sqlite = connection.vendor == "sqlite"
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{name}" if is_sqlite else f"{server}/{name}")
    yield
    for thread in threading.enumerate():
        if "(_wait)" in thread.name:
            thread.join()


def wait_for(state):
    give_up = time.monotonic() + 60
    while Verification.objects.get().state != state:
        assert time.monotonic() < give_up, "it did not happen"
        time.sleep(0.05)


@pytest.mark.once
def test_a_click_checks_the_log_in_a_process_of_its_own(clubmed, child_database):
    log.fill()
    supervisor = signed_in(SUPERVISOR)

    supervisor.post(URL)
    wait_for(CheckState.WHOLE)

    said = verdict(supervisor)
    assert "The log is intact up to entry 9" in said
    assert "Checked by Sana El Idrissi in" in said


def test_a_process_that_is_killed_is_no_check_without_an_end(clubmed, child_database):
    log.fill()
    supervisor = signed_in(SUPERVISOR)
    before = set(children_of(os.getpid()))

    supervisor.post(URL)
    [child] = set(children_of(os.getpid())) - before
    os.kill(child, signal.SIGKILL)
    wait_for(CheckState.BROKEN_OFF)

    assert "The check was broken off at entry 0." in verdict(supervisor)
