"""Everything that the product keeps, as bytes, wherever: a new table is there by itself."""

import subprocess
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.core.cache import cache
from django.db import connection

from tests.privacy import readings


def everything():
    """(where, bytes), of all that is stored now: rows, the database's own files, cache, tombstones.

    Beside each text stands what can be read in it: a session is signed, and no more.
    """
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            yield table, b"\n".join(_bytes(cell) for row in cursor.fetchall() for cell in row)
    if connection.vendor == "sqlite":
        file = Path(connection.settings_dict["NAME"])
        for path in file.parent.glob(f"{file.name}*"):
            # By another process: who closes a file gives up all locks of its own process on it, and
            # the next process to leave takes SQLite's log away from under the tests that follow.
            yield path.name, subprocess.check_output(["/bin/cat", path])
    yield "cache", b"\n".join(map(_bytes, cache._cache.values()))
    if (tombstones := Path(settings.AUDIT_TOMBSTONES)).exists():
        yield tombstones.name, tombstones.read_bytes()


@contextmanager
def statements():
    """Around what is done: every statement with its values, as a server might log it. It also holds
    what was stored in between and is there no more.
    """
    said = []

    def note(execute, sql, params, many, context):
        for values in params if many else [params]:
            said.append(b"\n".join(map(_bytes, [sql, *(values or ())])))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        yield said


def _bytes(value):
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    text = str(getattr(value, "obj", value))  # psycopg wraps JSON
    return "\n".join(readings(text)).encode("utf-8", "surrogatepass")
