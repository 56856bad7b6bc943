"""The stand-in for the Club Med API, asked over real HTTP.

That each answer has the contract's shape is checked beside every test (tests.contract), and with
whatever can be sent in tests/clubmed/test_contract.py.
"""

import http.client
import json
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from subprocess import PIPE
from urllib.parse import quote, urlencode, urlsplit

import pytest
import requests
from django.core.management import CommandError, call_command
from jsonschema import Draft7Validator

from crmadmin.management.commands.sandbox import Command
from crmadmin.sandbox import Fault, Sandbox, rules, schemas
from crmadmin.sandbox.markets import MARKETS
from crmadmin.sandbox.people import people
from tests.crmadmin.sandbox_api import HEADERS, NEW, PROFILE, READ, TOM, concerned

pytestmark = pytest.mark.once

ROOT = Path(__file__).parent.parent.parent


# Customers


def test_the_invented_customers_are_always_the_same_and_each_could_be_sent_back():
    invented = people()
    assert len(invented) == 300
    assert invented == people() != people(8)
    mails = [profile["email"] for profile in invented.values() if profile.get("email")]
    assert all(re.search(r"@(\w+\.)*example\.(com|org)$", mail) for mail in mails)
    for profile in invented.values():
        known = {key: value for key, value in profile.items() if value is not None}
        sendable = {key: known[key] for key in known.keys() & rules.PATCHABLE}
        market = schemas.refusals(profile["locale"], sendable, complete=False)
        rules.check_patch(sendable, market, force_address=False)


def test_a_new_customer_has_the_next_number_and_null_for_what_was_not_said(api, sandbox):
    highest = max(map(int, sandbox.customers))
    identity = {"number": "99912345678", "type": "CPF"}
    created = api.create(email="Ana.Sousa@Example.com", call_id="C12", identity=identity)
    assert created.status_code == 201
    new = created.json()
    assert (new["id"], new["email"]) == (str(highest + 1), "ana.sousa@example.com")
    profile = api.read(new["id"])
    assert profile["phones"] is profile["birthdate"] is None
    assert (profile["gender"], profile["identity"]) == ("F", identity)
    assert "call_id" not in profile


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ({"birth_city": "Leeds"}, {"birth_city": "Leeds"}),
        ({"email": "  "}, {"email": None}),
        ({"email": " Tom.S@Example.ORG "}, {"email": "tom.s@example.org"}),
        ({"phones": []}, {"phones": None}),
        ({"civility": "MS"}, {"civility": "MS", "gender": "F"}),
        ({"last_name": "D’Ávila-Núñez Jr."}, {"last_name": "D’AVILA-NUNEZ JR."}),
        ({"unicode_first_name": " 美琳 "}, {"unicode_first_name": "美琳"}),
        ({"address": {"city": "York"}}, {"address": {"city": "York"}}),
    ],
)
def test_a_patch_stores_what_it_names_normalised_and_leaves_the_rest(api, sent, stored):
    before = api.read()
    patched = api.patch(**sent)
    assert (patched.status_code, patched.content) == (204, b"")
    assert api.read() == before | stored


LISTS = ["/v0/locales", "/v0/civilities", "/v0/countries", "/v3/schemas/profile/fr-FR"]


@pytest.mark.parametrize("path", [READ, "/v1/customers", *LISTS])
def test_every_route_needs_a_token_and_a_key_and_the_profile_a_locale(api, path):
    for header, sent, status in (
        *(("authorization", sent, 401) for sent in (None, "Bearer other", "Basic sandbox-token")),
        *(("x-api-key", sent, 403) for sent in (None, "other")),
        ("accept", "*/*", 400),
    ):
        assert api.ask("GET", path, headers={header: sent}).status_code == status
    answer = api.ask("GET", path, headers={"accept-language": None})
    assert concerned(answer) == ["accept-language"] if path == READ else answer.ok


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v2/customers/1/profile", 404),
        ("PATCH", "/v1/customers/0123456789/profile", 404),
        ("GET", f"/v2/customers/{TOM}", 404),
        ("GET", "/v3/schemas/profile/xx-XX", 404),
        ("PUT", "/v1/customers", 405),
        ("PATCH", READ, 405),
    ],
)
def test_an_unknown_customer_or_route_or_method_is_refused(api, method, path, status):
    assert api.ask(method, path, {} if method == "PATCH" else None).status_code == status


def test_a_forbidden_profile_and_a_forbidden_search_are_403(api, sandbox):
    sandbox.forbidden.add(TOM)
    sandbox.searchable = False
    assert api.ask("GET", READ).status_code == api.patch(birth_city="Leeds").status_code == 403
    assert search(api).status_code == 403
    assert "birth_city" not in sandbox.customers[TOM]


@pytest.mark.parametrize(
    ("named", "value"),
    [
        ("last_name", "Wang 2"),
        ("birthdate", "19900231"),
        ("phones.0.number", [{"number": "06 12", "type": "HOME"}]),
        ("address.zip_code", {"zip_code": "00000", "city": "Paris"}),
        ("optins.0.channel", [{"channel": "PIGEON", "optin": True}]),
        ("identity.type", {"number": "999", "type": "PASSPORT"}),
        ("first_name", None),
        ("locale", "fr-FR"),
        ("shoe_size", "43"),
    ],
)
def test_a_bad_or_unpatchable_value_is_named_and_nothing_is_stored(api, named, value):
    before = api.read()
    assert concerned(api.patch(birth_city="Leeds", **{named.split(".")[0]: value})) == [named]
    assert api.read() == before


def test_force_address_bypasses_the_check_of_the_address_alone(api):
    address = {"zip_code": "00000", "city": "Paris"}
    assert api.patch("?force_address=true", address=address).status_code == 204
    assert api.read()["address"] == address
    assert concerned(api.create(address=address)) == ["address.zip_code"]
    assert api.create("?force_address=true", address=address).status_code == 201
    assert concerned(api.create("?force_address=maybe")) == ["force_address"]


# Markets


@pytest.mark.parametrize("market", [market.locale for market in MARKETS])
def test_every_market_has_a_schema_and_what_it_asks_for_is_taken(api, market):
    values = {
        "email": "a@example.com",
        "birthdate": "19900101",
        "identity": {"type": "CPF", "number": "39053344709"},
        "phones": [{"type": "MOBILE", "number": "+15035550101"}],
        "unicode_first_name": "明",
        "unicode_last_name": "大野",
    }
    found = api.ask("GET", f"/v3/schemas/profile/{market}").json()
    Draft7Validator.check_schema(found)
    body = {key: values[key] for key in found["required"] if key not in NEW}
    assert api.create(market=market, **body).status_code == 201
    for key in body:
        less = {each: value for each, value in body.items() if each != key}
        assert concerned(api.create(market=market, **less)) == [key]


def test_a_change_is_held_to_the_market_of_the_profile(api, sandbox):
    french = {"address": {"zip_code": "75001"}, "email": None}
    sandbox.customers[TOM]["locale"] = "fr-FR"
    assert concerned(api.patch(**french)) == ["email"]
    del sandbox.customers[TOM]["locale"]
    assert api.patch(**french).status_code == 204


# Search

FEW = [
    {"id": "1", "last_name": "ADAMS", "birthdate": "19800101", "email": "a+b@example.com"},
    {"id": "2", "last_name": "BAKER", "birthdate": "19900101", "address": {"zip_code": "75001"}},
    {"id": "3", "last_name": "ADAMS", "birthdate": "20000101", "address": None},
    {"id": "4", "last_name": "D&A=K;É", "birthdate": None, "email": ""},
    {"id": "5", "phones": [{"number": "+33199000001"}, {"number": "0199000002"}]},
]


@pytest.fixture
def few(sandbox):
    """Just five customers, easy to tell apart."""
    sandbox.customers.clear()
    sandbox.customers.update({each["id"]: dict(each) for each in FEW})


def search(api, *filters, **paging):
    query = [("filter", text) for text in filters] + list(paging.items())
    return api.ask("GET", f"/v1/customers?{urlencode(query, quote_via=quote)}")


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ([], "12345"),
        (["last_name==ADAMS"], "13"),
        (["last_name==Adams"], ""),
        (["last_name!=ADAMS"], "245"),
        (["birthdate<=19900101"], "12"),
        (["birthdate>19900101"], "3"),
        (["birthdate>=19800101", "birthdate<20000101"], "12"),
        (["last_name==ADAMS", "birthdate==20000101"], "3"),
        (["address.zip_code==75001"], "2"),
        (["phones.number==0199000002"], "5"),
        (["email==a+b@example.com"], "1"),
        (["last_name==D&A=K;É"], "4"),
    ],
)
def test_filters_are_compared_to_the_letter_and_must_all_match(api, filters, found):
    assert [item["id"] for item in search(api, *filters).json()] == list(found)


@pytest.mark.usefixtures("few")
def test_a_part_is_206_and_says_where_it_stands_and_leads_to_the_others(api):
    answer = search(api, limit=2, page=2)
    assert (answer.status_code, [item["id"] for item in answer.json()]) == (206, ["3", "4"])
    assert answer.headers["Content-Range"] == "2-3/5"
    assert answer.links.keys() == {"first", "prev", "next", "last"}
    assert answer.links["next"]["url"] == "/v1/customers?limit=2&page=3"
    assert "next" not in search(api, limit=2, page=3).links
    assert search(api, limit=2, page=4).status_code == 416


# What goes wrong on demand


@pytest.mark.parametrize(
    ("fault", "status", "words", "is_applied"),
    [
        (Fault("latency", seconds=0.2), 204, "", True),
        (Fault("status", status=503), 503, "This was asked for.", False),
        (Fault("status", status=504, body="upstream", applied=True), 504, "upstream", True),
        (Fault("html"), 200, "<!doctype html>", False),
        (Fault("redirect"), 302, "", False),
        (Fault("empty"), 200, "", False),
        (Fault("truncated"), 200, '{"status', True),
        (Fault("drip", seconds=0.001, part="headers"), 204, "", True),
        (Fault("drop_before"), None, "", False),
        (Fault("drop_after"), None, "", True),
        (Fault("apply_late", seconds=0.3), None, "", False),
        (Fault("reset"), None, "", False),
        (Fault("reset", applied=True), None, "", True),
        (Fault("early_hints"), 103, "", True),
        (Fault("wrong_length"), None, "", True),
    ],
)
def test_a_fault_says_what_comes_back_and_whether_the_change_is_made(
    api, sandbox, fault, status, words, is_applied
):
    sandbox.faults.add(fault)
    began = time.monotonic()
    try:
        answer = api.patch(birth_city="Leeds")
    except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError):
        assert status is None
    else:
        assert answer.status_code == status
        assert words in answer.text
        assert time.monotonic() - began >= fault.seconds
    assert ("birth_city" in sandbox.customers[TOM]) == is_applied
    sandbox.wait_for_late()
    assert ("birth_city" in sandbox.customers[TOM]) == (is_applied or fault.kind == "apply_late")
    assert len(sandbox.requests) == 1
    api.session.close()  # this client takes a 103 for the answer, and the answer for the next one
    assert api.read()["last_name"] == "Smith"


def test_a_fault_meets_only_what_it_matches_and_wears_off(api, sandbox):
    sandbox.faults.add(Fault("status", method="PATCH", path="/v1/customers", status=500, times=2))
    statuses = [api.ask("GET", READ).status_code, api.create().status_code]
    statuses += [api.patch(birth_city="Leeds").status_code for _ in range(3)]
    assert statuses == [200, 201, 500, 500, 204]
    sandbox.faults.add(Fault("status", path="/v0/|.*/profile$", status=429, times=None))
    assert {api.ask("GET", path).status_code for path in (READ, READ, "/v0/locales")} == {429}


@pytest.mark.parametrize(
    "wrong",
    [
        *({"kind": kind} for kind in ("earthquake", "status", "latency")),
        *({"kind": "html"} | odd for odd in ({"path": "("}, {"shape": "round"}, {"times": 0})),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(api, sandbox, wrong):
    assert api.ask("POST", "/_sandbox/faults", wrong).status_code == 400
    assert not len(sandbox.faults)


def test_a_reset_brings_the_seeded_state_back_and_ends_what_waits(api, sandbox):
    api.create()
    api.patch(last_name="Other")
    sandbox.forbidden.add(TOM)
    sandbox.faults.add(Fault("apply_late", seconds=60, method="PATCH"))
    sandbox.faults.add(Fault("latency", seconds=60, method="PATCH"))
    sandbox.faults.add(Fault("status", status=500))
    sandbox.requests.clear()
    with pytest.raises(requests.ConnectionError):
        api.patch(birth_city="Leeds")
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(api.patch, birth_city="Leeds")
        while len(sandbox.requests) < 2:
            time.sleep(0.01)
        sandbox.reset()
        with pytest.raises(requests.ConnectionError):
            waiting.result(30)
    sandbox.wait_for_late()
    assert sandbox.customers == people()
    assert not sandbox.forbidden
    assert not sandbox.requests
    assert not len(sandbox.faults)


# What it remembers and what it tells, and control from another process


def control(sandbox, method, path, body=None):
    return requests.request(method, f"{sandbox.url}/_sandbox/{path}", json=body, timeout=60)


def test_requests_are_told_as_they_came_without_what_authorised_them(api, sandbox):
    api.patch("?force_address=true", last_name="Sousa")
    [request] = sandbox.requests
    assert request.headers["X-API-KEY"] == "sandbox-key"

    answer = control(sandbox, "GET", "requests")
    [told] = answer.json()
    assert (told["method"], told["path"], told["query"]) == ("PATCH", PROFILE, request.query)
    assert json.loads(told["body"]) == request.json == {"last_name": "Sousa"}
    assert told["headers"]["accept-language"] == "en-US"
    assert "sandbox-token" not in answer.text


def test_the_access_log_holds_no_personal_data(api, caplog):
    with caplog.at_level(logging.INFO):
        api.patch("?force_address=true", email="secret@example.com")
        api.ask("GET", "/v2/customers/secret@example.com/profile")
        api.ask("GET", "/v1/customers?filter=email%3D%3Dsecret@example.com")
    said = [r.getMessage() for r in caplog.records if r.name.startswith("crmadmin")]
    assert said == [f"PATCH {PROFILE} 204", "GET (other) 404", "GET /v1/customers 200"]


def test_faults_resets_and_changes_come_from_outside(api, sandbox):
    fault = {"kind": "status", "status": 503, "times": None, "headers": {"Retry-After": "1"}}
    assert control(sandbox, "POST", "faults", fault).status_code == 204
    assert api.ask("GET", READ).headers["Retry-After"] == "1"
    assert control(sandbox, "DELETE", "faults").status_code == 204
    there = {"email": "elsewhere@x.y"}
    assert control(sandbox, "PATCH", f"customers/{TOM}", there).status_code == 204
    assert api.read()["email"] == "elsewhere@x.y"
    assert control(sandbox, "POST", "reset").status_code == 204
    assert sandbox.customers[TOM]["email"] == "tom@example.com"
    assert control(sandbox, "GET", "magic").status_code == 404


# Starting and ending


@pytest.mark.parametrize(
    "fault",
    [*(Fault(kind, seconds=600, part="headers") for kind in ("latency", "drip")), None],
)
def test_closing_waits_for_no_fault_and_ends_open_connections(fault):
    with Sandbox() as sandbox:
        where = urlsplit(sandbox.url)
        connection = http.client.HTTPConnection(where.hostname, where.port, timeout=60)
        if fault is not None:
            sandbox.faults.add(fault)
        connection.request("GET", READ, headers=HEADERS)
        if fault is None:
            connection.getresponse().read()
        while len(sandbox.faults):
            time.sleep(0.001)
    assert connection.sock.recv(1) == b""
    connection.close()


def test_the_command_says_what_to_do_about_a_taken_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(CommandError, match=f"port {port}: give it a free one with --port"):
            call_command(Command(), port=port)


def test_the_command_tells_where_it_listens_and_ends_quietly():
    """As `manage.py sandbox` does, in a process of its own, stopped as Ctrl-C stops it."""
    with subprocess.Popen(
        [sys.executable, "-m", "django", "sandbox", "--port", "0"],
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings"},
        stdout=PIPE,
        stderr=PIPE,
        text=True,
        cwd=ROOT,
        # Whoever runs the tests in the background of a shell has it ignored, and we inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        try:
            line = process.stdout.readline()
            where = r"Sandbox API on (http://127\.0\.0\.1:\d+)"
            found = re.fullmatch(f"{where}, token sandbox-token, API key sandbox-key\n", line)
            assert found, line
            assert requests.get(found[1] + READ, headers=HEADERS, timeout=60).status_code == 200
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 0
    assert (out, err) == ("", f"GET {READ} 200\n")
