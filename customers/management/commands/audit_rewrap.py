"""`manage.py audit_rewrap`: encrypt the log's values under the newest key."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from customers import encryption
from customers.audit import vault


class Command(BaseCommand):
    """May be ended at any moment and begun again, and run beside the workers."""

    help = (
        "Encrypt under the first of AUDIT_ENCRYPTION_KEYS what another one encrypted. Afterwards "
    )
    help += "the others can be taken away. Exit status 1: something is left."

    def handle(self, **options: Any) -> None:
        whole = vault.left_behind()
        try:
            done = vault.rewrap(lambda done: self.stderr.write(f"{done:,} of {whole:,}"))
        except encryption.UnreadableError:
            raise CommandError(
                "A row does not open with the keys that are given: run audit_verify. What was done "
                "is done."
            ) from None
        except DatabaseError as exc:
            raise CommandError(f"the database fails: {type(exc).__name__}") from None
        left = vault.left_behind()
        key = encryption.current()
        if left:  # a worker that does not know the newest key yet
            raise CommandError(f"{done:,} rows are under key {key} now, and {left:,} are not.")
        self.stdout.write(f"{done:,} rows encrypted anew; all are under key {key}.")
