"""Create a customer."""

import pytest

from crmadmin.sandbox import Fault
from customers.audit.models import Change, Entry, JournalLine
from tests.acts import NEEDED, create
from tests.conftest import sent, soup, text

pytestmark = pytest.mark.once
URL = "/customers/new/"
MORE = {
    "email": "Lea.Durand@example.com",
    "birthdate": "14/06/1986",
    "language_code": "FR",
    "customer_type": "PROSPECT",
    "call_id": "48121",
    "unicode_first_name": "美琳",
    "phones-0-type": "MOBILE",
    "phones-0-number": "+33 6 39 98 04 12",
    "phones-0-row": "",
}


def test_a_customer_is_created_recorded_and_shown(agent, clubmed):
    answer = create(agent, **NEEDED, **MORE)

    assert answer.status_code == 302
    number = answer["Location"].split("/")[2]
    assert sent(clubmed, "POST") == [
        (
            "/v1/customers",
            {
                "civility": "MS",
                "first_name": "Léa",
                "last_name": "Durand",
                "unicode_first_name": "美琳",
                "birthdate": "19860614",
                "phones": [{"type": "MOBILE", "number": "+33639980412"}],
                "email": "Lea.Durand@example.com",
                "language_code": "FR",
                "customer_type": "PROSPECT",
                "call_id": "48121",
            },
        )
    ]
    assert clubmed.customers[number]["last_name"] == "DURAND"
    entries = {entry.field: entry for entry in Entry.objects.all()}
    assert entries["email"].new == "Lea.Durand@example.com"
    assert {entry.customer_id for entry in entries.values()} == {number}
    assert {entry.outcome for entry in entries.values()} == {"applied"}
    assert {entry.customer_label for entry in entries.values()} == {"Léa Durand"}
    assert Change.objects.get().action == "create"
    assert not JournalLine.objects.exists()
    page = agent.page(answer["Location"])
    assert "The customer is created." in text(page)
    assert "LEA DURAND" in text(page.select_one("h1"))


def test_a_customer_whom_club_med_does_not_show_yet_is_not_called_a_wrong_number(agent, clubmed):
    place = create(agent, **NEEDED)["Location"]
    clubmed.faults.add(Fault("status", status=404))

    answer = agent.get(place)

    assert answer.status_code == 404
    page = text(soup(answer))
    assert "The customer is created." in page
    assert "if it was created just now, refresh this page in a moment" in page
    assert "Check the number" not in page
    assert "LEA DURAND" in text(agent.page(place).select_one("h1"))


def test_what_stays_empty_is_not_sent(agent, clubmed):
    create(agent, **NEEDED, email="", birthdate="", customer_type="", **{"phones-0-number": " "})

    assert sent(clubmed, "POST") == [("/v1/customers", NEEDED)]


def test_missing_answers_are_told_above_and_beside_and_nothing_is_sent(agent, clubmed):
    answer = create(agent, **MORE | {"birthdate": "31/06/1986"})

    page = soup(answer)
    assert answer.status_code == 422
    assert "4 fields need attention" in text(page.select_one("#summary"))
    assert "Date of birth: 31 June does not exist." in text(page.select_one("#summary"))
    assert page.select_one("#id_birthdate")["value"] == "31/06/1986"
    assert page.select_one("#id_email")["value"] == "Lea.Durand@example.com"
    assert page.select_one("input[name=phones-0-number]")["value"] == "+33 6 39 98 04 12"
    assert page.select_one("#id_first_name")["aria-invalid"] == "true"
    assert sent(clubmed, "POST") == []
    assert not JournalLine.objects.exists()
