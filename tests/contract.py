"""Does an exchange with Club Med keep to the contract (docs/clubmed-openapi.yaml)?

Every test that stands on the sandbox is watched: what the product sends, and what the sandbox's API
answers before any fault.
"""

import json
import re
from contextlib import contextmanager
from functools import cache, lru_cache
from pathlib import Path
from urllib.parse import parse_qs, unquote

import yaml
from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

FILE = Path(__file__).parent.parent / "docs/clubmed-openapi.yaml"
CONTRACT = yaml.load(FILE.read_text(), yaml.CSafeLoader)
_URI = "urn:clubmed"
_REGISTRY = Registry().with_resource(_URI, DRAFT202012.create_resource(CONTRACT))


# Of each operation: the pattern of its path, its method, and where it stands in the file.
OPERATIONS = [
    (re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path)), verb.upper(), ("paths", path, verb))
    for path, item in CONTRACT["paths"].items()
    for verb in ("get", "post", "patch")
    if verb in item
]


def problems_of_request(request):
    """What the contract forbids in a request of ours: a line each."""
    found = _operation(request)
    if found is None:
        return [f"there is no {request.method} {request.path}"]
    where, in_path = found
    operation, at = resolved(*where)
    problems = _problems_of_rights(request)
    query = parse_qs(request.query, keep_blank_values=True)
    sent = {"path": in_path, "query": query, "header": request.headers}
    for index in range(len(operation.get("parameters", ()))):
        parameter, place = resolved(*at, "parameters", index)
        name = parameter["name"]
        value = sent[parameter["in"]].get(name)
        if value is not None:
            problems += _problems(_decoded(value, parameter["schema"]), *place, "schema")
        elif parameter.get("required"):
            problems.append(f"{name} is missing")
        query.pop(name, None)
    problems += [f"{name} is no parameter" for name in query]
    return problems + _problems_of_body(request, operation, at)


def problems_of_answer(request, answer):
    """What the contract forbids in an answer to a request that is one of its own."""
    found = _operation(request)
    if found is None:
        return []
    operation, at = resolved(*found[0])
    if str(answer.status) not in operation["responses"]:
        return [f"no {answer.status} is promised"]
    response, place = resolved(*at, "responses", str(answer.status))
    problems = []
    for name, header in response.get("headers", {}).items():
        if name not in answer.headers:
            problems += [f"{name} is missing"] * header["required"]
        else:
            problems += _problems(answer.headers[name], *place, "headers", name, "schema")
    if "content" in response:
        where = (*place, "content", "application/json", "schema")
        return problems + _problems_of_json(answer.body, *where)
    return problems + ["a body"] * bool(answer.body)


def resolved(*where):
    """What stands there in the file, and where it really stands: a $ref is followed."""
    found = CONTRACT
    for key in where:
        found = found[key]
    if "$ref" in found:
        return resolved(*found["$ref"].removeprefix("#/").split("/"))
    return found, where


def _operation(request):
    for pattern, method, where in OPERATIONS:
        if method == request.method and (match := pattern.fullmatch(request.path)):
            return where, {name: unquote(value) for name, value in match.groupdict().items()}
    return None


def _problems_of_rights(request):
    """OpenAPI has no parameters for these headers."""
    problems = []
    if request.headers.get("accept") != "application/json":
        problems.append("accept is not application/json")
    if not re.fullmatch("Bearer .+", request.headers.get("authorization", "")):
        problems.append("authorization is no bearer token")
    if not request.headers.get("x-api-key"):
        problems.append("x-api-key is missing")
    return problems


def _problems_of_body(request, operation, at):
    if "requestBody" not in operation:
        return ["a body"] * bool(request.body)
    kind = request.headers.get("content-type", "nothing")
    if kind not in operation["requestBody"]["content"]:
        return [f"content-type is {kind}"]
    return _problems(request.json, *at, "requestBody", "content", kind, "schema")


def _decoded(value, schema):
    """A parameter as its schema sees it; query parameters come as lists."""
    if not isinstance(value, list) or schema.get("type") == "array":
        return value
    [text] = value  # ValueError: it stands there twice
    match schema.get("type"):
        case "integer":
            return int(text) if text.isdecimal() else text
        case "boolean":
            return {"true": True, "false": False}.get(text, text)
    return text


def _problems(value, *where):
    """At which members the value breaks the schema that stands there: never with the value."""
    return [
        f"{'.'.join(map(str, error.path)) or 'it'}: {error.validator} {error.validator_value}"
        for error in validator(*where).iter_errors(value)
    ]


@lru_cache(maxsize=64)
def _problems_of_json(body, *where):
    """Some answers are long and always the same."""
    return _problems(json.loads(body), *where)


@cache
def validator(*where):
    pointer = "/".join(str(key).replace("~", "~0").replace("/", "~1") for key in where)
    return Draft202012Validator({"$ref": f"{_URI}#/{pointer}"}, registry=_REGISTRY)


@contextmanager
def kept(sandbox):
    """Around a test; fails at its end if what came or was answered broke the contract."""
    with answers_kept(sandbox):
        yield
    broken = [
        f"{request.method} {request.path}: {problem}"
        for request in sandbox.requests
        for problem in problems_of_request(request)
    ]
    assert not broken, broken


@contextmanager
def answers_kept(sandbox):
    """The same of the answers alone, where a test sends what it likes."""
    told = []
    sandbox.watch = lambda request, answer: told.append((request, answer))
    try:
        yield
    finally:
        sandbox.watch = None
    broken = [
        f"{answer.status} to {request.method} {request.path}: {problem}"
        for request, answer in told
        for problem in problems_of_answer(request, answer)
    ]
    assert not broken, broken
