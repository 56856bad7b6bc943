"""How long a recorded change takes, beside a plain insert and beside what other logs add."""

import json
from time import perf_counter
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import connection, transaction

from customers.audit import chain, journal, reading
from customers.audit.actions import SIDES, Outcome
from customers.audit.models import Change
from customers.audit.statements import give_back_connection
from customers.services.record import record_answer
from tests.benchmarks import change
from tests.benchmarks.models import Audited, Historied, Person, Unfollowed

ROUNDS, WARM_UP = 400, 50


class Command(BaseCommand):
    """Prints JSON: {what: seconds, one a round}.

    What is compared takes turns, so that a busy moment of the machine meets all of it.
    """

    def handle(self, **options: Any) -> None:
        call_command("migrate", verbosity=0)
        call_command("migrate", run_syncdb=True, verbosity=0)  # our models refer to those
        people = {model: _person(model) for model in (Unfollowed, Audited, Historied)}
        acts = {
            "insert": insert,
            "change": record_change,
            "save": lambda: save(people[Unfollowed]),
            "save with django-auditlog": lambda: save(people[Audited]),
            "save with django-simple-history": lambda: save(people[Historied]),
        }
        for _ in range(WARM_UP):
            for act in acts.values():
                act()
        # With all these changes there, a page of them is a page of a log.
        acts |= {"page": read_page, "page, values opened": lambda: read_page(opened=True)}
        rounds = [[act() for act in acts.values()] for _ in range(ROUNDS)]
        self.stdout.write(json.dumps(dict(zip(acts, zip(*rounds, strict=True), strict=True))))


# Each returns the seconds it took, without what it prepared.


def insert() -> float:
    """The unit."""
    text = change.value()
    began = perf_counter()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("INSERT INTO benchmarks_row (text) VALUES (%s)", [text])
    return perf_counter() - began


def record_change() -> float:
    """A change of one field that Club Med takes, without the call and the reads before it."""
    change_id, act, read_at = change.change_id(), change.act(), chain.position()
    values = {change.FIELD: (change.value(), change.value())}
    began = perf_counter()
    line = journal.write(change_id, act, values, read_at=read_at)
    give_back_connection()
    record_answer(line, Outcome.APPLIED)
    return perf_counter() - began


def read_page(*, opened: bool = False) -> float:
    """A page of 50 changes with their entries; opened: and each of their values."""
    began = perf_counter()
    for shown in reading.page(Change.objects.all(), before=None).rows:
        for entry in shown.entries if opened else ():
            for side in SIDES:
                getattr(entry, side)
    return perf_counter() - began


def save(person: Person) -> float:
    person.email = change.value()
    began = perf_counter()
    person.save()
    return perf_counter() - began


def _person(model: type[Person]) -> Person:
    return model.objects.create(name="Tom Durand", email=change.value(), city="Lyon")
