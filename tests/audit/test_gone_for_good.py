"""What is forgotten or too old is gone from the database's files, and gone again after an older
backup was restored, out of 1,000 entries: a quarter is 37 months old, a quarter 13."""

import os
import re
import shutil
import sqlite3
import subprocess
from contextlib import closing
from datetime import timedelta
from functools import partial
from pathlib import Path
from unittest import mock
from uuid import uuid4

import psycopg
import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection, transaction
from django.utils import timezone

from customers.access import OPERATOR
from customers.audit import chain, journal
from customers.audit.actions import Action, Outcome
from customers.audit.entries import FieldOutcome
from customers.audit.models import Entry
from customers.services.record import act_of
from tests import log
from tests.conftest import SUPERVISOR, signed_in, text
from tests.faults.conftest import forking
from tests.postgres import binaries

DEAD = re.compile("[1-9][0-9]* dead row versions cannot be removed yet")
ENTRIES, OF_EACH, FIELDS = 1_000, 100, 5
FORGOTTEN, KEPT = "100", "101"


def fill():
    """Prints, encrypted: a line on its way, and values of both customers, from old to young."""
    call_command("migrate", verbosity=0)
    now, changes = timezone.now(), ENTRIES // FIELDS
    with transaction.atomic():
        for n in range(changes):
            months = 37 if n < changes // 4 else 13 if n < changes // 2 else 0
            then = now - timedelta(days=31 * months)
            findings = [
                FieldOutcome("email", "q", f"wombat {n} {m}", Outcome.APPLIED)
                for m in range(FIELDS)
            ]
            with mock.patch.object(timezone, "now", return_value=then):
                log.append(*findings, customer_id=str(100 + n % (ENTRIES // OF_EACH)))
    act = act_of(Action.CHANGE, OPERATOR, "wombat", customer_id=FORGOTTEN, label="Ada")
    line = journal.write(uuid4(), act, {"email": (None, "wombat")}, read_at=chain.position())
    print(bytes(line.encrypted).hex())
    with transaction.atomic():
        journal.close(line)
    for customer_id in (FORGOTTEN, KEPT):
        entries = Entry.objects.filter(customer_id=customer_id, action="change").order_by("seq")
        for entry in entries[::25]:
            print(bytes(entry.item.encrypted).hex())


def history(of=FORGOTTEN):
    print(text(signed_in(SUPERVISOR).page(f"/customers/{of}/history/")))


def replay():
    history()
    call_command("forget_customer", replay=settings.AUDIT_TOMBSTONES)


def look(after, exported):
    """What comes before, what people read, and what the verifiers are told."""
    after()
    history()
    history(KEPT)
    call_command("audit_export", output=str(exported))
    call_command("audit_verify")


class Sqlite:
    """A database in a file."""

    def __init__(self, folder):
        self.file = folder / "log.sqlite3"
        self.name = str(self.file)
        self.kept = folder / "backup.sqlite3"

    def vacuum(self):
        """Not needed: what is deleted is overwritten at once."""

    def back_up(self):
        with closing(sqlite3.connect(self.file, isolation_level=None)) as database:
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        shutil.copy(self.file, self.kept)

    def restore(self):
        for path in self.file.parent.glob("log.sqlite3*"):
            path.unlink()
        shutil.copy(self.kept, self.file)

    def content(self):
        return b"".join(path.read_bytes() for path in self.file.parent.glob("log.sqlite3*"))

    def end(self):
        pass


class PostgreSql:
    """A database of a server of our own."""

    def __init__(self, folder):
        self.server = os.environ["DATABASE_URL"].rpartition("/")[0]
        self.name = f"gone_{uuid4().hex}"
        self.url = f"{self.server}/{self.name}"
        self.kept = folder / "backup.dump"
        self._call("createdb")

    def vacuum(self):
        """While autovacuum looks at any table of the database, dead rows stay: again then."""
        vacuum, said = "VACUUM (FULL, VERBOSE) customers_vaultitem, customers_journalline", []
        with psycopg.connect(self.url, autocommit=True) as session:
            session.add_notice_handler(lambda notice: said.append(notice.message_detail or ""))
            session.execute(vacuum)
            while any(DEAD.search(detail) for detail in said):
                said.clear()
                session.execute(vacuum)

    def back_up(self):
        dump = [binaries() / "pg_dump", "-Fc", "-f", self.kept, self.url]
        subprocess.run(dump, check=True, capture_output=True)

    def restore(self):
        self.end()
        self._call("createdb")
        load = [binaries() / "pg_restore", "-d", self.url, self.kept]
        subprocess.run(load, check=True, capture_output=True)

    def content(self):
        """The files of the two tables that hold values, with what they hold out of line."""
        with psycopg.connect(self.url, autocommit=True) as session:
            session.execute("CHECKPOINT")
            [folder] = session.execute("SHOW data_directory").fetchone()
            files = session.execute(
                "SELECT pg_relation_filepath(held.oid) FROM pg_class AS c"
                " JOIN pg_class AS held ON held.oid IN (c.oid, c.reltoastrelid)"
                " WHERE c.relname IN ('customers_vaultitem', 'customers_journalline')"
            ).fetchall()
        return b"".join((Path(folder) / file).read_bytes() for (file,) in files)

    def end(self):
        self._call("dropdb", "--force")

    def _call(self, program, *options):
        """The socket's folder stands percent-encoded in the address."""
        folder = re.search("@(.*)$", self.server)[1].replace("%2F", "/")
        command = [binaries() / program, *options, "-h", folder, "-U", "postgres", self.name]
        subprocess.run(command, check=True, capture_output=True)


@pytest.fixture
def own_database(tmp_path):
    made = PostgreSql(tmp_path) if connection.vendor == "postgresql" else Sqlite(tmp_path)
    yield made
    made.end()


@forking
def test_what_is_forgotten_or_too_old_is_gone_for_good(own_database, elsewhere, tmp_path, settings):
    settings.AUDIT_TOMBSTONES = str(tmp_path / "tombstones.ndjson")

    def held(encrypted):
        content = own_database.content()
        return sum(one in content for one in encrypted)

    def reads(after):
        """What comes before, and then both customers' histories, of a log that is whole."""
        exported = tmp_path / f"{uuid4()}.ndjson"
        told = elsewhere({"NAME": own_database.name}, look, after, exported)
        *said, theirs, others, verified = told.splitlines()
        assert "whole" in verified
        assert log.verify_alone_here(exported)[0] == 0
        return "\n".join(said), theirs, others

    filled, before, others_before = reads(after=fill)
    on_its_way, *encrypted = map(bytes.fromhex, filled.split())
    gone, kept = encrypted[: len(encrypted) // 2], encrypted[len(encrypted) // 2 :]
    own_database.vacuum()
    assert (held(gone), held(kept)) == (len(gone), len(kept)) == (4, 4)
    own_database.back_up()

    said, theirs, others = reads(
        after=partial(call_command, "forget_customer", FORGOTTEN, reason="By letter")
    )
    own_database.vacuum()

    assert said.startswith(f"Customer {FORGOTTEN}: the values of 100 entries are erased.\n")
    assert (held(gone), held(kept), held([on_its_way])) == (0, len(kept), 0)
    assert "Customer forgotten" in theirs
    assert "wombat" not in theirs
    assert theirs.count("erased → erased") == before.count("wombat") == 20
    assert theirs.count("Inès") == before.count("Inès") == 20
    assert others == others_before

    own_database.restore()
    assert held(gone) == len(gone)
    said, theirs, _ = reads(after=replay)
    own_database.vacuum()

    restored, _, said = said.partition("\n")
    assert "wombat" in restored
    assert said.startswith("1 tombstone; 1 customer forgotten again: the values of 100 entries")
    assert (held(gone), held(kept)) == (0, len(kept))
    assert "wombat" not in theirs

    said, theirs, others = reads(after=partial(call_command, "audit_expire", execute=True))
    own_database.vacuum()

    assert re.search(r"Values older than .*: 450\.", said)  # half of what the others hold
    assert re.search(r"Entries older than .*: 250\.", said)
    young = kept[len(kept) // 2 :]
    assert (held(kept), held(young)) == (len(young), len(young))
    assert (others.count("erased → erased"), others.count("wombat")) == (5, 10)
    assert theirs.count("erased → erased") == 15
