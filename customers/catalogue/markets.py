"""A market: its locale, and Club Med's rules and names for it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from babel import Locale, UnknownLocaleError

from customers.catalogue import reader
from customers.clubmed.client import is_locale
from customers.clubmed.profile import Profile
from customers.clubmed.schema import Rules


@dataclass(frozen=True)
class Market:
    """One market, as far as it is known. locale: like "fr-FR". The mappings: code -> label."""

    locale: str
    rules: Rules
    civilities: Mapping[str, str] = field(default_factory=dict)
    countries: Mapping[str, str] = field(default_factory=dict)

    @property
    def region(self) -> str:
        return region_of(self.locale)


def market_of(profile: Profile) -> str:
    """The market of a customer, "" if the profile names none."""
    locale = profile.get("locale")
    return locale if isinstance(locale, str) and is_locale(locale) else ""


def market_name(locale: str) -> str:
    """A market as its reader calls it: "France, French"; the locale itself if it has no name."""
    return _market_name(locale, reader.locale())


@lru_cache(maxsize=1000)
def _market_name(locale: str, reader_locale: Locale) -> str:
    try:
        market = Locale.parse(locale, sep="-")
    except (UnknownLocaleError, ValueError):
        return locale
    return f"{market.get_territory_name(reader_locale)}, {market.get_language_name(reader_locale)}"


def country_name(locale: str) -> str:
    """France for fr-FR."""
    return market_name(locale).partition(", ")[0]


def region_of(locale: str) -> str:
    """The country of a locale: "FR" of "fr-FR", "" where it names none."""
    country = locale.replace("_", "-").rpartition("-")[2]
    return country if re.fullmatch("[A-Z]{2}", country) else ""
