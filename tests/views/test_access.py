"""Who may do what: every address has a rule, and every rule is kept."""

from urllib.parse import quote

import pytest

from crmadmin.models import Session
from customers.access import Permission
from customers.audit.models import AccessEvent
from tests.acts import all_patterns
from tests.conftest import AGENT, HTMX, TOM, Desk, signed_in, soup, text

pytestmark = pytest.mark.once
EMAIL = f"/customers/{TOM}/fields/email/"


def test_every_address_has_a_rule():
    without = [
        str(pattern.pattern)
        for pattern in all_patterns()
        if not {*getattr(pattern.callback, "access_rule", ())} & {*Permission}
    ]
    assert without == []


def is_refused(answer):
    return answer.status_code == 403 and "Your role has no access to this page." in text(
        soup(answer)
    )


def test_an_address_without_a_rule_is_refused(agent, settings):
    settings.ROOT_URLCONF = "tests.forgetful_urls"

    assert is_refused(agent.get("/forgotten/"))


def test_what_an_auditor_typed_is_given_back_and_club_med_is_not_asked(auditor, clubmed):
    answer = auditor.post(EMAIL, {"value": "typed@example.com"})

    assert is_refused(answer)
    assert "typed@example.com" in text(soup(answer))
    assert clubmed.requests == []


@pytest.mark.parametrize("url", ["/", EMAIL])
def test_nobody_gets_in_without_signing_in(clubmed, db, url):
    whole, part = Desk().get(url), Desk().get(url, headers=HTMX)

    assert whole.status_code == 302
    assert whole["Location"].startswith("/oidc/login/?next=%2F")
    assert part.status_code == 401
    assert part["HX-Retarget"] == "#notices"
    notice = soup(part)
    assert "Your session has ended." in text(notice)
    assert "If you were typing, copy it before you sign in." in text(notice)
    assert "sent" not in text(notice)
    assert notice.select_one("html") is None
    assert notice.select_one("a")["href"].startswith("/oidc/login/?next=")
    assert clubmed.requests == []


def test_a_form_from_elsewhere_is_refused_recorded_and_gives_the_text_back(agent, clubmed, caplog):
    strict = signed_in(AGENT, enforce_csrf_checks=True)
    form = strict.form(EMAIL) | {"value": "typed@example.com"}
    del form["csrfmiddlewaretoken"]

    for headers in (HTMX, {}):
        answer = strict.post(EMAIL, form, headers=headers)
        assert answer.status_code == 403
        assert "This form has expired." in text(soup(answer))
        assert "typed@example.com" in text(soup(answer))
    event = AccessEvent.objects.get(kind="forged_form")
    assert (event.actor_sub, event.address) == (AGENT[0], "127.0.0.1")
    assert [line for line in caplog.messages if line.endswith(": form refused")]
    assert [request.method for request in clubmed.requests] == ["GET"]


@pytest.mark.parametrize(
    ("said", "place"),
    [
        (f"http://testserver/customers/{TOM}/", f"/customers/{TOM}/"),
        ("http://evil.example.com/x/", "/"),
        ("http://[::1", "/"),
        ("", "/"),
    ],
)
def test_a_fragment_leads_back_to_its_page_and_nowhere_else(db, said, place):
    answer = Desk().get(EMAIL, headers=HTMX | {"HX-Current-URL": said})

    assert answer.status_code == 401
    assert soup(answer).select_one("a.btn")["href"] == f"/oidc/login/?next={quote(place)}"


def test_an_unknown_address_is_a_page(agent):
    answer = agent.get("/nowhere/")

    assert answer.status_code == 404
    assert "There is no such page." in text(soup(answer))


def test_a_form_from_elsewhere_starts_no_session_and_keeps_nothing(clubmed, db):
    stranger = Desk(enforce_csrf_checks=True)
    answer = stranger.post(EMAIL, {"value": "typed@example.com"})

    assert answer.status_code == 401
    assert "Copy what you typed before you sign in again." in text(soup(answer))
    assert "typed@example.com" in text(soup(answer))
    assert "crmadmin_session" not in answer.cookies
    assert not Session.objects.exists()


def test_what_is_too_long_to_keep_is_not_said_to_be_kept(agent, clubmed):
    form = agent.form(EMAIL) | {"value": "x" * 40_000}
    agent.cookies.pop("crmadmin_session")

    answer = agent.post(EMAIL, form)

    assert "Copy what you typed before you sign in again." in text(soup(answer))
