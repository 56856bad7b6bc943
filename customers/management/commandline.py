"""What commands share: a customer's number, a database that fails, and handing out what is in the
log, which is recorded first or does not happen.
"""

import argparse
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial

from django.core.management.base import CommandError
from django.db import DatabaseError

from customers.access import OPERATOR
from customers.audit import access_events, chain
from customers.audit.models import Access
from customers.services.search_terms import is_customer_number


def check_customer_number(customer_id: str) -> None:
    """Raises CommandError: what is no number may be personal, and is not to be recorded."""
    if not is_customer_number(customer_id):
        raise CommandError("A customer's number has digits only, and does not start with 0.")


@contextmanager
def database_errors() -> Iterator[None]:
    """Raise what the database raises as CommandError, without its text, which may hold values."""
    try:
        yield
    except chain.ForgedHeadError as exc:
        raise CommandError(str(exc)) from None
    except DatabaseError as exc:
        raise CommandError(f"the database fails: {type(exc).__name__}") from None


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
    parser.add_argument(
        "--output", metavar="FILE", help="a new file, readable by you alone; else stdout"
    )


def write(texts: Iterable[str], output: str | None) -> None:
    """Write to a new file, readable by its owner alone and whole or not there; or to stdout."""
    if output is None:
        with writing(output):
            sys.stdout.writelines(texts)
        return
    # Never over a file that is there: it would keep its mode, and may be anything.
    owner_alone = partial(os.open, mode=0o600)
    with writing(output), open(output, "x", encoding="ascii", opener=owner_alone) as file:
        try:
            file.writelines(texts)
            file.flush()
        except BaseException:
            os.remove(output)
            raise
