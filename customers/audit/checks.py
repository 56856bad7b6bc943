"""Is what the database calls committed really on the disk, and what is deleted gone from it? Asked
where the product starts.
"""

import logging

from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError, connection

logger = logging.getLogger(__name__)
_FULL = 2  # PRAGMA synchronous: 0 off, 1 normal, 2 full, 3 extra


def check() -> None:
    """Raises ImproperlyConfigured if a commit could be lost, or what is deleted stays.

    Settings of the whole PostgreSQL server are named in the process log: some storage is safe
    without them.
    """
    if connection.vendor == "sqlite":
        _check_sqlite()
    else:
        _check_postgresql()


def _check_sqlite() -> None:
    if (mode := _ask("PRAGMA journal_mode")) != "wal":
        raise ImproperlyConfigured(f"SQLite must keep a write-ahead log: journal_mode is {mode}")
    if (level := int(_ask("PRAGMA synchronous"))) < _FULL:
        raise ImproperlyConfigured(f"SQLite must wait for the disk: synchronous is {level}")
    if _ask("PRAGMA secure_delete") != "1":
        raise ImproperlyConfigured("SQLite must overwrite what is deleted: secure_delete is off")


def _check_postgresql() -> None:
    try:
        if _ask("SHOW synchronous_commit") == "off":
            raise ImproperlyConfigured("PostgreSQL must wait for the disk: synchronous_commit off")
        for name in ("fsync", "full_page_writes"):
            if _ask(f"SHOW {name}") == "off":
                logger.critical("PostgreSQL may lose or damage what is committed: %s is off", name)
    except OperationalError:  # pages can say so, and /health/ready does
        logger.warning("the database does not answer, so its durability is not checked")


def _ask(query: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return str(cursor.fetchone()[0])
