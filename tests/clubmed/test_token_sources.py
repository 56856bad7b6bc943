"""Where the token of a call comes from: our own account, or the signed-in person's sign-in."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from crmadmin import checks
from customers.audit.models import Credential, Entry, JournalLine
from customers.clubmed.errors import NoTokenError
from customers.clubmed.tokens import TokenEndpoint, parse_token
from customers.services import credentials
from customers.services.connection import client
from customers.services.read import read_profile
from tests.clubmed import calls
from tests.conftest import AGENT, HTMX, OTHER_AGENT, TOM, sent, signed_in, soup, text
from tests.crmadmin.signing_in import Browser
from tests.people import actor
from tests.wire import Drip, RawServer, answer

EDITOR = f"/customers/{TOM}/fields/email/"


class Provider:
    """Gives token-1, token-2, ... which are good at the sandbox; `answer` says otherwise."""

    def __init__(self, sandbox):
        self.sandbox = sandbox
        self.forms = []
        self.accounts = []
        self.life = 3600
        self.answer = None  # (status, body)
        self.pause = 0
        self.is_good = True  # does Club Med take what it gives?
        self.lock = threading.Lock()
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"])).decode()
                status, said = endpoint.said(self.headers.get("authorization"), body)
                self.send_response(status)
                self.end_headers()
                self.wfile.write(said)

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/token"

    def said(self, account, body):
        with self.lock:
            self.accounts.append(account)
            self.forms.append({key: value[0] for key, value in parse_qs(body).items()})
            number = len(self.forms)
        time.sleep(self.pause)
        if self.answer:
            return self.answer[0], self.answer[1].encode()
        if self.is_good:
            self.sandbox.tokens.add(f"token-{number}")
        given = {"access_token": f"token-{number}", "token_type": "Bearer", "expires_in": self.life}
        given["refresh_token"] = f"refresh-{number}"
        return 200, json.dumps(given).encode()


@pytest.fixture
def endpoint(clubmed):
    endpoint = Provider(clubmed)
    thread = threading.Thread(target=endpoint.server.serve_forever, args=(0.01,))
    thread.start()
    yield endpoint
    endpoint.server.shutdown()
    endpoint.server.server_close()
    thread.join()


@pytest.fixture
def account(settings, clubmed, endpoint):
    """Club Med is called with the token of our own account."""
    settings.CLUBMED_AUTH, settings.CLUBMED_TOKEN = "client_credentials", ""
    settings.CLUBMED_TOKEN_URL = endpoint.url
    settings.CLUBMED_CLIENT_ID, settings.CLUBMED_CLIENT_SECRET = "desk", "s3cret:&"
    clubmed.tokens.clear()
    client.cache_clear()
    return endpoint


def used(clubmed):
    return [request.headers["authorization"] for request in clubmed.requests]


def read():
    return read_profile(TOM, actor=actor(AGENT))


# Our own account ------------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_token_is_asked_for_once_and_serves_every_process(account, agent, clubmed):
    agent.post(EDITOR, agent.form(EDITOR) | {"value": "new@example.com"}, headers=HTMX)
    client.cache_clear()  # as another worker
    read()

    assert set(used(clubmed)) == {"Bearer token-1"}
    assert Entry.objects.get().outcome == "applied"
    assert account.forms == [{"grant_type": "client_credentials"}]
    assert account.accounts == ["Basic ZGVzazpzM2NyZXQlM0ElMjY="]  # RFC 6749, 2.3.1


@pytest.mark.django_db
def test_it_lies_sealed(account):
    read()

    [row] = Credential.objects.values_list("key", "encrypted")
    assert "token-1" not in "".join(row)


@pytest.mark.django_db
def test_it_is_renewed_before_it_expires(account, clubmed):
    account.life = 0.4
    read()
    time.sleep(0.32)  # the last quarter of its life
    read()

    assert used(clubmed) == ["Bearer token-1", "Bearer token-2"]


@pytest.mark.django_db
def test_a_rejected_one_is_renewed_once_and_the_write_repeated(account, agent, clubmed):
    form = agent.form(EDITOR) | {"value": "new@example.com"}
    clubmed.tokens.clear()

    answer = agent.post(EDITOR, form, headers=HTMX)

    assert answer.status_code == 200
    assert len(account.forms) == 2
    assert used(clubmed)[-2:] == ["Bearer token-2", "Bearer token-2"]
    assert clubmed.customers[TOM]["email"] == "new@example.com"


@pytest.mark.django_db
def test_one_that_is_always_rejected_is_told_and_no_loop(account, agent, clubmed):
    account.is_good = False

    answer = agent.get(f"/customers/{TOM}/")

    assert answer.status_code == 503
    assert "Club Med no longer accepts the key of this desk." in text(soup(answer))
    assert len(account.forms) <= 2
    assert len(sent(clubmed, "GET")) == 2


@pytest.mark.django_db(transaction=True)
def test_many_at_once_renew_once(account, clubmed):
    account.pause = 0.2

    def look(_):
        try:
            return read().get("email")
        finally:
            connection.close()

    with ThreadPoolExecutor(12) as pool:
        assert len(set(pool.map(look, range(12)))) == 1

    assert len(account.forms) == 1


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one lock for all rows")
@pytest.mark.django_db(transaction=True)
def test_a_token_that_is_still_good_serves_while_another_caller_renews_it(account, clubmed):
    read()
    row = Credential.objects.get()
    token = credentials._token_in(row)
    credentials._row(row.pk, replace(token, renew_at=0)).save()

    def read_elsewhere():
        try:
            read()
        finally:
            connection.close()

    with transaction.atomic(), ThreadPoolExecutor(1) as pool:
        Credential.objects.select_for_update().get()
        pool.submit(read_elsewhere).result(10)

    assert used(clubmed) == ["Bearer token-1"] * 2
    assert len(account.forms) == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    "said", [(500, ""), (200, "<p>"), (200, "{}"), (401, '{"error": "invalid_client"}')]
)
def test_without_a_token_nothing_is_sent_and_the_text_is_kept(account, agent, clubmed, said):
    form = agent.form(EDITOR)
    Credential.objects.all().delete()
    account.answer = said
    clubmed.requests.clear()

    answer = agent.post(EDITOR, form | {"value": "new@example.com"}, headers=HTMX)

    assert answer.status_code == 503
    told = "no longer accepts the key" if said[0] == 401 else "No connection to Club Med."
    assert told in text(soup(answer))
    assert "new@example.com" in text(soup(answer))
    assert clubmed.requests == []
    assert not JournalLine.objects.exists()


@pytest.mark.parametrize("expires_in", [None, "", "soon", -5, 0, True, [], 1e400, "3600"])
def test_an_odd_life_is_a_short_one(expires_in):
    token = parse_token({"access_token": "a", "expires_in": expires_in}, began=1000)

    assert token.expires_at == (4600 if expires_in == "3600" else 1300)
    assert 1000 < token.renew_at < token.expires_at


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


@pytest.mark.parametrize("said", SLOW_ANSWERS.values(), ids=SLOW_ANSWERS)
def test_no_answer_of_a_token_endpoint_outlasts_the_call(said):
    class Source:
        def token(self, rejected=""):
            return TokenEndpoint(endpoint.url, "desk", "secret").fetch("client_credentials").access

    with RawServer(said) as endpoint, RawServer(answer(204)) as api:
        with pytest.raises(NoTokenError):
            calls.client(api.url, tokens=Source(), deadline=1).update_profile(TOM, {"email": None})

        assert api.requests == []
        assert len(endpoint.requests) == 1
        assert not getattr(said, "finished", threading.Event()).is_set()


# The person's own -----------------------------------------------------------------------------


@pytest.fixture
def employee(settings, clubmed):
    settings.CLUBMED_AUTH, settings.CLUBMED_TOKEN = "employee", ""
    settings.CLUBMED_TOKEN_URL = ""
    clubmed.tokens.clear()
    client.cache_clear()


def come_in(person, endpoint, token, life=3600, refresh="refresh-0"):
    """Somebody signed in with that token."""
    endpoint.sandbox.tokens.add(token)
    client = signed_in(person)
    answer = {"access_token": token, "expires_in": life, "refresh_token": refresh}
    session = SessionStore(client.cookies["sessionid"].value)
    session["person"] |= {
        "sign_in": credentials.keep(answer, time.time(), endpoint.url, in_form=False)
    }
    session.save()
    return client


@pytest.mark.django_db
def test_each_person_calls_with_their_own_token(employee, endpoint, clubmed):
    for person, token in ((AGENT, "ines-token"), (OTHER_AGENT, "owen-token")):
        come_in(person, endpoint, token).get(f"/customers/{TOM}/")

    assert used(clubmed) == ["Bearer ines-token", "Bearer owen-token"]
    assert endpoint.forms == []


@pytest.mark.django_db
def test_it_is_refreshed_and_the_next_time_with_the_new_refresh_token(employee, endpoint, clubmed):
    agent = come_in(AGENT, endpoint, "ines-token", life=0.1)
    time.sleep(0.1)
    endpoint.life = 0.1

    agent.get(f"/customers/{TOM}/")
    time.sleep(0.1)
    agent.get(f"/customers/{TOM}/")

    assert used(clubmed) == ["Bearer token-1", "Bearer token-2"]
    assert [form["refresh_token"] for form in endpoint.forms] == ["refresh-0", "refresh-1"]


@pytest.mark.django_db
@pytest.mark.parametrize("refresh", ["refresh-0", None], ids=["refused", "none"])
def test_one_that_cannot_be_refreshed_asks_to_sign_in_again_and_keeps_the_text(
    employee, endpoint, clubmed, refresh
):
    agent = come_in(AGENT, endpoint, "ines-token", refresh=refresh)
    form = agent.form(EDITOR) | {"value": "new@example.com"}
    clubmed.tokens.clear()
    clubmed.requests.clear()
    endpoint.answer = (400, '{"error": "invalid_grant"}')

    answer = agent.post(EDITOR, form, headers=HTMX)

    page = soup(answer)
    assert answer.status_code in (401, 503)
    assert "new@example.com" in text(page)
    assert page.select_one("a[href*='/oidc/login/']")
    assert sent(clubmed, "PATCH") == []
    assert not JournalLine.objects.exists()


@pytest.mark.django_db
def test_signing_out_takes_it_away(employee, endpoint):
    agent = come_in(AGENT, endpoint, "ines-token")
    agent.post("/oidc/logout/")

    assert not Credential.objects.exists()


@pytest.mark.django_db
def test_the_background_needs_a_credential_of_its_own(employee, settings):
    assert [one.id for one in checks.background_has_a_credential()] == ["crmadmin.W001"]
    with pytest.raises(CommandError, match="cannot be settled in the background"):
        call_command("reconcile")

    settings.CLUBMED_TOKEN = "service"
    assert checks.background_has_a_credential() == []
    call_command("reconcile")


@pytest.mark.django_db
def test_nobody_elses_row_gives_a_token(employee, endpoint, clubmed):
    """A sealed token is good in its own row alone."""
    come_in(AGENT, endpoint, "ines-token")
    other = come_in(OTHER_AGENT, endpoint, "owen-token")
    mine, theirs = Credential.objects.order_by("pk")
    Credential.objects.filter(pk=mine.pk).update(encrypted=theirs.encrypted)
    Credential.objects.filter(pk=theirs.pk).update(encrypted=mine.encrypted)

    assert other.get(f"/customers/{TOM}/").status_code in (401, 503)
    assert clubmed.requests == []


@pytest.mark.django_db
@pytest.mark.usefixtures("employee", "company")
def test_a_real_sign_in_brings_it_and_a_second_one_replaces_it():
    browser = Browser()
    browser.come_in("ines.moreau")
    [first] = Credential.objects.all()
    assert first.pk == browser.session["person"]["sign_in"]
    assert credentials.tokens_of(actor(AGENT)) is not None

    browser.come_in("ines.moreau")

    [second] = Credential.objects.all()
    assert second.pk == browser.session["person"]["sign_in"] != first.pk


@pytest.mark.django_db
@pytest.mark.usefixtures("clubmed", "company")
def test_where_club_med_has_a_token_of_its_own_no_sign_in_is_kept():
    browser = Browser()
    browser.come_in("ines.moreau")

    assert not Credential.objects.exists()
    assert "sign_in" not in browser.session["person"]
