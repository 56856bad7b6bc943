"""The kinds of value, and the catalogue of fields; `test_same.py` says when two values are one."""

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from customers.catalogue import words
from customers.catalogue.fields import FIELDS, Clear, Create

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@hypothesis_settings(deadline=None)
@given(value=anything)
def test_no_value_breaks_any_field(value):
    for field in FIELDS.values():
        assert isinstance(field.text(value), str)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("birthdate", "19860614", "14 June 1986"),
        ("birthdate", "1986-06-14", "14 June 1986"),
        ("birthdate", "19860631", "19860631"),
        ("civility", "MR", "Mr"),
        ("civility", "DUKE", "DUKE"),
        ("language_code", "PT", "Portuguese"),
        ("birth_country_code", "BR", "Brazil"),
        ("loyalty_points", 12480, "12,480"),
        ("personal_data_usage_allowed", False, "Not allowed"),
        ("phones", [{"number": "06", "type": "MOBILE"}], "Mobile 06"),
        ("phones", "06", "06"),
        ("optins", [{"channel": "EMAIL", "optin": True}], "E-mail Yes"),
        ("address", {"number": "4", "street": "Quai", "country_code": "FR"}, "4 Quai, France"),
        ("address", {"street": "Quai", "planet": "Mars"}, "Quai"),
        ("identity", {"number": "111", "type": "CPF"}, "CPF ••••••"),
        ("email", "", ""),
    ],
)
def test_a_value_reads_as_people_write_it(field, value, words):
    assert FIELDS[field].text(value) == words


CONTRACT_PATCH = {
    *("civility", "unicode_civility", "first_name", "last_name"),
    *("unicode_first_name", "unicode_last_name", "second_name", "third_name", "fourth_name"),
    *("unicode_second_name", "unicode_third_name", "unicode_fourth_name", "email", "birthdate"),
    *("birth_country_code", "birth_city", "language_code", "phones", "address", "optins"),
    *("personal_data_usage_allowed", "identity"),
}


def test_the_catalogue_holds_what_the_contract_says_of_each_field():
    required = {name for name, row in FIELDS.items() if row.create is Create.REQUIRED}
    assert required == {"civility", "first_name", "last_name"}
    null = {name for name, row in FIELDS.items() if row.clear is Clear.NULL}
    assert null == {"email", "birthdate", "birth_country_code", "address", "identity"}
    assert FIELDS["optins"].clear is Clear.NO
    assert FIELDS["phones"].clear is Clear.LIST
    assert {name for name, row in FIELDS.items() if row.sensitive} == {"identity", "health_pass_id"}
    assert [row.name for row in FIELDS["identity"].members if row.sensitive] == ["number"]
    native = [row for row in FIELDS.values() if row.native]
    assert all(row.clear is Clear.BLANK for row in native)
    assert FIELDS["unicode_first_name"].max_length == FIELDS["unicode_last_name"].max_length == 100
    lengths = {row.name: row.max_length for row in FIELDS["address"].members}
    assert lengths == {
        "number": 50,
        "street": 100,
        "add_on": 50,
        "town": 100,
        "city": 150,
        "zip_code": 50,
        "state_or_district": 100,
        "country_code": 3,
        "additional_information_1": 100,
        "additional_information_2": 100,
    }
    assert len(FIELDS["identity"].members[0].choices) == 7
    patched = {name for name, row in FIELDS.items() if row.patch}
    assert patched == CONTRACT_PATCH
    assert all(not row.clearable for row in FIELDS.values() if not row.patch)


def test_every_country_and_language_has_a_name_once():
    for table, size in ((words.countries(), 249), (words.languages(), 150)):
        assert len(table) >= size
        assert all(len(code) == 2 and name for code, name in table.items())
    assert words.countries()["FR"] == "France"
    assert "EU" not in words.countries()
