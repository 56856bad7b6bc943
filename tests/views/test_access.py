"""Who may do what: every address has a rule, and every rule is kept."""

import uuid

import pytest
from django.contrib.sessions.models import Session
from django.urls import URLPattern, get_resolver

from customers.access import Permission
from tests.acts import sign_in_again
from tests.conftest import AGENT, HTMX, OTHER_AGENT, TOM, Desk, signed_in, soup, text

AGENTS = (
    "/",
    "/saves/",
    "/customers/new/",
    f"/customers/{TOM}/",
    f"/customers/{TOM}/fields/email/",
)
HISTORY = (f"/customers/{TOM}/history/", f"/customers/{TOM}/fields/email/history/")
LOG = ("/audit/", "/audit/unsettled/")


def all_patterns(resolver):
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLPattern):
            yield pattern
        else:
            yield from all_patterns(pattern)


def test_every_address_has_a_rule():
    without = [
        str(pattern.pattern)
        for pattern in all_patterns(get_resolver())
        if not {*getattr(pattern.callback, "access_rule", ())} & {*Permission}
    ]
    assert without == []


def test_an_address_without_a_rule_is_refused(agent, settings):
    settings.ROOT_URLCONF = "tests.forgetful_urls"

    answer = agent.get("/forgotten/")

    assert answer.status_code == 403
    assert "Your role does not open this page." in text(soup(answer))


@pytest.mark.parametrize(
    ("role", "urls"),
    [
        ("agent", [*AGENTS, *HISTORY]),
        ("supervisor", [*AGENTS, *HISTORY, *LOG]),
        ("auditor", [*HISTORY, *LOG]),
    ],
)
def test_each_role_opens_its_pages(clubmed, db, role, urls):
    person = signed_in(("staff-9", "Somebody", [role]))

    assert {url: person.get(url).status_code for url in urls} == dict.fromkeys(urls, 200)


def test_an_agent_does_not_read_the_whole_log(agent):
    for url in (*LOG, f"/audit/changes/{uuid.uuid4()}/"):
        answer = agent.get(url)
        assert answer.status_code == 403
        assert "Your role does not open this page." in text(soup(answer))
    assert agent.page("/").select_one("a[href='/audit/']") is None


@pytest.mark.parametrize("url", AGENTS)
def test_an_auditor_touches_no_customer(auditor, clubmed, url):
    for answer in (auditor.get(url), auditor.post(url, {"value": "typed@example.com"})):
        assert answer.status_code == 403
    assert "typed@example.com" in text(soup(auditor.post(url, {"value": "typed@example.com"})))
    assert clubmed.requests == []


def test_only_a_supervisor_settles_a_change(agent, auditor):
    for person in (agent, auditor):
        assert person.post(f"/audit/changes/{uuid.uuid4()}/settle/").status_code == 403


def test_roles_add_up(clubmed, db):
    both = signed_in(("staff-9", "Both Hats", ["agent", "auditor"]))

    assert both.get(f"/customers/{TOM}/").status_code == 200
    assert both.get("/audit/").status_code == 200


@pytest.mark.parametrize("url", [*AGENTS, *HISTORY, *LOG])
def test_nobody_gets_in_without_signing_in(clubmed, db, url):
    answer = Desk().get(url)

    assert answer.status_code == 302
    assert answer["Location"].startswith("/oidc/login/?next=%2F")
    assert clubmed.requests == []


def test_an_ended_session_is_a_notice_under_htmx_never_a_sign_in_page(clubmed, db):
    answer = Desk().get(f"/customers/{TOM}/fields/email/", headers=HTMX)

    assert answer.status_code == 401
    assert answer["HX-Retarget"] == "#notices"
    page = soup(answer)
    assert "Your session has ended." in text(page)
    assert page.select_one("html") is None
    assert page.select_one("a")["href"].startswith("/oidc/login/?next=")


@pytest.mark.parametrize("headers", [HTMX, {}], ids=["htmx", "page"])
def test_what_was_typed_when_the_session_had_ended_comes_back_after_signing_in(
    agent, clubmed, headers
):
    url = f"/customers/{TOM}/fields/email/"
    form = agent.form(url) | {"value": "typed@example.com"}
    del agent.cookies["sessionid"]

    answer = agent.post(url, form, headers=headers)
    assert answer.status_code == 401
    assert "typed@example.com" in text(soup(answer))
    assert clubmed.customers[TOM]["email"] == "tom@example.com"

    sign_in_again(agent, AGENT)
    page = agent.page(url)
    assert page.select_one("input[name=value]")["value"] == "typed@example.com"
    assert "Here is what you typed before you signed in again." in text(page)
    assert agent.page(url).select_one("input[name=value]")["value"] == "tom@example.com"


def test_what_was_typed_into_the_create_form_comes_back_too(agent, clubmed):
    url = "/customers/new/"
    form = agent.form(url) | {"last_name": "Durand", "phones-0-number": "0612345678"}
    del agent.cookies["sessionid"]
    assert agent.post(url, form).status_code == 401

    sign_in_again(agent, AGENT)
    page = agent.page(url)
    assert page.select_one("#id_last_name")["value"] == "Durand"
    assert page.select_one("input[name=phones-0-number]")["value"] == "0612345678"


@pytest.fixture
def typed_before(agent):
    """The address of an editor whose form was sent when the session had ended."""
    url = f"/customers/{TOM}/fields/email/"
    form = agent.form(url) | {"value": "typed@example.com"}
    agent.cookies.pop("sessionid")
    agent.post(url, form)
    return url


def test_what_somebody_else_typed_is_not_shown(agent, typed_before):
    sign_in_again(agent, OTHER_AGENT)

    assert "typed@example.com" not in text(agent.page(typed_before))


def test_what_was_typed_lies_encrypted_in_the_session(typed_before):
    stored = [session.get_decoded() for session in Session.objects.all()]
    assert any("kept" in session for session in stored)
    assert "typed@example.com" not in str(stored)
    assert "typed%40example.com" not in str(stored)


def test_what_asks_while_the_session_is_over_is_not_told_that_something_was_sent(client, db):
    """An editor that opens beside another, or the look after a save: nobody knows what was sent."""
    answer = client.get(f"/customers/{TOM}/fields/email/", headers=HTMX)

    assert answer.status_code == 401
    assert "If you were typing, save first" in text(soup(answer))
    assert "sent" not in text(soup(answer))
    assert "is kept" not in text(soup(answer))


def test_a_form_from_elsewhere_is_refused_and_gives_the_text_back(agent, clubmed):
    strict = signed_in(("staff-1001", "Inès Moreau", ["agent"]), enforce_csrf_checks=True)
    url = f"/customers/{TOM}/fields/email/"
    form = strict.form(url) | {"value": "typed@example.com"}
    del form["csrfmiddlewaretoken"]

    for headers in (HTMX, {}):
        answer = strict.post(url, form, headers=headers)
        assert answer.status_code == 403
        assert "This form has expired." in text(soup(answer))
        assert "typed@example.com" in text(soup(answer))
    assert [request.method for request in clubmed.requests] == ["GET"]


def test_signing_out_ends_the_session_here(agent):
    assert agent.get("/oidc/logout/").status_code == 405

    answer = agent.post("/oidc/logout/")

    assert answer["Location"] == "/signed-out/"
    assert "You are signed out" in text(agent.page("/signed-out/"))
    assert agent.get("/").status_code == 302


def test_an_unknown_address_is_a_page(agent):
    answer = agent.get("/nowhere/")

    assert answer.status_code == 404
    assert "There is no such page." in text(soup(answer))


def test_a_form_from_elsewhere_starts_no_session_and_keeps_nothing(clubmed, db):
    stranger = Desk(enforce_csrf_checks=True)
    answer = stranger.post(f"/customers/{TOM}/fields/email/", {"value": "typed@example.com"})

    assert answer.status_code == 401
    assert "Copy what you typed before you sign in again." in text(soup(answer))
    assert "typed@example.com" in text(soup(answer))
    assert "sessionid" not in answer.cookies
    assert not Session.objects.exists()


def test_what_is_too_long_to_keep_is_not_said_to_be_kept(agent, clubmed):
    url = f"/customers/{TOM}/fields/email/"
    form = agent.form(url) | {"value": "x" * 40_000}
    agent.cookies.pop("sessionid")

    answer = agent.post(url, form)

    assert "Copy what you typed before you sign in again." in text(soup(answer))
