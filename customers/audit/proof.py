"""The proof of one change: its entries as they were recorded, and the chain from the entry before
them up to the nearest head that was signed.

That is the head itself, or one that was stored on the way (`models.StoredSeal`). An entry that is
not the change's own counts with its digests alone.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import DatabaseError
from django.db.models import BooleanField, Value

from customers.audit import chain, encryption, signing
from customers.audit.erasure import Erasures
from customers.audit.export import as_line, values_in
from customers.audit.models import Entry, Head, Missing, StoredSeal
from customers.audit.verifier import COLUMNS, FORMAT, Keys, Seal, Seals, Verifier

MOST = 2_000  # entries of a proof
_Links = Mapping[int, tuple[bytes, bytes]]  # number of an entry -> its content digest, its digest


@dataclass(frozen=True)
class Proof:
    """The proof of one change, computed just now.

    entries: its own, in order. before: the digest that the first of them follows. seal: the signed
    head that vouches for them, None if none is near. faults: what does not match, in the words of
    `audit_verify`.
    """

    entries: Sequence[Entry]
    before: bytes
    links: _Links
    seal: Seal | None
    faults: Sequence[str]

    @property
    def is_proven(self) -> bool:
        return self.seal is not None and not self.faults

    @property
    def signed_at(self) -> datetime | None:
        """When the seal was signed."""
        return datetime.fromisoformat(self.seal.recorded_at) if self.seal else None

    @property
    def numbers(self) -> list[int]:
        return [entry.seq for entry in self.entries]

    @property
    def digest(self) -> bytes:
        """Of the last of its entries."""
        return bytes(self.entries[-1].digest)


def prove(entries: Sequence[Entry]) -> Proof:
    """Compute the digests of a change's entries again, and the links to what is signed.

    entries: all of them, in order.
    """
    try:
        return _prove(entries)
    except (DatabaseError, ValueError, TypeError, AttributeError):  # no row of ours holds such
        return Proof(entries, b"", {}, None, ["what is recorded of it cannot be read"])


def _prove(entries: Sequence[Entry]) -> Proof:
    first, last = entries[0].seq, entries[-1].seq
    keys = signing.keys()
    newest, seal = _nearest(first, last, keys)
    walker = Verifier(keys, Seals(keys, [seal] if seal else []))
    links = _links([entry.seq for entry in entries], seal)
    before = _before(walker, first, links)
    _walk(walker, {entry.seq: entry for entry in entries}, links, seal)
    if newest < last:
        walker.bad_entry(last, "it comes after the head")
    _check_values(walker, entries)
    return Proof(entries, before, links, seal, walker.faults)


def _nearest(first: int, last: int, keys: Keys) -> tuple[int, Seal | None]:
    """The number of the head, 0 if there is none, and the nearest seal that is in reach.

    A stored seal that no key signed proves nothing and is passed over; the head has to be signed.
    """
    columns = [column.name for column in StoredSeal._meta.concrete_fields]
    seals = StoredSeal.objects.filter(seq__gte=last, seq__lt=first + MOST)
    head, former = (
        rows.annotate(is_head=Value(is_head, BooleanField())).values_list(*columns, "is_head")
        for rows, is_head in ((Head.objects.filter(pk=1), True), (seals, False))
    )
    newest, candidates = 0, []
    for *row, is_head in head.union(former, all=True):
        seal = chain.seal_of(StoredSeal(*row))
        newest = seal.seq if is_head else newest
        if last <= seal.seq < first + MOST and (is_head or keys.signed(seal)):
            candidates.append(seal)
    return newest, min(candidates, default=None)


def _links(numbers: Sequence[int], seal: Seal | None) -> _Links:
    """From the entry before the first up to the seal; without one, the nearest neighbours."""
    rows = Entry.objects.select_related(None).order_by("seq")
    if seal:
        rows = rows.filter(seq__range=(numbers[0] - 1, seal.seq))
    else:
        rows = rows.filter(seq__in={seq + step for seq in numbers for step in (-1, 0, 1)})
    columns = rows.values_list("seq", "content_digest", "digest")
    return {seq: (bytes(content), bytes(digest)) for seq, content, digest in columns}


def _before(walker: Verifier, first: int, links: _Links) -> bytes:
    """The digest before the first entry: of an entry, of the beginning, or in an anchor."""
    if first - 1 in links:
        before = links[first - 1][1]
    else:
        after, before = chain.beginning()
        if after != first - 1:
            walker.bad_entry(first - 1, "missing", broken=True)
    walker.begin(first - 1, before, trusted=True)
    return before


def _walk(walker: Verifier, own: Mapping[int, Entry], links: _Links, seal: Seal | None) -> None:
    for seq, (content, digest) in links.items():
        if seq < min(own):
            continue
        if entry := own.get(seq):
            walker.entry(seq, content, digest, entry.version, tuple(chain.columns(entry)))
        elif seal or seq == walker.seq + 1:
            walker.link(seq, content, digest)
        else:  # the entries between two of the change's own are not checked
            walker.begin(seq, digest, trusted=True)
    if seal and walker.seq < seal.seq:
        walker.bad_entry(walker.seq + 1, f"missing, up to {seal.seq}", broken=True)


def _check_values(walker: Verifier, entries: Sequence[Entry]) -> None:
    """Check their values in the vault, except under a key that is not in the settings."""
    erasures = None
    for entry in entries:
        missing = {value for value in entry.contents.values() if isinstance(value, Missing)}
        if Missing.UNREADABLE in missing and encryption.has_key(entry.item.key_id):
            walker.bad_entry(entry.seq, "its values are not what it committed to")
        if Missing.ERASED in missing:
            erasures = erasures or Erasures()
            about = (str(entry.change_id), entry.customer_id, entry.action)
            if not erasures.names(entry.seq, *about):
                what = "its values are missing, and no entry says that they were erased"
                walker.bad_entry(entry.seq, what)


def lines(proof: Proof) -> Iterator[str]:
    """An export of this change that `audit/verifier.py` checks alone; no lines without a seal.

    Its entries are in full, with what they commit to but for sensitive fields and what is erased.
    """
    if not proof.seal:
        return
    own = {entry.seq: entry for entry in proof.entries}
    first, last = min(own), proof.seal.seq
    yield as_line({"format": FORMAT, "from": first, "to": last, "before": proof.before.hex()})
    for seq, (content, digest) in proof.links.items():
        if seq < first:
            continue
        line: dict[str, Any] = {"seq": seq, "content_digest": content.hex()}
        if entry := own.get(seq):
            columns = dict(zip(COLUMNS, chain.columns(entry), strict=True))
            line |= {"version": entry.version, "digest": digest.hex(), "content": columns}
            if not any(isinstance(value, Missing) for value in entry.contents.values()):
                item = entry.item
                line["values"] = values_in(seq, columns, item.key_id, bytes(item.encrypted))
        yield as_line(line)
    yield as_line({"head": proof.seal.members()})
