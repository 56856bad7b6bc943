"""A log of a given length, whole in itself, who looked at it, and the room it takes."""

import argparse
import json
import random
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import connection, models, transaction

from customers.audit import chain, encryption, statements, verifier
from customers.audit.actions import SIDES, Action, Evidence, Outcome
from customers.audit.models import (
    PERSONAL,
    Access,
    AccessEvent,
    Act,
    Change,
    ChangedField,
    Entry,
    Head,
    VaultItem,
    actor_key,
    json_text,
    moment,
)
from tests.benchmarks import change

CHUNK = 2_000  # entries under one signature
_UNCLEAR = 60  # in a log of any length: somebody settles them
_KINDS = {
    Access.VIEW: 70,
    Access.AUDIT: 15,
    Access.SEARCH: 10,
    Access.REVEAL: 3,
    Access.SIGN_IN: 2,
}
_TABLES: tuple[type[models.Model], ...] = (Entry, VaultItem, Change, ChangedField)
_OF_AN_ACT = [column.name for column in Act._meta.get_fields()]
_SIZES = {
    "postgresql": "SELECT pg_total_relation_size(%s)",
    "sqlite": "SELECT sum(pgsize) FROM dbstat WHERE name IN"
    " (SELECT name FROM sqlite_master WHERE tbl_name = %s)",
}
AT_REST = {"postgresql": "VACUUM ANALYZE", "sqlite": "PRAGMA wal_checkpoint(TRUNCATE)"}


class Command(BaseCommand):
    """Prints JSON: {table: bytes an entry, with its indexes}."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("length", type=int)

    def handle(self, *, length: int, **options: Any) -> None:
        call_command("migrate", verbosity=0)
        while (done := chain.position()) < length:
            _append(done, min(length, done + CHUNK), length)
        for done in range(0, length, CHUNK):
            insert(AccessEvent, [_look((done + n) / length) for n in range(CHUNK)])
        with connection.cursor() as cursor:
            cursor.execute(AT_REST[connection.vendor])
        self.stdout.write(json.dumps({one.__name__: _bytes(one) / length for one in _TABLES}))


def insert(model: type[models.Model], rows: Iterable[Mapping[str, Any]]) -> None:
    """Rows of one table, at once; what is not given is "". Values as the database takes them."""
    columns, names, marks = statements._insert(model, ())
    table = model._meta.db_table
    values = ([row.get(column.attname, "") for column in columns] for row in rows)
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", values)
            return
        with cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
            for row in values:
                copy.write_row(row)


def as_stored(time: datetime) -> Any:
    """A time as the database takes it."""
    return connection.ops.adapt_datetimefield_value(time)


@transaction.atomic
def _append(done: int, until: int, length: int) -> None:
    """Changes up to about that entry, under one signature and in few statements.

    Of a day later: Club Med is not asked about them any more. It is what `entries.append` does for
    one change, without the objects in between: a million takes minutes so, and not an hour.
    """
    head = chain.lock()
    changes = []
    while head.seq < until:
        head.recorded_at = change.time_at(head.seq / length)
        changes.append([*_change(head, _outcome(length))])
    entries = [entry for of_change in changes for entry in of_change]
    for model in (Entry, VaultItem, ChangedField):
        insert(model, entries)
    insert(Change, [of_change[0] for of_change in changes])
    chain.sign(head)


def _change(head: Head, outcome: Outcome) -> Iterator[dict[str, Any]]:
    """The columns of the entries of one change, in the chain, and of all that belongs to each."""
    action = Action.CREATE if random.random() < 0.05 else Action.CHANGE
    change_id, act = change.change_id(), change.act(action)
    personal = {name: act[name] for name in PERSONAL if act.get(name)}
    hashed = {name: act.get(name, "") for name in _OF_AN_ACT} | {
        "change_id": change_id.hex,
        "recorded_at": moment(head.recorded_at),
        "outcome": outcome.value,
        "evidence": Evidence.ANSWER.value,
        "detail": "refused" if outcome is Outcome.REFUSED else "",
    }
    stored = {
        "change_id": Entry._meta.get_field("change_id").get_db_prep_value(change_id, connection),
        "recorded_at": as_stored(head.recorded_at),
        "version": verifier.VERSION,
        "key_id": encryption.current(),
        "actor_key": actor_key(act["actor_issuer"], act["actor_sub"]),
        "read_again_at": None,
        "unseen_by_author": False,
    }
    for field, (old, new) in change.values(action).items():
        values = {"old": old, "new": new, **personal}
        salted = {
            side: encryption.salted(json_text(values[side])) for side in SIDES if side in values
        }
        committed = {
            f"{side}_commitment": sha256(text).hexdigest() for side, text in salted.items()
        }
        entry = hashed | committed | {"field": field}
        content = verifier.content_digest([entry.get(name, "") for name in verifier.COLUMNS])
        head.seq += 1
        head.digest = verifier.entry_digest(head.seq, bytes(head.digest), content)
        encrypted = encryption.encrypt_values(head.seq, field, salted.values())
        proof = {"content_digest": content, "digest": head.digest, "encrypted": encrypted}
        yield entry | stored | proof | {"seq": head.seq, "entry_id": head.seq}


def _outcome(length: int) -> Outcome:
    """Mostly applied; 2 % refused, one in a thousand not seen applied, and a few unclear."""
    odds = random.random()
    if odds < _UNCLEAR / length:
        return Outcome.UNCLEAR
    if odds > 0.999:
        return Outcome.NOT_SEEN
    return Outcome.REFUSED if odds > 0.979 else Outcome.APPLIED


def _look(part: float) -> dict[str, Any]:
    """What somebody looked at, when that part of the log was recorded."""
    [kind] = random.choices(list(_KINDS), list(_KINDS.values()))
    agent = change.agent()
    return {
        **agent,
        "recorded_at": as_stored(change.time_at(part)),
        "kind": kind.value,
        "actor_key": actor_key(agent["actor_issuer"], agent["actor_sub"]),
        "customer_id": change.customer() if kind in (Access.VIEW, Access.REVEAL) else "",
        "field": "identity" if kind is Access.REVEAL else "",
        "change_id": None,
        "request_id": change.request_id(),
    }


def _bytes(model: type[models.Model]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(_SIZES[connection.vendor], [model._meta.db_table])
        return int(cursor.fetchone()[0])
