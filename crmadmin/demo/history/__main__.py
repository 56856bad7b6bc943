"""`python -m crmadmin.demo.history`: fill the demo's log, which must be empty."""

import logging
import os
import signal
import sqlite3
from contextlib import closing
from datetime import datetime
from io import StringIO
from pathlib import Path
from unittest.mock import patch

import django
from django.conf import settings
from django.core.management import call_command
from django.utils import timezone

from crmadmin.demo.history.clock import Clock
from crmadmin.demo.listening import LOOPBACK


def main() -> None:
    """Raises SystemExit where a log is begun, or the API is no sandbox."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends it without a word
    django.setup()
    logging.disable(logging.WARNING)  # a line an entry, and the faults are wanted
    database = settings.DATABASES["default"]
    database["OPTIONS"]["init_command"] += " PRAGMA synchronous=OFF;"  # it is gone with the demo

    # Only now: models need the settings.
    from crmadmin.demo.history.story import DAYS, Story, working_days
    from customers.audit import chain
    from customers.services.reconcile import reconcile

    if not settings.CLUBMED_API_URL.startswith(f"http://{LOOPBACK}:") or chain.position():
        raise SystemExit("Only an empty log over a sandbox can be filled.")
    now = timezone.now()
    days = working_days(now)
    clock = Clock(datetime.combine(days[0], datetime.min.time(), now.tzinfo))
    print("  Preparing five weeks of history ", end="", flush=True)
    # Open beside the product's connections, so that none of them is the last one to be closed:
    # after that SQLite folds its write-ahead log into the database.
    beside = closing(sqlite3.connect(database["NAME"]))
    with beside as connection, patch.object(timezone, "now", clock.now):
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        story = Story(clock)
        for number, day in enumerate(days):
            for moment, act in story.day(number, day):
                clock.move_to(moment)
                act()
            clock.move_on(hours=1)
            reconcile()
            _check(is_time=number % 5 == 4 or number > DAYS - 4)
            print(".", end="", flush=True)
        for moment, act in story.today(now):
            clock.move_to(moment)
            act()
    print()


def _check(*, is_time: bool) -> None:
    """What stands on timers in a deployment: a seal kept elsewhere, and the verification."""
    seals = Path(settings.AUDIT_TOMBSTONES).with_name("seals.ndjson")
    call_command("audit_seal", to=str(seals))
    if is_time:
        call_command("audit_verify", seal=[str(seals)], verbosity=0, stdout=StringIO())


os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crmadmin.settings")
main()
