"""The stand-in's search for customers, asked over real HTTP."""

from urllib.parse import quote, urlencode

import pytest

from tests.crmadmin.sandbox_api import TOM, concerned

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
def few(sandbox):
    """Just five customers, easy to tell apart."""
    sandbox.customers.clear()
    sandbox.customers.update({each["id"]: dict(each) for each in PEOPLE})


def search(api, *filters, **paging):
    query = [("filter", text) for text in filters] + list(paging.items())
    return api.ask("GET", f"/v1/customers?{urlencode(query, quote_via=quote)}")


def ids(answer):
    assert answer.status_code in (200, 206)
    return [item["id"] for item in answer.json()]


# What is found


def test_an_item_says_who_it_is_with_null_for_what_is_not_stored(api, sandbox):
    [item] = search(api, "gm_number==704118236").json()
    assert item == {
        "id": BEATRIZ,
        "gm_number": BEATRIZ,
        "civility": "MS",
        "first_name": "Beatriz",
        "last_name": "Wang",
        "birthdate": "19860614",
        "email": "beatriz.wang@example.com",
        "phones": sandbox.customers[BEATRIZ]["phones"],
        "address": sandbox.customers[BEATRIZ]["address"],
        "type": "CLIENT",
        "blacklisted": False,
    }
    sandbox.customers[TOM]["email"] = ""
    [item] = search(api, f"gm_number=={TOM}").json()
    nothing = {"civility", "birthdate", "email", "address", "type", "blacklisted"}
    assert {key for key, value in item.items() if value is None} == nothing


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("gm_number==88210447195", [MAXIMILIAN]),
        ("first_name==Maximilian-Alexander", [MAXIMILIAN]),
        ("last_name==Montgomery-Vandenberghe-Castro", [MAXIMILIAN]),
        ("phones.number==+442079460852", [MAXIMILIAN]),
        ("birthdate==19860614", [BEATRIZ]),
        ("email==tom@example.com", [TOM]),
        ("address.zip_code==01503-020", [BEATRIZ]),
        *((f"last_name=={odd}", []) for odd in ("wang", "Wan", " Wang")),
        ("email==Tom@example.com", []),
        ("phones.number==5511900000412", []),
        ("birthdate==1986-06-14", []),
    ],
)
def test_each_key_of_the_contract_finds_what_is_stored_to_the_letter(api, text, found):
    assert ids(search(api, text)) == found


def test_a_new_customer_is_found_as_it_was_stored(api):
    new = api.create(first_name="Béatriz", last_name="Núñez", email="B.N@example.com").json()["id"]
    assert ids(search(api, "last_name==NUNEZ", "email==b.n@example.com")) == [new]
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
def test_filters_are_compared_and_must_all_match(api, filters, found):
    assert ids(search(api, *filters)) == list(found)


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize(("encoded", "found"), [("a+b", []), ("a%2Bb", ["1"])])
def test_a_plus_in_a_query_is_a_space_unless_it_is_encoded(api, encoded, found):
    assert ids(api.ask("GET", f"/v1/customers?filter=email=={encoded}@example.com")) == found


# Pages


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize(
    ("paging", "found", "content_range", "rels"),
    [
        ({}, "12345", None, {}),
        ({"limit": 5}, "12345", None, {}),
        ({"limit": 2}, "12", "0-1/5", {"first": 1, "next": 2, "last": 3}),
        ({"limit": 2, "page": 2}, "34", "2-3/5", {"first": 1, "prev": 1, "next": 3, "last": 3}),
        ({"limit": 2, "page": 3}, "5", "4-4/5", {"first": 1, "prev": 2, "last": 3}),
    ],
)
def test_a_part_is_206_and_says_where_it_stands_and_leads_to_the_others(
    api, paging, found, content_range, rels
):
    answer = search(api, **paging)
    assert (answer.status_code, ids(answer)) == (206 if rels else 200, list(found))
    assert answer.headers.get("Content-Range") == content_range
    assert {rel: link["url"] for rel, link in answer.links.items()} == {
        rel: f"/v1/customers?limit=2&page={number}" for rel, number in rels.items()
    }


@pytest.mark.parametrize(
    "query", ["page=31", "limit=100&page=4", "page=1000000", f"filter=gm_number=={TOM}&page=2"]
)
def test_a_page_beyond_the_last_is_416(api, query):
    assert api.ask("GET", f"/v1/customers?{query}").status_code == 416


# What it refuses


@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("filter", ["", "email", "email=x", "email~x", "==x", "email ==x", "EMAIL==x", "id==1"]),
        ("limit", ["0", "-1", "101", "1.5", "ten", "", "٣", "9" * 5000, "5&limit=6"]),
        ("page", ["0", "-1", "1000001", "x", "", "9" * 5000]),
    ],
)
def test_a_parameter_that_makes_no_sense_is_named(api, key, values):
    for value in values:
        answer = api.ask("GET", f"/v1/customers?filter=gm_number=={TOM}&{key}={value}")
        assert concerned(answer) == [key], value


def test_a_token_that_may_not_search_is_403(api, sandbox):
    sandbox.searchable = False
    assert search(api).status_code == 403
    assert api.read()["last_name"] == "Smith"
