"""The way in: the company's sign-in, honest and hostile, and the way out."""

import re
import time

import pytest

from crmadmin.demo.staff import BY_USERNAME
from crmadmin.sso.provider import _client
from crmadmin.sso.sessions import actor_of
from customers.access import Actor, Role
from customers.audit.models import AccessEvent, Colleague
from customers.services.bounds import BoundedSession
from tests import hostile_provider as hostile
from tests.conftest import TOM, soup, text
from tests.crmadmin.signing_in import PRIVATE, Browser, callback, query, trust
from tests.hostile_provider import HostileProvider, hashed_with, key, public, shared, signed_with
from tests.provider import sign_in

pytestmark = [pytest.mark.once, pytest.mark.usefixtures("fresh_client")]
EMAIL = f"/customers/{TOM}/fields/email/"
ELSEWHERE = (
    *("https://evil.example.com/", "//evil.example.com", "///evil.example.com"),
    *("/\\evil.example.com", "https://127.0.0.1@evil.example.com/", "javascript:alert(1)", ""),
)


def actor(browser):
    return actor_of(browser.session)


def signed_in_as(browser):
    """The name that the pages show, or None for nobody."""
    answer = browser.get("/")
    if answer.status_code == 302:
        assert answer["Location"] in ("/oidc/login/?next=%2F", "/signed-out/?next=%2F")
        return None
    return text(soup(answer).select(".topbar form.menu-list p")[-1])


def assert_refused(answer, browser, *, down=False):
    """A page in words, and nobody is signed in."""
    page = soup(answer)
    assert answer.status_code == (503 if down else 403)
    title = "The company's sign-in does not answer" if down else "Sign-in did not work"
    assert text(page.select_one("h1")) == title
    assert answer["X-Request-ID"] in text(page)
    assert page.select_one("a.btn")["href"].startswith("/oidc/login/")
    for secret in PRIVATE:
        assert secret not in answer.content.decode()
    assert_nobody(browser)


def assert_nobody(browser):
    assert signed_in_as(browser) is None
    assert browser.session.is_empty()


def assert_no_entry(answer, browser, name="Maud Okonkwo"):
    """Known to the company, but in no group of ours."""
    assert answer.status_code == 403
    assert "You have no access yet" in text(soup(answer))
    assert f"You are signed in as {name}" in text(soup(answer))
    assert_nobody(browser)


def sign_in_somehow(browser, provider):
    """The first page that comes: the sign-in may be refused before the provider is asked."""
    answer = browser.get("/oidc/login/")
    return answer if answer.status_code != 302 else browser.come_in_by(provider)


def each(what, wrong):
    """A case for each value: what of the provider it is laid over, and what is laid there."""
    return [(what, {name: value}) for name, values in wrong.items() for value in values]


# Who gets in --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("username", "role", "opens"),
    [
        ("ines.moreau", "agent", "/"),
        ("owen.whitfield", "agent", "/saves/"),
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


def test_a_person_without_a_group_loses_the_role_of_before(browser, liar):
    browser.come_in_by(liar)
    liar.claims = {"groups": ["another-desk"]}

    assert_no_entry(browser.come_in_by(liar), browser)


@pytest.mark.parametrize(
    ("groups", "roles", "reveals"),
    [
        ("crm-agents", [Role.AGENT], False),
        (["crm-agents", "crm-auditors", "another"], [Role.AGENT, Role.AUDITOR], False),
        (["crm-agents", 7, None, ["crm-supervisors"]], [Role.AGENT], False),
        (["crm-agents", "identity-officers"], [Role.AGENT], True),
        (["crm-auditors", "identity-officers"], [Role.AUDITOR], True),
        (["crm-supervisors"], [Role.SUPERVISOR], False),
    ],
)
def test_groups_become_roles_and_the_right_to_reveal(
    browser, liar, settings, groups, roles, reveals
):
    settings.REVEAL_GROUPS = frozenset({"identity-officers"})
    liar.claims = {"groups": groups}

    browser.come_in_by(liar)

    assert (list(actor(browser).roles), actor(browser).reveals) == (roles, reveals)


@pytest.mark.parametrize(
    "groups", [[], "", ["CRM-AGENTS"], "crm-agents,crm-auditors", [7], ["identity-officers"], None]
)
def test_groups_that_are_not_ours_or_only_reveal_or_are_nowhere_are_no_entry(
    browser, liar, settings, groups
):
    settings.REVEAL_GROUPS = frozenset({"identity-officers"})
    liar.discovery = {"userinfo_endpoint": None}
    liar.claims = {"groups": groups, "name": "<b>Maud</b> \ud800\0"}

    assert_no_entry(browser.come_in_by(liar), browser, "<b>Maud</b>")


# What is recorded of it ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("groups", "kind", "roles"),
    [
        (["crm-agents", "crm-auditors", "another"], "sign_in", "agent, auditor"),
        (["another"], "refused", ""),
    ],
)
def test_a_sign_in_and_a_refused_entry_are_recorded(browser, liar, groups, kind, roles):
    liar.claims = {"groups": groups}

    answer = browser.come_in_by(liar)

    event = AccessEvent.objects.get()
    assert (event.kind, event.actor_roles, event.actor_name) == (kind, roles, "Maud Okonkwo")
    assert (event.actor_issuer, event.actor_sub) == (liar.issuer, "staff-2001")
    assert event.request_id == answer["X-Request-ID"]
    assert Colleague.objects.filter(login=hostile.PERSON["email"]).exists() == bool(roles)


def test_whoever_may_not_come_in_is_noted_once_in_a_while(browser, liar, clock):
    liar.claims = {"groups": ["another"]}
    for minutes, times in ((0, 1), (9, 1), (11, 2)):
        clock(minutes)
        browser.come_in_by(liar)
        assert AccessEvent.objects.filter(kind="refused").count() == times


def test_a_sign_in_that_failed_is_nobodys(browser, liar):
    liar.answers[hostile.TOKEN] = (500, hostile.CODE.encode())
    browser.come_in_by(liar)
    browser.get(callback(error="access_denied"))

    assert not AccessEvent.objects.exists()


@pytest.mark.parametrize(
    ("answer", "claims", "cause"),
    [
        ((401, b'{"error": "invalid_client"}'), {}, "OAuthError invalid_client"),
        ((400, b'{"error": "%s"}' % hostile.CODE.encode()), {}, "OAuthError"),
        (None, {"iss": "https://id.example.com"}, "InvalidClaimError iss"),
    ],
)
def test_the_log_names_the_cause_of_a_failed_sign_in_by_a_code(
    browser, liar, caplog, answer, claims, cause
):
    liar.claims = claims
    if answer:
        liar.answers[hostile.TOKEN] = answer

    browser.come_in_by(liar)

    assert f"sign-in failed: {cause}" in [line[14:] for line in caplog.messages]


# What is asked of the provider --------------------------------------------------------------------


def test_the_request_carries_pkce_state_and_nonce_anew_each_time(browser, company):
    address = browser.to_provider()
    asked, again = query(address), query(browser.to_provider())

    assert address.startswith(f"{company.issuer}/")
    assert asked["response_type"] == "code"
    assert asked["client_id"] == company.client_id
    assert asked["redirect_uri"] == "http://127.0.0.1/oidc/callback/"
    assert asked["scope"].split() == ["openid", "profile", "email", "groups"]
    assert asked["code_challenge_method"] == "S256"
    assert re.fullmatch(r"[\w-]{43}", asked["code_challenge"])
    assert min(len(asked["state"]), len(asked["nonce"])) >= 20
    assert company.client_secret not in address
    assert not [name for name in ("state", "nonce", "code_challenge") if asked[name] == again[name]]


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


def test_the_secret_can_travel_in_the_form_where_nothing_else_is_taken(browser, liar):
    liar.discovery = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}

    assert browser.come_in_by(liar).status_code == 302

    [redeemed] = liar.asked(hostile.TOKEN)
    assert redeemed.form["client_id"] == hostile.CLIENT_ID
    assert redeemed.form["client_secret"] == hostile.CLIENT_SECRET
    assert "Authorization" not in redeemed.headers


# Where it leads -----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/customers/new/", f"{EMAIL}?from=profile", "/audit/?before=3"])
def test_a_person_comes_back_to_where_they_were_going(browser, company, path):
    sent_away = browser.get(path)
    asked = query(sent_away["Location"])

    assert sent_away["Location"].startswith("/oidc/login/?next=")
    assert browser.come_in("sana.elidrissi", asked["next"])["Location"] == path


@pytest.mark.parametrize("elsewhere", [*ELSEWHERE, f"/audit/?before={'9' * 3000}"])
def test_nobody_is_led_elsewhere_nor_to_an_endless_address(browser, liar, clubmed, elsewhere):
    assert browser.come_in_by(liar, elsewhere)["Location"] == "/"
    assert signed_in_as(browser) == "Maud Okonkwo, agent"


def test_after_a_failure_trying_again_still_leads_where_the_person_was_going(browser, liar):
    liar.answers[hostile.TOKEN] = (503, {})
    refused = browser.come_in_by(liar, "/customers/new/")
    assert_refused(refused, browser, down=True)
    del liar.answers[hostile.TOKEN]

    again = query(soup(refused).select_one("a.btn")["href"])
    assert again == {"next": "/customers/new/"}
    assert browser.come_in_by(liar, again["next"])["Location"] == "/customers/new/"


def test_an_auditor_who_comes_in_by_the_front_door_is_led_to_the_log(browser, company, clubmed):
    answer = browser.come_in("mei-ling.chao")

    assert answer["Location"] == "/audit/"
    assert browser.page("/audit/").select_one(".brand")["href"] == "/audit/"
    refused = browser.get("/customers/new/")
    assert refused.status_code == 403
    assert soup(refused).select_one("main p a")["href"] == "/audit/"


# The session --------------------------------------------------------------------------------------


def test_session_and_form_token_change_at_sign_in_and_tokens_are_encrypted(browser, liar, clubmed):
    browser.come_in_by(liar)
    browser.get("/saves/")
    before = {name: browser.cookies[name].value for name in ("crmadmin_session", "crmadmin_csrf")}
    liar.claims = {"sub": "staff-2002"}

    browser.come_in_by(liar)

    assert not [name for name, value in before.items() if browser.cookies[name].value == value]
    assert dict(browser.session.items()).keys() == {"own"}
    identity = browser.session.identity
    kept = {"id_token", "login", "refresh_token", "nonce", "groups_are_signed"}
    kept |= {"renew_at", "overdue_at"}
    assert identity.keys() == {"actor", "on", "browser", "end_session_origin"} | kept
    assert liar.issued[-1] not in browser.session.row.identity
    known = {"issuer", "sub", "name", "roles", "market", "sign_in", "reveals"}
    assert identity["actor"].keys() == known
    assert identity["actor"]["sign_in"] == ""


# A callback that is none --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    [
        {"state": None},
        {"state": ""},
        {"state": "another"},
        {"state": "\0"},
        {"state": None, "code": None},
        {"code": None},
        {"code": "made-up"},
        {"iss": None},
        {"iss": "https://id.example.com"},
        *({"code": None, "error": error} for error in ("access_denied", "login_required", "<i>")),
    ],
    ids=str,
)
def test_a_callback_with_a_wrong_or_missing_part_is_refused(browser, company, wrong):
    """A page without the provider's words."""
    asked = query(sign_in("ines.moreau", browser.to_provider()))
    honest = asked | {"error_description": "Inès Moreau"}
    answer = {name: value for name, value in (honest | wrong).items() if value is not None}

    assert_refused(browser.come_back(callback(**answer)), browser)


def test_a_callback_serves_once_and_opened_again_it_leads_on(browser, company, clubmed):
    address = sign_in("ines.moreau", browser.to_provider("/customers/new/"))
    assert browser.come_back(address).status_code == 302
    session = browser.cookies["crmadmin_session"].value

    assert browser.come_back(address)["Location"] == "/customers/new/"
    assert browser.come_back(callback(code="made-up", state="made-up"))["Location"] == "/"

    assert browser.cookies["crmadmin_session"].value == session
    browser.post("/oidc/logout/")
    answer = browser.come_back(address)
    assert_refused(answer, browser)
    again = soup(answer).select_one("a.btn")["href"]
    assert query(again) == {"next": "/customers/new/"}


def test_a_callback_is_of_no_use_in_another_browser(browser, company):
    address = sign_in("ines.moreau", browser.to_provider())
    thief = Browser()
    thief.to_provider()

    assert_refused(thief.come_back(address), thief)


def test_a_code_of_another_sign_in_is_refused(browser, company):
    """What an attacker's code does in a victim's browser: the verifier is not its own."""
    foreign = query(sign_in("sana.elidrissi", Browser().to_provider()))
    state = query(browser.to_provider())["state"]

    assert_refused(browser.come_back(callback(**foreign | {"state": state})), browser)


# A provider that is wrong -------------------------------------------------------------------------

NOW = int(time.time())
ISSUER = "https://id.example.com"
HTML = b"<!doctype html><title>Maud Okonkwo, have a nice day</title>"
PATHS = (hostile.DISCOVERY, hostile.KEYS, hostile.TOKEN, hostile.USERINFO)
ODD = [(200, content) for content in ([], "text", None, HTML, b"{", b"[" * 90_000)]
WRONG = {
    "claims": {
        "aud": ["another-client", ["another-client"], [], None, 7, ["crmadmin", "another-client"]],
        "azp": ["another-client"],
        "iss": [ISSUER, None, [ISSUER]],
        "exp": [NOW - 60, None, "tomorrow"],
        "iat": [NOW + 3600, None],
        "nbf": [NOW + 3600],
        "nonce": ["another-nonce", None, "", 7],
        "sub": [None, "", 7, ["staff-2001"], "staff\0-2001", "staff-\ud800", "x" * 256],
        "at_hash": ["of-another-token", 7],
        "groups": [7, {"crm-agents": True}, True],
    },
    "token": {
        "id_token": [None, ["a"], {}],
        "expires_in": ["soon", [300], -300],
        "access_token": [None],
        "token_type": ["mac", 7],
    },
    "discovery": {
        "issuer": [ISSUER, None, [ISSUER]],
        "authorization_endpoint": [None, 7],
        "token_endpoint": [None, "no address"],
        "jwks_uri": [None, "/keys"],
        "userinfo_endpoint": ["no address", 7],
        "end_session_endpoint": [7],
        "id_token_signing_alg_values_supported": [7, "RS256", ["HS256"], ["none"]],
        "token_endpoint_auth_methods_supported": [7],
        "scopes_supported": ["openid"],
        "claims_supported": ["auth_time", {"auth_time": True}],
        "authorization_response_iss_parameter_supported": ["yes", 1],
    },
    "answers": dict.fromkeys(PATHS, ODD),
    "userinfo": {"sub": ["staff-2002", None, ""]},
}
CASES = [case for what, wrong in WRONG.items() for case in each(what, wrong)]
CASES += [
    ("claims", {"aud": "another-client", "azp": "crmadmin"}),
    ("claims", {"aud": ["crmadmin", "another-client"], "azp": "another-client"}),
]


@pytest.mark.parametrize(("what", "wrong"), CASES)
def test_a_provider_with_one_wrong_thing_lets_nobody_in(browser, liar, what, wrong):
    """All that it says is asked for: the groups stand at userinfo, unless they are the thing."""
    liar.claims = {"groups": None}
    setattr(liar, what, wrong)

    answer = sign_in_somehow(browser, liar)

    assert liar.issued or what != "claims"
    assert_refused(answer, browser, down=answer.status_code == 503)


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


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forged_token_is_refused_whatever_discovery_offers(browser, liar, forgery):
    offered = ["none", "HS256", "RS256"]
    liar.discovery = {"id_token_signing_alg_values_supported": offered}
    liar.sign = FORGERIES[forgery]

    assert_refused(browser.come_in_by(liar), browser)


@pytest.mark.parametrize("offered", [["HS256"], ["RS256", "HS256"], ["none"]], ids=str)
def test_a_shared_secret_signs_nothing_even_if_it_is_published_as_a_key(browser, liar, offered):
    secret = b"a-shared-secret-of-thirty-two-bytes!"
    asked = query(browser.to_provider())
    liar.nonce = asked["nonce"]
    liar.discovery = {"id_token_signing_alg_values_supported": offered}
    liar.keys = [shared(secret)]
    liar.sign = hashed_with(secret)
    _client.cache_clear()  # as another worker does at the callback

    answer = browser.come_back(callback(code=hostile.CODE, state=asked["state"]))

    assert_refused(answer, browser)


# A provider that is out of order ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "status", "content", "down"),
    [
        (hostile.TOKEN, 400, {"error": "invalid_grant", "error_description": "Maud"}, False),
        (hostile.TOKEN, 401, {"error": "invalid_client"}, False),
        (hostile.TOKEN, 200, {"error": "server_error"}, False),
        (hostile.TOKEN, 400, HTML, True),
        (hostile.TOKEN, 503, {}, True),
        (hostile.USERINFO, 401, {}, True),
        *((path, 500, HTML, True) for path in PATHS),
        *((path, 404, HTML, True) for path in (hostile.KEYS, hostile.DISCOVERY)),
    ],
)
def test_an_error_status_is_a_page(browser, liar, path, status, content, down):
    liar.claims = {"groups": None}
    liar.answers[path] = (status, content)

    assert_refused(sign_in_somehow(browser, liar), browser, down=down)


@pytest.mark.parametrize("path", PATHS)
def test_a_provider_that_does_not_answer_in_time_is_down(browser, liar, path, monkeypatch):
    monkeypatch.setattr(BoundedSession, "seconds", 0.2)
    liar.claims = {"groups": None}
    liar.silent.add(path)

    assert_refused(sign_in_somehow(browser, liar), browser, down=True)


@pytest.mark.parametrize("when", ["before the sign-in", "during it"])
def test_a_provider_that_is_not_there_is_down(browser, liar, when):
    address = "/oidc/login/"
    if when == "during it":
        address = callback(code=hostile.CODE, state=query(browser.to_provider())["state"])
    liar.go_down()

    assert_refused(browser.get(address), browser, down=True)


@pytest.mark.parametrize(
    ("kept", "wrong"),
    [
        ("discovery", {"issuer": ISSUER}),
        ("discovery", {"jwks_uri": None}),
        ("discovery", {"token_endpoint": "http://127.0.0.1:9/"}),
        ("keys", []),
        ("keys", [public(key("other"), kid="first")]),
        ("keys", [public(key("other"), kid=None)]),
    ],
)
def test_a_provider_that_is_put_right_works_again_without_a_restart(
    browser, liar, clock, kept, wrong
):
    right = getattr(liar, kept)
    setattr(liar, kept, wrong)
    liar.sign = signed_with(key("first"))
    assert sign_in_somehow(browser, liar).status_code in (403, 503)

    setattr(liar, kept, right)
    clock(0.2)

    assert browser.come_in_by(liar).status_code == 302


def test_new_keys_work_without_a_restart_and_withdrawn_ones_no_more(browser, liar):
    assert browser.come_in_by(liar).status_code == 302
    liar.keys = [public(key("second"))]
    liar.sign = signed_with(key("second"))

    assert browser.come_in_by(liar).status_code == 302
    assert len(liar.asked(hostile.KEYS)) == 2
    browser.post("/oidc/logout/")
    liar.sign = signed_with(key("first"))
    assert_refused(browser.come_in_by(liar), browser)


def test_discovery_and_keys_are_read_once_whatever_strangers_send(browser, liar):
    browser.come_in_by(liar)
    for answer in ({}, {"error": "access_denied"}, {"code": "made-up", "state": "made-up"}):
        Browser().get(callback(**answer))
    for answer in ({}, {"error": "access_denied"}, {"code": "x", "iss": ISSUER}, {"iss": ISSUER}):
        stranger = Browser()
        state = query(stranger.to_provider())["state"]
        assert_refused(stranger.come_back(callback(**answer | {"state": state})), stranger)
    browser.come_in_by(liar)

    assert len(liar.asked(hostile.DISCOVERY)) == len(liar.asked(hostile.KEYS)) == 1


# What companies' providers differ in --------------------------------------------------------------


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"exp": -10, "iat": 10, "nbf": 10},  # seconds from now: the clocks differ a little
        {"aud": ["crmadmin", "another-client"], "azp": "crmadmin"},
    ],
    ids=["plain", "its clock", "for several"],
)
def test_an_honest_answer_gets_in(browser, liar, clubmed, claims):
    now = int(time.time())
    liar.claims = {name: now + one if isinstance(one, int) else one for name, one in claims.items()}

    assert browser.come_in_by(liar).status_code == 302
    assert signed_in_as(browser) == "Maud Okonkwo, agent"
    assert not liar.asked(hostile.USERINFO)


def test_groups_that_only_userinfo_knows_count_and_the_signed_claims_count_more(
    browser, liar, clubmed
):
    liar.claims = {"groups": None}
    liar.userinfo = {"groups": ["crm-supervisors"], "name": "Somebody Else", "iss": ISSUER}

    assert browser.come_in_by(liar).status_code == 302

    assert signed_in_as(browser) == "Maud Okonkwo, supervisor"
    assert actor(browser).issuer == liar.issuer
    [asked] = liar.asked(hostile.USERINFO)
    assert asked.headers["Authorization"] == f"Bearer {hostile.ACCESS_TOKEN}"


def test_the_groups_may_have_another_name(browser, liar, settings):
    settings.OIDC_GROUPS_CLAIM = "https://id.example.com/roles"
    liar.claims = {"groups": None, "https://id.example.com/roles": ["crm-auditors"]}

    browser.come_in_by(liar)

    assert actor(browser).roles == (Role.AUDITOR,)


@pytest.mark.parametrize(
    ("configured", "named", "status"),
    [("", "", 302), ("/", "/", 302), ("", "/", 403), ("/", "", 403)],
)
def test_the_issuer_is_named_to_the_letter(browser, liar, settings, configured, named, status):
    settings.OIDC_ISSUER = liar.issuer + configured
    liar.discovery = liar.claims = {"iss": liar.issuer + named, "issuer": liar.issuer + named}

    assert sign_in_somehow(browser, liar).status_code == status


# Names --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("claims", "shown"),
    [
        ({"name": "<b>Maud</b> & {{ settings }}"}, "<b>Maud</b> & {{ settings }}"),
        ({"name": "王 秀英"}, "王 秀英"),
        ({"name": "Maud\r\n2026-01-01 INFO\0signed\u2028in"}, "Maud 2026-01-01 INFO signed in"),
        ({"name": "Maud \ud800Okonkwo"}, "Maud Okonkwo"),
        ({"name": "M" * 300}, "M" * 255),
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


def test_two_issuers_with_the_same_number_are_two_people(browser, liar, settings, clubmed):
    browser.come_in_by(liar)
    one, form = actor(browser), browser.form(EMAIL)
    with HostileProvider() as another:
        trust(another, settings)
        browser.come_in_by(another)

    assert one.sub == actor(browser).sub
    assert browser.post(EMAIL, form | {"value": "typed@example.com"}).status_code == 422
    assert clubmed.customers[TOM]["email"] == "tom@example.com"
