"""The provider's answers: in time, not too large, from where they should be, and not too old."""

import time
from uuid import UUID

import pytest

from crmadmin.sso import provider
from customers.access import Role
from customers.services.bounds import BoundedSession
from tests import hostile_provider as hostile
from tests.conftest import soup, text
from tests.crmadmin.signing_in import callback, query
from tests.hostile_provider import key, public, signed_with

pytestmark = [pytest.mark.usefixtures("fresh_client"), pytest.mark.once]
PATHS = (hostile.DISCOVERY, hostile.KEYS, hostile.TOKEN, hostile.USERINFO)
GUIDS = [str(UUID(int=number)) for number in range(5_000)]


def come_in(browser, liar):
    """The first page that comes: the sign-in may end before the provider is asked."""
    answer = browser.get("/oidc/login/")
    return answer if answer.status_code != 302 else browser.come_in_by(liar)


@pytest.mark.parametrize("path", PATHS)
def test_a_whole_answer_has_one_deadline(browser, liar, path, monkeypatch):
    """It drips without an end."""
    monkeypatch.setattr(BoundedSession, "seconds", 0.3)
    liar.claims = {"groups": None}
    liar.dripping.add(path)

    assert come_in(browser, liar).status_code == 503


@pytest.mark.parametrize("path", PATHS)
def test_an_answer_has_a_largest_size(browser, liar, path):
    liar.claims = {"groups": None}
    liar.answers[path] = (200, b'{"a": "' + b"x" * 6_000_000 + b'"}')

    assert come_in(browser, liar).status_code == 403


@pytest.mark.parametrize("path", PATHS)
def test_a_redirect_is_not_followed(browser, liar, path):
    liar.claims = {"groups": None}
    liar.moved[path] = f"{liar.issuer}/elsewhere"

    assert come_in(browser, liar).status_code in (403, 503)
    assert not liar.asked("/elsewhere")


def test_a_withdrawn_key_is_good_for_ten_minutes_at_most(browser, liar, monkeypatch):
    assert browser.come_in_by(liar).status_code == 302
    liar.keys = [public(key("second"))]

    assert browser.come_in_by(liar).status_code == 302
    began = time.time()
    monkeypatch.setattr(provider.time, "time", lambda: began + 600)
    assert browser.come_in_by(liar).status_code == 403
    assert len(liar.asked(hostile.DISCOVERY)) == 2


def test_an_unknown_key_has_the_keys_read_again_but_not_each_time(browser, liar):
    browser.come_in_by(liar)
    client = provider.provider()
    forged = signed_with(key("other"))({})
    for _ in range(5):
        with pytest.raises(provider.UNACCEPTABLE):
            client.verified(forged)

    assert len(liar.asked(hostile.KEYS)) == 2


@pytest.mark.parametrize(
    "strange",
    [
        {"kty": "EC", "crv": "BP-256", "x": "AA", "y": "AA"},
        {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"},
        {"kty": "RSA", "e": "AQAB"},
        {"use": "sig"},
        "no key",
    ],
)
def test_a_key_that_cannot_be_read_keeps_nobody_out(browser, liar, strange):
    liar.keys = [strange, *liar.keys]

    assert browser.come_in_by(liar).status_code == 302


@pytest.mark.parametrize(
    ("announced", "told", "status"),
    [
        (True, "right", 302),
        (True, "https://id.example.com", 403),
        (True, None, 403),
        (None, "right", 302),
        (None, "https://id.example.com", 403),
        (None, None, 302),
    ],
)
def test_the_callback_names_its_issuer_where_discovery_says_so(
    browser, liar, announced, told, status
):
    liar.discovery = {"authorization_response_iss_parameter_supported": announced}
    asked = query(browser.to_provider())
    liar.nonce = asked["nonce"]
    iss = {"iss": liar.issuer if told == "right" else told} if told else {}

    answer = browser.come_back(callback(code=hostile.CODE, state=asked["state"], **iss))

    assert answer.status_code == status


@pytest.mark.parametrize("where", ["claims", "userinfo"])
def test_five_thousand_groups_get_in(browser, liar, where):
    liar.claims = {"groups": None}
    setattr(liar, where, {"groups": [*GUIDS, "crm-supervisors"]})

    assert browser.come_in_by(liar).status_code == 302

    assert browser.actor.roles == (Role.SUPERVISOR,)
    assert sum(len(cookie.OutputString()) for cookie in browser.cookies.values()) < 2_000


def test_groups_left_out_since_they_are_too_many_are_called_that(browser, liar, caplog):
    liar.claims = {
        "groups": None,
        "_claim_names": {"groups": "src1"},
        "_claim_sources": {"src1": {"endpoint": "https://graph.example.com/groups"}},
    }

    answer = browser.come_in_by(liar)

    assert answer.status_code == 403
    assert "Your account is in so many groups that" in text(soup(answer))
    assert answer["X-Request-ID"] in text(soup(answer))
    assert "too many, and refers to another place (_claim_names)" in caplog.text
    assert not liar.asked(hostile.USERINFO)


def test_groups_that_did_not_come_at_all_are_told_from_groups_that_are_not_ours(browser, liar):
    liar.claims = {"groups": None}
    liar.userinfo = {"groups": None}

    assert "Your groups did not come with the sign-in" in text(soup(browser.come_in_by(liar)))
