"""Names in their own script: which comes first."""

from customers.catalogue.spelling import language_of


def native_name(first: str, last: str, market: str) -> str:
    """王美琳, 山田 太郎, 김민수: the last name leads in these three, and the first anywhere else.

    market: the locale, which tells Chinese from Japanese where the letters do not.
    """
    language = language_of(first + last, first + last, market)
    if language.startswith(("zh", "ko")):
        return last + first
    order = (last, first) if language == "ja" else (first, last)
    return " ".join(filter(None, order))
