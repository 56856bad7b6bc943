"""Where the token of a call comes from: our own account, or the signed-in person's sign-in."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qsl

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.utils import timezone

from crmadmin import apps
from crmadmin.sandbox.faults import Fault
from crmadmin.sso import sessions
from customers.audit.models import Credential, Entry, JournalLine
from customers.clubmed.errors import NoTokenError
from customers.clubmed.tokens import TokenEndpoint, parse_token
from customers.services import credentials
from customers.services.connection import client
from customers.services.read import read_profile
from tests.acts import CREATE, NEEDED
from tests.clubmed import calls
from tests.conftest import AGENT, HTMX, OTHER_AGENT, TOM, sent, signed_in, soup, text
from tests.crmadmin.signing_in import Browser
from tests.people import actor
from tests.wire import Drip, RawServer, answer

PROFILE = f"/customers/{TOM}/"
EDITOR = f"/customers/{TOM}/fields/email/"


def token(number, life=3600):
    """What the endpoint gives the first time, the second time ..."""
    given = {"access_token": f"token-{number}", "refresh_token": f"refresh-{number}"}
    return answer(200, given | {"token_type": "Bearer", "expires_in": life})


@pytest.fixture
def endpoint(clubmed):
    """A token endpoint, whose tokens are good at the sandbox."""
    clubmed.tokens.clear()
    clubmed.tokens |= {"token-1", "token-2", "token-3"}
    with RawServer(token(1), token(2), token(3)) as endpoint:
        yield endpoint


@pytest.fixture
def account(settings, endpoint, db):
    """Club Med is called with the token of our own account."""
    settings.CLUBMED_AUTH, settings.CLUBMED_TOKEN = "client_credentials", ""
    settings.CLUBMED_TOKEN_URL = endpoint.url
    settings.CLUBMED_CLIENT_ID, settings.CLUBMED_CLIENT_SECRET = "desk", "s3cret:&"
    client.cache_clear()
    return endpoint


def used(clubmed):
    return [request.headers["authorization"] for request in clubmed.requests]


def forms(endpoint):
    return [dict(parse_qsl(request.body.decode())) for request in endpoint.requests]


def read():
    return read_profile(TOM, actor=actor(AGENT))


def elsewhere(act, threads=1):
    """Do it in other threads, with connections of their own."""

    def in_a_thread(_):
        try:
            return act()
        finally:
            connection.close()

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(in_a_thread, range(threads), timeout=30))


# Our own account ------------------------------------------------------------------------------


def test_the_token_is_asked_for_once_and_serves_every_process_and_lies_encrypted(
    account, agent, clubmed
):
    agent.post(EDITOR, agent.form(EDITOR) | {"value": "new@example.com"}, headers=HTMX)
    client.cache_clear()  # as another worker
    read()

    assert set(used(clubmed)) == {"Bearer token-1"}
    assert Entry.objects.get().outcome == "applied"
    assert forms(account) == [{"grant_type": "client_credentials"}]
    [asked] = account.requests
    assert asked.headers["authorization"] == "Basic ZGVzazpzM2NyZXQlM0ElMjY="  # RFC 6749, 2.3.1
    [row] = Credential.objects.values_list("key", "encrypted")
    assert "token-1" not in "".join(row)


def test_it_is_renewed_before_it_expires(account, clubmed):
    account.answers[0] = token(1, life=0.4)
    read()
    time.sleep(0.32)  # the last quarter of its life
    read()

    assert used(clubmed) == ["Bearer token-1", "Bearer token-2"]


def test_a_rejected_one_is_renewed_once_and_the_write_repeated(account, agent, clubmed):
    form = agent.form(EDITOR) | {"value": "new@example.com"}
    clubmed.tokens.remove("token-1")

    answer = agent.post(EDITOR, form, headers=HTMX)

    assert answer.status_code == 200
    assert len(account.requests) == 2
    assert used(clubmed)[-2:] == ["Bearer token-2", "Bearer token-2"]
    assert clubmed.customers[TOM]["email"] == "new@example.com"


def test_one_that_is_always_rejected_is_told_and_no_loop(account, agent, clubmed):
    clubmed.tokens.clear()

    answer = agent.get(PROFILE)

    assert answer.status_code == 503
    assert "Club Med no longer accepts the key of this desk." in text(soup(answer))
    assert len(account.requests) == len(sent(clubmed, "GET")) == 2


@pytest.mark.parametrize("rejecting", ["GET", "PATCH"])
def test_a_rejected_one_that_cannot_be_renewed_now_is_no_lost_key(
    account, agent, clubmed, rejecting
):
    form = agent.form(EDITOR) | {"value": "new@example.com"}
    account.answers[:] = [answer(503)] * 2
    clubmed.faults.add(Fault("status", method=rejecting, status=401))

    told = agent.post(EDITOR, form, headers=HTMX)

    assert told.status_code == 503
    assert "Club Med does not answer." in text(soup(told))
    assert "new@example.com" in text(soup(told))
    assert clubmed.customers[TOM]["email"] == "tom@example.com"
    assert not JournalLine.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_many_at_once_renew_once(account, clubmed):
    def after_a_moment(connection):
        time.sleep(0.2)
        connection.sendall(token(1))

    account.answers[0] = after_a_moment

    assert len({one.get("email") for one in elsewhere(read, threads=12)}) == 1
    assert len(account.requests) == 1


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one lock for all rows")
@pytest.mark.django_db(transaction=True)
def test_a_token_that_is_still_good_serves_while_another_caller_renews_it(account, clubmed):
    read()
    row = Credential.objects.get()
    credentials._row(row.pk, replace(credentials._token_in(row), renew_at=0)).save()

    with transaction.atomic():
        Credential.objects.select_for_update().get()
        elsewhere(read)

    assert used(clubmed) == ["Bearer token-1"] * 2
    assert len(account.requests) == 1


@pytest.mark.once
@pytest.mark.parametrize(
    ("status", "body"), [(500, ""), (200, "<p>"), (200, {}), (401, {"error": "invalid_client"})]
)
def test_without_a_token_nothing_is_sent_and_the_text_is_kept(
    account, agent, clubmed, status, body
):
    form = agent.form(EDITOR)
    Credential.objects.all().delete()
    account.answers[:] = [answer(status, body)] * 2
    clubmed.requests.clear()

    told = agent.post(EDITOR, form | {"value": "new@example.com"}, headers=HTMX)

    assert told.status_code == 503
    sentence = "no longer accepts the key" if status == 401 else "Club Med does not answer."
    assert sentence in text(soup(told))
    assert "new@example.com" in text(soup(told))
    assert clubmed.requests == []
    assert not JournalLine.objects.exists()


@pytest.mark.once
@pytest.mark.parametrize("expires_in", [None, "", "soon", -5, 0, [], "3600"])
def test_an_odd_life_is_a_short_one(expires_in):
    token = parse_token({"access_token": "a", "expires_in": expires_in}, began=1000)

    assert token.expires_at == (4600 if expires_in == "3600" else 1300)
    assert 1000 < token.renew_at < token.expires_at


@pytest.mark.once
@pytest.mark.parametrize(
    "odd",
    [
        *(None, [], {}, {"access_token": "a", "token_type": "mac"}),
        *({"access_token": odd} for odd in ("", 5, "a b", "a\r\nx: y")),
    ],
)
def test_what_is_no_bearer_token_is_refused(odd):
    with pytest.raises(ValueError, match="token"):
        parse_token(odd, began=0)


HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: 52428800\r\n\r\n"
LARGE = HEAD + b" " * 52_428_800
SLOW_ANSWERS = {
    "silence": lambda connection: connection.recv(1),
    "dripped header": Drip(b"x-slow: " + b"x" * 1000, quick=b"HTTP/1.1 200 OK\r\n"),
    "dripped body": Drip(b" " * 1000, quick=HEAD),
    "50 MB": lambda connection: connection.sendall(LARGE),
    "HTML": b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n<html>",
    "redirect": answer(302, location="http://127.0.0.1:1/"),
}


@pytest.mark.once
@pytest.mark.parametrize("said", SLOW_ANSWERS.values(), ids=SLOW_ANSWERS)
def test_no_answer_of_a_token_endpoint_outlasts_the_call(said):
    class Source:
        def token(self, rejected=""):
            return TokenEndpoint(endpoint.url, "desk", "secret").fetch("client_credentials").access

    with RawServer(said) as endpoint, RawServer(answer(204)) as api:
        with pytest.raises(NoTokenError):
            calls.update(calls.client(api.url, tokens=Source(), deadline=1))

        assert api.requests == []
        assert len(endpoint.requests) == 1
        assert not getattr(said, "finished", threading.Event()).is_set()


# The person's own -----------------------------------------------------------------------------


@pytest.fixture
def employee(settings, endpoint, db):
    settings.CLUBMED_AUTH, settings.CLUBMED_TOKEN = "employee", ""
    settings.CLUBMED_TOKEN_URL = ""
    client.cache_clear()


@pytest.fixture
def come_in(employee, endpoint, clubmed):
    """Somebody signed in with that token."""

    def come_in(person, token, life=3600, refresh="refresh-0"):
        clubmed.tokens.add(token)
        browser = signed_in(person)
        answer = {"access_token": token, "expires_in": life, "refresh_token": refresh}
        handle = credentials.keep(answer, time.time(), endpoint.url, in_form=False)
        session = browser.session
        known = session.identity["actor"]
        session.renew(session.identity | {"actor": known | {"sign_in": handle}})
        return browser

    return come_in


def test_each_person_calls_with_their_own_token(come_in, endpoint, clubmed):
    come_in(AGENT, "ines-token").get(PROFILE)
    come_in(OTHER_AGENT, "owen-token").get(PROFILE)

    assert used(clubmed) == ["Bearer ines-token", "Bearer owen-token"]
    assert endpoint.requests == []


def test_it_is_refreshed_and_the_next_time_with_the_new_refresh_token(come_in, endpoint, clubmed):
    endpoint.answers[0] = token(1, life=0.1)
    agent = come_in(AGENT, "ines-token", life=0.1)
    for _ in range(2):
        time.sleep(0.1)
        agent.get(PROFILE)

    assert used(clubmed) == ["Bearer token-1", "Bearer token-2"]
    assert [form["refresh_token"] for form in forms(endpoint)] == ["refresh-0", "refresh-1"]


@pytest.mark.once
@pytest.mark.parametrize("refresh", ["refresh-0", None], ids=["refused", "none"])
@pytest.mark.parametrize(
    ("url", "typed"),
    [(EDITOR, {"value": "new@example.com"}), (CREATE, NEEDED | {"email": "new@example.com"})],
    ids=["edit", "create"],
)
def test_one_that_cannot_be_refreshed_asks_to_sign_in_again_and_keeps_the_text(
    come_in, endpoint, clubmed, refresh, url, typed
):
    agent = come_in(AGENT, "ines-token", refresh=refresh)
    form = agent.form(url) | typed
    clubmed.tokens.clear()
    endpoint.answers[:] = [answer(400, {"error": "invalid_grant"})]

    told = agent.post(url, form, headers=HTMX)

    page = soup(told)
    assert told.status_code in (401, 503)
    assert "new@example.com" in text(page)
    assert page.select_one("a[href*='/oidc/login/']")
    assert sent(clubmed, "PATCH") == sent(clubmed, "POST") == []
    assert not JournalLine.objects.exists()


def test_signing_out_takes_it_away(come_in):
    come_in(AGENT, "ines-token").post("/oidc/logout/")

    assert not Credential.objects.exists()


@pytest.mark.once
@pytest.mark.usefixtures("employee")
def test_the_background_needs_a_credential_of_its_own(settings):
    assert [one.id for one in apps.background_has_a_credential()] == ["crmadmin.W001"]
    with pytest.raises(CommandError, match="cannot be settled in the background"):
        call_command("reconcile")

    settings.CLUBMED_TOKEN = "service"
    assert apps.background_has_a_credential() == []
    call_command("reconcile")


def test_an_encrypted_token_is_good_in_its_own_row_alone(come_in, clubmed):
    come_in(AGENT, "ines-token")
    other = come_in(OTHER_AGENT, "owen-token")
    mine, theirs = Credential.objects.order_by("pk")
    Credential.objects.filter(pk=mine.pk).update(encrypted=theirs.encrypted)
    Credential.objects.filter(pk=theirs.pk).update(encrypted=mine.encrypted)

    assert other.get(PROFILE).status_code in (401, 503)
    assert clubmed.requests == []


@pytest.mark.once
@pytest.mark.usefixtures("employee", "company")
def test_a_real_sign_in_brings_it_and_a_second_one_replaces_it():
    browser = Browser()
    held = []
    for _ in range(2):
        browser.come_in("ines.moreau")
        row = Credential.objects.get(pk=sessions.actor_of(browser.session).sign_in)
        assert credentials.tokens_of(actor(AGENT)) is not None
        held.append(row.pk)

    assert held[0] != held[1]
    # Other tabs may still call with the former one, for a minute.
    former = Credential.objects.get(pk=held[0])
    assert former.ends_at <= timezone.now() + timedelta(minutes=1)


@pytest.mark.once
@pytest.mark.django_db
@pytest.mark.usefixtures("clubmed", "company")
def test_where_club_med_has_a_token_of_its_own_no_sign_in_is_kept():
    browser = Browser()
    browser.come_in("ines.moreau")

    assert not Credential.objects.exists()
    assert sessions.actor_of(browser.session).sign_in == ""
