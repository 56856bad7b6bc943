"""Addresses, names and what is new to us, as each country and script writes them."""

import pytest

from customers.catalogue.fields import FIELDS
from customers.catalogue.names import native_name
from customers.catalogue.objects import address_lines

pytestmark = pytest.mark.once

LONDON = {"number": "10", "street": "Downing Street", "zip_code": "SW1A 2AA", "city": "London"}
SAO_PAULO = {
    "street": "Rua Galvão Ipê",
    "number": "418",
    "add_on": "apto 92",
    "town": "Liberdade",
    "zip_code": "01503-020",
    "city": "São Paulo",
    "state_or_district": "SP",
}


@pytest.mark.parametrize(
    ("country", "address", "lines"),
    [
        ("GB", LONDON, "10 Downing Street/London/SW1A 2AA/United Kingdom"),
        ("BR", SAO_PAULO, "Rua Galvão Ipê 418, apto 92/Liberdade/São Paulo-SP/01503-020/Brazil"),
        ("DE", {"street": "Fährstraße", "number": "231", "zip_code": "21107", "city": "Hamburg"},
         "Fährstraße 231/21107 Hamburg/Germany"),
        ("US", LONDON | {"state_or_district": "KY", "zip_code": "40741"},
         "10 Downing Street/London, KY 40741/United States"),
        ("JP", {"zip_code": "150-0043", "state_or_district": "東京都", "city": "渋谷区",
                "street": "道玄坂", "number": "1-2"}, "150-0043/東京都渋谷区/道玄坂1-2/Japan"),
        ("AE", {"street": "Marina", "city": "Dubai"}, "Marina/Dubai/United Arab Emirates"),
        ("XX", {"city": "Lyon"}, "Lyon/XX"),
        ("", {"city": "Lyon", "country": "Gaul"}, "Lyon/Gaul"),
    ],
)  # fmt: skip
def test_an_address_stands_as_its_country_writes_it(country, address, lines):
    assert "/".join(address_lines(address | {"country_code": country})) == lines


@pytest.mark.parametrize(
    "country", ["GB", "SG", "HK", "MC", "JP", "CN", "AE", "FR", "ZZ", "", "x/y"]
)
def test_no_part_of_an_address_is_lost_wherever_it_is(country):
    members = [row.name for row in FIELDS["address"].members if row.name != "country_code"]
    shown = "/".join(
        address_lines({name: f"<{name}>" for name in members} | {"country_code": country})
    )
    assert not [name for name in members if f"<{name}>" not in shown]


def test_members_that_are_new_to_us_are_readable():
    new = {"delivery_point": {"code": 7, "gate": None}, "is_checked": True, "codes": ["A", "B"]}

    assert address_lines(new) == ["Delivery point: code 7", "Is checked: Yes", "Codes: A, B"]


@pytest.mark.parametrize(
    ("first", "last", "market", "whole"),
    [
        ("美琳", "王", "pt-BR", "王美琳"),
        ("太郎", "山田", "ja-JP", "山田 太郎"),
        ("ハナ", "山田", "fr-FR", "山田 ハナ"),
        ("민수", "김", "ko-KR", "김민수"),
        ("Анна", "Иванова", "ru-RU", "Анна Иванова"),
        ("مینا", "رضایی", "fr-FR", "مینا رضایی"),
        ("Μαρία", "", "el-GR", "Μαρία"),
    ],
)
def test_a_native_name_is_in_the_order_of_its_script(first, last, market, whole):
    assert native_name(first, last, market) == whole
