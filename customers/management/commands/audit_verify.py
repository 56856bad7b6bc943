"""`manage.py audit_verify`: is the log whole?"""

import argparse
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from django.template.defaultfilters import pluralize

from customers.audit import signing, tombstones
from customers.audit.models import Action, Entry
from customers.audit.signing import NotASealError, Seal
from customers.audit.verify import Report, verify

_Read = Callable[[Iterable[str]], Iterator[Seal]]


class Command(BaseCommand):
    """Exit status 0: whole; 1: not whole; 2: the database or a file cannot be read."""

    help = "Compute every digest and signature of the audit log again. Exit status 1: it is not "
    help += "whole; the first line says where."

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
        since = [*_read(options["since"], signing.seals_in_file)] if options["since"] else []
        if options["since"] and not since:
            raise CommandError(f"{options['since']} holds no seal.", returncode=2)
        kept = [_read(path, signing.seals_in_file) for path in options["seal"]]
        logged = [_read(path, signing.seals_in_process_log) for path in options["log"]]
        try:
            report = verify(
                since=max(since, key=lambda seal: seal.seq, default=None),
                seals=chain(*kept, *logged),
                progress=_Progress(self),
            )
            unnamed = _unnamed()
        except DatabaseError:  # its text may hold what the database holds
            raise CommandError("The log cannot be read from the database.", returncode=2) from None
        if unnamed:
            self.stderr.write(
                f"{unnamed:,} who were forgotten do not stand in {settings.AUDIT_TOMBSTONES}: a "
                "restored backup would bring them back."
            )
        if report.faults:
            self.stdout.write("\n".join([*report.faults, _not_whole(report)]))
            sys.exit(1)
        count = max(report.last - report.after, 0)
        signed = f"; head signed with {report.key_id}" if report.key_id else ""
        given = options["seal"] or options["log"]
        compared = f"; {report.compared:,} seals agree" if report.compared else ""
        if report.uncompared:
            compared += f"; {report.uncompared:,} of entries before these are not compared"
        compared = compared or ("; the files hold no seal" if given else "")
        self.stdout.write(
            f"{count:,} entr{pluralize(count, 'y,ies')}, {report.after + 1} to {report.last}, "
            f"whole{signed}{compared}"
            if count
            else f"no entries{signed}{compared}"
        )


def _unnamed() -> int:
    """How many were forgotten whom the list of tombstones does not name."""
    forgotten = Entry.objects.filter(action=Action.FORGOTTEN).order_by()
    try:
        acts = {change_id.hex for change_id in forgotten.values_list("change_id", flat=True)}
    except (ValueError, AttributeError):  # SQLite holds what is no id: its entry's digest says so
        return 0
    try:
        named, _ = tombstones.read(settings.AUDIT_TOMBSTONES)
    except FileNotFoundError:
        return len(acts)
    except OSError:  # not for whoever verifies
        return 0
    return len(acts - {tombstone.change_id for tombstone in named})


def _not_whole(report: Report) -> str:
    """What can be said, beside the faults, of the entries before the first bad one."""
    words = "The log is not whole."
    if report.proven > report.after:
        words += f" Entries {report.after + 1} to {report.proven} are."
    unproven, before = max(report.proven, report.after) + 1, report.first_bad - 1
    if unproven <= before:
        words += (
            f" Nothing signed vouches for entries {unproven} to {before}:"
            " compare with a seal or a process log."
        )
    return words


class _Progress:
    """A line on stderr at most once a second."""

    def __init__(self, command: BaseCommand) -> None:
        self._command = command
        self._told = time.monotonic()

    def __call__(self, seq: int, last: int) -> None:
        if time.monotonic() - self._told >= 1:
            self._told = time.monotonic()
            self._command.stderr.write(f"{seq:,} of {last:,}")


def _read(path: str, seals_of: _Read) -> Iterator[Seal]:
    """Line by line: a process log may be long."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            yield from seals_of(file)
    except OSError as exc:
        raise CommandError(f"{path} cannot be read: {exc.strerror}", returncode=2) from None
    except NotASealError:
        raise CommandError(f"{path} holds a line that is no seal.", returncode=2) from None
