"""Group commit: one transaction appends the entries of all changes that were answered meanwhile.

The log has one lock, and whoever holds it waits for the disk. One change after the other, that wait
would bound how many people can save.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock

from django.db import DatabaseError, transaction

from customers.audit import chain, entries, journal, statements
from customers.audit.entries import NewEntries
from customers.audit.models import Entry, Head, JournalLine

_PATIENCE = 10  # seconds that a thread waits for its turn: the one before it may hang


@dataclass(eq=False)
class _Answered:
    """has_left: its thread waits no longer. error: why the log's lock was not to be had."""

    line: JournalLine
    new: NewEntries
    is_recorded: bool = False
    has_left: bool = False
    error: DatabaseError | None = None


class _SettledError(Exception):
    """Somebody else settled one of the lines."""


_waiting: list[_Answered] = []  # threads add to its end, whoever has the turn takes from its start
_turn = Lock()


def close(line: JournalLine, new: NewEntries) -> list[Entry] | None:
    """Append the entries of a line that was answered and delete the line, durably.

    None if nothing was written, since one of the lines was settled meanwhile, the transaction
    failed, or the turn did not come: the caller does it alone, with entries of its own. Raises
    DatabaseError if the log's lock is not to be had.
    """
    own = _Answered(line, new)
    statements.give_back_connection()  # whoever has the turn may be without one
    _waiting.append(own)
    if _turn.acquire(timeout=_PATIENCE):
        try:
            if own in _waiting:
                _record_all()
        finally:
            _turn.release()
    own.has_left = True
    if own.error:
        raise own.error
    return new.entries if own.is_recorded else None


def _record_all() -> None:
    """Record what waits once the log's lock is there. If that fails, nothing waits any more."""
    together: Sequence[_Answered] = ()
    try:
        with transaction.atomic(durable=True):
            head = chain.lock()
            together = _take()
            _record(together, head)
    except _SettledError:
        pass
    except DatabaseError as exc:
        if not together:
            for one in _take():
                one.error = exc
    else:
        for one in together:
            one.is_recorded = True


def _take() -> Sequence[_Answered]:
    there = list(_waiting)
    del _waiting[: len(there)]  # others have added some since
    return [one for one in there if not one.has_left]


def _record(together: Sequence[_Answered], head: Head) -> None:
    deleted = [statement for one in together for statement in journal.closing(one.line)]
    counts = entries.insert([one.new for one in together], head, before=deleted)
    lines_deleted = counts[1::2]
    if lines_deleted != [1] * len(together):
        raise _SettledError
