"""A market's rules: what they refuse, in which words, and what becomes of an odd schema."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customers.clubmed.schema import Rules, rules

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
US = rules("en-US", SCHEMA)
WHOLE = {"last_name": "Smith", "email": "tom@example.com"}


def told(body, *, now=None, by=US):
    return {one.key: one.message for one in by.problems(body, now=now)}


@pytest.mark.parametrize(
    ("typed", "key", "words"),
    [
        ({"email": None}, "email", "en-US needs this."),
        ({"email": ""}, "email", "en-US needs this."),
        ({"last_name": "S"}, "last_name", "At least 2 characters; this has 1."),
        ({"last_name": "Smithson"}, "last_name", "At most 5 characters; this has 8."),
        ({"language_code": "FR"}, "language_code", "en-US knows no such value"),
        ({"address": {"zip_code": "1"}}, "address.zip_code", "in another way, like 97205."),
        ({"address": {"city": "Salem"}}, "address.zip_code", "en-US needs this."),
        (
            {"address": {"zip_code": "97205", "state_or_district": "XX"}},
            "address.state_or_district",
            "en-US knows no such value",
        ),
        ({"phones": [{"number": "+1"}, {"number": "+33"}]}, "phones[1].number", "in another way."),
    ],
)
def test_each_rule_is_told_beside_the_value_it_is_about(typed, key, words):
    assert words in told(WHOLE | typed)[key]


def test_a_good_body_has_no_problems():
    assert told(WHOLE | {"address": {"zip_code": "97205", "state_or_district": "OR"}}) == {}


def test_what_the_schema_does_not_know_is_for_the_api_to_judge():
    assert told(WHOLE | {"shoe_size": 42, "email": "no address at all"}) == {}


def test_empty_members_are_not_there():
    assert told(WHOLE | {"address": {"zip_code": "97205", "state_or_district": ""}}) == {}
    assert told(WHOLE | {"address": None, "phones": []}) == {}


def test_of_a_change_only_what_is_sent_is_judged():
    assert told({"language_code": "ES"}, now={"language_code": "EN"}) == {}
    assert told({"language_code": "FR"}, now={"language_code": "EN"}) != {}
    assert told({"email": None}, now={"email": "tom@example.com"}) == {
        "email": "The market en-US needs this."
    }


def test_what_stands_there_already_is_never_in_the_way():
    now = {"address": {"zip_code": "odd", "city": "Salem"}}

    assert told({"address": {"zip_code": "odd", "city": "Eugene"}}, now=now) == {}
    assert told({"address": {"zip_code": "odder", "city": "Salem"}}, now=now) != {}


def test_what_an_object_lacks_already_may_be_lacking_still():
    now = {"address": {"city": "Salem", "zip_code": ""}}

    assert told({"address": {"city": "Eugene", "zip_code": None}}, now=now) == {}
    assert told({"address": {"city": "Eugene"}}, now={"address": None}) != {}
    assert told({"address": {"city": "Salem"}}, now={"address": {"zip_code": "97205"}}) != {}


def test_what_stands_in_a_list_may_stand_elsewhere_in_it():
    now = {"phones": [{"number": "+1"}, {"number": "+33"}]}

    assert told({"phones": [{"number": "+33"}]}, now=now) == {}
    assert told({"phones": [{"number": "+44"}]}, now=now) != {}


def test_what_no_typing_could_mend_is_for_the_api_to_judge():
    odd = rules("en-US", {"properties": {"email": {"type": "integer"}, "phones": {"type": "null"}}})

    assert told(WHOLE | {"phones": [{"number": "+1"}]}, by=odd) == {}


def test_choices_and_required_fields_can_be_asked_for():
    assert US.required() == {"last_name", "email"}
    assert US.required("address") == {"zip_code"}
    assert US.required("phones") == US.required("a.b") == frozenset()
    assert US.choices("address.state_or_district") == {"OR": "Oregon"}
    assert US.choices("last_name") == US.choices("address.nothing") == US.choices("a.b.c") == {}


@pytest.mark.parametrize(
    "odd",
    [
        None,
        [],
        "schema",
        {"type": "nonsense"},
        {"required": "last_name"},
        {"properties": []},
        {"properties": {"last_name": {"maxLength": "five"}}},
    ],
)
def test_of_a_schema_that_is_none_there_are_no_rules(odd):
    assert rules("en-US", odd) == Rules("en-US", {})
    assert told(WHOLE, by=rules("en-US", odd)) == {}


@pytest.mark.parametrize(
    "rule",
    [
        {"pattern": "(?<name>[0-9]+)"},  # of another dialect
        {"pattern": "\\p{L}+"},
        {"pattern": "(a+)+$"},
        {"pattern": "((a|a))*$"},
        {"pattern": "^(a+){50}$"},
        {"pattern": "a*a*a*a*$"},
        {"pattern": "a?" * 50 + "a" * 50 + "$"},
        {"pattern": "x" * 501},
        {"$ref": "https://nobody.invalid/schema.json"},
        {"$ref": "#/definitions/nothing"},
        {"$ref": 5},
        {"not": {"pattern": "\\p{L}"}},
        {"if": {"pattern": "\\p{L}"}, "then": False},
        {"oneOf": [{"format": "one"}, {"format": "other"}]},
        {"format": "nothing that anybody knows"},
        {"x-choices": "odd"},
        {"x-choices": [{"label": "no code"}, 5]},
    ],
)
def test_a_rule_that_cannot_be_applied_is_left_out(rule):
    odd = {"properties": {"last_name": rule, "email": {"maxLength": 3}}}
    began = time.monotonic()

    said = told({"last_name": "a" * 50 + "!", "email": "four"}, by=rules("en-US", odd))

    assert list(said) == ["email"]
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    "pattern",
    [
        "^[0-9]{5}(-[0-9]{4})?$",
        "^[A-Z]{1,2}[0-9][0-9A-Z]? ?[0-9][A-Z]{2}$",
        r"^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}$",
        r"^(?:0[1-9]|[1-8]\d|9[0-8])\d{3}$",
        r"^([0-9]{2}[.)]){3}$",
    ],
)
def test_a_pattern_that_takes_no_time_is_applied(pattern):
    one = rules("fr-FR", {"properties": {"email": {"pattern": pattern}}})

    assert "email" in told({"email": "!"}, by=one)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"x-meta": "Five digits."}, "another way: Five digits."),
        ({"x-meta": {"hint": "Five digits"}}, "another way: Five digits."),
        ({"x-meta": {"description": "Five digits"}}, "another way: Five digits."),
        ({"description": "Five digits"}, "another way: Five digits."),
        ({"x-meta": {"example": 75001}}, "another way, like 75001."),
        ({"x-meta": ["odd"]}, "in another way."),
    ],
)
def test_what_the_schema_says_for_people_is_told(said, words):
    one = rules("fr-FR", {"properties": {"email": {"pattern": "^[0-9]{5}$", **said}}})

    assert told({"email": "x"}, by=one)["email"].endswith(words)


def test_a_condition_is_not_told_of_a_part_of_a_profile():
    one = rules(
        "fr-FR",
        {
            "if": {"properties": {"civility": {"const": "MR"}}},
            "then": {"properties": {"email": {"maxLength": 3}}},
        },
    )

    assert told({"email": "four"}, now={}, by=one) == {}
    assert "email" in told({"email": "four", "civility": "MR"}, by=one)


def test_a_schema_may_be_a_reference_itself():
    short = {"properties": {"email": {"maxLength": 3}}, "required": ["email"]}
    one = rules("en-US", {"$ref": "#/definitions/it", "definitions": {"it": short}})

    assert one.required() == {"email"}
    assert told({"email": "four"}, by=one) == {"email": "At most 3 characters; this has 4."}


def test_a_schema_too_large_to_check_counts_for_nothing():
    wide = {"properties": {f"field_{n}": {"maxLength": 5} for n in range(20_000)}}

    assert rules("en-US", wide) == Rules("en-US", {})


def test_a_reference_in_a_circle_judges_nothing():
    circle = {"$ref": "#/definitions/a"}
    odd = {"definitions": {"a": circle}, "properties": {"email": circle}}

    assert told(WHOLE, by=rules("en-US", odd)) == {}
    assert rules("en-US", odd).choices("email") == {}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "properties", "items", "$ref", "pattern", "required", "email"])
            | st.text(max_size=3),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(schema=JSON, body=st.dictionaries(st.sampled_from(["email", "phones"]), JSON, max_size=2))
def test_no_schema_and_no_body_break_it(schema, body):
    found = rules("en-US", schema)

    assert isinstance(found.problems(body), tuple)
    assert isinstance(found.required(), frozenset)
    found.choices("email.inner")
