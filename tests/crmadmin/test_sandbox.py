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
from urllib.parse import urlsplit

import pytest
import requests
from django.core.management import CommandError, call_command

from crmadmin.management.commands.sandbox import Command
from crmadmin.sandbox import Fault, Sandbox
from tests.crmadmin.sandbox_api import HEADERS, NEW, PROFILE, READ, TOM, concerned

ROOT = Path(__file__).parent.parent.parent


# What it stores


def test_a_new_customer_has_the_next_number_and_null_for_what_was_not_said(api, sandbox):
    highest = max(map(int, sandbox.customers))
    identity = {"number": "99912345678", "type": "CPF"}
    created = api.create(email="Ana.Sousa@Example.com", call_id="C12", identity=identity)
    assert created.status_code == 201
    new = created.json()
    assert new == {
        "id": str(highest + 1),
        "gm_number": new["gm_number"],
        "email": "ana.sousa@example.com",
        "identity": {"first_name": "ANA", "last_name": "SOUSA"},
        "locale": "en-US",
    }
    profile = api.read(new["id"])
    assert profile["phones"] is profile["birthdate"] is None
    assert (profile["gender"], profile["customer_type"]) == ("F", "PROSPECT")
    assert profile["personal_data_usage_allowed"] is False
    assert profile["identity"] == identity
    assert "call_id" not in profile


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ({"birth_city": "Leeds"}, {"birth_city": "Leeds"}),
        *(({"email": empty}, {"email": None}) for empty in (None, "", "  ")),
        ({"phones": []}, {"phones": None}),
        ({"civility": "MR"}, {"civility": "MR", "gender": "M"}),
        ({"civility": "MS"}, {"civility": "MS", "gender": "F"}),
        ({"first_name": " Béatriz "}, {"first_name": "BEATRIZ"}),
        ({"last_name": "D’Ávila-Núñez Jr."}, {"last_name": "D’AVILA-NUNEZ JR."}),
        ({"second_name": "Zoë Weiß"}, {"second_name": "ZOE WEISS"}),
        ({"fourth_name": "Łukasz"}, {"fourth_name": "ŁUKASZ"}),
        ({"unicode_first_name": " 美琳 "}, {"unicode_first_name": "美琳"}),
        ({"email": " Tom.S@Example.ORG "}, {"email": "tom.s@example.org"}),
    ],
)
def test_a_patch_stores_what_it_names_normalised_and_leaves_the_rest(api, sent, stored):
    before = api.read()
    patched = api.patch(**sent)
    assert (patched.status_code, patched.content) == (204, b"")
    assert api.read() == before | stored


def test_lists_and_objects_are_replaced_whole_and_unknown_members_preserved(api, sandbox):
    sandbox.customers[TOM] |= {"vip_host_code": "GH-01", "birth_city": ""}
    phone = {"number": "+15035550101", "type": "FAX_2", "verified": True}
    api.patch(address={"city": "Leeds", "street": "Chapel Row"})
    api.patch(address={"city": "York"}, phones=[phone])
    profile = api.read()
    assert (profile["address"], profile["phones"]) == ({"city": "York"}, [phone])
    assert (profile["vip_host_code"], profile["birth_city"]) == ("GH-01", None)


# What it refuses

LISTS = ["/v0/locales", "/v0/civilities", "/v0/countries", "/v3/schemas/profile/fr-FR"]


@pytest.mark.parametrize("path", [READ, "/v1/customers", *LISTS])
def test_every_route_needs_a_token_and_a_key_and_the_profile_a_locale(api, path):
    for header, sent, status in (
        *(("authorization", sent, 401) for sent in (None, "Bearer other", "Basic sandbox-token")),
        *(("x-api-key", sent, 403) for sent in (None, "other")),
        ("accept", "*/*", 400),
    ):
        assert api.ask("GET", path, headers={header: sent}).status_code == status
    for locale in (None, "english"):
        answer = api.ask("GET", path, headers={"accept-language": locale})
        assert concerned(answer) == ["accept-language"] if path == READ else answer.ok


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
        *(("PUT", "/v1/customers", 405), ("PATCH", READ, 405), ("GET", PROFILE, 405)),
        *(("DELETE", path, 405) for path in LISTS),
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
    assert concerned(api.patch(**{key: None})) == [key]
    assert {*concerned(api.create(email="nobody", **{key: ""}))} == {"email", key}


BAD = {
    "civility": ["DR", 1],
    "first_name": ["A" * 21, "Анна"],
    "last_name": ["Wang 2", "A" * 31, "A\tB"],
    "second_name": ["<b>"],
    "unicode_first_name": ["美" * 101, "美\x00", "\ud800"],
    "email": ["tom@example", "tom at example.com", 5],
    "birthdate": ["1990-01-01", "19900231", "29990101", 19900101],
    "birth_country_code": ["fr"],
    "language_code": ["FRA"],
    "phones": ["0623456789"],
    "phones.0": [["0623456789"], [None]],
    "phones.0.number": [[{"number": n, "type": "HOME"}] for n in ("06x", "06 12", "١٢٣")],
    "phones.1.number": [[{"number": "1", "type": "HOME"}, {"type": "HOME"}]],
    "phones.0.type": [[{"number": "1", "type": "PAGER"}]],
    "address": ["Leeds"],
    "address.zip_code": [{"zip_code": "1" * 51}, {"zip_code": "00000", "city": "Paris"}],
    "address.country_code": [{"country_code": "FRAN"}],
    "address.number": [{"number": 12}],
    "optins.0.channel": [[{"channel": "PIGEON", "optin": True}]],
    "optins.0.optin": [[{"channel": "SMS", "optin": "yes"}], [{"channel": "SMS"}]],
    "optins.0.optin_partners": [[{"channel": "SMS", "optin": True, "optin_partners": True}]],
    "identity.number": [{"type": "CPF"}],
    "identity.type": [{"number": "999"}, {"number": "999", "type": "PASSPORT"}],
    "personal_data_usage_allowed": ["yes", None],
    **{key: ["X"] for key in ("id", "gm_number", "gender", "customer_type", "customer_status")},
    **{key: ["X"] for key in ("loyalty_program", "locale", "blacklisted", "filiation_number")},
    **{key: ["X"] for key in ("health_pass_id", "birthday", "call_id", "_links", "shoe_size")},
}


@pytest.mark.parametrize(("named", "values"), BAD.items())
def test_a_bad_or_unpatchable_value_is_named_and_nothing_is_stored(api, named, values):
    before = api.read()
    for value in values:
        assert concerned(api.patch(birth_city="Leeds", **{named.split(".")[0]: value})) == [named]
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


# What goes wrong on demand


@pytest.mark.parametrize(
    ("fault", "status", "words", "is_applied"),
    [
        (Fault("latency", seconds=0.2), 204, "", True),
        (Fault("status", status=503), 503, "This was asked for.", False),
        (Fault("status", status=504, body="upstream", applied=True), 504, "upstream", True),
        (Fault("html"), 200, "<!doctype html>", False),
        (Fault("html", status=502, body="<p>Bad gateway"), 502, "<p>Bad gateway", False),
        (Fault("redirect"), 302, "", False),
        (Fault("empty"), 200, "", False),
        (Fault("empty", status=400), 400, "", False),
        (Fault("truncated"), 200, '{"status', True),
        (Fault("drip", seconds=0.001, part="headers"), 204, "", True),
        (Fault("drop_before"), None, "", False),
        (Fault("drop_after"), None, "", True),
        (Fault("apply_late", seconds=0.3), None, "", False),
    ],
)
def test_a_fault_says_what_comes_back_and_whether_the_change_is_made(
    api, sandbox, fault, status, words, is_applied
):
    sandbox.faults.add(fault)
    began = time.monotonic()
    try:
        answer = api.patch(birth_city="Leeds")
    except requests.ConnectionError:
        assert status is None
    else:
        assert answer.status_code == status
        assert words in answer.text
        assert time.monotonic() - began >= fault.seconds
    assert ("birth_city" in sandbox.customers[TOM]) == is_applied
    sandbox.wait_for_late()
    assert ("birth_city" in sandbox.customers[TOM]) == (is_applied or fault.kind == "apply_late")
    assert len(sandbox.requests) == 1
    assert api.read()["last_name"] == "Smith"


def test_of_a_faulty_answer_the_headers_are_those_that_were_asked_for(api, sandbox):
    sandbox.faults.add(Fault("status", status=503, headers={"Retry-After": "2"}))
    assert api.ask("GET", READ).headers["Retry-After"] == "2"
    sandbox.faults.add(Fault("redirect"))
    assert api.ask("GET", READ).headers["Location"] == "/elsewhere"
    sandbox.faults.add(Fault("html"))
    assert api.ask("GET", READ).headers["Content-Type"].startswith("text/html")
    sandbox.faults.add(Fault("truncated"))
    cut = api.ask("GET", READ)
    assert int(cut.headers["Content-Length"]) == len(cut.content) > 0
    with pytest.raises(requests.JSONDecodeError):
        cut.json()


@pytest.mark.parametrize("part", ["headers", "body"])
def test_a_dripped_answer_comes_a_byte_at_a_time(api, sandbox, part):
    sandbox.faults.add(Fault("drip", seconds=60, part=part))
    with pytest.raises((requests.ReadTimeout, requests.ConnectionError)):
        api.ask("GET", READ, timeout=0.1)


def test_a_fault_meets_only_what_it_matches_and_wears_off(api, sandbox):
    sandbox.faults.add(Fault("status", method="PATCH", path="/v1/customers", status=500, times=2))
    statuses = [api.ask("GET", READ).status_code, api.create().status_code]
    statuses += [api.patch(birth_city="Leeds").status_code for _ in range(3)]
    assert statuses == [200, 201, 500, 500, 204]
    sandbox.faults.add(Fault("status", path="/v0/|.*/profile$", status=429, times=None))
    assert {api.ask("GET", path).status_code for path in (READ, READ, "/v0/locales")} == {429}
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


def test_a_reset_brings_the_seeded_state_back_and_ends_what_waits(api, sandbox):
    customers = sandbox.customers
    api.create()
    api.patch(last_name="Other")
    sandbox.forbidden.add(TOM)
    sandbox.searchable = False
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
    assert sandbox.customers is customers
    assert len(customers) == 300
    assert customers[TOM]["last_name"] == "Smith"
    assert "birth_city" not in customers[TOM]
    assert sandbox.searchable
    assert not sandbox.forbidden
    assert not sandbox.requests
    assert not len(sandbox.faults)


# What it remembers and what it tells, and control from another process


def control(sandbox, method, path, body=None):
    return requests.request(method, f"{sandbox.url}/_sandbox/{path}", json=body, timeout=10)


def test_requests_are_recorded_as_they_came_and_told_without_what_authorised_them(api, sandbox):
    api.patch("?force_address=true", last_name="Sousa")
    [request] = sandbox.requests
    assert (request.method, request.path) == ("PATCH", PROFILE)
    assert request.query == "force_address=true"
    assert request.headers["X-API-KEY"] == request.headers["x-api-key"] == "sandbox-key"
    assert request.json == {"last_name": "Sousa"}
    assert request.body == b'{"last_name": "Sousa"}'

    answer = control(sandbox, "GET", "requests")
    [told] = answer.json()
    assert (told["method"], told["path"], told["query"]) == ("PATCH", PROFILE, request.query)
    assert json.loads(told["body"]) == request.json
    assert told["headers"]["accept-language"] == "en-US"
    assert "sandbox-token" not in answer.text
    assert len(sandbox.requests) == 1


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


def test_faults_resets_and_changes_come_from_outside(api, sandbox):
    fault = {"kind": "status", "status": 503, "times": None, "headers": {"Retry-After": "1"}}
    assert control(sandbox, "POST", "faults", fault).status_code == 204
    assert api.ask("GET", READ).headers["Retry-After"] == "1"
    assert control(sandbox, "DELETE", "faults").status_code == 204
    there = {"email": "elsewhere@x.y"}
    assert control(sandbox, "PATCH", f"customers/{TOM}", there).status_code == 204
    assert control(sandbox, "PATCH", "customers/1", there).status_code == 404
    assert api.read()["email"] == "elsewhere@x.y"
    assert control(sandbox, "POST", "reset").status_code == 204
    assert sandbox.customers[TOM]["email"] == "tom@example.com"
    assert sandbox.requests == []
    assert control(sandbox, "GET", "magic").status_code == 404


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
        where = urlsplit(sandbox.url)
        connection = http.client.HTTPConnection(where.hostname, where.port, timeout=10)
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
            where = r"Sandbox API on (http://127\.0\.0\.1:\d+)"
            found = re.fullmatch(f"{where}, token sandbox-token, API key sandbox-key\n", line)
            assert found, line
            assert requests.get(found[1] + READ, headers=HEADERS, timeout=10).status_code == 200
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=10)
        finally:
            process.kill()
    assert process.returncode == 0
    assert (out, err) == ("", f"GET {READ} 200\n")
