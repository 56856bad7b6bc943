"""The part of a refusal of Club Med that people see, and the part that the log stores.

People get its sentences, but not those that may repeat a sensitive value. The log keeps its codes
alone: an entry's detail is not encrypted.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from customers import wording
from customers.catalogue.compare import fold, raw_text
from customers.catalogue.fields import FIELDS
from customers.catalogue.masking import is_sensitive
from customers.clubmed.errors import FieldError, RefusedError
from customers.clubmed.profile import Json, member_name

_LONGEST = 2_000  # characters of a refusal, with the keys that its sentences are about
_CODE = re.compile(r"[A-Za-z_.]+(\[\d{1,2}\][A-Za-z_.]*)?\d{0,3}", re.ASCII)


def shown_refusal(exc: RefusedError, sent: Mapping[str, Json]) -> RefusedError:
    """The refusal for people, with codes for sentences that may repeat a sensitive value."""
    was_sent = any(map(is_sensitive, sent))

    def shown_error(error: FieldError) -> FieldError:
        name = member_name(error.key)
        is_withheld = is_sensitive(name) if name in FIELDS else was_sent
        return replace(error, message=error.code or str(wording.WITHHELD)) if is_withheld else error

    errors = tuple(map(shown_error, exc.errors))
    is_changed = was_sent or errors != exc.errors
    description = str(wording.WITHHELD) if is_changed and exc.description else exc.description
    return RefusedError(str(exc), exc.status, _short(description), tuple(_first(errors)))


def _short(text: str, longest: int = _LONGEST) -> str:
    return wording.CUT_SHORT % {"text": text[:longest]} if len(text) > longest else text


def _first(errors: Iterable[FieldError]) -> Iterator[FieldError]:
    """As many as a page can hold; the last of them is cut short, if there were more."""
    room = _LONGEST
    for error in errors:
        key = error.key if len(error.key) <= room else ""
        text = error.message or error.code or str(wording.NO_REASON)
        room -= len(key)
        yield FieldError(error.code, key, _short(text, room))
        room -= len(text)
        if room < 0:
            return


def codes(exc: RefusedError, sent: Mapping[str, Json]) -> str:
    """The refusal's keys and codes for the log, without any that holds a word that was sent."""
    words = set().union(*map(_words, sent.values()))

    def is_code(text: str) -> bool:
        return bool(_CODE.fullmatch(text)) and words.isdisjoint(_words(text))

    texts = (" ".join(filter(is_code, (error.key, error.code))) for error in exc.errors)
    return "; ".join(filter(None, texts))[:255] or f"status {exc.status}"


def _words(value: Json) -> set[str]:
    """Every word in a value, at any depth."""
    if isinstance(value, dict | list):
        return set().union(*map(_words, value.values() if isinstance(value, dict) else value))
    return {*re.split(r"[\W_]+", fold(raw_text(value)))} - {""}
