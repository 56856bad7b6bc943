"""`manage.py audit_expire`, once a day: what is too old leaves the log."""

import argparse
from importlib import import_module
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import ProgrammingError
from django.utils import timezone

from customers.access import OPERATOR
from customers.audit import erasure, verification
from customers.audit.models import JournalLine
from customers.management import commandline
from customers.services import credentials, expire

_PARTS = {erasure.VALUES: "Values", erasure.ACCESS: "Access events", erasure.ENTRIES: "Entries"}


class Command(BaseCommand):
    help = "Show what is too old; with --execute, verify the log and erase it for good, in batches."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--execute", action="store_true", help="erase what is shown")
        why = "erase it even if the log is not whole: the entries keep the reason and the fault"
        parser.add_argument("--although-not-whole", default="", metavar="WHY", help=why)
        old = "erase it even if the newest entry is of the future, or more than 32 days old"
        parser.add_argument("--clock-is-right", action="store_true", help=old)

    def handle(self, *, execute: bool, **options: Any) -> None:
        with commandline.database_errors():
            reason = self._prepare(**options) if execute else ""
            parts = expire.find_old(timezone.now())
            waiting = JournalLine.objects.filter(sent_at__lt=parts[0].before).count()
        for old in parts:
            what = f"{_PARTS[old.part]} older than {old.before:%d %B %Y}"
            self.stdout.write(f"{what}: {old.count:,}.")
        if waiting:
            self.stdout.write(f"Changes as old, without an answer yet: {waiting:,}. Run reconcile.")
        if not execute:
            self.stdout.write("Nothing was erased: --execute does it.")
            return
        due = [old for old in parts if old.count]
        for old in due:
            self._erase(old, reason)
        self.stdout.write("Erased." if due else "Nothing was old enough.")

    def _prepare(self, *, although_not_whole: str, clock_is_right: bool, **options: Any) -> str:
        """Verify the log and the clock; returns why to erase although the log is not whole."""
        import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()
        credentials.sweep()
        text = "verified: {:,} of {:,}"
        report = verification.run(
            OPERATOR.name, progress=lambda *counts: self.stderr.write(text.format(*counts))
        )
        reason = although_not_whole.strip()
        if report.faults and not reason:
            why = f"the log is not whole: {report.faults[0]}. Or say --although-not-whole WHY"
            raise CommandError(f"Nothing was erased, as {why}.")
        if not clock_is_right and (doubt := expire.doubt(timezone.now())):
            why = f"the clock may be wrong: {doubt} Or say --clock-is-right"
            raise CommandError(f"Nothing was erased, as {why}.")
        return f"{reason} (not whole: {report.faults[0]})" if report.faults else ""

    def _erase(self, old: expire.Old, reason: str) -> None:
        what = _PARTS[old.part]
        words = f"{what}: {{:,}} of {old.count:,}"
        with commandline.database_errors():
            try:
                expire.erase(old, reason, lambda count: self.stderr.write(words.format(count)))
            except ProgrammingError:
                raise CommandError(
                    f"Only the owner of the tables may remove {what.lower()}: run it as that role."
                ) from None
