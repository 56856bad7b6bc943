"""Create a customer."""

import uuid

import pytest

from crmadmin.sandbox import Fault
from customers.audit.models import Change, Entry, JournalLine
from customers.services.connection import client
from tests.acts import NEEDED, create
from tests.conftest import HTMX, hidden_inputs, sent, soup, text

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


def test_what_stays_empty_is_not_sent(agent, clubmed):
    create(agent, **NEEDED, email="", birthdate="", customer_type="", **{"phones-0-number": " "})

    assert sent(clubmed, "POST") == [("/v1/customers", NEEDED)]


def test_missing_answers_are_told_above_and_beside_and_nothing_is_sent(agent, clubmed):
    answer = create(agent, **MORE | {"birthdate": "31/06/1986"})

    page = soup(answer)
    assert answer.status_code == 422
    assert "4 answers need another look" in text(page.select_one("#summary"))
    assert "Date of birth: 31 June does not exist." in text(page.select_one("#summary"))
    assert page.select_one("#id_birthdate")["value"] == "31/06/1986"
    assert page.select_one("#id_email")["value"] == "Lea.Durand@example.com"
    assert page.select_one("input[name=phones-0-number]")["value"] == "+33 6 39 98 04 12"
    assert page.select_one("#id_first_name")["aria-invalid"] == "true"
    assert sent(clubmed, "POST") == []
    assert not JournalLine.objects.exists()


def test_what_club_med_refuses_stands_beside_its_field(agent, clubmed):
    answer = create(agent, **NEEDED | {"last_name": "Durand 2"})

    page = soup(answer)
    assert answer.status_code == 422
    beside = page.select_one("#id_last_name").find_next("p", class_="error")
    assert "Club Med: " in text(beside)
    assert "Nothing was created." in text(page)
    assert page.select_one("#id_last_name")["value"] == "Durand 2"
    assert {entry.outcome for entry in Entry.objects.all()} == {"refused"}
    assert Change.objects.get().customer_id == ""
    assert not JournalLine.objects.exists()


def test_a_refusal_of_nothing_in_particular_stands_above_the_form(agent, clubmed):
    body = '{"error_description": "The market is closed."}'
    headers = {"Content-Type": "application/json"}
    fault = Fault("status", method="POST", status=400, body=body, headers=headers)
    clubmed.faults.add(fault)

    answer = create(agent, **NEEDED)

    assert answer.status_code == 422
    assert "The market is closed." in text(soup(answer).select_one("#summary"))
    assert soup(answer).select_one("#id_first_name")["value"] == "Léa"


@pytest.mark.parametrize(
    ("typed", "fault", "status", "said"),
    [
        ({"last_name": ""}, None, 422, "1 answer needs another look"),
        ({"last_name": "Durand 2"}, None, 422, "Nothing was created."),
        ({"add": "phone"}, None, 200, "Remove phone 1"),
        ({}, Fault("status", method="POST", status=429, times=None), 503, "asked too much"),
        ({}, Fault("drop_before", method="POST"), 503, "We do not know yet"),
    ],
    ids=["incomplete", "refused", "another phone", "not done", "unknown"],
)
def test_with_htmx_only_the_form_is_replaced(agent, clubmed, typed, fault, status, said):
    form = agent.form(URL) | NEEDED
    if fault:
        clubmed.faults.add(fault)

    answer = agent.post(URL, form | typed, headers=HTMX)

    assert answer.status_code == status
    assert [part.get("id") for part in soup(answer).find_all(recursive=False)] == ["create"]
    assert said in text(soup(answer)) or soup(answer).select_one(f'[aria-label="{said}"]')


def test_with_htmx_the_browser_is_led_to_the_new_customer(agent, clubmed):
    answer = agent.post(URL, agent.form(URL) | NEEDED, headers=HTMX)

    assert (answer.status_code, answer.content) == (200, b"")
    page = agent.page(answer["HX-Redirect"])
    assert "The customer is created." in text(page)
    assert "LEA DURAND" in text(page.select_one("h1"))


@pytest.mark.parametrize(
    "fault",
    [
        Fault("drop_before", method="POST"),
        Fault("drop_after", method="POST"),
        Fault("status", method="POST", status=500),
        Fault("truncated", method="POST"),
        Fault("html", method="POST", status=201),
        Fault("empty", method="POST", status=201),
    ],
    ids=lambda fault: fault.kind,
)
def test_no_clear_answer_is_never_sent_again_and_the_text_comes_back(agent, clubmed, fault):
    clubmed.faults.add(fault)
    form = agent.form(URL) | NEEDED | MORE

    first = agent.post(URL, form)
    again = agent.post(URL, form)

    for answer in (first, again):
        assert answer.status_code == 503
        assert "We do not know yet whether this customer was created" in text(soup(answer))
        assert "Lea.Durand@example.com" in text(soup(answer))
    assert len(sent(clubmed, "POST")) == 1
    assert JournalLine.objects.get().values["last_name"]["new"] == "Durand"
    assert not Entry.objects.exists()


def test_when_nothing_could_be_sent_it_is_said_and_the_same_form_works_later(
    agent, clubmed, settings
):

    form = agent.form(URL) | NEEDED
    address, settings.CLUBMED_API_URL = settings.CLUBMED_API_URL, "http://127.0.0.1:1"
    client.cache_clear()

    answer = agent.post(URL, form)

    assert answer.status_code == 503
    assert "Nothing was sent." in text(soup(answer))
    assert soup(answer).select_one("#id_last_name")["value"] == "Durand"
    assert {entry.outcome for entry in Entry.objects.all()} == {"not_applied"}
    settings.CLUBMED_API_URL = address
    client.cache_clear()
    assert agent.post(URL, form).status_code == 302
    assert len(sent(clubmed, "POST")) == 1


def test_a_form_sent_twice_creates_one_customer(agent, clubmed):
    form = agent.form(URL) | NEEDED

    places = [agent.post(URL, form)["Location"] for _ in range(2)]

    assert places[0] == places[1]
    assert len(sent(clubmed, "POST")) == 1


def test_a_used_form_with_other_answers_is_told_and_keeps_them(agent, clubmed):
    form = agent.form(URL) | NEEDED
    agent.post(URL, form)

    answer = agent.post(URL, form | {"first_name": "Zoé"})

    page = soup(answer)
    assert answer.status_code == 409
    assert "What you typed now was not sent." in text(page)
    assert page.select_one("#id_first_name")["value"] == "Zoé"
    assert len(sent(clubmed, "POST")) == 1
    assert agent.post(URL, hidden_inputs(page) | NEEDED | {"first_name": "Zoé"}).status_code == 302


def test_a_tampered_token_sends_nothing_and_keeps_the_text(agent, clubmed):
    answer = create(agent, **NEEDED | {"token": f"{uuid.uuid4()}"})

    assert answer.status_code == 422
    assert soup(answer).select_one("#id_last_name")["value"] == "Durand"
    assert sent(clubmed, "POST") == []


def test_phones_are_added_and_removed_without_a_script(agent, clubmed):
    page = soup(create(agent, **NEEDED, **MORE, add="phone"))
    assert len(page.select(".phone-row")) == 2
    assert page.select_one("#id_last_name")["value"] == "Durand"
    assert page.select_one(".error") is None

    page = soup(create(agent, **NEEDED, **MORE, remove="0"))
    assert [tel.get("value", "") for tel in page.select("input[type=tel]")] == [""]
    assert sent(clubmed, "POST") == []


def test_two_phones_go_out_in_their_order(agent, clubmed):
    second = {"phones-1-type": "HOME", "phones-1-number": "0140506070", "phones-1-row": ""}

    create(agent, **NEEDED, **MORE, **second)

    [(_, body)] = sent(clubmed, "POST")
    assert [phone["type"] for phone in body["phones"]] == ["MOBILE", "HOME"]


def test_the_page_asks_nothing_of_club_med(agent, clubmed):
    assert agent.get(URL, headers=HTMX).status_code == 200
    assert clubmed.requests == []
