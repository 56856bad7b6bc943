"""`manage.py audit_expire`: what is too old leaves the log."""

import argparse
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import ProgrammingError
from django.utils import timezone

from customers.audit import verify
from customers.audit.models import JournalLine
from customers.management import commandline
from customers.services import credentials, expire
from customers.services.expire import Old, Progress

_Erase = Callable[[Old, str, Progress], None]
# Entries last: they need a right that the workers' role does not have.
_PARTS: tuple[tuple[str, Callable[[datetime], Old], _Erase], ...] = (
    ("Values", expire.old_values, expire.erase_values),
    ("Access events", expire.old_access_events, expire.erase_access_events),
    ("Entries", expire.old_entries, expire.remove_entries),
)


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
        now = timezone.now()
        try:
            with commandline.database_errors():
                reason = self._prepare(**options) if execute else ""
                found = [(what, old(now), erase) for what, old, erase in _PARTS]
                since = found[0][1].before
                waiting = JournalLine.objects.filter(sent_at__lt=since).count()
        except (ValueError, TypeError):  # SQLite holds what is no time in a column of times
            raise CommandError("An entry has no time that can be read: run audit_verify.") from None
        for what, old, _ in found:
            self.stdout.write(f"{what} older than {old.before:%d %B %Y}: {old.count:,}.")
        if waiting:
            self.stdout.write(f"Changes as old, without an answer yet: {waiting:,}. Run reconcile.")
        if not execute:
            self.stdout.write("Nothing was erased: --execute does it.")
            return
        for what, old, erase in found:
            if old.count:
                self._erase(what, old, erase, reason)
        is_due = any(old.count for _, old, _ in found)
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

    def _erase(self, what: str, old: Old, erase: _Erase, reason: str) -> None:
        def progress(done: int) -> None:
            self.stderr.write(f"{what}: {done:,} of {old.count:,}")

        with commandline.database_errors():
            try:
                erase(old, reason, progress)
            except ProgrammingError:
                raise CommandError(
                    f"This database role may not remove {what.lower()}: run it as the owner of the "
                    "tables."
                ) from None
