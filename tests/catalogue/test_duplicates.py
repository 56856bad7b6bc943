"""Before a create the same person is looked for, and whoever may be them is shown."""

from urllib.parse import parse_qsl

import pytest

from crmadmin.sandbox import Fault
from customers.audit.models import Entry, JournalLine
from tests.conftest import SUPERVISOR, hidden_inputs, sent, signed_in, soup, text

pytestmark = [pytest.mark.django_db, pytest.mark.once]
NEW = "/customers/new/"
LEA = {"civility": "MS", "first_name": "Léa", "last_name": "Durand"}
HELD = {
    "id": "555",
    "gm_number": "555",
    "civility": "MS",
    "first_name": "LEA",
    "last_name": "DURAND",
    "email": "lea@example.com",
    "birthdate": "19860614",
    "phones": [{"number": "+33639981234", "type": "MOBILE"}],
    "address": {"city": "LYON"},
    "locale": "en-US",
}


@pytest.fixture(autouse=True)
def people(clubmed):
    clubmed.customers.clear()
    clubmed.customers["555"] = dict(HELD)


def create(person, **typed):
    return person.post(NEW, person.form(NEW) | LEA | typed)


def again(person, answer, **typed):
    """The same form, sent from the page that showed who may be the same."""
    page = soup(answer)
    shown_keys = [field["value"] for field in page.select("[name=duplicate]")]
    return person.post(NEW, hidden_inputs(page) | LEA | {"duplicate": shown_keys} | typed)


def searches(clubmed):
    return [
        [value for key, value in parse_qsl(request.query) if key == "filter"]
        for request in clubmed.requests
        if request.method == "GET" and request.path == "/v1/customers"
    ]


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ({"email": "LEA@example.com"}, {"E-mail": "The same: lea@example.com"}),
        ({"birthdate": "14/06/1986"}, {"Date of birth": "The same: 14 June 1986"}),
        (
            {"phones-0-type": "MOBILE", "phones-0-number": "+33 6 39 98 12 34", "phones-0-row": ""},
            {},
        ),
        (
            {"email": "lea@example.com", "birthdate": "15/06/1986"},
            {"Last name": "The same: DURAND", "Date of birth": "14 June 1986", "Address": "LYON"},
        ),
    ],
)
def test_who_may_be_the_same_is_shown_beside_what_was_typed(agent, clubmed, typed, told):
    answer = create(agent, **typed)

    page = soup(answer)
    assert answer.status_code == 409
    assert "This may be the same person. Nothing was sent." in text(page)
    there = page.select_one("#alike a")
    assert (there["href"], there["target"]) == ("/customers/555/", "_blank")
    rows = {text(row.th): text(row.select("td")[1]) for row in page.select("#alike tbody tr")}
    assert rows.items() >= told.items()
    assert page.select_one("#alike mark")
    assert page.select_one("#id_last_name")["value"] == "Durand"
    assert sent(clubmed, "POST") == []
    assert not JournalLine.objects.exists()


def test_where_nobody_alike_is_found_the_customer_is_created_at_once(agent, clubmed):
    assert create(agent).status_code == 302
    assert searches(clubmed) == []

    answer = create(agent, email="other@example.com", birthdate="01/02/1990")

    assert answer.status_code == 302
    assert searches(clubmed)[:3] == [
        ["email==other@example.com"],
        ["last_name==Durand", "birthdate==19900201"],
        ["last_name==DURAND", "birthdate==19900201"],
    ]
    assert {(entry.reason, entry.flags) for entry in Entry.objects.all()} == {("", "")}


def test_another_person_is_created_all_the_same_and_the_log_says_so(agent, clubmed):
    typed = {"email": "lea@example.com"}
    shown = create(agent, **typed)
    assert again(agent, shown, **typed).status_code == 409  # a request alone is no consent
    buttons = soup(shown).select("#create form[data-guard] button:not([value^=phones-])")
    assert {(one["name"], one["value"]) for one in buttons} == {("despite", "yes")}
    assert sent(clubmed, "POST") == []

    answer = again(agent, shown, **typed, despite="yes", despite_reason="Her daughter")

    assert answer.status_code == 302
    assert len(sent(clubmed, "POST")) == 1
    [made] = {(entry.reason, entry.flags, *entry.related) for entry in Entry.objects.all()}
    assert made == ("Her daughter", "despite_duplicates", "555")
    page = text(signed_in(SUPERVISOR).page("/audit/"))
    assert "Created despite possible duplicates: Customer 555" in page


def test_somebody_who_was_not_shown_is_shown_first(agent, clubmed):
    shown = create(agent, email="lea@example.com")
    clubmed.customers["556"] = HELD | {"id": "556", "gm_number": "556"}

    answer = again(agent, shown, email="lea@example.com", despite="yes")

    assert answer.status_code == 409
    assert "2 may be the same person" in text(soup(answer))
    assert sent(clubmed, "POST") == []


def test_who_may_not_search_creates_without(agent, clubmed):
    clubmed.searchable = False

    assert create(agent, email="lea@example.com").status_code == 302
    assert len(sent(clubmed, "POST")) == 1


def test_a_search_without_an_answer_asks_first(agent, clubmed):
    clubmed.faults.add(Fault("status", method="GET", path="/v1/customers", status=500, times=None))

    shown = create(agent, email="lea@example.com")
    assert shown.status_code == 409
    assert "Club Med could not be searched." in text(soup(shown))
    assert sent(clubmed, "POST") == []

    answer = again(agent, shown, email="lea@example.com", despite="yes")
    assert answer.status_code == 302
    assert Entry.objects.first().flags == "unchecked_duplicates"
