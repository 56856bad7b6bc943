"""`manage.py audit_verify`: is the log whole? Exit status 0: yes; 1: no; 2: it cannot be read."""

import argparse
import sys
from contextlib import suppress
from functools import partial
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from customers.access import OPERATOR
from customers.audit import chain, verification
from customers.audit.models import Head
from customers.audit.verifier import UnreadableError, seals_in

_unreadable = partial(CommandError, returncode=2)


class Command(BaseCommand):
    help = "Verify the audit log. Exit status 1: it is not whole; the first line says where."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--since", metavar="FILE", help="go on from its newest seal")
        for option, text in (("--seal", "compare with its seals"), ("--log", "a process log")):
            parser.add_argument(option, action="append", default=[], metavar="FILE", help=text)
        parser.add_argument("--of-page", type=int, help=argparse.SUPPRESS)  # the row to fill in

    def handle(self, **options: Any) -> None:
        since, path = None, options["since"]
        try:
            if path and (since := max(seals_in([path], []), default=None)) is None:
                raise _unreadable(f"{path} holds no seal.")
            walker = verification.run(
                OPERATOR.name,
                since=since,
                seals=seals_in(options["seal"], options["log"]),
                progress=self._tell if options["verbosity"] else lambda seq, last: None,
                number=options["of_page"],
            )
        except (DatabaseError, TypeError, AttributeError):
            # The text may hold what the database holds; SQLite may hold what is no time, say.
            raise _unreadable("The log cannot be read from the database.") from None
        except OSError as exc:
            raise _unreadable(f"{exc.filename} cannot be read: {exc.strerror}") from None
        except (UnreadableError, ValueError, KeyError):
            raise _unreadable("A file of seals holds a line that is no seal.") from None
        with suppress(DatabaseError, TypeError):  # what is no time: the walk names it
            if warning := chain.ahead_of_now(Head.objects.filter(pk=1).first()):
                self.stderr.write(warning)
        try:
            self.stdout.write("\n".join(walker.report()))
        except OSError as exc:
            raise _unreadable(f"The output cannot be written: {exc.strerror}.") from None
        if walker.faults:
            sys.exit(1)

    def _tell(self, seq: int, last: int) -> None:
        self.stderr.write(f"{seq:,} of {last:,}")
