"""What the database calls committed is on the disk, and what is deleted is not, or the product does
not start."""

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection

from customers.audit import checks
from tests.demo import python

only_sqlite = pytest.mark.skipif(connection.vendor != "sqlite", reason="of SQLite's own")
only_postgresql = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="of PostgreSQL's own"
)


def set_up(statement):
    with connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.fixture
def afterwards_as_before(transactional_db):
    yield
    connection.close()  # the next one is set up as the settings say


def start(address):
    """Load the served product in a process of its own: its exit status, and what it printed."""
    ours = {"DJANGO_SETTINGS_MODULE": "crmadmin.settings", "DATABASE_URL": address}
    done = python("-c", "import crmadmin.wsgi", **ours)
    return done.returncode, done.stdout + done.stderr


def test_the_settings_are_durable(db):
    checks.check()


@only_sqlite
@pytest.mark.parametrize(
    ("pragma", "sentence"),
    [
        ("PRAGMA journal_mode = DELETE", "SQLite must keep a write-ahead log"),
        ("PRAGMA synchronous = NORMAL", "SQLite must wait for the disk"),
        ("PRAGMA synchronous = OFF", "SQLite must wait for the disk"),
        ("PRAGMA secure_delete = OFF", "SQLite must overwrite what is deleted"),
    ],
)
def test_sqlite_that_may_lose_a_commit_or_keep_what_is_deleted_is_refused(
    afterwards_as_before, pragma, sentence
):
    set_up(pragma)

    with pytest.raises(ImproperlyConfigured, match=sentence):
        checks.check()


@only_postgresql
def test_postgresql_that_may_lose_a_commit_is_refused(db):
    set_up("SET LOCAL synchronous_commit = off")

    with pytest.raises(ImproperlyConfigured, match="PostgreSQL must wait for the disk"):
        checks.check()


@only_postgresql
def test_a_server_that_may_lose_what_is_committed_is_named_in_the_process_log(db, caplog):
    """The tests' own server is such a one."""
    checks.check()

    named = [record.getMessage() for record in caplog.records if record.levelname == "CRITICAL"]
    assert named == [
        f"PostgreSQL may lose or damage what is committed: {name} is off"
        for name in ("fsync", "full_page_writes")
    ]


def test_the_served_product_starts_on_a_durable_database_only(tmp_path):
    assert start(f"sqlite:///{tmp_path}/log.sqlite3") == (0, "")

    status, said = start("sqlite://:memory:")

    assert status != 0
    assert said.splitlines()[-1].endswith("a write-ahead log: PRAGMA journal_mode is memory")


@only_postgresql
def test_the_served_product_starts_while_its_database_is_down(tmp_path):
    """It can say so then, and nothing is sent; /health/ready tells when it is back."""
    nowhere = str(tmp_path).replace("/", "%2F")

    status, said = start(f"postgres://crmadmin@{nowhere}/crmadmin")

    assert status == 0
    assert "the database does not answer, so its durability is not checked" in said
