"""`manage.py audit_export`: the log for an auditor, who checks it with `audit/verifier.py`."""

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from customers.audit import chain
from customers.audit.export import ndjson
from customers.audit.filters import LogFilter
from customers.audit.models import Access, Entry
from customers.management import commandline


class Command(BaseCommand):
    help = "Write the audit log as JSON lines, with all that proves it."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--format", choices=["ndjson"], default="ndjson")
        parser.add_argument("--from", dest="first", type=int, default=1, metavar="SEQ")
        parser.add_argument("--to", dest="last", type=int, metavar="SEQ")
        number, others = commandline.customer_number, "the others are reduced to digests"
        parser.add_argument("--customer", metavar="ID", type=number, help=others)
        parser.add_argument("--field", metavar="NAME", help=others)
        parser.add_argument("--values", action="store_true", help="with the values: personal data")
        commandline.add_output(parser)

    def handle(
        self, *, first: int, customer: str | None, field: str | None, **options: Any
    ) -> None:
        if options["last"] is not None and options["last"] < first:
            raise CommandError("--to is before --from.")
        wanted = LogFilter(
            customers=(customer,) if customer else (),
            fields=(field,) if field else (),
        )
        lines = ndjson(
            first=first, last=options["last"], filters=wanted, with_values=options["values"]
        )
        with commandline.reading_log():
            newest = chain.position()
            if first > max(newest, 1):
                raise CommandError(f"There is no entry {first}: the newest is {newest}.")
            if field and not Entry.objects.filter(field=field).exists():
                raise CommandError(f"There is no entry of a field {field}: nothing was written.")
            commandline.record(Access.EXPORT, customer_id=customer or "")
            commandline.write((f"{line}\n" for line in lines), options["output"])
