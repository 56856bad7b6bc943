"""Names of customers, and which comes first in their own script."""

from collections.abc import Iterable, Mapping

from customers.catalogue.compare import raw_text
from customers.catalogue.spelling import language_of
from customers.clubmed.profile import Json


def full_name(values: Mapping[str, Json]) -> str:
    """Tom Smith, of a profile's values; "" without a name."""
    return _joined(raw_text(values.get(key)) for key in ("first_name", "last_name"))


def native_name(first: str, last: str, market: str) -> str:
    """王美琳, 山田 太郎, 김민수: the last name leads in these three, and the first anywhere else.

    market: the locale, which tells Chinese from Japanese where the letters do not.
    """
    language = language_of(first + last, first + last, market)
    if language.startswith(("zh", "ko")):
        return _joined((last, first), between="")
    return _joined((last, first) if language == "ja" else (first, last))


def _joined(names: Iterable[str], between: str = " ") -> str:
    """Without those that nobody sees: empty, or spaces alone."""
    return between.join(name for name in names if name.strip())
