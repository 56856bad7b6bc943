"""The stand-in for the Club Med API, asked over real HTTP.

That each answer has the contract's shape is checked beside every test (tests.contract).
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
from urllib.parse import urlsplit

import pytest
import requests
from django.core.management import CommandError, call_command

from crmadmin.management.commands.sandbox import Command
from crmadmin.sandbox import Fault, Sandbox
from tests.crmadmin.sandbox_api import HEADERS, NEW, PROFILE, READ, TOM, concerned

ROOT = Path(__file__).parent.parent.parent


def connect(sandbox):
    where = urlsplit(sandbox.url)
    return http.client.HTTPConnection(where.hostname, where.port, timeout=10)


# The three routes


def test_the_scenario_creates_reads_updates_and_reads_again(api, sandbox):
    created = api.create(email="Ana.Sousa@Example.com")
    assert created.status_code == 201
    new = created.json()
    assert new == {
        "id": new["id"],
        "gm_number": new["gm_number"],
        "email": "ana.sousa@example.com",
        "identity": {"first_name": "ANA", "last_name": "SOUSA"},
        "locale": "en-US",
    }
    path = f"/customers/{new['id']}/profile"
    assert api.read(new["id"])["email"] == "ana.sousa@example.com"
    patched = api.ask("PATCH", f"/v1{path}", {"birth_city": "Porto"})
    assert (patched.status_code, patched.content) == (204, b"")
    assert "Content-Type" not in patched.headers
    assert api.read(new["id"])["birth_city"] == "Porto"
    assert [(request.method, request.path) for request in sandbox.requests] == [
        ("POST", "/v1/customers"),
        ("GET", f"/v2{path}"),
        ("PATCH", f"/v1{path}"),
        ("GET", f"/v2{path}"),
    ]


def test_a_new_customer_has_the_next_number_and_null_for_what_was_not_said(api, sandbox):
    highest = max(map(int, sandbox.customers))
    identity = {"number": "99912345678", "type": "CPF"}
    assert api.create().json()["id"] == str(highest + 1)
    assert api.create(call_id="C12", identity=identity).json()["id"] == str(highest + 2)
    profile = api.read(str(highest + 2))
    assert profile["email"] is profile["phones"] is None
    assert (profile["gender"], profile["customer_type"]) == ("F", "PROSPECT")
    assert profile["personal_data_usage_allowed"] is False
    assert profile["identity"] == identity
    assert "call_id" not in profile


def test_the_scenarios_profile_is_read_to_the_letter(api):
    assert api.read() == {
        "email": "tom@example.com",
        "gm_number": "123456789",
        "first_name": "Tom",
        "last_name": "Smith",
        "phones": [{"number": "0623456789", "type": "MOBILE"}],
        "loyalty_program": {"status": "EXCLUDED", "points": 1200},
        "locale": "en-US",
    }


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ({"birth_city": "Leeds"}, {"birth_city": "Leeds"}),
        ({"email": None}, {"email": None}),
        ({"email": ""}, {"email": None}),
        ({"email": "  "}, {"email": None}),
        ({"phones": []}, {"phones": None}),
        ({"civility": "MR"}, {"civility": "MR", "gender": "M"}),
        ({"civility": "MS"}, {"civility": "MS", "gender": "F"}),
        ({"first_name": " Béatriz "}, {"first_name": "BEATRIZ"}),
        ({"last_name": "D’Ávila-Núñez Jr."}, {"last_name": "D’AVILA-NUNEZ JR."}),
        (
            {"second_name": "Zoë", "third_name": "Weiß"},
            {"second_name": "ZOE", "third_name": "WEISS"},
        ),
        ({"fourth_name": "Łukasz"}, {"fourth_name": "ŁUKASZ"}),
        ({"unicode_first_name": " 美琳 "}, {"unicode_first_name": "美琳"}),
        ({"email": " Tom.S@Example.ORG "}, {"email": "tom.s@example.org"}),
    ],
)
def test_a_patch_stores_what_it_names_normalised_and_leaves_the_rest(api, sent, stored):
    before = api.read()
    assert api.patch(**sent).status_code == 204
    assert api.read() == before | stored


def test_lists_and_objects_are_replaced_whole_and_unknown_members_preserved(api, sandbox):
    sandbox.customers[TOM] |= {"vip_host_code": "GH-01", "birth_city": ""}
    phone = {"number": "+15035550101", "type": "FAX_2", "verified": True}
    api.patch(address={"city": "Leeds", "street": "Chapel Row"})
    api.patch(address={"city": "York"}, phones=[phone])
    profile = api.read()
    assert (profile["address"], profile["phones"]) == ({"city": "York"}, [phone])
    assert (profile["vip_host_code"], profile["birth_city"]) == ("GH-01", None)


def test_answers_come_over_one_kept_connection(sandbox):
    connection = connect(sandbox)
    for path, status in ((READ, 200), ("/v2/customers/1/profile", 404), (READ, 200)):
        connection.request("GET", path, headers=HEADERS)
        first = connection.sock
        answer = connection.getresponse()
        answer.read()
        assert answer.status == status
        assert connection.sock is first is not None
    connection.close()


# What it refuses


@pytest.mark.parametrize(
    ("header", "sent", "status"),
    [
        *(("authorization", sent, 401) for sent in (None, "Bearer other", "sandbox-token")),
        ("authorization", "Basic sandbox-token", 401),
        *(("x-api-key", sent, 403) for sent in (None, "other")),
        *(("accept-language", sent, 400) for sent in (None, "english")),
        ("accept", "*/*", 400),
    ],
)
def test_a_missing_or_wrong_header_is_refused(api, header, sent, status):
    answer = api.ask("GET", READ, headers={header: sent})
    assert answer.status_code == status
    if status == 400:
        assert concerned(answer) == [header]


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b'"x"', b"null", b"\xff", b"[" * 100_000])
def test_a_body_must_be_a_json_object(api, raw):
    assert api.ask("PATCH", PROFILE, raw=raw).status_code == 400
    text = api.ask("PATCH", PROFILE, {}, headers={"Content-Type": "text/plain"})
    assert text.status_code == 400


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        *(("GET", f"/v2/customers/{number}/profile", 404) for number in ("1", "abc", "%31")),
        *(("PATCH", f"/v1/customers/{number}/profile", 404) for number in ("1", "0123456789")),
        *(("GET", path, 404) for path in ("/", "/v1//customers", f"/v2/customers/{TOM}")),
        ("PUT", "/v1/customers", 405),
        ("PATCH", READ, 405),
        ("GET", PROFILE, 405),
    ],
)
def test_an_unknown_customer_or_route_or_method_is_refused(api, method, path, status):
    answer = api.ask(method, path, {} if method == "PATCH" else None)
    assert answer.status_code == status
    assert ("Allow" in answer.headers) == (status == 405)


def test_a_forbidden_profile_is_403(api, sandbox):
    sandbox.forbidden.add(TOM)
    assert api.ask("GET", READ).status_code == api.patch(birth_city="Leeds").status_code == 403
    assert "birth_city" not in sandbox.customers[TOM]


@pytest.mark.parametrize("key", ["civility", "first_name", "last_name"])
def test_a_required_field_is_neither_missing_nor_cleared(api, key):
    left = {name: value for name, value in NEW.items() if name != key}
    assert concerned(api.ask("POST", "/v1/customers", left)) == [key]
    assert concerned(api.create(**{key: ""})) == [key]
    assert concerned(api.patch(**{key: None})) == [key]
    assert {*concerned(api.create(email="nobody", **{key: ""}))} == {"email", key}


BAD = [
    ("civility", "DR", ""),
    ("civility", 1, ""),
    *(("first_name", value, "") for value in ("A" * 21, "Анна")),
    *(("last_name", value, "") for value in ("Wang 2", "A" * 31, "A\tB")),
    ("second_name", "<b>", ""),
    *(("unicode_first_name", value, "") for value in ("美" * 101, "美\x00", "\ud800")),
    *(("email", value, "") for value in ("tom@example", "tom at example.com", 5)),
    *(("birthdate", value, "") for value in ("1990-01-01", "19900231", "29990101", 19900101)),
    ("birth_country_code", "fr", ""),
    ("language_code", "FRA", ""),
    ("phones", "0623456789", ""),
    *(("phones", [value], ".0") for value in ("0623456789", None)),
    *(
        ("phones", [{"number": number, "type": "HOME"}], ".0.number")
        for number in ("06x", "06 12", "١٢٣")
    ),
    ("phones", [{"number": "1", "type": "HOME"}, {"type": "HOME"}], ".1.number"),
    ("phones", [{"number": "1", "type": "PAGER"}], ".0.type"),
    ("address", "Leeds", ""),
    ("address", {"zip_code": "1" * 51}, ".zip_code"),
    ("address", {"country_code": "FRAN"}, ".country_code"),
    ("address", {"number": 12}, ".number"),
    ("address", {"zip_code": "00000", "city": "Paris"}, ".zip_code"),
    ("optins", [{"channel": "PIGEON", "optin": True}], ".0.channel"),
    ("optins", [{"channel": "SMS", "optin": "yes"}], ".0.optin"),
    ("optins", [{"channel": "SMS"}], ".0.optin"),
    ("optins", [{"channel": "SMS", "optin": True, "optin_partners": True}], ".0.optin_partners"),
    ("identity", {"number": "999"}, ".type"),
    ("identity", {"type": "CPF"}, ".number"),
    ("identity", {"number": "999", "type": "PASSPORT"}, ".type"),
    *(("personal_data_usage_allowed", value, "") for value in ("yes", None)),
    *((key, "X", "") for key in ("id", "gm_number", "gender", "customer_type", "customer_status")),
    *((key, "X", "") for key in ("loyalty_program", "locale", "blacklisted", "filiation_number")),
    *((key, "X", "") for key in ("health_pass_id", "birthday", "call_id", "_links", "shoe_size")),
]


@pytest.mark.parametrize(("key", "value", "member"), BAD)
def test_a_bad_or_unpatchable_value_is_named_and_nothing_is_stored(api, key, value, member):
    before = api.read()
    assert concerned(api.patch(birth_city="Leeds", **{key: value})) == [key + member]
    assert api.read() == before


@pytest.mark.parametrize("key", ["shoe_size", "second_name", "birth_city", "gender"])
def test_a_field_that_is_not_of_a_new_customer_is_refused(api, key):
    assert concerned(api.create(**{key: "X"})) == [key]


def test_force_address_bypasses_the_check_of_the_address_alone(api):
    address = {"zip_code": "00000", "city": "Paris"}
    assert concerned(api.patch("?force_address=false", address=address)) == ["address.zip_code"]
    assert api.patch("?force_address=true", address=address).status_code == 204
    assert api.read()["address"] == address
    assert concerned(api.create(address=address)) == ["address.zip_code"]
    assert api.create("?force_address=true", address=address).status_code == 201
    assert concerned(api.create("?force_address=maybe")) == ["force_address"]


# What it remembers and what it tells


def test_requests_are_recorded_as_they_came(api, sandbox):
    api.patch("?force_address=true", last_name="Sousa")
    [request] = sandbox.requests
    assert (request.method, request.path) == ("PATCH", PROFILE)
    assert request.query == "force_address=true"
    assert request.headers["X-API-KEY"] == request.headers["x-api-key"] == "sandbox-key"
    assert request.json == {"last_name": "Sousa"}
    assert request.body == b'{"last_name": "Sousa"}'


def test_a_reset_brings_the_seeded_state_back(api, sandbox):
    customers = sandbox.customers
    api.create()
    api.patch(last_name="Other")
    sandbox.forbidden.add(TOM)
    sandbox.searchable = False
    sandbox.faults.add(Fault("status", status=500))
    sandbox.reset()
    assert sandbox.customers is customers
    assert len(customers) == 300
    assert customers[TOM]["last_name"] == "Smith"
    assert sandbox.searchable
    assert not sandbox.forbidden
    assert not sandbox.requests
    assert not len(sandbox.faults)


def test_the_access_log_holds_no_personal_data(api, caplog):
    with caplog.at_level(logging.INFO):
        api.patch("?force_address=true", email="secret@example.com")
        api.ask("GET", "/v2/customers/secret@example.com/profile")
        api.ask("GET", "/v1/customers?filter=email%3D%3Dsecret@example.com")
        api.ask("GET", "/v3/schemas/profile/fr-FR")
        api.ask("GET", "/_sandbox/requests")
    assert [r.getMessage() for r in caplog.records if r.name.startswith("crmadmin")] == [
        f"PATCH {PROFILE} 204",
        "GET (other) 404",
        "GET /v1/customers 200",
        "GET /v3/schemas/profile/fr-FR 200",
        "GET /_sandbox/requests 200",
    ]
    assert "secret" not in "".join(record.getMessage() for record in caplog.records)


# Faults


def test_latency_answers_rightly_but_late(api, sandbox):
    sandbox.faults.add(Fault("latency", seconds=0.2))
    start = time.monotonic()
    assert api.patch(birth_city="Leeds").status_code == 204
    assert time.monotonic() - start >= 0.2
    assert sandbox.customers[TOM]["birth_city"] == "Leeds"


def test_a_status_comes_instead_of_the_answer_or_after_the_change(api, sandbox):
    sandbox.faults.add(Fault("status", status=503, headers={"Retry-After": "2"}))
    sandbox.faults.add(Fault("status", status=504, body="upstream", applied=True))
    answer = api.patch(birth_city="Leeds")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
    assert "birth_city" not in sandbox.customers[TOM]
    answer = api.patch(birth_city="Leeds")
    assert (answer.status_code, answer.text) == (504, "upstream")
    assert sandbox.customers[TOM]["birth_city"] == "Leeds"


@pytest.mark.parametrize(
    ("fault", "at_once", "later"),
    [
        (Fault("drop_before"), False, False),
        (Fault("drop_after"), True, True),
        (Fault("apply_late", seconds=0.3), False, True),
    ],
)
def test_a_dropped_call_is_applied_or_not_or_late(api, sandbox, fault, at_once, later):
    sandbox.faults.add(fault)
    with pytest.raises(requests.ConnectionError):
        api.patch(birth_city="Leeds")
    assert ("birth_city" in sandbox.customers[TOM]) == at_once
    sandbox.wait_for_late()
    assert ("birth_city" in sandbox.customers[TOM]) == later
    assert len(sandbox.requests) == 1


def test_a_reset_ends_what_waits_or_was_to_land_late(api, sandbox):
    sandbox.faults.add(Fault("apply_late", seconds=60))
    sandbox.faults.add(Fault("latency", seconds=60))
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
    assert "birth_city" not in sandbox.customers[TOM]


@pytest.mark.parametrize("part", ["headers", "body"])
def test_a_dripped_answer_comes_a_byte_at_a_time(api, sandbox, part):
    sandbox.faults.add(Fault("drip", seconds=0.001, part=part))
    sandbox.faults.add(Fault("drip", seconds=60, part=part))
    assert api.read()["last_name"] == "Smith"
    with pytest.raises((requests.ReadTimeout, requests.ConnectionError)):
        api.ask("GET", READ, timeout=0.1)


def test_an_answer_may_be_a_page_or_cut_or_a_redirect_or_empty(api, sandbox):
    for fault in (
        Fault("html"),
        Fault("html", status=502, body="<p>Bad gateway"),
        Fault("redirect"),
        Fault("empty"),
        Fault("empty", status=400),
    ):
        sandbox.faults.add(fault)
    page, gateway, redirect, empty, refused = (api.ask("GET", READ) for _ in range(5))
    assert page.status_code == 200
    assert page.headers["Content-Type"].startswith("text/html")
    assert page.text.startswith("<!doctype html>")
    assert (gateway.status_code, gateway.text) == (502, "<p>Bad gateway")
    assert (redirect.status_code, redirect.headers["Location"]) == (302, "/elsewhere")
    assert (empty.status_code, empty.content) == (200, b"")
    assert (refused.status_code, refused.content) == (400, b"")


def test_truncated_json_comes_after_the_change(api, sandbox):
    sandbox.faults.add(Fault("truncated", times=2))
    patched, read = api.patch(birth_city="Leeds"), api.ask("GET", READ)
    assert sandbox.customers[TOM]["birth_city"] == "Leeds"
    for answer in (patched, read):
        assert answer.status_code == 200
        assert int(answer.headers["Content-Length"]) == len(answer.content) > 0
        with pytest.raises(requests.JSONDecodeError):
            answer.json()


def test_a_fault_meets_only_what_it_matches_and_wears_off(api, sandbox):
    sandbox.faults.add(Fault("status", method="PATCH", path="/v1/customers", status=500, times=2))
    statuses = [api.ask("GET", READ).status_code, api.create().status_code]
    statuses += [api.patch(birth_city="Leeds").status_code for _ in range(3)]
    assert statuses == [200, 201, 500, 500, 204]
    sandbox.faults.add(Fault("status", path=".*/profile$", status=429, times=None))
    assert [api.ask("GET", READ).status_code for _ in range(3)] == [429] * 3
    sandbox.faults.clear()
    assert api.ask("GET", READ).status_code == 200


@pytest.mark.parametrize(
    "wrong",
    [
        *({"kind": kind} for kind in ("earthquake", "status", "latency")),
        *({"kind": "html"} | odd for odd in ({"path": "("}, {"shape": "round"}, {"times": 0})),
        *({"kind": "drip", "seconds": seconds, "part": "feet"} for seconds in (1, "soon")),
        *({"kind": "status", "status": 99}, {"status": 500}, []),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(api, sandbox, wrong):
    assert api.ask("POST", "/_sandbox/faults", wrong).status_code == 400
    assert not len(sandbox.faults)


# Control from another process


def control(sandbox, method, path, body=None):
    return requests.request(method, f"{sandbox.url}/_sandbox/{path}", json=body, timeout=10)


def test_faults_and_resets_come_from_outside(api, sandbox):
    fault = {"kind": "status", "status": 503, "times": None, "headers": {"Retry-After": "1"}}
    assert control(sandbox, "POST", "faults", fault).status_code == 204
    assert api.ask("GET", READ).headers["Retry-After"] == "1"
    assert control(sandbox, "DELETE", "faults").status_code == 204
    api.patch(last_name="Other")
    assert control(sandbox, "POST", "reset").status_code == 204
    assert sandbox.customers[TOM]["last_name"] == "Smith"
    assert sandbox.requests == []
    assert control(sandbox, "GET", "magic").status_code == 404


def test_requests_are_told_without_what_authorised_them(api, sandbox):
    api.patch("?force_address=true", last_name="Sousa")
    answer = control(sandbox, "GET", "requests")
    [told] = answer.json()
    assert (told["method"], told["path"]) == ("PATCH", PROFILE)
    assert told["query"] == "force_address=true"
    assert json.loads(told["body"]) == {"last_name": "Sousa"}
    assert told["headers"]["accept-language"] == "en-US"
    assert "sandbox-token" not in answer.text
    assert len(sandbox.requests) == 1


def test_a_customer_can_be_changed_behind_the_callers_back(sandbox):
    changed = control(sandbox, "PATCH", f"customers/{TOM}", {"email": "elsewhere@x.y"})
    missing = control(sandbox, "PATCH", "customers/1", {"email": "elsewhere@x.y"})
    assert (changed.status_code, missing.status_code) == (204, 404)
    assert sandbox.customers[TOM]["email"] == "elsewhere@x.y"
    assert sandbox.requests == []


# Starting and ending


def test_it_serves_on_a_socket_that_already_listens():
    listener = socket.create_server(("127.0.0.1", 0))
    with Sandbox(listener=listener, token="t", api_key="k") as sandbox:
        headers = HEADERS | {"authorization": "Bearer t", "x-api-key": "k"}
        assert requests.get(sandbox.url + READ, headers=headers, timeout=10).status_code == 200
    assert listener.fileno() == -1  # closed with the sandbox


@pytest.mark.parametrize(
    "fault",
    [
        Fault("latency", seconds=600),
        Fault("drip", seconds=600, part="headers"),
        Fault("apply_late", seconds=600),
        None,
    ],
)
def test_closing_waits_for_no_fault_and_ends_open_connections(fault):
    with Sandbox() as sandbox:
        connection = connect(sandbox)
        if fault is not None:
            sandbox.faults.add(fault)
        connection.request("GET", READ, headers=HEADERS)
        if fault is None:
            connection.getresponse().read()
        while len(sandbox.faults):
            time.sleep(0.001)
    assert connection.sock.recv(1) == b""
    connection.close()
    with pytest.raises(requests.ConnectionError):
        requests.get(sandbox.url, timeout=10)


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
            found = re.fullmatch(
                r"Sandbox API on (http://127\.0\.0\.1:\d+), token sandbox-token,"
                r" API key sandbox-key\n",
                line,
            )
            assert found, line
            assert requests.get(found[1] + READ, headers=HEADERS, timeout=10).status_code == 200
        finally:
            process.send_signal(signal.SIGINT)
            try:
                out, err = process.communicate(timeout=10)
            finally:
                process.kill()
    assert process.returncode == 0
    assert (out, err) == ("", f"GET {READ} 200\n")
