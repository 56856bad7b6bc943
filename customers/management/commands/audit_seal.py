"""`manage.py audit_seal`, on a timer: what proves later how far the log went."""

import argparse
import base64
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from customers.audit import chain, signing
from customers.management import commandline


class Command(BaseCommand):
    help = "Print the signed head as a line of JSON, to be kept out of the database's reach."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--to", metavar="FILE", help="append the line to a file instead")
        parser.add_argument("--rotate", action="store_true", help="sign first with the new key")
        parser.add_argument("--public-key", action="store_true", help="print the public key alone")

    def handle(self, *, to: str | None, rotate: bool, public_key: bool, **options: Any) -> None:
        if public_key:
            self.stdout.write(base64.urlsafe_b64encode(signing.public_key()).decode())
            return
        with commandline.database_errors(), transaction.atomic():
            head = chain.lock(rotating=rotate)
            if rotate and head.seq:
                chain.sign(head)
        if head.seq == 0:
            raise CommandError("The log is empty: there is nothing to seal.")
        with commandline.writing(to):
            if to is None:
                self.stdout.write(chain.seal_line(head))
                return
            with open(to, "a", encoding="utf-8") as file:
                file.write(f"{chain.seal_line(head)}\n")
