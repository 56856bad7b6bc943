"""A log of a given length, whole in itself, and the room it takes."""

import argparse
import json
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import connection, models, transaction

from customers.audit import chain, projections, values
from customers.audit.actions import Evidence, Outcome
from customers.audit.models import Change, ChangedField, Entry, VaultItem
from tests.benchmarks import change

CHUNK = 1000
_TABLES: tuple[type[models.Model], ...] = (Entry, VaultItem, Change, ChangedField)
_SIZES = {
    "postgresql": "SELECT pg_total_relation_size(%s)",
    "sqlite": "SELECT sum(pgsize) FROM dbstat WHERE name IN"
    " (SELECT name FROM sqlite_master WHERE tbl_name = %s)",
}


class Command(BaseCommand):
    """Prints JSON: {table: bytes a row, with its indexes}."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("length", type=int)

    def handle(self, *, length: int, **options: Any) -> None:
        call_command("migrate", verbosity=0)
        for _ in range(chain.position(), length, CHUNK):
            _append(CHUNK)
        self.stdout.write(json.dumps({model.__name__: _bytes_a_row(model) for model in _TABLES}))


@transaction.atomic
def _append(count: int) -> None:
    """As many changes of one field each, under one signature and in few statements.

    Of a day later: Club Med is not asked about them any more.
    """
    made, salted = [], []
    for _ in range(count):
        act = change.act()
        committed = {
            "old": change.value(),
            "new": change.value(),
            "customer_label": act.pop("customer_label"),
        }
        del act["reason"]
        entry = Entry(
            change_id=change.change_id(),
            field=change.FIELD,
            outcome=Outcome.APPLIED,
            evidence=Evidence.ANSWER,
            **act,
        )
        salted.append(values.commit(entry, committed))
        made.append(entry)
    chain.extend(chain.lock(), made)
    Entry.objects.bulk_create(made)
    VaultItem.objects.bulk_create(map(values.item, made, salted))
    projected = [projections.projected([entry]) for entry in made]
    for row, _ in projected:
        row.read_again_at = None
    Change.objects.bulk_create(row for row, _ in projected)
    ChangedField.objects.bulk_create(row for _, rows in projected for row in rows)


def _bytes_a_row(model: type[models.Model]) -> float:
    with connection.cursor() as cursor:
        cursor.execute(_SIZES[connection.vendor], [model._meta.db_table])
        return int(cursor.fetchone()[0]) / model._default_manager.count()
