"""`manage.py reconcile`: settle changes that got no answer, once or on a timer. May be ended at any
moment, and run beside itself.
"""

import argparse
import logging
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from customers.audit import checks, journal
from customers.management import commandline
from customers.services import credentials, settle
from customers.services.reconcile import Remaining, reconcile

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    help = "Ask Club Med what came of changes without an answer, and record it."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        pause, often = commandline.pause, "for ever, so often"
        parser.add_argument("--watch", type=pause, metavar="SECONDS", help=often)
        unclear = "instead: what waits and does not open, as its key is lost, becomes unclear"
        parser.add_argument("--give-up-unreadable", action="store_true", help=unclear)

    def handle(self, *, watch: float | None, give_up_unreadable: bool, **options: Any) -> None:
        checks.check()
        if give_up_unreadable:
            with commandline.database_errors():
                count = settle.give_up(journal.overdue(), readable=False)
            self.stdout.write(f"Unclear now: {count:,}. A supervisor finds out what came of them.")
            return
        if credentials.background() is None:
            raise CommandError(credentials.NO_BACKGROUND)
        if watch is not None:
            _go_on(watch)
        with commandline.database_errors():
            remaining = reconcile()
        self.stdout.write(_words(remaining))
        if not remaining.answered:
            raise CommandError("Club Med does not answer: try again later.")


def _go_on(pause: float) -> None:
    """Settle for ever, and log what is left whenever that changes."""
    logged = ""
    while True:
        try:
            with commandline.database_errors():
                words = _words(reconcile())
        except CommandError as exc:
            words = str(exc)
        if words != logged:
            logger.info(words)
        logged = words
        connection.close()
        time.sleep(pause)


def _words(remaining: Remaining) -> str:
    words = f"{remaining.open} waiting, {remaining.watched} watched, {remaining.unclear} unclear"
    return "; ".join([words, *journal.put_back()])
