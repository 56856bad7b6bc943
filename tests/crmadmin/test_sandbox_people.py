"""The sandbox's invented customers: always the same, and of every sort that we must bear."""

import re
import unicodedata
from typing import Any

import pytest

from crmadmin.sandbox import rules, schemas
from crmadmin.sandbox.people import people

Profile = dict[str, Any]

NATIVE = ("unicode_first_name", "unicode_last_name")
TIERS = {
    "NONE",
    "TURQUOISE",
    "SILVER",
    "GOLD",
    "PLATINUM",
    "UNAVAILABLE_FOR_THIS_COUNTRY",
    "EXCLUDED",
    "UNAVAILABLE",
}


@pytest.fixture(scope="module")
def everyone() -> list[Profile]:
    return list(people().values())


def scripts(everyone: list[Profile]) -> set[str]:
    """The first word of the Unicode name of each letter in the native names."""
    letters = "".join(profile.get(key) or "" for profile in everyone for key in NATIVE)
    return {unicodedata.name(letter).split()[0] for letter in letters if letter.isalpha()}


def phones(everyone: list[Profile]) -> list[Profile]:
    return [phone for profile in everyone for phone in profile.get("phones") or []]


def tier(profile: Profile) -> Any:
    return (profile.get("loyalty_program") or {}).get("status")


def test_there_are_three_hundred_each_under_its_own_id() -> None:
    found = people()
    assert len(found) == 300
    assert all(profile["id"] == key for key, profile in found.items())
    assert all(re.fullmatch("[1-9][0-9]*", key) for key in found)


def test_the_same_seed_gives_the_same_people() -> None:
    assert people(7) == people(7)
    assert people(7) != people(8)


def test_a_change_to_one_copy_reaches_no_other() -> None:
    people()["123456789"]["phones"].clear()
    assert people()["123456789"]["phones"]


def test_they_live_in_at_least_eight_locales(everyone: list[Profile]) -> None:
    locales = {profile["locale"] for profile in everyone}
    assert {"fr-FR", "en-US", "en-GB", "pt-BR", "ja-JP", "zh-CN", "ko-KR", "ar-AE"} <= locales


def test_native_names_come_in_six_scripts(everyone: list[Profile]) -> None:
    assert scripts(everyone) >= {
        "CJK", "HIRAGANA", "KATAKANA", "HANGUL", "CYRILLIC", "ARABIC", "GREEK",
    }  # fmt: skip


def test_every_tier_is_there_and_one_of_a_later_day(everyone: list[Profile]) -> None:
    assert {tier(profile) for profile in everyone} >= {*TIERS, "DIAMOND"}


def test_codes_of_a_later_day_are_there(everyone: list[Profile]) -> None:
    assert any(profile.get("customer_status") == "VIP_REVIEW" for profile in everyone)
    assert any(phone["type"] == "FAX_2" for phone in phones(everyone))


def test_members_that_no_contract_lists_are_there(everyone: list[Profile]) -> None:
    assert any("vip_host_code" in profile for profile in everyone)
    assert any(isinstance(profile.get("preferred_resorts"), list) for profile in everyone)
    assert any("verified" in phone for phone in phones(everyone))
    assert any("delivery_point" in (profile.get("address") or {}) for profile in everyone)
    assert any("expires_on" in (profile.get("loyalty_program") or {}) for profile in everyone)


def test_some_are_nearly_empty_by_null_and_some_by_absence(everyone: list[Profile]) -> None:
    missing = [profile for profile in everyone if len(profile) <= 5]
    null = [
        profile
        for profile in everyone
        if len(profile) > 20 and sum(value is not None for value in profile.values()) <= 5
    ]
    assert len(missing) >= 5
    assert len(null) >= 5


def test_some_are_blacklisted_and_most_are_not(everyone: list[Profile]) -> None:
    blacklisted = [profile for profile in everyone if profile.get("blacklisted")]
    assert 10 <= len(blacklisted) <= 60


def test_a_gm_number_equals_the_id_or_differs_or_is_missing(everyone: list[Profile]) -> None:
    equal = [profile for profile in everyone if profile.get("gm_number") == profile["id"]]
    absent = [profile for profile in everyone if profile.get("gm_number") is None]
    assert len(equal) > 50
    assert len(absent) > 5
    assert len(everyone) - len(equal) - len(absent) > 50


def test_no_gm_number_is_the_id_of_somebody_else() -> None:
    found = people()
    assert all(
        profile.get("gm_number") in (None, key) or profile["gm_number"] not in found
        for key, profile in found.items()
    )


def test_mail_goes_to_nobody_and_to_one_address_each(everyone: list[Profile]) -> None:
    mails = [profile["email"] for profile in everyone if profile.get("email")]
    assert all(re.search(r"@(\w+\.)*example\.(com|org)$", mail) for mail in mails)
    assert len(set(mails)) == len(mails) > 200


def test_some_names_and_addresses_are_as_long_as_they_may_be(everyone: list[Profile]) -> None:
    longest = {"first_name": 20, "last_name": 30, **dict.fromkeys(NATIVE, 100)}
    for key, limit in longest.items():
        assert max(len(profile.get(key) or "") for profile in everyone) == limit, key
    streets = [(profile.get("address") or {}).get("street") or "" for profile in everyone]
    assert max(map(len, streets)) == rules.ADDRESS_LENGTHS["street"]


def test_everything_patchable_could_be_sent_back_in_its_market(everyone: list[Profile]) -> None:
    for profile in everyone:
        sendable = {
            key: value
            for key, value in profile.items()
            if key in rules.PATCHABLE and value is not None
        }
        market = schemas.refusals(profile["locale"], sendable, complete=False)
        rules.check_patch(sendable, market, force_address=False)


def test_the_scenarios_own_customer_has_these_keys_and_no_others() -> None:
    assert people()["123456789"] == {
        "id": "123456789",
        "email": "tom@example.com",
        "gm_number": "123456789",
        "first_name": "Tom",
        "last_name": "Smith",
        "phones": [{"number": "0623456789", "type": "MOBILE"}],
        "loyalty_program": {"status": "EXCLUDED", "points": 1200},
        "locale": "en-US",
    }


def test_the_customer_to_show_is_richly_filled() -> None:
    wang = people()["704118236"]
    assert wang["civility"] == "MS"
    assert (wang["first_name"], wang["last_name"]) == ("Beatriz", "Wang")
    assert (wang["unicode_last_name"], wang["unicode_first_name"]) == ("王", "美琳")
    assert (wang["birthdate"], wang["birth_city"]) == ("19860614", "São Paulo")
    assert len(wang["phones"]) == 2
    assert wang["address"]["city"] == "São Paulo"
    assert wang["identity"]["type"] == "CPF"
    assert wang["loyalty_program"]["status"] == "GOLD"
    assert wang["loyalty_program"]["points"] == 12480
    assert wang["vip_host_code"]
    assert wang["preferred_resorts"]
    assert wang["optins"]
