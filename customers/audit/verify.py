"""Is the log whole? Every digest is computed again, from the rows as the database holds them.

`customers.audit.verifier` walks through the entries; the vault, the journal and the projections are
compared with them here. It may run beside the workers: it stops at the head that it read first.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from operator import itemgetter
from typing import Any

from django.db import DataError
from django.db.models import Exists, OuterRef, Subquery
from django.utils import timezone

from customers.audit import chain, encryption, erasure, journal, models, projections, signing
from customers.audit.actions import SIDES, STAY_WHEN_FORGOTTEN
from customers.audit.models import Entry, Head, JournalLine, StoredSeal, VaultItem
from customers.audit.verifier import COLUMNS, MOST, Seal, Seals, Verifier

_STEP = 1_000  # entries, between two words of progress
_customer_id, _action, _field = map(COLUMNS.index, ("customer_id", "action", "field"))
_commitments = itemgetter(_field, *(COLUMNS.index(f"{side}_commitment") for side in SIDES))
# Columns that are equal in all entries of a change that were recorded at once with one outcome.
_OF_AN_ACT = ("change_id", "recorded_at", "action", "outcome", "customer_id")
_act = itemgetter(*map(COLUMNS.index, (*_OF_AN_ACT, "actor_issuer", "actor_sub")))
Progress = Callable[[int, int], None]


def verify(
    *,
    since: Seal | None = None,
    seals: Iterable[Seal] = (),
    progress: Progress = lambda seq, last: None,
) -> Verifier:
    """Verify the log, from its beginning or from a trusted seal, against seals from outside.

    progress: called with the number reached and the last. Raises DatabaseError, or TypeError and
    AttributeError where SQLite holds what is no text, no number and no bytes.
    """
    all_seals = Seals(signing.keys(), seals)
    while True:
        with suppress(chain.OldestLeftError):  # it goes on from an anchor that was not there yet
            return _verify(since, all_seals, progress)


def _verify(since: Seal | None, seals: Seals, progress: Progress) -> Verifier:
    walker = Verifier(signing.keys(), seals)
    head = _head(walker)
    _begin(walker, since, head)
    _walk(walker, head.seq, progress)
    _compare_stored_seals(walker)
    if head.seq >= max(walker.first - 1, 1):  # else the trusted seal says that the log was cut
        walker.end(head)
    _check_around(walker, head)
    walker.beside += [*islice(_line_faults(), MOST), *islice(projections.stray_faults(), MOST)]
    return walker


def _head(walker: Verifier) -> Seal:
    """The head; number 0 where there is none."""
    try:
        if row := Head.objects.filter(pk=1).first():
            return chain.seal_of(row)
    except (DataError, AttributeError):  # a time that Python does not have
        walker.bad_head.append("the head cannot be read")
    return Seal(0, "", b"", "", b"")


def _begin(walker: Verifier, since: Seal | None, head: Seal) -> None:
    """Begin the walk at the beginning, at an anchor, or at the trusted seal."""
    after, digest = chain.beginning()
    if since is None or since.seq < after:  # its entry left with age
        walker.begin(after, digest)
        return
    walker.begin(since.seq, since.digest, trusted=True)
    if not walker.keys.signed(since):
        what = f"the seal of entry {since.seq} is not signed with a key that was given"
        walker.bad_seals.append(what)
    if since.seq > head.seq:
        walker.bad_seals.append(f"the log was cut: a seal says that there was an entry {since.seq}")
        return
    own_digest = Entry.objects.filter(seq=since.seq).values_list("digest", flat=True).first()
    if own_digest != since.digest and after != since.seq:
        walker.bad_entry(since.seq, "it is not the one that was sealed", broken=True)


def _walk(walker: Verifier, last: int, progress: Progress) -> None:
    erasures = erasure.Erasures()
    suspects: dict[str, None] = {}  # in the order of the entries
    first, fields = (), set[str]()
    for row in chain.hashed_rows(walker.seq, last, beside=True):
        seq, version, content, digest = row[:4]
        columns = row[4 : chain.WIDTH]
        key_id, encrypted, is_projected, is_first, key = row[chain.WIDTH :]
        walker.entry(seq, content, digest, version, columns)
        _check_values(walker, erasures, seq, columns, key_id, encrypted)
        act, field = _act(columns), columns[_field]
        if is_first:
            first, fields = act, set()
        # Nothing more is asked about a change whose entries differ in their fields alone.
        is_known = is_projected and act == first and field not in fields
        if not is_known or models.actor_key(*act[-2:]) != key:
            suspects[act[0]] = None
        fields.add(field)
        if seq % _STEP == 0:
            progress(seq, last)
            _check_projections(walker, suspects)
    _check_projections(walker, suspects)


def _check_values(
    walker: Verifier,
    erasures: erasure.Erasures,
    seq: int,
    columns: Sequence[Any],
    key_id: str | None,
    encrypted: bytes,
) -> None:
    """key_id: None where the vault holds nothing."""
    field, *commitments = _commitments(columns)
    if key_id is None:
        if any(commitments) and not _is_erased(walker, seq, columns, erasures):
            walker.bad_entry(seq, "its values are missing, and no entry says that they were erased")
        return
    try:
        encryption.decrypt_values(seq, field, commitments, key_id, encrypted)
    except encryption.UnreadableError as exc:
        walker.bad_entry(seq, f"its values are {exc}")
    if (
        erasures.is_forgotten(seq, columns[_customer_id])
        and columns[_action] not in STAY_WHEN_FORGOTTEN
        and VaultItem.objects.filter(pk=seq).exists()  # else it left just now
    ):
        what = "its values are there, although its customer was forgotten"
        walker.bad_entry(seq, f"{what}: forget_customer --replay")


def _check_projections(walker: Verifier, suspects: dict[str, None]) -> None:
    room = MOST - len(walker.beside)
    walker.beside += islice(projections.faults(suspects), room) if room else ()
    suspects.clear()


def _is_erased(
    walker: Verifier, seq: int, columns: Sequence[Any], erasures: erasure.Erasures
) -> bool:
    """Does the log say so? Also True once MOST faults are named: one more would not be shown."""
    change_id, customer_id, action = _act(columns)[0], columns[_customer_id], columns[_action]
    for _ in range(2):
        if len(walker.bad_entries) == MOST or erasures.names(seq, change_id, customer_id, action):
            return True
        erasures.read()  # they may have been erased just now
    return False


def _compare_stored_seals(walker: Verifier) -> None:
    """A seal that was stored on the way counts if one of the keys signed it, and only then."""
    seals = StoredSeal.objects.filter(pk__gte=walker.first).order_by("pk")
    recorded = Subquery(Entry.objects.filter(pk=OuterRef("pk")).values("digest"))
    for row in seals.filter(pk__lte=walker.seq).annotate(recorded=recorded).iterator():
        seal = chain.seal_of(row)
        differs = row.recorded is not None and bytes(row.recorded) != seal.digest
        if differs and walker.keys.signed(seal):
            walker.bad_entry(seal.seq, "it is not the one that was sealed", broken=True)
    # In one statement, so that an append that comes in between changes nothing.
    head = Subquery(Head.objects.filter(pk=1).values("seq"))
    for seal in map(chain.seal_of, seals.filter(pk__gt=head)[:MOST]):
        if walker.keys.signed(seal):
            what = f"the log was cut: a seal says that there was an entry {seal.seq}"
            walker.bad_seals.append(what)


def _check_around(walker: Verifier, head: Seal) -> None:
    """Rows with numbers that no entry can have, or that come after the head; leftovers."""
    low = Entry.objects.filter(seq__lt=1).order_by("seq").values_list("seq", flat=True).first()
    if low is not None:
        walker.bad_entries.insert(0, (low, "numbers begin at 1: it was put in"))
    strays = VaultItem.objects.filter(~Exists(Entry.objects.filter(seq=OuterRef("pk"))))
    for seq in strays.order_by("pk").values_list("pk", flat=True)[:MOST]:
        walker.bad_entry(seq, "there are values of it in the vault, and no such entry")
    # In one statement, so that an append that comes in between changes nothing.
    head_now = Head.objects.filter(pk=1).values("seq")
    if head.seq and Entry.objects.filter(seq__gt=Subquery(head_now)).exists():
        walker.bad_entry(head.seq + 1, "it comes after the head")
    if head.seq or walker.bad_head:
        return
    if Entry.objects.exists():
        walker.bad_head.append("there are entries, and no head")
    elif leftovers := _leftovers():
        walker.bad_head.append(f"the log was emptied: {leftovers}, and no entry")


def _leftovers() -> str:
    """The traces of changes, in words. A sign-in, and a line that is new, may come first."""
    long_ago = timezone.now() - projections.WATCH
    queries = {
        "there are values": VaultItem.objects.all(),
        "there are rows of lists": models.ChangedField.objects.all(),
        "there are changes": models.Change.objects.all(),
        "there are old journal lines": JournalLine.objects.filter(sent_at__lt=long_ago),
        "somebody looked at a change": models.AccessEvent.objects.filter(change_id__isnull=False),
    }
    return ", ".join(words for words, rows in queries.items() if rows.exists())


def _line_faults() -> Iterator[str]:
    yield from journal.put_back()
    for line in JournalLine.objects.order_by("sent_at").iterator():
        if not line.is_readable:
            yield f"the open line {line.pk} does not open: it was altered, or lacks its key"
