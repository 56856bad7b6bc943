"""`manage.py audit_stream`: what the log records, for a SIEM: no value and no customer."""

import json
import os
import time
from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection
from django.db.models import Max
from django.utils import timezone

from customers.audit.models import AccessEvent, Entry
from customers.management import commandline

_WHO = ("recorded_at", "actor_issuer", "actor_sub", "actor_roles", "change_id", "field")
_ENTRY = ("seq", *_WHO, "action", "outcome", "evidence", "flags", "request_id")
_ACCESS = ("id", *_WHO, "kind", "purpose", "address", "request_id")
_LATE = timedelta(minutes=1)  # after its time an access may still be committed


class Command(BaseCommand):
    help = "Print each new entry and access as a line of JSON, at least once, for a SIEM."

    def add_arguments(self, parser: ArgumentParser) -> None:
        where = "where it stands is kept here, and the next run goes on from there"
        parser.add_argument("--state", metavar="FILE", required=True, help=where)
        parser.add_argument("--watch", type=float, metavar="SECONDS", help="for ever, so often")

    def handle(self, *, state: str, watch: float | None, **options: Any) -> None:
        self._print_new(state)
        while watch is not None:
            connection.close()
            time.sleep(watch)
            self._print_new(state)

    def _print_new(self, state: str) -> None:
        """What was printed but not noted in the file is printed again: nothing is left out."""
        seq, number = _read(state)
        settled = AccessEvent.objects.filter(recorded_at__lt=timezone.now() - _LATE)
        with commandline.database_errors():
            final = settled.aggregate(last=Max("id"))["last"] or 0
            entries = Entry.objects.filter(seq__gt=seq).order_by("seq")
            for row in entries.values(*_ENTRY).iterator():
                self.stdout.write(json.dumps({"entry": row}, cls=DjangoJSONEncoder))
                seq = row["seq"]
            accesses = AccessEvent.objects.filter(id__gt=number).order_by("id")
            for row in accesses.values(*_ACCESS).iterator():
                self.stdout.write(json.dumps({"access": row}, cls=DjangoJSONEncoder))
        self.stdout.flush()
        with commandline.writing(state):
            with open(f"{state}.new", "w", encoding="ascii") as file:
                json.dump({"seq": seq, "access": max(number, final)}, file)
            os.replace(f"{state}.new", state)


def _read(state: str) -> tuple[int, int]:
    """The last entry and the last access that need not be printed again. Raises CommandError."""
    try:
        with open(state, encoding="ascii") as file:
            position = json.load(file)
        return int(position["seq"]), int(position["access"])
    except FileNotFoundError:
        return 0, 0
    except (OSError, ValueError, LookupError, TypeError):
        raise CommandError(f"{state} does not hold where the stream stands.") from None
