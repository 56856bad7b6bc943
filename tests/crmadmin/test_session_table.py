"""The table of sessions opens nothing to who reads or writes it, and a stranger fills no table."""

import base64
import json
import re
from datetime import timedelta
from uuid import UUID

import pytest
from cryptography.fernet import Fernet
from django.core import signing
from django.db import connection
from django.http import QueryDict
from django.test import override_settings
from django.utils import timezone

from crmadmin.models import Session
from crmadmin.sso.sessions import actor_of
from crmadmin.sso.store import SessionStore
from customers.audit.models import Remembered
from customers.services.session_encryption import digest, encrypt_for_session
from customers.session import remember_search
from tests import stored
from tests.acts import CONTACT, EMAIL, all_patterns, sign_in_again
from tests.conftest import AGENT, HTMX, TOM, Desk, signed_in, soup, text
from tests.crmadmin.signing_in import Browser, callback, query
from tests.provider import sign_in

MINE = "m" * 32  # a cookie's value of the thief's own choice
COLUMNS = [field.attname for field in Session._meta.fields]
SUPERVISOR_TO_BE = {
    "actor": {"issuer": "i", "sub": "s", "name": "n", "roles": ["supervisor"], "reveals": True}
}


def whole(row, **others):
    return {name: getattr(row, name) for name in COLUMNS} | others


def written(row):
    """A row as somebody writes it into the table."""
    Session.objects.filter(pk=row["key_digest"]).delete()
    Session.objects.create(**row)


# Each gets the thief's own row and that of a supervisor, and returns the cookie to come with.
def take_the_digest_for_the_key(mine, theirs):
    return theirs.key_digest


def copy_who_they_are(mine, theirs):
    written(whole(mine, identity=theirs.identity))


def copy_all_that_is_encrypted(mine, theirs):
    written(whole(mine, identity=theirs.identity, content=theirs.content))


def copy_all_but_the_key(mine, theirs):
    written(whole(theirs, key_digest=mine.key_digest))


def copy_it_under_a_key_of_ones_own(mine, theirs):
    written(whole(theirs, key_digest=digest(MINE)))
    return MINE


def move_it_under_a_key_of_ones_own(mine, theirs):
    Session.objects.filter(pk=theirs.pk).update(key_digest=digest(MINE))
    return MINE


def copy_it_with_content_of_ones_own(mine, theirs):
    written(whole(theirs, key_digest=mine.key_digest, content=mine.content))


def take_on_their_number(mine, theirs):
    written(whole(mine, person=theirs.person))


def take_on_their_number_and_times(mine, theirs):
    other = {name: getattr(theirs, name) for name in ("person", "sid_digest", "began", "ends_at")}
    written(whole(mine, **other))


def write_it_in_clear(mine, theirs):
    written(whole(mine, identity=json.dumps(SUPERVISOR_TO_BE)))


def sign_it_with_a_key_of_ones_own(mine, theirs):
    written(whole(mine, identity=signing.dumps(SUPERVISOR_TO_BE, key="guessed")))


def encrypt_it_with_a_key_of_ones_own(mine, theirs):
    key = Fernet(base64.urlsafe_b64encode(b"k" * 32))
    written(whole(mine, identity=key.encrypt(json.dumps(SUPERVISOR_TO_BE).encode()).decode()))


def encrypt_it_with_a_guessed_secret(mine, theirs):
    with override_settings(SECRET_KEY="django-insecure-guess", SECRET_KEY_FALLBACKS=[]):
        mine.set_identity(SUPERVISOR_TO_BE)
    written(whole(mine))


def put_what_is_encrypted_elsewhere_in_its_place(mine, theirs):
    """A text that the product encrypts for whoever types it, such as a search."""
    written(whole(mine, identity=encrypt_for_session(SUPERVISOR_TO_BE, bound_to="search 1 2")))


def write_what_is_no_ascii(mine, theirs):
    written(whole(mine, identity="é" * 200, content="é" * 200))


def leave_it_empty(mine, theirs):
    written(whole(mine, identity="", content=""))


@pytest.mark.parametrize(
    "theft",
    [
        *(take_the_digest_for_the_key, copy_who_they_are, copy_all_that_is_encrypted),
        *(copy_all_but_the_key, copy_it_under_a_key_of_ones_own, move_it_under_a_key_of_ones_own),
        *(copy_it_with_content_of_ones_own, take_on_their_number, take_on_their_number_and_times),
        *(write_it_in_clear, sign_it_with_a_key_of_ones_own, encrypt_it_with_a_key_of_ones_own),
        *(encrypt_it_with_a_guessed_secret, put_what_is_encrypted_elsewhere_in_its_place),
        *(write_what_is_no_ascii, leave_it_empty),
    ],
    ids=lambda theft: theft.__name__,
)
def test_without_the_secret_key_the_table_makes_nobody_somebody_else(agent, supervisor, theft):
    thief = actor_of(agent.session)
    theirs = supervisor.cookies["crmadmin_session"].value
    assert signed_in(AGENT).get("/audit/").status_code == 403

    key = theft(agent.session.row, supervisor.session.row)

    agent.cookies["crmadmin_session"] = key or agent.cookies["crmadmin_session"].value
    assert actor_of(agent.session) in (None, thief)
    assert agent.get("/audit/").status_code in (302, 403)
    # Nor does the supervisor become the thief.
    assert actor_of(SessionStore(theirs)) != thief


def test_nothing_that_is_stored_is_a_cookies_value_or_says_who_works(agent, company):
    browser = Browser()
    browser.come_in("sana.elidrissi")
    agent.post("/", {"q": "Smith"})
    agent.get(f"/customers/{TOM}/")
    secrets = {person.cookies["crmadmin_session"].value for person in (agent, browser)}
    secrets |= {person.session["own"] for person in (agent, browser)}
    secrets |= {browser.cookies["crmadmin_browser"].value.split(".")[0]}

    held = dict(stored.everything())

    assert not [where for where, said in held.items() for one in secrets if one.encode() in said]
    assert not [
        name for name in ("Sana", "supervisor") if name.encode() in held["crmadmin_session"]
    ]


def test_a_session_begins_under_a_key_of_its_own_whatever_the_browser_brought(browser, company):
    for planted in (MINE, signed_in(AGENT).cookies["crmadmin_session"].value):
        browser.cookies["crmadmin_session"] = planted
        browser.come_in("sana.elidrissi")
        assert browser.cookies["crmadmin_session"].value != planted
        assert actor_of(SessionStore(planted)) is None


@pytest.fixture
def browser(db):
    return Browser()


def test_who_loses_a_claim_goes_on_with_what_they_read(browser, company):
    browser.come_in("sana.elidrissi")
    key = browser.session.session_key
    one, other = SessionStore(key), SessionStore(key)
    before, identity = other.row.identity, other.identity

    assert one.claim(one.identity | {"renew_at": 1})

    assert not other.claim(identity | {"renew_at": 2})
    assert (other.row.identity, other.identity) == (before, identity)


# What a stranger costs ----------------------------------------------------------------------------


def rows():
    with connection.cursor() as cursor:
        counts = {}
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT count(*) FROM {connection.ops.quote_name(table)}")
            counts[table] = cursor.fetchone()[0]
    return counts


def addresses():
    """Every address that there is, of some customer and some change."""
    values = {"customer_id": TOM, "name": "email", "slug": "contact", "number": "1"}
    values["change_id"] = str(UUID(int=1))
    for pattern in all_patterns():
        yield "/" + re.sub(r"<\w+:(\w+)>", lambda found: values[found[1]], str(pattern.pattern))


@pytest.mark.once
def test_what_strangers_send_to_any_address_leaves_the_database_as_it_was(company, clubmed, db):
    before, state = rows(), query(Browser().to_provider())["state"]
    made_up = [{"code": "x", "state": state}, {"error": "access_denied", "state": state}]
    asked = [*(callback(**one) for one in made_up), "/nowhere/"]
    asked += ["/oidc/login/?next=//evil.example.com", "/static/nothing.css", *addresses()]
    count = 0
    while count < 300:
        stranger = Browser()
        stranger.cookies["crmadmin_session"] = f"{count:032}"
        stranger.cookies["crmadmin_browser"] = f"made-up:{count}"
        stranger.to_provider(f"/customers/{TOM}/?turn={count}")
        form = {"value": f"typed{count}@example.com", "logout_token": "a.b.c", "language": "fr"}
        assert "Copy what you typed" in text(soup(stranger.post(EMAIL, form)))
        for path in asked:
            for headers in ({}, HTMX):
                stranger.get(path, headers=headers)
                stranger.post(path, form, headers=headers)
                count += 2

    assert rows() == before


# Any number of tabs, searches and forms -----------------------------------------------------------


def test_tabs_that_sign_in_at_once_each_reach_their_page(browser, company, clubmed):
    targets = [f"/saves/?tab={n}" for n in range(12)]
    addresses = [browser.to_provider(target) for target in targets]
    callbacks = [sign_in("ines.moreau", address) for address in addresses]

    assert [browser.come_back(one)["Location"] for one in callbacks] == targets
    assert browser.get(targets[0]).status_code == 200


@pytest.mark.parametrize("end", ["the person", "a supervisor"])
def test_tabs_that_sign_in_at_once_are_one_browser_in_the_list_and_at_its_end(
    browser, company, clubmed, supervisor, end
):
    for _ in range(3):  # no callback knows yet of the sessions that the others begin
        browser.come_in("ines.moreau")
        del browser.cookies["crmadmin_session"]
    browser.come_in("ines.moreau")
    elsewhere = Browser()
    elsewhere.come_in("ines.moreau")
    ours = Session.objects.filter(person=browser.session.row.person)
    assert ours.count() == 5

    assert len(browser.page("/sessions/").select("tbody.change")) == 2
    if end == "the person":
        browser.post("/oidc/logout/")
    else:
        supervisor.post("/sessions/", {"session": ours.order_by("began")[0].pk})

    assert [row.pk for row in ours if row.read_identity()] == [elsewhere.session.row.pk]


def test_a_form_is_good_after_its_person_signed_in_again_in_another_tab(browser, company, clubmed):
    browser.handler.enforce_csrf_checks = True
    browser.come_in("ines.moreau")
    form = browser.form(EMAIL) | {"value": "typed@example.com"}
    del browser.cookies["crmadmin_session"]
    browser.come_in("ines.moreau")
    assert browser.post(EMAIL, form).status_code == 302
    assert clubmed.customers[TOM]["email"] == "typed@example.com"

    form = browser.form(EMAIL)
    browser.come_in("sana.elidrissi")

    assert browser.post(EMAIL, form | {"value": "typed2@example.com"}).status_code == 403


def test_a_tab_that_asked_with_the_key_of_just_before_is_answered_for_a_minute(
    browser, company, clubmed, monkeypatch
):
    browser.come_in("ines.moreau")
    late, began = Desk(), timezone.now()
    late.cookies["crmadmin_session"] = browser.cookies["crmadmin_session"].value
    browser.come_in("ines.moreau")

    assert late.get("/").status_code == 200
    monkeypatch.setattr(timezone, "now", lambda: began + timedelta(seconds=75))
    assert late.get("/").status_code == 302
    assert browser.get("/").status_code == 200


def test_a_callback_with_the_key_of_just_before_begins_no_shorter_session(
    browser, company, monkeypatch
):
    browser.come_in("ines.moreau")
    key, began = browser.cookies["crmadmin_session"].value, timezone.now()
    for _ in range(2):  # two tabs whose requests were under way with the same key
        browser.cookies["crmadmin_session"] = key
        browser.come_in("ines.moreau")

    monkeypatch.setattr(timezone, "now", lambda: began + timedelta(seconds=75))
    assert browser.get("/").status_code == 200


def test_after_a_sign_out_the_key_of_just_before_is_good_for_nothing(browser, company, clubmed):
    browser.come_in("ines.moreau")
    late = Desk()
    late.cookies["crmadmin_session"] = browser.cookies["crmadmin_session"].value
    browser.come_in("ines.moreau")
    browser.post("/oidc/logout/")

    assert late.get("/").status_code == 302


@pytest.mark.once
def test_a_target_that_a_cookie_would_have_to_escape_is_none_of_ours(browser, company):
    browser.come_in("ines.moreau", "/?q=" + "é" * 300)

    assert all(len(one.value) < 700 for one in browser.cookies.values())


@pytest.mark.once
def test_a_browser_keeps_twelve_attempts_with_the_newest(browser, company):
    states = [query(browser.to_provider(f"/?n={n}"))["state"] for n in range(14)]

    kept = [name for name, one in browser.cookies.items() if "attempt" in name and one.value]

    assert len(kept) == 12
    assert f"crmadmin_attempt_{digest(states[-1])[:16]}" in kept
    assert all(len(browser.cookies[name].value) < 700 for name in kept)


@pytest.mark.once
def test_an_attempt_is_good_in_its_own_cookie_only(browser, company):
    address = sign_in("ines.moreau", browser.to_provider())
    other = query(browser.to_provider())["state"]
    names = [f"crmadmin_attempt_{digest(state)[:16]}" for state in (query(address)["state"], other)]
    browser.cookies[names[0]] = browser.cookies[names[1]].value

    assert browser.come_back(address).status_code == 403


def test_two_searches_at_once_are_both_found(agent):
    one, two = agent.session, agent.session
    assert one.row == two.row  # both requests have read it before either is answered

    for session, number in ((one, "1"), (two, "2")):
        session["of the request"] = number
    handles = [remember_search(session, QueryDict("q=tom@example.com")) for session in (one, two)]
    one.save()
    two.save()

    for handle in handles:
        assert agent.get(f"/?find={handle}")["Location"] == f"/customers/{TOM}/"
    assert "Smith" not in text(signed_in(AGENT).page(f"/?find={handles[0]}"))


def test_of_an_ended_session_every_form_has_its_text_back(agent):
    forms = {url: agent.form(url) for url in (EMAIL, EMAIL.replace("email", "first_name"), CONTACT)}
    del agent.cookies["crmadmin_session"]
    for number, (url, form) in enumerate(forms.items()):
        typed = form | {"value": f"typed{number}@example.com", "email-value": "typed2@example.com"}
        answer = agent.post(url, typed)
        assert "is there again once you sign in" in text(soup(answer)), url

    back = sign_in_again(agent, AGENT)

    assert Remembered.objects.count() == 3
    pages = [str(back.page(url)) for url in forms]
    assert ["typed0@example.com" in pages[0], "typed1@example.com" in pages[1]] == [True, True]
    assert "Here is what you typed" in pages[2]
    assert not Remembered.objects.exists()


@pytest.mark.once
def test_no_form_that_is_put_aside_later_takes_the_place_of_a_promised_one(agent):
    names = "email first_name last_name birthdate birth_city civility nationality phones address"
    urls = [CONTACT, *(EMAIL.replace("email", name) for name in f"{names} language a b".split())]
    form = agent.form(EMAIL) | {"value": "typed@example.com"}
    del agent.cookies["crmadmin_session"]

    said = [text(soup(agent.post(url, form))) for url in [*urls, urls[0]]]

    promised = ["is there again once you sign in" in one for one in said]
    assert promised == [True] * 10 + [False] * (len(urls) - 10) + [True]
    assert Remembered.objects.count() == 10
    assert "typed@example.com" in str(sign_in_again(agent, AGENT).page(EMAIL))
