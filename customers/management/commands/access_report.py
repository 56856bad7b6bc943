"""`manage.py access_report`: everything that is recorded about a person (art. 15 GDPR)."""

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from customers.audit.models import Access
from customers.management import commandline
from customers.services import report
from customers.services.report import Report

_LONGEST = 64  # characters that an access event can name a person by


class Command(BaseCommand):
    help = "Write everything that is recorded about a customer, or about a member of staff."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        person = parser.add_mutually_exclusive_group(required=True)
        person.add_argument("--customer", metavar="ID", type=commandline.customer_number)
        person.add_argument("--staff", metavar="SUB", help="the sign-in's identifier of the person")
        parser.add_argument("--issuer", help="whose SUB it is, if there are several")
        parser.add_argument("--format", choices=list(report.FORMATS), default="json")
        commandline.add_output(parser)

    def handle(self, **options: Any) -> None:
        customer_id, sub, output = (options[key] for key in ("customer", "staff", "output"))
        if sub is None and options["issuer"] is not None:
            raise CommandError("--issuer goes with --staff.")
        with commandline.reading_log():
            if sub is None:
                commandline.record(Access.REPORT, customer_id=customer_id)
                document = report.of_customer(customer_id)
            else:
                document = _of_staff(sub, options["issuer"])
            commandline.write(report.FORMATS[options["format"]](document), output)
        if output:
            self.stdout.write(f"Written: {output}")
        if not document.head["known"]:
            whom = f"customer {customer_id}" if sub is None else f"a member of staff known as {sub}"
            self.stderr.write(f"Nothing is recorded about {whom}.")


def _of_staff(sub: str, issuer: str | None) -> Report:
    if not sub or not sub.isprintable():
        raise CommandError("Nobody has such an identifier.")
    names = report.names_by_issuer(sub)
    issuer = issuer or (min(names, default="") if len(names) < 2 else None)
    if issuer is None or (names and issuer not in names):
        raise CommandError(f"Whose {sub}? Give --issuer, one of {', '.join(sorted(names))}")
    commandline.record(Access.REPORT, field=sub if len(sub) <= _LONGEST else "")
    return report.of_staff(issuer, sub, names.get(issuer, ()))
