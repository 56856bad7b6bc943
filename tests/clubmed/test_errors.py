"""The tree of errors: did it land? Nothing of the libraries below escapes it."""

import gzip
import json
import socket

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customers.clubmed import errors
from customers.clubmed.errors import (
    ClubMedError,
    ContractError,
    FieldError,
    NoAnswerError,
    NotSentError,
    RefusedError,
)
from tests.clubmed.calls import ANY_JSON, client, every_route, hang_up, read, reset, update
from tests.wire import RawServer, answer

pytestmark = pytest.mark.once


def of(status, body=b"", headers=b""):
    """An answer after which the connection is closed."""
    return b"HTTP/1.1 %d Said\r\nconnection: close\r\n%s\r\n%s" % (status, headers, body)


def error(server):
    """What one PATCH against it raises."""
    with pytest.raises(ClubMedError) as caught:
        update(client(server.url))
    return caught.value


# Nothing went out ----------------------------------------------------------------------------


@every_route
def test_a_refused_connection_sent_nothing(call):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(NotSentError):
        call(client(f"http://127.0.0.1:{port}"))


@pytest.mark.parametrize(
    "url",
    [
        *("http://nobody.invalid", "http://", "http://[", "http://" + "a" * 70, "127.0.0.1", ""),
        *("http://127.0.0.1:99999", "ftp://127.0.0.1"),
    ],
)
def test_an_address_that_leads_nowhere_is_sent_nothing(url):
    with pytest.raises(NotSentError):
        update(client(url))


class Broken:
    """A token source that raises this."""

    def __init__(self, problem):
        self.problem = problem

    def token(self, rejected=""):
        raise self.problem


@pytest.mark.parametrize(
    ("broken", "kind"),
    [
        ({"api_key": "a\nb"}, NotSentError),
        ({"locale": "北"}, NotSentError),
        ({"tokens": Broken(RuntimeError("secret"))}, NotSentError),
        ({"tokens": Broken(RefusedError("POST /token", status=401))}, RefusedError),
    ],
)
def test_without_a_token_or_with_a_header_that_cannot_be_sent_nothing_goes_out(broken, kind):
    with RawServer() as server:
        with pytest.raises(kind):
            update(client(server.url, **broken))

        assert server.requests == []


# No answer that can be understood --------------------------------------------------------------

GZIP = b"content-encoding: gzip\r\n"
CHUNKED = b"transfer-encoding: chunked\r\n"
LARGE = b'{"a": "' + b"x" * 6 * 1024 * 1024 + b'"}'
NO_ANSWER = {
    "reset": reset,
    "closed": hang_up,
    "garbage": b"\x00\xff garbage\r\n\r\n",
    "long status line": b"HTTP/1.1 200 " + b"x" * 70_000,
    "half the headers, no body": b"HTTP/1.1 200 OK\r\ncontent-le",
    "too many headers": of(200, b"{}", b"x: y\r\n" * 200),
    "long header": of(200, b"{}", b"x: " + b"y" * 70_000 + b"\r\n"),
    "less than promised": of(200, b"{}", b"content-length: 9\r\n"),
    "cut by its length": of(200, b'{"a": 1}', b"content-length: 3\r\n"),
    "lengths that differ": of(200, b"{}", b"content-length: 2, 9\r\n"),
    "garbage chunks": of(200, b"zz\r\n{}\r\n", CHUNKED),
    "half a chunk": of(200, b"9\r\n{}", CHUNKED),
    "bad gzip": of(200, b"not packed", GZIP),
    "half a gzip": of(200, gzip.compress(json.dumps({"a": "b" * 50}).encode())[:15], GZIP),
    "too large": of(200, LARGE),
    "too large when unpacked": of(200, gzip.compress(LARGE), GZIP),
    "bad utf-8": of(200, b'{"a": "\xff"}'),
    "empty": of(200),
    "html": of(200, b"<h1>Maintenance</h1>", b"content-type: text/html\r\n"),
    "cut json": of(200, b'{"a": '),
    "list": of(200, b"[{}]"),
    "null": of(200, b"null"),
    "deep": of(200, b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
    "nan": of(200, b'{"a": NaN}'),
    "no double holds it": of(200, b'{"a": 1e999}'),
    "endless integer": of(200, b'{"a": ' + b"9" * 10_000 + b"}"),
    **{str(status): of(status) for status in (101, 202, 204, 500, 502, 503, 504, 799)},
}


@pytest.mark.parametrize("said", NO_ANSWER.values(), ids=NO_ANSWER)
def test_an_answer_that_says_nothing_clear_is_no_answer(said):
    with RawServer(said, said, said) as server, pytest.raises(NoAnswerError):
        read(client(server.url))


@pytest.mark.parametrize("said", [reset, hang_up])
def test_a_write_on_a_kept_connection_that_breaks_is_not_sent_again(said):
    with RawServer(answer(204), said, answer(204)) as server:
        api = client(server.url)
        update(api)
        with pytest.raises(NoAnswerError):
            update(api)

        assert server.connections == 1
        assert len(server.requests) == 2


# A redirect --------------------------------------------------------------------------------


@pytest.mark.parametrize("call", [read, update])
@pytest.mark.parametrize("location", [b"/elsewhere", b"http://[", b"\xff", b""])
@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308])
def test_a_redirect_is_outside_the_contract_and_not_followed(call, status, location):
    headers = b"location: %s\r\ncontent-length: 50\r\n" % location
    with RawServer(of(status, b"cut", headers)) as server:
        with pytest.raises(ContractError):
            call(client(server.url))

        assert len(server.requests) == 1


# A clear no ----------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 416, 422, 429, 499])
def test_a_refusal_is_known_by_its_status(status):
    with RawServer(answer(status, {"error_description": "No."})) as server:
        refused = error(server)

    assert type(refused) is RefusedError
    assert (refused.status, refused.description, refused.errors) == (status, "No.", ())


def test_a_refusal_names_each_field_in_the_api_s_words_whatever_its_content_type():
    named = {"error_code": "E1", "concerned_key": "address.zip_code", "error_description": "Bad."}
    said = {"error_description": "Two.", "errors": [named, {"error_description": "And this."}]}
    body = json.dumps({"status_code": 400, "error": "bad_request", **said}).encode()
    with RawServer(of(400, body, b"content-type: text/plain\r\n")) as server:
        refused = error(server)

    assert refused.description == "Two."
    assert refused.errors == (
        FieldError("E1", "address.zip_code", "Bad."),
        FieldError("", "", "And this."),
    )


@pytest.mark.parametrize(
    "said",
    [
        of(400),
        of(400, b"<h1>Bad request</h1>", b"content-type: text/html\r\n"),
        of(400, b'{"errors": [{"error_co'),
        of(400, b"[" * 100_000),
        of(400, b"not packed", GZIP),
        of(400, b"{}", b"content-length: 99\r\n"),
        of(400, LARGE),
        of(400, b'{"error_description": 1, "errors": {"a": 1}}'),
        of(400, b'{"errors": [null, 1, "a", [], {"error_code": [], "concerned_key": {}}]}'),
    ],
    ids=lambda said: said[:60].decode("latin-1"),
)
def test_a_refusal_without_a_readable_word_is_still_a_refusal(said):
    with RawServer(said) as server:
        refused = error(server)

    assert type(refused) is RefusedError
    assert refused.description == ""
    assert {(e.code, e.key, e.message) for e in refused.errors} <= {("", "", "")}


@settings(deadline=None)
@given(body=ANY_JSON | st.fixed_dictionaries({"errors": st.lists(ANY_JSON), "error": ANY_JSON}))
def test_any_json_can_be_the_body_of_a_refusal(body):
    refused = errors.refusal("PATCH /v1", 400, body)

    assert isinstance(refused.description, str)
    assert all(isinstance(e.code + e.key + e.message, str) for e in refused.errors)
