"""`manage.py audit_rewrap`: encrypt the log's values under the newest key. May be ended at any
moment and begun again, and run beside the workers.
"""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from customers.audit import encryption, values
from customers.management import commandline


class Command(BaseCommand):
    help = "Encrypt under the first of AUDIT_ENCRYPTION_KEYS what another one encrypted."

    def handle(self, **options: Any) -> None:
        with commandline.database_errors():
            whole = values.count_of_former_keys()
            count = values.rewrap(lambda count: self.stderr.write(f"{count:,} of {whole:,}"))
            rest = values.count_of_former_keys()
        key = encryption.current()
        if rest:
            raise CommandError(
                f"{count:,} rows are under key {key} now, and {rest:,} are not. Restart all "
                "workers with it and run this again; if it stays so, run audit_verify."
            )
        self.stdout.write(f"{count:,} rows encrypted anew; all are under key {key}.")
