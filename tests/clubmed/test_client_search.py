"""The client's search: what goes over the wire, what comes back, and what reaches no log."""

import logging
import traceback

import pytest

from crmadmin.sandbox import Fault
from customers.clubmed.errors import (
    ClubMedError,
    ForbiddenError,
    NoAnswerError,
    NotSentError,
    RefusedError,
)
from tests.clubmed.calls import NEW, NO_IDS, TOM, client
from tests.wire import RawServer, answer

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

    assert target(filters, limit=50, page=3) == (
        "/v1/customers?filter=last_name%3D%3DSMITH&filter=birthdate%3D%3D19860614"
        "&filter=address.zip_code%3D%3D01503-020&limit=50&page=3"
    )


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


# What is found -------------------------------------------------------------------------------


def test_a_customer_just_created_is_found_and_every_filter_must_match(sandbox):
    api = client(sandbox.url)
    customer_id = api.create_customer(NEW | {"email": "tom+club@example.com"})
    beatriz = {"last_name": "Wang", "birthdate": "19860614"}

    [item] = api.find_customers({"email": "tom+club@example.com"}).items

    assert (item["id"], item["last_name"], item["type"]) == (customer_id, "SMITH", "PROSPECT")
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


@pytest.mark.parametrize("said", [answer(200, []), answer(416), answer(416, {"error": "beyond"})])
def test_nothing_found_or_a_page_beyond_the_last_is_an_empty_list(said):
    assert found(said) == []


@pytest.mark.parametrize("odd", [None, 1, "1", [], {}, *({"id": odd} for odd in NO_IDS)])
def test_an_item_without_a_usable_id_is_left_out(odd):
    assert found(answer(200, [odd, {"id": TOM}])) == [{"id": TOM}]


# What goes wrong -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "text"),
    [
        *((answer(200, body), "200 without a JSON array") for body in ({}, {"items": []}, "a", 1)),
        (answer(202, []), "202 where 200 or 206 was promised"),
    ],
)
def test_an_answer_outside_the_contract_is_no_answer(said, text):
    with pytest.raises(NoAnswerError, match=f"GET /v1/customers: {text}"):
        found(said)


def test_a_refusal_is_known_by_its_status_and_names_the_parameter(sandbox):
    api = client(sandbox.url)
    with pytest.raises(RefusedError) as caught:
        api.find_customers({"shoe_size": "42"})
    assert [error.key for error in caught.value.errors] == ["filter"]

    sandbox.searchable = False
    with pytest.raises(ForbiddenError):
        api.find_customers(SMITH)


def test_a_search_is_tried_again_as_every_read(sandbox):
    sandbox.faults.add(Fault("status", method="GET", path="/v1/customers", status=503))

    client(sandbox.url).find_customers(SMITH)

    assert len(sandbox.requests) == 2


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
