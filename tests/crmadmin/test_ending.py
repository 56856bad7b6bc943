"""How a sign-in ends: by the person, by the company, and by time."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from django.db import connection
from django.test import Client

from crmadmin.models import Session
from crmadmin.sso.provider import _client
from crmadmin.sso.store import SessionStore
from customers.audit.models import Access, AccessEvent
from tests import hostile_provider as hostile
from tests.acts import CREATE, NEEDED
from tests.conftest import HTMX, soup, text
from tests.crmadmin.signing_in import Browser, query
from tests.hostile_provider import hashed_with, key, signed_with, unsigned

pytestmark = pytest.mark.usefixtures("fresh_client")
GATE = "/signed-out/?next=%2F"


@pytest.fixture
def leaving(liar):
    """One that ends its own session."""
    liar.discovery = {"end_session_endpoint": f"{liar.issuer}{hostile.END_SESSION}"}
    return liar


def sign_out(browser, **kwargs):
    return browser.post("/oidc/logout/", **kwargs)


def kinds():
    return [event.kind for event in AccessEvent.objects.order_by("id")]


# By the person ------------------------------------------------------------------------------------


def test_signing_out_ends_the_providers_session_too_and_comes_back(browser, leaving, clubmed):
    browser.come_in_by(leaving)

    answer = sign_out(browser)
    asked = query(answer["Location"])

    assert answer["Location"].startswith(f"{leaving.issuer}{hostile.END_SESSION}?")
    assert asked["id_token_hint"] == leaving.issued[-1]
    assert asked["client_id"] == hostile.CLIENT_ID
    assert asked["post_logout_redirect_uri"] == "http://127.0.0.1/signed-out/"
    assert answer["Clear-Site-Data"] == '"cache", "storage"'
    assert not Session.objects.exists()
    assert kinds() == ["sign_in", "sign_out"]
    back = browser.page("/signed-out/", data={"state": asked["state"]})
    assert "signed out of the company's sign-in, too" in text(back)
    browser.private |= {asked["state"], asked["id_token_hint"]}


@pytest.mark.once
def test_the_real_provider_leads_back(browser, company, clubmed):
    browser.come_in("ines.moreau")

    asked = query(sign_out(browser)["Location"])

    assert asked["post_logout_redirect_uri"] == "http://127.0.0.1/signed-out/"
    browser.private |= {asked["state"], asked["id_token_hint"]}


@pytest.mark.once
def test_htmx_has_the_browser_leave(browser, leaving, clubmed):
    browser.come_in_by(leaving)

    answer = sign_out(browser, headers=HTMX)

    assert answer["HX-Redirect"].startswith(f"{leaving.issuer}{hostile.END_SESSION}?")
    assert answer["Clear-Site-Data"] == '"cache", "storage"'


@pytest.mark.once
@pytest.mark.parametrize("endpoint", [None, "javascript:alert(1)"])
def test_where_the_provider_ends_no_session_the_page_says_what_stays_open(
    browser, liar, clubmed, endpoint
):
    liar.discovery = {"end_session_endpoint": endpoint}
    browser.come_in_by(liar)

    answer = sign_out(browser, follow=True)

    assert answer.redirect_chain == [("/signed-out/", 302)]
    assert "Your company session may still be open" in text(soup(answer))


@pytest.mark.once
def test_signing_out_works_while_the_provider_does_not(browser, leaving, clubmed):
    browser.come_in_by(leaving)
    leaving.go_down()
    _client.cache_clear()

    assert sign_out(browser)["Location"] == "/signed-out/"
    assert not Session.objects.exists()


@pytest.mark.once
def test_nothing_signs_in_again_without_a_click(browser, leaving, clubmed):
    browser.come_in_by(leaving)
    sign_out(browser)

    answer = browser.get("/customers/new/", follow=True)

    assert answer.redirect_chain == [("/signed-out/?next=%2Fcustomers%2Fnew%2F", 302)]
    button = soup(answer).select_one("a.btn")
    assert (text(button), button["href"]) == ("Sign in", "/oidc/login/?next=/customers/new/")
    assert browser.come_in_by(leaving, "/customers/new/")["Location"] == "/customers/new/"
    Session.objects.all().delete()
    assert browser.get("/")["Location"] == "/oidc/login/?next=%2F"


@pytest.mark.once
def test_an_id_token_that_fits_into_no_address_stays_out_of_it(browser, leaving, clubmed):
    leaving.claims = {"groups": ["crm-agents", *(f"group-{number}" for number in range(500))]}
    browser.come_in_by(leaving)

    asked = query(sign_out(browser)["Location"])

    assert "id_token_hint" not in asked
    assert asked["client_id"] == hostile.CLIENT_ID


@pytest.mark.once
def test_somebody_without_access_signs_out_at_the_provider(browser, leaving):
    leaving.claims = {"groups": ["another-desk"]}
    page = soup(browser.come_in_by(leaving))
    form = page.select_one("form[action='/oidc/logout/']")
    fields = {field["name"]: field["value"] for field in form.select("input")}

    asked = query(browser.post("/oidc/logout/", fields)["Location"])

    assert asked["id_token_hint"] == leaving.issued[-1]
    assert text(form.select_one("button")) == "Sign out"


# By the company -----------------------------------------------------------------------------------


def tell(provider, client=None, **claims):
    """The provider's own call: it has no cookie of ours, and no token of a form."""
    client = client or Client(SERVER_NAME="127.0.0.1", enforce_csrf_checks=True)
    return client.post(
        "/oidc/backchannel-logout/", {"logout_token": provider.logout_token(**claims)}
    )


def come_in(provider, sid):
    browser = Browser()
    provider.claims = {"sid": sid}
    browser.come_in_by(provider)
    provider.claims = {}
    return browser


@pytest.mark.parametrize(
    ("claims", "still"),
    [
        ({"sub": None, "sid": "one"}, {"two", ""}),
        ({"sid": "one"}, {"two"}),  # one without a sid cannot be told from it
        ({"sid": None}, set()),
        ({"sub": "staff-2002"}, {"one", "two", ""}),
        ({"sub": None, "sid": "three"}, {"one", "two", ""}),
    ],
)
def test_the_provider_ends_the_sessions_that_it_names(
    db, liar, clubmed, claims, still, django_assert_max_num_queries
):
    browsers = {sid: come_in(liar, sid or None) for sid in ("one", "two", "")}

    with django_assert_max_num_queries(20):
        answer = tell(liar, **claims)

    assert (answer.status_code, answer["Cache-Control"]) == (200, "no-store")
    assert {sid for sid, browser in browsers.items() if browser.actor} == still
    ended = AccessEvent.objects.filter(kind=Access.ENDED)
    assert [event.actor_name for event in ended] == ["Maud Okonkwo"] * (3 - len(still))


SIGNED = {
    "another key": signed_with(key("other"), kid="first"),
    "an unknown key": signed_with(key("other")),
    "no signature": unsigned,
    "a shared secret": hashed_with(hostile.CLIENT_SECRET.encode()),
    "no token": lambda claims: "not.a.token",
    "empty": lambda claims: "",
}


@pytest.mark.once
@pytest.mark.parametrize("claims", hostile.BAD_LOGOUTS)
def test_a_bad_logout_token_ends_nothing(db, liar, clubmed, claims):
    browser = come_in(liar, "one")

    answer = tell(liar, **claims)

    assert (answer.status_code, answer["Cache-Control"]) == (400, "no-store")
    assert browser.actor


@pytest.mark.once
@pytest.mark.parametrize("sign", SIGNED)
def test_a_logout_token_that_the_provider_did_not_sign_ends_nothing(db, liar, clubmed, sign):
    browser = come_in(liar, "one")
    liar.sign = SIGNED[sign]

    assert tell(liar).status_code == 400
    assert browser.actor


@pytest.mark.once
def test_an_id_token_is_no_logout_token_and_a_get_is_no_call(db, liar, clubmed):
    browser = come_in(liar, "one")
    client = Client(SERVER_NAME="127.0.0.1")

    for fields in ({"logout_token": liar.issued[-1]}, {}):
        assert client.post("/oidc/backchannel-logout/", fields).status_code == 400
    assert client.get("/oidc/backchannel-logout/").status_code == 405
    assert browser.actor


@pytest.mark.once
@pytest.mark.parametrize(
    ("typ", "status"), [("logout+jwt", 200), ("Logout+JWT", 200), ("JWT", 200), ("at+jwt", 400)]
)
def test_a_logout_token_names_its_type_or_none(db, liar, clubmed, typ, status):
    browser = come_in(liar, "one")
    liar.sign = signed_with(key("first"), typ=typ)

    assert tell(liar).status_code == status
    assert bool(browser.actor) == (status == 400)


@pytest.mark.django_db(transaction=True)
def test_a_logout_token_is_good_once_in_whichever_worker(liar, clubmed):
    come_in(liar, "one")
    token = {"logout_token": liar.logout_token()}

    def send(_):
        try:
            client = Client(SERVER_NAME="127.0.0.1")
            return client.post("/oidc/backchannel-logout/", token).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as workers:
        assert sorted(workers.map(send, range(4))) == [200, 400, 400, 400]
    assert not Session.objects.exists()


# By time ------------------------------------------------------------------------------------------


@pytest.fixture
def calm(settings):
    """Nobody asks the company again."""
    settings.SESSION_RENEW_MINUTES = 10_000


def test_a_sign_in_ends_after_its_hours_however_much_is_done(browser, liar, clubmed, clock, calm):
    browser.come_in_by(liar)
    assert browser.cookies["crmadmin_session"]["max-age"] > 24 * 60 * 60, "it comes back to be told"
    for minutes in range(0, 600, 50):
        clock(minutes)
        assert browser.get("/").status_code == 200
    clock(601)

    assert browser.get("/")["Location"] == "/oidc/login/?next=%2F"
    assert kinds() == ["sign_in", "expired"]


def test_a_sign_in_ends_after_an_idle_hour(browser, liar, clubmed, clock, calm):
    browser.come_in_by(liar)
    form = browser.form(CREATE) | NEEDED
    for minutes in (59, 118):
        clock(minutes)
        assert browser.get("/").status_code == 200
    clock(179)
    assert "is there again once you sign in" in text(soup(browser.post(CREATE, form)))
    clock(180)
    assert browser.get("/").status_code == 302
    assert kinds() == ["sign_in", "expired"]
    browser.come_in_by(liar)
    assert browser.page(CREATE).select_one("[name=last_name]")["value"] == "Durand"


@pytest.mark.once
def test_what_a_page_asks_for_by_itself_is_no_work(browser, liar, clubmed, clock, calm):
    browser.come_in_by(liar)
    clock(50)
    assert browser.get("/", headers=HTMX | {"X-Background": "true"}).status_code == 200
    clock(61)

    assert browser.get("/").status_code == 302


# Whoever was away is asked for by the company -----------------------------------------------------


def to_provider(browser, path="/"):
    """What a page has the provider asked, the redirects followed."""
    place = browser.get(path)["Location"]
    asked = query(browser.get(place)["Location"])
    browser.private |= {asked[name] for name in ("state", "nonce")}
    return asked


@pytest.mark.once
@pytest.mark.parametrize("pages_at", [[], range(50, 600, 50)], ids=["idle", "after its hours"])
def test_whoever_was_away_shows_the_company_that_they_are_there(
    browser, liar, clubmed, clock, calm, pages_at
):
    liar.claims = {"auth_time": None}  # it is asked for only after an end
    browser.come_in_by(liar)
    for minutes in pages_at:
        clock(minutes)
        assert browser.get("/").status_code == 200
    late = Browser()  # a tab that asks at the same moment, with the same cookies
    late.cookies = browser.cookies.__class__(browser.cookies.output(header="", sep=";"))
    clock(620 if pages_at else 80)

    for tab in (browser, browser, late):
        asked = to_provider(tab)
        assert 1190 < int(asked["max_age"]) < 1202  # seconds since the end
        assert "prompt" not in asked
    assert kinds() == ["sign_in", "expired"]
    liar.claims = {}
    assert browser.come_in_by(liar, "/customers/new/")["Location"] == "/customers/new/"
    assert "max_age" not in query(browser.to_provider())


@pytest.mark.once
@pytest.mark.parametrize("auth_time", [None, -21 * 60 - 31, 31, "soon", float("nan"), [0]])
def test_a_provider_that_did_not_ask_them_lets_nobody_in(
    browser, liar, clubmed, clock, calm, auth_time
):
    liar.discovery = {"claims_supported": ["sub", "auth_time"]}
    browser.come_in_by(liar)
    clock(80)
    at = auth_time if not isinstance(auth_time, int) else time.time() + auth_time
    liar.claims = {"auth_time": at}
    browser.get("/")

    answer = browser.come_in_by(liar)

    assert answer.status_code == 403
    if not isinstance(auth_time, str | list):  # that is no answer at all
        assert "The company's sign-in did not check who you are" in text(soup(answer))
        assert kinds() == ["sign_in", "expired", "sign_in_failed"]
    assert browser.actor is None
    liar.claims = {}
    assert browser.come_in_by(liar).status_code == 302


@pytest.mark.once
@pytest.mark.parametrize("told", [{}, {"claims_supported": None}], ids=["nothing", "null"])
def test_a_provider_that_never_says_when_it_asked_somebody_is_believed(
    browser, liar, clubmed, clock, calm, caplog, told
):
    honest = requests.get(f"{liar.issuer}{hostile.DISCOVERY}").json()
    liar.answers[hostile.DISCOVERY] = (200, honest | told)
    browser.come_in_by(liar)
    clock(80)
    liar.claims = {"auth_time": None}
    browser.get("/")

    assert browser.come_in_by(liar).status_code == 302

    assert kinds() == ["sign_in", "expired", "sign_in"]
    assert "its id_token has no auth_time" in caplog.text


def test_after_a_sign_out_and_after_an_end_by_somebody_too(browser, liar, clubmed, clock, calm):
    browser.come_in_by(liar)
    sign_out(browser)
    clock(2)

    asked = query(browser.to_provider())

    assert (asked["max_age"], asked["prompt"]) == ("300", "login")
    liar.claims = {"auth_time": int(time.time()) - 200}  # recent, and before the sign-out
    assert browser.come_in_by(liar).status_code == 403
    liar.claims = {}
    browser.come_in_by(liar)
    Session.objects.update(was_ended=True)
    assert browser.get("/").status_code == 401
    asked = query(browser.to_provider())
    assert (asked["max_age"], asked.get("prompt")) == ("300", None)


def test_of_an_ended_session_an_empty_row_stays_while_a_browser_has_its_key(
    browser, liar, clubmed, clock, calm
):
    browser.come_in_by(liar)
    clock(80)
    SessionStore.clear_expired()

    row = Session.objects.get()
    assert (row.identity, row.content) == ("", "")
    assert "max_age" in to_provider(browser)
    clock((10 + 24) * 60 + 1)
    SessionStore.clear_expired()
    assert not Session.objects.exists()
    assert kinds() == ["sign_in", "expired"]


@pytest.mark.once
def test_a_note_of_the_end_that_is_not_ours_asks_nothing(browser, liar):
    browser.cookies["crmadmin_ended"] = "1"

    assert "max_age" not in query(browser.to_provider())
