"""`manage.py audit_expire`: what is too old leaves the log."""

import argparse
from collections.abc import Callable
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, ProgrammingError
from django.template.defaultfilters import pluralize
from django.utils import timezone

from customers.audit import chain, erasure, verify
from customers.services import credentials
from customers.services.expire import (
    Due,
    Ground,
    Progress,
    erase_looks,
    erase_values,
    remove_entries,
    what_is_due,
)


class Command(BaseCommand):
    """To be run once a day; may be ended at any moment and run again."""

    help = "Show which values, entries and looks are older than AUDIT_VALUE_MONTHS, "
    help += "AUDIT_ENTRY_MONTHS and ACCESS_MONTHS; with --execute, verify the log and erase them "
    help += "for good. Exit status 1: it is not whole, or not all could be erased."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--execute", action="store_true", help="erase what is shown")
        parser.add_argument(
            "--although-not-whole",
            default="",
            metavar="WHY",
            help="erase it even if the log is not whole: the reason is kept with the first fault",
        )

    def handle(self, *, execute: bool, although_not_whole: str, **options: Any) -> None:
        try:
            if execute:
                call_command("clearsessions")
                credentials.sweep()
            ground = self._ground(although_not_whole.strip()) if execute else None
            due = what_is_due(timezone.now())
        except DatabaseError as exc:
            raise CommandError(f"the database fails: {type(exc).__name__}") from None
        except (ValueError, TypeError):  # SQLite holds what is no time in a column of times
            raise CommandError("An entry has no time that can be read: run audit_verify.") from None
        self.stdout.write(_shown(due))
        if ground is None:
            self.stdout.write("Nothing was erased: --execute does it.")
            return
        if due.values:
            self._do("values", erase_values, due, ground, due.values)
        if due.looks:
            self._do("looks", erase_looks, due, ground, due.looks)
        if due.entries:  # last: it needs a right that the workers' role does not have
            self._do("entries", remove_entries, due, ground, due.entries)
        erasure.scrub()  # also what a run that was ended left
        is_due = due.values or due.looks or due.entries
        self.stdout.write("Erased." if is_due else "Nothing was old enough.")

    def _ground(self, reason: str) -> Ground:
        """What may be erased on, as the log is now."""
        report = verify.verify(
            progress=lambda seq, last: self.stderr.write(f"verified: {seq:,} of {last:,}")
        )
        if not report.faults:
            return Ground(report)
        if not reason:
            raise CommandError(
                f"Nothing was erased, as the log is not whole: {report.faults[0]}. Run "
                "audit_verify, or say --although-not-whole WHY."
            )
        return Ground(report, f"{reason} (not whole: {report.faults[0]})")

    def _do(
        self,
        what: str,
        act: Callable[[Due, Ground, Progress], None],
        due: Due,
        ground: Ground,
        whole: int,
    ) -> None:
        try:
            act(due, ground, lambda done: self.stderr.write(f"{what}: {done:,} of {whole:,}"))
        except chain.ForgedHeadError as exc:
            raise CommandError(str(exc)) from None
        except verify.AlteredError:
            raise CommandError(
                f"The log was altered since it was verified, so no more {what} are erased: run "
                "audit_verify."
            ) from None
        except ProgrammingError:
            raise CommandError(
                f"This database role may not remove {what}: run it as the owner of the tables."
            ) from None
        except DatabaseError as exc:
            raise CommandError(f"the database fails: {type(exc).__name__}") from None


def _shown(due: Due) -> str:
    values, entries = (_count(n, "entr", "y,ies") for n in (due.values, due.entries))
    lines = [
        f"Older than {due.values_before:%d %B %Y}: the values of {values}.",
        f"Older than {due.entries_before:%d %B %Y}: {entries}.",
        f"Older than {due.looks_before:%d %B %Y}: {_count(due.looks, 'look')}.",
    ]
    if due.uncounted:
        uncounted = _count(due.uncounted, "look")
        lines.append(f"As old, but not counted yet: {uncounted}. Run audit_seal first.")
    if due.open:
        waiting = _count(due.open, "change")
        lines.append(f"As old, but not known what came of it: {waiting}. Run reconcile first.")
    return "\n".join(lines)


def _count(number: int, of: str, endings: str = "s") -> str:
    return f"{number:,} {of}{pluralize(number, endings)}"
