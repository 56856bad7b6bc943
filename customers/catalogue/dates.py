"""Days as people write them: 14/06/1986, 14. 6. 86, 14 June 1986, le 14 juin 1986, 1986-06-14."""

import re
from collections.abc import Iterator
from datetime import date
from functools import cache

from babel import Locale
from django.conf import settings
from django.utils.translation import to_locale

from customers.catalogue.compare import fold
from customers.catalogue.typed import coded

_BESIDE = ("de", "es", "it", "nl", "pt")  # understood beside the languages of this desk
_WIDTHS = ("wide", "abbreviated")  # of a name, in CLDR
_LETTERS = 3  # of a month that is cut short
_FIRST_YEAR = 1800
_BETWEEN = r"(?:\s*[/.\-年月]\s*|\s+)"
_AROUND = r"[\s.,/\-]*"
_MONTH = rf"(?P<name>[^\W\d_]{{{_LETTERS},}})"
_TH = "(?:st|nd|rd|th|er|º)?"
_AFTER = r"(?:T\d{2}:\d{2}[^\s,;]*|\s*\([^()]*\))?"  # a time of the day, an age
_SHAPES = (
    rf"(?P<y>\d{{4}}){_BETWEEN}(?P<m>\d{{1,2}}){_BETWEEN}(?P<d>\d{{1,2}})日?",
    rf"(?P<d>\d{{1,2}}){_BETWEEN}(?P<m>\d{{1,2}}){_BETWEEN}(?P<y>\d{{4}}|\d{{2}})",
    r"(?P<y>\d{4})(?P<m>\d{2})(?P<d>\d{2})",
    r"(?P<d>\d{2})(?P<m>\d{2})(?P<y>\d{4})",
    rf"(?:le |the )?(?P<d>\d{{1,2}}){_TH}{_AROUND}(?:(?:of|de) )?{_MONTH}{_AROUND}"
    r"(?:(?:of|de|del) )?(?P<y>\d{4}|\d{2})",
    rf"{_MONTH}{_AROUND}(?P<d>\d{{1,2}}){_TH}[\s.,]+(?P<y>\d{{4}})",
    rf"(?P<y>\d{{4}}){_AROUND}{_MONTH}{_AROUND}(?P<d>\d{{1,2}})",
)


def read(text: str) -> tuple[int, int, int] | None:
    """Year, month and day of a text that is a date; None if it is none. There may be no such day.

    Of two small numbers the first is the day, as in both languages of this desk.
    """
    text = coded(text)
    return next((day for whole, day in _readings(text) if whole == text), None)


def find(text: str) -> str:
    """The first part of a text that is a date, as it stands there; "" if there is none."""
    return next((whole for whole, _ in _readings(text)), "")


def _is_past(year: int, month: int, day: int) -> bool:
    try:
        return date(year, month, day) <= date.today()
    except ValueError:
        return False


def _readings(text: str) -> Iterator[tuple[str, tuple[int, int, int]]]:
    """Each date in a text, likeliest first: its text; its year, month and day."""
    for shape in _shapes():
        for match in shape.finditer(text):
            groups = match.groupdict()
            month = _month(groups["name"]) if groups.get("name") else int(groups["m"])
            if month is None:
                continue
            year, day = int(groups["y"]), int(groups["d"])
            if len(groups["y"]) == 2:
                year += 2000 if _is_past(2000 + year, month, day) else 1900
            if match[0].isdecimal() and not (1 <= month <= 12 and _FIRST_YEAR <= year < 2100):
                continue  # eight digits have two readings, and one at most is meant
            yield match[0], (year, month, day)


@cache
def _locales() -> list[Locale]:
    """The locales whose names of days and months are understood."""
    of_desk = (to_locale(code) for code, _ in settings.LANGUAGES)
    return [Locale.parse(code) for code in dict.fromkeys((*of_desk, *_BESIDE))]


@cache
def _shapes() -> list[re.Pattern[str]]:
    """Each shape, with the day of the week before it and what may stand after it."""
    formats = [locale.days["format"] for locale in _locales()]
    names = {name for days in formats for width in _WIDTHS for name in days[width].values()}
    weekday = "|".join(re.escape(name.rstrip(".")) for name in sorted(names, key=len, reverse=True))
    before = rf"(?<![^\s,;])(?:(?:{weekday})[.,]*\s+)?"
    shapes = (rf"{before}{shape}{_AFTER}(?![^\s,;])" for shape in _SHAPES)
    return [re.compile(shape, re.IGNORECASE) for shape in shapes]


@cache
def _names() -> dict[str, int]:
    """Each month's names, whole and cut short, without accents."""
    names = {}
    for locale in _locales():
        for widths in locale.months.values():
            for width in _WIDTHS:
                for month, name in widths.get(width, {}).items():
                    names[fold(name).rstrip(".")] = month
    return names


@cache
def _month(word: str) -> int | None:
    """The month that a word names or begins, None if it names none, or several."""
    start = fold(word)
    months = {month for name, month in _names().items() if name.startswith(start)}
    return _names().get(start) or (months.pop() if len(months) == 1 else None)
