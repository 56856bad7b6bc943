"""Forgetting a customer: the values are erased, that they were changed stays, and a restored backup
does not bring them back."""

import io
import json
import os
import stat
from contextlib import contextmanager
from datetime import timedelta
from unittest import mock
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, transaction
from django.utils import timezone

from crmadmin.sandbox import Fault
from customers.audit import erasure, reading
from customers.audit.actions import Evidence, Outcome
from customers.audit.entries import FieldOutcome
from customers.audit.models import Change, Entry, JournalLine, Missing, VaultItem
from customers.services.decide import settle_change
from customers.services.reconcile import reconcile
from tests import log
from tests.acts import (
    EMAIL,
    NEW,
    change,
    create,
    forget,
    let_the_grace_pass,
    lose_the_answer,
    out_of_reach,
    sign_in_again,
)
from tests.conftest import HTMX, SUPERVISOR, TOM, sent, soup, text
from tests.people import actor

pytestmark = pytest.mark.django_db
URL = f"/customers/{TOM}/forget/"
HISTORY = f"/customers/{TOM}/history/"
FIRST_NAME = f"/customers/{TOM}/fields/first_name/"
OTHER = "555"
OTHER_KEYS = (b"another-key-of-exactly-32-bytes-",)
ERASED = (Missing.ERASED, Missing.ERASED)


@pytest.fixture(autouse=True)
def tombstones(tmp_path, settings):
    settings.AUDIT_TOMBSTONES = str(tmp_path / "tombstones.ndjson")
    return tmp_path / "tombstones.ndjson"


@pytest.fixture
def overdue(agent, clubmed):
    """A change of the e-mail that landed, without an answer, and that nobody works on any more."""
    lose_the_answer(agent, clubmed, "drop_after")
    let_the_grace_pass()


def replay():
    said = io.StringIO()
    call_command("forget_customer", "--replay", stdout=said)
    return said.getvalue()


def replay_is_not_done():
    with pytest.raises(CommandError, match="1 could not be done: run it again"):
        replay()
    return True


def ask(person, **typed):
    return person.post(URL, person.form(URL) | {"reason": "By letter", "customer_id": TOM} | typed)


@contextmanager
def before_a_restored_backup():
    """What is done here is taken back from the database: the backup is of before."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def forget_before_a_restored_backup(*customers):
    with before_a_restored_backup():
        for customer_id in customers or (TOM,):
            forget(customer_id)


def values():
    return [(entry.old, entry.new) for entry in Entry.objects.filter(action="change")]


def applied(customer_id, value="later still"):
    log.append(FieldOutcome("email", "later", value, Outcome.APPLIED), customer_id=customer_id)


def created(customer_id, change_id=None, outcome=Outcome.APPLIED):
    """One entry of a create."""
    lea = FieldOutcome("email", None, "lea@example.com", outcome)
    log.append(lea, action="create", customer_id=customer_id, change_id=change_id)


def is_whole():
    status, words = log.verify()
    assert status == 0, words
    return True


def test_a_forgotten_customers_pages_read_erased_and_keep_the_timeline(supervisor, agent, clubmed):
    change(agent, "first@example.com")
    change(agent, "second@example.com")
    assert supervisor.page(HISTORY).select_one(f'a[href="{URL}"]')
    asked = text(supervisor.page(URL))
    assert "This cannot be undone" in asked
    assert "every old and new value" in asked
    assert "which one, when and by whom" in asked

    answer = ask(supervisor, reason="By letter of 12 March")

    assert answer["Location"] == HISTORY
    entry = Entry.objects.first()
    assert (entry.action, entry.customer_id, entry.field) == ("forgotten", TOM, "values")
    assert (entry.actor_name, entry.customer_label) == ("Sana El Idrissi", "")
    assert json.loads(entry.detail) == {"up_to": 2}
    page = text(supervisor.page(HISTORY))
    assert "Forgotten: the values of 2 entries are erased." in page
    assert "Customer forgotten" in page
    assert page.count("erased → erased") == 2
    assert page.count("Inès Moreau") == 2
    assert "example.com" not in page
    assert "By letter of 12 March" in page
    for path in ("/audit/", f"{EMAIL}history/"):
        assert "erased → erased" in text(supervisor.page(path))
    for made in Change.objects.all():
        seen = text(supervisor.page(f"/audit/changes/{made.pk}/"))
        assert "example.com" not in seen
        assert "Tom Smith" not in seen
    assert is_whole()


@pytest.mark.once
def test_no_sentence_takes_what_is_erased_for_a_value(supervisor, agent, clubmed):
    log.append(
        FieldOutcome("email", "a", "b", Outcome.APPLIED),
        FieldOutcome("email", "a", "b", Outcome.STORED_AS, Evidence.READ, "B"),
        FieldOutcome("last_name", "a", "b", Outcome.UNCLEAR, Evidence.READ, "c"),
        FieldOutcome("last_name", "a", "b", Outcome.NOT_APPLIED, Evidence.PERSON),
        customer_id=TOM,
    )
    assert "name in the log: Béatriz 北" in text(supervisor.page(URL))

    ask(supervisor)

    change, act = Entry.objects.earliest("seq"), Entry.objects.latest("seq")
    page = supervisor.page(f"/audit/changes/{change.change_id}/")
    assert page.title.get_text() == f"Change to Customer {TOM} · Customer desk"
    assert text(page.h1) == f"E-mail and last name of Customer {TOM}"
    assert f"Customer {TOM} name erased" in text(page)
    assert "Club Med stored a value that is erased." in text(page)
    assert "the profile then held a value that is erased." in text(page)
    assert "Inès “I” Moreau: a reason that is erased" in text(page)
    page = supervisor.page(f"/audit/changes/{act.change_id}/")
    assert page.title.get_text() == "Customer forgotten · Customer desk"
    assert text(page.h1) == f"Customer forgotten: {TOM}"
    assert "This customer’s values erased, up to entry 4" in text(page)
    assert "Applied" not in text(page)


@pytest.mark.once
@pytest.mark.parametrize(
    ("typed", "word"),
    [
        ({"reason": ""}, "Give a reason: it is recorded."),
        ({"customer_id": ""}, "Required."),
        ({"customer_id": OTHER}, "This is not the number of this customer: check it."),
    ],
)
def test_the_form_stays_in_its_place_until_number_and_reason_are_typed(
    supervisor, agent, typed, word
):
    change(agent, "first@example.com")
    right = supervisor.form(URL) | {"reason": "By letter", "customer_id": TOM}

    answer = supervisor.post(URL, right | typed, headers=HTMX)

    assert answer.status_code == 422
    assert soup(answer).find(recursive=False)["id"] == "forget"
    assert word in text(soup(answer))
    assert soup(answer).select_one("[name=reason]").get("value", "") == (right | typed)["reason"]
    assert values() == [("tom@example.com", "first@example.com")]
    assert supervisor.post(URL, right, headers=HTMX)["HX-Redirect"] == HISTORY
    assert values() == [ERASED]


@pytest.mark.once
def test_a_form_that_met_a_dead_session_is_given_back_to_its_person(supervisor):
    form = supervisor.form(URL) | {"reason": "By letter", "customer_id": TOM}
    supervisor.session.flush()

    answer = supervisor.post(URL, form)

    assert answer.status_code == 401
    assert "By letter" in text(soup(answer))
    page = sign_in_again(supervisor, SUPERVISOR).page(URL)
    assert page.select_one("[name=reason]")["value"] == "By letter"


@pytest.mark.django_db(transaction=True)
def test_where_the_database_fails_it_says_that_nothing_was_erased(supervisor):
    form = supervisor.form(URL) | {"reason": "By letter", "customer_id": TOM}
    with out_of_reach("customers_claim"):
        answer = supervisor.post(URL, form)

    assert answer.status_code == 503
    assert "Nothing was erased. Try again in a moment." in text(soup(answer))
    assert soup(answer).select_one("[name=reason]")["value"] == "By letter"


def test_a_change_on_its_way_is_waited_for(supervisor, agent, clubmed):
    lose_the_answer(agent, clubmed, "drop_after")

    answer = ask(supervisor)

    assert answer.status_code == 409
    assert "Inès Moreau is changing this customer right now." in text(soup(answer))
    assert soup(answer).select_one("#id_reason")["value"] == "By letter"
    assert JournalLine.objects.get().new_values == {"email": "new@example.com"}


@pytest.mark.parametrize(
    ("is_there", "outcome"), [(True, "applied"), (False, "unclear")], ids=["known", "unknown"]
)
def test_a_change_that_nobody_works_on_any_more_is_settled_first(
    supervisor, clubmed, overdue, is_there, outcome
):
    if not is_there:
        del clubmed.customers[TOM]

    assert ask(supervisor).status_code == 302

    assert [(e.outcome, e.action) for e in Entry.objects.order_by("seq")] == [
        (outcome, "change"),
        ("applied", "forgotten"),
    ]
    assert values() == [ERASED]
    assert not JournalLine.objects.exists()


def test_an_open_change_that_does_not_open_is_given_up_only_where_all_can_be_erased(
    overdue, settings, tmp_path, tombstones
):
    """All or nothing: the key that it lacks may be there tomorrow."""
    keys = settings.AUDIT_ENCRYPTION_KEYS
    settings.AUDIT_ENCRYPTION_KEYS, settings.AUDIT_TOMBSTONES = OTHER_KEYS, str(tmp_path)
    with pytest.raises(CommandError, match="Nothing was erased"):
        forget()
    settings.AUDIT_ENCRYPTION_KEYS = keys
    assert JournalLine.objects.get().new_values == {"email": "new@example.com"}
    assert not Entry.objects.exists()
    settings.AUDIT_ENCRYPTION_KEYS, settings.AUDIT_TOMBSTONES = OTHER_KEYS, str(tombstones)

    forget()

    assert not JournalLine.objects.exists()
    assert [entry.outcome for entry in Entry.objects.filter(action="change")] == ["unclear"]
    assert is_whole()


@pytest.mark.once
@pytest.mark.parametrize(("status", "answered"), [(400, 502), (403, 403), (429, 503), (503, 503)])
def test_a_change_that_club_med_may_tell_of_later_stands_in_the_way(
    supervisor, clubmed, overdue, status, answered
):
    clubmed.faults.add(Fault("status", status=status, method="GET", times=None))

    answer = ask(supervisor)
    with pytest.raises(CommandError, match="Nothing was erased: Club Med does not say what came"):
        forget()

    assert answer.status_code == answered
    assert status != 503 or "Club Med does not answer." in text(soup(answer))
    assert JournalLine.objects.exists()
    assert not Entry.objects.exists()


def test_afterwards_the_customer_is_handled_as_ever(supervisor, agent, clubmed):
    """A form from before is not sent again, and nothing seems to have been changed elsewhere."""
    form = agent.form(EMAIL) | {"value": "first@example.com"}
    agent.post(EMAIL, form, headers=HTMX)
    clubmed.requests.clear()
    ask(supervisor)
    assert clubmed.requests == []
    clubmed.customers[TOM]["email"] = "other@example.com"

    assert agent.post(EMAIL, form, headers=HTMX).status_code == 409
    assert "values in the log" not in text(agent.page(f"/customers/{TOM}/"))
    assert values() == [ERASED]
    assert sent(clubmed, "PATCH") == []
    assert not Entry.objects.filter(action="elsewhere").exists()
    change(agent, "second@example.com")

    assert values() == [("other@example.com", "second@example.com"), ERASED]
    assert is_whole()


def test_the_command_erases_that_customers_values_alone_and_names_them_in_a_list(tombstones):
    log.fill()
    others = {e.pk: e.new for e in Entry.objects.exclude(customer_id="100")}

    assert forget("100", reason="Letter of 12 March") == (
        "Customer 100: the values of 3 entries are erased.\n"
        f"Named in {tombstones}: keep it apart from the database.\n"
    )

    assert Entry.objects.first().actor_name == "Command line"
    held = Entry.objects.filter(action="change")
    assert {e.pk: e.new for e in held.exclude(customer_id="100")} == others
    assert {e.new for e in held.filter(customer_id="100")} == {Missing.ERASED}
    assert is_whole()
    assert stat.S_IMODE(tombstones.stat().st_mode) == 0o600
    [line] = tombstones.read_text().splitlines()
    assert json.loads(line)["customer_id"] == "100"
    assert set(json.loads(line)) == {
        *("customer_id", "change_id", "at", "creates"),
        *("actor_issuer", "actor_sub", "actor_name", "key_id", "signature"),
    }
    assert forget("100").startswith("The log held no values of customer 100: is that the number?\n")


@pytest.mark.once
@pytest.mark.parametrize(
    ("arguments", "options", "word"),
    [
        ([], {}, "Name the customer and say why"),
        (["100"], {"reason": " "}, "Name the customer and say why"),
        (["0100"], {"reason": "x"}, "digits only"),
        (["100"], {"replay": "x"}, "--replay takes neither"),
        ([], {"replay": "nowhere"}, "nowhere cannot be read: No such file"),
    ],
)
def test_what_the_command_lacks_is_said(arguments, options, word):
    with pytest.raises(CommandError, match=word):
        call_command("forget_customer", *arguments, **options)


@pytest.mark.parametrize(
    ("numbers", "forgotten"),
    [(("", "777"), "777"), ((OTHER, "777"), OTHER), ((OTHER, "777"), "777")],
    ids=["none before", "another by mistake", "the right one"],
)
def test_of_a_create_all_is_erased_whatever_number_it_had(tmp_path, numbers, forgotten):
    change_id = uuid4()
    for customer_id in numbers:
        created(customer_id, change_id)

    forget(forgotten)

    assert {e.new for e in Entry.objects.filter(action="create")} == {Missing.ERASED}
    detail = json.loads(Entry.objects.first().detail)
    assert detail == {"up_to": 2, "also": [1 + (forgotten == numbers[0])]}
    statuses, *said = log.both(tmp_path)
    assert statuses == (0, 0), said


@pytest.mark.once
@pytest.mark.parametrize("before", ["", "whole\n", None], ids=["new", "old", "a folder"])
def test_a_list_that_cannot_be_written_stays_as_it_is_and_nothing_is_erased(
    tombstones, monkeypatch, before
):
    log.fill()
    if before is None:
        tombstones.mkdir()
    else:
        tombstones.write_text(before)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", mock.Mock(side_effect=OSError(28, "No space left on device")))
        with pytest.raises(CommandError, match=r"Nothing was erased: .* cannot be written"):
            forget("100")

    assert before is None or tombstones.read_text() == before
    assert not Entry.objects.filter(action="forgotten").exists()
    assert Entry.objects.filter(customer_id="100").first().new not in list(Missing)


@pytest.mark.parametrize("number", ["", "777"], ids=["before it had its number", "with it"])
def test_a_value_put_back_after_its_customer_was_forgotten_is_found(number):
    change_id = uuid4()
    created(number, change_id, Outcome.UNCLEAR)
    created("777", change_id)
    kept = VaultItem.objects.get(pk=1)
    forget("777")
    assert is_whole()

    kept.save(force_insert=True)

    assert "entry 1: its values are there, although its customer was forgotten" in log.verify()[1]


@pytest.mark.parametrize("seq", [2, 10], ids=["another customer's", "why they were forgotten"])
def test_an_entry_that_says_so_excuses_no_other_value(seq):
    log.fill()
    forget("100")
    forget("100")
    VaultItem.objects.filter(pk=seq).delete()

    status, words = log.verify()

    assert status == 1
    assert words.startswith(f"entry {seq}: its values are missing, and no entry says")


def test_a_number_that_came_after_the_forgetting_excuses_no_missing_value():
    change_id = uuid4()
    created("", change_id, Outcome.UNCLEAR)
    forget("777")
    created("777", change_id)
    VaultItem.objects.filter(pk=1).delete()

    assert log.verify()[1].startswith("entry 1: its values are missing, and no entry says")


def test_a_replay_forgets_again_what_was_there_then_and_nothing_that_came_later():
    log.fill()
    forget_before_a_restored_backup("100")
    applied("100")

    said = replay()

    assert said == (
        "1 tombstone; 1 customer forgotten again: the values of 3 entries are erased.\n"
    )
    theirs = Entry.objects.filter(action="change", customer_id="100").order_by("seq")
    assert [str(entry.new) for entry in theirs] == ["erased"] * 3 + ["later still"]
    assert Entry.objects.first().reason.startswith("Forgotten on 20")
    watched = Change.objects.filter(customer_id="100", read_again_at__isnull=False)
    assert [one.entries[0].new for one in reading.with_entries(watched)] == ["later still"]
    assert is_whole()
    count = Entry.objects.count()
    assert replay().endswith("; nobody had to be forgotten again.\n")
    assert Entry.objects.count() == count


@pytest.mark.once
@pytest.mark.parametrize(
    ("signed", "said"),
    [
        *(
            (None, line)
            for line in ("oops", "[]", "{}", '{"customer_id": "102"}', '{"customer_id"', "[" * 9999)
        ),
        ('"100"', '"102"'),
        ('"creates": []', f'"creates": ["{"1" * 32}"]'),
        ('"creates": []', '"creates": [""]'),  # none, and one without a name, are signed alike
    ],
)
def test_a_line_that_we_did_not_sign_is_named_and_the_others_are_done(
    tombstones, capsys, signed, said
):
    log.fill()
    forget_before_a_restored_backup("100", "101")
    first, second = tombstones.read_text().splitlines()
    altered = first.replace(signed, said) if signed else said
    assert altered != first
    tombstones.write_text(f"{altered}\n{second}\n")

    with pytest.raises(CommandError, match="Whoever is meant by such a line was not forgotten"):
        call_command("forget_customer", "--replay")

    out, told = capsys.readouterr()
    assert out.startswith("1 tombstone; 1 customer forgotten again: the values of 3 entries")
    assert "line 1 is not signed by this product." in told
    assert "line 2" not in told
    erased = [e for e in Entry.objects.all() if e.new is Missing.ERASED]
    assert {entry.customer_id for entry in erased} == {"101"}


@pytest.mark.parametrize("how", ["twice", "by a clock that ran ahead"])
def test_a_second_replay_erases_nothing_that_came_later(monkeypatch, how):
    log.fill()
    with monkeypatch.context() as patch:
        if how != "twice":
            ahead = timezone.now() + timedelta(days=2)
            patch.setattr(timezone, "now", lambda: ahead)
        forget_before_a_restored_backup(*(["100", "100"] if how == "twice" else ["100"]))
    replay()
    applied("100")

    assert "nobody had to be" in replay()

    assert Entry.objects.first().new == "later still"


def test_a_backup_that_knew_nothing_of_them_gets_no_entry():
    with before_a_restored_backup():
        log.fill()
        forget("100")

    replay()
    log.fill()

    assert "nobody had to be" in replay()
    assert not Entry.objects.filter(action="forgotten").exists()


def gone():
    """Nothing of a customer is left, and the log says so."""
    assert not VaultItem.objects.exclude(entry__action="forgotten").exists()
    assert not JournalLine.objects.exists()
    return is_whole()


@pytest.mark.parametrize("kind", ["drop_after", "drop_before"])
@pytest.mark.parametrize("recorded", [True, False], ids=["entries too", "nothing else"])
def test_what_was_on_its_way_in_the_backup_is_settled_and_forgotten(
    agent, clubmed, tmp_path, kind, recorded
):
    if recorded:
        change(agent, "first@example.com")
    lose_the_answer(agent, clubmed, kind)
    let_the_grace_pass()
    forget_before_a_restored_backup()

    said = replay()

    assert said.startswith("1 tombstone; 1 customer forgotten again: the values of ")
    assert gone()
    assert values() == [ERASED] * (2 if recorded else 1)
    assert log.both(tmp_path)[0] == (0, 0)
    assert replay().endswith("; nobody had to be forgotten again.\n")


def test_a_replay_that_failed_is_done_by_the_next(overdue, monkeypatch, capsys):
    """Nothing of it is kept: what it had settled would be taken for what came later."""
    forget_before_a_restored_backup()
    with monkeypatch.context() as patch:
        patch.setattr(erasure, "erasure_entry", mock.Mock(side_effect=DatabaseError))
        assert replay_is_not_done()
    assert "the database fails" in capsys.readouterr().err
    assert JournalLine.objects.exists()

    replay()

    assert values() == [ERASED]
    assert gone()


def test_a_replay_waits_for_all_changes_and_records_nothing_else_that_it_sees(agent, clubmed):
    lose_the_answer(agent, clubmed, "drop_after")
    lose_the_answer(agent, clubmed, "drop_after", "Ada", FIRST_NAME)
    let_the_grace_pass()
    forget_before_a_restored_backup()
    clubmed.customers[TOM]["email"] = "other@example.com"
    theirs = JournalLine.objects.exclude(fields=["email"])
    theirs.update(deadline=timezone.now() + timedelta(hours=1))
    assert replay_is_not_done()
    assert not Entry.objects.exists()
    let_the_grace_pass()

    replay()

    assert set(values()) == {ERASED}
    assert not Entry.objects.filter(action="elsewhere").exists()
    assert gone()


@pytest.mark.once
@pytest.mark.parametrize("status", [404, 403])
def test_where_club_med_will_never_show_the_customer_it_becomes_unclear(clubmed, overdue, status):
    forget_before_a_restored_backup()
    clubmed.faults.add(Fault("status", status=status, method="GET", times=None))

    replay()

    assert [entry.outcome for entry in Entry.objects.filter(action="change")] == ["unclear"]
    assert gone()


@pytest.mark.once
@pytest.mark.parametrize(
    ("why", "words"),
    [
        ("down", "Club Med does not say what came of an open change"),
        ("under way", "a change of this customer is not settled yet"),
    ],
)
def test_while_nobody_can_know_what_came_of_a_change_a_replay_is_not_done_and_says_so(
    clubmed, overdue, capsys, why, words
):
    forget_before_a_restored_backup()
    if why == "down":
        clubmed.faults.add(Fault("status", status=503, method="GET", times=None))
    else:
        JournalLine.objects.update(deadline=timezone.now() + timedelta(hours=1))

    assert replay_is_not_done()

    assert words in capsys.readouterr().err
    assert JournalLine.objects.exists()
    assert not Entry.objects.exists()


@pytest.fixture
def lost_create(agent, clubmed):
    """The number of a customer whose create got no answer, and who was forgotten after the backup:
    a supervisor had said that this is the one."""
    before = set(clubmed.customers)
    clubmed.faults.add(Fault("drop_after", method="POST"))
    create(agent, **NEW)
    let_the_grace_pass()
    [number] = set(clubmed.customers) - before
    with before_a_restored_backup():
        reconcile()
        settle_change(
            Change.objects.get().pk,
            landed=True,
            reason="",
            actor=actor(SUPERVISOR),
            request_id="",
            customer_id=number,
        )
        forget(number)
    return number


@pytest.mark.parametrize("is_there", [True, False], ids=["known to Club Med", "gone from it"])
def test_a_create_that_was_on_its_way_in_the_backup_is_forgotten_with_its_customer(
    lost_create, clubmed, is_there
):
    if not is_there:
        del clubmed.customers[lost_create]
    JournalLine.objects.update(deadline=timezone.now() + timedelta(hours=1))
    assert replay_is_not_done(), "somebody may still work on it"
    let_the_grace_pass()

    replay()

    outcomes = {e.outcome for e in Entry.objects.filter(action="create")}
    assert outcomes == {"applied" if is_there else "unclear"}
    assert {entry.customer_id for entry in Entry.objects.all()} == {lost_create}
    assert gone()


def test_a_create_that_had_no_number_yet_in_the_backup_is_forgotten_too(tmp_path):
    change_id = uuid4()
    created("", change_id, Outcome.UNCLEAR)
    created("", outcome=Outcome.UNCLEAR)
    with before_a_restored_backup():
        created("777", change_id)
        forget("777")

    replay()

    assert [str(e.new) for e in Entry.objects.filter(action="create").order_by("seq")] == [
        "erased",
        "lea@example.com",  # the other's
    ]
    assert log.both(tmp_path)[0] == (0, 0)
