"""The roles of docs/postgresql-roles.sql: one that migrates, one that can only do the work, and one
that can only read the log.
"""

import os
import subprocess
from datetime import timedelta
from unittest import mock
from uuid import uuid4

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone
from psycopg.errors import InsufficientPrivilege

from tests.conftest import AGENT, HTMX, TOM, signed_in
from tests.demo import ROOT
from tests.faults.conftest import forking
from tests.postgres import binaries

pytestmark = [
    forking,
    pytest.mark.skipif(
        connection.vendor != "postgresql", reason="SQLite has no roles: who reads the file owns it"
    ),
]


def save():
    """Once, from the browser's side: sessions, journal, entries, head and projection."""
    agent, url = signed_in(AGENT), f"/customers/{TOM}/fields/email/"
    answer = agent.post(url, agent.form(url) | {"value": "new@example.com"}, headers=HTMX)
    print(answer.status_code, agent.get("/health/ready").content.decode())


def expire_in_four_years():
    then = timezone.now() + timedelta(days=4 * 366)
    with mock.patch.object(timezone, "now", return_value=then):
        call_command("audit_expire", execute=True, clock_is_right=True)


class Place:
    """A database of its own with its two roles."""

    def __init__(self, server, elsewhere):
        name = uuid4().hex
        self._server, self._elsewhere = server, elsewhere
        self.name, self.owner, self.app = f"roles_{name}", f"owner_{name}", f"app_{name}"
        self.auditor = f"auditor_{name}"

    def url(self, role):
        return f"{self._server.replace('//postgres@', f'//{role}@')}/{self.name}"

    def connect(self, role):
        return psycopg.connect(self.url(role).replace("postgres://", "postgresql://"))

    def run_script(self):
        done = subprocess.run(
            [
                *(binaries() / "psql", "--no-psqlrc", self.url("postgres")),
                *("-v", f"owner={self.owner}", "-v", f"app={self.app}"),
                *("-v", f"auditor={self.auditor}"),
                *("-f", ROOT / "docs/postgresql-roles.sql"),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    def done_as(self, role, act, *args):
        """What it printed."""
        return self._elsewhere({"NAME": self.name, "USER": role}, act, *args)

    def migrate(self, role, *where):
        return self.done_as(role, call_command, "migrate", *where)


@pytest.fixture(scope="module")
def place(elsewhere):
    """As the script's own text says: the roles, the migration as owner, and the script again."""
    server = os.environ["DATABASE_URL"].rpartition("/")[0]
    place = Place(server, elsewhere)
    administrator = psycopg.connect(f"{server}/postgres", autocommit=True)
    administrator.execute(f"CREATE DATABASE {place.name}")
    try:
        assert place.run_script() == (0, "")
        place.migrate(place.owner)
        assert place.run_script() == (0, "")
        yield place
    finally:
        administrator.execute(f"DROP DATABASE {place.name} WITH (FORCE)")
        administrator.execute(f"DROP ROLE IF EXISTS {place.owner}, {place.app}, {place.auditor}")
        administrator.close()


@pytest.fixture
def as_app(place):
    with place.connect(place.app) as session:
        yield session
        session.rollback()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE customers_entry SET actor_name = 'Nobody'",
        "DELETE FROM customers_entry",
        "TRUNCATE customers_entry",
        "SELECT 1 FROM customers_entry FOR UPDATE",
        "DELETE FROM customers_head",
        "TRUNCATE customers_head",
        "UPDATE customers_accessevent SET actor_name = 'Nobody'",
        "TRUNCATE customers_accessevent",
        "DELETE FROM customers_change",
        "TRUNCATE customers_journalline CASCADE",
        "INSERT INTO django_migrations (app, name, applied) VALUES ('customers', '0002', now())",
        "ALTER TABLE customers_entry ADD COLUMN more text",
        "ALTER TABLE customers_entry DISABLE TRIGGER customers_entry_update",
        "DROP TRIGGER customers_entry_update ON customers_entry",
        "CREATE TRIGGER more BEFORE INSERT ON customers_entry EXECUTE FUNCTION customers_refuse()",
        "CREATE OR REPLACE FUNCTION customers_refuse() RETURNS trigger"
        " LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
        "DROP FUNCTION customers_refuse() CASCADE",
        "DROP TABLE customers_entry",
        "CREATE TABLE more (id int)",
        "CREATE TEMPORARY TABLE customers_entry (id int)",
        "CREATE SCHEMA more",
        "SET session_replication_role = replica",
        "SET ROLE postgres",
        "SET ROLE {owner}",
        "CREATE ROLE more",
        "GRANT DELETE ON customers_entry TO CURRENT_USER; DELETE FROM customers_entry",
    ],
)
def test_what_is_no_work_of_the_workers_is_refused(place, as_app, statement):
    with pytest.raises(InsufficientPrivilege):
        as_app.execute(statement.format(owner=place.owner))


def rights(session):
    """table -> what the role may do with it."""
    found = session.execute(
        "SELECT table_name, string_agg(privilege_type, ' ' ORDER BY privilege_type)"
        " FROM information_schema.table_privileges"
        " WHERE table_schema = 'public' AND grantee = CURRENT_USER GROUP BY table_name"
    )
    return dict(found.fetchall())


def test_the_rights_of_the_application_role_are_these_and_no_other(place, as_app):
    """A table that a migration adds needs its line in the script."""
    assert rights(as_app) == {
        "customers_entry": "INSERT SELECT",
        "customers_head": "INSERT SELECT UPDATE",
        "customers_storedseal": "INSERT SELECT",
        "customers_change": "INSERT SELECT UPDATE",
        "customers_changedfield": "INSERT SELECT UPDATE",
        "customers_journalline": "DELETE INSERT SELECT UPDATE",
        "customers_claim": "DELETE INSERT SELECT UPDATE",
        "customers_accessevent": "DELETE INSERT SELECT",
        "customers_vaultitem": "DELETE INSERT SELECT UPDATE",
        "customers_colleague": "INSERT SELECT UPDATE",
        "customers_credential": "DELETE INSERT SELECT UPDATE",
        "customers_savedview": "DELETE INSERT SELECT UPDATE",
        "customers_verification": "DELETE INSERT SELECT UPDATE",
        "customers_remembered": "DELETE INSERT SELECT UPDATE",
        "crmadmin_session": "DELETE INSERT SELECT UPDATE",
        "crmadmin_spentlogouttoken": "DELETE INSERT SELECT",
        "django_migrations": "SELECT",
    }
    owned = as_app.execute("SELECT tablename FROM pg_tables WHERE tableowner = %s", [place.owner])
    assert {name for (name,) in owned} == rights(as_app).keys()


def test_the_auditor_can_read_the_log_and_nothing_else(place):
    with place.connect(place.auditor) as session:
        assert rights(session) == dict.fromkeys(
            (
                *("customers_entry", "customers_vaultitem", "customers_head"),
                *("customers_storedseal", "customers_change", "customers_changedfield"),
                *("customers_journalline", "customers_accessevent", "customers_verification"),
                "customers_colleague",
            ),
            "SELECT",
        )


def test_all_is_done_as_the_application_role_but_old_entries_are_removed_as_the_owner(
    place, clubmed
):
    """The auditor verifies it on a standby too, where every transaction only reads."""
    assert place.done_as(place.app, save) == "200 ready\n\n"
    assert clubmed.customers[TOM]["email"] == "new@example.com"
    with place.connect(place.app) as session:
        found = session.execute("SELECT seq, outcome FROM customers_entry").fetchall()
        assert found == [(1, "applied")]
        assert session.execute("SELECT seq FROM customers_head").fetchall() == [(1,)]
        assert session.execute("SELECT count(*) FROM customers_journalline").fetchone() == (0,)

    with pytest.raises(AssertionError, match="the database fails: InsufficientPrivilege"):
        place.done_as(place.app, call_command, "audit_rebuild")
    with pytest.raises(AssertionError, match="Only the owner of the tables may remove entries"):
        place.done_as(place.app, expire_in_four_years)

    held = "SELECT min(seq), (SELECT count(*) FROM customers_vaultitem) FROM customers_entry"
    with place.connect(place.app) as session:
        assert session.execute(held).fetchone() == (1, 0)
    place.done_as(place.owner, expire_in_four_years)
    with place.connect(place.app) as session:
        assert session.execute(held).fetchone()[0] > 1
    with place.connect("postgres") as session:
        session.execute(f"ALTER ROLE {place.auditor} SET default_transaction_read_only = on")
    assert "whole" in place.done_as(place.auditor, call_command, "audit_verify")


def test_migrating_to_nothing_and_back_works_as_the_owner_and_nothing_as_anybody(place):
    place.migrate(place.owner, "customers", "zero")
    place.migrate(place.owner)
    assert place.run_script() == (0, "")
    assert "No migrations to apply." in place.migrate(place.app)

    with place.connect(place.app) as session:
        assert session.execute(
            "SELECT count(*) FROM pg_trigger"
            " WHERE NOT tgisinternal AND tgenabled = 'A' AND tgname LIKE 'customers_%'"
        ).fetchone() == (13,)


def test_tables_that_the_administrator_made_are_handed_to_the_owner(place):
    with place.connect("postgres") as session:
        for [name] in session.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        ).fetchall():
            session.execute(f"ALTER TABLE {name} OWNER TO postgres")
        session.execute("ALTER FUNCTION customers_refuse() OWNER TO postgres")
        session.execute(f"GRANT ALL ON customers_entry TO {place.app}")

    assert place.run_script() == (0, "")

    with place.connect(place.app) as session:
        assert session.execute(
            "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'"
        ).fetchall() == [(place.owner,)]
        with pytest.raises(InsufficientPrivilege):
            session.execute("DELETE FROM customers_entry")
