"""One field, edited in place."""

import pytest

from customers.models import Change, Entry, JournalLine
from tests.conftest import HTMX, TOM, hidden_inputs, sent, soup, text

URL = f"/customers/{TOM}/fields/email/"


def test_a_value_opens_without_asking_club_med_again(agent, clubmed):
    agent.get(f"/customers/{TOM}/")
    before = len(clubmed.requests)

    page = agent.page(URL, headers=HTMX)

    assert page.select_one("input[name=value]")["value"] == "tom@example.com"
    assert page.select_one("html") is None
    assert len(clubmed.requests) == before


def test_saving_sends_only_that_field_and_records_it(agent, clubmed):
    form = agent.form(URL)

    answer = agent.post(URL, form | {"value": "new@example.com"}, headers=HTMX)

    assert answer.status_code == 200
    assert "new@example.com" in text(soup(answer))
    path = f"/v1/customers/{TOM}/profile"
    assert sent(clubmed, "PATCH") == [(path, {"email": "new@example.com"})]
    entry = Entry.objects.get()
    assert (entry.field, entry.old, entry.new) == ("email", "tom@example.com", "new@example.com")
    assert (entry.actor_name, entry.outcome, entry.customer_id) == ("Inès Moreau", "applied", TOM)
    assert not JournalLine.objects.exists()
