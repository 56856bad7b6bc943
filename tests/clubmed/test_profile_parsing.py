"""A profile as it came, and readers that take any JSON."""

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customers.clubmed.profile import Phone, Profile, member, parse_date, parse_phones

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
KEYS = st.sampled_from(["number", "type", "status"]) | st.text()


def profile(**values):
    return Profile("123456789", values)


@pytest.mark.parametrize("value", [{"eu": [43, None]}, "DUKE", 0, False, [], {}, " "])
def test_a_profile_keeps_every_value_as_it_came(value):
    assert profile(email="tom@example.com", shoe_size=value).get("shoe_size") == value


def test_missing_null_and_empty_text_are_one_thing():
    read = profile(email=None, birth_city="")

    assert [read.get(name) for name in ("email", "birth_city", "gender")] == [None, None, None]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"birthday": "19860614"}, "19860614"),
        ({"birthdate": "19860614", "birthday": "20000101"}, "19860614"),
        ({"birthdate": None, "birthday": "20000101"}, None),
        ({"birthdate": "", "birthday": "20000101"}, None),
        ({}, None),
    ],
)
def test_the_deprecated_birthday_counts_only_where_birthdate_is_missing(values, expected):
    assert profile(**values).get("birthdate") == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("19860614", date(1986, 6, 14)),
        ("1986-06-14", date(1986, 6, 14)),
        ("20240229", date(2024, 2, 29)),
        *((odd, None) for odd in ("20230229", "19861301", "00000000", "0000-01-01", "1986-6-14")),
        *((odd, None) for odd in ("1986/06/14", "1986--0614", "19-86-06-14", " 19860614", "")),
        *((odd, None) for odd in ("1986-06-14T00:00:00Z", "١٩٨٦٠٦١٤", "²0000101", 19860614, None)),
    ],
)
def test_a_date_is_read_in_both_spellings_and_no_other(raw, expected):
    assert parse_date(raw) == expected


TWO_ODD = [{"number": "0623456789", "type": "FAX", "verified": True}, {"number": None}]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (None, ()),
        ([], ()),
        (TWO_ODD, (Phone("0623456789", "FAX", {"verified": True}), Phone(None, None, {}))),
        *((odd, None) for odd in ("0623456789", 6, {}, True, ["0623456789"], [None], [{}, []])),
        *((odd, None) for odd in ([{"number": 6}], [{"type": []}])),
    ],
)
def test_phones_keep_members_that_nobody_knows_and_another_shape_is_none(raw, expected):
    assert parse_phones(raw) == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("loyalty_program.status", "GOLD"),
        ("loyalty_program.points", 0),
        ("loyalty_program.previous_status", None),
        ("loyalty_program", {"status": "GOLD", "points": 0, "previous_status": ""}),
        ("loyalty_program.status.deeper", None),
        ("nowhere.status", None),
        ("list.0", None),
    ],
)
def test_a_nested_member_is_found_by_its_path(path, expected):
    values = {
        "loyalty_program": {"status": "GOLD", "points": 0, "previous_status": ""},
        "list": ["a"],
    }

    assert member(values, path) == expected


@settings(deadline=None)
@given(raw=ANY_JSON | st.text("0123456789-", max_size=10))
def test_any_json_is_a_date_or_none(raw):
    assert parse_date(raw) is None or isinstance(raw, str)


@settings(deadline=None)
@given(day=st.dates())
def test_every_date_is_read_back(day):
    assert parse_date(day.isoformat()) == day
    assert parse_date(day.isoformat().replace("-", "")) == day


@settings(deadline=None)
@given(raw=ANY_JSON | st.lists(st.dictionaries(KEYS, st.none() | st.text() | ANY_JSON)))
def test_any_json_is_phones_or_shown_as_it_came_and_nothing_is_lost(raw):
    phones = parse_phones(raw)

    if phones is not None and raw is not None:
        given_back = [{"number": p.number, "type": p.type, **p.extra} for p in phones]
        assert given_back == [{"number": None, "type": None, **item} for item in raw]


@settings(deadline=None)
@given(values=ANY_JSON | st.dictionaries(KEYS, ANY_JSON), path=st.lists(KEYS, min_size=1))
def test_any_path_through_any_json_is_harmless(values, path):
    member(values, ".".join(path))


@settings(deadline=None)
@given(values=st.dictionaries(st.sampled_from(["birthdate", "birthday"]) | st.text(), ANY_JSON))
def test_any_object_can_be_a_profile(values):
    read = Profile("1", values)

    assert all(read.get(name) != "" for name in [*values, "birthdate"])
    assert read.values == values
