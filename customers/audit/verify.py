"""Is the log whole? Every digest is computed again, from the rows as the database holds them.

It may run beside the workers: entries never change, and it stops at the head that it read first.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from operator import itemgetter
from typing import Any, NamedTuple

from django.db import DataError
from django.db.models import Exists, OuterRef, Subquery

from customers.audit import chain, erasure, signing, values
from customers.audit.models import SIDES, Action, Entry, Head, JournalLine, VaultItem
from customers.audit.signing import Seal

_STEP = 5_000  # entries, between two words of progress
_commitments = itemgetter(*(signing.COLUMNS.index(f"{side}_commitment") for side in SIDES))
_named = itemgetter(*map(signing.COLUMNS.index, ("field", "action", "change_id", "customer_id")))
_recorded_at = signing.COLUMNS.index("recorded_at")
_MOST = 20  # bad entries that are named, and bad seals


@dataclass
class Report:
    """What was verified: the entries after `after` up to `last`, and what does not hold.

    bad_entries: (seq, what). beside: what is wrong with open lines. compared: how many seals;
    uncompared: further ones, of entries before these. proven: last entry covered by a valid
    signature, of the head or of a seal. Digests alone prove nothing: an attacker can recompute
    them.
    """

    after: int = 0
    last: int = 0
    key_id: str = ""
    compared: int = 0
    uncompared: int = 0
    proven: int = 0
    bad_entries: list[tuple[int, str]] = field(default_factory=list)
    bad_head: list[str] = field(default_factory=list)
    bad_seals: list[str] = field(default_factory=list)
    beside: list[str] = field(default_factory=list)

    @property
    def first_bad(self) -> int:
        """The number of the first bad entry, the one after the last if there is none."""
        return min((seq for seq, _ in self.bad_entries if seq > self.after), default=self.last + 1)

    @property
    def faults(self) -> list[str]:
        """All in words, the first bad entry first."""
        entries = sorted(self.bad_entries, key=lambda fault: fault[0])
        named = (f"entry {seq}: {what}" for seq, what in entries)
        return [*named, *self.bad_head, *self.bad_seals, *self.beside]

    def note_entry(self, seq: int, what: str) -> None:
        if len(self.bad_entries) < _MOST:
            self.bad_entries.append((seq, what))

    def note_seal(self, what: str) -> None:
        if len(self.bad_seals) < _MOST:
            self.bad_seals.append(what)


class _Kept:
    """Seals that were kept elsewhere. expected: seq -> the digest that one says it had."""

    def __init__(self, seals: Iterable[Seal]) -> None:
        self.expected: dict[int, bytes] = {}
        self.counts: Counter[int] = Counter()
        self.faults: list[str] = []
        for seal in seals:
            self.counts[seal.seq] += 1
            if not seal.is_ours():
                self._note(f"the seal of entry {seal.seq} is not signed with a key of ours")
            elif self.expected.setdefault(seal.seq, seal.digest) != seal.digest:
                self._note(f"two seals of entry {seal.seq} differ: the log was forked")

    def _note(self, what: str) -> None:
        if len(self.faults) < _MOST:
            self.faults.append(what)


class _Walked(NamedTuple):
    """The last entry's number and digest; was each tied to the one before it, and the last number
    up to which they were and a seal agreed."""

    seq: int
    digest: bytes
    unbroken: bool
    sealed: int


def verify(
    *,
    since: Seal | None = None,
    seals: Iterable[Seal] = (),
    progress: Callable[[int, int], None] = lambda seq, last: None,
) -> Report:
    """Verify the log, from its beginning or from a trusted seal, against seals kept elsewhere.

    progress: told the number reached and the last one, now and then. Raises DatabaseError.
    """
    kept = _Kept(seals)
    while True:
        with suppress(chain.OldestLeftError):  # it goes on from an anchor that was not there yet
            return _verify(since, kept, progress)


def _verify(since: Seal | None, kept: _Kept, progress: Callable[[int, int], None]) -> Report:
    report = Report(bad_seals=list(kept.faults))
    head = _head(report)
    report.last = head.seq if head else 0
    report.after, before = _beginning(report, since)
    _compare_outside(report, before, kept)
    walked = _walk(report, before, kept.expected, progress)
    vouches = _check_head(report, head, walked) and walked.unbroken
    _check_strays(report)
    report.beside = [*islice(_bad_lines(), _MOST)]
    report.proven = min(report.first_bad - 1, report.last if vouches else walked.sealed)
    return report


def _head(report: Report) -> Head | None:
    """The head. Who writes to a database can put what is no time and no number into its columns."""
    try:
        head = Head.objects.filter(pk=1).first()
        if head is None or (chain.seal(head) and chain.message(head) and head.seq >= 0):
            return head
    except (DataError, ValueError, TypeError, AttributeError):
        pass
    report.bad_head.append("the head cannot be read")
    return None


def _compare_outside(report: Report, before: bytes, kept: _Kept) -> None:
    """What seals say of entries that are not walked: behind the head, or before the first."""
    for seq, digest in kept.expected.items():
        if seq > report.last:
            report.note_seal(f"the log was cut: a seal says that there was an entry {seq}")
        elif seq == report.after and digest != before:
            report.note_entry(seq, "it is not the one that was sealed")
    report.uncompared = sum(n for seq, n in kept.counts.items() if seq < report.after)
    report.compared = kept.counts.total() - report.uncompared


def _beginning(report: Report, since: Seal | None) -> tuple[int, bytes]:
    """The number and the digest that the chain goes on from."""
    low = Entry.objects.filter(seq__lt=1).order_by("seq").values_list("seq", flat=True).first()
    if low is not None:
        report.note_entry(low, "numbers begin at 1: it was put in")
    try:
        beginning = chain.beginning()
    except DataError:  # no anchor that can be read: the oldest are missing
        beginning = 0, signing.BEGINNING
    if since is None or since.seq < beginning[0]:  # its entry left with age
        return beginning
    if not since.is_ours():
        report.note_seal(f"the seal of entry {since.seq} is not signed with a key of ours")
    if since.seq > report.last:
        report.note_seal(f"the log was cut: a seal says that there was an entry {since.seq}")
        return since.seq, since.digest
    kept = Entry.objects.filter(seq=since.seq).values_list("digest", flat=True).first()
    if kept != since.digest:
        report.note_entry(since.seq, "it is not the one that was sealed")
    return since.seq, since.digest


def _walk(
    report: Report,
    before: bytes,
    expected: dict[int, bytes],
    progress: Callable[[int, int], None],
) -> _Walked:
    """Every entry against its own digests, the one before it and its seal."""
    reached, time, unbroken, sealed = report.after, "", True, report.after
    erased = erasure.Erased()
    for row in chain.hashed_rows(report.after, report.last, with_vault=True):
        seq, version, content, digest, *columns = row[: chain.WIDTH]
        if seq % _STEP == 0:
            progress(seq, report.last)
        if seq != reached + 1:
            unbroken = False
            report.note_entry(reached + 1, f"missing, up to {seq - 1}")
        if version != signing.VERSION:
            report.note_entry(seq, f"its encoding is of an unknown version, {version}")
        elif not _gives(columns, content):
            report.note_entry(seq, "its content gives another digest than the one recorded")
        if not _follows(seq, before, content, digest):
            unbroken = False
            report.note_entry(seq, "its digest does not follow from the entry before it")
        if seq in expected:
            if expected[seq] != digest:
                unbroken = False
                report.note_entry(seq, "it is not the one that was sealed")
            elif unbroken:
                sealed = seq
        recorded_at = columns[_recorded_at] or ""  # PostgreSQL has no text for a time without end
        if recorded_at < time:
            report.note_entry(seq, "it was recorded before the entry before it")
        if len(report.bad_entries) < _MOST:  # what follows may query
            for what in _vault_faults(seq, columns, row[chain.WIDTH :], erased):
                report.note_entry(seq, what)
        reached, before, time = seq, digest, recorded_at
    return _Walked(reached, before, unbroken, sealed)


def _vault_faults(
    seq: int, columns: Sequence[Any], held: Sequence[Any], erased: erasure.Erased
) -> list[str]:
    """What does not hold between an entry and the vault; it may leave while it is looked at."""
    if not [*_vault_faults_now(seq, columns, held, erased)]:
        return []
    erased.read()
    return [*_vault_faults_now(seq, columns, held, erased)]


def _vault_faults_now(
    seq: int, columns: Sequence[Any], held: Sequence[Any], erased: erasure.Erased
) -> Iterator[str]:
    commitments = _commitments(columns)
    field, action, change_id, customer_id = _named(columns)
    if held[0] is None:
        if not any(commitments) or erased.is_expired(seq):  # asked first: what follows may query
            return
        # Why somebody was forgotten is not theirs, and stays when they are forgotten again.
        if action == Action.FORGOTTEN or not erased.may_be_missing(seq, change_id, customer_id):
            yield "its values are missing, and no entry says that they were erased"
        return
    is_forgotten = action != Action.FORGOTTEN and erased.is_forgotten(seq, customer_id)
    if is_forgotten and _is_held(seq):
        yield "its values are there, although its customer was forgotten: forget_customer --replay"
    yield from values.faults(seq, field, commitments, held)


def _is_held(seq: int) -> bool:
    """Is it still there? What was read before its customer was forgotten need not be."""
    return VaultItem.objects.filter(pk=seq).exists()


def _bad_lines() -> Iterator[str]:
    for line in JournalLine.objects.order_by("sent_at").iterator():
        if not line.is_readable:
            yield f"the open line {line.pk} does not open: it was altered, or lacks its key"


def _check_strays(report: Report) -> None:
    """Values of no entry."""
    strays = VaultItem.objects.filter(~Exists(Entry.objects.filter(seq=OuterRef("pk"))))
    for seq in strays.order_by("pk").values_list("pk", flat=True)[:_MOST]:
        report.note_entry(seq, "there are values of it in the vault, and no such entry")


# SQLite takes any value in any column: what is no text and no digest gives none.


def _gives(columns: list[Any], content: bytes) -> bool:
    try:
        return signing.content_digest(columns) == content
    except (TypeError, UnicodeEncodeError):
        return False


def _follows(seq: int, before: bytes, content: bytes, digest: bytes) -> bool:
    try:
        return signing.entry_digest(seq, before, content) == digest
    except (TypeError, AttributeError):
        return False


def _check_head(report: Report, head: Head | None, walked: _Walked) -> bool:
    """Does the head vouch for the last entry?"""
    if head is None or head.seq == 0:
        if Entry.objects.exists() and not report.bad_head:
            report.bad_head.append("there are entries, and no head")
        return False
    report.key_id = head.key_id
    # In one statement, so that an append that comes in between changes nothing.
    head_now = Head.objects.filter(pk=1).values("seq")
    if Entry.objects.filter(seq__gt=Subquery(head_now)).exists():
        report.note_entry(head.seq + 1, "it comes after the head")
    if walked.seq < head.seq:
        report.note_entry(walked.seq + 1, f"missing, up to the head at {head.seq}")
    elif walked.seq == head.seq and bytes(head.digest) != walked.digest:
        report.bad_head.append("the head is not the digest of the last entry")
    message, signature = chain.message(head), bytes(head.signature)
    if signing.verifies(head.key_id, signature, message):
        return walked.seq == head.seq and bytes(head.digest) == walked.digest
    if signing.verifies(head.key_id, signature, message, former=True):
        what = "the head is signed with a former key: after a change of keys, audit_seal --rotate"
    else:
        what = "the head is not signed with a key of ours"
    report.bad_head.append(what)
    return False
