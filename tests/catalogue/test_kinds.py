"""How values read, and what the catalogue says; `test_same.py` says when two values are one."""

import pytest

from customers.catalogue.fields import FIELDS, Clear

pytestmark = pytest.mark.once


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
        ("loyalty_points", 10**30, "1" + "0" * 30),
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


def test_the_catalogue_says_what_clears_a_field_and_what_is_sensitive():
    rows = FIELDS.values()
    null = {row.name for row in rows if row.clear is Clear.NULL}
    assert null == {"email", "birthdate", "birth_country_code", "address", "identity"}
    assert FIELDS["optins"].clear is Clear.NO
    assert FIELDS["phones"].clear is Clear.LIST
    assert all(row.clear is Clear.BLANK for row in rows if row.native)
    assert not [row.name for row in rows if row.clearable and not row.patch]
    assert {row.name for row in rows if row.sensitive} == {"identity", "health_pass_id"}
    assert [row.name for row in FIELDS["identity"].members if row.sensitive] == ["number"]
