"""The client's routes: what goes over the wire, what comes back, and what reaches a log."""

import logging
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor

import pytest

from crmadmin.sandbox import Sandbox
from customers.clubmed.errors import ClubMedError, NoAnswerError, NotSentError
from tests.clubmed.calls import (
    GOOD,
    TOM,
    client,
    create,
    read,
    search,
    update,
)
from tests.wire import RawServer, answer

pytestmark = pytest.mark.once

# What no `id` of a customer can be
NO_IDS = [None, "", " ", 0, -5, 1.5, True, "012", "a1", "../1", "٣", [], {}]


def target(call, said):
    """Where one call goes, as sent."""
    with RawServer(said) as server:
        call(client(server.url))
        [request] = server.requests
        return request.target


def found(said):
    """What one search gives when the server says that, however often it is asked."""
    with RawServer(said, said, said) as server:
        return search(client(server.url))


# What is sent --------------------------------------------------------------------------------


@pytest.mark.parametrize("customer_id", ["12/../34", "1?a=b", "1#x", "%2e%2e", "é", "1 2"])
def test_an_id_stays_one_segment_of_the_path(customer_id):
    path = target(lambda api: api.read_profile(customer_id), GOOD[read])

    assert path.startswith("/v2/customers/")
    assert path.endswith("/profile")
    assert path.count("/") == 4
    assert not set("?# ") & set(path)


def test_every_filter_is_a_parameter_of_its_own():
    filters = {"last_name": "SMITH", "birthdate": "19860614", "address.zip_code": "01503-020"}

    assert target(lambda api: api.find_customers(filters, limit=50, page=3), GOOD[search]) == (
        "/v1/customers?filter=last_name%3D%3DSMITH&filter=birthdate%3D%3D19860614"
        "&filter=address.zip_code%3D%3D01503-020&limit=50&page=3"
    )


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        ("+5511900000412", "%2B5511900000412"),
        ("A&limit=1", "A%26limit%3D1"),
        ("a#b?c;d/e", "a%23b%3Fc%3Bd%2Fe"),
        ("é王", "%C3%A9%E7%8E%8B"),
        ("a\r\nx-api-key: b", "a%0D%0Ax-api-key%3A%20b"),
        ("", ""),
    ],
)
def test_a_value_stays_one_value_whatever_it_holds(value, sent):
    path = target(lambda api: api.find_customers({"email": value}), GOOD[search])

    assert path == f"/v1/customers?filter=email%3D%3D{sent}&limit=10&page=1"


@pytest.mark.parametrize(
    "call",
    [
        lambda api: api.read_profile("\ud800"),
        lambda api: api.find_customers({"email": "\ud800"}),
        lambda api: api.update_profile(TOM, {"email": float("nan")}),
        lambda api: api.update_profile(TOM, {"email": {1, 2}}),
    ],
)
def test_a_value_that_no_url_and_no_json_can_hold_is_not_sent(call):
    with RawServer() as server:
        api = client(server.url)
        for _ in range(6):
            with pytest.raises(NotSentError):
                call(api)

        assert server.requests == []
        assert not api.breaker.is_open


# What comes back -----------------------------------------------------------------------------


@pytest.mark.parametrize("sent", ["987654321", 987654321])
def test_an_id_may_come_as_text_or_number_and_the_rest_as_it_was_answered(sent):
    item = {"id": sent, "type": "AGENCE", "phones": None, "new_field": {"a": [1]}}
    with RawServer(answer(201, {"id": sent})) as server:
        assert create(client(server.url)) == "987654321"

    assert found(answer(200, [item])) == [item | {"id": "987654321"}]


@pytest.mark.parametrize("sent", NO_IDS)
def test_a_created_customer_without_a_usable_id_may_exist_and_a_found_one_is_left_out(sent):
    with RawServer(answer(201, {"id": sent})) as server, pytest.raises(NoAnswerError):
        create(client(server.url))

    assert found(answer(200, [sent, {"id": sent}, {"id": TOM}])) == [{"id": TOM}]


@pytest.mark.parametrize("said", [answer(200, []), answer(416), answer(416, {"error": "beyond"})])
def test_nothing_found_or_a_page_beyond_the_last_is_an_empty_list(said):
    assert found(said) == []


def test_pages_follow_one_another_until_one_is_empty(sandbox):
    api = client(sandbox.url)

    pages = [api.find_customers({}, limit=100, page=page) for page in (1, 2, 3, 4)]

    assert [len(page.items) for page in pages] == [100, 100, 100, 0]
    assert [page.has_next for page in pages] == [True, True, False, False]
    assert [page.total for page in pages] == [300, 300, 300, None]
    assert [item["id"] for page in pages for item in page.items] == list(sandbox.customers)


@pytest.mark.parametrize("status", [200, 201, 202, 206])
def test_an_update_has_landed_for_certain_only_with_204(status):
    with RawServer(answer(status, {})) as server, pytest.raises(NoAnswerError):
        update(client(server.url))


@pytest.mark.parametrize(
    ("said", "text"),
    [
        *((answer(200, body), "200 without a JSON list") for body in ({}, {"items": []}, "a", 1)),
        (answer(202, []), "202 where 200 or 206 was promised"),
    ],
)
def test_a_search_takes_a_list_alone(said, text):
    with pytest.raises(NoAnswerError, match=f"GET /v1/customers: {text}"):
        found(said)


# Connections ---------------------------------------------------------------------------------


def test_nothing_of_the_environment_and_no_cookie_is_used(monkeypatch):
    cookie = {"set-cookie": "session=1; Path=/"}
    with RawServer() as proxy, RawServer(answer(200, {}, **cookie), GOOD[read]) as server:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv("no_proxy", "")
        api = client(server.url)
        read(api)
        read(api)

        assert [request.headers["cookie"] for request in server.requests] == [None, None]
        assert proxy.requests == []


@pytest.mark.parametrize("before", ["103 Early Hints", "102 Processing", "100 Continue"])
def test_what_is_said_before_an_answer_is_passed_over(before):
    hints = f"HTTP/1.1 {before}\r\nlink: </x>; rel=preload\r\n\r\n".encode()
    with RawServer(hints * 2 + GOOD[read], hints + answer(204)) as server:
        api = client(server.url)

        assert read(api).get("gm_number") == TOM
        update(api)


def test_a_body_after_a_204_does_not_become_the_next_answer():
    late = b"HTTP/1.1 200 OK\r\ncontent-length: 19\r\n\r\n" + b'{"gm_number": "999"}'
    with RawServer(answer(204) + late, GOOD[read]) as server:
        api = client(server.url)
        update(api)

        assert read(api).get("gm_number") == TOM


def test_sixteen_threads_share_one_client():
    together = threading.Barrier(16)
    with Sandbox() as sandbox:
        api = client(sandbox.url)
        ids = list(sandbox.customers)[:16]

        def act(customer_id):
            together.wait(10)
            for turn in range(3):
                api.update_profile(customer_id, {"birth_city": f"CITY {customer_id} {turn}"})
            return api.read_profile(customer_id)

        with ThreadPoolExecutor(16) as pool:
            profiles = list(pool.map(act, ids))

        cities = [profile.get("birth_city") for profile in profiles]
        assert cities == [f"CITY {customer_id} 2" for customer_id in ids]
        assert len(sandbox.requests) == 16 * 4


# What reaches a log --------------------------------------------------------------------------

WHISPERS = {"email": "whisper@example.com", "phones.number": "+5511900000412"}
PRIVATE = ["whisper", "5511900000412", "filter=", TOM, "127.0.0.1", "sandbox-token", "sandbox-key"]
NO_HEADER = b"HTTP/1.1 200 OK\r\nno header whisper@example.com\r\n\r\n{}"
NOWHERE = "http://whisper.invalid"


def change(api):
    api.update_profile(TOM, WHISPERS)


def find(api):
    api.find_customers(WHISPERS)


ROUTES = {
    read: "GET /v2/customers/{customer_id}/profile",
    change: "PATCH /v1/customers/{customer_id}/profile",
    find: "GET /v1/customers",
}


@pytest.mark.parametrize(
    ("call", "said", "outcome", "error"),
    [
        (read, NO_HEADER, "200", None),
        (change, answer(204), "204", None),
        (change, answer(400, {"error_description": "whisper"}), "RefusedError", "400"),
        (change, answer(302, location=NOWHERE), "ContractError", "302"),
        (change, answer(500, "whisper"), "NoAnswerError", "500 where 204 was promised"),
        (change, b"whisper\r\n\r\n", "NoAnswerError", "ConnectionError"),
        (find, answer(206, [{"id": TOM, "email": "whisper"}]), "206", None),
        (find, answer(416), "RefusedError", None),
        (find, b"HTTP/1.1 200\r\n" + b"x: y\r\n" * 200, "NoAnswerError", "ConnectionError"),
        *((call, None, "NotSentError", "ConnectionError") for call in (change, find)),
    ],
)
def test_a_call_is_one_line_of_the_log_and_no_line_or_error_holds_a_value(
    call, said, outcome, error, caplog
):
    """said: None for a host without an address."""
    caplog.set_level(logging.DEBUG)
    raised = None
    with RawServer(said, said, said) as server:
        try:
            call(client(server.url if said else NOWHERE))
        except ClubMedError as exc:
            raised = exc

    [record] = caplog.records
    assert record.name == "customers.clubmed"
    assert (record.route, record.outcome) == (ROUTES[call], outcome)
    assert getattr(record, "cause", None) == (error if error == "ConnectionError" else None)
    assert str(raised) == (f"{ROUTES[call]}: {error}" if error else "None")
    shown = str(record.__dict__) + "".join(traceback.format_exception(raised))
    assert [private for private in PRIVATE if private in shown] == []
