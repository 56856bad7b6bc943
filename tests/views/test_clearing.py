"""Leave, set and clear are three different acts."""

import pytest

from customers.audit.models import Entry
from customers.catalogue.fields import FIELDS
from tests.conftest import HTMX, TOM, hidden_inputs, sent, soup, text

RICH = "704118236"
PATH = f"/v1/customers/{RICH}/profile"


@pytest.mark.parametrize(
    ("field", "wire"),
    [
        ("email", None),
        ("birthdate", None),
        ("birth_city", ""),
        ("unicode_last_name", ""),
        ("language_code", ""),
        ("phones", []),
    ],
)
def test_clearing_asks_first_and_sends_what_clears_that_field(agent, clubmed, field, wire):
    url = f"/customers/{RICH}/fields/{field}/"
    page = agent.page(url, headers=HTMX)
    assert "Clear…" in text(page)

    asked = soup(agent.post(url, hidden_inputs(page) | {"act": "ask-clear"}, headers=HTMX))
    assert f"Clear? {FIELDS[field].label} will be empty at Club Med" in text(asked)
    assert "Beatriz Wang" in text(asked)
    assert sent(clubmed, "PATCH") == []

    done = agent.post(url, hidden_inputs(asked) | {"act": "clear"}, headers=HTMX)
    assert done.status_code == 200
    assert sent(clubmed, "PATCH") == [(PATH, {field: wire})]
    entry = Entry.objects.get()
    assert (entry.field, entry.new, entry.outcome) == (field, wire, "applied")
    assert clubmed.customers[RICH][field] is None


def test_what_was_typed_is_still_there_when_the_clear_is_not_wanted(agent, clubmed):
    url = f"/customers/{RICH}/fields/email/"
    typed = agent.form(url) | {"value": "half@typ"}

    asked = soup(agent.post(url, typed | {"act": "ask-clear"}, headers=HTMX))
    back = hidden_inputs(asked) | {
        "value": asked.select_one("input[name=value]")["value"],
        "act": "edit",
    }
    page = soup(agent.post(url, back, headers=HTMX))

    assert page.select_one("input[name=value]")["value"] == "half@typ"
    assert page.select_one(".error") is None
    assert sent(clubmed, "PATCH") == []


@pytest.mark.parametrize("field", ["civility", "first_name", "last_name"])
def test_a_field_that_must_not_be_empty_offers_no_clear_and_takes_none(agent, clubmed, field):
    url = f"/customers/{RICH}/fields/{field}/"
    page = agent.page(url, headers=HTMX)
    assert "Clear" not in text(page)

    answer = agent.post(url, hidden_inputs(page) | {"act": "clear"}, headers=HTMX)

    assert answer.status_code == 404
    assert sent(clubmed, "PATCH") == []


def test_an_empty_field_offers_no_clear(agent):
    assert "Clear" not in text(agent.page(f"/customers/{TOM}/fields/birth_city/", headers=HTMX))


def test_a_clear_meets_a_conflict_like_any_change(agent, clubmed):
    url = f"/customers/{RICH}/fields/email/"
    form = agent.form(url)
    clubmed.customers[RICH]["email"] = "theirs@example.com"

    answer = agent.post(url, form | {"act": "clear"}, headers=HTMX)

    page = soup(answer)
    assert answer.status_code == 409
    assert "You wanted Empty" in text(page)
    assert "Clear it all the same" in text(page)
    assert sent(clubmed, "PATCH") == []
