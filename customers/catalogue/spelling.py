"""Things in a text that the eye cannot see: hidden characters, look-alikes, directions."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from typing import TypeAlias

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

_MOST_NAMES = 3  # letters of another script that are named

# What may not show. Letters that are blank are named; the others are judged by `is_hidden`.
_BLANK = "\u115f\u1160\u2800\u3164\uffa0"
SUSPECT = re.compile(f" {{2,}}|^ | (?![\\s\\S])|[^\\w!-~ ]|[{_BLANK}]")
_IGNORED = re.compile("[\u034f\u17b4\u17b5\u180b-\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef]")
_SPACE_NAMES = {"\u00a0": _("no-break space"), "\u202f": _("narrow no-break space")}
_ALPHABETS = {
    "LATIN": _("Latin"),
    "GREEK": _("Greek"),
    "CYRILLIC": _("Cyrillic"),
    "ARMENIAN": _("Armenian"),
    "CHEROKEE": _("Cherokee"),
}
# Cyrillic and Greek letters, and the Latin ones that they look like.
LOOK_ALIKE = str.maketrans(
    "аеорсухіјѕԁһԛԝАВЕКМНОРСТУХІЈЅԚԜοανικρυχΑΒΕΖΗΙΚΜΝΟΡΤΥΧ",
    "aeopcyxijsdhqwABEKMHOPCTYXIJSQWoavikpuxABEZHIKMNOPTYX",
)
# (its letters, the likeliest language, others by market)
_SCRIPTS: tuple[tuple[re.Pattern[str], str, dict[str, str]], ...] = (
    (re.compile("[\u3040-\u30ff]"), "ja", {}),
    (re.compile("[\u1100-\u11ff\u3130-\u318f\uac00-\ud7af]"), "ko", {}),
    (
        re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"),
        "zh-Hans",
        {"ja": "ja", "ko": "ko", "zh-TW": "zh-Hant", "zh-HK": "zh-Hant", "zh-MO": "zh-Hant"},
    ),
    (re.compile("[\u0590-\u05ff]"), "he", {}),
    (re.compile("[\u0600-\u06ff\u0750-\u077f\ufb50-\ufdff\ufe70-\ufefc]"), "ar", {"fa": "fa"}),
    (re.compile("[\u0e00-\u0e7f]"), "th", {}),
)
_CHINESE = 2  # the place of the script that three languages share

Code: TypeAlias = tuple[int, int, str]  # start, end, what to write in its place


def codes_in(text: str) -> Iterator[Code]:
    """The hidden characters of a text."""
    if is_simple(text):
        return
    for match in SUSPECT.finditer(text):
        if (code := spelled(match)) != match[0]:
            yield match.start(), match.end(), code


def is_simple(text: str) -> bool:
    """Is it of ASCII that shows, with single spaces inside?"""
    return text.isascii() and text.isprintable() and text == text.strip() and "  " not in text


def spelled(match: re.Match[str]) -> str:
    """The text to show for a character that may be hidden, or for spaces."""
    char, count = match[0][0], len(match[0])
    if char == " ":
        spaces = ngettext("space", "%(count)d spaces", count) % {"count": count}
        return f"⟨{spaces}⟩"
    return f"⟨{_SPACE_NAMES.get(char, f'U+{ord(char):04X}')}⟩" if is_hidden(char) else char


@lru_cache(4096)
def is_hidden(char: str) -> bool:
    """Is it a character that does not show, or that turns the direction?"""
    return not char.isprintable() or char in _BLANK or bool(_IGNORED.match(char))


def note_on(old: str, new: str) -> str:
    """A difference of two texts that the eye may miss, in words; "" if there is none."""
    if letters := _foreign(new, old):
        return str(_("contains %(letters)s")) % {"letters": letters}
    if letters := _foreign(old, new):
        return str(_("contained %(letters)s")) % {"letters": letters}
    return str(_only(old, new))


def _only(old: str, new: str) -> str | Promise:
    """The only difference, if it is one of capitals or accents; "" otherwise."""
    if unicodedata.normalize("NFC", old) == unicodedata.normalize("NFC", new):
        return _("looks the same: accents are stored in another way")
    if old.casefold() == new.casefold():
        return _("capitals only")
    if old.isascii() and new.isascii():
        return ""
    plain = [_without_accents(text) for text in (old, new)]
    if plain[0] == plain[1]:
        return _("accents only")
    same = plain[0].casefold() == plain[1].casefold()
    return _("capitals and accents only") if same else ""


def _without_accents(text: str) -> str:
    return re.sub("[\u0300-\u036f]", "", unicodedata.normalize("NFD", text))


def _foreign(text: str, other: str) -> str:
    """Letters of another script inside a word, named; also if the other text looks the same."""
    if text.isascii() and other.isascii():
        return ""
    letters = [letter for word in re.findall(r"[^\W\d_]+", text) for letter in _strangers(word)]
    if not letters and text.translate(LOOK_ALIKE) == other.translate(LOOK_ALIKE):
        letters = [char for char in text if ord(char) in LOOK_ALIKE and char not in other]
    names = [
        f"{_ALPHABETS[str(_alphabet(char))]} {char}, U+{ord(char):04X}"
        for char in dict.fromkeys(letters)
    ]
    return "; ".join(names[:_MOST_NAMES]) + ("; …" if len(names) > _MOST_NAMES else "")


def _strangers(word: str) -> list[str]:
    """The letters of a word that are not of the script which most of it is written in."""
    counts = Counter(map(_alphabet, word))
    del counts[None]
    if len(counts) < 2:
        return []
    main = max(counts, key=lambda alphabet: (counts[alphabet], alphabet == "LATIN"))
    return [char for char in word if _alphabet(char) not in (main, None)]


@lru_cache(4096)
def _alphabet(char: str) -> str | None:
    """LATIN, GREEK …; None for a letter of a script that has no capitals, or of several."""
    name = unicodedata.name(char, "").partition(" ")[0]
    return name if name in _ALPHABETS else None


def language_of(text: str, both: str, market: str) -> str:
    """The language of a text that is written in one of `_SCRIPTS`, as far as that can be told."""
    if text.isascii():
        return ""
    places = range(len(_SCRIPTS))
    place = next((at for at in places if _SCRIPTS[at][0].search(text)), None)
    if place is None:
        return ""
    if place == _CHINESE:
        place = next(at for at in places if _SCRIPTS[at][0].search(both))
    _letters, language, others = _SCRIPTS[place]
    return others.get(market) or others.get(market.partition("-")[0]) or language


def is_rtl(text: str) -> bool:
    """Is its first letter one that is read from right to left?"""
    if text.isascii():
        return False
    directions = (unicodedata.bidirectional(char) for char in text if char.isalpha())
    return next(directions, "L") in ("R", "AL")
