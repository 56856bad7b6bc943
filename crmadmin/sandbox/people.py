"""Three hundred invented customers, the same ones for the same seed.

Most are ordinary. On purpose, some are nearly empty, some carry codes and members that came after
the contract was written, some fill every field to its limit, some are blacklisted.
"""

import json
from datetime import date, timedelta
from functools import cache
from random import Random
from typing import Any

from crmadmin.sandbox.markets import MARKETS, City, Market
from crmadmin.sandbox.rules import ADDRESS_LENGTHS, CIVILITIES, capitals

Profile = dict[str, Any]

SEED = 20261123
COUNT = 300

_TIERS = "NONE TURQUOISE SILVER GOLD PLATINUM UNAVAILABLE_FOR_THIS_COUNTRY EXCLUDED UNAVAILABLE"
_STATUSES = "CLIENT CLIENT CLIENT PROSPECT NEW_CUSTOMER UNAVAILABLE"
_FIRST_BIRTHDATE = date(1940, 1, 1)
_BIRTHDATES = 66 * 365  # days


def people(seed: int = SEED) -> dict[str, Profile]:
    """Fresh copies of the 300: id -> profile as stored, with its "id"."""
    found: dict[str, Profile] = json.loads(_people_json(seed))
    return found


@cache
def _people_json(seed: int) -> str:
    # Invented people, the same ones each time: nothing here is to be unguessable.
    rng = Random(seed)  # noqa: S311  # nosec B311
    found = {profile["id"]: profile for profile in (_tom(), _beatriz(), _maximilian())}
    while len(found) < COUNT:
        index = len(found)
        number = str(rng.randrange(10_000_000, 700_000_000))
        if number not in found:
            found[number] = _someone(rng, index, number)
    return json.dumps(found)


def _someone(rng: Random, index: int, number: str) -> Profile:
    """The index decides what is special about a person, the random numbers the rest."""
    profile = _ordinary(rng, index, number)
    if index % 10 == 0:
        return _nearly_empty(rng, profile)
    if index % 17 == 0:
        _add_new_codes(profile)
    if index % 13 == 0:
        _add_unknown_members(rng, profile)
    if index % 37 == 0:
        _fill_to_the_limits(profile)
    return profile


def _ordinary(rng: Random, index: int, number: str) -> Profile:
    market = MARKETS[index % len(MARKETS)]
    civility = rng.choice(["MR", "MS"])
    first, native_first = rng.choice(market.men if civility == "MR" else market.women)
    last, native_last = rng.choice(market.families)
    city = rng.choice(market.cities)
    native = bool(native_last)
    return {
        "id": number,
        "gm_number": _gm_number(index, number),
        "civility": civility,
        "unicode_civility": market.civilities[civility == "MS"] or None,
        "gender": CIVILITIES[civility],
        "first_name": capitals(first),
        "last_name": capitals(last),
        "unicode_first_name": native_first if native else None,
        "unicode_last_name": native_last if native else None,
        "second_name": _second_name(rng, market, civility) if index % 5 == 0 else None,
        "unicode_second_name": None,
        "third_name": None,
        "unicode_third_name": None,
        "fourth_name": None,
        "unicode_fourth_name": None,
        "email": _email(first, last, index),
        "birthdate": f"{_birthdate(rng):%Y%m%d}" if index % 7 else None,
        "birth_country_code": market.country_code if index % 3 else None,
        "birth_city": rng.choice(market.cities).name if index % 3 else None,
        "language_code": market.language_code,
        "phones": _phones(rng, market, index),
        "address": _address(rng, market, city) if index % 6 else None,
        "optins": _optins(rng, market),
        "personal_data_usage_allowed": rng.random() < 0.7,
        "identity": _identity(rng, market) if index % 4 == 0 else None,
        "customer_type": "PROSPECT" if index % 9 == 0 else "CLIENT",
        "customer_status": rng.choice(_STATUSES.split()),
        "loyalty_program": _loyalty(rng, index),
        "locale": market.locale,
        "blacklisted": index % 11 == 0,
        "filiation_number": str(rng.randrange(1, 7)),
        "health_pass_id": _digits(rng, "HP-00######") if index % 8 == 0 else None,
        "_links": {
            "self": {"href": f"/v2/customers/{number}/profile"},
            "schema_v1": {"href": f"/v3/schemas/profile/{market.locale}"},
        },
    }


def _gm_number(index: int, number: str) -> str | None:
    """The id itself for every other customer, none for a few, another number for the rest."""
    if index % 12 == 5:
        return None
    return number if index % 2 else str(int(number) + 1_000_000_000)


def _digits(rng: Random, template: str) -> str:
    return "".join(str(rng.randrange(10)) if char == "#" else char for char in template)


def _email(first: str, last: str, index: int) -> str | None:
    """Numbered, so that nobody shares one; none for a few."""
    if index % 14 == 3:
        return None
    words = [
        "".join(char for char in capitals(name).lower() if char.isascii() and char.isalpha())
        for name in (first, last)
    ]
    return f"{'.'.join(words)}.{index}@example.{'org' if index % 3 == 0 else 'com'}"


def _birthdate(rng: Random) -> date:
    return _FIRST_BIRTHDATE + timedelta(days=rng.randrange(_BIRTHDATES))


def _second_name(rng: Random, market: Market, civility: str) -> str:
    return capitals(rng.choice(market.men if civility == "MR" else market.women)[0])


def _phones(rng: Random, market: Market, index: int) -> list[Profile] | None:
    phones = [
        {"number": _digits(rng, market.mobile), "type": "MOBILE"},
        {"number": _digits(rng, market.landline), "type": "HOME"},
        {"number": _digits(rng, market.landline), "type": "OFFICE"},
    ]
    return phones[: index % 4] or None


def _address(rng: Random, market: Market, city: City) -> Profile:
    return {
        "number": str(rng.randrange(1, 240)),
        "street": rng.choice(market.streets),
        "add_on": rng.choice([None, None, f"{rng.randrange(1, 60)} B"]),
        "town": None,
        "city": city.name,
        "zip_code": _digits(rng, city.zip_code) or None,
        "state_or_district": city.state or None,
        "country": market.country,
        "country_code": market.country_code,
        "additional_information_1": None,
        "additional_information_2": None,
    }


def _optins(rng: Random, market: Market) -> list[Profile]:
    email = {"channel": "EMAIL", "optin": rng.random() < 0.6}
    email["optin_partners"] = email["optin"] and rng.random() < 0.3
    others = ["SMS", "PHONE", "MAIL", "PROFILING", "CGU_2"]
    channels = dict.fromkeys([market.channel, *rng.sample(others, rng.randrange(4))])
    return [email] + [{"channel": channel, "optin": rng.random() < 0.5} for channel in channels]


def _identity(rng: Random, market: Market) -> Profile | None:
    if market.identity is None:
        return None
    kind, template = market.identity
    return {"number": _digits(rng, template), "type": kind}


def _loyalty(rng: Random, index: int) -> Profile:
    tiers = _TIERS.split()
    status = tiers[index % len(tiers)]
    earning = status in ("TURQUOISE", "SILVER", "GOLD", "PLATINUM")
    loyalty: Profile = {
        "status": status,
        "points": rng.randrange(100, 40_000) if earning else 0,
        "previous_status": tiers[index % len(tiers) - 1] if earning else None,
    }
    if status == "PLATINUM":
        loyalty["is_platinum_for_life"] = rng.random() < 0.3
    return loyalty


def _nearly_empty(rng: Random, profile: Profile) -> Profile:
    """Three or four values; for half of these people the other keys are null, else missing."""
    kept = {"id", "locale", "personal_data_usage_allowed", rng.choice(["email", "last_name"])}
    if rng.random() < 0.5:
        return {key: value for key, value in profile.items() if key in kept}
    return {key: value if key in kept else None for key, value in profile.items()}


def _add_new_codes(profile: Profile) -> None:
    """Values of known fields that the contract does not list."""
    profile["customer_status"] = "VIP_REVIEW"
    profile["loyalty_program"]["status"] = "DIAMOND"
    profile["phones"] = [*(profile["phones"] or []), {"number": "+33199000099", "type": "FAX_2"}]


def _add_unknown_members(rng: Random, profile: Profile) -> None:
    """Fields that the contract does not list, at the top and inside known ones."""
    profile["vip_host_code"] = _digits(rng, "GH-##")
    profile["preferred_resorts"] = rng.sample(["RIO", "TRN", "BAL", "OPI", "VAL"], 2)
    profile["loyalty_program"]["expires_on"] = "2027-12-31"
    profile["phones"] = [
        {**phone, "verified": position == 0}
        for position, phone in enumerate(profile["phones"] or [])
    ] or None
    if profile["address"]:
        profile["address"]["delivery_point"] = {"code": _digits(rng, "DP######"), "floor": 2}


def _fill_to_the_limits(profile: Profile) -> None:
    """Every text as long as the contract and the market allow."""
    profile["first_name"] = "MAXIMILIANA-ISABELLA"
    profile["last_name"] = "MONTGOMERY-VANDENBERGHE-CASTRO"
    profile["unicode_first_name"] = "マクシミリアナ" * 14 + "ああ"
    profile["unicode_last_name"] = "Монтгомери" * 10
    market = next(market for market in MARKETS if market.locale == profile["locale"])
    city = market.cities[0]
    profile["address"] = {
        **{key: ("Long Lane " * 15)[: limit - 1] + "X" for key, limit in ADDRESS_LENGTHS.items()},
        "zip_code": city.zip_code.replace("#", "0") or None,  # each nation has a form for it
        "state_or_district": city.state or None,
        "country_code": market.country_code,
    }


def _tom() -> Profile:
    """The scenario's own customer: these keys and no others."""
    return {
        "id": "123456789",
        "email": "tom@example.com",
        "gm_number": "123456789",
        "first_name": "Tom",
        "last_name": "Smith",
        "phones": [{"number": "0623456789", "type": "MOBILE"}],
        "loyalty_program": {"status": "EXCLUDED", "points": 1200},
        "locale": "en-US",
    }


def _beatriz() -> Profile:
    """The customer to show: nearly every field filled, two of them unknown to the contract."""
    return {
        "id": "704118236",
        "gm_number": "704118236",
        "civility": "MS",
        "unicode_civility": None,
        "gender": "F",
        "first_name": "Beatriz",
        "last_name": "Wang",
        "unicode_first_name": "美琳",
        "unicode_last_name": "王",
        "second_name": None,
        "unicode_second_name": None,
        "third_name": None,
        "unicode_third_name": None,
        "fourth_name": None,
        "unicode_fourth_name": None,
        "email": "beatriz.wang@example.com",
        "birthdate": "19860614",
        "birth_country_code": "BR",
        "birth_city": "São Paulo",
        "language_code": "PT",
        "phones": [
            {"number": "+5511900000412", "type": "MOBILE"},
            {"number": "+551130000177", "type": "OFFICE"},
        ],
        "address": {
            "number": "418",
            "street": "Rua Galvão Ipê",
            "add_on": "apto 92",
            "town": "Liberdade",
            "city": "São Paulo",
            "zip_code": "01503-020",
            "state_or_district": "SP",
            "country": "Brazil",
            "country_code": "BR",
            "additional_information_1": None,
            "additional_information_2": None,
        },
        "optins": [
            {"channel": "EMAIL", "optin": True, "optin_partners": False},
            {"channel": "WHATSAPP", "optin": True},
            {"channel": "SMS", "optin": False},
            {"channel": "PHONE", "optin": False},
            {"channel": "MAIL", "optin": False},
            {"channel": "PROFILING", "optin": True},
            {"channel": "CGU_2", "optin": True},
        ],
        "personal_data_usage_allowed": True,
        "identity": {"number": "39053344709", "type": "CPF"},
        "customer_type": "CLIENT",
        "customer_status": "CLIENT",
        "loyalty_program": {
            "status": "GOLD",
            "points": 12480,
            "previous_status": "SILVER",
            "is_platinum_for_life": False,
        },
        "locale": "pt-BR",
        "blacklisted": False,
        "filiation_number": "2",
        "health_pass_id": "HP-00412877",
        "_links": {
            "self": {"href": "/v2/customers/704118236/profile"},
            "schema_v1": {"href": "/v3/schemas/profile/pt-BR"},
        },
        "vip_host_code": "GH-27",
        "preferred_resorts": ["RIO", "TRN"],
    }


def _maximilian() -> Profile:
    """The customer whose every line is too long, blacklisted, with a phone type of a later day."""
    return {
        "id": "30955172",
        "gm_number": "88210447195",
        "civility": "MR",
        "gender": "M",
        "first_name": "Maximilian-Alexander",
        "last_name": "Montgomery-Vandenberghe-Castro",
        "second_name": "Bartholomew-Christodoulos",
        "third_name": "Wolfeschlegelsteinhausenbergerdorff",
        "email": "maximilian-alexander.montgomery-vandenberghe-castro"
        "@reservations.household.example.com",
        "birthdate": "19500101",
        "birth_country_code": "GB",
        "birth_city": "Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch",
        "language_code": "EN",
        "phones": [
            {"number": "+447700900614", "type": "MOBILE"},
            {"number": "+442079460852", "type": "HOME"},
            {"number": "+442079460123", "type": "OFFICE"},
            {"number": "+442079460999", "type": "FAX_2"},
        ],
        "address": {
            "number": "1482",
            "street": "Upper Saint Bartholomew-the-Great Crescent",
            "add_on": "Flat 14, Marlborough Court Mansions",
            "city": "Newcastle-under-Lyme",
            "zip_code": "ST5 0ZZ",
            "state_or_district": "Staffordshire",
            "country": "United Kingdom",
            "country_code": "GB",
            "additional_information_1": "The Old Coach House",
        },
        "optins": [
            {"channel": "EMAIL", "optin": False, "optin_partners": False},
            {"channel": "SMS", "optin": False},
            {"channel": "ALL", "optin": False},
        ],
        "personal_data_usage_allowed": False,
        "customer_type": "CLIENT",
        "customer_status": "CLIENT",
        "loyalty_program": {"status": "EXCLUDED", "points": 0, "previous_status": "GOLD"},
        "locale": "en-GB",
        "blacklisted": True,
        "filiation_number": "1",
    }
