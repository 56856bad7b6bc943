"""A profile as it came, and readers that take any JSON."""

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customers.clubmed.profile import Phone, Profile, member, parse_date, parse_phones
from tests.clubmed.calls import ANY_JSON

pytestmark = pytest.mark.once

KEYS = st.sampled_from(["number", "type", "birthdate", "birthday"]) | st.text()
PHONES = st.lists(st.dictionaries(KEYS, st.none() | st.text() | ANY_JSON))


@pytest.mark.parametrize(
    ("values", "name", "expected"),
    [
        *(({"shoe_size": as_it_came}, "shoe_size", as_it_came) for as_it_came in (0, [], {}, " ")),
        *(({"email": empty}, "email", None) for empty in (None, "")),
        ({}, "gender", None),
        ({"birthday": "19860614"}, "birthdate", "19860614"),
        ({"birthdate": "19860614", "birthday": "20000101"}, "birthdate", "19860614"),
        ({"birthdate": None, "birthday": "20000101"}, "birthdate", None),
        ({"birthdate": "", "birthday": "20000101"}, "birthdate", None),
    ],
)
def test_only_empty_text_and_a_missing_birthdate_are_not_read_as_they_came(values, name, expected):
    assert Profile("123456789", values).get(name) == expected


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


@given(day=st.dates())
def test_every_date_is_read_back(day):
    assert parse_date(day.isoformat()) == parse_date(day.isoformat().replace("-", "")) == day


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


@settings(deadline=None)
@given(raw=ANY_JSON | PHONES | st.text("0123456789-", max_size=10), path=st.lists(KEYS, min_size=1))
def test_any_json_is_read_or_shown_as_it_came_and_nothing_is_lost(raw, path):
    member(raw, ".".join(path))
    assert parse_date(raw) is None or isinstance(raw, str)
    phones = parse_phones(raw)
    if phones is not None and raw is not None:
        given_back = [{"number": p.number, "type": p.type, **p.extra} for p in phones]
        assert given_back == [{"number": None, "type": None, **item} for item in raw]
    if isinstance(raw, dict):
        read = Profile("1", raw)
        assert all(read.get(name) != "" for name in [*raw, "birthdate"])
        assert read.values == raw
