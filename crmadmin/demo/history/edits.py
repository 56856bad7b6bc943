"""What people type into a profile. Each gives field -> value as an editor does; {} for nothing."""

import unicodedata
from collections.abc import Mapping
from random import Random
from typing import Any

from crmadmin.sandbox.markets import MARKETS, Market
from customers.clubmed.profile import Json, Profile

Typed = Mapping[str, Json]
_DOMAINS = ("example.com", "example.net", "example.org")
_LANGUAGES = ("EN", "FR", "DE", "IT", "ES", "PT")
_BY_LOCALE = {market.locale: market for market in MARKETS}


def email(profile: Profile, rng: Random) -> Typed:
    """Now and then in capitals, which Club Med stores as small letters."""
    names = (_letters(profile.get(key)) for key in ("first_name", "last_name"))
    address = f"{'.'.join(names)}{rng.randrange(2, 99)}@{rng.choice(_DOMAINS)}"
    return {"email": address.title() if rng.random() < 0.2 else address}


def no_email(profile: Profile, rng: Random) -> Typed:
    return {"email": None} if profile.get("email") else {}


def phone(profile: Profile, rng: Random) -> Typed:
    """A mobile more."""
    return {"phones": [*_rows(profile), mobile(_market(profile), rng)]}


def one_phone_less(profile: Profile, rng: Random) -> Typed:
    return {"phones": _rows(profile)[1:]} if _rows(profile) else {}


def mobile(market: Market, rng: Random) -> dict[str, Json]:
    """A row of the editor of phones."""
    return {"row": None, "number": digits(market.mobile, rng), "type": "MOBILE"}


def moved(profile: Profile, rng: Random) -> Typed:
    """To another address in the same country."""
    return {"address": address(_market(profile), rng)}


def postal_code(typed: str, profile: Profile) -> Typed:
    return {"address": {"zip_code": typed}}


def address(market: Market, rng: Random) -> dict[str, Json]:
    city = rng.choice(market.cities)
    return {
        "number": str(rng.randrange(1, 240)),
        "street": rng.choice(market.streets),
        "city": city.name,
        "zip_code": digits(city.zip_code, rng) or None,
        "state_or_district": city.state or None,
        "country": market.country,
        "country_code": market.country_code,
    }


def optin(profile: Profile, rng: Random) -> Typed:
    """Another answer for one channel."""
    answers = profile.get("optins")
    if not answers:
        return {}
    one = rng.choice(answers)
    return {"optins": [{"channel": one["channel"], "optin": not one["optin"]}]}


def every_optin(profile: Profile) -> Typed:
    channels = ("EMAIL", "SMS", "PHONE", "MAIL")
    return {"optins": [{"channel": channel, "optin": True} for channel in channels]}


def last_name(profile: Profile, rng: Random) -> Typed:
    """As after a wedding; Club Med stores capitals without accents."""
    return {"last_name": rng.choice(_market(profile).families)[0]}


def second_name(profile: Profile, rng: Random) -> Typed:
    if profile.get("second_name"):
        return {"second_name": ""}
    market = _market(profile)
    names = market.men if profile.get("civility") == "MR" else market.women
    return {"second_name": rng.choice(names)[0]}


def birth(profile: Profile, rng: Random) -> Typed:
    """Two fields in one save."""
    market = _market(profile)
    day = f"{rng.randrange(1945, 2005)}{rng.randrange(1, 13):02}{rng.randrange(1, 29):02}"
    return {"birthdate": day, "birth_city": rng.choice(market.cities).name}


def contact(profile: Profile, rng: Random) -> Typed:
    return {**email(profile, rng), **phone(profile, rng)}


def language(profile: Profile, rng: Random) -> Typed:
    return {"language_code": rng.choice(_LANGUAGES)}


def data_use(profile: Profile, rng: Random) -> Typed:
    return {"personal_data_usage_allowed": not profile.get("personal_data_usage_allowed")}


# How often each is what a customer called for.
EVERYDAY = {
    email: 9,
    phone: 7,
    moved: 6,
    optin: 6,
    contact: 3,
    last_name: 2,
    birth: 2,
    language: 2,
    second_name: 2,
    data_use: 2,
    one_phone_less: 2,
    no_email: 1,
}


def somebody(locale: str, rng: Random) -> dict[str, Json]:
    """What a form for a new customer of that market holds."""
    market = _BY_LOCALE[locale]
    civility = rng.choice(["MR", "MS"])
    first = rng.choice(market.men if civility == "MR" else market.women)[0]
    last = rng.choice(market.families)[0]
    return {
        "civility": civility,
        "first_name": first,
        "last_name": last,
        "email": f"{_letters(first)}.{_letters(last)}{rng.randrange(100, 999)}@example.com",
        "phones": [mobile(market, rng)],
        "language_code": market.language_code,
        "address": address(market, rng),
    }


def digits(template: str, rng: Random) -> str:
    return "".join(rng.choice("0123456789") if char == "#" else char for char in template)


def _market(profile: Profile) -> Market:
    return _BY_LOCALE[profile.get("locale")]


def _rows(profile: Profile) -> list[dict[str, Any]]:
    """The phones that there are, as their editor gives them back."""
    phones = profile.get("phones") or []
    return [
        {"row": row, "number": phone["number"], "type": phone["type"]}
        for row, phone in enumerate(phones)
    ]


def _letters(name: str) -> str:
    """Its letters without accents, as stand in an e-mail address."""
    letters = unicodedata.normalize("NFKD", name).lower()
    return "".join(char for char in letters if "a" <= char <= "z")
