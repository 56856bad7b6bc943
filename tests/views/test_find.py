"""Find a customer by what somebody knows of them."""

from urllib.parse import parse_qsl

import pytest
from django.core.cache import cache

from crmadmin.sandbox import Fault
from customers.services import markets
from tests.conftest import AGENT, HTMX, TOM, sent, signed_in, soup, text

pytestmark = pytest.mark.once
WANG = "704118236"


@pytest.fixture(autouse=True)
def people(clubmed):
    """A few whom nobody else resembles."""
    tom = {
        "gm_number": TOM,
        "first_name": "TOM",
        "last_name": "SMITH",
        "email": "tom@example.com",
        "phones": [{"number": "2063428631", "type": "MOBILE"}],
        "birthdate": "19860614",
        "address": {"zip_code": "97205", "city": "PORTLAND", "country_code": "US"},
    }
    clubmed.customers.clear()
    clubmed.customers[TOM] = {"id": TOM, "locale": "en-US", "customer_type": "CLIENT", **tom}
    for n in range(200, 225):
        many = {"gm_number": str(n + 5000), "first_name": f"N{n}", "last_name": "MANY"}
        clubmed.customers[str(n)] = {"id": str(n), "email": None, **many}
    return clubmed.customers


def look(person, q="", page=1, **more):
    """Type, send, and see where that leads."""
    answer = person.post("/", {"q": q, **more})
    assert answer.status_code == 302, text(soup(answer))
    where = answer["Location"] + (f"&page={page}" if page > 1 else "")
    return person.get(where)


def names(answer):
    """Who is listed, or whose profile opens at once."""
    if answer.status_code == 302:
        return ["TOM SMITH"] if answer["Location"] == f"/customers/{TOM}/" else []
    return [text(link) for link in soup(answer).select("[aria-labelledby=found-title] .people a")]


def filters(clubmed):
    """The filters of each search that was sent."""
    return [
        [value for key, value in parse_qsl(request.query) if key == "filter"]
        for request in clubmed.requests
        if request.path == "/v1/customers"
    ]


def test_somebody_without_a_name_can_be_opened(agent, people):
    spaces = {"first_name": "", "last_name": "   ", "unicode_last_name": "  "}
    for number in ("300", "301"):
        people[number] = {"id": number, "email": "spaces@example.com", **spaces}

    assert names(look(agent, "spaces@example.com")) == ["Unnamed customer"] * 2


# What is understood ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "typed",
    [
        "tom@example.com",
        " TOM@Example.com ",
        "2063428631",
        "(206) 342-8631",
        "+1 206 342 8631",
        "001 206-342-8631",
        "Smith",
        "smith",
        "Tom Smith",
        "Smith, Tom",
        "SMITH Tom",
        "Smith 14/06/1986",
        "tom smith 1986-06-14",
    ],
)
def test_one_box_understands(agent, clubmed, typed):
    assert names(look(agent, typed)) == ["TOM SMITH"]
    assert len(filters(clubmed)) <= 4


@pytest.mark.parametrize("typed", [TOM, f" {TOM} ", "123 456 789", "5200"])
def test_a_gm_number_opens_its_customer_with_one_search(agent, clubmed, typed):
    answer = look(agent, typed)

    assert answer["Location"] == f"/customers/{200 if typed == '5200' else TOM}/"
    assert filters(clubmed) == [[f"gm_number=={typed.replace(' ', '')}"]]


@pytest.mark.parametrize(
    "known",
    [
        {"last_name": "Smith", "birthdate": "14.6.1986"},
        {"last_name": "Smith", "first_name": "Tom"},
        {"last_name": "Smith", "zip_code": "97205"},
        {"email": "tom@example.com"},
        {"phone": "206 342 8631"},
    ],
)
def test_each_part_may_be_told_by_itself_and_what_is_told_besides_must_be_true(agent, known):
    assert names(look(agent, **known)) == ["TOM SMITH"]
    assert names(look(agent, **known | {"last_name": "Jones"})) == []


def test_under_htmx_the_browser_is_led_to_what_was_found_and_to_what_is_wrong(agent):
    for typed, status in ((TOM, 302), ("", 422)):
        answer = agent.post("/", {"q": typed}, headers=HTMX)

        assert (answer.status_code, answer.content) == (200, b"")
        assert agent.get(answer["HX-Redirect"]).status_code == status


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"q": ""}, "Type a number, an e-mail, a phone or a name."),
        ({"q": "  "}, "Type a number, an e-mail, a phone or a name."),
        ({"q": "Smith 31/06/1986"}, "31 June does not exist."),
        ({"q": "", "birthdate": "soon"}, "Write the day, month and year"),
        ({"q": "", "phone": "call me"}, "Not a phone number"),
        ({"q": "tom@"}, "Type the whole e-mail: Club Med cannot search by part of it."),
        ({"q": "", "email": "@example.com"}, "Type the whole e-mail"),
        (
            {"q": "Smi*"},
            "Type the whole name, without * or %: Club Med cannot search by part of it.",
        ),
        ({"q": "x\ufffdy"}, "a character that cannot be typed"),
    ],
)
def test_what_cannot_be_looked_for_is_told_and_stays(agent, clubmed, typed, words):
    answer = agent.post("/", typed)

    page = soup(answer)
    assert answer.status_code == 422
    assert words in text(page)
    for name, value in typed.items():
        assert page.select_one(f"main [name={name}]")["value"].strip() == value.strip()
    assert clubmed.requests == []


# What is shown --------------------------------------------------------------------------------


def test_who_was_found_is_told_apart(agent):
    person = text(soup(look(agent, "Smith")).select_one(".people li"))

    for words in (TOM, "14 June 1986", "tom@example.com", "PORTLAND, United States", "Client"):
        assert words in person


@pytest.mark.parametrize(
    ("code", "english", "french"),
    [
        ("PROSPECT", "Prospect", "Prospect"),
        ("GO", "G.O", "G.O"),
        ("AGENT", "Agent", "Agent"),
        ("AGENCE", "Agency", "Agence"),
        ("NEW_TYPE", "NEW_TYPE", "NEW_TYPE"),
    ],
)
def test_the_type_of_who_was_found_is_in_words(agent, clubmed, code, english, french):
    clubmed.customers[TOM]["customer_type"] = code

    for language, word in (("en", english), ("fr", french)):
        agent.cookies["crmadmin_language"] = language
        assert text(soup(look(agent, "Smith")).select_one(".people .badge")) == word


@pytest.mark.parametrize(
    ("typed", "marked"),
    [
        ("tom@example.com", ["tom@example.com"]),
        ("+1 206 342 8631", ["Mobile 2063428631"]),
        ("Smith 14/06/1986", ["SMITH", "14 June 1986"]),
        ("Tom Smith", ["TOM", "SMITH"]),
    ],
)
def test_of_several_who_were_found_what_matched_is_marked(agent, clubmed, typed, marked):
    clubmed.customers["77"] = clubmed.customers[TOM] | {"id": "77", "gm_number": "5077"}
    clubmed.customers["77"]["phones"] = [*clubmed.customers[TOM]["phones"], {"number": "1"}]

    people = soup(look(agent, typed)).select(".people li")

    assert len(people) == 2
    for one in people:
        assert [text(mark) for mark in one.select("mark")] == marked


def test_a_national_number_is_searched_for_in_the_countries_that_have_such_numbers(agent, clubmed):
    cache.set(markets._key("locales", "known"), ["fr-FR", "ja-JP"])
    clubmed.customers[TOM]["phones"] = [{"number": "+819012345678", "type": "MOBILE"}]

    assert names(look(agent, "090-1234-5678")) == ["TOM SMITH"]
    assert filters(clubmed)[-1] == ["phones.number==+819012345678"]


def test_a_long_list_has_pages(agent, clubmed):
    first = look(agent, "Many")
    assert "25 customers" in text(soup(first))
    assert len(names(first)) == 10
    following = soup(first).select_one("a[rel=next]")["href"]

    second = agent.get(following)
    assert names(second)[0] == "N210 MANY"
    assert soup(second).select_one("a[rel=prev]")
    last = agent.get(following.replace("page=2", "page=3"))
    assert len(names(last)) == 5
    assert soup(last).select_one("a[rel=next]") is None
    assert "There are no more" in text(soup(agent.get(following.replace("page=2", "page=9"))))


def test_nobody_is_said_with_what_was_tried_and_a_way_on(agent):
    page = soup(look(agent, "Zoë Nobody"))

    assert "No customer found" in text(page)
    assert "Searched as Zoë Nobody, ZOE NOBODY" in text(page)
    assert "or by a similar spelling. Try another" in text(page)
    assert "Try the phone, or" in text(soup(look(agent, "nobody@example.com")))
    new = soup(agent.get(page.select_one(".blank a.btn-primary")["href"]))
    assert new.select_one("#id_last_name")["value"] == "Nobody"
    assert new.select_one("#id_first_name")["value"] == "Zoë"


# Where it is kept -----------------------------------------------------------------------------


def test_no_address_holds_what_was_typed_and_back_works(agent, clubmed):
    where = agent.post("/", {"q": "Tom Smith"})["Location"]

    assert where.startswith("/?find=")
    assert "Smith" not in where
    page = agent.page(where)
    assert page.select_one("#q")["value"] == "Tom Smith"
    assert "TOM SMITH" in text(page)


@pytest.mark.parametrize("handle", ["", "nonsense", "x" * 500, "another's"])
def test_a_handle_that_leads_nowhere_gives_an_empty_box(agent, other_agent, clubmed, handle):
    if handle == "another's":
        handle = other_agent.post("/", {"q": "tom@example.com"})["Location"].partition("=")[2]

    page = agent.page(f"/?find={handle}")

    assert ("This search has expired." in text(page)) == bool(handle)
    assert clubmed.requests == []


# Trouble --------------------------------------------------------------------------------------


def test_when_club_med_does_not_answer_the_search_is_kept(agent, clubmed):
    clubmed.faults.add(Fault("status", method="GET", status=503, times=None))

    answer = look(agent, "tom@example.com")

    page = soup(answer)
    assert answer.status_code == 503
    assert "Club Med does not answer. Your search is kept above" in text(page)
    assert page.select_one("#q")["value"] == "tom@example.com"
    assert page.select_one("#recent-title")
    assert len(sent(clubmed, "GET")) == 3


def test_who_may_not_search_can_still_open_a_customers_own_number(agent, clubmed):
    """Another number stands in no address: it may be a phone's, or a national one."""
    clubmed.searchable = False

    for typed in ("tom@example.com", "2125550123"):
        answer = look(agent, typed)
        assert answer.status_code == 403
        assert "You may not search for customers at Club Med." in text(soup(answer))
    for number in (TOM, "200"):
        assert look(agent, number)["Location"] == f"/customers/{number}/"


@pytest.mark.parametrize("body", ["{}", "null", "[1, null, {}]", '[{"id": "200"}]'])
def test_odd_answers_break_nothing(agent, clubmed, body):
    clubmed.faults.add(Fault("status", method="GET", status=200, body=body, times=None))

    assert look(agent, "tom@example.com").status_code in (200, 302, 503)


# Handled last ---------------------------------------------------------------------------------


def test_the_customers_handled_last_are_at_hand_newest_first(agent, other_agent, clubmed):
    assert "Nobody yet" in text(agent.page("/"))
    for number, person in ((TOM, agent), ("201", agent), ("202", other_agent)):
        url = f"/customers/{number}/fields/birth_city/"
        person.post(url, person.form(url) | {"value": "Lyon"})

    assert recent(agent) == ["N201 MANY: Place of birth", "TOM SMITH: Place of birth"]


def test_whom_somebody_opened_is_at_hand_and_called_by_their_name_in_that_sign_in(agent, clubmed):
    for number in (TOM, "201"):
        agent.get(f"/customers/{number}/")
    assert recent(agent) == ["N201 MANY: Opened", "TOM SMITH: Opened"]

    assert recent(signed_in(AGENT)) == ["Customer 201: Opened", f"Customer {TOM}: Opened"]


def recent(person):
    people = person.page("/").select("[aria-labelledby=recent-title] li")
    return [f"{text(one.a)}: {text(one.select('div')[1])}" for one in people]
