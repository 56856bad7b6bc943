"""Our own database in trouble: no call without a record, and nothing that landed is lost."""

import threading
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import connection

from customers.clubmed.sandbox import Fault
from customers.models import Entry, JournalLine
from tests.conftest import HTMX, TOM, sent, soup, text

pytestmark = pytest.mark.django_db(transaction=True)
URL = f"/customers/{TOM}/fields/email/"


@contextmanager
def out_of_reach(table):
    """The table is not there: as near to a failing disk as both databases allow."""
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} RENAME TO {table}_away")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {table}_away RENAME TO {table}")


@pytest.mark.parametrize("headers", [HTMX, {}], ids=["htmx", "page"])
def test_without_a_journal_nothing_is_sent_and_the_text_comes_back(agent, clubmed, headers):
    form = agent.form(URL) | {"value": "new@example.com"}

    with out_of_reach("customers_claim"):
        answer = agent.post(URL, form, headers=headers)

    assert answer.status_code == 503
    assert "Our own record cannot be written at this moment." in text(soup(answer))
    assert b"new@example.com" in answer.content
    assert sent(clubmed, "PATCH") == []
    assert not JournalLine.objects.exists()
    assert agent.post(URL, form, headers=HTMX).status_code == 200


def test_without_a_journal_no_customer_is_created(agent, clubmed):
    form = agent.form("/customers/new/")
    typed = {"civility": "MR", "first_name": "Ada", "last_name": "Vance"}

    with out_of_reach("customers_journalline"):
        answer = agent.post("/customers/new/", form | typed)

    assert answer.status_code == 503
    assert soup(answer).select_one("#id_last_name")["value"] == "Vance"
    assert sent(clubmed, "POST") == []


def test_what_landed_before_the_trouble_is_said_and_recorded_later(agent, clubmed):
    """The entries cannot be written after the 204: the line stays, and settles by itself."""
    form = agent.form(URL) | {"value": "new@example.com"}
    clubmed.faults.add(Fault("latency", method="PATCH", seconds=0.5))
    answers = []

    def save():
        answers.append(agent.post(URL, form, headers=HTMX))
        connection.close()

    saving = threading.Thread(target=save)
    saving.start()
    while not JournalLine.objects.exists():
        pass
    with out_of_reach("customers_head"):
        saving.join()

    assert clubmed.customers[TOM]["email"] == "new@example.com"
    assert answers[0].status_code == 200
    shown = text(soup(answers[0]))
    assert "Saved at Club Med; our record of it is pending and will follow." in shown
    line = JournalLine.objects.get()
    line.deadline -= timedelta(hours=1)
    line.save()

    agent.get(f"/customers/{TOM}/")
    assert Entry.objects.get().outcome == "applied"
    assert not JournalLine.objects.exists()


def test_a_failure_of_ours_is_a_page_and_its_reference_is_logged(agent, clubmed, caplog):
    agent.raise_request_exception = False
    with out_of_reach("customers_change"):
        answer = agent.get(f"/customers/{TOM}/history/")

    assert answer.status_code == 500
    assert "Something went wrong here." in text(soup(answer))
    assert answer["X-Request-ID"] in caplog.text
    assert TOM not in caplog.text.replace("/v2/customers", "")
