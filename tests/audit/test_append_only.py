"""Append-only by the database: what raw SQL may not do to the log, on SQLite and on PostgreSQL."""

import json
from pathlib import Path
from uuid import uuid4

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from customers.audit import access_events, chain, entries, triggers
from customers.audit.actions import Action, Outcome
from customers.audit.entries import FieldOutcome
from customers.audit.models import Access, AccessEvent, Entry, Head, StoredSeal, VaultItem
from customers.services.record import act_of
from tests.conftest import AGENT
from tests.people import actor

ROOT = Path(__file__).resolve().parent.parent.parent
COLUMNS = [column.column for column in Entry._meta.concrete_fields]

only_sqlite = pytest.mark.skipif(connection.vendor != "sqlite", reason="of SQLite's own")
only_postgresql = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="of PostgreSQL's own"
)


def append(*findings, action=Action.CHANGE):
    act = act_of(action, actor(AGENT), "", customer_id="123", label="Ada Vance", request_id="r")
    with transaction.atomic():
        entries.append(uuid4(), act, findings)


def append_changes(count):
    for n in range(count):
        append(FieldOutcome("email", None, f"{n}@example.com", Outcome.APPLIED))


def append_anchor(seq):
    append(looks_like_an_anchor({"seq": seq, "digest": "00"}), action=Action.ANCHOR)


def looks_like_an_anchor(named):
    return FieldOutcome("entries", None, None, Outcome.APPLIED, detail=json.dumps(named))


def run(statement):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def refused(statement):
    """The database refuses the statement, and all rows are as before it."""
    before = rows()
    with pytest.raises(IntegrityError, match="the audit log only grows"):
        run(statement)
    return rows() == before


def rows():
    return [
        [bytes(value) if isinstance(value, memoryview) else value for value in row]
        for model in (Entry, Head, StoredSeal, AccessEvent, VaultItem)
        for row in model.objects.order_by("pk").values_list()
    ]


def numbers():
    return list(Entry.objects.order_by("seq").values_list("seq", flat=True))


def copied(seq, *, into="INSERT"):
    """A statement that inserts entry 1 once more, with another number."""
    names = ", ".join(f'"{name}"' for name in COLUMNS)
    values = ", ".join(str(seq) if name == "seq" else f'"{name}"' for name in COLUMNS)
    chosen = f"SELECT {values} FROM customers_entry WHERE seq = 1"
    return f"{into} INTO customers_entry ({names}) {chosen}"


def readiness(client):
    answer = client.get("/health/ready")
    return answer.status_code, answer.content.decode()


@pytest.fixture
def three_entries(db, monkeypatch):
    monkeypatch.setattr(chain, "SEALED_EVERY", 2)
    append_changes(3)


@pytest.fixture
def three_looks(db):
    for customer_id in ("101", "102", "103"):
        access_events.record(
            Access.VIEW, actor=actor(AGENT), request_id="", customer_id=customer_id
        )


def looked_again(into, number, *, after=""):
    """A statement that inserts the first look once more, with the number of that one, plus some."""
    names = [column.column for column in AccessEvent._meta.concrete_fields]
    values = ", ".join(number if name == "id" else f'"{name}"' for name in names)
    names = ", ".join(f'"{name}"' for name in names)
    chosen = f"SELECT {values} FROM customers_accessevent WHERE customer_id = '101'"
    return f"{into} INTO customers_accessevent ({names}) {chosen}{after}"


def test_after_all_migrations_the_guard_is_complete_and_left_as_it_is(db):
    assert triggers.missing() == []
    with CaptureQueriesContext(connection) as queries:
        triggers.install()

    assert {query["sql"].split()[0] for query in queries} == {"SELECT"}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE customers_entry SET actor_name = 'Nobody' WHERE seq = 2",
        "UPDATE customers_entry SET seq = 9 WHERE seq = 3",
        "UPDATE customers_entry SET detail = detail",
        "DELETE FROM customers_entry WHERE seq = 3",
        "DELETE FROM customers_entry WHERE seq IN (1, 2)",
        "DELETE FROM customers_entry",
        copied(2) + ' AND TRUE ON CONFLICT ("seq") DO UPDATE SET "actor_name" = \'Nobody\'',
        "UPDATE customers_head SET seq = 2",
        "UPDATE customers_head SET id = 2",
        "DELETE FROM customers_head",
        "UPDATE customers_storedseal SET digest = signature",
        "DELETE FROM customers_storedseal",
        "INSERT INTO customers_head (id, seq, recorded_at, digest, key_id, signature)"
        " SELECT 1, 0, recorded_at, digest, key_id, signature FROM customers_head WHERE TRUE"
        " ON CONFLICT (id) DO UPDATE SET seq = excluded.seq",
        "UPDATE customers_accessevent SET actor_name = 'Nobody'",
        "UPDATE customers_accessevent SET id = 99 WHERE customer_id = '103'",
        "UPDATE customers_accessevent SET field = field",
        looked_again("INSERT", "id", after=" ON CONFLICT (id) DO UPDATE SET field = 'phones'"),
        # A value changes under another key only.
        "UPDATE customers_vaultitem SET encrypted = encrypted",
        "UPDATE customers_vaultitem SET key_id = key_id WHERE seq = 3",
        "UPDATE customers_vaultitem SET seq = 9, key_id = 'another' WHERE seq = 3",
    ],
)
def test_what_stands_in_the_log_cannot_be_changed(three_entries, three_looks, statement):
    assert refused(statement)


VALUES_OF_3 = (
    "INTO customers_vaultitem (seq, key_id, encrypted)"
    " SELECT 3, 'another', encrypted FROM customers_vaultitem WHERE seq = 1"
)


@only_sqlite
@pytest.mark.parametrize(
    "statement",
    [
        copied(2, into="INSERT OR REPLACE"),
        copied(2, into="REPLACE"),
        copied(2, into="INSERT OR IGNORE"),
        copied(0),
        "UPDATE OR REPLACE customers_entry SET seq = 2 WHERE seq = 3",
        "UPDATE OR IGNORE customers_entry SET actor_name = 'Nobody'",
        "UPDATE OR REPLACE customers_entry SET rowid = 2 WHERE seq = 3",
        "INSERT OR REPLACE INTO customers_head"
        " SELECT id, 0, recorded_at, digest, key_id, signature FROM customers_head",
        "UPDATE OR REPLACE customers_head SET seq = 0",
        "INSERT OR REPLACE INTO customers_storedseal"
        " SELECT seq, recorded_at, signature, key_id, digest FROM customers_storedseal",
        looked_again("INSERT OR REPLACE", "id + 1"),
        looked_again("REPLACE", "id"),
        looked_again("INSERT OR IGNORE", "id"),
        "UPDATE OR REPLACE customers_accessevent SET id = id + 1 WHERE customer_id = '101'",
        f"INSERT OR REPLACE {VALUES_OF_3}",
        f"REPLACE {VALUES_OF_3}",
        "UPDATE OR REPLACE customers_vaultitem SET seq = 3, key_id = 'another' WHERE seq = 1",
    ],
)
def test_nothing_can_be_replaced(three_entries, three_looks, statement):
    assert refused(statement)


AS_REPLICATION = "SET LOCAL session_replication_role = replica;"  # which passes triggers by


@only_postgresql
@pytest.mark.parametrize(
    "statement",
    [
        *(f"TRUNCATE {table}" for table in triggers.TABLES),
        "TRUNCATE customers_change, customers_entry CASCADE",
        "TRUNCATE customers_accessevent, customers_journalline CASCADE",
        "MERGE INTO customers_entry AS kept USING (SELECT 2 AS seq) AS other"
        " ON kept.seq = other.seq WHEN MATCHED THEN UPDATE SET detail = 'x'",
        "WITH gone AS (DELETE FROM customers_entry RETURNING seq) SELECT count(*) FROM gone",
        f"{AS_REPLICATION} DELETE FROM customers_entry",
        f"{AS_REPLICATION} UPDATE customers_head SET seq = 0",
        f"{AS_REPLICATION} UPDATE customers_accessevent SET actor_name = 'Nobody'",
        f"{AS_REPLICATION} UPDATE customers_vaultitem SET encrypted = encrypted",
    ],
)
def test_nothing_can_be_emptied_or_passed_by(three_entries, three_looks, statement):
    assert refused(statement)


@only_postgresql
def test_a_number_that_is_taken_or_below_the_first_cannot_be_inserted(three_entries, three_looks):
    for statement in (copied(2), copied(0), copied(-3), looked_again("INSERT", "id")):
        with pytest.raises(IntegrityError, match=r"duplicate key|entry_numbered"):
            run(statement)


@only_postgresql
def test_an_anchor_in_a_table_of_ones_own_counts_for_nothing(three_entries):
    """A session may put a table of the same name before ours."""
    run("CREATE TEMPORARY TABLE customers_entry (seq bigint, action text, detail text)")
    run("""INSERT INTO pg_temp.customers_entry VALUES (9, 'anchor', '{"seq": 9}')""")

    with pytest.raises(IntegrityError, match="the audit log only grows"):
        run("DELETE FROM public.customers_entry")


def test_a_look_may_leave(three_looks):
    run("DELETE FROM customers_accessevent WHERE customer_id <> '103'")

    assert AccessEvent.objects.get().customer_id == "103"


def test_entries_up_to_an_anchor_may_leave_and_none_beyond_it(three_entries):
    append_anchor(2)
    for beyond in ("", " WHERE seq = 3", " WHERE seq <= 3", " WHERE seq = 4"):
        assert refused(f"DELETE FROM customers_entry{beyond}")

    run("DELETE FROM customers_entry WHERE seq <= 2")
    append_changes(1)

    assert numbers() == [3, 4, 5]
    assert Head.objects.get().seq == 5


def test_the_newest_anchor_alone_counts_and_covers_what_stood_before_it(three_entries):
    append_anchor(99)  # more than there is
    append_changes(1)
    assert refused("DELETE FROM customers_entry WHERE seq = 4")
    assert refused("DELETE FROM customers_entry WHERE seq = 5")
    append_anchor(1)
    assert refused("DELETE FROM customers_entry WHERE seq <= 3")
    append_anchor(4)

    run("DELETE FROM customers_entry WHERE seq <= 4")

    assert numbers() == [5, 6, 7]


def test_what_a_value_holds_makes_no_anchor_and_stands_in_nobodys_way(three_entries):
    append(looks_like_an_anchor({"seq": 3, "digest": "00"}))
    assert refused("DELETE FROM customers_entry WHERE seq = 1")
    for detail in ("", "text", "3", '["x"]', '{"seq": "3"}'):
        append(FieldOutcome("email", None, None, Outcome.APPLIED, detail=detail))
    append_anchor(2)

    run("DELETE FROM customers_entry WHERE seq = 1")

    assert 1 not in numbers()


@pytest.mark.parametrize("seq", [None, "all", {}, 1e30])
def test_an_anchor_that_names_no_number_covers_nothing(three_entries, seq):
    append_anchor(seq)
    before = rows()

    with pytest.raises(DatabaseError, match=r"the audit log only grows|invalid input syntax"):
        run("DELETE FROM customers_entry WHERE seq = 1")

    assert rows() == before


UNPROTECTED = (503, "the audit log is not protected by the database\n")


def is_noticed_and_repaired(client, *names):
    assert triggers.missing() == list(names)
    assert readiness(client) == UNPROTECTED
    triggers.install()
    assert readiness(client) == (200, "ready\n")
    return True


def trigger_names():
    return triggers._SQLITE if connection.vendor == "sqlite" else triggers._POSTGRESQL


@pytest.mark.parametrize("name", trigger_names())
def test_without_one_of_its_triggers_the_product_is_not_ready(client, db, name):
    table, _, act = name.rpartition("_")
    run(f"DROP TRIGGER {name}" + (f" ON {table}" if connection.vendor == "postgresql" else ""))

    assert is_noticed_and_repaired(client, name)
    if connection.vendor == "sqlite":  # nor where it does something else
        run(f"DROP TRIGGER {name}")
        run(f"CREATE TRIGGER {name} BEFORE {act} ON {table} BEGIN SELECT 1; END")
        assert is_noticed_and_repaired(client, name)


ALTERED = {
    "ALTER TABLE customers_entry DISABLE TRIGGER customers_entry_update": ["entry_update"],
    "ALTER TABLE customers_entry ENABLE TRIGGER customers_entry_delete": ["entry_delete"],
    "ALTER TABLE customers_accessevent DISABLE TRIGGER customers_accessevent_update": [
        "accessevent_update"
    ],
    "ALTER TABLE customers_head DISABLE TRIGGER ALL": [
        *("head_update", "head_delete", "head_truncate")
    ],
    "CREATE OR REPLACE FUNCTION customers_refuse_unless_anchored() RETURNS trigger"
    " LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END'": ["entry_delete"],
    "ALTER FUNCTION customers_refuse_unless_anchored() RESET search_path": ["entry_delete"],
    "CREATE OR REPLACE TRIGGER customers_head_update BEFORE UPDATE ON customers_head"
    " FOR EACH ROW WHEN (new.seq < 0) EXECUTE FUNCTION customers_refuse()": ["head_update"],
    "CREATE OR REPLACE TRIGGER customers_entry_truncate BEFORE TRUNCATE ON customers_entry"
    " EXECUTE FUNCTION suppress_redundant_updates_trigger();"
    "ALTER TABLE customers_entry ENABLE ALWAYS TRIGGER customers_entry_truncate": [
        "entry_truncate"
    ],
}


@only_postgresql
@pytest.mark.parametrize(("statement", "missing"), ALTERED.items())
def test_a_trigger_that_is_disabled_or_altered_is_noticed(client, db, statement, missing):
    run(statement)

    assert is_noticed_and_repaired(client, *(f"customers_{name}" for name in missing))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("table", triggers.TABLES)
def test_a_table_that_is_renamed_and_named_back_is_guarded(table):
    run(f"ALTER TABLE {table} RENAME TO {table}_away")
    run(f"ALTER TABLE {table}_away RENAME TO {table}")

    assert triggers.missing() == []


@pytest.mark.django_db(transaction=True)
def test_a_table_that_a_migration_makes_anew_is_guarded_again():
    with connection.schema_editor() as editor:
        column = Entry._meta.get_field("locale")
        wider = column.clone()
        wider.max_length = 70
        wider.set_attributes_from_name("locale")
        editor.alter_field(Entry, column, wider)
    with connection.schema_editor() as editor:
        editor.alter_field(Entry, wider, column)

    if connection.vendor == "sqlite":
        assert triggers.missing() != []
    triggers.install()
    assert triggers.missing() == []
