"""The way in: the company's sign-in, honest and hostile, and the way out."""

import logging
import re
import time

import pytest
import requests
from django.contrib.sessions.models import Session
from django.db import OperationalError

from crmadmin.demo.staff import BY_USERNAME, STAFF
from crmadmin.sso import provider, sessions
from crmadmin.sso.provider import read_again
from crmadmin.sso.sessions import actor_of
from customers.access import Actor, Role
from customers.audit import statements
from customers.audit.models import AccessEvent, Entry
from tests import hostile_provider as hostile
from tests.conftest import TOM, hidden_inputs, soup, text
from tests.crmadmin.signing_in import Browser, callback, query
from tests.hostile_provider import HostileProvider, hashed_with, key, public, shared, signed_with
from tests.provider import sign_in

pytestmark = pytest.mark.usefixtures("fresh_client")
EMAIL = f"/customers/{TOM}/fields/email/"
ELSEWHERE = [
    "https://evil.example.com/",
    "//evil.example.com",
    "///evil.example.com",
    "/\\evil.example.com",
    "https://127.0.0.1@evil.example.com/",
    "javascript:alert(1)",
    "",
]
PRIVATE = {
    hostile.CODE,
    hostile.ACCESS_TOKEN,
    hostile.CLIENT_SECRET,
    *(str(claim) for claim in hostile.PERSON.values()),
    *(person.sub for person in STAFF),
    *(person.name for person in STAFF),
    *(person.username for person in STAFF),
}


@pytest.fixture
def browser(db, caplog):
    """Whatever a test does with it, the log holds nothing of a person, a code or a token."""
    caplog.set_level(logging.DEBUG)
    browser = Browser()
    yield browser
    as_written = logging.Formatter()  # tracebacks, were there one, and all
    for line in map(as_written.format, caplog.get_records("call")):
        assert [secret for secret in PRIVATE | browser.private if secret in line] == []
        assert "eyJ" not in line, "a token"


@pytest.fixture
def liar(settings):
    """The product pointed at a hostile provider."""
    with HostileProvider() as provider:
        trust(provider, settings)
        yield provider


def trust(provider, settings):
    settings.OIDC_ISSUER = provider.issuer
    settings.OIDC_CLIENT_ID = hostile.CLIENT_ID
    settings.OIDC_CLIENT_SECRET = hostile.CLIENT_SECRET


def actor(browser):
    return actor_of(browser.session)


def signed_in_as(browser):
    """The name that the pages show, or None for nobody."""
    answer = browser.get("/")
    if answer.status_code == 302:
        assert answer["Location"] == "/oidc/login/?next=%2F"
        return None
    return text(soup(answer).select(".topbar form.menu-list p")[-1])


def assert_refused(answer, browser, *, down=False):
    """A page in words, and nobody is signed in."""
    page = soup(answer)
    assert answer.status_code == (503 if down else 403)
    title = "The company's sign-in does not answer" if down else "Sign-in did not work"
    assert text(page.select_one("h1")) == title
    assert answer["X-Request-ID"] in text(page)
    assert page.select_one("a.btn")["href"] == "/oidc/login/"
    for secret in PRIVATE:
        assert secret not in answer.content.decode()
    assert_nobody(browser)


def assert_nobody(browser):
    assert signed_in_as(browser) is None
    assert not [s for s in Session.objects.all() if "person" in s.get_decoded()]


# Who gets in --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("username", "role", "opens"),
    [
        ("ines.moreau", "agent", "/"),
        ("owen.whitfield", "agent", "/customers/new/"),
        ("sana.elidrissi", "supervisor", "/audit/"),
        ("mei-ling.chao", "auditor", "/audit/"),
    ],
)
def test_a_person_gets_the_role_of_their_groups(browser, company, clubmed, username, role, opens):
    person = BY_USERNAME[username]

    answer = browser.come_in(username, opens)

    assert (answer.status_code, answer["Location"]) == (302, opens)
    who = text(browser.page(opens).select(".topbar form.menu-list p")[-1])
    assert who == f"{person.name}, {role}"
    assert actor(browser) == Actor(
        company.issuer, person.sub, person.name, (Role(role),), reveals=role == "supervisor"
    )


def test_a_person_without_a_group_of_ours_does_not_get_in(browser, company):
    answer = browser.come_in("noa.feldstein")

    assert answer.status_code == 403
    assert "You have no access yet" in text(soup(answer))
    assert "You are signed in as Noa Feldstein" in text(soup(answer))
    assert_nobody(browser)


def test_a_person_without_a_group_loses_the_role_of_before(browser, liar):
    browser.come_in_by(liar)
    liar.claims = {"groups": ["another-desk"]}

    answer = browser.come_in_by(liar)

    assert "You have no access yet" in text(soup(answer))
    assert_nobody(browser)


def test_it_works_over_real_http(live_server, company, clubmed):
    with requests.Session() as session:
        asked = session.get(f"{live_server.url}/audit/", allow_redirects=False)
        assert asked.headers["Location"] == "/oidc/login/?next=%2Faudit%2F"
        asked = session.get(live_server.url + asked.headers["Location"], allow_redirects=False)
        page = session.get(sign_in("sana.elidrissi", asked.headers["Location"]))

    assert page.url == f"{live_server.url}/audit/"
    assert "Sana El Idrissi" in page.text


# What is recorded of it ---------------------------------------------------------------------------


def recorded():
    columns = ("kind", "actor_issuer", "actor_sub", "actor_name", "actor_roles")
    return list(AccessEvent.objects.order_by("pk").values_list(*columns))


def test_a_sign_in_is_recorded_with_its_roles(browser, liar):
    liar.claims = {"groups": ["crm-agents", "crm-auditors", "another"]}

    answer = browser.come_in_by(liar)

    assert recorded() == [("sign_in", liar.issuer, "staff-2001", "Maud Okonkwo", "agent, auditor")]
    assert AccessEvent.objects.get().request_id == answer["X-Request-ID"]


def test_a_person_who_is_refused_entry_is_recorded(browser, liar):
    liar.claims = {"groups": ["another"]}

    browser.come_in_by(liar)

    assert recorded() == [("refused", liar.issuer, "staff-2001", "Maud Okonkwo", "")]


def test_a_sign_in_that_failed_is_nobodys(browser, liar):
    liar.answers[hostile.TOKEN] = (500, hostile.CODE.encode())
    browser.come_in_by(liar)
    browser.get(callback(error="access_denied"))

    assert recorded() == []


def test_a_sign_in_that_cannot_be_recorded_goes_on(browser, liar, clubmed, monkeypatch, caplog):
    def fail(*args, **kwargs):
        raise OperationalError("Maud Okonkwo")

    with monkeypatch.context() as patch:
        patch.setattr(statements, "insert", fail)
        answer = browser.come_in_by(liar)

    said = f"{answer['X-Request-ID']}: sign_in is not recorded: OperationalError"
    assert said in caplog.messages
    assert signed_in_as(browser) == "Maud Okonkwo, agent"


# What is asked of the provider --------------------------------------------------------------------


def test_the_request_carries_pkce_state_and_nonce(browser, company):
    address = browser.to_provider()

    assert address.startswith(f"{company.issuer}/")
    asked = query(address)
    assert asked["response_type"] == "code"
    assert asked["client_id"] == company.client_id
    assert asked["redirect_uri"] == "http://127.0.0.1/oidc/callback/"
    assert asked["scope"].split() == ["openid", "profile", "email", "groups"]
    assert asked["code_challenge_method"] == "S256"
    assert re.fullmatch(r"[\w-]{43}", asked["code_challenge"])
    assert min(len(asked["state"]), len(asked["nonce"])) >= 20
    assert company.client_secret not in address


def test_each_request_has_its_own_state_nonce_and_challenge(browser, company):
    first, second = query(browser.to_provider()), query(browser.to_provider())

    assert not [
        name for name in ("state", "nonce", "code_challenge") if first[name] == second[name]
    ]


def test_the_code_is_redeemed_with_the_verifier_and_the_secret(browser, liar):
    challenge = query(browser.to_provider())["code_challenge"]
    browser.come_in_by(liar)

    [redeemed] = liar.asked(hostile.TOKEN)

    assert redeemed.form["grant_type"] == "authorization_code"
    assert redeemed.form["redirect_uri"] == "http://127.0.0.1/oidc/callback/"
    assert len(redeemed.form["code_verifier"]) >= 43
    assert redeemed.form["code_verifier"] != challenge
    assert redeemed.headers["Authorization"].startswith("Basic ")
    assert "client_secret" not in redeemed.form


# Where it leads -----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/customers/new/", f"{EMAIL}?from=profile", "/audit/?before=3"])
def test_a_person_comes_back_to_where_they_were_going(browser, company, path):
    sent_away = browser.get(path)
    asked = query(sent_away["Location"])

    assert sent_away["Location"].startswith("/oidc/login/?next=")
    assert browser.come_in("sana.elidrissi", asked["next"])["Location"] == path


@pytest.mark.parametrize("elsewhere", ELSEWHERE)
def test_nobody_is_led_elsewhere(browser, liar, elsewhere):
    assert browser.come_in_by(liar, elsewhere)["Location"] == "/"


def test_an_address_too_long_to_go_back_to_does_not_spoil_the_sign_in(browser, liar, clubmed):
    answer = browser.come_in_by(liar, f"/audit/?before={'9' * 3000}")

    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert signed_in_as(browser) == "Maud Okonkwo, agent"


def test_after_a_failure_trying_again_still_leads_where_the_person_was_going(browser, liar):
    liar.answers[hostile.TOKEN] = (503, {})
    assert_refused(browser.come_in_by(liar, "/customers/new/"), browser, down=True)
    del liar.answers[hostile.TOKEN]

    assert browser.come_in_by(liar)["Location"] == "/customers/new/"


# The session --------------------------------------------------------------------------------------


def test_the_session_key_changes_at_sign_in(browser, company):
    browser.to_provider()
    before = browser.cookies["sessionid"].value

    browser.come_in("ines.moreau")

    after = browser.cookies["sessionid"].value
    assert after != before
    assert [session.pk for session in Session.objects.all()] == [after]


def test_the_form_token_changes_at_sign_in(browser, liar, clubmed):
    browser.come_in_by(liar)
    browser.get("/customers/new/")
    before = browser.cookies["csrftoken"].value

    browser.come_in_by(liar)

    assert browser.cookies["csrftoken"].value != before


def test_the_session_holds_no_token(browser, liar):
    browser.come_in_by(liar)

    [session] = Session.objects.all()
    assert session.get_decoded().keys() == {"person"}
    assert session.get_decoded()["person"].keys() == {
        "issuer",
        "sub",
        "name",
        "roles",
        "reveals",
        "until",
    }


@pytest.mark.parametrize(
    ("username", "shown"),
    [("ines.moreau", "typed@example.com"), ("owen.whitfield", "tom@example.com")],
    ids=["the same person", "another person"],
)
def test_what_was_typed_into_an_expired_form_comes_back_to_who_typed_it(
    browser, company, clubmed, username, shown
):
    browser.come_in("ines.moreau")
    form = browser.form(EMAIL) | {"value": "typed@example.com"}
    del browser.cookies["sessionid"]

    answer = browser.post(EMAIL, form)
    assert answer.status_code == 401
    way_in = soup(answer).select_one("a[href^='/oidc/login/']")["href"]
    answer = browser.come_in(username, query(way_in)["next"])

    assert answer["Location"] == EMAIL
    assert browser.page(EMAIL).select_one("input[name=value]")["value"] == shown
    assert clubmed.customers[TOM]["email"] == "tom@example.com"


def test_an_auditor_who_comes_in_by_the_front_door_is_led_to_the_log(browser, company, clubmed):
    answer = browser.come_in("mei-ling.chao")

    assert answer["Location"] == "/audit/"
    assert browser.page("/audit/").select_one(".brand")["href"] == "/audit/"
    refused = browser.get("/customers/new/")
    assert refused.status_code == 403
    assert soup(refused).select_one("main p a")["href"] == "/audit/"


def test_a_sign_in_ends_after_a_working_day_however_much_is_done_meanwhile(
    browser, company, clubmed, monkeypatch
):
    browser.come_in("ines.moreau")
    began = time.time()
    for hours, status in ((7.9, 200), (8.1, 302)):
        monkeypatch.setattr(sessions.time, "time", lambda hours=hours: began + hours * 3600)
        answer = browser.get("/")
        assert answer.status_code == status
        session = browser.session  # every search and every message puts its end off
        session["touched"] = hours
        session.save()


def test_signing_out_ends_the_session(browser, company, clubmed):
    browser.come_in("ines.moreau")
    form = hidden_inputs(browser.page("/customers/new/"))

    answer = browser.post("/oidc/logout/", form, follow=True)

    assert answer.redirect_chain == [("/signed-out/", 302)]
    assert "You are signed out" in text(soup(answer))
    assert_nobody(browser)
    assert not Session.objects.exists()


# A callback that is none --------------------------------------------------------------------------


@pytest.mark.parametrize("answer", [{}, {"state": ""}, {"state": "another"}, {"state": "\0"}])
def test_a_callback_with_a_wrong_or_missing_state_is_refused(browser, company, answer):
    code = query(sign_in("ines.moreau", browser.to_provider()))["code"]

    assert_refused(browser.come_back(callback(code=code, **answer)), browser)


def test_a_callback_out_of_the_blue_is_refused(browser, company):
    assert_refused(browser.get("/oidc/callback/"), browser)


def test_a_callback_without_a_code_is_refused(browser, company):
    state = query(browser.to_provider())["state"]

    assert_refused(browser.come_back(callback(state=state)), browser)


def test_a_callback_with_a_made_up_code_is_refused(browser, company):
    state = query(browser.to_provider())["state"]

    assert_refused(browser.come_back(callback(state=state, code="made-up")), browser)


def test_a_callback_serves_once_and_its_replay_takes_nothing_away(browser, company, clubmed):
    address = sign_in("ines.moreau", browser.to_provider())
    assert browser.come_back(address).status_code == 302

    answer = browser.come_back(address)

    assert answer.status_code == 403
    assert "Sign-in did not work" in text(soup(answer))
    assert signed_in_as(browser) == "Inès Moreau, agent"


def test_a_callback_is_of_no_use_in_another_browser(browser, company):
    address = sign_in("ines.moreau", browser.to_provider())
    thief = Browser()
    thief.to_provider()

    assert_refused(thief.come_back(address), thief)


def test_a_code_of_another_sign_in_is_refused(browser, company):
    """What an attacker's code does in a victim's browser: the verifier is not its own."""
    foreign = query(sign_in("sana.elidrissi", Browser().to_provider()))["code"]
    state = query(browser.to_provider())["state"]

    assert_refused(browser.come_back(callback(code=foreign, state=state)), browser)


@pytest.mark.parametrize("error", ["access_denied", "login_required", "<script>"])
def test_an_error_of_the_provider_is_a_page_without_its_words(browser, company, error):
    state = query(browser.to_provider())["state"]

    answer = browser.come_back(
        callback(error=error, error_description="Inès Moreau <script>", state=state)
    )

    assert_refused(answer, browser)


# A token that is none of ours ---------------------------------------------------------------------


def test_an_honest_answer_gets_in(browser, liar, clubmed):
    assert browser.come_in_by(liar).status_code == 302
    assert signed_in_as(browser) == "Maud Okonkwo, agent"
    assert not liar.asked(hostile.USERINFO)


NOW = int(time.time())


@pytest.mark.once
@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "another-client"},
        {"aud": "another-client", "azp": "crmadmin"},
        {"aud": ["another-client"]},
        {"aud": []},
        {"aud": None},
        {"aud": 7},
        {"aud": ["crmadmin", "another-client"]},
        {"aud": ["crmadmin", "another-client"], "azp": "another-client"},
        {"aud": "crmadmin", "azp": "another-client"},
        {"iss": "https://id.example.com"},
        {"iss": None},
        {"iss": ["https://id.example.com"]},
        {"exp": NOW - 60},
        {"exp": None},
        {"exp": "tomorrow"},
        {"iat": NOW + 3600},
        {"iat": None},
        {"nbf": NOW + 3600},
        {"nonce": "another-nonce"},
        {"nonce": None},
        {"nonce": ""},
        {"nonce": 7},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
        {"sub": ["staff-2001"]},
        {"sub": "staff\0-2001"},
        {"sub": "staff-\ud800"},
        {"sub": "x" * 256},
        {"at_hash": "of-another-token"},
        {"at_hash": 7},
        {"groups": 7},
        {"groups": {"crm-agents": True}},
        {"groups": True},
    ],
    ids=lambda claims: " and ".join(claims),  # a time in a name would differ from run to run
)
def test_a_token_with_a_wrong_claim_is_refused(browser, liar, claims):
    liar.claims = claims

    answer = browser.come_in_by(liar)

    assert liar.issued
    assert_refused(answer, browser)


def test_a_clock_that_differs_a_little_is_forgiven(browser, liar):
    now = int(time.time())
    liar.claims = {"exp": now - 10, "iat": now + 10, "nbf": now + 10}

    assert browser.come_in_by(liar).status_code == 302


def test_a_token_for_several_that_was_made_for_us_is_taken(browser, liar):
    liar.claims = {"aud": ["crmadmin", "another-client"], "azp": "crmadmin"}

    assert browser.come_in_by(liar).status_code == 302


FORGERIES = {
    "another key under the same name": signed_with(key("other"), kid="first"),
    "another key that the token brings along": signed_with(
        key("other"), kid="first", jwk=public(key("other"))
    ),
    "an unknown key": signed_with(key("other")),
    "no signature": hostile.unsigned,
    "hashed with the secret": hashed_with(hostile.CLIENT_SECRET.encode()),
    "hashed with the public key": hashed_with(key("first").as_pem(private=False)),
    "hashed with nothing": hashed_with(b""),
    "cut short": lambda claims: signed_with(key("first"))(claims)[:-8],
    "no token": lambda claims: "not.a.token",
    "another type": lambda claims: 7,
    "empty": lambda claims: "",
    "claims that are a list": lambda claims: signed_with(key("first"))(["staff-2001"]),
    "claims without a bottom": lambda claims: signed_with(key("first"))(b"[" * 90_000),
}


@pytest.mark.once
@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forged_token_is_refused_whatever_discovery_offers(browser, liar, forgery):
    offered = ["none", "HS256", "RS256"]
    liar.discovery = {"id_token_signing_alg_values_supported": offered}
    liar.sign = FORGERIES[forgery]

    assert_refused(browser.come_in_by(liar), browser)


@pytest.mark.once
@pytest.mark.parametrize("offered", [["HS256"], ["RS256", "HS256"], ["none"]], ids=str)
def test_a_shared_secret_signs_nothing_even_if_it_is_published_as_a_key(browser, liar, offered):
    secret = b"a-shared-secret-of-thirty-two-bytes!"
    liar.discovery = {"id_token_signing_alg_values_supported": offered}
    liar.keys = [shared(secret)]
    liar.sign = hashed_with(secret)

    assert_refused(sign_in_somehow(browser, liar), browser)


def test_nor_in_a_worker_that_reads_discovery_for_the_first_time_then(browser, liar):
    secret = b"a-shared-secret-of-thirty-two-bytes!"
    asked = query(browser.to_provider())
    liar.nonce = asked["nonce"]
    liar.discovery = {"id_token_signing_alg_values_supported": ["HS256"]}
    liar.keys = [shared(secret)]
    liar.sign = hashed_with(secret)
    read_again()

    answer = browser.come_back(callback(code=hostile.CODE, state=asked["state"]))

    assert_refused(answer, browser)


def sign_in_somehow(browser, provider):
    """The first page that comes: the sign-in may be refused before the provider is asked."""
    answer = browser.get("/oidc/login/")
    return answer if answer.status_code != 302 else browser.come_in_by(provider)


# A provider that is out of order ------------------------------------------------------------------

HTML = b"<!doctype html><title>Maud Okonkwo, have a nice day</title>"
REFUSAL = {"error": "invalid_grant", "error_description": "Maud Okonkwo"}
ODD = [[], "text", None, HTML, b"{", b"[" * 90_000]


@pytest.mark.once
@pytest.mark.parametrize("content", ODD, ids=lambda content: str(content)[:12])
@pytest.mark.parametrize("path", [hostile.DISCOVERY, hostile.KEYS, hostile.TOKEN, hostile.USERINFO])
def test_an_answer_of_an_odd_shape_is_refused(browser, liar, path, content):
    liar.claims = {"groups": None}
    liar.answers[path] = (200, content)

    answer = sign_in_somehow(browser, liar)

    assert_refused(answer, browser, down=answer.status_code == 503)


@pytest.mark.once
@pytest.mark.parametrize(
    ("path", "status", "content", "down"),
    [
        (hostile.TOKEN, 400, REFUSAL, False),
        (hostile.TOKEN, 401, {"error": "invalid_client"}, False),
        (hostile.TOKEN, 200, {"error": "server_error"}, False),
        (hostile.TOKEN, 400, HTML, True),
        (hostile.TOKEN, 500, HTML, True),
        (hostile.TOKEN, 503, {}, True),
        (hostile.KEYS, 404, HTML, True),
        (hostile.KEYS, 500, HTML, True),
        (hostile.USERINFO, 401, {}, True),
        (hostile.USERINFO, 500, HTML, True),
        (hostile.DISCOVERY, 404, HTML, True),
        (hostile.DISCOVERY, 500, HTML, True),
    ],
)
def test_an_error_status_is_a_page(browser, liar, path, status, content, down):
    liar.claims = {"groups": None}
    liar.answers[path] = (status, content)

    assert_refused(sign_in_somehow(browser, liar), browser, down=down)


@pytest.mark.once
@pytest.mark.parametrize("path", [hostile.DISCOVERY, hostile.KEYS, hostile.TOKEN, hostile.USERINFO])
def test_a_provider_that_does_not_answer_in_time_is_down(browser, liar, path, monkeypatch):
    monkeypatch.setattr(provider, "_SECONDS", 0.1)
    liar.claims = {"groups": None}
    liar.silent.add(path)

    assert_refused(sign_in_somehow(browser, liar), browser, down=True)


def test_a_provider_that_is_not_there_is_down(browser, liar):
    liar.go_down()

    assert_refused(browser.get("/oidc/login/"), browser, down=True)


def test_a_provider_that_goes_down_meanwhile_is_down(browser, liar):
    state = query(browser.to_provider())["state"]
    liar.go_down()

    assert_refused(browser.come_back(callback(code=hostile.CODE, state=state)), browser, down=True)


@pytest.mark.once
@pytest.mark.parametrize(
    "token",
    [
        {"id_token": None},
        {"id_token": ["a"]},
        {"id_token": {}},
        {"expires_in": "soon"},
        {"expires_in": [300]},
        {"expires_in": -300},
        {"access_token": None},
        {"token_type": "mac"},
        {"token_type": 7},
    ],
    ids=str,
)
def test_a_set_of_tokens_that_cannot_be_used_is_refused(browser, liar, token):
    liar.claims = {"groups": None}
    liar.token = token

    assert_refused(browser.come_in_by(liar), browser)


@pytest.mark.once
@pytest.mark.parametrize(
    "discovery",
    [
        {"issuer": "https://id.example.com"},
        {"issuer": None},
        {"issuer": ["https://id.example.com"]},
        {"authorization_endpoint": None},
        {"authorization_endpoint": 7},
        {"token_endpoint": None},
        {"token_endpoint": "no address"},
        {"jwks_uri": None},
        {"jwks_uri": "/keys"},
        {"userinfo_endpoint": "no address"},
        {"id_token_signing_alg_values_supported": 7},
        {"token_endpoint_auth_methods_supported": 7},
        {"client_id": "another-client"},
    ],
    ids=str,
)
def test_a_discovery_document_that_cannot_be_used_is_refused(browser, liar, discovery):
    liar.claims = {"groups": None}
    liar.discovery = discovery

    answer = sign_in_somehow(browser, liar)

    assert_refused(answer, browser, down=answer.status_code == 503)


def test_a_provider_that_speaks_for_another_issuer_is_refused(browser, liar):
    liar.discovery = {"issuer": "https://id.example.com"}
    liar.claims = {"iss": "https://id.example.com"}

    assert_refused(sign_in_somehow(browser, liar), browser)


@pytest.mark.once
@pytest.mark.parametrize(
    ("kept", "wrong"),
    [
        ("discovery", {"issuer": "https://id.example.com"}),
        ("discovery", {"jwks_uri": None}),
        ("discovery", {"token_endpoint": "http://127.0.0.1:9/"}),
        ("keys", []),
        ("keys", [public(key("other"), kid="first")]),
        ("keys", [public(key("other"), kid=None)]),
    ],
    ids=["issuer", "no keys named", "token endpoint", "no key", "other key", "nameless key"],
)
def test_a_provider_that_is_put_right_works_again_without_a_restart(browser, liar, kept, wrong):
    right = getattr(liar, kept)
    setattr(liar, kept, wrong)
    liar.sign = signed_with(key("first"))
    assert sign_in_somehow(browser, liar).status_code in (403, 503)

    setattr(liar, kept, right)

    assert browser.come_in_by(liar).status_code == 302


def test_new_keys_of_the_provider_work_without_a_restart(browser, liar):
    assert browser.come_in_by(liar).status_code == 302
    liar.keys = [public(key("second"))]
    liar.sign = signed_with(key("second"))

    assert browser.come_in_by(liar).status_code == 302
    assert len(liar.asked(hostile.KEYS)) == 2


def test_a_key_that_was_withdrawn_is_refused_once_the_new_ones_are_read(browser, liar):
    liar.keys = [public(key("second"))]
    liar.sign = signed_with(key("second"))
    assert browser.come_in_by(liar).status_code == 302
    browser.post("/oidc/logout/")
    liar.sign = signed_with(key("first"))

    assert_refused(browser.come_in_by(liar), browser)


def test_discovery_and_keys_are_read_once(browser, liar):
    for _ in range(3):
        browser.come_in_by(liar)

    assert len(liar.asked(hostile.DISCOVERY)) == len(liar.asked(hostile.KEYS)) == 1


def test_strangers_cannot_make_us_ask_the_provider_again_and_again(browser, liar):
    browser.come_in_by(liar)
    for answer in ({}, {"error": "access_denied"}, {"code": "made-up", "state": "made-up"}):
        Browser().get(callback(**answer))
    browser.come_in_by(liar)

    assert len(liar.asked(hostile.DISCOVERY)) == 1


# What companies' providers differ in --------------------------------------------------------------


def test_groups_that_only_userinfo_knows_count(browser, liar, clubmed):
    liar.claims = {"groups": None}
    liar.userinfo = {"groups": ["crm-supervisors"]}

    assert browser.come_in_by(liar).status_code == 302

    assert signed_in_as(browser) == "Maud Okonkwo, supervisor"
    [asked] = liar.asked(hostile.USERINFO)
    assert asked.headers["Authorization"] == f"Bearer {hostile.ACCESS_TOKEN}"


def test_the_signed_claims_count_more_than_userinfo(browser, liar, clubmed):
    liar.claims = {"groups": None}
    liar.userinfo = {"name": "Somebody Else", "iss": "https://id.example.com"}

    browser.come_in_by(liar)

    assert actor(browser).name == "Maud Okonkwo"
    assert actor(browser).issuer == liar.issuer


@pytest.mark.parametrize("sub", ["staff-2002", None, ""])
def test_userinfo_about_somebody_else_is_refused(browser, liar, sub, caplog):
    liar.claims = {"groups": None}
    liar.userinfo = {"sub": sub}

    assert_refused(browser.come_in_by(liar), browser)
    assert "sign-in failed: userinfo speaks of somebody else" in caplog.text


def test_a_provider_without_userinfo_and_without_groups_lets_nobody_in(browser, liar):
    liar.discovery = {"userinfo_endpoint": None}
    liar.claims = {"groups": None}

    assert "You have no access yet" in text(soup(browser.come_in_by(liar)))
    assert_nobody(browser)


@pytest.mark.parametrize(
    ("groups", "roles"),
    [
        ("crm-agents", [Role.AGENT]),
        (["crm-agents", "crm-auditors", "another"], [Role.AGENT, Role.AUDITOR]),
        (["crm-agents", 7, None, ["crm-supervisors"]], [Role.AGENT]),
    ],
    ids=["one as a plain string", "several", "some of an odd type"],
)
def test_groups_become_roles(browser, liar, groups, roles):
    liar.claims = {"groups": groups}

    browser.come_in_by(liar)

    assert list(actor(browser).roles) == roles


@pytest.mark.parametrize(
    ("groups", "reveals"),
    [
        (["crm-agents", "identity-officers"], True),
        (["crm-auditors", "identity-officers"], True),
        (["crm-supervisors"], False),
        ("crm-agents", False),
    ],
)
def test_groups_of_their_own_let_somebody_reveal(browser, liar, settings, groups, reveals):
    settings.REVEAL_GROUPS = frozenset({"identity-officers"})
    liar.claims = {"groups": groups}

    browser.come_in_by(liar)

    assert actor(browser).reveals is reveals


def test_a_group_that_may_reveal_is_no_entry_by_itself(browser, liar, settings):
    settings.REVEAL_GROUPS = frozenset({"identity-officers"})
    liar.claims = {"groups": ["identity-officers"]}

    assert "You have no access yet" in text(soup(browser.come_in_by(liar)))
    assert_nobody(browser)


@pytest.mark.parametrize("groups", [[], "", ["CRM-AGENTS"], "crm-agents,crm-auditors", [7]])
def test_groups_that_are_not_ours_are_no_entry(browser, liar, groups):
    liar.claims = {"groups": groups}

    assert "You have no access yet" in text(soup(browser.come_in_by(liar)))
    assert_nobody(browser)


def test_the_groups_may_have_another_name(browser, liar, settings):
    settings.OIDC_GROUPS_CLAIM = "https://id.example.com/roles"
    liar.claims = {"groups": None, "https://id.example.com/roles": ["crm-auditors"]}

    browser.come_in_by(liar)

    assert actor(browser).roles == (Role.AUDITOR,)


def test_the_secret_can_travel_in_the_form_where_nothing_else_is_taken(browser, liar):
    liar.discovery = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}

    assert browser.come_in_by(liar).status_code == 302

    [redeemed] = liar.asked(hostile.TOKEN)
    assert redeemed.form["client_id"] == hostile.CLIENT_ID
    assert redeemed.form["client_secret"] == hostile.CLIENT_SECRET
    assert "Authorization" not in redeemed.headers


@pytest.mark.parametrize("configured", ["", "/"], ids=["without", "with"])
@pytest.mark.parametrize("named", ["", "/"], ids=["without", "with"])
def test_a_slash_at_the_end_of_the_issuer_is_no_matter(browser, liar, settings, configured, named):
    settings.OIDC_ISSUER = liar.issuer + configured
    liar.discovery = liar.claims = {"iss": liar.issuer + named, "issuer": liar.issuer + named}

    assert browser.come_in_by(liar).status_code == 302


# Names --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("claims", "shown"),
    [
        ({"name": "Zoë O’Brien-Łukasik"}, "Zoë O’Brien-Łukasik"),
        ({"name": "<b>Maud</b> & {{ settings }}"}, "<b>Maud</b> & {{ settings }}"),
        ({"name": "王 秀英"}, "王 秀英"),
        ({"name": "Maud\r\n2026-01-01 INFO\0signed\u2028in"}, "Maud 2026-01-01 INFO signed in"),
        ({"name": "Maud \ud800Okonkwo"}, "Maud Okonkwo"),
        ({"name": "Maud \u202eowknokO"}, "Maud owknokO"),
        ({"name": "Maud\u00a0Okonkwo"}, "Maud Okonkwo"),
        ({"name": "M" * 300}, "M" * 255),
        ({"name": ""}, "maud.okonkwo@example.com"),
        ({"name": " \n"}, "maud.okonkwo@example.com"),
        ({"name": {"given": "Maud"}}, "maud.okonkwo@example.com"),
        ({"name": None, "preferred_username": "maud"}, "maud"),
        ({"name": None, "email": None}, "staff-2001"),
    ],
    ids=lambda value: ascii(value)[:30],
)
def test_a_name_is_shown_as_one_line_that_can_be_read(browser, liar, clubmed, claims, shown):
    liar.claims = claims

    assert browser.come_in_by(liar).status_code == 302

    assert signed_in_as(browser) == f"{shown}, agent"
    browser.private |= {shown}


def test_a_name_of_any_kind_can_be_turned_away(browser, liar):
    liar.claims = {"name": "<b>Maud</b> \ud800\0", "groups": []}

    answer = browser.come_in_by(liar)

    assert answer.status_code == 403
    assert "You are signed in as <b>Maud</b> ," in text(soup(answer))


def test_two_issuers_with_the_same_number_are_two_people(browser, liar, settings, clubmed):
    browser.come_in_by(liar)
    one, form = actor(browser), browser.form(EMAIL)
    with HostileProvider() as another:
        trust(another, settings)
        browser.come_in_by(another)
        two = actor(browser)

    answer = browser.post(EMAIL, form | {"value": "typed@example.com"})

    assert (one.sub, one.name) == (two.sub, two.name)
    assert one.key != two.key
    assert answer.status_code == 422
    assert "This form was not made for you" in text(soup(answer))
    assert clubmed.customers[TOM]["email"] == "tom@example.com"


def test_what_a_person_does_is_recorded_under_issuer_and_number(browser, liar, clubmed):
    browser.come_in_by(liar)

    browser.post(EMAIL, browser.form(EMAIL) | {"value": "new@example.com"})

    entry = Entry.objects.get()
    assert (entry.actor_issuer, entry.actor_sub) == (liar.issuer, "staff-2001")
    assert (entry.actor_name, entry.actor_roles) == ("Maud Okonkwo", "agent")
