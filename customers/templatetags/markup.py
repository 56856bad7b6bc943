"""HTML of pieces, for what stands on a page hundreds of times."""

from collections.abc import Iterable
from html import escape

from django.utils.safestring import SafeString

_NOTHING = SafeString("")


def markup(text: str, *values: object) -> SafeString:
    """Django's `format_html` at a quarter of its cost: every value is escaped that is no HTML."""
    pieces = [one if type(one) is SafeString else escape(str(one)) for one in values]
    return SafeString(text.format(*pieces))  # nosec B703


def plain(text: str) -> SafeString:
    """A text that is no HTML."""
    return SafeString(escape(text))  # nosec B703


def joined(pieces: Iterable[SafeString], between: SafeString = _NOTHING) -> SafeString:
    """Pieces of HTML in a row."""
    return SafeString(between.join(pieces))  # nosec B703
