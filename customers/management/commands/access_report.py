"""`manage.py access_report`: everything that is recorded about a person."""

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from customers.audit.models import Access
from customers.management import commandline, report_formats
from customers.services import report
from customers.services.report import Report

_LONGEST = 64  # characters that an access event can name a person by
_FORMATS = {"json": report_formats.as_json, "html": report_formats.as_html}


class Command(BaseCommand):
    """For an answer to a request under art. 15 GDPR; docs/privacy.md says what is held."""

    help = "Write everything that is recorded about a customer, or about a member of staff."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        person = parser.add_mutually_exclusive_group(required=True)
        person.add_argument("--customer", metavar="ID")
        person.add_argument("--staff", metavar="SUB", help="the sign-in's identifier of the person")
        parser.add_argument("--issuer", help="whose SUB it is, if there are several")
        parser.add_argument("--format", choices=list(_FORMATS), default="json")
        commandline.add_output(parser)

    def handle(self, **options: Any) -> None:
        customer_id, issuer, output = (options[key] for key in ("customer", "issuer", "output"))
        if customer_id is not None and issuer is not None:
            raise CommandError("--issuer goes with --staff.")
        try:
            if customer_id is not None:
                made, whom = _of_customer(customer_id), f"customer {customer_id}"
            else:
                sub = options["staff"]
                made, whom = _of_staff(sub, issuer), f"a member of staff known as {sub}"
            commandline.write(_FORMATS[options["format"]](made), output)
        except (DatabaseError, ValueError, TypeError, KeyError, AttributeError):
            # What the database holds may be none of what was stored. Its text may hold values.
            raise CommandError(
                "The log cannot be read as it is: run audit_verify. There is no whole report."
            ) from None
        if output:
            self.stdout.write(f"Written: {output}")
        if not made.head["known"]:
            self.stderr.write(f"Nothing is recorded about {whom}.")


def _of_customer(customer_id: str) -> Report:
    commandline.check_customer_number(customer_id)
    commandline.record(Access.REPORT, customer_id=customer_id)
    return report.of_customer(customer_id)


def _of_staff(sub: str, issuer: str | None) -> Report:
    if not sub or not sub.isprintable():
        raise CommandError("Nobody has such an identifier.")
    names = report.names_by_issuer(sub)
    issuers = ", ".join(sorted(names))
    if issuer is None and len(names) > 1:
        raise CommandError(f"{sub} is of several: give --issuer, one of {issuers}")
    if issuer is not None and names and issuer not in names:
        raise CommandError(f"{sub} is not of {issuer}: give one of {issuers}")
    if issuer is None:
        issuer = next(iter(names), "")
    commandline.record(Access.REPORT, field=sub if len(sub) <= _LONGEST else "")
    return report.of_staff(issuer, sub, names.get(issuer, ()))
