"""The contract file, and that our sandbox keeps to it. The client is held to it in every test."""

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import requests
from jsonschema import Draft202012Validator
from requests.structures import CaseInsensitiveDict

from crmadmin.sandbox import Recorded, Sandbox
from customers.catalogue.fields import FIELDS, Create, creatable
from tests import contract
from tests.contract import CONTRACT, resolved
from tests.crmadmin.sandbox_api import HEADERS, TOM

pytestmark = pytest.mark.once

PROFILE = f"/v1/customers/{TOM}/profile"


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def session():
    with requests.Session() as session:
        session.trust_env = False
        session.headers["accept"] = HEADERS["accept"]
        yield session


def parts(node, where=()):
    """Every object in the file, with where it stands."""
    if isinstance(node, dict):
        yield where, node
        for key, member in node.items():
            yield from parts(member, (*where, key))
    elif isinstance(node, list):
        for index, item in enumerate(node):
            yield from parts(item, (*where, index))


def referred(*where):
    """Every object that stands there, or is referred to from there."""
    seen, waiting = set(), [where]
    while waiting:
        at = waiting.pop()
        if at not in seen:
            seen.add(at)
            for _, part in parts(resolved(*at)[0]):
                yield part
                if "$ref" in part:
                    waiting.append(tuple(part["$ref"].removeprefix("#/").split("/")))


def test_the_file_is_openapi_3_1_and_each_schema_in_it_one():
    import schemathesis  # which takes a second: not in every worker

    assert CONTRACT["openapi"] == "3.1.0"
    schemathesis.openapi.from_path(contract.FILE).validate()
    for where, part in parts(CONTRACT):
        if where[-2:-1] == ("schemas",) or where[-1:] == ("schema",):
            Draft202012Validator.check_schema(part)
        if "$ref" in part:
            resolved(*where)


def test_every_fact_says_where_it_comes_from():
    facts = [
        (where, resolved(*where)[0] | part)
        for where, part in parts(CONTRACT)
        if (
            where[-2:-1] in [("properties",), ("parameters",), ("responses",), ("headers",)]
            or where[-1:] == ("requestBody",)
            or (len(where) == 3 and where[0] == "paths")
            or where[-2:-1] == ("securitySchemes",)
        )
        and "example" not in where
    ]
    assert len(facts) > 100
    assert [where for where, fact in facts if fact.get("x-source") not in ("S", "P")] == []


def test_what_we_send_is_closed_and_what_we_read_is_open():
    for name in ("NewCustomer", "ProfileChange"):
        assert resolved("components", "schemas", name)[0]["additionalProperties"] is False
    for _, _, where in contract.OPERATIONS:
        for part in referred(*where, "responses"):
            assert not {"enum", "const"} & set(part)
            assert part.get("additionalProperties") is not False


def test_the_catalogue_says_of_each_field_what_the_contract_says():
    def schema(name):
        return resolved("components", "schemas", name)[0]

    rows = FIELDS.values()
    new, address = schema("NewCustomer"), schema("Address")["properties"]
    assert {row.name for row in creatable()} <= set(new["properties"])
    assert {row.name for row in rows if row.create is Create.REQUIRED} == set(new["required"])
    assert {row.name for row in rows if row.patch} == set(schema("ProfileChange")["properties"])
    read = {row.path.split(".")[0] or row.name for row in rows if row.in_profile}
    assert set(schema("Profile")["properties"]) == read | {"birthday", "_links"}
    lengths = {row.name: row.max_length for row in FIELDS["address"].members}
    assert lengths == {name: address[name]["maxLength"] for name in lengths}
    assert len(lengths) == len(address) - 1  # a country is chosen by its code


def sent(method, path, *, query="", body=b"", **headers):
    kind = {"Content-Type": "application/json"} if body else {}
    every = {name.replace("_", "-"): value for name, value in headers.items()}
    return Recorded(method, path, query, CaseInsensitiveDict(HEADERS | kind | every), body)


@pytest.mark.parametrize(
    ("request_", "problem"),
    [
        (sent("GET", "/v2/customers"), "there is no GET"),
        (sent("GET", "/v2/customers/0123/profile"), "pattern"),
        (sent("GET", f"/v2/customers/{TOM}/profile", accept="*/*"), "accept"),
        (sent("GET", "/v0/locales", authorization="sandbox-token"), "bearer"),
        (sent("PATCH", PROFILE, body=b'{"email":null}', accept_language="fr"), "pattern"),
        (sent("PATCH", PROFILE, body=b'{"email":null}', query="force_address=1"), "boolean"),
        (sent("PATCH", PROFILE, body=b'{"email":null}', query="force=true"), "no parameter"),
        (sent("PATCH", PROFILE, body=b"{}"), "minProperties"),
        (sent("PATCH", PROFILE, body=b'{"phones":[{"number":"06 1","type":"HOME"}]}'), "phones"),
        (sent("POST", "/v1/customers", body=b'{"first_name":"A","last_name":"B"}'), "required"),
        (sent("GET", "/v0/countries", body=b"{}"), "a body"),
    ],
)  # fmt: skip
def test_a_request_that_breaks_the_contract_is_found(request_, problem):
    assert problem in " ".join(contract.problems_of_request(request_))


READ = sent("GET", f"/v2/customers/{TOM}/profile")
FIND = sent("GET", "/v1/customers")


@pytest.mark.parametrize(
    ("request_", "status", "content", "headers"),
    [
        (READ, 201, {}, {}),
        (READ, 200, {"email": 5}, {}),
        (READ, 400, {"errors": [{"concerned_key": ["address", "zip_code"]}]}, {}),
        (FIND, 206, [], {"Link": "</v1/customers?page=2>; rel=next"}),
        (sent("PATCH", PROFILE), 204, {}, {}),
        (sent("POST", "/v1/customers"), 201, {"gm_number": "1"}, {}),
    ],
)
def test_an_answer_that_breaks_the_contract_is_found(request_, status, content, headers):
    body = json.dumps(content).encode()
    answer = SimpleNamespace(status=status, headers=headers, body=body)
    assert contract.problems_of_answer(request_, answer)


def test_the_examples_of_the_file_are_taken(sandbox, session):
    """So that what follows is not refused for something else each time."""
    for pattern, method, where in contract.OPERATIONS:
        operation, at = resolved(*where)
        path = where[1]
        for index, _ in enumerate(operation["parameters"]):
            parameter, _ = resolved(*at, "parameters", index)
            if parameter["in"] == "path":
                path = path.replace(f"{{{parameter['name']}}}", parameter["example"])
        assert pattern.fullmatch(path)
        media = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
        answer = session.request(
            method, sandbox.url + path, headers=HEADERS, json=media.get("example"), timeout=60
        )
        assert answer.ok, (method, path)


def test_the_sandbox_keeps_the_contract_whatever_is_sent(sandbox, tmp_path):
    """Always the same examples: a failure is one of this change, and can be had again.

    A market forbids more than the contract can say, so what keeps to it may be refused
    (positive_data_acceptance).
    """
    rights = [
        f"--header={name}:{HEADERS[name]}" for name in ("accept", "authorization", "x-api-key")
    ]
    command = [
        *(Path(sys.executable).with_name("schemathesis"), "run", contract.FILE, "--no-color"),
        *("--url", sandbox.url, *rights, "--generation-with-security-parameters", "false"),
        *("--phases", "examples,coverage,fuzzing", "--max-examples", "20"),
        *("--generation-deterministic", "--exclude-checks", "positive_data_acceptance"),
    ]
    with contract.answers_kept(sandbox):
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Tested: 8" in done.stdout
