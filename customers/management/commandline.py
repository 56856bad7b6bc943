"""What commands share: a customer's number, errors of the database, and handing out what is in the
log, which is recorded first or does not happen.
"""

import argparse
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial

from django.core.management.base import CommandError
from django.db import DatabaseError

from customers.access import OPERATOR
from customers.audit import access_events, chain, encryption
from customers.audit.models import Access
from customers.services.search_terms import is_customer_number

_NO_LOG = (ValueError, TypeError, LookupError, AttributeError, encryption.UnreadableError)


def customer_number(text: str) -> str:
    """The type of an argument. What is no number may be personal, so it is not repeated."""
    if is_customer_number(text):
        return text
    words = "A customer's number has digits only, and does not start with 0."
    raise argparse.ArgumentTypeError(words)


def pause(text: str) -> float:
    """The type of an argument: seconds between two runs."""
    if not 0 < (seconds := float(text)) <= 86_400:
        raise argparse.ArgumentTypeError("From 0 to 86400 seconds, and not 0.")
    return seconds


@contextmanager
def database_errors() -> Iterator[None]:
    """Raise what the database raises as CommandError, without its text, which may hold values."""
    try:
        yield
    except chain.ForgedHeadError as exc:
        raise CommandError(str(exc)) from None
    except DatabaseError as exc:
        raise CommandError(f"the database fails: {type(exc).__name__}") from None


@contextmanager
def reading_log() -> Iterator[None]:
    """Raise CommandError if the log cannot be read, or holds none of what was stored."""
    try:
        yield
    except chain.OldestLeftError:
        raise CommandError("Old entries left while it was written: run it again.") from None
    except (DatabaseError, *_NO_LOG):
        raise CommandError(
            "The log cannot be read as it is: run audit_verify. What was written is not whole."
        ) from None


def record(kind: Access, *, customer_id: str = "", field: str = "") -> None:
    """Record what is about to be written. Raises CommandError: then it must not be."""
    try:
        access_events.record(
            kind, actor=OPERATOR, request_id="", customer_id=customer_id, field=field
        )
    except DatabaseError:
        raise CommandError(f"The {kind} cannot be recorded, so nothing was written.") from None


@contextmanager
def writing(path: str | None) -> Iterator[None]:
    """Raise OSError as CommandError, with the path; None: the output."""
    try:
        yield
    except OSError as exc:
        raise CommandError(f"{path or 'The output'} cannot be written: {exc.strerror}") from None


def add_output(parser: argparse.ArgumentParser) -> None:
    where = "a new file, readable by you alone; else stdout"
    parser.add_argument("--output", metavar="FILE", help=where)


def write(texts: Iterable[str], output: str | None) -> None:
    """Write to a new file, readable by its owner alone and whole or not there; or to stdout."""
    # Never over a file that is there: it would keep its mode, and may be anything.
    new = partial(open, mode="x", encoding="ascii", opener=partial(os.open, mode=0o600))
    with writing(output), new(output) if output else nullcontext(sys.stdout) as file:
        try:
            file.writelines(texts)
            file.flush()
        except BaseException:
            if output:
                os.remove(output)
            raise
