"""A change that got no answer is settled from the profile, once nobody can be working on it."""

from datetime import timedelta

import pytest

from customers.clubmed.sandbox import Fault
from customers.models import Entry, JournalLine
from tests.conftest import HTMX, TOM, soup, text

URL = f"/customers/{TOM}/fields/email/"


def lose_the_answer(person, clubmed, kind):
    """Save an e-mail whose answer never comes; returns where the page looks again."""
    clubmed.faults.add(Fault(kind, method="PATCH"))
    answer = person.post(URL, person.form(URL) | {"value": "new@example.com"}, headers=HTMX)
    return soup(answer).select_one(".field")["hx-get"]


def let_the_grace_pass():
    line = JournalLine.objects.get()
    line.deadline -= timedelta(hours=1)
    line.save()


@pytest.mark.parametrize(
    ("kind", "outcome", "words"),
    [
        ("drop_after", "applied", "Saved"),
        ("drop_before", "not_applied", "Not stored. Club Med still holds “tom@example.com”."),
    ],
)
def test_the_next_look_settles_it(agent, clubmed, kind, outcome, words):
    look = lose_the_answer(agent, clubmed, kind)
    let_the_grace_pass()

    page = agent.page(look, headers=HTMX)

    assert words in text(page.select_one("#email"))
    entry = Entry.objects.get()
    assert (entry.outcome, entry.old, entry.new) == (outcome, "tom@example.com", "new@example.com")
    assert not JournalLine.objects.exists()


def test_a_third_value_is_unclear(agent, clubmed):
    look = lose_the_answer(agent, clubmed, "drop_before")
    clubmed.customers[TOM]["email"] = "third@example.com"
    let_the_grace_pass()

    page = agent.page(look, headers=HTMX)

    assert "Unclear. Club Med now holds “third@example.com”" in text(page)
    assert Entry.objects.get().outcome == "unclear"


@pytest.mark.parametrize("kind", ["drop_after", "drop_before"])
def test_before_the_grace_has_passed_nobody_settles_it(agent, other_agent, clubmed, settings, kind):
    settings.JOURNAL_GRACE = 3600
    look = lose_the_answer(agent, clubmed, kind)

    page = agent.page(look, headers=HTMX)
    other_agent.get(f"/customers/{TOM}/")

    assert "We do not know yet" in text(page)
    assert JournalLine.objects.exists()
    assert not Entry.objects.exists()


def test_the_profile_says_that_somebody_waits_for_an_answer(agent, other_agent, clubmed):
    lose_the_answer(agent, clubmed, "drop_before")

    page = other_agent.page(f"/customers/{TOM}/")

    notice = text(page.select_one(".record-head .notice"))
    assert "Inès Moreau is saving e-mail" in notice
    assert "It will not be sent twice" in notice


def test_a_normalised_value_counts_as_applied(agent, clubmed):
    url = f"/customers/{TOM}/fields/first_name/"
    clubmed.faults.add(Fault("drop_after", method="PATCH"))
    agent.post(url, agent.form(url) | {"value": "Thomás"}, headers=HTMX)
    let_the_grace_pass()

    agent.get(f"/customers/{TOM}/")

    assert clubmed.customers[TOM]["first_name"] == "THOMAS"
    assert Entry.objects.get().outcome == "applied"


@pytest.mark.parametrize(
    ("field", "old", "new"),
    [
        ("unicode_first_name", "パパ", "ババ"),  # the marks of kana make another word
        ("email", "tom@example.com", "Tom@Example.com"),  # only the letter can tell
    ],
)
def test_what_was_not_stored_is_never_taken_for_applied(agent, clubmed, field, old, new):
    clubmed.customers[TOM][field] = old
    url = f"/customers/{TOM}/fields/{field}/"
    clubmed.faults.add(Fault("drop_before", method="PATCH"))
    agent.post(url, agent.form(url) | {"value": new}, headers=HTMX)
    let_the_grace_pass()

    agent.get(f"/customers/{TOM}/")

    assert clubmed.customers[TOM][field] == old
    assert Entry.objects.get().outcome == "not_applied"


def test_a_change_is_not_told_under_another_customers_address(agent, clubmed):
    look = lose_the_answer(agent, clubmed, "drop_after")
    let_the_grace_pass()
    agent.get(f"/customers/{TOM}/")

    page = agent.page(look.replace(TOM, "704118236"), headers=HTMX)

    assert "new@example.com" not in text(page)


def test_when_the_look_after_a_save_fails_nobody_is_told_that_nothing_was_sent(agent, clubmed):
    answer = agent.post(URL, agent.form(URL) | {"value": "new@example.com"}, headers=HTMX)
    clubmed.faults.add(Fault("status", method="GET", status=503))

    look = agent.get(soup(answer).select_one(".field")["hx-get"], headers=HTMX)

    assert look.status_code == 503
    assert "This could not be read now." in text(soup(look))
    assert "Nothing was sent" not in text(soup(look))
