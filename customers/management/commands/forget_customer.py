"""`manage.py forget_customer`: erase what the log holds of a customer."""

import argparse
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.template.defaultfilters import pluralize

from customers.access import OPERATOR
from customers.audit import tombstones
from customers.management import commandline
from customers.services.forget import forget_customer, replay
from customers.services.outcomes import InUse, NoTombstone, NotRecorded, NotSaved

_WHY = {
    InUse: "a change of this customer is not settled yet. Try again after `reconcile`.",
    NoTombstone: f"{settings.AUDIT_TOMBSTONES} cannot be written.",
}


class Command(BaseCommand):
    help = "Erase the values that the log holds of a customer, for good. Who changed them stays."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        number = commandline.customer_number
        parser.add_argument("customer_id", nargs="?", metavar="ID", type=number)
        parser.add_argument("--reason", help="kept in the log, so without personal data")
        again = "after a restored backup: forget again whom this file names (AUDIT_TOMBSTONES)"
        file = settings.AUDIT_TOMBSTONES
        parser.add_argument("--replay", nargs="?", const=file, metavar="FILE", help=again)

    def handle(self, **options: Any) -> None:
        customer_id, reason, file = (options[key] for key in ("customer_id", "reason", "replay"))
        if file is not None:
            if customer_id or reason:
                raise CommandError("--replay takes neither a customer nor a reason.")
            self._replay(file)
            return
        if not customer_id or not (reason or "").strip():
            raise CommandError("Name the customer and say why: forget_customer ID --reason WHY")
        try:
            count = forget_customer(customer_id, reason=reason.strip(), actor=OPERATOR, caller=None)
        except NotSaved as exc:
            raise CommandError(f"Nothing was erased: {_why(exc)}") from None
        nothing = f"The log held no values of customer {customer_id}: is that the number?"
        self.stdout.write(f"Customer {customer_id}: {_erased(count)}." if count else nothing)
        self.stdout.write(f"Named in {settings.AUDIT_TOMBSTONES}: keep it apart from the database.")

    def _replay(self, path: str) -> None:
        try:
            signed, others = tombstones.read(path)
        except OSError as exc:
            raise CommandError(f"{path} cannot be read: {exc.strerror}") from None
        customers, count, failures = set(), 0, 0
        for tombstone in signed:
            try:
                if number := replay(tombstone):
                    customers.add(tombstone.customer_id)
                    count += number
            except NotSaved as exc:
                self.stderr.write(f"Customer {tombstone.customer_id}: {_why(exc)}")
                failures += 1
        again = f"{len(customers):,} customer{pluralize(len(customers))} forgotten again: "
        again = again + _erased(count) if customers else "nobody had to be forgotten again"
        self.stdout.write(f"{len(signed):,} tombstone{pluralize(len(signed))}; {again}.")
        for line in others:
            self.stderr.write(f"{path}: line {line} is not signed by this product.")
        if failures:
            raise CommandError(f"{failures:,} could not be done: run it again.")
        if others:
            raise CommandError("Whoever is meant by such a line was not forgotten.")


def _erased(count: int) -> str:
    return f"the values of {count:,} entr{pluralize(count, 'y are,ies are')} erased"


def _why(exc: NotSaved) -> str:
    if isinstance(exc, NotRecorded):
        return str(exc.__cause__ or "the database fails.")
    return _WHY.get(type(exc), "Club Med does not say what came of an open change.")
