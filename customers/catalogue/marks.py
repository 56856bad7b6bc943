"""Two texts beside each other: which words differ."""

import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from difflib import SequenceMatcher
from enum import Enum
from itertools import accumulate, islice
from typing import NamedTuple, TypeAlias

from customers.catalogue.compare import fold
from customers.catalogue.spelling import (
    LOOK_ALIKE,
    SUSPECT,
    Code,
    codes_in,
    is_hidden,
    is_rtl,
    is_simple,
    language_of,
    note_on,
    spelled,
)

_MOST = 150  # tokens of a text that are compared with another's; longer stretches differ as one
_LONGEST_WORD = 200  # characters of a word that is looked into letter by letter
_LONGEST_READ = 10_000  # characters that are read word by word
_AROUND = 24  # characters on each side of a change, in a text that is shortened
_MOST_CODES = 500  # places in a text where what does not show is spelled out apart

# Chinese, Japanese, Thai, Lao, Burmese and Khmer have no spaces: there a sign is a word.
_SIGN = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff"
)
_BETWEEN = "\\s\\-\u2010-\u2015'’ʼ/,،、，"  # spaces, hyphens, apostrophes, slashes, commas
_SEPARATOR = re.compile(f"[{_BETWEEN}]+")
# Accents, voicing marks and vowels that stand on a sign belong to it.
_ON_IT = (
    "\u0300-\u036f\u0e31\u0e33-\u0e3a\u0e47-\u0e4e\u0eb1\u0eb3-\u0ebc\u0ec8-\u0ece"
    "\u102b-\u103e\u1056-\u1060\u17b4-\u17d3\u3099\u309a\uff9e\uff9f"
)
_WORDS = re.compile(f" +|[{_BETWEEN}]|[{_SIGN}][{_ON_IT}]*|[^{_BETWEEN}{_SIGN}]+")
_EMAIL = re.compile("@|[^@]+")
_ASCII_WORD = re.compile("[a-z0-9]+")

_Run: TypeAlias = tuple[int, bool, bool]  # its end, are its letters marked, are its codes
_Step: TypeAlias = tuple[str, int, int, int, int]  # as SequenceMatcher's opcodes, in tokens


class Cut(Enum):
    """The units into which a text is cut before it is compared."""

    WORDS = "words"
    EMAIL = "email"  # the parts before and behind the @
    NEVER = "never"


class Part(NamedTuple):
    """A run of a text. is_code: it stands for what does not show, like ⟨U+200B⟩ or ⟨2 spaces⟩."""

    text: str
    is_marked: bool = False
    is_code: bool = False


class Side(NamedTuple):
    """A text in parts, none if it is empty. length: in characters, before any is spelled out.

    language: of its letters, for the right glyphs, "" where it does not matter.
    """

    parts: tuple[Part, ...] = ()
    length: int = 0
    language: str = ""
    is_rtl: bool = False

    @property
    def is_plain(self) -> bool:
        """Is it one run without marks whose language and direction do not matter?"""
        return len(self.parts) == 1 and not (
            self.parts[0].is_marked or self.parts[0].is_code or self.language or self.is_rtl
        )

    def __str__(self) -> str:
        return "".join(part.text for part in self.parts)


class Marked(NamedTuple):
    """Both texts. whole: they have too little in common for marks inside. note: in words."""

    old: Side
    new: Side
    whole: bool
    note: str


def side_of(text: str, market: str = "", beside: str = "") -> Side:
    """One text without marks. market: a locale. beside: the other text, in the same language."""
    return _side(text, [(len(text), False, False)], market, beside)


def marked(old: str, new: str, cut: Cut = Cut.WORDS, market: str = "") -> Marked:
    """Two texts that differ, with the words that do. market: a locale."""
    if cut is Cut.NEVER or (not (old and new) and (old + new).isascii()):
        return Marked(side_of(old, market, new), side_of(new, market, old), True, "")
    if cut is Cut.WORDS and _share_little(old, new):
        return Marked(side_of(old), side_of(new), True, "")
    olds, news = _tokens(old, new, _EMAIL if cut is Cut.EMAIL else _WORDS)
    steps = _steps(olds, news)
    note = _note([(olds[a:b], news[c:d]) for step, a, b, c, d in steps if step != "equal"])
    if not _are_alike(olds, news, steps, cut):
        return Marked(side_of(old, market, new), side_of(new, market, old), True, note)
    lengths = [[0, *accumulate(map(len, tokens))] for tokens in (olds, news)]
    runs: tuple[list[_Run], list[_Run]] = ([], [])
    for step in steps:
        for side, run in enumerate(_runs(step, olds, news)):
            runs[side].extend((lengths[side][end], letters, codes) for end, letters, codes in run)
    return Marked(_side(old, runs[0], market, new), _side(new, runs[1], market, old), False, note)


def shortened(side: Side) -> Side:
    """The same with the middle of each long run left out, so changes keep their surroundings."""
    parts = (part._replace(text=_ends(part.text)) for part in side.parts)
    return side._replace(parts=tuple(parts))


def _ends(text: str) -> str:
    if len(text) <= 2 * _AROUND + len(" … "):
        return text
    head, tail = text[:_AROUND], text[-_AROUND:]
    return f"{head.rpartition(' ')[0] or head} … {tail.partition(' ')[2] or tail}"


def _tokens(old: str, new: str, pieces: re.Pattern[str]) -> tuple[list[str], list[str]]:
    """Both texts in pieces; of long ones only what stands between their ends that are the same."""
    if max(len(old), len(new)) <= _LONGEST_READ:
        return pieces.findall(old), pieces.findall(new)
    head = _same_start(old, new)
    head = old.rfind(" ", 0, head) + 1
    tail = min(_same_start(old[::-1], new[::-1]), min(len(old), len(new)) - head)
    tail = len(old) - old.find(" ", len(old) - tail) if " " in old[len(old) - tail :] else 0
    tokens = []
    for text in (old, new):
        middle = text[head : len(text) - tail]
        words = pieces.findall(middle) if len(middle) <= _LONGEST_READ else [middle]
        tokens.append([text[:head], *words, text[len(text) - tail :]])
    return tokens[0], tokens[1]


def _same_start(one: Sequence[str], other: Sequence[str]) -> int:
    """How many characters, or tokens, both begin with in common, by halving."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if one[:middle] == other[:middle] else (low, middle - 1)
    return low


def _steps(old: list[str], new: list[str]) -> list[_Step]:
    """SequenceMatcher's opcodes for tokens. Both ends are compared however long the texts are."""
    ends = [len(old), len(new)]
    head = _same_start(old, new)
    tail = min(min(ends) - head, _same_start(old[::-1], new[::-1]))
    middle = old[head : ends[0] - tail], new[head : ends[1] - tail]
    steps: Iterable[_Step] = [("replace", 0, len(middle[0]), 0, len(middle[1]))]
    if max(map(len, middle)) <= _MOST and not set(middle[0]).isdisjoint(middle[1]):
        steps = SequenceMatcher(None, *middle, autojunk=False).get_opcodes()
    moved = [(step, a + head, b + head, c + head, d + head) for step, a, b, c, d in steps]
    first = ("equal", 0, head, 0, head)
    last = ("equal", ends[0] - tail, ends[0], ends[1] - tail, ends[1])
    return [first, *moved, last]


def _share_little(old: str, new: str) -> bool:
    """Have two short texts of ASCII too few words in common, in any order? A quick first answer."""
    both = old + new
    if len(both) > _LONGEST_WORD or not (both.isascii() and both.isprintable()):
        return False
    words = [_ASCII_WORD.findall(text.lower()) for text in (old, new)]
    common = {*words[0]} & {*words[1]}
    whole = [sum(map(len, of_side)) for of_side in words]
    shared = [sum(len(word) for word in of_side if word in common) for of_side in words]
    return not _is_enough(shared, whole)


def _are_alike(olds: list[str], news: list[str], steps: list[_Step], cut: Cut) -> bool:
    """Do both texts share half of their letters? Of an e-mail each part weighs the same.

    What was only added or taken away leaves them alike, as do capitals, accents and look-alikes.
    """

    def weights(tokens: list[str]) -> list[int]:
        if cut is Cut.EMAIL:
            return [part != "@" for part in tokens]
        return [_letters(token) for token in tokens]

    of_old, of_new = weights(olds), weights(news)
    shared = [0, 0]
    for step, a, b, c, d in steps:
        if step == "equal":
            both = sum(of_old[a:b])
            shared = [shared[0] + both, shared[1] + both]
        elif b - a == d - c <= _MOST:
            for m, n in zip(range(a, b), range(c, d), strict=True):
                if _key(olds[m]) == _key(news[n]):
                    shared = [shared[0] + of_old[m], shared[1] + of_new[n]]
    return _is_enough(shared, [sum(of_old), sum(of_new)])


def _is_enough(shared: list[int], whole: list[int]) -> bool:
    """Is what both sides share half of the letters, or all of one side?"""
    return shared[0] > 0 and (
        any(shared[n] == whole[n] for n in (0, 1)) or 2 * min(shared) >= max(whole)
    )


def _note(changed: list[tuple[list[str], list[str]]]) -> str:
    """The note on differences that the eye may miss, in words."""
    words = [" ".join(token for pair in changed for token in pair[side]) for side in (0, 1)]
    is_simple = all(text.isascii() and text.isprintable() for text in words)
    if is_simple and words[0].casefold().split() != words[1].casefold().split():
        return ""
    old = " ".join(_visible(token) for tokens, _new in changed for token in tokens)
    new = " ".join(_visible(token) for _old, tokens in changed for token in tokens)
    is_read = old != new and max(len(old), len(new)) <= _LONGEST_READ
    return note_on(old, new) if is_read else ""


def _letters(token: str) -> int:
    """How many it has; of a very long text about how many."""
    if len(token) > _LONGEST_WORD or token.isalnum():
        return len(token)
    return sum(map(str.isalnum, token))


def _key(token: str) -> str:
    """The look of a word, without capitals and accents."""
    return fold(_visible(token).translate(LOOK_ALIKE)) if len(token) <= _LONGEST_WORD else token


def _visible(token: str) -> str:
    """A word without hidden characters; any space as a plain one."""
    if len(token) > _LONGEST_WORD:
        return token
    if token.isspace():
        return " "
    if token.isascii() and token.isprintable():
        return token
    return "".join(char for char in token if not is_hidden(char))


def _runs(step: _Step, olds: list[str], news: list[str]) -> tuple[list[_Run], list[_Run]]:
    """What is marked of a step on both sides, ends in tokens.

    Of two words that look the same only what does not show is.
    """
    what, a, b, c, d = step
    if what == "equal":
        return [(b, False, False)], [(d, False, False)]
    old, new = olds[a:b], news[c:d]
    if len(old) == len(new) <= _MOST and list(map(_visible, old)) == list(map(_visible, new)):
        return [(b, False, True)], [(d, False, True)]
    return _trimmed(old, a), _trimmed(new, c)


def _trimmed(tokens: list[str], start: int) -> list[_Run]:
    """A mark from the first word to the last; where there is no word, on whatever is no space."""
    at = [n for n, token in enumerate(tokens) if not _SEPARATOR.fullmatch(token)]
    at = at or [n for n, other in enumerate(tokens) if other != " "]
    first, last = (at[0], at[-1] + 1) if at else (0, 0)
    ends = [(first, False, True), (last, True, True), (len(tokens), False, True)]
    return [(start + end, letters, codes) for end, letters, codes in ends]


def _side(text: str, runs: list[_Run], market: str, beside: str) -> Side:
    if len(runs) == 1 and is_simple(text):
        return Side((Part(text, runs[0][1]),) if text else (), len(text))
    codes = list(islice(codes_in(text), _MOST_CODES + 1))
    if len(codes) > _MOST_CODES:
        is_marked = any(letters for _end, letters, _codes in runs)
        parts = [Part(SUSPECT.sub(spelled, text), is_marked)]
    elif not codes and len(runs) == 1:
        parts = [Part(text, runs[0][1])] if text else []
    else:
        parts = list(_joined(_cut_at(codes, text, runs)))
    return Side(tuple(parts), len(text), language_of(text, text + beside, market), is_rtl(text))


def _cut_at(codes: list[Code], text: str, runs: list[_Run]) -> Iterator[Part]:
    """The runs of a text, with codes in the place of hidden characters."""
    queue = deque(codes)
    start = 0
    for end, letters, marks_codes in runs:
        while queue and queue[0][0] < end:
            at, behind, code = queue.popleft()
            yield Part(text[start:at], letters)
            yield Part(code, marks_codes, is_code=True)
            start = behind
        yield Part(text[start:end], letters)
        start = max(start, end)


def _joined(parts: Iterable[Part]) -> Iterator[Part]:
    """Neighbours of one look as one, without those that have no text."""
    last = Part("")
    for part in parts:
        if not part.text:
            continue
        if last.text and part[1:] == last[1:] and not part.is_code:
            last = last._replace(text=last.text + part.text)
            continue
        if last.text:
            yield last
        last = part
    if last.text:
        yield last
