"""`manage.py reconcile` settles changes that got no answer and whose customer nobody opens."""

import os
import signal
import subprocess
import sys
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from crmadmin.sandbox import Fault
from customers.audit.models import Change, Entry, JournalLine, Missing
from customers.services.reconcile import reconcile
from tests import log
from tests.acts import NEW, create, history, let_the_grace_pass, lose_the_answer
from tests.conftest import HTMX, TOM, soup, text
from tests.faults.conftest import PATIENCE, wait_until

OTHER = "704118236"
OTHER_KEYS = (b"another-key-of-exactly-32-bytes-",)


def lose_answers(person, clubmed, *customers):
    for number in customers:
        clubmed.customers[number] = {"id": number, "email": "tom@example.com"}
        lose_the_answer(person, clubmed, "drop_after", url=f"/customers/{number}/fields/email/")
    let_the_grace_pass()
    clubmed.requests.clear()


def lose_a_create(agent, clubmed, kind):
    clubmed.faults.add(Fault(kind, method="POST"))
    assert "We do not know yet" in text(soup(create(agent, **NEW)))
    let_the_grace_pass()
    clubmed.requests.clear()


def test_it_settles_customers_that_nobody_opens_with_one_read_each(agent, clubmed, capsys):
    lose_the_answer(agent, clubmed, "drop_after")
    lose_the_answer(agent, clubmed, "drop_after", "Lyon", f"/customers/{TOM}/fields/birth_city/")
    let_the_grace_pass()
    clubmed.requests.clear()

    call_command("reconcile")

    assert [request.method for request in clubmed.requests] == ["GET"]
    assert history() == [("email", "applied", "read"), ("birth_city", "applied", "read")]
    assert capsys.readouterr().out == "0 waiting, 0 watched, 0 unclear\n"


@pytest.mark.parametrize("method", ["PATCH", "POST"])
def test_before_deadline_and_grace_it_leaves_a_line_alone(agent, clubmed, settings, capsys, method):
    settings.JOURNAL_GRACE = 3600
    if method == "PATCH":
        lose_the_answer(agent, clubmed, "drop_after")
    else:
        clubmed.faults.add(Fault("drop_after", method="POST"))
        create(agent, **NEW)
    clubmed.requests.clear()

    call_command("reconcile")

    assert clubmed.requests == []
    assert capsys.readouterr().out == "1 waiting, 0 watched, 0 unclear\n"


def test_it_confirms_a_save_whose_page_never_looked_again(agent, clubmed):
    url = f"/customers/{TOM}/fields/first_name/"
    agent.post(url, agent.form(url) | {"value": "Thomás"}, headers=HTMX)
    reconcile()
    assert Entry.objects.count() == 1, "the page gets a minute to look by itself"

    Change.objects.update(read_again_at=timezone.now())
    reconcile()

    assert history() == [("first_name", "applied", "answer"), ("first_name", "stored_as", "read")]


def test_it_watches_what_was_not_seen_less_and_less_often(agent, clubmed):
    lose_the_answer(agent, clubmed, "drop_before")
    let_the_grace_pass()
    reconcile()
    made = Change.objects.get()
    assert (made.outcome, made.read_again_at > timezone.now()) == ("not_seen", True)
    hours_ago = timezone.now() - timedelta(hours=3)
    Change.objects.update(recorded_at=hours_ago, read_again_at=timezone.now())

    reconcile()

    later = Change.objects.get().read_again_at - timezone.now()
    assert timedelta(hours=2) < later < timedelta(hours=4)


@pytest.mark.once
@pytest.mark.parametrize("status", [401, 500, 503])
def test_it_gives_up_a_run_while_club_med_does_not_answer_and_everything_stays(
    agent, clubmed, status
):
    lose_answers(agent, clubmed, "200", "201", "202", "203")
    down = {"status": status, "headers": {"Retry-After": "99"}}
    clubmed.faults.add(Fault("status", method="GET", times=None, **down))

    with pytest.raises(CommandError, match="Club Med does not answer"):
        call_command("reconcile")

    assert len(clubmed.requests) == 3
    assert not Entry.objects.exists()
    clubmed.faults.clear()
    assert reconcile().open == 0


def test_customers_that_always_fail_do_not_stand_before_the_others(agent, clubmed):
    lose_answers(agent, clubmed, "200", "201", "202")
    lose_the_answer(agent, clubmed, "drop_after")
    JournalLine.objects.filter(customer_id=TOM).update(
        deadline=timezone.now() - timedelta(minutes=1)
    )
    clubmed.faults.add(Fault("html", method="GET", path="/v2/customers/20", times=None))

    for _ in range(40):  # one run in four reads all three first
        reconcile()

    assert Entry.objects.get().customer_id == TOM
    assert JournalLine.objects.count() == 3


@pytest.mark.once
@pytest.mark.parametrize("status", [403, 404])
def test_who_may_not_be_read_for_a_day_is_for_a_person(agent, clubmed, status):
    lose_the_answer(agent, clubmed, "drop_before")
    let_the_grace_pass()
    clubmed.faults.add(Fault("status", method="GET", status=status, times=None))
    assert reconcile().open == 1

    JournalLine.objects.update(sent_at=timezone.now() - timedelta(days=1, minutes=1))
    reconcile()

    assert history() == [("email", "unclear", "nothing")]


def test_after_the_grace_a_create_is_unclear_at_once_and_club_med_is_not_asked(agent, clubmed):
    lose_a_create(agent, clubmed, "drop_after")

    reconcile()

    assert {(e.outcome, e.evidence) for e in Entry.objects.all()} == {("unclear", "nothing")}
    assert clubmed.requests == []
    assert not JournalLine.objects.exists()
    assert "Léa Durand: Unclear" in text(agent.page("/").select_one("#notices"))


@pytest.mark.once
@pytest.mark.parametrize("url", ["/audit/unsettled/", "/saves/", "/audit/changes/{}/"])
def test_a_page_that_shows_it_needs_no_timer(clubmed, supervisor, url):
    lose_a_create(supervisor, clubmed, "drop_after")

    page = text(supervisor.page(url.format(JournalLine.objects.get().pk)))

    assert "Unclear" in page
    assert Change.objects.get().outcome == "unclear"


def test_an_answered_create_whose_record_failed_needs_no_search(agent, clubmed):
    """Its number came with the 201, so it was created."""
    lose_a_create(agent, clubmed, "drop_after")
    number = next(n for n, one in clubmed.customers.items() if one.get("last_name") == "DURAND")
    line = JournalLine.objects.get()
    values, act = line.values, line.act()
    line.customer_id = number
    line.encrypt(values, act)
    line.save()

    reconcile()

    assert {e.customer_id for e in Entry.objects.all()} == {number}
    assert set(Entry.objects.exclude(outcome="stored_as").values_list("evidence", flat=True)) == {
        "answer"
    }


def test_what_does_not_open_waits_for_its_key_and_keeps_no_others_back(
    agent, clubmed, settings, monkeypatch
):
    monkeypatch.setattr("customers.services.reconcile._AT_ONCE", 1)
    lose_the_answer(agent, clubmed, "drop_after")
    settings.AUDIT_ENCRYPTION_KEYS = OTHER_KEYS
    lose_the_answer(agent, clubmed, "drop_after", url=f"/customers/{OTHER}/fields/email/")
    JournalLine.objects.update(sent_at=timezone.now() - timedelta(days=2))
    let_the_grace_pass()
    clubmed.faults.add(Fault("status", status=403, method="GET", times=None))

    reconcile()

    assert [line.customer_id for line in JournalLine.objects.all()] == [TOM]
    assert [(e.customer_id, e.outcome) for e in Entry.objects.all()] == [(OTHER, "unclear")]


def test_what_waits_and_does_not_open_is_given_up_when_somebody_says_so(
    agent, supervisor, clubmed, settings, capsys
):
    lose_the_answer(agent, clubmed, "drop_after")
    let_the_grace_pass()
    settings.AUDIT_ENCRYPTION_KEYS = OTHER_KEYS
    reconcile()
    assert JournalLine.objects.count() == 1

    call_command("reconcile", give_up_unreadable=True)

    assert capsys.readouterr().out.startswith("Unclear now: 1. A supervisor")
    [entry] = Entry.objects.all()
    assert (entry.outcome, entry.old, entry.new) == ("unclear", Missing.NOT_KEPT, Missing.NOT_KEPT)
    page = text(supervisor.page("/audit/unsettled/"))
    assert "What was sent could not be opened here." in page
    assert log.verify()[0] == 0
    url = f"/customers/{TOM}/fields/email/"
    saved = agent.post(url, agent.form(url) | {"value": "x@example.com"}, headers=HTMX)
    assert saved.status_code == 200


@pytest.mark.once
@pytest.mark.parametrize("command", ["reconcile", "audit_stream"])
def test_a_pause_is_a_time(command):
    for seconds in ("-1", "0", "nan", "inf", "soon"):
        with pytest.raises(CommandError, match="--watch"):
            call_command(command, f"--watch={seconds}")


@pytest.mark.once
@pytest.mark.django_db(transaction=True)
def test_on_a_timer_it_settles_again_and_again_until_it_is_ended(agent, clubmed):
    name = connection.settings_dict["NAME"]
    server = os.environ["DATABASE_URL"].rpartition("/")[0]
    address = f"sqlite:///{name}" if connection.vendor == "sqlite" else f"{server}/{name}"
    environment = os.environ | {"DATABASE_URL": address, "CLUBMED_API_URL": clubmed.url}
    timer = subprocess.Popen(
        [sys.executable, "manage.py", "reconcile", "--watch", "0.1"],
        env=environment | {"DJANGO_SETTINGS_MODULE": "tests.settings"},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        for n in range(1, 3):
            lose_the_answer(agent, clubmed, "drop_after", f"{n}@example.com")
            let_the_grace_pass()
            wait_until(lambda: not JournalLine.objects.exists())
            assert Entry.objects.filter(outcome="applied").count() == n
    finally:
        timer.send_signal(signal.SIGTERM)
        _, said = timer.communicate(timeout=PATIENCE)
        print(said)  # where it did not settle, this says why
    assert timer.returncode == -signal.SIGTERM
    assert "Traceback" not in said
