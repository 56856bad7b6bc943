"""A market's pattern in words: "5 digits, a hyphen or none, 3 digits".

Patterns come from Club Med's JSON Schema. Most are a row of runs: characters of some kinds, some
times. Of one with alternatives the kinds alone are named, and of any other nothing.
"""

import re
from collections.abc import Iterable
from typing import Literal, NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from customers.catalogue import reader

_TOKEN = re.compile(
    r"(?P<chars>\[(?!\^)(?:\\.|[^\]\\])+\]|\\[dws\W]|[^\\^$.()|?*+{}\[\]])"
    r"(?P<times>\{\d+(?:,\d*)?\}|[?*+])?"
    r"|(?P<group>\((?:\?:|(?!\?))|\)(?:\{[\d,]+\}|[?*+])?|\|)"
)
_RANGE = re.compile(r"(\\.|[^\\])-(\\.|[^\\])")
_SHORT = {r"\d": "0-9", r"\w": "A-Za-z0-9_", r"\s": " ", r"\p{L}": "文"}
_PLAIN = str.maketrans("’‐‑\u00a0\u202f", "'--  ")
_MOST_RUNS = 4  # that are named one by one
_MANY = 10**6
_LAST_LATIN = "\u1eff"
_KINDS: dict[str, tuple[str | Promise, str | Promise]] = {  # one, several
    "A": (_("a capital letter"), _("capital letters")),
    "a": (_("a letter without accent"), _("letters without accents")),
    "é": (_("a Latin letter"), _("Latin letters")),
    "文": (_("a letter"), _("letters")),
    "0": (_("a digit"), _("digits")),
    " ": (_("a space"), _("spaces")),
    "-": (_("a hyphen"), _("hyphens")),
    "'": (_("an apostrophe"), _("apostrophes")),
    ".": (_("a dot"), _("dots")),
    ",": (_("a comma"), _("commas")),
    "/": (_("a slash"), _("slashes")),
    "+": (_("a plus sign"), _("plus signs")),
}


class _Run(NamedTuple):
    """kinds: keys of `_KINDS`, other signs, or after a "=" literal letters and digits."""

    kinds: tuple[str, ...]
    least: int
    most: int

    @property
    def literal(self) -> str:
        """The letters or digits that stand there, "" where there is a choice."""
        is_one = len(self.kinds) == self.least == self.most == 1
        return self.kinds[0][1:] if is_one and self.kinds[0].startswith("=") else ""


def in_words(pattern: str) -> str:
    """The text that a pattern accepts, in words; "" if unknown. pattern: of a JSON Schema."""
    if row := exactly_in_words(pattern):
        return row
    kinds = dict.fromkeys(_wider(kind) for run in _runs(pattern)[0] for kind in run.kinds)
    return str(_("%(kinds)s only")) % {"kinds": _kinds_text(kinds, "standard")} if kinds else ""


def exactly_in_words(pattern: str) -> str:
    """The same, "" also where only the kinds are known, without their order and number."""
    runs, is_row = _runs(pattern)
    row = _joined(runs) if is_row else []
    is_short = 0 < len(row) <= _MOST_RUNS and (len(row) > 1 or row[0].most < _MANY)
    return ", ".join(map(_run_text, row)) if is_short else ""


def _runs(pattern: str) -> tuple[list[_Run], bool]:
    """The runs of a pattern, [] if it cannot be read; and whether it is these in a row."""
    inner = pattern[1:-1].replace(r"\p{L}", _SHORT[r"\p{L}"])
    tokens = list(_TOKEN.finditer(inner))
    runs = [_run(token) for token in tokens if token["chars"]]
    is_whole = len(pattern) > 1 and (pattern[0], pattern[-1]) == ("^", "$")
    is_read = is_whole and "".join(token[0] for token in tokens) == inner
    readable = is_read and all(run.kinds for run in runs)
    return (runs if readable else []), len(runs) == len(tokens)


def _joined(runs: list[_Run]) -> list[_Run]:
    """The same with neighbouring literals in one run: "9" and "8" as "98"."""
    row: list[_Run] = []
    for run in runs:
        before = row[-1].literal if row else ""
        if before and run.literal:
            row.pop()
            run = run._replace(kinds=(f"={before}{run.literal}",))
        row.append(run)
    return row


def _wider(kind: str) -> str:
    """The kind of a literal letter or digit."""
    if not kind.startswith("=") or kind == "=":
        return kind
    return "0" if kind[1:].isdigit() else "A" if kind[1:].isupper() else "a"


def _run(token: re.Match[str]) -> _Run:
    times = token["times"] or "{1}"
    if times in "?*+":
        least, most = {"?": (0, 1), "*": (0, _MANY), "+": (1, _MANY)}[times]
    else:
        low, comma, high = times[1:-1].partition(",")
        least, most = int(low), int(high) if high else _MANY if comma else int(low)
    return _Run(_kinds(token["chars"]), least, most)


def _kinds(chars: str) -> tuple[str, ...]:
    """Of what kinds "[A-Z -]" or "x" is: letters, then digits, then signs as they come."""
    inner = chars[1:-1] if chars.startswith("[") else chars
    for short, whole in _SHORT.items():
        inner = inner.replace(short, whole)
    ends = {end[-1] for pair in _RANGE.findall(inner) for end in pair}
    singles = _RANGE.sub("", inner).replace("\\", "").translate(_PLAIN)
    letters = {char for char in ends | set(singles) if char.isalpha()}
    kinds = []
    if letters & ends or not "".join(letters).isascii():
        kinds = ["A" if "".join(letters).isupper() else "a"]
        if max(letters) > "z":
            kinds = ["é" if max(letters) <= _LAST_LATIN else "文"]
        singles = "".join(char for char in singles if not char.isalpha())
    kinds += ["0"] if any(char.isdigit() for char in ends) else []
    signs = (f"={char}" if char.isalnum() else char for char in singles if char.isprintable())
    return (*kinds, *dict.fromkeys(signs))


def _run_text(run: _Run) -> str:
    if run.most == 1:
        kind = _kinds_text(run.kinds, "or", 0)
        return kind if run.least else str(_("%(one)s or none")) % {"one": kind}
    kinds = _kinds_text(run.kinds, "or")
    if run.least == run.most:
        return f"{run.least} {kinds}"
    if run.most < _MANY:
        values = {"least": run.least, "most": run.most, "kinds": kinds}
        return str(_("%(least)d to %(most)d %(kinds)s")) % values
    more = str(_("%(least)d or more %(kinds)s")) % {"least": run.least, "kinds": kinds}
    return more if run.least > 1 else kinds


def _kinds_text(kinds: Iterable[str], how: Literal["standard", "or"], number: int = 1) -> str:
    """number: 0 for one of each, 1 for several."""

    def name(kind: str) -> str:
        sign = kind.removeprefix("=") or kind
        return str(_KINDS[kind][number] if kind in _KINDS else _("“%(sign)s”") % {"sign": sign})

    return reader.list_text(map(name, kinds), how)
