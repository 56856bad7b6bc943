"""Is an export of the audit log whole? One file, for an auditor to copy and read.

    python verifier.py EXPORT.ndjson --key PUBLIC_KEY [--key FORMER] [--seal FILE] [--log FILE]

Needs Python 3.11 and the package `cryptography`, and nothing of the product, which uses this file
itself. The first --key is the key that must have signed the head; further ones only vouch for seals
of their time. A seal (--seal: a file of them; --log: a process log with a line at each append) says
what entry N was at its time. Exit status 0: whole; 1: not whole, the first line says where; 2: the
files cannot be read.

docs/audit.md of the product says what is hashed and signed, and what that proves.
"""

import argparse
import base64
import hashlib
import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from json.encoder import encode_basestring
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

FORMAT = "crmadmin-audit-2"
VERSION = 3
# The hashed columns of an entry: all but its number, version and digests, in this order.
COLUMNS = (
    *("change_id", "recorded_at", "action", "customer_id", "customer_label_commitment"),
    *("actor_issuer", "actor_sub", "actor_name", "actor_roles"),
    *("reason_commitment", "locale", "request_id", "flags", "reverts", "related_commitment"),
    *("field", "old_commitment", "new_commitment", "found_commitment"),
    *("outcome", "evidence", "detail"),
)
BEGINNING = bytes(32)  # the digest before entry 1
MOST = 20  # faults of a sort that are named
_RECORDED_AT, _ACTION, _DETAIL = map(COLUMNS.index, ("recorded_at", "action", "detail"))


class UnreadableError(Exception):
    """A file is not what it should be."""


def text_array(texts: Iterable[str]) -> bytes:
    """A JSON array of texts, as RFC 8785 writes it."""
    return f"[{','.join(map(encode_basestring, texts))}]".encode()


def content_digest(columns: Iterable[str]) -> bytes:
    """SHA-256 of an entry's columns, each as text, in the order of COLUMNS."""
    texts = ",".join(map(encode_basestring, columns))
    return hashlib.sha256(f'["crmadmin-entry-{VERSION}",{texts}]'.encode()).digest()


def entry_digest(seq: int, before: bytes, content: bytes) -> bytes:
    """SHA-256 that ties an entry's content to its number and to the entry before it."""
    return hashlib.sha256(b"crmadmin-chain-1" + seq.to_bytes(8, "big") + before + content).digest()


def id_of(public_key: bytes) -> str:
    """The id of a key: the first 8 hex digits of the SHA-256 of its 32 public bytes."""
    return hashlib.sha256(public_key).hexdigest()[:8]


class Seal(NamedTuple):
    """A signed head. recorded_at as it was signed, digest and signature as bytes."""

    seq: int
    recorded_at: str
    digest: bytes
    key_id: str
    signature: bytes

    @classmethod
    def of(cls, members: Mapping[str, Any]) -> "Seal":
        """From the JSON object that the product writes. Raises UnreadableError."""
        try:
            return cls(
                int(members["seq"]),
                str(members["recorded_at"]),
                bytes.fromhex(members["digest"]),
                str(members["key_id"]),
                base64.urlsafe_b64decode(members["signature"] + "=="),
            )
        except (KeyError, TypeError, ValueError):
            raise UnreadableError("what should be a seal is none") from None

    def members(self) -> dict[str, Any]:
        """The same object: `of` makes a seal of it."""
        signature = base64.urlsafe_b64encode(self.signature).decode().rstrip("=")
        return self._asdict() | {"digest": self.digest.hex(), "signature": signature}

    def message(self) -> bytes:
        """The signed bytes: how far the log goes, and the digest of its last entry."""
        head = (str(self.seq), self.recorded_at, self.digest.hex(), self.key_id)
        return text_array(("crmadmin-head-1", *head))


class Keys:
    """Public keys by their id. public_keys: 32 bytes each, the current one first."""

    def __init__(self, public_keys: Iterable[bytes]) -> None:
        self.by_id = {id_of(key): Ed25519PublicKey.from_public_bytes(key) for key in public_keys}
        self.current = next(iter(self.by_id))

    def signed(self, seal: Seal) -> bool:
        """Did one of the keys sign this head?"""
        return self.verifies(seal.key_id, seal.signature, seal.message())

    def verifies(self, key_id: str, signature: bytes, message: bytes) -> bool:
        """Is it the signature of the key with that id?"""
        try:
            self.by_id[key_id].verify(signature, message)
        except (KeyError, InvalidSignature):
            return False
        return True


class Seals:
    """Seals from outside the log. digests: seq -> the digest of that entry in its seal."""

    def __init__(self, keys: Keys, seals: Iterable[Seal]) -> None:
        self.digests: dict[int, bytes] = {}
        self.counts: Counter[int] = Counter()
        self.faults: list[str] = []
        for seal in seals:
            self.counts[seal.seq] += 1
            if not keys.signed(seal):
                what = f"the seal of entry {seal.seq} is not signed with a key that was given"
            elif self.digests.setdefault(seal.seq, seal.digest) != seal.digest:
                what = f"two seals of entry {seal.seq} differ: the log was forked"
            else:
                continue
            self.faults = [*self.faults, what][:MOST]


class Verifier:
    """Walks through a log once, entry by entry, and collects what is wrong.

    `begin`, `entry` for each in order of its number, `end`. proven: the last entry covered by a
    valid signature, of the head or of a seal. Digests alone prove nothing: who changes an entry
    can compute them again.
    """

    def __init__(self, keys: Keys, seals: Seals) -> None:
        self.keys = keys
        self.seals = seals
        self.bad_entries: list[tuple[int, str]] = []
        self.bad_head: list[str] = []
        self.bad_seals = list(seals.faults)
        self.beside: list[str] = []  # faults of what lies beside the entries
        self.in_full = 0
        self.seq, self.digest, self.time = 0, BEGINNING, ""
        self.first, self.before, self.anchored = 1, BEGINNING, True
        self.proven = 0
        self.unbroken = True  # each entry tied to the one before it, as far as we are

    def bad_entry(self, seq: int, what: str, *, broken: bool = False) -> None:
        """broken: from here on, nothing that is signed later vouches for what came before."""
        self.unbroken = self.unbroken and not broken
        if len(self.bad_entries) < MOST:
            self.bad_entries.append((seq, what))

    def begin(self, after: int, digest: bytes, *, trusted: bool = False) -> None:
        """after, digest: of the entry before the first one. trusted: both are known to be right."""
        self.first, self.before = after + 1, digest
        self.seq, self.digest = after, digest
        self.anchored = trusted or after == 0
        if after == 0 and digest != BEGINNING:
            self.bad_entry(1, "something stands before the first entry", broken=True)
        if after in self.seals.digests:
            self.anchored = True
            self._compare_seal()

    def entry(
        self, seq: int, content: bytes, digest: bytes, version: int, columns: Sequence[str]
    ) -> None:
        """One entry. content, digest: as recorded; columns: as texts, in the order of COLUMNS."""
        self.in_full += 1
        if version != VERSION:
            self.bad_entry(seq, f"its encoding is of an unknown version, {version}")
        elif content_digest(columns) != content:
            self.bad_entry(seq, "its content gives another digest than the one recorded")
        else:
            if columns[_RECORDED_AT] < self.time:
                self.bad_entry(seq, "it was recorded before an entry before it")
            self.time = columns[_RECORDED_AT]
            if columns[_ACTION] == "anchor":
                self._compare_anchor(columns[_DETAIL])
        self.link(seq, content, digest)

    def link(self, seq: int, content: bytes, digest: bytes | None = None) -> None:
        """Tie an entry to the one before it. digest: as recorded; None if that is not known."""
        if seq != self.seq + 1:
            what = f"missing, up to {seq - 1}" if seq > self.seq + 1 else "out of its order"
            self.bad_entry(self.seq + 1, what, broken=True)
        follows = entry_digest(seq, self.digest, content)
        self.seq, self.digest = seq, follows if digest is None else digest
        if self.digest != follows:
            what = "its digest does not follow from the entry before it"
            self.bad_entry(seq, what, broken=True)
        if seq in self.seals.digests:
            self._compare_seal()

    def _compare_seal(self) -> None:
        if self.seals.digests[self.seq] != self.digest:
            self.bad_entry(self.seq, "it is not the one that was sealed", broken=True)
        elif self.unbroken:
            self.proven = self.seq

    def _compare_anchor(self, detail: str) -> None:
        """An anchor says which digest stands before the entries that are left."""
        with suppress(ValueError, LookupError, TypeError):  # what is no anchor proves nothing
            anchor = json.loads(detail)
            if anchor["seq"] == self.first - 1:
                self.anchored = True
                if anchor["digest"] != self.before.hex():
                    what = "what stands before it is not what the anchor says"
                    self.bad_entry(self.first, what, broken=True)

    def end(self, head: Seal) -> None:
        """The head's signature, and that it is the one of the last entry."""
        is_last = head.seq == self.seq and head.digest == self.digest
        if head.seq > self.seq:
            self.bad_entry(self.seq + 1, f"missing, up to the head at {head.seq}")
        elif head.seq < self.seq:
            self.bad_entry(head.seq + 1, "it comes after the head")
        elif not is_last:
            self.bad_head.append("the head is not the digest of the last entry")
        if not self.keys.signed(head):
            self.bad_head.append("the head is not signed with a key that was given")
        elif head.key_id != self.keys.current:
            self.bad_head.append(
                "the head is signed with a former key: after a change of keys, audit_seal --rotate"
            )
        elif is_last and self.unbroken:
            self.proven = self.seq
        cut = (seq for seq in sorted(self.seals.digests) if seq > head.seq)
        named = (f"the log was cut: a seal says that there was an entry {seq}" for seq in cut)
        self.bad_seals = [*self.bad_seals, *named][:MOST]

    @property
    def faults(self) -> list[str]:
        """The faults in words, the first bad entry first."""
        entries = sorted(self.bad_entries, key=lambda fault: fault[0])
        named = (f"entry {seq}: {what}" for seq, what in entries)
        return [*named, *self.bad_head, *self.bad_seals, *self.beside]

    @property
    def sound_up_to(self) -> int:
        """The last entry before the first bad one."""
        bad = (seq for seq, _ in self.bad_entries if seq >= self.first)
        return min(bad, default=self.seq + 1) - 1

    def report(self) -> list[str]:
        """The faults, and what is proven of the rest."""
        counts = self.seals.counts
        older = sum(count for seq, count in counts.items() if seq < self.first - 1)
        notes = []
        if older:
            notes.append(f"{older} seals of entries before these are not compared")
        if not self.anchored:
            notes.append(
                f"that entry {self.first} is the right beginning is not proven: give a seal of "
                f"entry {self.first - 1}, or an export from entry 1"
            )
        span = f"entries {self.first} to {self.seq}" if self.seq >= self.first else "no entries"
        summary = f"{counts.total() - older} seals compared, {self.in_full} entries in full"
        if not self.faults:
            return [*notes, f"{span}: whole, {summary}"]
        before = self.sound_up_to
        proven = min(self.proven, before)
        if proven >= self.first:
            notes.append(f"entries {self.first} to {proven} are whole")
        if max(proven + 1, self.first) <= before:
            notes.append(
                f"nothing signed vouches for entries {max(proven + 1, self.first)} to {before}: "
                "compare with a seal or a process log"
            )
        return [*self.faults, *notes, f"{span}: NOT whole, {summary}"]


# Files --------------------------------------------------------------------------------------------


def walk(verifier: Verifier, lines: Iterator[Any]) -> None:
    """Give an export to a verifier, line by line. Raises UnreadableError, or whatever else comes of
    lines that are none of an export.
    """
    about: Any = next(lines, {})
    if about.get("format") != FORMAT:
        raise UnreadableError("this is no export of the audit log")
    verifier.begin(about["from"] - 1, bytes.fromhex(about["before"]))
    head = None
    for line in lines:
        if head:
            raise UnreadableError("something follows the head")
        if "head" in line:
            head = Seal.of(line["head"])
        else:
            _walk_entry(verifier, line)
    if not head:
        raise UnreadableError("the export has no head: it was cut")
    if about["to"] != head.seq:
        verifier.bad_head.append("the export says that it ends elsewhere than at its head")
    verifier.end(head)


def _walk_entry(verifier: Verifier, line: Mapping[str, Any]) -> None:
    """One entry, in full or reduced to its digest."""
    seq, content = line["seq"], bytes.fromhex(line["content_digest"])
    if "content" not in line:
        verifier.link(seq, content)
        return
    texts = line["content"]
    columns = (
        [texts[name] for name in COLUMNS] if set(texts) == set(COLUMNS) else [""] * len(COLUMNS)
    )
    verifier.entry(seq, content, bytes.fromhex(line["digest"]), line["version"], columns)
    for side, value in line.get("values", {}).items():
        salted = (value["salt"] + value["text"]).encode()
        if hashlib.sha256(salted).hexdigest() != texts[f"{side}_commitment"]:
            verifier.bad_entry(seq, f"its {side} is not what it committed to")


def read_lines(path: str) -> Iterator[Any]:
    """The JSON of a file, one value a line. Raises OSError or ValueError."""
    with open(path, encoding="utf-8") as file:
        yield from (json.loads(line) for line in file if line.strip())


def seals_in(files: Iterable[str], logs: Iterable[str]) -> Iterator[Seal]:
    """The seals of files that hold nothing else, and those that appends left in process logs.

    Raises OSError, ValueError or UnreadableError; a line of a log that was garbled is no seal.
    """
    for path in files:
        yield from map(Seal.of, read_lines(path))
    for path in logs:
        with open(path, encoding="utf-8", errors="replace") as file:
            for line in file:
                _, is_seal, members = line.partition('"seal": {')
                if is_seal:
                    with suppress(UnreadableError, ValueError):
                        yield Seal.of(json.JSONDecoder().raw_decode("{" + members)[0])


def main() -> int:
    parser = argparse.ArgumentParser(description="Is an export of the audit log whole?")
    parser.add_argument("export")
    parser.add_argument("--key", action="append", required=True, help="the current one first")
    parser.add_argument("--seal", action="append", default=[], metavar="FILE")
    parser.add_argument("--log", action="append", default=[], metavar="FILE")
    options = parser.parse_args()
    try:
        keys = Keys(base64.urlsafe_b64decode(key + "=" * (-len(key) % 4)) for key in options.key)
    except ValueError:
        print("a --key is not 32 bytes in URL-safe base64")
        return 2
    try:
        verifier = Verifier(keys, Seals(keys, seals_in(options.seal, options.log)))
        walk(verifier, read_lines(options.export))
    except UnreadableError as exc:
        print(exc)
        return 2
    except (OSError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError) as exc:
        print(f"the files cannot be read: {type(exc).__name__}: {exc}")
        return 2
    print("\n".join(verifier.report()))
    return 1 if verifier.faults else 0


if __name__ == "__main__":
    sys.exit(main())
