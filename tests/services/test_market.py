"""The market that a person works in."""

import pytest
from django.core.cache import cache

from crmadmin.sandbox import Fault
from customers.services import markets
from customers.services.markets import _key, known_market, offered_locales, refresh_market
from tests.acts import CONTACT, post
from tests.conftest import AGENT, TOM, hidden_inputs, sent, signed_in, soup, text
from tests.people import actor

pytestmark = [pytest.mark.usefixtures("cold"), pytest.mark.once]
URL = "/market/"
ROUTES = {"/v0/locales", "/v0/civilities", "/v0/countries"}


@pytest.fixture
def cold(clubmed, agent):
    """Nothing is known yet of any market."""
    cache.clear()
    return agent


def choose(person, locale, back="/"):
    return person.post(URL, {"locale": locale, "next": back})


def current(person):
    """The market that stands at the top of each page."""
    return text(person.page("/").select_one(".toptools summary"))


def test_a_market_is_chosen_and_everything_is_asked_in_it(agent, clubmed):
    assert current(agent).endswith("en-US")

    answer = choose(agent, "pt-BR", f"/customers/{TOM}/")

    assert answer["Location"] == f"/customers/{TOM}/"
    clubmed.requests.clear()
    agent.get(f"/customers/{TOM}/")
    assert {request.headers["accept-language"] for request in clubmed.requests} == {"pt-BR"}
    assert "Brazil pt-BR" in current(agent)


def test_the_last_five_are_at_hand_and_outlive_the_sign_in(agent):
    for locale in ("fr-FR", "pt-BR", "ja-JP", "de-DE", "it-IT", "es-ES", "ja-JP"):
        choose(agent, locale)
    again = signed_in(AGENT)
    again.cookies["crmadmin_markets"] = agent.cookies["crmadmin_markets"].value

    buttons = again.page("/").select(".toptools button[name=locale]")

    assert [button["value"] for button in buttons] == [
        *("ja-JP", "es-ES", "it-IT", "de-DE", "pt-BR"),
        "en-US",  # the company's own
    ]
    assert [button["aria-pressed"] for button in buttons] == ["true", *["false"] * 5]


def test_all_that_are_offered_stand_on_one_page_by_country(agent, clubmed):
    page = agent.page(URL)

    names = [text(button) for button in page.select(".markets button")]
    assert len(names) > 30
    assert names == sorted(names)
    assert "France, French fr-FR" in names
    assert text(page.select_one(".markets [aria-pressed]")) == "United States, English en-US"


@pytest.mark.parametrize("odd", ["", "fr", "../../v1", "fr-FR\r\nx: y"])
def test_a_market_that_is_not_offered_is_not_taken(agent, clubmed, odd):
    answer = choose(agent, odd)

    assert answer.status_code == 422
    assert "not offered to this desk" in text(soup(answer))
    assert "en-US" in current(agent)


def test_a_market_that_is_no_longer_offered_or_that_somebody_forged_is_left(agent, clubmed):
    choose(agent, "fr-FR")
    cache.set(_key("locales", "known"), ["en-US", "pt-BR"])
    assert "en-US" in current(agent)

    agent.cookies["crmadmin_markets"] = "xx-XX:forged"
    assert "en-US" in current(agent)


@pytest.mark.parametrize(
    "back", ["https://elsewhere.example/", "//elsewhere.example", "javascript:1"]
)
def test_choosing_leads_nowhere_else(agent, back):
    assert choose(agent, "fr-FR", back)["Location"] == "/"


NEW = "/customers/new/"
TYPED = {"civility": "MR", "first_name": "Jean", "last_name": "Martin"}


def test_a_new_customer_must_have_what_the_market_needs(agent, clubmed):
    choose(agent, "fr-FR")

    answer = agent.post(NEW, agent.form(NEW) | TYPED)

    assert answer.status_code == 422
    page = soup(answer)
    assert "Required in France." in text(page.select_one("#id_email_error"))
    assert page.select_one("[name=last_name]")["value"] == "Martin"
    assert sent(clubmed, "POST") == []


def test_what_the_market_needs_is_said_before_anything_is_typed(agent):
    choose(agent, "pt-BR")

    page = agent.page(NEW)

    assert page.select_one("#id_language_code [selected]")["value"] == "PT"
    switch = page.select(".switch button")
    assert [(one["value"], one["aria-pressed"]) for one in switch] == [
        ("en-US", "false"),
        ("pt-BR", "true"),
    ]
    number = page.select_one("#identity-input")
    assert "National number Required in Brazil" in text(number)
    assert number.find_parent("details") is None
    assert "(optional)" in text(page.select_one("label[for=id_email]"))


@pytest.mark.parametrize("url", [NEW, f"/customers/{TOM}/groups/identity/"])
def test_what_the_market_writes_otherwise_is_told_before_it_is_sent(agent, clubmed, url):
    agent.get(f"/customers/{TOM}/")

    page = soup(agent.post(url, agent.form(url) | TYPED | {"last_name": "王"}))

    assert "United States: Latin letters, spaces, dots, apostrophes and hyphens only." in text(
        page.select_one("#id_last_name_error")
    )
    assert sent(clubmed, "POST") == sent(clubmed, "PATCH") == []


def test_what_the_market_of_the_customer_needs_is_cleared_only_by_clear_anyway(agent, clubmed):
    clubmed.customers[TOM] |= {"locale": "fr-FR", "birthdate": "19860614"}
    agent.get(f"/customers/{TOM}/")

    for field, doubt in (("email", ["Required in France."]), ("birthdate", [])):
        url = f"/customers/{TOM}/fields/{field}/"
        asked = soup(agent.post(url, agent.form(url) | {"value": "x", "act": "ask-clear"}))
        assert [text(error) for error in asked.select(".editor .error")] == doubt
        way = asked.select_one(".btn-danger-quiet")
        assert text(way) == ("Clear anyway" if doubt else "Clear")
        unsure = agent.post(url, agent.form(url) | {"value": "x", "clear": field})
        assert unsure.status_code == (422 if doubt else 302)
    assert [body for _, body in sent(clubmed, "PATCH")] == [{"birthdate": None}]

    url = f"/customers/{TOM}/fields/email/"
    sure = hidden_inputs(soup(agent.post(url, agent.form(url) | {"act": "ask-clear"})))
    refused = soup(agent.post(url, sure | {"anyway": "email"}))
    assert "Club Med: This field is required." in text(refused.select_one(".editor"))
    assert sent(clubmed, "PATCH")[-1][1] == {"email": None}


def test_a_group_clears_what_the_market_needs_only_with_clear_anyway(agent, clubmed):
    clubmed.customers[TOM] |= {"locale": "fr-FR"}
    agent.get(f"/customers/{TOM}/")
    page = agent.page(CONTACT)

    doubted = soup(post(agent, page, email="", clear=["email"]))

    assert "Required in France. Clear anyway" in text(doubted.select_one("#email-input"))
    assert sent(clubmed, "PATCH") == []
    refused = soup(post(agent, doubted, email="", anyway="email"))
    assert "Club Med: This field is required." in text(refused.select_one("#email-input"))
    assert sent(clubmed, "PATCH")[-1][1] == {"email": None}


def test_choices_are_those_of_the_market_or_of_the_catalogue_where_it_is_not_known(agent, clubmed):
    clubmed.faults.add(Fault("status", path="/v[03]/", status=500, times=None))
    assert [one["value"] for one in agent.page(NEW).select("[name=civility] option")] == [
        *("", "MR", "MS")
    ]
    clubmed.faults.clear()
    cache.clear()
    choose(agent, "fr-FR")
    agent.get(f"/customers/{TOM}/")

    page = agent.page(f"/customers/{TOM}/fields/civility/")

    options = [text(option) for option in page.select("select[name=value] option")]
    assert {"M.", "Mme"} <= set(options) or {"Mr", "Ms"} <= set(options)
    assert len(options) > 3


def asked(clubmed):
    return [path for path, _ in sent(clubmed, "GET")]


def test_it_is_asked_once_for_half_a_day(cold, clubmed):
    for _ in range(2):
        refresh_market("fr-FR", actor=actor(AGENT))

    assert set(asked(clubmed)) == ROUTES | {"/v3/schemas/profile/fr-FR"}
    assert len(asked(clubmed)) == 4
    known = known_market("fr-FR", actor=actor(AGENT))
    assert known.civilities["MR"] == "Mr"
    assert known.countries["FR"] == "France"
    assert known.rules.required() >= {"last_name"}
    assert known.region == "FR"


def test_what_cannot_be_had_is_left_to_the_catalogue_and_not_asked_for_again_at_once(cold, clubmed):
    clubmed.faults.add(Fault("status", path="/v[03]/", status=404, times=None))

    for _ in range(2):
        refresh_market("fr-FR", actor=actor(AGENT))

    assert len(asked(clubmed)) == 4
    known = known_market("fr-FR", actor=actor(AGENT))
    assert (known.rules.schema, known.civilities, known.countries) == ({}, {}, {})


def test_what_was_had_is_used_when_it_cannot_be_had_again(cold, clubmed):
    refresh_market("fr-FR", actor=actor(AGENT))
    for name in ("locales", "schema fr-FR"):
        cache.delete(_key(name, "asked"))
    clubmed.faults.add(Fault("status", path="/v[03]/", status=500, times=None))

    refresh_market("fr-FR", actor=actor(AGENT))

    assert known_market("fr-FR", actor=actor(AGENT)).rules.required()
    assert offered_locales()


@pytest.mark.parametrize(
    "odd",
    ["[]", '[1, null, {"code": 5}, {"code": "MR"}]', "{}", '{"required": 5}', "<p>", '["fr"]'],
)
def test_odd_answers_break_nothing(cold, clubmed, odd):
    clubmed.faults.add(Fault("status", path="/v[03]/", status=200, body=odd, times=None))

    refresh_market("fr-FR", actor=actor(AGENT))

    known = known_market("fr-FR", actor=actor(AGENT))
    assert set(known.civilities) <= {"MR"}
    assert cold.get("/").status_code == cold.get(URL).status_code == 200


def test_a_slow_answer_holds_nobody_up_for_long(cold, clubmed, monkeypatch):
    monkeypatch.setattr(markets, "_PATIENCE", 0.3)
    clubmed.faults.add(Fault("latency", path="/v0/", seconds=30, times=None))

    refresh_market("fr-FR", actor=actor(AGENT))

    assert asked(clubmed) == ["/v3/schemas/profile/fr-FR", "/v0/civilities"]
    assert known_market("fr-FR", actor=actor(AGENT)).rules.required()
