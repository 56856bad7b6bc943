"""`manage.py audit_verify`: is the log whole? Exit status 0: yes; 1: no; 2: it cannot be read."""

import argparse
import sys
from contextlib import suppress
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from customers.audit import chain
from customers.audit.models import Head
from customers.audit.verifier import Seal, UnreadableError, seals_in
from customers.audit.verify import verify


class Command(BaseCommand):
    help = "Verify the audit log. Exit status 1: it is not whole; the first line says where."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--since", metavar="FILE", help="go on from its newest seal")
        for option, text in (("--seal", "compare with its seals"), ("--log", "a process log")):
            parser.add_argument(option, action="append", default=[], metavar="FILE", help=text)

    def handle(self, **options: Any) -> None:
        try:
            walker = verify(
                since=_newest(options["since"]) if options["since"] else None,
                seals=seals_in(options["seal"], options["log"]),
                progress=lambda seq, last: self.stderr.write(f"{seq:,} of {last:,}"),
            )
        except DatabaseError:  # its text may hold what the database holds
            raise _unreadable("The log cannot be read from the database.") from None
        except OSError as exc:
            raise _unreadable(f"{exc.filename} cannot be read: {exc.strerror}") from None
        except (UnreadableError, ValueError, KeyError):
            raise _unreadable("A file of seals holds a line that is no seal.") from None
        with suppress(DatabaseError):  # a time that Python cannot hold: the walk names it
            if warning := chain.ahead_of_now(Head.objects.filter(pk=1).first()):
                self.stderr.write(warning)
        self.stdout.write("\n".join(walker.report()))
        if walker.faults:
            sys.exit(1)


def _unreadable(why: str) -> CommandError:
    return CommandError(why, returncode=2)


def _newest(path: str) -> Seal:
    """The newest seal of a file."""
    newest = max(seals_in([path], []), default=None)
    if newest is None:
        raise _unreadable(f"{path} holds no seal.")
    return newest
