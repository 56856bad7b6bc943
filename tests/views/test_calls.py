"""What is asked of Club Med, and when: no page waits for more than it shows."""

import pytest
from django.core.cache import cache
from django.core.handlers.wsgi import WSGIHandler
from django.test import RequestFactory

from tests.conftest import HTMX, JUST_ASKED, TOM, hidden_inputs, sent, soup, text

pytestmark = pytest.mark.once
PROFILE = f"/v2/customers/{TOM}/profile"
MARKET = {"/v0/locales", "/v0/civilities", "/v0/countries", "/v3/schemas/profile/en-US"}
PAGE = f"/customers/{TOM}/"
LAST_NAME = f"/customers/{TOM}/fields/last_name/"


def asked(clubmed):
    return [path for path, _ in sent(clubmed, "GET")]


def methods(clubmed):
    return [request.method for request in clubmed.requests]


@pytest.fixture
def cold(agent):
    """Nobody has asked about any market yet."""
    cache.delete_many(list(JUST_ASKED))
    return agent


def test_a_profile_is_out_after_one_call_and_the_market_is_asked_behind_it(
    transactional_db, cold, clubmed
):
    session = f"crmadmin_session={cold.cookies['crmadmin_session'].value}"
    request = RequestFactory().get(PAGE, headers={"cookie": session})

    answer = WSGIHandler()(request.environ, lambda status, headers: None)

    assert b"Smith" in b"".join(answer)
    assert asked(clubmed) == [PROFILE]
    answer.close()  # as a server does when all of it is out
    assert set(asked(clubmed)) == {PROFILE} | MARKET
    assert len(asked(clubmed)) == 5


def test_once_the_market_is_known_a_profile_is_one_call_and_its_editor_none(cold, clubmed):
    """A save is a read and a write; what the page asks after it is another read."""
    cold.get(PAGE)
    clubmed.requests.clear()
    cold.get(PAGE)
    assert asked(clubmed) == [PROFILE]
    clubmed.requests.clear()

    editor = cold.page(LAST_NAME, headers=HTMX)
    assert editor.select_one("html") is None
    assert editor.select_one("input[name=value]")["value"] == "Smith"
    assert methods(clubmed) == []
    form = hidden_inputs(editor)
    saved = cold.post(LAST_NAME, form | {"value": "Jones"}, headers=HTMX)
    assert methods(clubmed) == ["GET", "PATCH"]
    cold.get(soup(saved).select_one(".field")["hx-get"], headers=HTMX)
    assert methods(clubmed) == ["GET", "PATCH", "GET"]


def test_a_second_editor_that_was_open_already_saves_with_one_read_and_one_write(cold, clubmed):
    cold.get(PAGE)
    names = ("last_name", "first_name")
    forms = {name: cold.form(PAGE + f"fields/{name}/", headers=HTMX) for name in names}
    clubmed.requests.clear()

    for name, form in forms.items():
        cold.post(PAGE + f"fields/{name}/", form | {"value": "Jones"}, headers=HTMX)

    assert methods(clubmed) == ["GET", "PATCH", "GET", "PATCH"]
    cold.page(LAST_NAME, headers=HTMX)
    assert methods(clubmed)[4:] == ["GET"]  # the log has moved on: what was shown is old


def test_a_later_editor_has_the_rules_that_an_earlier_one_had_not(cold, clubmed):
    url = f"/customers/{TOM}/fields/civility/"
    early = cold.page(url, headers=HTMX)
    assert methods(clubmed) == ["GET"]  # of the profile, which nobody had seen yet

    cold.get(PAGE)
    late = cold.page(url, headers=HTMX)
    assert len(late.select("option")) > len(early.select("option"))
    clubmed.requests.clear()

    form = cold.form(LAST_NAME, headers=HTMX)
    told = cold.post(LAST_NAME, form | {"value": "王"}, headers=HTMX)

    assert "United States: Latin letters, spaces, dots, apostrophes and hyphens only." in text(
        soup(told)
    )
    assert methods(clubmed) == []
