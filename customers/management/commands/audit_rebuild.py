"""`manage.py audit_rebuild`: the lists of changes, made anew from the entries. May be ended at any
moment and begun again, and run beside the workers.
"""

from typing import Any

from django.core.management.base import BaseCommand

from customers.audit import projections
from customers.management import commandline


class Command(BaseCommand):
    help = "Make the lists of changes anew from the entries. Run it as the owner of the tables."

    def handle(self, **options: Any) -> None:
        with commandline.database_errors():
            projections.rebuild(lambda number, last: self.stderr.write(f"{number:,} of {last:,}"))
        self.stdout.write("The lists are made anew.")
