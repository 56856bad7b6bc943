"""Is the log whole? Every digest is computed again, from the rows as the database holds them.

It may run beside the workers: entries never change, and it stops at the head that it read first.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from customers.audit import chain, digests, hashed, keys
from customers.audit.seals import Seal
from customers.models import Entry, Head

_STEP = 5_000  # entries, between two words of progress
_MOST = 20  # faults that are named


@dataclass(frozen=True)
class Fault:
    """Something that does not hold. seq: the entry, 0 for the head and for seals."""

    seq: int
    what: str

    def __str__(self) -> str:
        return f"entry {self.seq}: {self.what}" if self.seq else self.what


@dataclass
class Report:
    """What was verified: the entries after `after` up to `last`; faults: the first ones."""

    after: int = 0
    last: int = 0
    key_id: str = ""
    faults: list[Fault] = field(default_factory=list)

    def note(self, seq: int, what: str) -> None:
        if len(self.faults) < _MOST:
            self.faults.append(Fault(seq, what))


def verify(
    *,
    since: Seal | None = None,
    seals: Iterable[Seal] = (),
    progress: Callable[[int, int], None] = lambda seq, last: None,
) -> Report:
    """Verify the log, from its beginning or from a trusted seal, against seals kept elsewhere.

    progress: told the number reached and the last one, now and then.
    """
    report = Report()
    head = Head.objects.filter(pk=1).first()
    report.last = head.seq if head else 0
    expected = _expected(report, seals)
    report.after, before = _beginning(report, since)
    before, reached = _walk(report, before, expected, progress)
    _check_head(report, head, before, reached)
    return report


def _expected(report: Report, seals: Iterable[Seal]) -> dict[int, bytes]:
    """seq -> the digest that a seal says it had."""
    expected: dict[int, bytes] = {}
    for seal in seals:
        if not seal.is_ours():
            report.note(0, f"the seal of entry {seal.seq} is not signed with a key of ours")
        elif seal.seq > report.last:
            report.note(0, f"the log was cut: a seal says that there was an entry {seal.seq}")
        elif expected.setdefault(seal.seq, seal.digest) != seal.digest:
            report.note(seal.seq, "two seals of ours name different digests: the log was forked")
    return expected


def _beginning(report: Report, since: Seal | None) -> tuple[int, bytes]:
    """The number and the digest that the chain goes on from."""
    if since is None:
        return hashed.beginning()
    if not since.is_ours():
        report.note(0, f"the seal of entry {since.seq} is not signed with a key of ours")
    kept = Entry.objects.filter(seq=since.seq).values_list("digest", flat=True).first()
    if kept is None or bytes(kept) != since.digest:
        report.note(since.seq, "it is not the one that was sealed")
    return since.seq, since.digest


def _walk(
    report: Report,
    before: bytes,
    expected: dict[int, bytes],
    progress: Callable[[int, int], None],
) -> tuple[bytes, int]:
    """Every entry against its own digests and the one before it; the last digest and number."""
    reached, time = report.after, ""
    rows = hashed.rows(report.after, report.last)
    for seq, version, content, digest, *columns in rows:
        if seq % _STEP == 0:
            progress(seq, report.last)
        if seq != reached + 1:
            report.note(reached + 1, f"missing, up to {seq - 1}")
        if version != digests.VERSION:
            report.note(seq, f"its encoding is of an unknown version, {version}")
        elif not _gives(columns, content):
            report.note(seq, "its content gives another digest than the one recorded")
        if digests.entry_digest(seq, before, content) != digest:
            report.note(seq, "its digest does not follow from the entry before it")
        if seq in expected and expected[seq] != digest:
            report.note(seq, "it is not the one that was sealed")
        if columns[1] < time:
            report.note(seq, "it was recorded before the entry before it")
        reached, before, time = seq, digest, columns[1]
    return before, reached


def _gives(columns: list[Any], content: bytes) -> bool:
    try:
        return digests.content_digest(columns) == content
    except (TypeError, UnicodeEncodeError):  # no text at all: SQLite takes any value in any column
        return False


def _check_head(report: Report, head: Head | None, before: bytes, reached: int) -> None:
    if head is None or head.seq == 0:
        if Entry.objects.exists():
            report.note(0, "there are entries, and no head")
        return
    report.key_id = head.key_id
    if Entry.objects.filter(seq__gt=head.seq).exists() and Head.objects.get().seq == head.seq:
        report.note(head.seq + 1, "it comes after the head")
    if reached != head.seq:
        report.note(reached + 1, f"missing, up to the head at {head.seq}")
    elif bytes(head.digest) != before:
        report.note(0, "the head is not the digest of the last entry")
    message, signature = chain.message(head), bytes(head.signature)
    if keys.verifies(head.key_id, signature, message):
        return
    if keys.verifies(head.key_id, signature, message, former=True):
        what = "the head is signed with a former key: after a change of keys, audit_seal --rotate"
    else:
        what = "the head is not signed with a key of ours"
    report.note(0, what)
