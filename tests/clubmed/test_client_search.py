"""The client's search: what goes over the wire, what comes back, and what reaches no log."""

import logging
import traceback

import pytest

from crmadmin.sandbox import Fault
from customers.clubmed.errors import (
    BusyError,
    ClubMedError,
    ContractError,
    ForbiddenError,
    NoAnswerError,
    NotFoundError,
    NotSentError,
    RefusedError,
    UnauthorizedError,
)
from customers.clubmed.tokens import StaticToken
from tests.clubmed.calls import NEW, NO_ANSWER, TOM, client
from tests.wire import Drip, RawServer, answer

SMITH = {"last_name": "SMITH"}
LOOKED_FOR = {"email": "whisper@example.com", "phones.number": "+5511900000412"}
PRIVATE = ("whisper", "5511900000412", "filter=", TOM, "127.0.0.1", "sandbox-token")


def found(said, filters=SMITH):
    """What one search gives when the server says that, however often it is asked."""
    with RawServer(said, said, said) as server:
        return client(server.url).find_customers(filters).items


def target(filters, **paging):
    """Where one search goes, as sent."""
    with RawServer(answer(200, [])) as server:
        client(server.url).find_customers(filters, **paging)
        [request] = server.requests
        return request.target


# What is sent --------------------------------------------------------------------------------


def test_every_filter_is_a_parameter_of_its_own():
    filters = {"last_name": "SMITH", "birthdate": "19860614", "address.zip_code": "01503-020"}

    assert target(filters) == (
        "/v1/customers?filter=last_name%3D%3DSMITH&filter=birthdate%3D%3D19860614"
        "&filter=address.zip_code%3D%3D01503-020&limit=10&page=1"
    )


def test_a_page_of_another_size_can_be_asked_for():
    assert target(SMITH, limit=50, page=3).endswith("&limit=50&page=3")


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        ("+5511900000412", "%2B5511900000412"),
        ("tom+club@example.com", "tom%2Bclub%40example.com"),
        ("A&limit=1", "A%26limit%3D1"),
        ("=A=", "%3DA%3D"),
        ("DE LA CRUZ", "DE%20LA%20CRUZ"),
        ("100%41", "100%2541"),
        ("a#b?c;d/e", "a%23b%3Fc%3Bd%2Fe"),
        ("é王", "%C3%A9%E7%8E%8B"),
        ("a\r\nx-api-key: b", "a%0D%0Ax-api-key%3A%20b"),
        ("", ""),
    ],
)
def test_a_value_stays_one_value_whatever_it_holds(value, sent):
    assert target({"email": value}) == f"/v1/customers?filter=email%3D%3D{sent}&limit=10&page=1"


def test_a_value_that_no_url_can_hold_is_not_sent():
    with RawServer() as server:
        with pytest.raises(NotSentError):
            client(server.url).find_customers({"email": "\ud800"})

        assert server.requests == []


def test_a_search_is_a_get_without_a_body_and_with_the_headers_of_the_contract():
    with RawServer(answer(200, [])) as server:
        client(server.url).find_customers(SMITH)

        [request] = server.requests
        assert (request.method, request.body) == ("GET", b"")
        assert request.headers["accept"] == "application/json"
        assert request.headers["authorization"] == "Bearer sandbox-token"
        assert request.headers["x-api-key"] == "sandbox-key"
        assert request.headers["content-type"] is None


# What is found -------------------------------------------------------------------------------


def test_a_customer_just_created_is_found_by_e_mail(sandbox):
    api = client(sandbox.url)
    customer_id = api.create_customer(NEW | {"email": "tom+club@example.com"})

    [item] = api.find_customers({"email": "tom+club@example.com"}).items

    assert (item["id"], item["last_name"], item["type"]) == (customer_id, "SMITH", "PROSPECT")


def test_every_filter_must_match(sandbox):
    api = client(sandbox.url)
    beatriz = {"last_name": "Wang", "birthdate": "19860614"}

    assert [item["id"] for item in api.find_customers(beatriz).items] == ["704118236"]
    assert api.find_customers(beatriz | {"first_name": "Tom"}).items == []


def test_pages_follow_one_another_until_one_is_empty(sandbox):
    api = client(sandbox.url)

    pages = [api.find_customers({}, limit=100, page=page) for page in (1, 2, 3, 4)]

    assert [len(page.items) for page in pages] == [100, 100, 100, 0]
    assert [page.has_next for page in pages] == [True, True, False, False]
    assert [page.total for page in pages] == [300, 300, 300, None]
    assert [item["id"] for page in pages for item in page.items] == list(sandbox.customers)


@pytest.mark.parametrize("status", [200, 206])
def test_items_come_as_they_were_answered_with_their_id_as_text(status):
    item = {"id": 987654321, "type": "AGENCE", "phones": None, "new_field": {"a": [1]}}

    assert found(answer(status, [item])) == [item | {"id": "987654321"}]


def test_nothing_found_is_an_empty_list():
    assert found(answer(200, [])) == []


@pytest.mark.parametrize("said", [answer(416), answer(416, {"error": "beyond"})])
def test_a_page_beyond_the_last_is_empty(said):
    assert found(said) == []


@pytest.mark.parametrize(
    "odd",
    [
        None,
        1,
        "1",
        [],
        {},
        *({"id": odd} for odd in (None, "", " ", 0, -5, 1.5, True, "012", "a1", "../1", "٣", [])),
    ],
)
def test_an_item_without_a_usable_id_is_left_out(odd):
    assert found(answer(200, [odd, {"id": TOM}])) == [{"id": TOM}]


# What goes wrong -----------------------------------------------------------------------------


@pytest.mark.parametrize("body", [{}, {"items": [{"id": TOM}]}, "a", 1, True])
def test_an_answer_that_is_no_list_is_no_answer(body):
    with pytest.raises(NoAnswerError, match="GET /v1/customers: 200 without a JSON array"):
        found(answer(200, body))


@pytest.mark.parametrize(
    "said",
    [said for name, said in NO_ANSWER.items() if name != "list"],
    ids=[name for name in NO_ANSWER if name != "list"],
)
def test_an_answer_that_says_nothing_clear_is_no_answer(said):
    with pytest.raises(NoAnswerError):
        found(said)


def test_another_success_than_the_promised_ones_is_named():
    with pytest.raises(NoAnswerError, match="GET /v1/customers: 202 where 200 or 206 was promised"):
        found(answer(202, []))


def test_a_redirect_is_not_followed():
    with RawServer() as other, pytest.raises(ContractError):
        found(answer(307, location=other.url))

    assert other.requests == []


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, RefusedError),
        (401, UnauthorizedError),
        (403, ForbiddenError),
        (404, NotFoundError),
        (429, BusyError),
    ],
)
def test_a_refusal_is_known_by_its_status(status, kind):
    with pytest.raises(RefusedError) as caught:
        found(answer(status, {"error_description": "No."}))

    assert type(caught.value) is kind
    assert (caught.value.status, caught.value.description) == (status, "No.")


def test_a_token_that_may_not_search_is_forbidden(sandbox):
    sandbox.searchable = False

    with pytest.raises(ForbiddenError):
        client(sandbox.url).find_customers(SMITH)


def test_a_token_that_is_no_longer_good_is_unauthorized(sandbox):
    with pytest.raises(UnauthorizedError):
        client(sandbox.url, tokens=StaticToken("old")).find_customers(SMITH)


def test_a_key_that_cannot_be_searched_is_refused_by_name(sandbox):
    with pytest.raises(RefusedError) as caught:
        client(sandbox.url).find_customers({"shoe_size": "42"})

    assert [error.key for error in caught.value.errors] == ["filter"]


def test_a_search_is_tried_again_as_every_read(sandbox):
    sandbox.faults.add(Fault("status", method="GET", path="/v1/customers", status=503))

    client(sandbox.url).find_customers(SMITH)

    assert len(sandbox.requests) == 2


def test_a_search_keeps_to_the_deadline():
    drip = Drip(b"x-slow: " + b"x" * 1000, quick=b"HTTP/1.1 200 OK\r\n")
    with RawServer(drip) as server:
        with pytest.raises(NoAnswerError):
            client(server.url, deadline=0.4).find_customers(SMITH)

        assert not drip.finished.is_set()


# What reaches a log --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        (answer(206, [{"id": TOM, "email": "whisper@example.com"}]), "206"),
        (answer(400, {"error_description": "whisper@example.com"}), "RefusedError"),
        (answer(416), "RefusedError"),
        (answer(500, "whisper@example.com"), "NoAnswerError"),
        (b"whisper@example.com\r\n\r\n", "NoAnswerError"),
    ],
)
def test_a_search_is_one_line_of_the_log_without_what_was_looked_for(said, outcome, caplog):
    caplog.set_level(logging.DEBUG)
    shown = ""
    try:
        found(said, LOOKED_FOR)
    except ClubMedError as error:
        shown = "".join(traceback.format_exception(error))

    [record] = caplog.records
    assert record.getMessage().rsplit(" ", 2)[0] == f"GET /v1/customers {outcome}"
    assert [private for private in PRIVATE if private in caplog.text + shown] == []


def test_a_search_that_was_not_sent_shows_no_value():
    with pytest.raises(NotSentError) as caught:
        client("http://nobody.invalid").find_customers(LOOKED_FOR)

    assert str(caught.value) == "GET /v1/customers: ConnectionError"
    shown = "".join(traceback.format_exception(caught.value))
    assert [private for private in PRIVATE if private in shown] == []
