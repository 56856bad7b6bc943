"""A change that got no answer is settled from the profile (docs/audit.md, sections 1 and 2)."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from crmadmin.sandbox import Fault
from customers.audit.models import Change, ChangedField, Entry, JournalLine
from customers.services.change import change_profile
from customers.services.outcomes import Refused
from customers.services.read import read_profile
from tests import acts, log
from tests.acts import history, let_the_grace_pass, lose_the_answer
from tests.conftest import AGENT, HTMX, SUPERVISOR, TOM, sent, signed_in, soup, text
from tests.people import actor, token_over

URL = f"/customers/{TOM}/fields/email/"
PROFILE = f"/customers/{TOM}/"
OTHER = "704118236"


def save(person, value="new@example.com", url=URL):
    return person.post(url, person.form(url) | {"value": value}, headers=HTMX)


@pytest.mark.parametrize(
    ("kind", "third", "outcome", "words"),
    [
        ("drop_after", {}, "applied", "Saved"),
        ("drop_before", {}, "not_seen", "Not stored. Club Med still holds “tom@example.com”."),
        ("drop_before", {"email": "third@example.com"}, "unclear", "Unclear. Club Med now holds “"),
    ],
)
def test_the_next_look_settles_it(agent, clubmed, kind, third, outcome, words):
    look = lose_the_answer(agent, clubmed, kind)
    clubmed.customers[TOM].update(third)
    let_the_grace_pass()

    page = agent.page(look, headers=HTMX)

    assert words in text(page.select_one("#email"))
    entry = Entry.objects.get()
    assert (entry.outcome, entry.evidence) == (outcome, "read")
    assert (entry.old, entry.new) == ("tom@example.com", "new@example.com")
    assert entry.found == clubmed.customers[TOM]["email"]
    assert not JournalLine.objects.exists()
    assert agent.page("/").select_one("#notices .notice") is None, "it was told in its place"
    assert "new@example.com" not in text(agent.page(look.replace(TOM, OTHER), headers=HTMX))


@pytest.mark.parametrize("kind", ["drop_after", "drop_before"])
def test_before_the_grace_has_passed_nobody_settles_it(agent, other_agent, clubmed, settings, kind):
    settings.JOURNAL_GRACE = 3600
    look = lose_the_answer(agent, clubmed, kind)

    theirs = text(other_agent.page(PROFILE).select_one(".record-head .notice"))

    assert "Inès Moreau is saving E-mail" in theirs
    assert "It will not be sent again" in theirs
    assert "We do not know yet" in text(agent.page(look, headers=HTMX))
    assert JournalLine.objects.exists()
    assert not Entry.objects.exists()


@pytest.mark.once
@pytest.mark.parametrize(
    ("field", "old", "new", "kind", "stored", "outcome"),
    [
        ("first_name", "Tom", "Thomás", "drop_after", "THOMAS", "applied"),
        # The marks of kana make another word; of capitals alone only the letter can tell.
        ("unicode_first_name", "パパ", "ババ", "drop_before", "パパ", "not_seen"),
        ("first_name", "Tom", "TOM", "drop_before", "Tom", "not_seen"),
    ],
)
def test_a_normalised_value_counts_as_applied_and_another_one_never_does(
    agent, clubmed, field, old, new, kind, stored, outcome
):
    clubmed.customers[TOM][field] = old
    lose_the_answer(agent, clubmed, kind, new, f"/customers/{TOM}/fields/{field}/")
    let_the_grace_pass()

    agent.get(PROFILE)

    assert clubmed.customers[TOM][field] == stored
    entry = Entry.objects.get()
    assert (entry.outcome, entry.new, entry.found) == (outcome, new, stored)


def test_the_next_save_settles_it_from_the_profile_it_reads_anyway(agent, clubmed):
    lose_the_answer(agent, clubmed, "drop_after")
    url = f"/customers/{TOM}/fields/birth_city/"
    form = agent.form(url) | {"value": "Lyon"}
    let_the_grace_pass()
    clubmed.requests.clear()

    answer = agent.post(url, form, headers=HTMX)

    assert "saved." in text(soup(answer)).lower()
    assert [r.method for r in clubmed.requests] == ["GET", "PATCH"]
    assert history() == [("email", "applied", "read"), ("birth_city", "applied", "answer")]


def test_when_the_look_after_a_save_fails_nobody_is_told_that_nothing_was_sent(agent, clubmed):
    answer = save(agent)
    clubmed.faults.add(Fault("status", method="GET", status=503, times=None))

    look = agent.get(soup(answer).select_one(".field")["hx-get"], headers=HTMX)

    assert look.status_code == 503
    assert "This could not be read." in text(soup(look))
    assert "Nothing was sent" not in text(soup(look))


def not_seen(agent, clubmed):
    lose_the_answer(agent, clubmed, "drop_before")
    let_the_grace_pass()
    agent.get(PROFILE)


def test_what_appears_late_is_corrected_by_a_further_entry(agent, clubmed):
    not_seen(agent, clubmed)
    clubmed.customers[TOM]["email"] = "new@example.com"

    agent.get(PROFILE)
    agent.get(PROFILE)

    assert history() == [("email", "not_seen", "read"), ("email", "applied", "read")]
    assert Change.objects.get().outcome == "applied"


def test_a_second_try_on_its_way_is_no_proof_of_the_first(agent, clubmed):
    not_seen(agent, clubmed)
    lose_the_answer(agent, clubmed, "drop_after")  # the same value, landed and not answered yet

    agent.get(PROFILE)
    assert history() == [("email", "not_seen", "read")]
    let_the_grace_pass()
    for _ in range(2):
        agent.get(PROFILE)

    assert history() == [("email", "not_seen", "read"), ("email", "applied", "read")]
    first = Entry.objects.last()
    assert Change.objects.get(pk=first.change_id).outcome == "not_seen"


def test_what_appears_late_is_applied_although_a_later_change_could_make_nothing_of_it(
    agent, clubmed
):
    not_seen(agent, clubmed)
    lose_the_answer(agent, clubmed, "drop_before", "other@example.com")
    clubmed.customers[TOM]["email"] = "new@example.com"
    let_the_grace_pass()

    for _ in range(3):
        agent.get(PROFILE)

    outcomes = [(entry.new, entry.outcome) for entry in Entry.objects.order_by("seq")]
    assert outcomes == [
        ("new@example.com", "not_seen"),
        ("other@example.com", "unclear"),
        ("new@example.com", "applied"),
    ]


def test_after_a_day_it_is_no_longer_watched(agent, clubmed):
    not_seen(agent, clubmed)
    Change.objects.update(recorded_at=timezone.now() - timedelta(days=1, minutes=1))
    agent.get(PROFILE)
    assert Change.objects.get().read_again_at is None
    clubmed.customers[TOM]["email"] = "new@example.com"

    agent.get(PROFILE)

    assert history()[1:] == [("email", "applied", "read")]
    assert Entry.objects.last().action == "change"
    assert Entry.objects.first().action == "elsewhere"


@pytest.mark.once
def test_what_became_of_a_second_sending_is_not_told_by_the_first(agent, clubmed):
    form = agent.form(URL) | {"value": "new@example.com"}
    clubmed.faults.add(Fault("redirect", method="PATCH"))
    agent.post(URL, form, headers=HTMX)
    assert history() == [("email", "not_applied", "answer")]
    clubmed.faults.add(Fault("drop_after", method="PATCH"))
    look = soup(agent.post(URL, form, headers=HTMX)).select_one(".field")["hx-get"]

    page = agent.page(look, headers=HTMX)
    seen = signed_in(SUPERVISOR).page(f"/audit/changes/{Change.objects.get().pk}/")
    let_the_grace_pass()
    settled = agent.page(look, headers=HTMX)

    assert "We do not know yet" in text(page)
    assert text(seen.select_one("h1 .badge")) == "Waiting"
    assert "Saved" in text(settled)


def test_a_form_that_was_not_seen_applied_is_not_sent_again(agent, clubmed):
    form = agent.form(URL) | {"value": "new@example.com"}
    clubmed.faults.add(Fault("drop_before", method="PATCH"))
    agent.post(URL, form, headers=HTMX)
    let_the_grace_pass()
    agent.get(PROFILE)

    again = agent.post(URL, form, headers=HTMX)

    assert "We do not know yet" in text(soup(again))
    assert len(sent(clubmed, "PATCH")) == 1


@pytest.mark.once
@pytest.mark.django_db
def test_a_field_that_was_refused_and_not_sent_again_does_not_count(clubmed):
    form = token_over(email="tom@example.com", first_name="Tom")

    def send(request_id, **typed):
        change_profile(TOM, typed, token=form, actor=actor(AGENT), request_id=request_id)

    clubmed.faults.add(Fault("status", method="PATCH", status=400))
    with pytest.raises(Refused):
        send("first", email="new@example.com", first_name="Thomás")
    send("second", first_name="Thomás")

    read_profile(TOM, actor=actor(AGENT))

    assert history()[2:] == [
        ("first_name", "applied", "answer"),
        ("first_name", "stored_as", "read"),
    ]
    assert Change.objects.get().outcome == "applied"


@pytest.mark.once
def test_how_club_med_writes_it_is_recorded_by_the_look_after_the_save(agent, clubmed):
    answer = save(agent, "Thomás", f"/customers/{TOM}/fields/first_name/")

    page = agent.page(soup(answer).select_one(".field")["hx-get"], headers=HTMX)
    agent.get(PROFILE)

    assert "You typed “Thomás”; Club Med stored “THOMAS”" in text(page)
    assert history() == [("first_name", "applied", "answer"), ("first_name", "stored_as", "read")]
    assert Entry.objects.first().found == "THOMAS"
    assert Change.objects.get().outcome == "applied"
    assert Change.objects.get().read_again_at is None


def test_a_read_that_still_shows_the_old_value_is_no_difference(agent, clubmed):
    """Once it shows the new one to the letter, no further entry is needed."""
    look = soup(save(agent)).select_one(".field")["hx-get"]
    clubmed.customers[TOM]["email"] = "tom@example.com"  # a replica that lags behind
    early = agent.page(look, headers=HTMX).select_one(".was-saved")
    assert text(early).startswith("Saved. Club Med does not show it yet")
    assert not early.select("form"), "an undo would find the old value there"
    assert history() == [("email", "applied", "answer")]
    assert Change.objects.get().read_again_at > timezone.now()
    clubmed.customers[TOM]["email"] = "new@example.com"

    agent.page(look, headers=HTMX)

    assert history() == [("email", "applied", "answer")]
    assert Change.objects.get().read_again_at is None


def test_what_was_changed_elsewhere_is_recorded_once(agent, supervisor, clubmed):
    answer = save(agent)
    agent.page(soup(answer).select_one(".field")["hx-get"], headers=HTMX)
    clubmed.customers[TOM]["email"] = "other@example.com"
    clubmed.customers[TOM]["birth_city"] = "Lyon"  # never changed here, so nobody can know

    agent.get(PROFILE)
    agent.get(PROFILE)

    assert Entry.objects.count() == 2
    entry = Entry.objects.first()
    assert (entry.action, entry.old, entry.new) == (
        "elsewhere",
        "new@example.com",
        "other@example.com",
    )
    assert (entry.actor_sub, entry.actor_name) == ("", "Outside this desk")
    row = text(supervisor.page("/audit/").select_one("tbody.change"))
    assert "Outside this desk" in row
    assert "Changed elsewhere, noticed when opened." in row


@pytest.mark.once
def test_a_look_that_finds_one_field_written_otherwise_has_seen_the_others_too(agent, clubmed):
    group = f"/customers/{TOM}/groups/identity/"
    acts.save(agent, group, first_name="Thomás", birth_city="Lyon")
    agent.get(PROFILE)
    clubmed.customers[TOM]["birth_city"] = "Nice"

    agent.get(PROFILE)

    assert history()[2:] == [
        ("first_name", "stored_as", "read"),
        ("birth_city", "applied", "read"),
    ]
    assert (Entry.objects.first().action, Entry.objects.first().old) == ("elsewhere", "Lyon")
    assert not Change.objects.exclude(read_again_at=None).exists()


@pytest.mark.once
@pytest.mark.parametrize("befalls", ["written alike", "on its way"])
@pytest.mark.parametrize("is_confirmed", [True, False])
def test_what_is_the_same_to_a_person_or_on_its_way_is_neither_changed_elsewhere_nor_stored_as(
    agent, clubmed, befalls, is_confirmed
):
    save(agent)
    if is_confirmed:
        agent.get(PROFILE)
    if befalls == "on its way":
        lose_the_answer(agent, clubmed, "drop_after", "newer@example.com")
    elif is_confirmed:
        clubmed.customers[TOM]["email"] = "NEW@EXAMPLE.COM"

    agent.get(PROFILE)

    assert history() == [("email", "applied", "answer")]


def test_a_settled_save_is_told_its_author_on_every_page_until_it_was_looked_at(
    agent, other_agent, clubmed
):
    lose_the_answer(agent, clubmed, "drop_after")
    assert "Inès Moreau" in text(agent.page("/saves/").select_one("table.log"))
    assert "Everything is settled" in text(other_agent.page("/saves/"))
    let_the_grace_pass()
    signed_in(SUPERVISOR).get(PROFILE)

    for _ in range(2):
        notice = text(agent.page("/").select_one("#notices"))
        assert "Update on an unanswered save. E-mail of Tom Smith: Applied." in notice
    assert other_agent.page("/").select_one("#notices .notice") is None
    page = agent.page("/saves/")

    assert "Settled since you last looked" in text(page)
    assert "No answer, but the profile holds it." in text(page)
    assert "Everything is settled" in text(page)
    assert agent.page("/").select_one("#notices .notice") is None


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite's clock is the machine's")
@pytest.mark.parametrize("hours", [-2, 2])
def test_the_databases_clock_says_when_a_line_may_be_settled(
    agent, clubmed, monkeypatch, settings, hours
):
    """A worker whose clock is wrong neither makes a line overdue nor keeps it so."""
    settings.SESSION_IDLE_MINUTES = 24 * 60  # nobody is signed out by it
    wrong = timezone.now() + timedelta(hours=hours)
    with monkeypatch.context() as patch:
        patch.setattr(timezone, "now", lambda: wrong)
        lose_the_answer(agent, clubmed, "drop_after")
        agent.get(PROFILE)
    line = JournalLine.objects.get()
    assert abs(line.sent_at - timezone.now()) < timedelta(minutes=10)
    let_the_grace_pass()

    with monkeypatch.context() as patch:
        patch.setattr(timezone, "now", lambda: wrong)
        agent.get(PROFILE)

    assert history()[0] == ("email", "applied", "read")


@pytest.mark.parametrize("lost", [False, True], ids=["rows there", "rows lost"])
def test_lists_made_anew_still_tell_the_author_and_ask_club_med_again(agent, clubmed, lost):
    lose_the_answer(agent, clubmed, "drop_before")
    let_the_grace_pass()
    signed_in(SUPERVISOR).get(PROFILE)
    Change.objects.update(unseen_by_author=True)
    before = list(Change.objects.values())
    if lost:
        Change.objects.all().delete()
        ChangedField.objects.all().delete()

    log.rebuild()

    assert list(Change.objects.values()) == before
    [field] = ChangedField.objects.all()
    assert (field.field, field.outcome) == ("email", "not_seen")
