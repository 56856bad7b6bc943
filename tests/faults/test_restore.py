"""A backup is restored as docs/operations.md says: what it lacks is named, who was forgotten stays
forgotten, and nobody is signed in.
"""

import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import pytest
from django.core.management import call_command
from django.db import connection

from crmadmin.sandbox import Fault
from customers.audit.models import Entry
from tests import log
from tests.acts import EMAIL, change, forget, let_the_grace_pass
from tests.conftest import HTMX, TOM
from tests.faults.conftest import assert_nothing_is_open, let_go_of_the_database
from tests.postgres import binaries

CUT = "the log was cut: a seal says that there was an entry 3"
pytestmark = pytest.mark.django_db(transaction=True)


def run(program, *arguments):
    """One of PostgreSQL's programs, on the database of the tests."""
    there = connection.settings_dict
    address = f"postgresql://{there['USER']}@{quote(there['HOST'], safe='')}/{there['NAME']}"
    done = subprocess.run(
        [binaries() / program, *arguments, "--dbname", address],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def back_up(file):
    if connection.vendor == "postgresql":
        run("pg_dump", "--format", "custom", "--file", file)
        return
    connection.ensure_connection()
    with closing(sqlite3.connect(file)) as copy:
        connection.connection.backup(copy)


def restore(file):
    """In place of all that the database holds now."""
    let_go_of_the_database()
    if connection.vendor == "postgresql":
        run("pg_restore", "--clean", "--if-exists", "--exit-on-error", file)
        return
    name = connection.settings_dict["NAME"]
    for beside in ("", "-wal", "-shm"):  # a new file: an old connection may still hold this one
        Path(f"{name}{beside}").unlink(missing_ok=True)
    shutil.copy(file, name)


def test_a_restored_backup_is_brought_up_to_date(agent, clubmed, tmp_path, settings):
    settings.AUDIT_TOMBSTONES = str(tmp_path / "tombstones.ndjson")
    change(agent, "first@example.com")
    clubmed.faults.add(Fault("drop_after", method="PATCH"))
    agent.post(EMAIL, agent.form(EMAIL) | {"value": "open@example.com"}, headers=HTMX)
    back_up(tmp_path / "backup")
    before = log.seal(tmp_path, "before")
    let_the_grace_pass()
    call_command("reconcile")
    change(agent, "Leeds", field="birth_city")
    after = log.seal(tmp_path, "after")
    forget(TOM)

    restore(tmp_path / "backup")

    assert agent.get("/").status_code == 200  # as somebody who was signed in then
    status, said = log.verify("--seal", after)
    assert (status, said.splitlines()[0]) == (1, CUT)
    let_the_grace_pass()
    call_command("forget_customer", replay=settings.AUDIT_TOMBSTONES)
    call_command("end_sessions", all=True)
    assert agent.get("/").status_code == 401
    assert [str(entry.new) for entry in Entry.objects.order_by("seq")] == ["erased"] * 2 + ["None"]
    assert_nothing_is_open()
    assert log.verify("--seal", before)[0] == 0
