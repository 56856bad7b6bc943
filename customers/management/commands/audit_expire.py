"""`manage.py audit_expire`: what is too old leaves the log."""

import argparse
from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, ProgrammingError
from django.utils import timezone

from customers import expiring
from customers.audit import chain
from customers.models import Entry


class Command(BaseCommand):
    """To be run once a day; may be ended at any moment and run again."""

    help = "Show which values, entries and looks are older than AUDIT_VALUE_MONTHS, "
    help += "AUDIT_ENTRY_MONTHS and ACCESS_MONTHS; with --execute, erase them for good."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--execute", action="store_true", help="erase what is shown")

    def handle(self, *, execute: bool, **options: Any) -> None:
        try:
            due = expiring.due(timezone.now())
        except Entry.DoesNotExist:
            raise CommandError("Entries are missing: run audit_verify first.") from None
        except DatabaseError as exc:
            raise CommandError(f"the database fails: {type(exc).__name__}") from None
        self.stdout.write(_shown(due))
        if due.uncounted:
            self.stdout.write(
                f"{due.uncounted:,} looks are as old and stay until audit_seal has counted them."
            )
        if not execute:
            self.stdout.write("Nothing was erased: --execute does it.")
            return
        if due.values:
            self._do("values", expiring.erase_values, due.values_up_to, due.values)
        if due.looks:
            self._do("looks", expiring.erase_looks, due.looks_up_to, due.looks)
        if due.entries:  # last: it needs a right that the workers' role does not have
            self._do("entries", expiring.remove_entries, due.entries_up_to, due.entries)
        self.stdout.write("Erased.")

    def _do(
        self,
        what: str,
        act: Callable[[int, expiring.Progress], None],
        up_to: int,
        whole: int,
    ) -> None:
        try:
            act(up_to, lambda done: self.stderr.write(f"{what}: {done:,} of {whole:,}"))
        except chain.ForgedHeadError as exc:
            raise CommandError(str(exc)) from None
        except ProgrammingError:
            raise CommandError(
                f"This database role may not remove {what}: run it as the owner of the tables."
            ) from None
        except DatabaseError as exc:
            raise CommandError(f"the database fails: {type(exc).__name__}") from None


def _shown(due: expiring.Due) -> str:
    return (
        f"Older than {due.values_before:%d %B %Y}: the values of {due.values:,} entries.\n"
        f"Older than {due.entries_before:%d %B %Y}: {due.entries:,} entries.\n"
        f"Older than {due.looks_before:%d %B %Y}: {due.looks:,} looks."
    )
