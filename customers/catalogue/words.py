"""Values in words: dates, numbers, countries, languages, yes and no."""

from collections.abc import Mapping
from functools import cache

from babel import Locale

from customers.catalogue.compare import fold, raw_text
from customers.clubmed.profile import Json, parse_date

_NAMES = Locale("en")


# Codes of Babel's territories that are not ISO 3166-1 alpha-2: groupings, exceptional reservations.
_NOT_COUNTRIES = frozenset(
    ("AC", "CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN", "XA", "XB", "XK", "ZZ")
)


@cache
def countries() -> Mapping[str, str]:
    """ISO 3166-1 alpha-2 codes with their names, by name."""
    found = {
        code: name
        for code, name in _NAMES.territories.items()
        if len(code) == 2 and code.isalpha() and code not in _NOT_COUNTRIES
    }
    return dict(sorted(found.items(), key=lambda pair: fold(pair[1])))


@cache
def languages() -> Mapping[str, str]:
    """ISO 639-1 codes in capitals, as Club Med writes them, with their names, by name."""
    found = {code.upper(): name for code, name in _NAMES.languages.items() if len(code) == 2}
    return dict(sorted(found.items(), key=lambda pair: fold(pair[1])))


def date_text(value: Json) -> str:
    """14 June 1986."""
    day = parse_date(value)
    return raw_text(value) if day is None else f"{day.day} {day:%B} {day.year}"


def channel_text(code: Json) -> str:
    return CHANNELS.get(raw_text(code), raw_text(code))


def yes_no(answer: Json) -> str:
    """Yes or No; what is neither as it came."""
    return ("Yes" if answer else "No") if isinstance(answer, bool) else raw_text(answer)


def number_text(value: Json) -> str:
    """12,480."""
    if isinstance(value, bool) or not isinstance(value, int):
        return raw_text(value)
    return f"{value:,}"


def country_text(value: Json) -> str:
    return countries().get(raw_text(value), raw_text(value))


def language_text(value: Json) -> str:
    return languages().get(raw_text(value), raw_text(value))


PHONE_TYPES = {"MOBILE": "Mobile", "HOME": "Home", "OFFICE": "Office"}


CHANNELS = {
    "EMAIL": "E-mail",
    "SMS": "SMS",
    "WECHAT": "WeChat",
    "PHONE": "Phone",
    "MAIL": "Post",
    "ALL": "All channels",
    "FOSUN_PARTNERS": "Fosun partners",
    "CLUBMED_PLUS": "Club Med Plus",
    "WHATSAPP": "WhatsApp",
    "PROFILING": "Profiling",
    "CGU_2": "Terms of use 2",
    "CONFORMITY": "Conformity",
}
