"""While somebody works the company is asked again: may they, and as what?"""

import socket
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from django.db import connection

from customers.access import Role
from customers.audit.models import AccessEvent
from customers.services.bounds import BoundedSession
from tests import hostile_provider as hostile
from tests.acts import out_of_reach
from tests.conftest import HTMX, TOM, soup, text
from tests.crmadmin.signing_in import Browser, query
from tests.hostile_provider import key, signed_with

pytestmark = pytest.mark.usefixtures("fresh_client")
EMAIL = f"/customers/{TOM}/fields/email/"


@pytest.fixture(params=["refresh token", "browser"])
def way(request, liar):
    """How the company is asked again."""
    liar.refresh = "the-first" if request.param == "refresh token" else ""
    liar.claims = {"groups": ["crm-supervisors"]}
    return request.param


def get(browser, path="/saves/"):
    """Open a page, and go where it sends the browser: to the provider and back."""
    answer = browser.get(path)
    while answer.status_code == 302:
        place = answer["Location"]
        if not place.startswith("/"):
            browser.private |= {query(place)[name] for name in ("state", "nonce")}
            place = elsewhere(place)
        answer = browser.get(place)
    return answer


def elsewhere(place):
    """Where the provider leads the browser."""
    return requests.get(place, allow_redirects=False).headers["Location"]


def renewals(liar):
    return [
        *(
            asked
            for asked in liar.asked(hostile.TOKEN)
            if asked.form["grant_type"] == "refresh_token"
        ),
        *(asked for asked in liar.asked(hostile.AUTHORIZE) if asked.form.get("prompt") == "none"),
    ]


def test_the_company_is_asked_again_after_ten_minutes_of_work(browser, liar, clubmed, way, clock):
    browser.come_in_by(liar)
    before = browser.session.session_key
    for minutes, times in ((9, 0), (11, 1), (12, 1), (20, 1), (22, 2), (33, 3)):
        clock(minutes)
        assert get(browser).status_code == 200
        assert len(renewals(liar)) == times
    assert browser.session.session_key == before
    assert [event.kind for event in AccessEvent.objects.all()] == ["sign_in"]


@pytest.mark.once
def test_a_group_that_was_taken_away_narrows_the_session(browser, liar, clubmed, way, clock):
    browser.come_in_by(liar)
    assert get(browser, "/audit/").status_code == 200
    liar.claims = {"groups": ["crm-agents"]}
    clock(11)

    assert get(browser, "/audit/").status_code == 403
    assert get(browser).status_code == 200
    assert browser.actor.roles == (Role.AGENT,)


@pytest.mark.once
def test_the_last_group_that_was_taken_away_ends_it(browser, liar, clubmed, way, clock):
    browser.come_in_by(liar)
    liar.claims = {"groups": []}
    clock(11)

    assert "You have no access yet" in text(soup(get(browser)))
    assert browser.actor is None
    assert "ended" in [event.kind for event in AccessEvent.objects.all()]


@pytest.mark.once
@pytest.mark.parametrize("no", ["invalid_grant", "login_required", "interaction_required"])
def test_a_no_ends_the_session(browser, liar, clubmed, way, clock, no):
    browser.come_in_by(liar)
    liar.no = no
    clock(11)

    place = browser.get("/saves/")["Location"]
    if way == "browser":
        place = browser.get(elsewhere(place))["Location"]
        assert browser.get(place)["Location"] == "/oidc/login/?next=%2Fsaves%2F"
    assert browser.actor is None
    assert "ended" in [event.kind for event in AccessEvent.objects.all()]


@pytest.mark.once
def test_what_was_typed_when_the_company_said_no_is_there_again(browser, liar, clubmed, clock):
    liar.refresh = "the-first"
    browser.come_in_by(liar)
    form = browser.form(EMAIL)
    liar.no = "invalid_grant"
    clock(11)

    answer = browser.post(EMAIL, form | {"value": "typed@example.com"}, headers=HTMX)

    assert answer.status_code == 401
    assert clubmed.customers[TOM]["email"] == "tom@example.com"
    liar.no = ""
    browser.come_in_by(liar, EMAIL)
    assert browser.page(EMAIL).select_one("input[name=value]")["value"] == "typed@example.com"


@pytest.mark.once
@pytest.mark.parametrize("trouble", ["down", "silent", 500, 503, 429, "odd", "forged", "another"])
def test_a_provider_that_gives_no_answer_changes_nothing_and_the_log_says_so(
    browser, liar, clubmed, clock, caplog, trouble, monkeypatch
):
    liar.refresh = "the-first"
    browser.come_in_by(liar)
    answers = {"odd": (200, b"<html>"), 500: (500, {}), 503: (503, {}), 429: (429, {})}
    if trouble in answers:
        liar.answers[hostile.TOKEN] = answers[trouble]
    elif trouble == "down":
        liar.go_down()
    elif trouble == "silent":
        monkeypatch.setattr(BoundedSession, "seconds", 0.3)
        liar.silent.add(hostile.TOKEN)
    elif trouble == "forged":
        liar.sign = signed_with(key("other"), kid="first")
    else:
        liar.claims = {"sub": "staff-2002", "groups": ["crm-supervisors"]}
    clock(11)

    assert browser.get("/saves/").status_code == 200
    assert browser.actor.roles == (Role.AGENT,)
    assert "renewal: " in caplog.text
    asked = len(renewals(liar))
    browser.get("/saves/")
    assert len(renewals(liar)) == asked
    clock(601)
    assert browser.get("/saves/").status_code == 302


@pytest.mark.once
def test_a_browser_is_not_sent_to_a_provider_that_is_down(browser, liar, clubmed, clock, caplog):
    browser.come_in_by(liar)
    liar.go_down()
    for minutes, headers in ((11, {}), (35, HTMX), (70, HTMX), (120, {})):
        clock(minutes)
        assert browser.get("/saves/", headers=headers).status_code == 200
        assert "renewal: " in caplog.text
        caplog.clear()


@pytest.mark.once
def test_only_a_page_goes_by_the_browser(browser, liar, clubmed, clock):
    browser.come_in_by(liar)
    form = browser.form(EMAIL)
    clock(11)

    assert browser.get(EMAIL, headers=HTMX).status_code == 200
    assert browser.get(EMAIL, headers={"Sec-Fetch-Mode": "cors"}).status_code == 200
    saved = browser.post(EMAIL, form | {"value": "new@example.com"})
    assert saved.status_code == 302
    assert saved["Location"].startswith("/")
    asked = query(browser.get(EMAIL)["Location"])
    assert (asked["prompt"], asked["id_token_hint"]) == ("none", liar.issued[-1])
    assert browser.get(EMAIL).status_code == 200, "a second tab does not wait for the first"


@pytest.mark.once
def test_the_user_name_says_who_is_meant_where_the_id_token_fits_into_no_address(
    browser, liar, clubmed, clock
):
    liar.claims = {"groups": ["crm-agents", *(f"group-{number}" for number in range(500))]}
    browser.come_in_by(liar)
    clock(11)

    asked = query(browser.get(EMAIL)["Location"])

    assert "id_token_hint" not in asked
    assert asked["login_hint"] == hostile.PERSON["email"]


@pytest.mark.once
def test_what_a_page_asks_for_by_itself_renews_nothing(browser, liar, clubmed, way, clock):
    browser.come_in_by(liar)
    clock(11)

    browser.get("/saves/", headers=HTMX | {"X-Background": "true"})

    assert not renewals(liar)


@pytest.mark.once
@pytest.mark.parametrize(
    "headers",
    [HTMX, HTMX | {"X-Background": "true"}, {"Sec-Fetch-Mode": "cors"}],
    ids=["htmx", "a page by itself", "a script"],
)
def test_nobody_goes_round_the_company_by_opening_no_page(browser, liar, clubmed, clock, headers):
    browser.come_in_by(liar)
    form = browser.form(EMAIL) | {"value": "typed@example.com"}
    liar.no = "login_required"
    for minutes, status in ((11, 200), (19, 200), (21, 401)):
        clock(minutes)
        assert browser.get(EMAIL, headers=headers).status_code == status

    answer = browser.post(EMAIL, form, headers=headers)

    said = text(soup(answer))
    assert answer.status_code == 401
    assert "The company has to confirm your sign-in." in said
    assert "is there again once you sign in" in said
    assert clubmed.customers[TOM]["email"] == "tom@example.com"
    liar.no = ""
    page = get(browser, EMAIL)
    assert soup(page).select_one("input[name=value]")["value"] == "typed@example.com"


@pytest.mark.once
@pytest.mark.parametrize(
    ("told", "status", "goes_on"),
    [
        ({"error": "temporarily_unavailable"}, 200, False),
        ({"code": "x" * 2000}, 400, False),  # which the provider answers with a page
        ({"code": "x"}, 503, True),
    ],
)
def test_nor_by_not_going_where_the_browser_is_sent(
    browser, liar, clubmed, clock, told, status, goes_on
):
    browser.come_in_by(liar)
    for minutes, statuses in ((11, [302, 200]), (13, [302, 200]), (21, [302, 302]), (59, [302])):
        clock(minutes)
        assert [browser.get("/saves/").status_code for _ in statuses] == statuses
    state = query(browser.get("/saves/")["Location"])["state"]

    liar.answers[hostile.TOKEN] = (status, b"<!doctype html>")
    browser.get("/oidc/callback/", {"state": state} | told)

    assert bool(browser.actor) == goes_on


def test_tabs_that_come_back_after_a_long_while_are_all_confirmed(browser, liar, clubmed, clock):
    browser.come_in_by(liar)
    clock(50)
    sent = [browser.get(f"/saves/?tab={n}")["Location"] for n in range(4)]

    for place in sent:
        back = browser.get(elsewhere(place))
        assert browser.get(back["Location"]).status_code == 200


def test_a_sign_out_during_a_renewal_stays_one(browser, liar, clubmed, clock):
    browser.come_in_by(liar)
    clock(11)
    place = elsewhere(browser.get("/saves/")["Location"])
    browser.post("/oidc/logout/")

    assert browser.get(place).status_code == 302
    assert browser.actor is None


@pytest.mark.once
def test_groups_of_userinfo_are_read_again(browser, liar, clubmed, clock):
    liar.refresh = "the-first"
    liar.claims, liar.userinfo = {"groups": None}, {"groups": ["crm-supervisors"]}
    browser.come_in_by(liar)
    liar.token, liar.userinfo = {"id_token": None}, {"groups": ["crm-agents"]}
    clock(11)

    assert browser.get("/saves/").status_code == 200
    assert browser.actor.roles == (Role.AGENT,)


@pytest.mark.once
def test_a_refresh_that_tells_no_groups_leaves_it_to_the_browser(browser, liar, clubmed, clock):
    liar.refresh = "the-first"
    liar.claims, liar.userinfo = {"groups": ["crm-supervisors"]}, {"groups": None}
    browser.come_in_by(liar)
    liar.token = {"id_token": None}
    clock(11)
    assert browser.get("/saves/", headers=HTMX).status_code == 200
    assert browser.actor.roles == (Role.SUPERVISOR,)
    liar.token = {}

    assert query(browser.get("/saves/")["Location"])["prompt"] == "none"


@pytest.mark.django_db(transaction=True)
def test_of_requests_at_once_one_asks(liar, clubmed, clock):
    liar.refresh = "the-first"
    browser = Browser()
    browser.come_in_by(liar)
    clock(11)

    def work(_):
        one = Browser()
        one.cookies = browser.cookies
        try:
            return one.get("/saves/").status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as requests_at_once:
        assert list(requests_at_once.map(work, range(4))) == [200] * 4
    assert len(renewals(liar)) == 1


def test_an_answer_that_was_lost_leaves_it_to_the_browser(
    browser, liar, clubmed, clock, monkeypatch
):
    liar.refresh = "the-first"
    browser.come_in_by(liar)
    liar.silent.add(hostile.TOKEN)
    clock(11)
    with monkeypatch.context() as impatient:
        impatient.setattr(BoundedSession, "seconds", 0.3)
        assert browser.get("/saves/").status_code == 200
    liar.silent.clear()
    liar.refresh = "the-second"  # the first one is used up
    clock(13)

    assert query(browser.get("/saves/")["Location"])["prompt"] == "none"
    assert browser.actor


@pytest.mark.once
@pytest.mark.parametrize("path", [hostile.KEYS, hostile.USERINFO])
def test_what_fails_after_a_refresh_loses_neither_the_session_nor_the_next_token(
    browser, liar, clubmed, clock, monkeypatch, path
):
    liar.refresh, liar.claims = "the-first", {"groups": None}
    browser.come_in_by(liar)
    liar.silent.add(path)
    clock(11)
    with monkeypatch.context() as impatient:
        impatient.setattr(BoundedSession, "seconds", 1)  # the token comes within it
        assert browser.get("/saves/").status_code == 200
    assert len(renewals(liar)) == 1
    liar.silent.clear()
    clock(13)

    assert browser.get("/saves/").status_code == 200
    assert len(renewals(liar)) == 2
    assert browser.actor


@pytest.mark.once
def test_what_could_not_be_sent_is_asked_again_without_the_browser(browser, liar, clubmed, clock):
    liar.refresh = "the-first"
    browser.come_in_by(liar)
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))  # and nobody listens
        port = deaf.getsockname()[1]
        liar.discovery = {"token_endpoint": f"http://127.0.0.1:{port}{hostile.TOKEN}"}
        clock(11)
        assert browser.get("/saves/").status_code == 200
    liar.discovery = {}
    clock(20)

    assert browser.get("/saves/").status_code == 200
    assert len(renewals(liar)) == 1


@pytest.mark.django_db(transaction=True)
def test_a_failure_of_ours_during_a_renewal_is_named_in_the_log(liar, clubmed, clock, caplog):
    liar.refresh = "the-first"
    browser = Browser()
    browser.raise_request_exception = False
    browser.come_in_by(liar)
    liar.no = "invalid_grant"
    clock(11)

    with out_of_reach("customers_credential"):
        answer = browser.get("/saves/")

    # To SQLite a table that is gone is as a file that is gone.
    is_lost = connection.vendor == "sqlite"
    assert answer.status_code == (503 if is_lost else 500)
    failure = "OperationalError" if is_lost else "ProgrammingError"
    assert f"{answer['X-Request-ID']} failed: {failure}" in caplog.text
