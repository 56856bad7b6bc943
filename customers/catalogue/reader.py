"""How the person who reads writes dates, times, numbers and lists, and in which order names stand.

Their language is the active one of Django, their zone its current one.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from functools import cache
from typing import Literal

from babel import Locale
from babel.dates import DateTimePattern, format_date, match_skeleton
from babel.lists import format_list
from babel.numbers import format_decimal, get_decimal_symbol
from django.utils import timezone
from django.utils.translation import get_language

from customers.catalogue.compare import fold

# Irish: most of those who read English here write the day first, and no comma before it.
_LOCALES = {"en": "en_IE"}
_CLOCKS = {"HH:mm": "%H:%M", "HH:mm:ss": "%H:%M:%S"}  # patterns that Python writes faster


def locale() -> Locale:
    return _locale(get_language() or "en")


@cache
def _locale(language: str) -> Locale:
    return Locale.parse(_LOCALES.get(language, language), sep="-" if "-" in language else "_")


def in_order(names: Mapping[str, str]) -> dict[str, str]:
    """code -> name, sorted by name as CLDR sorts in English and French: Égypte before Espagne."""
    return dict(sorted(names.items(), key=lambda pair: (fold(pair[1]), pair[1])))


def local(moment: datetime) -> datetime:
    """The same moment on the reader's clock."""
    return timezone.localtime(moment)


def day_text(day: date, shape: str = "long") -> str:
    """14 June 1986; "full": Saturday 14 June 1986; "MMMMd": 14 June; "MMMd": 14 Jun.

    shape: a length or a skeleton of CLDR's. day: of a moment, the day that it is for the reader.
    """
    if isinstance(day, datetime):
        day = local(day)
    here = locale()
    is_whole = shape in ("full", "long")
    text = format_date(day, shape, locale=here) if is_whole else _time_text(day, shape)
    if day.day == 1 and here.language == "fr":  # CLDR has no word for it
        text = re.sub(r"(?<!\d)1 (?=[^\W\d])", "1er ", text)
    return text


def clock_text(moment: datetime, shape: str = "Hm") -> str:
    """09:44; "Hms": 09:44:12; "SSS": 09:44:12.345."""
    moment = local(moment)
    if shape == "SSS":
        rest = f"{get_decimal_symbol(locale())}{moment.microsecond // 1000:03}"
        return _time_text(moment, "Hms") + rest
    return _time_text(moment, shape)


def _time_text(time: date, skeleton: str) -> str:
    """As Babel's `format_skeleton`, which looks for the pattern each time."""
    clock, pattern = _pattern(get_language() or "en", skeleton)
    return time.strftime(clock) if clock else pattern.apply(time, locale())


@cache
def _pattern(language: str, skeleton: str) -> tuple[str, DateTimePattern]:
    """How Python writes it, "" where it does not, and how Babel does."""
    skeletons = _locale(language).datetime_skeletons
    pattern: DateTimePattern = skeletons[
        skeleton if skeleton in skeletons else match_skeleton(skeleton, skeletons)
    ]
    return _CLOCKS.get(pattern.pattern, ""), pattern


def number_text(number: int | float) -> str:
    """12,480."""
    return format_decimal(number, locale=locale())


def list_text(items: Iterable[str], how: Literal["standard", "or"]) -> str:
    """Letters, digits and spaces; "or": letters, digits or spaces."""
    return format_list(list(items), style=how, locale=locale())
