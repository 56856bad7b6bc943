"""What makes the database itself refuse to change the log: triggers, on SQLite and on PostgreSQL.

Installed after every migration (`customers.apps`) and looked at by `/health/ready`. They hold for
whoever writes rows, with whatever statement. Who owns the tables can drop them, so on PostgreSQL
the product runs as a role that does not (docs/postgresql-roles.sql).

An entry leaves only when the newest anchor covers it: a later entry with action "anchor" whose
`detail` is {"digest": ..., "seq": N}, N being that entry's number or above it.
An access event may leave at any time, and is never changed.
"""

from collections.abc import Sequence
from typing import Any

from django.db import connection, transaction

TABLES = (
    "customers_entry",
    "customers_head",
    "customers_vaultitem",
    "customers_accessevent",
)
_REFUSAL = "the audit log only grows"

# <table>_<act>: when that act on a row is refused; always, if nothing is said. All names are
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
    # A number that nobody said is -1 here.
    "customers_accessevent_insert": """
        WHEN NEW."id" > 0 AND EXISTS (
            SELECT 1 FROM "customers_accessevent" WHERE "id" = NEW."id"
        )""",
    "customers_accessevent_update": "",
    # A value is encrypted anew under another key, and nothing else is done to it but to delete it.
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
    "customers_accessevent_update": ("STATEMENT", "customers_refuse"),
    "customers_accessevent_truncate": ("STATEMENT", "customers_refuse"),
    "customers_vaultitem_update": (
        "ROW WHEN (((new.seq <> old.seq) OR ((new.key_id)::text = (old.key_id)::text)))",
        "customers_refuse",
    ),
    "customers_vaultitem_truncate": ("STATEMENT", "customers_refuse"),
}
# {raise_} is always the same; {schema} is where the tables are.
_FUNCTIONS = {
    "customers_refuse": "BEGIN {raise_} END",
    "customers_refuse_unless_anchored": """
BEGIN
    IF (
        SELECT (anchor.detail::json ->> 'seq')::bigint FROM {schema}.customers_entry AS anchor
        WHERE anchor.action = 'anchor' AND anchor.seq > OLD.seq
        ORDER BY anchor.seq DESC LIMIT 1
    ) >= OLD.seq THEN
        RETURN OLD;
    END IF;
    {raise_}
END""",
}
_RAISE = f"RAISE EXCEPTION '{_REFUSAL}' USING ERRCODE = 'integrity_constraint_violation';"
# Not the caller's, who could put tables and operators of their own before ours.
_SEARCH_PATH = "search_path=pg_catalog, pg_temp"
_ALWAYS = "A"  # enabled, also where session_replication_role silences other triggers


def install() -> None:
    """Make the guard complete. Does nothing if it is, or if the tables are not there.

    So a role that does not own the tables can run `migrate` with nothing to apply.
    """
    if not set(TABLES) <= set(connection.introspection.table_names()) or not missing():
        return
    sqlite = connection.vendor == "sqlite"
    with transaction.atomic():
        remove()
        _execute(list(_sqlite_wanted().values()) if sqlite else _postgresql_installation())


def remove() -> None:
    """Take the guard away. The product does so only to put it up anew."""
    if connection.vendor == "sqlite":
        _execute([f'DROP TRIGGER IF EXISTS "{name}"' for name in _SQLITE])
        return
    with transaction.atomic():
        _execute([f"DROP TRIGGER IF EXISTS {name} ON {_table(name)}" for name in _POSTGRESQL])
        _execute([f"DROP FUNCTION IF EXISTS {_schema()}.{name}()" for name in _FUNCTIONS])


def missing() -> list[str]:
    """The names of the triggers that are absent, altered or disabled."""
    wanted: dict[str, Any]
    if connection.vendor == "sqlite":
        wanted, found = _sqlite_wanted(), _sqlite_found()
    else:
        wanted, found = _postgresql_wanted(), _postgresql_found()
    return [name for name, trigger in wanted.items() if found.get(name) != trigger]


def _sqlite_wanted() -> dict[str, str]:
    """name -> the statement that makes the trigger, which SQLite keeps to the letter."""
    return {
        name: f'CREATE TRIGGER "{name}" BEFORE {_act(name)} ON "{_table(name)}"{when}'
        f" BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"
        for name, when in _SQLITE.items()
    }


def _sqlite_found() -> dict[str, Any]:
    return dict(_rows("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"))


def _postgresql_wanted() -> dict[str, tuple[Any, ...]]:
    """name -> trigger, enabled, function, its text, its settings: as `_postgresql_found`."""
    schema = _schema()
    return {
        name: (
            _postgresql_trigger(schema, name),
            _ALWAYS,
            f"{schema}.{function}",
            _body(schema, function),
            [_SEARCH_PATH],
        )
        for name, (_, function) in _POSTGRESQL.items()
    }


def _postgresql_found() -> dict[str, tuple[Any, ...]]:
    rows = _rows(
        """
        SELECT t.tgname, split_part(pg_get_triggerdef(t.oid), ' EXECUTE ', 1), t.tgenabled,
            p.pronamespace::regnamespace || '.' || quote_ident(p.proname), p.prosrc, p.proconfig
        FROM pg_trigger AS t JOIN pg_proc AS p ON p.oid = t.tgfoid
        WHERE t.tgrelid IN (SELECT to_regclass(name) FROM unnest(%s::text[]) AS name)
        """,
        [list(TABLES)],
    )
    return {name: tuple(trigger) for name, *trigger in rows}


def _postgresql_installation() -> list[str]:
    schema = _schema()
    functions = [
        f"CREATE FUNCTION {schema}.{name}() RETURNS trigger LANGUAGE plpgsql"
        f" SET {_SEARCH_PATH} AS $${_body(schema, name)}$$"
        for name in _FUNCTIONS
    ]
    triggers = [
        f"{_postgresql_trigger(schema, name)} EXECUTE FUNCTION {schema}.{function}()"
        for name, (_, function) in _POSTGRESQL.items()
    ]
    always = [
        f"ALTER TABLE {schema}.{_table(name)} ENABLE ALWAYS TRIGGER {name}" for name in _POSTGRESQL
    ]
    return functions + triggers + always


def _postgresql_trigger(schema: str, name: str) -> str:
    each, _ = _POSTGRESQL[name]
    return f"CREATE TRIGGER {name} BEFORE {_act(name)} ON {schema}.{_table(name)} FOR EACH {each}"


def _body(schema: str, function: str) -> str:
    return _FUNCTIONS[function].format(schema=schema, raise_=_RAISE)


def _schema() -> str:
    """Where PostgreSQL keeps the tables, quoted."""
    [[schema]] = _rows(
        "SELECT relnamespace::regnamespace::text FROM pg_class"
        " WHERE oid = to_regclass('customers_entry')"
    )
    return str(schema)


def _table(name: str) -> str:
    return name.rpartition("_")[0]


def _act(name: str) -> str:
    return name.rpartition("_")[2].upper()


def _rows(query: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        return list(cursor.fetchall())


def _execute(statements: list[str]) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
