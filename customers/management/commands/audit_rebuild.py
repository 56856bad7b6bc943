"""`manage.py audit_rebuild`: the lists of changes, made anew from the entries."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from customers.audit import projections


class Command(BaseCommand):
    """May be ended at any moment and begun again, and run beside the workers."""

    help = "Make the tables that lists of changes are made of anew from the entries. On PostgreSQL "
    help += "only the owner of the tables may."

    def handle(self, **options: Any) -> None:
        try:
            projections.rebuild(lambda done, last: self.stderr.write(f"{done:,} of {last:,}"))
        except DatabaseError as exc:
            raise CommandError(f"the database fails: {type(exc).__name__}") from None
        self.stdout.write("The lists are made anew.")
