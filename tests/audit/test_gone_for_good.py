"""What is forgotten or too old is gone from the database's files, and gone again after an older
backup was restored, out of 1,000 entries: a quarter is 37 months old, a quarter 13."""

import os
import re
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from django.db import connection

from tests import log
from tests.demo import python
from tests.postgres import binaries

pytestmark = pytest.mark.django_db  # each on the database at hand
DEAD = re.compile("[1-9][0-9]* dead row versions cannot be removed yet")
ENTRIES, OF_EACH, FIELDS = 1_000, 100, 5
FORGOTTEN, KEPT = "100", "101"

FILL = f"""
from django.core.management import call_command
call_command("migrate", verbosity=0)
from datetime import timedelta
from unittest import mock
from uuid import uuid4
from django.db import transaction
from django.utils import timezone
from customers.services.record import act_of
from customers.access import OPERATOR
from customers.audit import chain, journal
from customers.audit.entries import FieldOutcome
from customers.audit.actions import Action, Outcome
from tests import log
now, changes = timezone.now(), {ENTRIES // FIELDS}
with transaction.atomic():
    for n in range(changes):
        months = 37 if n < changes // 4 else 13 if n < changes // 2 else 0
        then = now - timedelta(days=31 * months)
        findings = [FieldOutcome("email", "q", f"wombat {{n}} {{m}}", Outcome.APPLIED)
                    for m in range({FIELDS})]
        with mock.patch.object(timezone, "now", lambda: then):
            log.append(*findings, customer_id=str(100 + n % {ENTRIES // OF_EACH}))
act = act_of(Action.CHANGE, "{FORGOTTEN}", "Ada", OPERATOR, "", "wombat")
line = journal.write(uuid4(), act, {{"email": (None, "wombat")}}, read_at=chain.position())
print(bytes(line.encrypted).hex())
with transaction.atomic():
    journal.close(line)
from customers.models import Entry
for customer_id in ("{FORGOTTEN}", "{KEPT}"):
    entries = Entry.objects.filter(customer_id=customer_id, action="change").order_by("seq")
    for entry in entries[::25]:
        print(bytes(entry.item.encrypted).hex())
"""
COMMAND = "from django.core.management import call_command; call_command"
FORGET = f"{COMMAND}('forget_customer', '{FORGOTTEN}', reason='By letter')\n"
REPLAY = f"{COMMAND}('forget_customer', '--replay')\n"
EXPIRE = f"{COMMAND}('audit_expire', '--execute')\n"
HISTORY = f"""
from tests.conftest import SUPERVISOR, signed_in, text
print(text(signed_in(SUPERVISOR).page("/customers/{FORGOTTEN}/history/")))
"""
# What people read, and what the verifiers are told.
LOOK = f"""
from django.core.management import call_command
from tests.conftest import SUPERVISOR, signed_in, text
person = signed_in(SUPERVISOR)
for path in ("/customers/{FORGOTTEN}/history/", "/customers/{KEPT}/history/"):
    print(text(person.page(path)))
call_command("audit_export", output={{!r}})
call_command("audit_verify")
"""


class Sqlite:
    """A database in a file."""

    def __init__(self, folder):
        self.file = folder / "log.sqlite3"
        self.url = f"sqlite:///{self.file}"
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


def django(url, code, **environment):
    ours = {"DJANGO_SETTINGS_MODULE": "tests.settings", "DATABASE_URL": url}
    code = f"import django; django.setup()\n{code}"
    done = python("-W", "ignore", "-c", code, **environment, **ours)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def database(tmp_path):
    made = PostgreSql(tmp_path) if connection.vendor == "postgresql" else Sqlite(tmp_path)
    yield made
    made.end()


def test_what_is_forgotten_or_too_old_is_gone_for_good(database, tmp_path):
    environment = {"AUDIT_TOMBSTONES": str(tmp_path / "tombstones.ndjson")}

    def held(encrypted):
        content = database.content()
        return sum(one in content for one in encrypted)

    def reads(after):
        """What comes before, and then both customers' histories, of a log that is whole."""
        exported = tmp_path / f"{uuid4()}.ndjson"
        code = after + LOOK.format(str(exported))
        *said, theirs, others, verified = django(database.url, code, **environment).splitlines()
        assert "whole" in verified
        assert log.verify_alone_here(exported)[0] == 0
        return "\n".join(said), theirs, others

    filled, before, others_before = reads(after=FILL)
    on_its_way, *encrypted = map(bytes.fromhex, filled.split())
    gone, kept = encrypted[: len(encrypted) // 2], encrypted[len(encrypted) // 2 :]
    database.vacuum()
    assert (held(gone), held(kept)) == (len(gone), len(kept)) == (4, 4)
    database.back_up()

    said, theirs, others = reads(after=FORGET)
    database.vacuum()

    assert said.startswith(f"Customer {FORGOTTEN}: the values of 100 entries are erased.\n")
    assert (held(gone), held(kept), held([on_its_way])) == (0, len(kept), 0)
    assert "Customer forgotten" in theirs
    assert "wombat" not in theirs
    assert theirs.count("erased → erased") == before.count("wombat") == 20
    assert theirs.count("Inès") == before.count("Inès") == 20
    assert others == others_before

    database.restore()
    assert held(gone) == len(gone)
    said, theirs, _ = reads(after=HISTORY + REPLAY)
    database.vacuum()

    restored, _, said = said.partition("\n")
    assert "wombat" in restored
    assert said.startswith("1 tombstone; 1 customer forgotten again: the values of 100 entries")
    assert (held(gone), held(kept)) == (0, len(kept))
    assert "wombat" not in theirs

    said, theirs, others = reads(after=EXPIRE)
    database.vacuum()

    assert re.search(r"Values older than .*: 450\.", said)  # half of what the others hold
    assert re.search(r"Entries older than .*: 250\.", said)
    young = kept[len(kept) // 2 :]
    assert (held(kept), held(young)) == (len(young), len(young))
    assert (others.count("erased → erased"), others.count("wombat")) == (5, 10)
    assert theirs.count("erased → erased") == 15
