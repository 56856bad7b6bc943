"""HTML of pieces, for what stands on a page hundreds of times."""

from collections.abc import Iterable
from html import escape

from django.utils.safestring import SafeString

NOTHING = SafeString("")


def markup(text: str, *values: object) -> SafeString:
    """Django's `format_html` at a quarter of its cost: every value is escaped that is no HTML."""
    pieces = [value if type(value) is SafeString else escape(str(value)) for value in values]
    return SafeString(text.format(*pieces))  # nosec B703


def broken_at(sign: str, text: str) -> SafeString:
    """A text that is no HTML, which may go on in a new line after that sign."""
    return SafeString(escape(text).replace(sign, f"{sign}<wbr>"))  # nosec B703


def isolated_at(sign: str, text: str) -> SafeString:
    """The same text in its own direction."""
    return SafeString(f"<bdi>{broken_at(sign, text)}</bdi>")  # nosec B703


def joined(pieces: Iterable[SafeString], between: SafeString = NOTHING) -> SafeString:
    """Pieces of HTML in a row."""
    return SafeString(between.join(pieces))  # nosec B703
