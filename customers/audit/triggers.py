"""Triggers that make the database itself refuse to change the log, on SQLite and PostgreSQL.

Installed after every migration (`customers.apps`) and checked by `/health/ready`. Who owns the
tables can drop them, so on PostgreSQL the product runs as a role that does not
(docs/postgresql-roles.sql).

An entry leaves only when the newest anchor covers it: a later entry with action "anchor" whose
`detail` is {"digest": ..., "seq": N}, N being that entry's number or above it.
"""

from typing import Any

from django.db import connection, transaction

TABLES = (
    *("customers_entry", "customers_head", "customers_storedseal"),
    *("customers_vaultitem", "customers_accessevent"),
)
_REFUSAL = "the audit log only grows"

# <table>_<act>: when that act on a row is refused; always without a condition. All names are
# quoted, as SQLite writes them when a table is renamed and named back.
_SQLITE = {
    # REPLACE deletes the row that has the number, and no trigger sees that.
    "customers_entry_insert": """
        WHEN NEW."seq" <= (SELECT max("seq") FROM "customers_entry")""",
    "customers_entry_update": "",
    # Only an anchor's detail is parsed, and only a number there counts: a text is above them all.
    "customers_entry_delete": """
        WHEN coalesce((
            SELECT CASE WHEN json_valid("detail") AND json_type("detail", '$.seq') = 'integer'
                THEN json_extract("detail", '$.seq') END
            FROM "customers_entry" WHERE "action" = 'anchor' AND "seq" > OLD."seq"
            ORDER BY "seq" DESC LIMIT 1
        ), 0) < OLD."seq\"""",
    "customers_head_insert": """
        WHEN EXISTS (SELECT 1 FROM "customers_head")""",
    "customers_head_update": """
        WHEN NEW."seq" < OLD."seq" OR NEW."id" <> OLD."id\"""",
    "customers_head_delete": "",
    "customers_storedseal_insert": """
        WHEN NEW."seq" <= (SELECT max("seq") FROM "customers_storedseal")""",
    "customers_storedseal_update": "",
    "customers_storedseal_delete": "",
    # A number that the database chooses is -1 here.
    "customers_accessevent_insert": """
        WHEN NEW."id" > 0 AND EXISTS (
            SELECT 1 FROM "customers_accessevent" WHERE "id" = NEW."id"
        )""",
    "customers_accessevent_update": "",
    # The only update of a value encrypts it under another key.
    "customers_vaultitem_insert": """
        WHEN EXISTS (SELECT 1 FROM "customers_vaultitem" WHERE "seq" = NEW."seq")""",
    "customers_vaultitem_update": """
        WHEN NEW."seq" <> OLD."seq" OR NEW."key_id" = OLD."key_id\"""",
}

# <table>_<act>: for each what that act is refused, as pg_get_triggerdef writes it, and by which
# function. A number that is taken is refused by the primary key.
_POSTGRESQL = {
    "customers_entry_update": ("STATEMENT", "customers_refuse"),
    "customers_entry_delete": ("ROW", "customers_refuse_unless_anchored"),
    "customers_entry_truncate": ("STATEMENT", "customers_refuse"),
    "customers_head_update": (
        "ROW WHEN (((new.seq < old.seq) OR (new.id <> old.id)))",
        "customers_refuse",
    ),
    "customers_head_delete": ("STATEMENT", "customers_refuse"),
    "customers_head_truncate": ("STATEMENT", "customers_refuse"),
    "customers_storedseal_update": ("STATEMENT", "customers_refuse"),
    "customers_storedseal_delete": ("STATEMENT", "customers_refuse"),
    "customers_storedseal_truncate": ("STATEMENT", "customers_refuse"),
    "customers_accessevent_update": ("STATEMENT", "customers_refuse"),
    "customers_accessevent_truncate": ("STATEMENT", "customers_refuse"),
    "customers_vaultitem_update": (
        "ROW WHEN (((new.seq <> old.seq) OR ((new.key_id)::text = (old.key_id)::text)))",
        "customers_refuse",
    ),
    "customers_vaultitem_truncate": ("STATEMENT", "customers_refuse"),
}
_RAISE = f"RAISE EXCEPTION '{_REFUSAL}' USING ERRCODE = 'integrity_constraint_violation';"
# {schema} is where the tables are.
_FUNCTIONS = {
    "customers_refuse": f"BEGIN {_RAISE} END",
    "customers_refuse_unless_anchored": f"""
BEGIN
    IF (
        SELECT (anchor.detail::json ->> 'seq')::bigint FROM {{schema}}.customers_entry AS anchor
        WHERE anchor.action = 'anchor' AND anchor.seq > OLD.seq
        ORDER BY anchor.seq DESC LIMIT 1
    ) >= OLD.seq THEN
        RETURN OLD;
    END IF;
    {_RAISE}
END""",  # noqa: S608
}
# Not the caller's, who could put tables and operators of their own before ours.
_SEARCH_PATH = "search_path=pg_catalog, pg_temp"


def install() -> None:
    """Create the missing triggers. Does nothing without any, or without the tables.

    So a role that does not own the tables can run `migrate` with nothing to apply.
    """
    if not set(TABLES) <= set(connection.introspection.table_names()) or not (names := missing()):
        return
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            for name in names:
                cursor.execute(f'DROP TRIGGER IF EXISTS "{name}"')
                cursor.execute(_sqlite_trigger(name))
            return
        schema = _schema()
        for function, body in _FUNCTIONS.items():
            cursor.execute(
                f"CREATE OR REPLACE FUNCTION {schema}.{function}() RETURNS trigger"
                f" LANGUAGE plpgsql SET {_SEARCH_PATH} AS $${body.format(schema=schema)}$$"
            )
        for name in names:
            table, _, _ = name.rpartition("_")
            cursor.execute(f"DROP TRIGGER IF EXISTS {name} ON {schema}.{table}")
            function = f"{schema}.{_POSTGRESQL[name][1]}()"
            cursor.execute(f"{_postgresql_trigger(schema, name)} EXECUTE FUNCTION {function}")
            # Also where session_replication_role silences other triggers.
            cursor.execute(f"ALTER TABLE {schema}.{table} ENABLE ALWAYS TRIGGER {name}")


def missing() -> list[str]:
    """The names of the triggers that are absent, altered or disabled."""
    if connection.vendor == "sqlite":  # which stores a statement to the letter
        rows = _rows("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
        expected: dict[str, Any] = {name: [_sqlite_trigger(name)] for name in _SQLITE}
    else:
        rows = _rows(_QUERY)
        schema = rows[0][-1] if rows else ""
        bodies = {name: body.format(schema=schema) for name, body in _FUNCTIONS.items()}
        expected = {
            name: [_postgresql_trigger(schema, name), "A", bodies[function], [_SEARCH_PATH], schema]
            for name, (_, function) in _POSTGRESQL.items()
        }
    triggers = {name: trigger for name, *trigger in rows}
    return [name for name, trigger in expected.items() if triggers.get(name) != trigger]


_QUERY = """
SELECT t.tgname, split_part(pg_get_triggerdef(t.oid), ' EXECUTE ', 1), t.tgenabled,
    p.prosrc, p.proconfig, c.relnamespace::regnamespace::text
FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = t.tgrelid JOIN pg_proc AS p ON p.oid = t.tgfoid
WHERE c.relnamespace = (
    SELECT relnamespace FROM pg_class WHERE oid = to_regclass('customers_entry')
)"""


def _sqlite_trigger(name: str) -> str:
    table, _, act = name.rpartition("_")
    return (
        f'CREATE TRIGGER "{name}" BEFORE {act.upper()} ON "{table}"{_SQLITE[name]}'
        f" BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"
    )


def _postgresql_trigger(schema: str, name: str) -> str:
    table, _, act = name.rpartition("_")
    each, _ = _POSTGRESQL[name]
    return f"CREATE TRIGGER {name} BEFORE {act.upper()} ON {schema}.{table} FOR EACH {each}"


def _schema() -> str:
    """The schema of the tables in PostgreSQL, quoted."""
    query = "SELECT relnamespace::regnamespace::text FROM pg_class"
    [[schema]] = _rows(f"{query} WHERE oid = to_regclass('customers_entry')")
    return str(schema)


def _rows(query: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return list(cursor.fetchall())
