"""The stand-in's search for customers, asked over real HTTP."""

import logging
from typing import Any
from urllib.parse import quote, urlencode

import pytest
import requests

from crmadmin.sandbox import Sandbox
from tests.crmadmin.sandbox_api import HEADERS, TOM, Api, assert_plain_error, concerned

BEATRIZ = "704118236"
MAXIMILIAN = "30955172"
PEOPLE = [
    {"id": "1", "last_name": "ADAMS", "birthdate": "19800101", "email": "a+b@example.com"},
    {"id": "2", "last_name": "BAKER", "birthdate": "19900101", "address": {"zip_code": "75001"}},
    {"id": "3", "last_name": "ADAMS", "birthdate": "20000101", "address": None},
    {"id": "4", "last_name": "D&A=K;É", "birthdate": None, "email": ""},
    {"id": "5", "phones": [{"number": "+33199000001"}, {"number": "0199000002"}]},
]


@pytest.fixture
def few(sandbox: Sandbox) -> None:
    """Just five customers, easy to tell apart."""
    sandbox.customers.clear()
    sandbox.customers.update({each["id"]: dict(each) for each in PEOPLE})


def search(api: Api, *filters: str, **paging: Any) -> requests.Response:
    query = [("filter", text) for text in filters] + list(paging.items())
    return api.ask("GET", f"/v1/customers?{urlencode(query, quote_via=quote)}")


def ids(answer: requests.Response) -> list[str]:
    assert answer.status_code in (200, 206)
    return [item["id"] for item in answer.json()]


# What is found


def test_an_item_says_who_it_is(api: Api, sandbox: Sandbox) -> None:
    [item] = search(api, "gm_number==704118236").json()
    stored = sandbox.customers[BEATRIZ]
    assert item == {
        "id": BEATRIZ,
        "gm_number": BEATRIZ,
        "civility": "MS",
        "first_name": "Beatriz",
        "last_name": "Wang",
        "birthdate": "19860614",
        "email": "beatriz.wang@example.com",
        "phones": stored["phones"],
        "address": stored["address"],
        "type": "CLIENT",
        "blacklisted": False,
    }


def test_what_is_not_stored_is_null(api: Api, sandbox: Sandbox) -> None:
    sandbox.customers[TOM]["email"] = ""
    [item] = search(api, f"gm_number=={TOM}").json()
    assert item["id"] == TOM
    nothing = {"civility", "birthdate", "email", "address", "type", "blacklisted"}
    assert {key for key, value in item.items() if value is None} == nothing


@pytest.mark.parametrize(
    ("text", "customer_id"),
    [
        ("gm_number==88210447195", MAXIMILIAN),
        ("first_name==Maximilian-Alexander", MAXIMILIAN),
        ("last_name==Montgomery-Vandenberghe-Castro", MAXIMILIAN),
        ("phones.number==+442079460852", MAXIMILIAN),
        ("birthdate==19860614", BEATRIZ),
        ("email==tom@example.com", TOM),
        ("address.zip_code==01503-020", BEATRIZ),
    ],
)
def test_each_key_of_the_contract_finds(api: Api, text: str, customer_id: str) -> None:
    assert ids(search(api, text)) == [customer_id]


@pytest.mark.parametrize(
    "text",
    [
        "last_name==wang",
        "last_name==Wan",
        "last_name== Wang",
        "email==Tom@example.com",
        "phones.number==5511900000412",
        "birthdate==1986-06-14",
    ],
)
def test_only_what_is_stored_to_the_letter_matches(api: Api, text: str) -> None:
    answer = search(api, text)
    assert (answer.status_code, answer.json()) == (200, [])


def test_a_new_customer_is_found_as_it_was_stored(api: Api) -> None:
    new = api.create(first_name="Béatriz", last_name="Núñez", email="B.N@example.com").json()["id"]
    assert ids(search(api, "last_name==NUNEZ", "first_name==BEATRIZ")) == [new]
    assert ids(search(api, "email==b.n@example.com")) == [new]
    assert ids(search(api, "last_name==Núñez", "first_name==Béatriz")) == []


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ([], "12345"),
        (["last_name==ADAMS"], "13"),
        (["last_name!=ADAMS"], "245"),
        (["birthdate<19900101"], "1"),
        (["birthdate<=19900101"], "12"),
        (["birthdate>19900101"], "3"),
        (["birthdate>=19900101"], "23"),
        (["birthdate>=19800101", "birthdate<20000101"], "12"),
        (["last_name==ADAMS", "birthdate==20000101"], "3"),
        (["last_name==ADAMS", "last_name==BAKER"], ""),
        (["address.zip_code==75001"], "2"),
        (["address.zip_code!=75001"], "1345"),
        (["phones.number==+33199000001"], "5"),
        (["phones.number==0199000002"], "5"),
        (["phones.number!=0199000002"], "1234"),
        (["email==a+b@example.com"], "1"),
        (["email=="], ""),
        (["email!="], "12345"),
        (["last_name==D&A=K;É"], "4"),
        (["last_name===ADAMS"], ""),
    ],
)
def test_filters_are_compared_and_must_all_match(api: Api, filters: list[str], found: str) -> None:
    assert ids(search(api, *filters)) == list(found)


@pytest.mark.usefixtures("few")
def test_a_plus_in_a_query_is_a_space_unless_it_is_encoded(api: Api) -> None:
    assert ids(api.ask("GET", "/v1/customers?filter=email==a+b@example.com")) == []
    assert ids(api.ask("GET", "/v1/customers?filter=email==a%2Bb@example.com")) == ["1"]


# Pages


def test_what_fits_on_a_page_is_200(api: Api) -> None:
    answer = search(api, f"gm_number=={TOM}")
    assert answer.status_code == 200
    assert "Content-Range" not in answer.headers
    assert "Link" not in answer.headers


def test_ten_come_at_a_time_unless_it_is_said_otherwise(api: Api, sandbox: Sandbox) -> None:
    answer = search(api)
    assert answer.status_code == 206
    assert ids(answer) == list(sandbox.customers)[:10]
    assert answer.headers["Content-Range"] == "0-9/300"


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize(
    ("page", "found", "content_range", "rels"),
    [
        (1, "12", "0-1/5", {"first": 1, "next": 2, "last": 3}),
        (2, "34", "2-3/5", {"first": 1, "prev": 1, "next": 3, "last": 3}),
        (3, "5", "4-4/5", {"first": 1, "prev": 2, "last": 3}),
    ],
)
def test_a_page_says_where_it_stands_and_leads_to_the_others(
    api: Api, page: int, found: str, content_range: str, rels: dict[str, int]
) -> None:
    answer = search(api, limit=2, page=page)
    assert (answer.status_code, ids(answer)) == (206, list(found))
    assert answer.headers["Content-Range"] == content_range
    assert {rel: link["url"] for rel, link in answer.links.items()} == {
        rel: f"/v1/customers?limit=2&page={number}" for rel, number in rels.items()
    }


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("limit", [5, 100])
def test_all_that_fits_is_one_page(api: Api, limit: int) -> None:
    answer = search(api, limit=limit)
    assert (answer.status_code, ids(answer)) == (200, list("12345"))


def test_the_links_lead_through_every_page(api: Api, sandbox: Sandbox) -> None:
    odd = 'D&A=K;É, <x>; rel="next" +5%25'
    for profile in sandbox.customers.values():
        profile["last_name"] = odd
    answer = search(api, f"last_name=={odd}", "gm_number!=1", limit=70)
    found = ids(answer)
    while "next" in answer.links:
        answer = api.ask("GET", answer.links["next"]["url"])
        found += ids(answer)
    assert found == list(sandbox.customers)
    assert len(sandbox.requests) == 5
    assert set(answer.links) == {"first", "prev", "last"}


@pytest.mark.parametrize(
    "query", ["page=31", "limit=100&page=4", "page=1000000", f"filter=gm_number=={TOM}&page=2"]
)
def test_a_page_beyond_the_last_is_416(api: Api, query: str) -> None:
    assert_plain_error(api.ask("GET", f"/v1/customers?{query}"), 416)


def test_a_search_that_finds_nothing_has_one_empty_page(api: Api) -> None:
    assert search(api, "email==nobody@example.com").status_code == 200
    assert_plain_error(search(api, "email==nobody@example.com", page=2), 416)


# What it refuses


@pytest.mark.parametrize(
    "text",
    [
        "",
        "email",
        "email=x",
        "email~x",
        "==x",
        "email ==x",
        "EMAIL==x",
        "phones==1",
        "id==1",
        "identity.number==39053344709",
    ],
)
def test_a_filter_that_makes_no_sense_is_named(api: Api, text: str) -> None:
    assert concerned(search(api, text)) == ["filter"]
    assert concerned(search(api, f"gm_number=={TOM}", text)) == ["filter"]


@pytest.mark.parametrize("value", ["0", "-1", "101", "1.5", "ten", "", "٣", "9" * 5000])
def test_a_limit_is_from_1_to_100(api: Api, value: str) -> None:
    assert concerned(search(api, limit=value)) == ["limit"]


@pytest.mark.parametrize("value", ["0", "-1", "1000001", "x", "", "9" * 5000])
def test_a_page_is_from_1(api: Api, value: str) -> None:
    assert concerned(search(api, page=value)) == ["page"]


def test_two_limits_are_refused(api: Api) -> None:
    assert concerned(api.ask("GET", "/v1/customers?limit=5&limit=6")) == ["limit"]


def test_a_token_that_may_not_search_is_403(api: Api, sandbox: Sandbox) -> None:
    sandbox.searchable = False
    assert_plain_error(search(api), 403)
    assert api.read()["last_name"] == "Smith"
    sandbox.reset()
    assert search(api).status_code == 206


@pytest.mark.parametrize(("header", "status"), [("authorization", 401), ("x-api-key", 403)])
@pytest.mark.parametrize("sent", [None, "other"])
def test_the_token_and_the_key_are_checked(
    api: Api, header: str, sent: str | None, status: int
) -> None:
    assert_plain_error(api.ask("GET", "/v1/customers", headers={header: sent}), status)


def test_no_locale_is_needed(api: Api) -> None:
    for sent in (None, "english"):
        answer = api.ask("GET", "/v1/customers", headers={"accept-language": sent})
        assert answer.status_code == 206


def test_json_must_be_accepted(api: Api) -> None:
    answer = api.ask("GET", "/v1/customers", headers={"accept": "*/*"})
    assert concerned(answer) == ["accept"]


def test_the_access_log_holds_nothing_of_the_search(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        search(api, "email==secret@example.com")
    assert [r.getMessage() for r in caplog.records if r.name.startswith("crmadmin")] == [
        "GET /v1/customers 200"
    ]


def test_the_search_is_recorded_as_it_was_sent(api: Api, sandbox: Sandbox) -> None:
    search(api, "last_name==É+A")
    [request] = sandbox.requests
    assert (request.method, request.path) == ("GET", "/v1/customers")
    assert request.query == "filter=last_name%3D%3D%C3%89%2BA"
    assert request.body == b""
    assert {key: request.headers[key] for key in HEADERS} == HEADERS
