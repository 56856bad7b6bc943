"""`manage.py audit_export`: the log for an auditor."""

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from customers.audit import chain
from customers.audit.encryption import UnreadableError
from customers.audit.export import ndjson
from customers.audit.models import Access
from customers.management import commandline

_NO_PROOF = "What was written has no head, and proves nothing."


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
        commandline.add_output(parser)

    def handle(self, **options: Any) -> None:
        if options["customer"] is not None:
            commandline.check_customer_number(options["customer"])
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
            commandline.record(Access.EXPORT, customer_id=options["customer"] or "")
            commandline.write((f"{line}\n" for line in lines), options["output"])
        except chain.OldestLeftError:
            raise CommandError(
                f"Old entries left while it was written: run it again. {_NO_PROOF}"
            ) from None
        except (DatabaseError, ValueError, TypeError, AttributeError, UnreadableError):
            # What the database holds is none of what was stored: text that is no text, no digest.
            raise CommandError(
                f"The log cannot be exported as it is: run audit_verify. {_NO_PROOF}"
            ) from None
