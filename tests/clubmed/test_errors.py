"""The tree of errors: did it land? Nothing of the libraries below escapes it, nor any text."""

import gzip
import json
import logging
import socket
import threading
import traceback

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customers.clubmed import errors
from customers.clubmed.errors import (
    BusyError,
    ClubMedError,
    ContractError,
    FieldError,
    ForbiddenError,
    NoAnswerError,
    NotFoundError,
    NotSentError,
    RefusedError,
    UnauthorizedError,
)
from tests.clubmed.calls import (
    CHUNKED,
    GZIP,
    NEW,
    NO_ANSWER,
    TOM,
    client,
    every_route,
    hang_up,
    of,
    reset,
)
from tests.wire import RawServer, answer

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


TYPED = {"email": "typed@example.com"}
NOWHERE = "http://whisper.invalid"


def update(server):
    """One PATCH against it: the error that it raises."""
    with pytest.raises(ClubMedError) as caught:
        client(server.url).update_profile(TOM, TYPED)
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
        client(url).update_profile(TOM, {"email": None})


@pytest.mark.parametrize("broken", [{"api_key": "a\nb"}, {"locale": "北"}])
def test_a_header_that_cannot_be_sent_sends_nothing(broken):
    with RawServer() as server:
        with pytest.raises(NotSentError):
            client(server.url, **broken).update_profile(TOM, {"email": None})

        assert server.requests == []


@pytest.mark.parametrize(
    ("raised", "kind"),
    [
        (RuntimeError("secret"), NotSentError),
        (UnauthorizedError("POST /token: 401", status=401), UnauthorizedError),
    ],
)
def test_a_source_without_a_token_sends_nothing(raised, kind):
    class Broken:
        def token(self, rejected=""):
            raise raised

    with RawServer() as server:
        with pytest.raises(kind):
            client(server.url, tokens=Broken()).update_profile(TOM, TYPED)

        assert server.requests == []


# No answer that can be understood --------------------------------------------------------------


@pytest.mark.parametrize("said", NO_ANSWER.values(), ids=NO_ANSWER)
def test_an_answer_that_says_nothing_clear_is_no_answer(said):
    with RawServer(said, said, said) as server, pytest.raises(NoAnswerError):
        client(server.url).read_profile(TOM)


@pytest.mark.parametrize("said", [reset, hang_up, *(of(s) for s in (200, 500, 502, 503, 504))])
def test_a_write_without_a_clear_answer_is_sent_once(said):
    with RawServer(said, answer(204)) as server:
        assert isinstance(update(server), NoAnswerError)

        assert len(server.requests) == 1


@pytest.mark.parametrize("said", [reset, hang_up])
def test_a_write_on_a_kept_connection_that_breaks_is_not_sent_again(said):
    with RawServer(answer(204), said, answer(204)) as server:
        api = client(server.url)
        api.update_profile(TOM, {"email": None})
        with pytest.raises(NoAnswerError):
            api.update_profile(TOM, {"email": None})

        assert server.connections == 1
        assert len(server.requests) == 2


def test_a_kept_connection_that_was_closed_meanwhile_is_made_anew():
    closed = threading.Event()

    def answer_and_close(connection):
        connection.sendall(answer(204))
        connection.shutdown(socket.SHUT_RDWR)
        closed.set()

    with RawServer(answer_and_close, answer(204)) as server:
        api = client(server.url)
        api.update_profile(TOM, {"email": None})
        assert closed.wait(10)
        api.update_profile(TOM, {"email": None})

        assert server.connections == 2
        assert len(server.requests) == 2


@pytest.mark.parametrize("packed", [False, True])
def test_an_answer_without_measure_is_left(packed):
    large = b'{"a": "' + b"x" * 6 * 1024 * 1024 + b'"}'
    said = of(200, gzip.compress(large), GZIP) if packed else of(200, large)
    with RawServer(said) as server, pytest.raises(NoAnswerError):
        client(server.url).read_profile(TOM)


# A redirect --------------------------------------------------------------------------------


@pytest.mark.parametrize("location", [b"/elsewhere", b"http://[", b"\xff", b""])
@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308])
def test_a_redirect_is_outside_the_contract(status, location):
    headers = b"location: %s\r\ncontent-length: 50\r\n" % location
    with RawServer(of(status, b"cut", headers)) as server:
        assert isinstance(update(server), ContractError)

        assert len(server.requests) == 1


# A clear no ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        *((status, RefusedError) for status in (400, 409, 416, 422, 499)),
        (401, UnauthorizedError),
        (403, ForbiddenError),
        (404, NotFoundError),
        (429, BusyError),
    ],
)
def test_a_refusal_is_known_by_its_status(status, kind):
    with RawServer(answer(status, {"error_description": "No."})) as server:
        refused = update(server)

    assert type(refused) is kind
    assert (refused.status, refused.description, refused.errors) == (status, "No.", ())


def test_a_refusal_names_each_field_in_the_api_s_words_whatever_its_content_type():
    named = {"error_code": "E1", "concerned_key": "address.zip_code", "error_description": "Bad."}
    said = {"error_description": "Two.", "errors": [named, {"error_description": "And this."}]}
    body = json.dumps({"status_code": 400, "error": "bad_request", **said}).encode()
    with RawServer(of(400, body, b"content-type: text/plain\r\n")) as server:
        refused = update(server)

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
        of(400, b"\xff\xfe\xff"),
        of(400, b"[" * 100_000),
        of(400, b"not packed", GZIP),
        of(400, b"{}", b"content-length: 99\r\n"),
        of(400, b"zz\r\n", CHUNKED),
        of(400, b"x" * 6 * 1024 * 1024),
        of(400, b'{"error_description": 1, "errors": {"a": 1}}'),
        of(400, b'{"errors": [null, 1, "a", [], {"error_code": [], "concerned_key": {}}]}'),
    ],
    ids=lambda said: said[:60].decode("latin-1"),
)
def test_a_refusal_without_a_readable_word_is_still_a_refusal(said):
    with RawServer(said) as server:
        refused = update(server)

        assert type(refused) is RefusedError
        assert refused.description == ""
        assert {(e.code, e.key, e.message) for e in refused.errors} <= {("", "", "")}


@settings(deadline=None)
@given(body=ANY_JSON | st.fixed_dictionaries({"errors": st.lists(ANY_JSON), "error": ANY_JSON}))
def test_any_json_can_be_the_body_of_a_refusal(body):
    refused = errors.refusal("PATCH /v1", 400, body)

    assert isinstance(refused.description, str)
    assert all(isinstance(e.code + e.key + e.message, str) for e in refused.errors)


# What reaches a log ----------------------------------------------------------------------------


PRIVATE = (TOM, "typed@example.com", "127.0.0.1", "sandbox-token", "sandbox-key", "whisper")


@pytest.mark.parametrize(
    ("said", "text"),
    [
        (answer(400, {"error_description": "whisper"}), "400"),
        (answer(302, location="http://whisper.example"), "302"),
        (of(500, b"whisper"), "500 where 204 was promised"),
        (b"whisper\r\n\r\n", "ConnectionError"),
        (of(204, b"", b"x: y\r\n" * 200), "ConnectionError"),
    ],
)
def test_a_logged_error_shows_the_route_and_its_kind_alone(said, text, caplog):
    with RawServer(said) as server:
        error = update(server)

    assert str(error) == f"PATCH /v1/customers/{{customer_id}}/profile: {text}"
    logging.getLogger("shop").error("it failed", exc_info=error)
    shown = caplog.text + "".join(traceback.format_exception(error))
    assert "it failed" in shown
    assert [private for private in PRIVATE if private in shown] == []


def test_an_error_of_a_call_that_was_not_sent_shows_no_address():
    with pytest.raises(NotSentError) as caught:
        client(NOWHERE).create_customer(NEW)

    shown = "".join(traceback.format_exception(caught.value))
    assert str(caught.value) == "POST /v1/customers: ConnectionError"
    assert [private for private in PRIVATE if private in shown] == []
