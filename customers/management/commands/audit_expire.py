"""`manage.py audit_expire`: what is too old leaves the log."""

import argparse
from collections.abc import Callable
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import ProgrammingError
from django.template.defaultfilters import pluralize
from django.utils import timezone

from customers.audit import verify
from customers.management import commandline
from customers.services import credentials, expire
from customers.services.expire import Due, Old, Progress


class Command(BaseCommand):
    """To be run once a day; may be ended at any moment and run again."""

    help = (
        "Show which values, access events and entries are older than AUDIT_VALUE_MONTHS, "
        "ACCESS_MONTHS and AUDIT_ENTRY_MONTHS; with --execute, verify the log and erase them for "
        "good. Exit status 1: it is not whole, or not all could be erased."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--execute", action="store_true", help="erase what is shown")
        parser.add_argument(
            "--although-not-whole",
            default="",
            metavar="WHY",
            help="erase it even if the log is not whole: the reason is kept with the first fault",
        )
        parser.add_argument(
            "--clock-is-right",
            action="store_true",
            help="erase it even if the newest entry is of the future, or more than 32 days old",
        )

    def handle(self, *, execute: bool, **options: Any) -> None:
        try:
            with commandline.database_errors():
                reason = self._prepare(**options) if execute else ""
                due = expire.what_is_due(timezone.now())
        except (ValueError, TypeError):  # SQLite holds what is no time in a column of times
            raise CommandError("An entry has no time that can be read: run audit_verify.") from None
        self.stdout.write(_shown(due))
        if not execute:
            self.stdout.write("Nothing was erased: --execute does it.")
            return
        self._do("values", expire.erase_values, due.values, reason)
        self._do("access events", expire.erase_access_events, due.access_events, reason)
        # Last: it needs a right that the workers' role does not have.
        self._do("entries", expire.remove_entries, due.entries, reason)
        is_due = due.values.count or due.access_events.count or due.entries.count
        self.stdout.write("Erased." if is_due else "Nothing was old enough.")

    def _prepare(self, *, although_not_whole: str, clock_is_right: bool, **options: Any) -> str:
        """Verify the log and the clock; returns why to erase although the log is not whole."""
        call_command("clearsessions")
        credentials.sweep()
        report = verify.verify(
            progress=lambda seq, last: self.stderr.write(f"verified: {seq:,} of {last:,}")
        )
        reason = although_not_whole.strip()
        if report.faults and not reason:
            raise CommandError(
                f"Nothing was erased, as the log is not whole: {report.faults[0]}. Run "
                "audit_verify, or say --although-not-whole WHY."
            )
        if not clock_is_right and (doubt := expire.doubt(timezone.now())):
            raise CommandError(
                f"Nothing was erased, as the clock may be wrong: {doubt} If it is right, say "
                "--clock-is-right."
            )
        return f"{reason} (not whole: {report.faults[0]})" if report.faults else ""

    def _do(
        self, what: str, act: Callable[[Old, str, Progress], None], old: Old, reason: str
    ) -> None:
        if not old.count:
            return
        with commandline.database_errors():
            try:
                act(old, reason, lambda n: self.stderr.write(f"{what}: {n:,} of {old.count:,}"))
            except ProgrammingError:
                raise CommandError(
                    f"This database role may not remove {what}: run it as the owner of the tables."
                ) from None


def _shown(due: Due) -> str:
    values, entries, events = due.values, due.entries, due.access_events
    lines = [
        f"Older than {values.before:%d %B %Y}: the values of {_count(values, 'entr', 'y,ies')}.",
        f"Older than {entries.before:%d %B %Y}: {_count(entries, 'entr', 'y,ies')}.",
        f"Older than {events.before:%d %B %Y}: {_count(events, 'access event')}.",
    ]
    if due.open:
        lines.append(
            f"As old, but without an answer yet: {due.open:,} change{pluralize(due.open)}. Run "
            "reconcile first."
        )
    return "\n".join(lines)


def _count(old: Old, of: str, endings: str = "s") -> str:
    return f"{old.count:,} {of}{pluralize(old.count, endings)}"
