"""`manage.py audit_export`: the log for an auditor."""

import argparse
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from customers.audit.export import ndjson


class Command(BaseCommand):
    """Writes what `customers/audit/verifier.py` checks."""

    help = "Write the audit log as JSON lines, with all that proves it."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--format", choices=["ndjson"], default="ndjson")
        parser.add_argument("--from", dest="first", type=int, default=1, metavar="SEQ")
        parser.add_argument("--to", dest="last", type=int, metavar="SEQ")
        parser.add_argument("--customer", metavar="ID", help="the others are reduced to digests")
        parser.add_argument("--field", metavar="NAME", help="likewise")
        parser.add_argument("--output", metavar="FILE", help="instead of stdout")

    def handle(self, **options: Any) -> None:
        asked = {"customer_id": options["customer"], "field": options["field"]}
        lines = ndjson(
            first=options["first"],
            last=options["last"],
            wanted=lambda columns: all(
                value is None or columns[name] == value for name, value in asked.items()
            ),
        )
        if options["output"] is None:
            sys.stdout.writelines(f"{line}\n" for line in lines)
            return
        try:
            with open(options["output"], "w", encoding="utf-8") as file:
                file.writelines(f"{line}\n" for line in lines)
        except OSError as exc:
            raise CommandError(f"{options['output']} cannot be written: {exc.strerror}") from None
