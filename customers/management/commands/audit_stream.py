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

from customers.audit import chain
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
        pause, often = commandline.pause, "for ever, so often"
        parser.add_argument("--watch", type=pause, metavar="SECONDS", help=often)

    def handle(self, *, state: str, watch: float | None, **options: Any) -> None:
        self._print_new(state)
        while watch is not None:
            connection.close()
            time.sleep(watch)
            self._print_new(state)

    def _print_new(self, state: str) -> None:
        """What was printed but not noted in the file is printed again: nothing is left out."""
        seq, digest, number = _read(state)
        settled = AccessEvent.objects.filter(recorded_at__lt=timezone.now() - _LATE)
        with commandline.database_errors(), commandline.writing(None):
            if not _is_of_this_log(seq, digest, number):
                again = "remove it, and all is printed again."
                raise CommandError(f"{state} is of another log, or of one since restored: {again}")
            final = settled.aggregate(last=Max("id"))["last"] or 0
            entries = Entry.objects.filter(seq__gt=seq).order_by("seq")
            for row in entries.values(*_ENTRY, "digest").iterator():
                seq, digest = row["seq"], bytes(row.pop("digest")).hex()
                self.stdout.write(json.dumps({"entry": row}, cls=DjangoJSONEncoder))
            accesses = AccessEvent.objects.filter(id__gt=number).order_by("id")
            for row in accesses.values(*_ACCESS).iterator():
                self.stdout.write(json.dumps({"access": row}, cls=DjangoJSONEncoder))
            self.stdout.flush()
        with commandline.writing(state):
            with open(f"{state}.new", "w", encoding="ascii") as file:
                json.dump({"seq": seq, "digest": digest, "access": max(number, final)}, file)
            os.replace(f"{state}.new", state)


def _is_of_this_log(seq: int, digest: str, number: int) -> bool:
    """Is that entry here, or gone with age, and so that access? After a restore others get their
    numbers, and would be left out.
    """
    entry = Entry.objects.filter(seq=seq).values_list("digest", flat=True).first()
    is_here = seq < chain.oldest() if entry is None else bytes(entry).hex() == digest
    return is_here and number <= (AccessEvent.objects.aggregate(last=Max("id"))["last"] or 0)


def _read(state: str) -> tuple[int, str, int]:
    """The last entry, its digest, and the last access that need not be printed again. Raises
    CommandError.
    """
    try:
        with open(state, encoding="ascii") as file:
            position = json.load(file)
        return int(position["seq"]), str(position["digest"]), int(position["access"])
    except FileNotFoundError:
        return 0, "", 0
    except (OSError, ValueError, LookupError, TypeError):
        raise CommandError(f"{state} does not hold where the stream stands.") from None
