"""The access report as a page: about a customer or a member of staff, for supervisors."""

import html
import json

import pytest
from django.db import DatabaseError

from customers.audit import access_events
from customers.audit.models import AccessEvent, actor_key
from tests.acts import change
from tests.conftest import AGENT, TOM, soup, text

pytestmark = pytest.mark.once
URL = "/audit/report/"
ISSUER = "http://127.0.0.1:9"


def body(answer):
    return b"".join(answer.streaming_content).decode()


def test_a_supervisor_gets_the_report_of_a_customer_as_a_file(agent, supervisor):
    change(agent, "new@example.com")

    made = supervisor.post(URL, {"customer_id": TOM, "format": "json"})

    assert made["Content-Disposition"] == f'attachment; filename="report_customer_{TOM}.json"'
    assert json.loads(body(made))["about"]["customer_id"] == TOM
    event = AccessEvent.objects.get(kind="report")
    assert (event.actor_name, event.customer_id) == ("Sana El Idrissi", TOM)
    page = supervisor.post(URL, {"customer_id": TOM, "format": "html"})
    assert "Inès Moreau" in html.unescape(body(page))


def test_the_report_of_a_member_of_staff_names_no_value(agent, supervisor):
    agent.get(f"/customers/{TOM}/")
    change(agent, "new@example.com")

    made = body(supervisor.post(URL, {"person": actor_key(ISSUER, AGENT[0]), "format": "json"}))

    assert json.loads(made)["about"]["sub"] == AGENT[0]
    assert "new@example.com" not in made


def test_one_of_the_two_is_needed(agent, supervisor):
    agent.get(f"/customers/{TOM}/")
    change(agent, "new@example.com")
    both = {"customer_id": TOM, "person": actor_key(ISSUER, AGENT[0])}

    for typed in ({}, both):
        answer = supervisor.post(URL, typed | {"format": "json"})
        assert answer.status_code == 422
        assert "one of the two" in text(soup(answer))
    wrong = supervisor.post(URL, {"customer_id": "abc", "format": "json"})
    assert "A customer number has digits only" in text(soup(wrong))
    nobody = supervisor.post(URL, {"customer_id": "555", "format": "json"})
    assert "Nothing is recorded about this person." in text(soup(nobody))


def test_what_cannot_be_recorded_is_not_reported(agent, supervisor, monkeypatch):
    change(agent, "new@example.com")

    def fails(*args, **kwargs):
        raise DatabaseError

    monkeypatch.setattr(access_events, "record", fails)
    answer = supervisor.post(URL, {"customer_id": TOM, "format": "json"})

    assert answer.status_code == 503
    assert "No report was made." in text(soup(answer))
