"""What the stand-in tells of its markets, and that it refuses what they forbid."""

import pytest
from jsonschema import Draft7Validator

from crmadmin.sandbox import Fault
from crmadmin.sandbox.markets import MARKETS
from tests.crmadmin.sandbox_api import NEW, TOM, concerned


def told(api, path, locale="en-US"):
    answer = api.ask("GET", path, headers={"accept-language": locale})
    assert answer.status_code == 200
    return answer.json()


def schema(api, market):
    return told(api, f"/v3/schemas/profile/{market}")


def test_locales_civilities_and_countries_are_told_in_the_callers_language(api):
    locales, civilities, countries = (
        told(api, f"/v0/{name}") for name in ("locales", "civilities", "countries")
    )
    assert {market.locale for market in MARKETS} < set(locales)
    assert civilities[0] == {"code": "MR", "label": "Mr", "type": "adult", "sex": "M"}
    assert [each["label"] for each in told(api, "/v0/civilities", "fr-FR")][:2] == ["M.", "Mme"]
    assert told(api, "/v0/civilities", "xx-XX") == civilities
    brazil = {"id": "BR", "label": "Brazil", "phones": {"calling_code": "55"}, "languages": ["PT"]}
    assert brazil in countries
    assert brazil | {"label": "Brésil"} in told(api, "/v0/countries", "fr-FR")
    assert {market.country_code for market in MARKETS} < {each["id"] for each in countries}


def test_a_country_stands_for_its_market_and_an_unknown_one_has_no_schema(api, sandbox):
    assert schema(api, "BR") == schema(api, "pt-BR")
    for market in ("xx-XX", "XX", "fr", "fr-fr", "%2e"):
        assert api.ask("GET", f"/v3/schemas/profile/{market}").status_code == 404
    sandbox.faults.add(Fault("status", path="/v3/schemas", status=503))
    assert api.ask("GET", "/v3/schemas/profile/BR").status_code == 503


def test_choices_are_named_as_people_write_them(api):
    state = schema(api, "en-US")["definitions"]["state_or_district"]
    assert state["maxLength"] == 10
    assert {"code": "OR", "label": "Oregon"} in state["x-choices"]
    assert "x-choices" not in schema(api, "en-GB")["definitions"]["state_or_district"]
    identity = schema(api, "fr-FR")["definitions"]["identity"]["properties"]
    labels = {choice["label"] for choice in identity["type"]["x-choices"]}
    assert {"CPF", "CUIL", "DNI", "ID number", "Tax number"} < labels


@pytest.mark.parametrize(
    ("market", "values", "key"),
    [
        ("fr-FR", {}, "email"),
        ("fr-FR", {"email": "a@b.fr", "address": {"zip_code": "ST5 0ZZ"}}, "address.zip_code"),
        ("en-US", {"address": {"state_or_district": "ZZ"}}, "address.state_or_district"),
        ("en-US", {"address": {"state_or_district": "Massachusetts"}}, "address.state_or_district"),
        ("en-US", {"phones": [{"number": "+1 503", "type": "HOME"}]}, "phones.0.number"),
        ("pt-BR", {}, "identity"),
        ("pt-BR", {"identity": {"type": "CPF", "number": "123"}}, "identity.number"),
        ("pt-BR", {"identity": {"type": "DNI", "number": "39053344709"}}, "identity.type"),
        ("zh-CN", {"phones": []}, "phones"),
        ("de-DE", {"address": {"street": "A", "city": "B", "zip_code": ""}}, "address.zip_code"),
    ],
)
def test_what_a_market_forbids_is_refused_at_creation(api, sandbox, market, values, key):
    before = set(sandbox.customers)
    assert concerned(api.create(market=market, **values)) == [key]
    assert set(sandbox.customers) == before


@pytest.mark.parametrize("market", [market.locale for market in MARKETS])
def test_every_market_has_a_schema_and_what_it_asks_for_is_taken(api, market):
    values = {
        "email": "a@example.com",
        "birthdate": "19900101",
        "identity": {"type": "CPF", "number": "39053344709"},
        "phones": [{"type": "MOBILE", "number": "+15035550101"}],
        "unicode_first_name": "明",
        "unicode_last_name": "大野",
    }
    found = schema(api, market)
    Draft7Validator.check_schema(found)
    assert set(found["required"]) >= set(NEW)
    body = {key: values[key] for key in found["required"] if key not in NEW}
    assert api.create(market=market, **body).status_code == 201
    for key in body:
        less = {each: value for each, value in body.items() if each != key}
        assert concerned(api.create(market=market, **less)) == [key]


def test_a_change_is_held_to_the_market_of_the_profile(api, sandbox):
    french = {"address": {"zip_code": "75001"}, "email": None}
    sandbox.customers[TOM]["locale"] = "fr-FR"
    assert concerned(api.patch(**french)) == ["email"]
    sandbox.customers[TOM]["locale"] = "en-GB"
    assert concerned(api.patch(**french)) == ["address.zip_code"]
    del sandbox.customers[TOM]["locale"]
    assert api.patch(**french).status_code == 204
    blanks = {"city": "Leeds", "zip_code": "", "state_or_district": None}
    assert api.patch(address=blanks).status_code == 204
