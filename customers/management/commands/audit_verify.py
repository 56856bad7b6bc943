"""`manage.py audit_verify`: is the log whole?"""

import argparse
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from customers.audit import seals
from customers.audit.seals import NotASealError, Seal
from customers.audit.verification import Report, verify

_Read = Callable[[Iterable[str]], Iterator[Seal]]


class Command(BaseCommand):
    """Exit status 0: whole; 1: not whole; 2: what it was given cannot be read."""

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
        since = [*_read(options["since"], seals.in_file)] if options["since"] else []
        if options["since"] and not since:
            raise CommandError(f"{options['since']} holds no seal.", returncode=2)
        kept = [seal for path in options["seal"] for seal in _read(path, seals.in_file)]
        kept += [seal for path in options["log"] for seal in _read(path, seals.in_process_log)]
        report = verify(
            since=max(since, key=lambda seal: seal.seq, default=None),
            seals=kept,
            progress=_Progress(self),
        )
        if report.faults:
            self._tell(report)
            sys.exit(1)
        count = report.last - report.after
        signed = f"; head signed with {report.key_id}" if report.key_id else ""
        compared = f"; {len(kept):,} seals agree" if kept else ""
        self.stdout.write(
            f"{count:,} entries, {report.after + 1} to {report.last}, whole{signed}{compared}"
            if count
            else f"no entries{signed}{compared}"
        )

    def _tell(self, report: Report) -> None:
        faults = sorted(report.faults, key=lambda fault: (fault.seq == 0, fault.seq))
        for fault in faults:
            self.stdout.write(str(fault))
        if first := faults[0].seq:
            self.stdout.write(f"The log is not whole. What comes before entry {first} is.")
        else:
            self.stdout.write("The log is not whole.")


class _Progress:
    """A line on stderr at most once a second."""

    def __init__(self, command: BaseCommand) -> None:
        self._command = command
        self._told = time.monotonic()

    def __call__(self, seq: int, last: int) -> None:
        if time.monotonic() - self._told >= 1:
            self._told = time.monotonic()
            self._command.stderr.write(f"{seq:,} of {last:,}")


def _read(path: str, seals_of: _Read) -> list[Seal]:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return list(seals_of(file))
    except OSError as exc:
        raise CommandError(f"{path} cannot be read: {exc.strerror}", returncode=2) from None
    except NotASealError:
        raise CommandError(f"{path} holds a line that is no seal.", returncode=2) from None
