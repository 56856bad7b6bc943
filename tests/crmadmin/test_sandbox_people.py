"""The sandbox's invented customers: always the same, and of every sort that we must bear."""

import re
import unicodedata

from crmadmin.sandbox import rules, schemas
from crmadmin.sandbox.people import people

PEOPLE = people()
EVERYONE = list(PEOPLE.values())
NATIVE = ("unicode_first_name", "unicode_last_name")
PHONES = [phone for profile in EVERYONE for phone in profile.get("phones") or []]
LOYALTIES = [profile.get("loyalty_program") or {} for profile in EVERYONE]
ADDRESSES = [profile.get("address") or {} for profile in EVERYONE]


def test_there_are_three_hundred_each_under_its_own_id_and_always_the_same():
    people()["123456789"]["phones"].clear()  # in this copy alone
    assert len(PEOPLE) == 300
    assert all(profile["id"] == key for key, profile in PEOPLE.items())
    assert all(re.fullmatch("[1-9][0-9]*", key) for key in PEOPLE)
    assert people() == PEOPLE != people(8)


def test_every_script_locale_and_tier_is_there_and_codes_of_a_later_day():
    letters = "".join(profile.get(key) or "" for profile in EVERYONE for key in NATIVE)
    scripts = {unicodedata.name(letter).split()[0] for letter in letters if letter.isalpha()}
    assert scripts >= {"CJK", "HIRAGANA", "KATAKANA", "HANGUL", "CYRILLIC", "ARABIC", "GREEK"}
    locales = {"fr-FR", "en-US", "en-GB", "pt-BR", "ja-JP", "zh-CN", "ko-KR", "ar-AE"}
    assert {profile["locale"] for profile in EVERYONE} >= locales
    tiers = "NONE TURQUOISE SILVER GOLD PLATINUM UNAVAILABLE_FOR_THIS_COUNTRY EXCLUDED UNAVAILABLE"
    assert {one.get("status") for one in LOYALTIES} >= {*tiers.split(), "DIAMOND"}
    assert any(profile.get("customer_status") == "VIP_REVIEW" for profile in EVERYONE)
    assert any(phone["type"] == "FAX_2" for phone in PHONES)


def test_odd_empty_and_long_profiles_are_there():
    for objects, unknown in (
        (EVERYONE, "vip_host_code"),
        (PHONES, "verified"),
        (ADDRESSES, "delivery_point"),
        (LOYALTIES, "expires_on"),
    ):
        assert any(unknown in one for one in objects), unknown
    filled = [sum(value is not None for value in profile.values()) for profile in EVERYONE]
    null = [p for p, count in zip(EVERYONE, filled, strict=True) if count <= 5 and len(p) > 20]
    missing = [profile for profile in EVERYONE if len(profile) <= 5]
    assert min(len(missing), len(null)) >= 5
    numbers = {p["id"]: p.get("gm_number") for p in EVERYONE}
    others = {number for key, number in numbers.items() if number not in (None, key)}
    assert others
    assert others.isdisjoint(numbers)
    assert None in numbers.values()
    for key, limit in {"first_name": 20, "last_name": 30, **dict.fromkeys(NATIVE, 100)}.items():
        assert max(len(profile.get(key) or "") for profile in EVERYONE) == limit, key


def test_mail_goes_to_nobody_and_to_one_address_each():
    mails = [profile["email"] for profile in EVERYONE if profile.get("email")]
    assert all(re.search(r"@(\w+\.)*example\.(com|org)$", mail) for mail in mails)
    assert len(set(mails)) == len(mails) > 200


def test_everything_patchable_could_be_sent_back_in_its_market():
    for profile in EVERYONE:
        known = {key: value for key, value in profile.items() if value is not None}
        sendable = {key: known[key] for key in known.keys() & rules.PATCHABLE}
        market = schemas.refusals(profile["locale"], sendable, complete=False)
        rules.check_patch(sendable, market, force_address=False)
