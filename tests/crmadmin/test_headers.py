"""What every answer says to the browser."""

import json
import re
from io import BytesIO
from urllib.parse import urlencode

import pytest
from django.conf import settings

from crmadmin import health
from tests.conftest import HTMX, TOM, sent, soup, text

pytestmark = pytest.mark.once
PAGES = ("/", "/customers/new/", f"/customers/{TOM}/", f"/customers/{TOM}/fields/email/")


@pytest.mark.parametrize("url", [*PAGES, "/nowhere/", "/audit/", "/signed-out/"])
def test_nothing_that_is_not_ours_runs_and_no_answer_is_stored_or_taken_for_another(agent, url):
    for headers in ({}, HTMX):
        answer = agent.get(url, headers=headers)
        policy = answer["Content-Security-Policy"]
        rules = {"default-src 'none'", "script-src 'self'", "style-src 'self'"}
        assert rules | {"frame-ancestors 'none'"} <= set(policy.split("; "))
        assert "unsafe" not in policy
        assert answer["Cache-Control"] == "no-store"
        assert "HX-Request" in answer["Vary"]
        assert re.fullmatch("[0-9a-f]{12}", answer["X-Request-ID"])


def test_htmx_keeps_no_history_runs_no_text_and_shows_refusals(agent):
    meta = agent.page("/").select_one("meta[name=htmx-config]")

    config = json.loads(meta["content"])
    off = ("historyCacheSize", "historyRestoreAsHxRequest", "allowEval", "includeIndicatorStyles")
    assert not any(config[name] for name in off)
    shown = next(rule for rule in config["responseHandling"] if re.match(rule["code"], "401"))
    assert shown["swap"] is True
    assert all(re.match(shown["code"], status) for status in ("401", "409", "422", "503"))


def test_a_history_or_boosted_request_gets_the_whole_page(agent):
    for more in ({"HX-Boosted": "true"}, {"HX-History-Restore-Request": "true"}):
        answer = agent.get(f"/customers/{TOM}/fields/email/", headers=HTMX | more)
        assert soup(answer).select_one("html main") is not None


def test_the_cookies_are_out_of_reach_of_scripts_and_other_sites(agent):
    agent.get("/customers/new/")

    assert agent.cookies["crmadmin_csrf"]["httponly"]
    assert agent.cookies["crmadmin_csrf"]["samesite"] == "Lax"
    assert settings.SESSION_COOKIE_HTTPONLY


@pytest.mark.parametrize(
    "url", ["/", "/static/app.css", "/static/app.js", "/nowhere/", "/health/live", "/signed-out/"]
)
@pytest.mark.parametrize("https", [True, False], ids=["https", "a redirect to it"])
def test_every_answer_files_and_redirects_too_says_what_a_browser_may(agent, settings, url, https):
    settings.SECURE_SSL_REDIRECT, settings.SECURE_HSTS_SECONDS = True, 31_536_000

    answer = agent.get(url, secure=https)
    answer.close()  # the file

    served = (302,) if url == "/signed-out/" else (200, 404)  # who is signed in is led on
    assert answer.status_code in served if https or "health" in url else 301
    assert "frame-ancestors 'none'" in answer["Content-Security-Policy"]
    assert answer["X-Frame-Options"] == "DENY"
    assert "camera=()" in answer["Permissions-Policy"]
    assert answer["Cross-Origin-Resource-Policy"] == "same-origin"
    if answer.status_code != 301:
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["Referrer-Policy"] == "same-origin"
        assert "utf-8" in answer["Content-Type"]
    assert "preload" not in answer.get("Strict-Transport-Security", "")


@pytest.mark.parametrize("redirects", [True, False], ids=["to https", "as it is"])
def test_a_host_that_is_not_ours_is_refused_and_not_repeated(agent, settings, caplog, redirects):
    settings.SECURE_SSL_REDIRECT = redirects

    answer = agent.get(f"/customers/{TOM}/", HTTP_HOST="attacker.example")

    assert answer.status_code == 400
    assert "attacker" not in answer.content.decode() + caplog.text
    assert "not accepted: DisallowedHost" in caplog.text


@pytest.mark.parametrize(("url", "words"), [("/health/live", "live"), ("/health/ready", "ready")])
def test_health_answers_without_signing_in(client, db, url, words):
    answer, head = client.get(url), client.head(url)

    assert answer.status_code == head.status_code == 200
    assert head.content == b""
    assert words in answer.content.decode()


def test_strangers_have_the_database_asked_once_a_second(
    client, db, monkeypatch, django_assert_num_queries
):
    monkeypatch.setattr(health, "SECONDS", 60)
    monkeypatch.setattr(health, "_newest", health._Answer())
    client.get("/health/ready")

    with django_assert_num_queries(0):
        assert client.get("/health/ready").content == b"ready\n"


def test_a_form_that_was_cut_off_on_its_way_is_not_saved(agent, clubmed):
    """A connection broke while it was sent: the end of the address is missing."""
    url = f"/customers/{TOM}/fields/email/"
    whole = urlencode(agent.form(url) | {"value": "new@example.com.au"}).encode()
    cut = {"wsgi.input": BytesIO(whole[:-3]), "CONTENT_LENGTH": len(whole)}

    answer = agent.post(url, **cut)

    assert answer.status_code == 400
    assert "could not be read. Nothing was sent to Club Med." in text(soup(answer))
    assert sent(clubmed, "PATCH") == []
