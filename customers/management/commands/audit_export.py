"""`manage.py audit_export`: the log for an auditor."""

import argparse
import os
import sys
from collections.abc import Iterable
from functools import partial
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from customers.access import OPERATOR
from customers.audit import access_events, chain, hashed
from customers.audit.export import ndjson
from customers.encryption import UnreadableError
from customers.models import Access


class Command(BaseCommand):
    """Writes what `customers/audit/verifier.py` checks."""

    help = "Write the audit log as JSON lines, with all that proves it."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--format", choices=["ndjson"], default="ndjson")
        parser.add_argument("--from", dest="first", type=int, default=1, metavar="SEQ")
        parser.add_argument("--to", dest="last", type=int, metavar="SEQ")
        parser.add_argument("--customer", metavar="ID", help="the others are reduced to digests")
        parser.add_argument("--field", metavar="NAME", help="likewise")
        parser.add_argument(
            "--values", action="store_true", help="with the values: personal data, to be kept so"
        )
        parser.add_argument("--output", metavar="FILE", help="instead of stdout")

    def handle(self, **options: Any) -> None:
        asked = {"customer_id": options["customer"], "field": options["field"]}
        lines = ndjson(
            first=options["first"],
            last=options["last"],
            wanted=lambda columns: all(
                value is None or columns[name] == value for name, value in asked.items()
            ),
            with_values=options["values"],
        )
        try:
            newest = chain.position()
            if options["first"] > max(newest, 1):
                raise CommandError(f"There is no entry {options['first']}: the newest is {newest}.")
            _record(options["customer"] or "")
            _write(lines, options["output"])
        except hashed.OldestLeftError:
            raise CommandError(
                "Old entries left while it was written: run it again. What was written has no "
                "head, and proves nothing."
            ) from None
        except OSError as exc:
            to = options["output"] or "The output"
            raise CommandError(f"{to} cannot be written: {exc.strerror}") from None
        except (DatabaseError, ValueError, TypeError, AttributeError, UnreadableError):
            # What the database holds is none of what was stored: text that is no text, no digest.
            raise CommandError(
                "The log cannot be exported as it is: run audit_verify. What was written has no "
                "head, and proves nothing."
            ) from None


def _record(customer_id: str) -> None:
    try:
        access_events.record(Access.EXPORT, actor=OPERATOR, request_id="", customer_id=customer_id)
    except DatabaseError:
        raise CommandError("The export cannot be recorded, so nothing was exported.") from None


def _write(lines: Iterable[str], output: str | None) -> None:
    if output is None:
        sys.stdout.writelines(f"{line}\n" for line in lines)
        return
    # A new file is its owner's alone: with values it is personal data.
    with open(output, "w", encoding="utf-8", opener=partial(os.open, mode=0o600)) as file:
        file.writelines(f"{line}\n" for line in lines)
