"""Does the database store a commit on the disk, and overwrite a deleted value there?"""

import logging

from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError, connection

logger = logging.getLogger(__name__)
# (question, answers that will do, what must be so)
_REQUIRED = {
    "sqlite": (
        ("PRAGMA journal_mode", ("wal",), "SQLite must keep a write-ahead log"),
        ("PRAGMA synchronous", ("2", "3"), "SQLite must wait for the disk"),
        ("PRAGMA secure_delete", ("1",), "SQLite must overwrite what is deleted"),
    ),
    "postgresql": (
        (
            "SHOW synchronous_commit",
            ("local", "remote_write", "on", "remote_apply"),
            "PostgreSQL must wait for the disk",
        ),
    ),
}


def check() -> None:
    """Called when the product starts. Raises ImproperlyConfigured if a commit could be lost, or a
    deleted value stays on the disk.

    Settings of the whole PostgreSQL server are named in the process log: some storage is safe
    without them.
    """
    try:
        for question, answers, sentence in _REQUIRED[connection.vendor]:
            if (answer := _ask(question)) not in answers:
                raise ImproperlyConfigured(f"{sentence}: {question} is {answer}")
        for name in ("fsync", "full_page_writes") if connection.vendor == "postgresql" else ():
            if _ask(f"SHOW {name}") == "off":
                logger.critical("PostgreSQL may lose or damage what is committed: %s is off", name)
    except OperationalError:  # pages can say so, and /health/ready does
        logger.warning("the database does not answer, so its durability is not checked")


def _ask(question: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(question)
        return str(cursor.fetchone()[0])
