"""A market's rules: what they refuse, in which words, and what becomes of an odd schema."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmadmin.sandbox import schemas
from crmadmin.sandbox.reference import LOCALES
from customers.clubmed.schema import Problem, Rules, rules

pytestmark = pytest.mark.once

SCHEMA = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "$id": "https://api.example.com/v3/schemas/profile/en-US",
    "type": "object",
    "additionalProperties": False,
    "required": ["last_name", "email"],
    "definitions": {
        "zip_code": {"type": "string", "pattern": "^[0-9]{5}$", "x-meta": {"example": "97205"}},
        "state": {
            "type": "string",
            "maxLength": 10,
            "x-choices": [{"code": "OR", "label": "Oregon"}],
        },
    },
    "properties": {
        "last_name": {"type": "string", "minLength": 2, "maxLength": 5},
        "email": {"type": "string", "format": "email"},
        "language_code": {"enum": ["EN", "ES"]},
        "phones": {"items": {"properties": {"number": {"pattern": "^[+]1"}}}},
        "address": {
            "required": ["zip_code"],
            "properties": {
                "zip_code": {"$ref": "#/definitions/zip_code"},
                "state_or_district": {"$ref": "#/definitions/state"},
            },
        },
    },
}
US = rules(SCHEMA)
REQUIRED, CHOICE, OTHER = ("required", 0, 0, ""), ("choice", 0, 0, ""), ("other", 0, 0, "")
WHOLE = {"last_name": "Smith", "email": "tom@example.com"}


def told(body, *, now=None, by=US):
    return {one.key: one[1:5] for one in by.problems(body, now=now)}


def for_email(rule):
    return rules({"properties": {"email": rule}})


@pytest.mark.parametrize(
    ("typed", "key", "rule"),
    [
        ({"email": None}, "email", REQUIRED),
        ({"email": ""}, "email", REQUIRED),
        ({"last_name": "S"}, "last_name", ("minLength", 2, 1, "")),
        ({"last_name": "Smithson"}, "last_name", ("maxLength", 5, 8, "")),
        ({"language_code": "FR"}, "language_code", CHOICE),
        ({"address": {"zip_code": "1"}}, "address.zip_code", ("example", 0, 0, "97205")),
        ({"address": {"city": "Salem"}}, "address.zip_code", REQUIRED),
        (
            {"address": {"zip_code": "97205", "state_or_district": "XX"}},
            "address.state_or_district",
            CHOICE,
        ),
        ({"phones": [{"number": "+1"}, {"number": "+33"}]}, "phones[1].number", OTHER),
    ],
)
def test_each_rule_is_told_beside_the_value_it_is_about(typed, key, rule):
    assert told(WHOLE | typed)[key] == rule


@pytest.mark.parametrize(
    "typed",
    [
        {"address": {"zip_code": "97205", "state_or_district": "OR"}},
        {"address": {"zip_code": "97205", "state_or_district": ""}},
        {"address": None, "phones": []},
        {"shoe_size": 42, "email": "no address at all"},
        {"last_name": "a" * 10_000},
        {"last_name": "\ud800" * 9},
    ],
    ids=["good", "empty member", "empty field", "unknown", "too long", "half a character"],
)
def test_what_keeps_the_rules_or_cannot_be_judged_is_for_the_api_to_judge(typed):
    assert told(WHOLE | typed) == {}


PORTLAND = {"address": {"zip_code": "odd", "city": "Salem"}}
NO_ZIP = {"address": {"city": "Salem", "zip_code": ""}}
PHONES = {"phones": [{"number": "+1"}, {"number": "+33"}]}


@pytest.mark.parametrize(
    ("change", "now", "keys"),
    [
        ({"language_code": "ES"}, {"language_code": "EN"}, []),
        ({"language_code": "FR"}, {"language_code": "EN"}, ["language_code"]),
        ({"email": None}, {"email": "tom@example.com"}, ["email"]),
        ({"address": {"zip_code": "odd", "city": "Eugene"}}, PORTLAND, []),
        ({"address": {"zip_code": "odder", "city": "Salem"}}, PORTLAND, ["address.zip_code"]),
        ({"address": {"city": "Eugene", "zip_code": None}}, NO_ZIP, []),
        ({"address": {"city": "Eugene"}}, {"address": None}, ["address.zip_code"]),
        ({"address": {"city": "Salem"}}, PORTLAND, ["address.zip_code"]),
        ({"phones": [{"number": "+33"}]}, PHONES, []),
        ({"phones": [{"number": "+44"}]}, PHONES, ["phones[0].number"]),
    ],
)
def test_of_a_change_only_what_is_sent_and_was_not_there_is_judged(change, now, keys):
    assert list(told(change, now=now)) == keys


def test_what_no_typing_could_mend_is_for_the_api_to_judge():
    odd = rules({"properties": {"email": {"type": "integer"}, "phones": {"type": "null"}}})

    assert told(WHOLE | {"phones": [{"number": "+1"}]}, by=odd) == {}


def test_choices_and_required_fields_can_be_asked_for():
    assert US.required() == {"last_name", "email"}
    assert US.required("address") == {"zip_code"}
    assert US.choices("address.state_or_district") == {"OR": "Oregon"}
    assert US.choices("last_name") == US.choices("address.nothing") == {}


def deep(rule, times):
    return deep({"allOf": [rule]}, times - 1) if times else rule


MULTIPLIED = {f"a{n}": {"allOf": [{"$ref": f"#/definitions/a{n + 1}"}] * 2} for n in range(40)}


@pytest.mark.parametrize(
    "odd",
    [
        *(None, [], "schema", {"type": "nonsense"}, {"required": "last_name"}, {"properties": []}),
        {"properties": {"email": deep({"maxLength": 1}, 500)}},
    ],
)
def test_of_a_schema_that_is_none_there_are_no_rules(odd):
    assert rules(odd) == Rules({})
    assert told(WHOLE, by=rules(odd)) == {}


@pytest.mark.parametrize(
    "rule",
    [
        {"pattern": "^(?!0{5})[0-9]{5}$"},
        {"pattern": "(?<=a)b"},
        {"pattern": "("},
        {"$ref": "https://nobody.invalid/schema.json"},
        {"$ref": "#/definitions/circle"},
        {"$ref": "#/definitions/a0"},
        {"$ref": "#"},
        {"not": {"pattern": "(?=a)"}},
        {"if": {"pattern": "(?=a)"}, "then": False},
        {"oneOf": [{"format": "one"}, {"format": "other"}]},
        {"x-choices": [{"label": "no code"}, 5]},
        {"required": True},
        {"maxLength": "30"},
        {"minLength": -1},
        {"type": ["string", "wobbly"]},
        {"items": None},
    ],
)
def test_a_rule_that_cannot_be_applied_is_left_out(rule):
    definitions = MULTIPLIED | {"circle": {"allOf": [{"$ref": "#/definitions/circle"}]}}
    members = {"last_name": rule, "email": {"maxLength": 3}}
    one = rules({"properties": members, "definitions": definitions})

    assert list(told({"last_name": "a" * 50 + "!", "email": "four"}, by=one)) == ["email"]
    assert one.choices("last_name") == {}


CATASTROPHES = {
    "nested quantifiers": "^(a+)+$",
    "counted twice": "^(a{1,50}){1,50}$",
    "many stars": "a*a*a*a*a*a*a*a*b$",
    "alternation": "^(a|aa|aaa)+$",
    "back-reference": r"^(a+)+\1$",
    "look-ahead": "^(?=(a+)+$)",
    "many states": "[ab]*a[ab]{1000}z",
    "wide repeat": "^(.{0,100}){100}$",
}
MIXED = f"{3**3000:b}".replace("0", "a").replace("1", "b")  # 4,755 characters without an order


@pytest.mark.parametrize("pattern", CATASTROPHES.values(), ids=CATASTROPHES)
@pytest.mark.parametrize(
    "text", ["a" * 5000 + "!", "ab" * 2500 + "!", MIXED], ids=["a", "ab", "mixed"]
)
def test_no_pattern_takes_long(pattern, text):
    began = time.process_time()

    for_email({"pattern": pattern}).problems({"email": text})

    assert time.process_time() - began < 2


@pytest.mark.parametrize(
    ("said", "how", "hint"),
    [
        ({"x-meta": "Five digits."}, "explained", "Five digits"),
        ({"x-meta": {"description": "Five digits"}}, "explained", "Five digits"),
        ({"description": "Five digits"}, "explained", "Five digits"),
        ({"x-meta": {"example": 75001}}, "example", "75001"),
        ({"x-meta": ["odd"]}, "other", ""),
    ],
)
def test_what_the_schema_says_for_people_is_told(said, how, hint):
    one = for_email({"pattern": "^[0-9]{5}$", **said})

    assert one.problems({"email": "x"}) == (Problem("email", how, 0, 0, hint, "^[0-9]{5}$"),)


def test_a_condition_is_not_told_of_a_part_of_a_profile():
    men = {"properties": {"civility": {"const": "MR"}}}
    one = rules({"if": men, "then": {"properties": {"email": {"maxLength": 3}}}})

    assert told({"email": "four"}, now={}, by=one) == {}
    assert "email" in told({"email": "four", "civility": "MR"}, by=one)


def test_a_schema_may_be_a_reference_itself():
    short = {"properties": {"email": {"maxLength": 3}}, "required": ["email"]}
    one = rules({"$ref": "#/definitions/it", "definitions": {"it": short}})

    assert one.required() == {"email"}
    assert told({"email": "four"}, by=one) == {"email": ("maxLength", 3, 4, "")}


def an_object(**members):
    """With at least one of the members: the validators differ on what an empty one is."""
    strategies = {name: st.sampled_from(values) for name, values in members.items()}
    return st.fixed_dictionaries({}, optional=strategies).filter(bool)


PHONE = an_object(number=["+33199000001", "0199", "1 2", "+", "1" * 51], type=["MOBILE", "PAGER"])
BODIES = st.fixed_dictionaries(
    {},
    optional={
        "civility": st.sampled_from(["MR", "MS", "DR"]),
        "last_name": st.text("aÉ王-'1", min_size=1, max_size=35),
        "email": st.sampled_from(["a@example.com", "x" * 300]),
        "birthdate": st.sampled_from(["19860614", "1986-06-14", "١٩٨٦٠٦١٤"]),
        "language_code": st.text("AFRfr", min_size=1, max_size=3),
        "phones": st.lists(PHONE, max_size=3),
        "address": an_object(
            street=["Old Mill Road", "a" * 101],
            city=["Salem"],
            zip_code=["75001", "97205-1234", "SW1A 1AA", "20040-002", "105 57", "x"],
            state_or_district=["OR", "SP", "QC", "XX", "Massachusetts"],
        ),
        "identity": an_object(
            number=["12345678909", "x", "9" * 60], type=["CPF", "DNI", "PASSPORT"]
        ),
        "optins": st.lists(an_object(channel=["SMS", "PIGEON"], optin=[True]), max_size=2),
    },
)


@settings(max_examples=200, deadline=None)
@given(locale=st.sampled_from(LOCALES), body=BODIES)
def test_it_answers_as_the_sandbox_does(locale, body):
    """The sandbox applies the same schema with another validator."""
    theirs = {
        (one.key, one.code == "required") for one in schemas.refusals(locale, body, complete=True)
    }
    ours = {
        (one.key.replace("[", ".").replace("]", ""), one.rule == "required")
        for one in rules(schemas.profile_schema(locale)).problems(body)
    }

    assert ours == theirs


KEYS = st.sampled_from(["type", "properties", "items", "$ref", "pattern", "required", "email"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(KEYS | st.text(max_size=3), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(schema=JSON, body=st.dictionaries(st.sampled_from(["email", "phones"]), JSON, max_size=2))
def test_no_schema_and_no_body_break_it(schema, body):
    found = rules(schema)

    assert isinstance(found.problems(body), tuple)
    assert isinstance(found.required(), frozenset)
    found.choices("email.inner")
