"""The client's three routes: what goes over the wire, and what comes back."""

import logging
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from crmadmin.sandbox import Sandbox
from customers.clubmed.errors import ContractError, NoAnswerError, NotFoundError, NotSentError
from customers.clubmed.profile import Profile
from customers.clubmed.tokens import StaticToken
from tests.clubmed.calls import CREATED, NEW, NO_IDS, PROFILE, TOM, client, every_route
from tests.wire import RawServer, answer


def test_the_scenario_creates_reads_updates_and_reads_again():
    with Sandbox() as sandbox:
        api = client(sandbox.url)

        customer_id = api.create_customer(NEW)
        before = api.read_profile(customer_id)
        api.update_profile(customer_id, {"email": "new@example.com"})
        after = api.read_profile(customer_id)

        assert before.get("email") == "tom@example.com"
        assert after.get("email") == "new@example.com"
        read = ("GET", f"/v2/customers/{customer_id}/profile", "", None)
        patch = {"email": "new@example.com"}
        assert [(r.method, r.path, r.query, r.json) for r in sandbox.requests] == [
            ("POST", "/v1/customers", "", NEW),
            read,
            ("PATCH", f"/v1/customers/{customer_id}/profile", "", patch),
            read,
        ]


@every_route
def test_every_call_carries_the_headers_of_the_contract(call):
    with RawServer(answer(400)) as server:
        with pytest.raises(Exception, match="400"):
            call(client(server.url))

        headers = server.requests[0].headers
        assert headers["accept"] == "application/json"
        assert headers["accept-language"] == "en-US"
        assert headers["authorization"] == "Bearer sandbox-token"
        assert headers["x-api-key"] == "sandbox-key"
        assert headers["user-agent"] == "crmadmin"
        has_body = server.requests[0].method != "GET"
        assert headers["content-type"] == ("application/json" if has_body else None)


def test_a_body_is_compact_json_with_every_script_and_null():
    with RawServer(answer(204)) as server:
        client(server.url).update_profile(TOM, {"unicode_last_name": "王", "email": None})

        assert server.requests[0].body == b'{"unicode_last_name":"\\u738b","email":null}'


def test_the_address_check_is_bypassed_only_when_asked():
    with RawServer(CREATED, CREATED, answer(204)) as server:
        api = client(server.url)
        api.create_customer(NEW)
        api.create_customer(NEW, force_address=True)
        api.update_profile(TOM, {"address": None}, force_address=True)

        assert [request.target for request in server.requests] == [
            "/v1/customers",
            "/v1/customers?force_address=true",
            f"/v1/customers/{TOM}/profile?force_address=true",
        ]


@pytest.mark.parametrize("end", ["", "/", "//"])
def test_a_profile_comes_whole_from_a_base_url_that_may_end_in_a_slash(end):
    with RawServer(answer(200, PROFILE)) as server:
        assert client(server.url + end).read_profile(TOM) == Profile(TOM, PROFILE)

        assert server.requests[0].target == f"/v2/customers/{TOM}/profile"


@pytest.mark.parametrize("customer_id", ["12/../34", "1?a=b", "1#x", "%2e%2e", "é", "1 2"])
def test_an_id_stays_one_segment_of_the_path(customer_id):
    with RawServer(answer(404)) as server:
        with pytest.raises(NotFoundError):
            client(server.url).read_profile(customer_id)

        path = server.requests[0].target
        assert path.startswith("/v2/customers/")
        assert path.endswith("/profile")
        assert path.count("/") == 4
        assert not set("?# ") & set(path)


@pytest.mark.parametrize(
    "call",
    [
        *(lambda api, odd=odd: api.read_profile(odd) for odd in ("", ".", "..", "\ud800")),
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


@pytest.mark.parametrize("sent", ["987654321", 987654321])
def test_the_new_id_may_come_as_text_or_number(sent):
    with RawServer(answer(201, {"id": sent})) as server:
        assert client(server.url).create_customer(NEW) == "987654321"


@pytest.mark.parametrize("sent", NO_IDS)
def test_a_created_customer_without_a_usable_id_may_exist(sent):
    with RawServer(answer(201, {"id": sent})) as server, pytest.raises(NoAnswerError):
        client(server.url).create_customer(NEW)


@pytest.mark.parametrize("status", [200, 201, 202, 206])
def test_an_update_has_landed_for_certain_only_with_204(status):
    with RawServer(answer(status, {})) as server, pytest.raises(NoAnswerError):
        client(server.url).update_profile(TOM, {"email": None})


@every_route
def test_a_redirect_is_not_followed(call):
    with RawServer() as other, RawServer(answer(307, location=other.url)) as server:
        with pytest.raises(ContractError):
            call(client(server.url))

        assert len(server.requests) == 1
        assert other.requests == []


def test_cookies_are_not_kept():
    cookie = {"set-cookie": "session=1; Path=/"}
    with RawServer(answer(200, {}, **cookie), answer(200, {})) as server:
        api = client(server.url)
        api.read_profile(TOM)
        api.read_profile(TOM)

        assert [request.headers["cookie"] for request in server.requests] == [None, None]


def test_proxies_of_the_environment_are_not_used(monkeypatch):
    with RawServer() as proxy, RawServer(answer(200, {})) as server:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv("no_proxy", "")
        client(server.url).read_profile(TOM)

        assert len(server.requests) == 1
        assert proxy.requests == []


def test_a_connection_serves_many_calls():
    with RawServer(answer(200, {}), answer(204), answer(200, {})) as server:
        api = client(server.url)
        api.read_profile(TOM)
        api.update_profile(TOM, {"email": None})
        api.read_profile(TOM)

        assert server.connections == 1


def test_a_body_after_a_204_does_not_become_the_next_answer():
    late = b"HTTP/1.1 200 OK\r\ncontent-length: 19\r\n\r\n" + b'{"gm_number": "999"}'
    with RawServer(answer(204) + late, answer(200, PROFILE)) as server:
        api = client(server.url)
        api.update_profile(TOM, {"email": None})

        assert api.read_profile(TOM).get("gm_number") == TOM


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


def test_a_call_is_one_line_of_the_log_without_the_customer(caplog):
    caplog.set_level(logging.DEBUG)
    odd = b"HTTP/1.1 200 OK\r\nno header tom@example.com\r\n\r\n{}"
    with RawServer(answer(200, {}), answer(404), odd) as server:
        api = client(server.url)
        api.read_profile(TOM)
        with pytest.raises(NotFoundError):
            api.update_profile(TOM, {"email": "tom@example.com"})
        api.read_profile(TOM)

    read, patch, again = [record.getMessage().rsplit(" ", 2)[0] for record in caplog.records]
    assert {record.name for record in caplog.records} == {"customers.clubmed"}
    assert read == "GET /v2/customers/{customer_id}/profile 200"
    assert patch == "PATCH /v1/customers/{customer_id}/profile NotFoundError"
    assert again == read
    for private in (TOM, "127.0.0.1", "tom@example.com", "sandbox-token"):
        assert private not in caplog.text


def test_a_token_does_not_show_when_its_source_is_printed():
    assert "sandbox-token" not in repr(StaticToken("sandbox-token"))
