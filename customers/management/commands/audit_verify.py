"""`manage.py audit_verify`: is the log whole?"""

import argparse
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from customers.audit import chain, tombstones
from customers.audit.actions import Action
from customers.audit.models import Entry, Head
from customers.audit.verifier import Seal, UnreadableError, seals_in
from customers.audit.verify import verify


class Command(BaseCommand):
    """Exit status 0: whole; 1: not whole; 2: the database or a file cannot be read."""

    help = (
        "Compute every digest and signature of the audit log again, and compare the values, the "
        "journal and the lists with it. Exit status 1: it is not whole; the first line says where."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--since", metavar="FILE", help="go on from the newest seal in it, which is trusted"
        )
        parser.add_argument(
            "--seal", action="append", default=[], metavar="FILE", help="compare with its seals"
        )
        parser.add_argument(
            "--log", action="append", default=[], metavar="FILE", help="and with a process log"
        )

    def handle(self, **options: Any) -> None:
        try:
            since = _newest(options["since"]) if options["since"] else None
            seals = list(seals_in(options["seal"], options["log"]))
        except OSError as exc:
            raise _unreadable(f"{exc.filename} cannot be read: {exc.strerror}") from None
        except (UnreadableError, ValueError, KeyError):
            raise _unreadable("A file of seals holds a line that is no seal.") from None
        try:
            walker = verify(
                since=since,
                seals=seals,
                progress=lambda seq, last: self.stderr.write(f"{seq:,} of {last:,}"),
            )
            warnings = _unnamed(), chain.ahead_of_now(Head.objects.filter(pk=1).first())
        except (DatabaseError, ValueError, TypeError, AttributeError):
            # The text may hold what the database holds; SQLite may hold what is no time, say.
            raise _unreadable("The log cannot be read from the database.") from None
        for warning in filter(None, warnings):
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


def _unnamed() -> str:
    """A sentence if the list of tombstones does not name everybody who was forgotten."""
    forgotten = Entry.objects.filter(action=Action.FORGOTTEN).order_by()
    try:
        acts = {change_id.hex for change_id in forgotten.values_list("change_id", flat=True)}
        named, _ = tombstones.read(settings.AUDIT_TOMBSTONES)
        acts -= {tombstone.change_id for tombstone in named}
    except FileNotFoundError:
        pass
    except OSError:  # who verifies may not read it
        return ""
    if not acts:
        return ""
    return (
        f"{len(acts):,} who were forgotten do not stand in {settings.AUDIT_TOMBSTONES}: a restored "
        "backup would bring them back."
    )
