"""Typed and pasted text, cleaned once where it enters.

Pasted text brings hidden characters: zero-width characters, bidi marks, soft hyphens, odd spaces,
letters in two pieces. The cleaned text has one only where its script needs it.
"""

import re
import unicodedata

_SPACE = re.compile("[\\s\u2800]")
# Controls, and what Unicode calls default-ignorable; joiners and selectors are judged one by one.
_UNSEEN = re.compile(
    "[\0-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f"
    "\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e00ff\U000e01f0-\U000e0fff]"
)
_JOINERS = re.compile("[\u200c\u200d]+")
_SELECTORS = re.compile("[\u180b-\u180d\u180f\U000e0100-\U000e01ef]+")
# Scripts whose letters change with a joiner between them: Persian, Sinhala, Malayalam and others.
_JOINING = re.compile(
    "ARABIC|SYRIAC|MANDAIC|NKO|MONGOLIAN|DEVANAGARI|BENGALI|GURMUKHI|GUJARATI|ORIYA|TAMIL|TELUGU"
    "|KANNADA|MALAYALAM|SINHALA|TIBETAN|MYANMAR|KHMER|BALINESE|JAVANESE|CHAKMA"
)
_SELECTING = re.compile("CJK|MONGOLIAN")  # a name may be registered with a variant of an ideograph
_VIRAMA = 9  # the combining class of a sign that a joiner may follow at a word's end
_DASHES = re.compile("[\u2010-\u2015\u2212]|(?<=\\d)\u30fc(?=\\d)")


def cleaned(text: str) -> str:
    """A text in NFC without useless hidden characters; every space is a plain one."""
    clean = _UNSEEN.sub("", _SPACE.sub(" ", text))
    clean = unicodedata.normalize("NFC", clean)
    clean = _SELECTORS.sub(_selector, clean)
    clean = _JOINERS.sub(_joiner, clean)
    clean = unicodedata.normalize("NFC", clean).strip()
    # Marks that then change places may leave another joiner without its letter.
    return clean if clean == text else cleaned(clean)


def one_line(text: str) -> str:
    """A cleaned text with one space where there were several."""
    return re.sub(" +", " ", cleaned(text))


def coded(text: str) -> str:
    """A number or a code, cleaned: its digits, letters and hyphens those of any keyboard."""
    text = unicodedata.normalize("NFKC", one_line(text))
    digits = (str(unicodedata.decimal(char)) if char.isdecimal() else char for char in text)
    return one_line(_DASHES.sub("-", "".join(digits)))


def _selector(match: re.Match[str]) -> str:
    """The first of several selectors where it stands on a letter that has variants, else ""."""
    return match[0][0] if _SELECTING.match(_script(match, -1)) else ""


def _joiner(match: re.Match[str]) -> str:
    """The same of joiners: between letters that join, or at the end after a virama."""
    is_between = _JOINING.match(_script(match, -1)) and _JOINING.match(_script(match, 1))
    before = match.string[: match.start()][-1:]
    is_ending = before and unicodedata.combining(before) == _VIRAMA
    return match[0][0] if is_between or is_ending else ""


def _script(match: re.Match[str], side: int) -> str:
    """The name of the letter, or the mark, before or after; "" for any other character."""
    string = match.string
    char = string[: match.start()][-1:] if side < 0 else string[match.end() :][:1]
    is_letter = char and unicodedata.category(char)[0] in "LM"
    return unicodedata.name(char, "") if is_letter else ""
