"""The order and the proof of the log: gapless numbers, a clock that never runs backwards, digests
in a chain, and a signed head.

The head row is locked before anything else in the appending transaction, so that two appends cannot
take one number. What the database says of the head is believed only if our key signed it: else a
forged head would be signed over by the next append.
"""

import json
import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.db import DatabaseError, connection, transaction
from django.db.transaction import TransactionManagementError
from django.utils import timezone

from customers.audit import signing, statements, verifier
from customers.audit.actions import Action
from customers.audit.models import Entry, Head, StoredSeal, facts, moment, number_in
from customers.audit.statements import Statement
from customers.audit.verifier import Seal

logger = logging.getLogger(__name__)
_AHEAD = timedelta(minutes=2)
SEALED_EVERY = 1_000  # entries
_sound: tuple[object, ...] = ()  # the head that this process verified or signed last


class ForgedHeadError(DatabaseError):
    """The head is not signed with our key: nothing may be appended, so nothing may be sent."""


def position() -> int:
    """The number of the newest entry, 0 before the first."""
    [(seq,)] = statements.planned("SELECT max(seq) FROM customers_head WHERE id = 1", ())
    return seq or 0


def newest_at(time: datetime) -> int:
    """The number of the newest entry of that time or before, 0 if there is none."""
    then = Entry.objects.filter(recorded_at__lte=time).order_by("-seq")
    return then.values_list("seq", flat=True).first() or 0


def oldest() -> int:
    """The number of the oldest entry, 1 in an empty log."""
    return Entry.objects.order_by("seq").values_list("seq", flat=True).first() or 1


def sound_position(change_id: UUID) -> tuple[int, bool]:
    """The number of the newest entry; and is this change in the journal or the log already?

    Raises ForgedHeadError if our key did not sign the head.
    """
    columns = statements.columns(Head, "head")
    query = f"""
        SELECT {columns}, EXISTS (SELECT 1 FROM customers_journalline WHERE change_id = %s)
            OR EXISTS (SELECT 1 FROM customers_entry WHERE change_id = %s)
        FROM (SELECT 1) one LEFT JOIN customers_head head ON id = 1"""  # noqa: S608
    key = Entry._meta.get_field("change_id").get_db_prep_save(change_id, connection)
    [(*row, is_known)] = statements.planned(query, [key, key])
    head = statements.row_of(Head, row)
    if head is None or head.seq == 0:
        if not Entry.objects.exists():
            return 0, bool(is_known)
        head = Head.objects.filter(pk=1).first() or _beginning()  # the first entry came just now
    _check(head)
    return head.seq, bool(is_known)


def lock(*, rotating: bool = False) -> Head:
    """The head, locked until the transaction ends. Raises ForgedHeadError.

    rotating: a head that a former key signed will do.
    """
    if not connection.in_atomic_block:
        raise TransactionManagementError("the log grows inside a transaction only")
    head = statements.find(Head, 1, locked=True)
    if head is None:
        Head.objects.bulk_create([_beginning()], ignore_conflicts=True)
        head = Head.objects.select_for_update().get()
    _check(head, rotating=rotating)
    return head


def extend(head: Head, entries: Iterable[Entry]) -> list[Statement]:
    """Give the entries their numbers, their time and their digests, and sign the head after them.

    head: locked. Returns the statements to run before the entries are inserted.
    """
    if warning := ahead_of_now(head):
        logger.warning(warning)
    start = head.seq
    head.recorded_at = max(timezone.now(), head.recorded_at)
    for entry in entries:
        head.seq += 1
        entry.seq, entry.recorded_at = head.seq, head.recorded_at
        entry.version = verifier.VERSION
        entry.content_digest = verifier.content_digest(columns(entry))
        head.digest = verifier.entry_digest(head.seq, bytes(head.digest), entry.content_digest)
        entry.digest = head.digest
    to_run = [_signing(head)]
    if head.seq // SEALED_EVERY > start // SEALED_EVERY:
        seal = StoredSeal(**seal_of(head)._asdict() | {"recorded_at": head.recorded_at})
        to_run += statements.inserting([seal])
    return to_run


def ahead_of_now(head: Head | None) -> str:
    """A sentence if the newest entry lies in the future of this machine's clock, else ""."""
    ahead = head.recorded_at - timezone.now() if head else timedelta(0)
    if ahead <= _AHEAD:
        return ""
    minutes = ahead // timedelta(minutes=1)
    return (
        f"The newest entry was recorded {minutes} minutes ahead of this machine’s clock: one of "
        "the clocks is wrong."
    )


def sign(head: Head) -> None:
    """Sign the head as it stands and save it; once committed, its seal goes to the process log."""
    statements.run([_signing(head)])


def _signing(head: Head) -> Statement:
    head.key_id = signing.current_key()
    head.signature = signing.sign(seal_of(head).message())
    _believe(head)
    seal = {"seal": seal_of(head).members()}
    transaction.on_commit(partial(logger.info, "appended", extra=seal))
    return statements.updating(head, "seq", "recorded_at", "digest", "key_id", "signature")


def log_seal() -> None:
    """Write the seal of the head to the process log, as appending does; nothing if there is none.

    Called when a process starts: beside earlier seals it shows that entries were lost.
    """
    try:
        head = Head.objects.filter(pk=1, seq__gt=0).first()
    except DatabaseError:  # pages can say so, and /health/ready does
        return
    if head is not None:
        logger.info("at start", extra={"seal": seal_of(head).members()})


def seal_of(head: Head | StoredSeal) -> Seal:
    digest, signature = bytes(head.digest), bytes(head.signature)
    return Seal(head.seq, moment(head.recorded_at), digest, head.key_id, signature)


def seal_line(head: Head) -> str:
    """The seal as one line of JSON: copied elsewhere, it proves later how far the log went."""
    return json.dumps(seal_of(head).members())


def columns(entry: Entry) -> Iterable[str]:
    """An entry's columns as they are hashed."""
    for name in verifier.COLUMNS:
        value = getattr(entry, name)
        if name == "recorded_at":
            yield moment(value)
        elif name == "change_id":
            yield value.hex
        else:
            yield str(value)


def _beginning() -> Head:
    return Head(pk=1, recorded_at=timezone.now(), digest=verifier.BEGINNING, signature=b"")


def _check(head: Head, *, rotating: bool = False) -> None:
    seal = seal_of(head)
    key = signing.current_key()
    if _sound == (key, seal):
        return
    if head.seq == 0 and not head.signature:
        is_ours = not Entry.objects.exists()
    else:
        is_ours = (rotating or seal.key_id == key) and signing.keys().signed(seal)
    if not is_ours:
        logger.critical("the head of the log is not signed with our key: nothing can be recorded")
        raise ForgedHeadError(
            "The head is not signed with our key: run audit_verify. After a change of keys, "
            "audit_seal --rotate signs it anew."
        )
    if not rotating and head.signature:
        _believe(head)


def _believe(head: Head) -> None:
    global _sound
    _sound = (signing.current_key(), seal_of(head))


# The entries as the texts that were hashed --------------------------------------------------------

_BATCH = 5_000  # entries
# Columns that a database does not hold as the text that is hashed.
_AS_TEXT = {
    "sqlite": {
        "recorded_at": "replace(e.recorded_at, ' ', 'T')"
        " || CASE length(e.recorded_at) WHEN 19 THEN '.000000Z' ELSE 'Z' END",
    },
    "postgresql": {
        "change_id": "replace(e.change_id::text, '-', '')",
        # Of infinity it is NULL, which is no text.
        "recorded_at": "coalesce(to_char(e.recorded_at AT TIME ZONE 'UTC',"
        """ 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), '')""",
    },
}
# Is an entry projected as the only one of its field, and as the first of its change?
_OF_BOTH = ("recorded_at", "action", "outcome", "customer_id")
_AS_A_FIELD = " AND ".join(
    [f"f.{name} = e.{name}" for name in (*_OF_BOTH, "change_id", "field", "flags", "request_id")]
    + ["e.outcome <> 'stored_as'"]
)
_AS_A_CHANGE = " AND ".join(
    [f"c.{name} = e.{name}" for name in (*_OF_BOTH, "change_id")] + ["c.actor_key = f.actor_key"]
)
WIDTH = 4 + len(verifier.COLUMNS)  # of a row, before what lies beside the entry


class OldestLeftError(Exception):
    """Entries left with age while they were read: begin again."""


def hashed_rows(after: int, last: int, *, beside: bool = False) -> Iterator[Sequence[Any]]:
    """The entries after one number, up to another: seq, version, content_digest, digest, and the
    columns as texts in the order of COLUMNS.

    beside: behind them the key id and the ciphertext of the values (None without); is the entry
    projected as the only one of its field, and as the first of its change; and the projected
    actor_key, which these two do not compare. Numbers may be missing. In batches: memory stays flat
    and no lock is held. Raises OldestLeftError.
    """
    columns = [_AS_TEXT[connection.vendor].get(name, f"e.{name}") for name in verifier.COLUMNS]
    source = "customers_entry AS e"
    if beside:
        columns += ["v.key_id", "v.encrypted", _AS_A_FIELD, _AS_A_CHANGE, "f.actor_key"]
        # PostgreSQL reads each from its beginning unless told where to begin.
        source += "".join(
            f" LEFT JOIN customers_{table} AS {key} ON {key}.seq = e.seq AND {key}.seq > %(after)s"
            for key, table in (("v", "vaultitem"), ("f", "changedfield"), ("c", "change"))
        )
    query = (
        "SELECT e.seq, e.version, e.content_digest, e.digest,"  # noqa: S608
        f" {', '.join(columns)} FROM {source}"
        f" WHERE e.seq > %(after)s AND e.seq <= %(last)s ORDER BY e.seq LIMIT {_BATCH}"
    )
    while after < last:
        with connection.cursor() as cursor:
            cursor.execute(query, {"after": after, "last": last})
            batch = cursor.fetchall()
        if (not batch or batch[0][0] > after + 1) and beginning()[0] > after:
            raise OldestLeftError
        if not batch:
            return
        yield from batch
        after = batch[-1][0]


def beginning() -> tuple[int, bytes]:
    """The number and the digest that the oldest entry follows: of none, or of an anchor."""
    first = Entry.objects.order_by("seq").values_list("seq", flat=True).first()
    if first is not None and first > 1:
        anchors = Entry.objects.filter(action=Action.ANCHOR).order_by("seq")
        for detail in anchors.values_list("detail", flat=True):
            if number_in(detail, "seq") == first - 1:
                with suppress(ValueError):
                    return first - 1, bytes.fromhex(str(facts(detail).get("digest")))
    return 0, verifier.BEGINNING
