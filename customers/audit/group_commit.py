"""Group commit: one transaction appends the entries of all changes that were answered meanwhile.

The log has one lock, and whoever holds it waits for the disk. One change after the other, that wait
would bound how many people can save.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock

from django.db import DatabaseError, transaction

from customers.audit import chain, entries, journal
from customers.audit.entries import NewEntries
from customers.audit.models import Entry, Head, JournalLine


@dataclass(eq=False)
class _Answered:
    line: JournalLine
    new: NewEntries
    is_recorded: bool = False


class _SettledError(Exception):
    """Somebody else settled one of the lines."""


_waiting: list[_Answered] = []  # threads add to its end, whoever has the turn takes from its start
_turn = Lock()


def close(line: JournalLine, new: NewEntries) -> list[Entry] | None:
    """Append the entries of a line that was answered and delete the line, durably.

    None if nothing was written, since one of the lines was settled meanwhile or the transaction of
    another thread failed: the caller does it alone. Raises DatabaseError.
    """
    own = _Answered(line, new)
    _waiting.append(own)
    with _turn:
        if own in _waiting:
            _record_all()
    return new.entries if own.is_recorded else None


def _record_all() -> None:
    """Record what waits once the log's lock is there. If that fails, nothing waits any more."""
    try:
        with transaction.atomic():
            head = chain.lock()
            together = _take()
            _record(together, head)
    except _SettledError:
        return
    except DatabaseError:
        _take()
        raise
    for one in together:
        one.is_recorded = True


def _take() -> Sequence[_Answered]:
    together = list(_waiting)
    del _waiting[: len(together)]  # others have added some since
    return together


def _record(together: Sequence[_Answered], head: Head) -> None:
    deleted = [statement for one in together for statement in journal.closing(one.line)]
    counts = entries.insert([one.new for one in together], head, before=deleted)
    if counts[1 : len(deleted) : 2] != [1] * len(together):
        raise _SettledError
