"""French or English: as the browser says, or as the person chose; apart from the market."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from django.conf import settings
from django.utils import translation

from customers.catalogue import reader, words
from tests.conftest import AGENT, AUDITOR, SUPERVISOR, Desk, signed_in, soup, text

pytestmark = pytest.mark.once
CATALOG = Path(settings.BASE_DIR, "customers/locale/fr/LC_MESSAGES/django.po")
FRENCH = {"Accept-Language": "fr-FR,fr;q=0.9,en;q=0.5"}
EVERYBODY = [(AGENT, "/"), (SUPERVISOR, "/audit/"), (AUDITOR, "/audit/")]


@pytest.fixture(autouse=True)
def english_again():
    """What a request has made the language of its thread stays until the next one."""
    yield
    translation.deactivate()


def language_of(answer):
    return soup(answer).select_one("html")["lang"]


def test_every_sentence_is_in_french_with_the_same_placeholders():
    check = subprocess.run(
        [sys.executable, ".ci/translations.py", "check"],
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
    )
    assert check.stdout == "Every sentence is translated.\n"


def test_french_signs_have_their_spaces():
    with CATALOG.open("rb") as file:
        said = [one.string for one in read_po(file)]
    said = [text for one in said for text in ([one] if isinstance(one, str) else one)]
    assert [text for text in said[1:] if re.search(r" [?!;:»]|« |\w[?!;»]", text)] == []


def test_the_browser_says_the_language(agent):
    assert language_of(agent.get("/")) == "en"
    answer = agent.get("/", headers=FRENCH)
    assert language_of(answer) == "fr"
    assert "Rechercher un client" in text(soup(answer))
    assert language_of(agent.get("/", headers={"Accept-Language": "pl"})) == "en"


@pytest.mark.parametrize(("person", "page"), EVERYBODY, ids=["agent", "supervisor", "auditor"])
def test_a_choice_in_the_top_bar_outlasts_the_sign_out(clubmed, db, person, page):
    desk = signed_in(person)
    switch = desk.page(page).select_one("form[action='/language/']")
    back = switch.select_one("input[name=next]")["value"]

    answer = desk.post("/language/", {"next": back, "language": "fr"}, follow=True)

    assert answer.redirect_chain == [(page, 302)]
    assert language_of(answer) == "fr"
    pressed = soup(answer).select("form[action='/language/'] [aria-pressed=true]")
    assert [one["value"] for one in pressed] == ["fr"]
    desk.post("/oidc/logout/")
    assert language_of(desk.get("/signed-out/")) == "fr"


def test_whoever_has_not_signed_in_yet_may_choose_too(db):
    desk = Desk()
    desk.post("/language/", {"language": "fr"})
    assert "Vous êtes déconnecté" in text(desk.page("/signed-out/"))


def test_a_choice_leads_to_no_other_site_and_to_no_other_language(agent):
    answer = agent.post("/language/", {"language": "fr", "next": "https://evil.example"})
    assert answer["Location"] == "/"
    agent.post("/language/", {"language": "de"})
    assert language_of(agent.get("/")) == "en"


def test_the_market_stays_when_the_language_changes(agent):
    market = ".toptools form[action='/market/'] [aria-pressed=true]"
    before = agent.page("/").select_one(market)["value"]
    agent.post("/language/", {"language": "fr"})
    assert agent.page("/").select_one(market)["value"] == before


def test_names_are_in_the_readers_language_and_alphabet():
    with translation.override("fr"):
        names = list(words.countries().values())
        assert names.index("Éthiopie") - names.index("Estonie") in range(1, 5)
        assert names[-1] == "Zimbabwe"
        assert words.language_text("DE") == "Allemand"
        assert words.date_text("1986-06-14") == "14 juin 1986"
        assert words.number_text(12480) == "12\u202f480"
    with translation.override("en"):
        assert words.date_text("1986-06-14") == "14 June 1986"


def test_a_third_language_needs_no_line_of_code():
    with translation.override("de"):
        assert words.country_text("FR") == "Frankreich"
        assert words.date_text("1986-06-14") == "14. Juni 1986"
        assert reader.in_order({"A": "Zypern", "B": "Ägypten", "C": "Albanien"}) == {
            "B": "Ägypten",
            "C": "Albanien",
            "A": "Zypern",
        }
