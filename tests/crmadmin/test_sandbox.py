"""The stand-in for the Club Med API, asked over real HTTP."""

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
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from django.core.management import CommandError, call_command

from crmadmin.management.commands.sandbox import Command
from crmadmin.sandbox import Fault, Sandbox
from tests.crmadmin.sandbox_api import (
    HEADERS,
    NEW,
    PROFILE,
    TOM,
    Api,
    assert_plain_error,
    concerned,
)

ROOT = Path(__file__).parent.parent.parent
READ = f"/v2/customers/{TOM}/profile"


# The three routes


def test_the_scenario_creates_reads_updates_and_reads_again(api: Api, sandbox: Sandbox) -> None:
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
    assert api.read(new["id"])["email"] == "ana.sousa@example.com"
    patched = api.ask("PATCH", f"/v1/customers/{new['id']}/profile", {"birth_city": "Porto"})
    assert patched.status_code == 204
    assert patched.content == b""
    assert "Content-Type" not in patched.headers
    assert api.read(new["id"])["birth_city"] == "Porto"
    assert [(r.method, r.path) for r in sandbox.requests] == [
        ("POST", "/v1/customers"),
        ("GET", f"/v2/customers/{new['id']}/profile"),
        ("PATCH", f"/v1/customers/{new['id']}/profile"),
        ("GET", f"/v2/customers/{new['id']}/profile"),
    ]


def test_a_new_id_is_the_next_free_number(api: Api, sandbox: Sandbox) -> None:
    highest = max(map(int, sandbox.customers))
    first, second = api.create().json()["id"], api.create().json()["id"]
    assert [first, second] == [str(highest + 1), str(highest + 2)]


def test_a_new_customer_has_null_for_what_was_not_said(api: Api) -> None:
    profile = api.read(api.create(call_id="C12").json()["id"])
    assert profile["email"] is None
    assert profile["phones"] is None
    assert profile["gender"] == "F"
    assert profile["customer_type"] == "PROSPECT"
    assert profile["personal_data_usage_allowed"] is False
    assert "call_id" not in profile


def test_a_national_number_posted_as_identity_is_read_back(api: Api) -> None:
    number = {"number": "99912345678", "type": "CPF"}
    assert api.read(api.create(identity=number).json()["id"])["identity"] == number


def test_the_scenarios_profile_is_read_to_the_letter(api: Api) -> None:
    assert api.read() == {
        "email": "tom@example.com",
        "gm_number": "123456789",
        "first_name": "Tom",
        "last_name": "Smith",
        "phones": [{"number": "0623456789", "type": "MOBILE"}],
        "loyalty_program": {"status": "EXCLUDED", "points": 1200},
        "locale": "en-US",
    }


def test_an_empty_value_is_read_as_null(api: Api, sandbox: Sandbox) -> None:
    sandbox.customers[TOM]["birth_city"] = ""
    sandbox.customers[TOM]["address"] = {"city": "", "street": "Old Mill Road"}
    assert api.read()["birth_city"] is None
    assert api.read()["address"] == {"city": None, "street": "Old Mill Road"}


def test_a_patch_leaves_what_it_does_not_name(api: Api) -> None:
    before = api.read()
    assert api.patch(birth_city="Leeds").status_code == 204
    assert api.read() == {**before, "birth_city": "Leeds"}


@pytest.mark.parametrize("nothing", [None, "", "  "])
def test_null_or_blank_clears(api: Api, nothing: str | None) -> None:
    api.patch(email=nothing)
    assert api.read()["email"] is None


def test_an_empty_list_clears_the_phones(api: Api) -> None:
    api.patch(phones=[])
    assert api.read()["phones"] is None


def test_a_list_and_an_object_are_replaced_whole(api: Api) -> None:
    api.patch(address={"city": "Leeds", "street": "Chapel Row"})
    api.patch(address={"city": "York"}, phones=[{"number": "+15035550101", "type": "HOME"}])
    profile = api.read()
    assert profile["address"] == {"city": "York"}
    assert profile["phones"] == [{"number": "+15035550101", "type": "HOME"}]


def test_unknown_members_are_preserved(api: Api, sandbox: Sandbox) -> None:
    sandbox.customers[TOM]["vip_host_code"] = "GH-01"
    phone = {"number": "+15035550101", "type": "FAX_2", "verified": True}
    api.patch(phones=[phone])
    profile = api.read()
    assert profile["vip_host_code"] == "GH-01"
    assert profile["phones"] == [phone]


@pytest.mark.parametrize(
    ("key", "sent", "stored"),
    [
        ("first_name", " Béatriz ", "BEATRIZ"),
        ("last_name", "D’Ávila-Núñez Jr.", "D’AVILA-NUNEZ JR."),
        ("second_name", "Zoë", "ZOE"),
        ("third_name", "Weiß", "WEISS"),
        ("fourth_name", "Łukasz", "ŁUKASZ"),
        ("unicode_first_name", " 美琳 ", "美琳"),
        ("email", " Tom.S@Example.ORG ", "tom.s@example.org"),
    ],
)  # fmt: skip
def test_values_are_normalised(api: Api, key: str, sent: Any, stored: Any) -> None:
    assert api.patch(**{key: sent}).status_code == 204
    assert api.read()[key] == stored


def test_the_civility_drives_the_gender(api: Api) -> None:
    api.patch(civility="MR")
    assert api.read()["gender"] == "M"
    api.patch(civility="MS")
    assert api.read()["gender"] == "F"


def test_answers_come_over_one_kept_connection(sandbox: Sandbox) -> None:
    connection = connect(sandbox)
    try:
        for path, status in ((READ, 200), ("/v2/customers/1/profile", 404), (READ, 200)):
            connection.request("GET", path, headers=HEADERS)
            first = connection.sock
            answer = connection.getresponse()
            answer.read()
            assert answer.status == status
            assert connection.sock is first is not None
    finally:
        connection.close()


# What it refuses


@pytest.mark.parametrize("sent", [None, "Bearer other", "sandbox-token", "Basic sandbox-token"])
def test_a_missing_or_wrong_token_is_401(api: Api, sent: str | None) -> None:
    assert_plain_error(api.ask("GET", READ, headers={"authorization": sent}), 401)


@pytest.mark.parametrize("sent", [None, "other"])
def test_a_missing_or_wrong_api_key_is_403(api: Api, sent: str | None) -> None:
    assert_plain_error(api.ask("GET", READ, headers={"x-api-key": sent}), 403)


@pytest.mark.parametrize("sent", [None, "english"])
def test_a_locale_is_needed(api: Api, sent: str | None) -> None:
    answer = api.ask("GET", READ, headers={"accept-language": sent})
    assert concerned(answer) == ["accept-language"]


def test_json_must_be_accepted(api: Api) -> None:
    assert concerned(api.ask("GET", READ, headers={"accept": "*/*"})) == ["accept"]


def test_a_body_must_be_called_json(api: Api) -> None:
    answer = api.ask("PATCH", PROFILE, {}, headers={"Content-Type": "text/plain"})
    assert_plain_error(answer, 400)


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b'"x"', b"null", b"\xff", b"[" * 100_000])
def test_a_body_must_be_a_json_object(api: Api, raw: bytes) -> None:
    assert_plain_error(api.ask("PATCH", PROFILE, raw=raw), 400)


@pytest.mark.parametrize("method", ["GET", "PATCH"])
@pytest.mark.parametrize("customer_id", ["1", "abc", "0123456789", "tom@example.com", "%31"])
def test_an_unknown_or_malformed_id_is_404(api: Api, method: str, customer_id: str) -> None:
    version = "v2" if method == "GET" else "v1"
    body = {} if method == "PATCH" else None
    answer = api.ask(method, f"/{version}/customers/{customer_id}/profile", body)
    assert_plain_error(answer, 404)


@pytest.mark.parametrize("path", ["/", "/v1//customers", "/v3/customers", f"/v2/customers/{TOM}"])
def test_an_unknown_route_is_404(api: Api, path: str) -> None:
    assert_plain_error(api.ask("GET", path), 404)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [("PUT", "/v1/customers", "GET, POST"), ("PATCH", READ, "GET"), ("GET", PROFILE, "PATCH")],
)
def test_a_wrong_method_is_405(api: Api, method: str, path: str, allowed: str) -> None:
    answer = api.ask(method, path)
    assert_plain_error(answer, 405)
    assert answer.headers["Allow"] == allowed


def test_a_forbidden_profile_is_403(api: Api, sandbox: Sandbox) -> None:
    sandbox.forbidden.add(TOM)
    assert_plain_error(api.ask("GET", READ), 403)
    assert_plain_error(api.patch(birth_city="Leeds"), 403)
    assert "birth_city" not in sandbox.customers[TOM]


@pytest.mark.parametrize("key", ["civility", "first_name", "last_name"])
def test_a_required_field_is_neither_missing_nor_cleared(api: Api, key: str) -> None:
    left = {name: value for name, value in NEW.items() if name != key}
    assert concerned(api.ask("POST", "/v1/customers", left)) == [key]
    assert concerned(api.create(**{key: ""})) == [key]
    assert concerned(api.patch(**{key: None})) == [key]


def test_every_refusal_is_named_not_just_the_first(api: Api) -> None:
    answer = api.ask("POST", "/v1/customers", {"email": "nobody"})
    assert sorted(concerned(answer)) == ["civility", "email", "first_name", "last_name"]


@pytest.mark.parametrize(
    ("values", "key"),
    [
        ({"civility": "DR"}, "civility"),
        ({"civility": 1}, "civility"),
        ({"first_name": "A" * 21}, "first_name"),
        ({"first_name": "Анна"}, "first_name"),
        ({"last_name": "Wang 2"}, "last_name"),
        ({"last_name": "A" * 31}, "last_name"),
        ({"last_name": "A\tB"}, "last_name"),
        ({"second_name": "<b>"}, "second_name"),
        ({"unicode_first_name": "美" * 101}, "unicode_first_name"),
        ({"unicode_first_name": "美\x00"}, "unicode_first_name"),
        ({"unicode_first_name": "\ud800"}, "unicode_first_name"),
        ({"email": "tom@example"}, "email"),
        ({"email": "tom at example.com"}, "email"),
        ({"email": 5}, "email"),
        ({"birthdate": "1990-01-01"}, "birthdate"),
        ({"birthdate": "19900231"}, "birthdate"),
        ({"birthdate": "29990101"}, "birthdate"),
        ({"birthdate": 19900101}, "birthdate"),
        ({"birth_country_code": "fr"}, "birth_country_code"),
        ({"language_code": "FRA"}, "language_code"),
        ({"phones": "0623456789"}, "phones"),
        ({"phones": ["0623456789"]}, "phones.0"),
        ({"phones": [None]}, "phones.0"),
        ({"phones": [{"number": "06x", "type": "HOME"}]}, "phones.0.number"),
        ({"phones": [{"number": "06 12", "type": "HOME"}]}, "phones.0.number"),
        ({"phones": [{"number": "١٢٣", "type": "HOME"}]}, "phones.0.number"),
        ({"phones": [{"number": "1", "type": "HOME"}, {"type": "HOME"}]}, "phones.1.number"),
        ({"phones": [{"number": "1", "type": "PAGER"}]}, "phones.0.type"),
        ({"address": "Leeds"}, "address"),
        ({"address": {"zip_code": "1" * 51}}, "address.zip_code"),
        ({"address": {"country_code": "FRAN"}}, "address.country_code"),
        ({"address": {"number": 12}}, "address.number"),
        ({"address": {"zip_code": "00000", "city": "Paris"}}, "address.zip_code"),
        ({"optins": [{"channel": "PIGEON", "optin": True}]}, "optins.0.channel"),
        ({"optins": [{"channel": "SMS", "optin": "yes"}]}, "optins.0.optin"),
        ({"optins": [{"channel": "SMS"}]}, "optins.0.optin"),
        ({"optins": [{"channel": "SMS", "optin": True, "optin_partners": True}]},
         "optins.0.optin_partners"),
        ({"identity": {"number": "999"}}, "identity.type"),
        ({"identity": {"type": "CPF"}}, "identity.number"),
        ({"identity": {"number": "999", "type": "PASSPORT"}}, "identity.type"),
        ({"personal_data_usage_allowed": "yes"}, "personal_data_usage_allowed"),
        ({"personal_data_usage_allowed": None}, "personal_data_usage_allowed"),
    ],
)  # fmt: skip
def test_a_bad_value_is_named_and_nothing_is_stored(
    api: Api, values: dict[str, Any], key: str
) -> None:
    before = api.read()
    assert concerned(api.patch(birth_city="Leeds", **values)) == [key]
    assert api.read() == before


@pytest.mark.parametrize(
    "key",
    ["id", "gm_number", "gender", "customer_type", "customer_status", "loyalty_program", "locale",
     "blacklisted", "filiation_number", "health_pass_id", "birthday", "call_id", "_links"],
)  # fmt: skip
def test_a_read_only_field_cannot_be_patched(api: Api, key: str) -> None:
    assert concerned(api.patch(**{key: "X"})) == [key]


@pytest.mark.parametrize("key", ["shoe_size", "second_name", "birth_city", "gender"])
def test_what_no_create_takes_is_named(api: Api, key: str) -> None:
    assert concerned(api.create(**{key: "X"})) == [key]


def test_a_key_that_nobody_knows_is_named(api: Api) -> None:
    assert concerned(api.patch(birth_city="Leeds", shoe_size=42)) == ["shoe_size"]


def test_force_address_passes_the_address_validation(api: Api) -> None:
    address = {"zip_code": "00000", "city": "Paris"}
    assert concerned(api.patch("?force_address=false", address=address)) == ["address.zip_code"]
    assert api.patch("?force_address=true", address=address).status_code == 204
    assert api.read()["address"] == address
    assert concerned(api.create(address=address)) == ["address.zip_code"]
    assert api.create("?force_address=true", address=address).status_code == 201
    assert concerned(api.create("?force_address=maybe")) == ["force_address"]


def test_a_body_whose_end_is_unknown_or_far_is_refused(sandbox: Sandbox) -> None:
    for header, status in (
        (("Transfer-Encoding", "chunked"), 411),
        (("Content-Length", "-5"), 411),
        (("Content-Length", "9999999"), 413),
    ):
        connection = connect(sandbox)
        connection.putrequest("PATCH", PROFILE)
        for name, value in (*HEADERS.items(), header):
            connection.putheader(name, value)
        connection.endheaders()
        assert connection.getresponse().status == status
        connection.close()


# What it remembers and what it tells


def test_requests_are_recorded_as_they_came(api: Api, sandbox: Sandbox) -> None:
    api.patch("?force_address=true", last_name="Sousa")
    [request] = sandbox.requests
    assert (request.method, request.path) == ("PATCH", PROFILE)
    assert request.query == "force_address=true"
    assert request.headers["X-API-KEY"] == request.headers["x-api-key"] == "sandbox-key"
    assert request.json == {"last_name": "Sousa"}
    assert request.body == b'{"last_name": "Sousa"}'


def test_a_reset_brings_the_seeded_state_back(api: Api, sandbox: Sandbox) -> None:
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
    assert not sandbox.forbidden
    assert sandbox.searchable
    assert not sandbox.requests
    assert not len(sandbox.faults)


def test_the_access_log_holds_no_personal_data(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        api.patch("?force_address=true", email="secret@example.com")
        api.ask("GET", "/v2/customers/secret@example.com/profile")
        api.ask("GET", "/_sandbox/requests")
    assert [r.getMessage() for r in caplog.records if r.name.startswith("crmadmin")] == [
        f"PATCH {PROFILE} 204",
        "GET (other) 404",
        "GET /_sandbox/requests 200",
    ]
    assert "secret" not in "".join(record.getMessage() for record in caplog.records)


# Faults


def connect(sandbox: Sandbox) -> http.client.HTTPConnection:
    where = urlsplit(sandbox.url)
    assert where.hostname is not None
    return http.client.HTTPConnection(where.hostname, where.port, timeout=10)


def test_latency_answers_rightly_but_late(api: Api, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault("latency", seconds=0.2))
    start = time.monotonic()
    assert api.patch(birth_city="Leeds").status_code == 204
    assert time.monotonic() - start >= 0.2
    assert sandbox.customers[TOM]["birth_city"] == "Leeds"


def test_a_status_comes_instead_of_the_answer(api: Api, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault("status", status=503, headers={"Retry-After": "2"}))
    answer = api.patch(birth_city="Leeds")
    assert_plain_error(answer, 503)
    assert answer.headers["Retry-After"] == "2"
    assert "birth_city" not in sandbox.customers[TOM]


def test_a_status_may_have_a_body_of_its_own_and_come_after_the_change(
    api: Api, sandbox: Sandbox
) -> None:
    sandbox.faults.add(Fault("status", status=504, body="upstream", applied=True))
    answer = api.patch(birth_city="Leeds")
    assert (answer.status_code, answer.text) == (504, "upstream")
    assert sandbox.customers[TOM]["birth_city"] == "Leeds"


def test_dropped_before_means_nothing_was_applied(api: Api, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault("drop_before"))
    with pytest.raises(requests.ConnectionError):
        api.patch(birth_city="Leeds")
    assert "birth_city" not in sandbox.customers[TOM]
    assert len(sandbox.requests) == 1


def test_dropped_after_means_it_was_applied(api: Api, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault("drop_after"))
    with pytest.raises(requests.ConnectionError):
        api.patch(birth_city="Leeds")
    assert sandbox.customers[TOM]["birth_city"] == "Leeds"


def test_applied_late_lands_after_the_drop(api: Api, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault("apply_late", seconds=0.3))
    with pytest.raises(requests.ConnectionError):
        api.patch(birth_city="Leeds")
    assert "birth_city" not in api.read()
    sandbox.wait_for_late()
    assert api.read()["birth_city"] == "Leeds"


def test_a_reset_forgets_what_was_to_land_late(api: Api, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault("apply_late", seconds=60))
    with pytest.raises(requests.ConnectionError):
        api.patch(birth_city="Leeds")
    sandbox.reset()
    sandbox.wait_for_late()
    assert "birth_city" not in sandbox.customers[TOM]


def test_a_reset_ends_the_calls_that_still_wait(api: Api, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault("latency", seconds=60))
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(api.patch, birth_city="Leeds")
        while not sandbox.requests:
            time.sleep(0.01)
        sandbox.reset()
        with pytest.raises(requests.ConnectionError):
            waiting.result(30)
    assert "birth_city" not in sandbox.customers[TOM]


@pytest.mark.parametrize("part", ["headers", "body"])
def test_a_dripped_answer_comes_a_byte_at_a_time(sandbox: Sandbox, part: str) -> None:
    sandbox.faults.add(Fault("drip", seconds=0.001, part=part))
    connection = connect(sandbox)
    connection.request("GET", READ, headers=HEADERS)
    answer = connection.getresponse()
    assert json.loads(answer.read())["last_name"] == "Smith"
    connection.close()


def test_a_dripped_body_follows_prompt_headers(sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault("drip", seconds=60))
    connection = connect(sandbox)
    connection.request("GET", READ, headers=HEADERS)
    answer = connection.getresponse()
    assert answer.status == 200
    assert connection.sock is not None
    connection.sock.settimeout(0.05)
    with pytest.raises(TimeoutError):
        answer.read()
    connection.close()


def test_dripped_headers_do_not_arrive_whole(api: Api, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault("drip", seconds=60, part="headers"))
    with pytest.raises(requests.ReadTimeout):
        api.ask("PATCH", PROFILE, {"birth_city": "Leeds"}, timeout=0.1)
    assert sandbox.customers[TOM]["birth_city"] == "Leeds"


def test_a_page_comes_instead_of_json(api: Api, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault("html"))
    sandbox.faults.add(Fault("html", status=502, body="<p>Bad gateway"))
    first, second = api.ask("GET", READ), api.ask("GET", READ)
    assert first.status_code == 200
    assert first.headers["Content-Type"].startswith("text/html")
    assert first.text.startswith("<!doctype html>")
    assert (second.status_code, second.text) == (502, "<p>Bad gateway")


def test_truncated_json_comes_after_the_change(api: Api, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault("truncated", times=2))
    patched, read = api.patch(birth_city="Leeds"), api.ask("GET", READ)
    assert sandbox.customers[TOM]["birth_city"] == "Leeds"
    for answer in (patched, read):
        assert answer.status_code == 200
        assert int(answer.headers["Content-Length"]) == len(answer.content) > 0
        with pytest.raises(requests.JSONDecodeError):
            answer.json()


def test_a_redirect_points_elsewhere(api: Api, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault("redirect"))
    answer = api.ask("GET", READ)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/elsewhere")


def test_an_empty_answer_has_a_status_and_no_body(api: Api, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault("empty"))
    sandbox.faults.add(Fault("empty", status=400))
    assert [(a.status_code, a.content) for a in (api.ask("GET", READ), api.patch(email="x"))] == [
        (200, b""),
        (400, b""),
    ]


def test_a_fault_meets_only_what_it_matches_and_wears_off(api: Api, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault("status", method="PATCH", path="/v1/customers", status=500, times=2))
    statuses = [api.ask("GET", READ).status_code, api.create().status_code]
    statuses += [api.patch(birth_city="Leeds").status_code for _ in range(3)]
    assert statuses == [200, 201, 500, 500, 204]


def test_a_fault_without_times_stays(api: Api, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault("status", path=".*/profile$", status=429, times=None))
    assert [api.ask("GET", READ).status_code for _ in range(3)] == [429] * 3
    sandbox.faults.clear()
    assert api.ask("GET", READ).status_code == 200


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "earthquake"},
        {"kind": "status"},
        {"kind": "latency"},
        {"kind": "status", "status": 99},
        {"kind": "drop_after", "times": 0},
        {"kind": "drip", "seconds": 1, "part": "feet"},
        {"kind": "html", "path": "("},
        {"kind": "latency", "seconds": "soon"},
        {"kind": "html", "shape": "round"},
        {"status": 500},
        [],
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(api: Api, sandbox: Sandbox, wrong: Any) -> None:
    assert api.ask("POST", "/_sandbox/faults", wrong).status_code == 400
    assert not len(sandbox.faults)


# Control from another process


def test_faults_are_set_and_withdrawn_from_outside(api: Api, sandbox: Sandbox) -> None:
    control = f"{sandbox.url}/_sandbox/faults"
    sent = {"kind": "status", "status": 503, "times": None, "headers": {"Retry-After": "1"}}
    assert requests.post(control, json=sent, timeout=10).status_code == 204
    assert api.ask("GET", READ).headers["Retry-After"] == "1"
    assert requests.delete(control, timeout=10).status_code == 204
    assert api.ask("GET", READ).status_code == 200


def test_a_reset_can_come_from_outside(api: Api, sandbox: Sandbox) -> None:
    api.patch(last_name="Other")
    assert requests.post(f"{sandbox.url}/_sandbox/reset", timeout=10).status_code == 204
    assert sandbox.customers[TOM]["last_name"] == "Smith"
    assert sandbox.requests == []


def test_requests_are_told_without_what_authorised_them(api: Api, sandbox: Sandbox) -> None:
    api.patch("?force_address=true", last_name="Sousa")
    answer = requests.get(f"{sandbox.url}/_sandbox/requests", timeout=10)
    [told] = answer.json()
    assert (told["method"], told["path"]) == ("PATCH", PROFILE)
    assert told["query"] == "force_address=true"
    assert json.loads(told["body"]) == {"last_name": "Sousa"}
    assert told["headers"]["accept-language"] == "en-US"
    assert "sandbox-token" not in answer.text
    assert len(sandbox.requests) == 1


def test_a_customer_can_be_changed_behind_the_callers_back(api: Api, sandbox: Sandbox) -> None:
    control = f"{sandbox.url}/_sandbox/customers"
    changed = requests.patch(f"{control}/{TOM}", json={"email": "elsewhere@x.y"}, timeout=10)
    missing = requests.patch(f"{control}/1", json={"email": "elsewhere@x.y"}, timeout=10)
    assert (changed.status_code, missing.status_code) == (204, 404)
    assert sandbox.customers[TOM]["email"] == "elsewhere@x.y"
    assert sandbox.requests == []


def test_an_unknown_control_is_404(sandbox: Sandbox) -> None:
    assert requests.get(f"{sandbox.url}/_sandbox/magic", timeout=10).status_code == 404


# Starting and ending


def test_it_serves_on_a_socket_that_already_listens() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    with Sandbox(listener=listener, token="t", api_key="k") as sandbox:
        assert sandbox.url == f"http://127.0.0.1:{listener.getsockname()[1]}"
        headers = {**HEADERS, "authorization": "Bearer t", "x-api-key": "k"}
        answer = requests.get(sandbox.url + READ, headers=headers, timeout=10)
        assert answer.status_code == 200
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
def test_closing_waits_for_no_fault_and_ends_open_connections(fault: Fault | None) -> None:
    with Sandbox() as sandbox:
        connection = connect(sandbox)
        if fault is not None:
            sandbox.faults.add(fault)
        connection.request("GET", READ, headers=HEADERS)
        if fault is None:
            connection.getresponse().read()
        else:
            while len(sandbox.faults):
                time.sleep(0.001)
    assert connection.sock is not None
    assert connection.sock.recv(1) == b""
    connection.close()
    with pytest.raises(requests.ConnectionError):
        requests.get(sandbox.url, timeout=10)


def test_the_command_says_what_to_do_about_a_taken_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(CommandError, match=f"port {port}: give it a free one with --port"):
            call_command(Command(), port=port)


def test_the_command_tells_where_it_listens_and_ends_quietly() -> None:
    """As `manage.py sandbox` does, in a process of its own, stopped as Ctrl-C stops it."""
    command = [sys.executable, "-m", "django", "sandbox", "--port", "0"]
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    with subprocess.Popen(
        command,
        env=environment,
        stdout=PIPE,
        stderr=PIPE,
        text=True,
        cwd=ROOT,
        # Whoever runs the tests in the background of a shell has it ignored, and we inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        try:
            assert process.stdout is not None
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
