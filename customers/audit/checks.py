"""Is what the database calls committed really on the disk, and what is deleted gone from it? Asked
where the product starts.
"""

import logging

from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError, connection

logger = logging.getLogger(__name__)
_FULL = 2  # PRAGMA synchronous: 0 off, 1 normal, 2 full, 3 extra


def check() -> None:
    """Raises ImproperlyConfigured if a commit could be lost, two writers take turns wrongly, or
    what is deleted stays.
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
    if connection.settings_dict["OPTIONS"].get("transaction_mode") != "IMMEDIATE":
        raise ImproperlyConfigured("SQLite must take its lock first: transaction_mode IMMEDIATE")


def _check_postgresql() -> None:
    try:
        commit = _ask("SHOW synchronous_commit")
    except OperationalError:  # pages can say so, and /health/ready does
        logger.warning("the database does not answer, so its durability is not checked")
        return
    if commit == "off":
        raise ImproperlyConfigured("PostgreSQL must wait for the disk: synchronous_commit is off")


def _ask(query: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return str(cursor.fetchone()[0])
