"""Which texts repeat a value that is not to be told, in whatever guise."""

import unicodedata
from collections.abc import Iterable, Iterator

from customers.catalogue.compare import fold
from customers.clubmed.profile import Json

_TELLING = 4  # letters and digits of a value that tells something of somebody
_PIECE = 5  # of them that tell it still, if one is a digit: words are in many texts


def telling(value: Json) -> Iterator[str]:
    """Every text and number in a value that tells something, at any depth, as it is compared."""
    if isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from telling(one)
    elif (
        isinstance(value, str | int | float)
        and not isinstance(value, bool)
        and len(plain := _plain(str(value))) >= _TELLING
    ):
        yield plain


def repeats(said: str, told: Iterable[str], *, besides: Iterable[str] = ()) -> bool:
    """Does a text hold one of these, or a piece of one? told: as `telling` gives them; besides:
    likewise, what it may say.
    """
    plain = _plain(said)
    for one in sorted(besides, key=len, reverse=True):
        plain = plain.replace(one, " ")
    return any(piece in plain for one in told for piece in (one, *_pieces(one)))


def _pieces(plain: str) -> Iterator[str]:
    pieces = (plain[at : at + _PIECE] for at in range(len(plain) - _PIECE + 1))
    return (piece for piece in pieces if any(map(str.isdigit, piece)))


def _plain(text: str) -> str:
    """The text however it is written: 483.927, 483927 and ４８３９２７ are one."""
    letters = filter(str.isalnum, fold(unicodedata.normalize("NFKC", text)))
    return "".join(str(unicodedata.decimal(char, char)) for char in letters)
