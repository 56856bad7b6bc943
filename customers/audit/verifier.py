"""Is an export of the audit log whole? One file, for an auditor to copy and read.

    python verifier.py EXPORT.ndjson --key PUBLIC_KEY [--key FORMER] [--seal FILE] [--log FILE]

Needs Python 3.11 and the package `cryptography`, and nothing of the product. The first --key is the
key that must have signed the head; further ones only vouch for seals of their time. A seal (--seal:
a file of them; --log: a process log with a line at each append) says what entry N was at its time.
Exit status 0: whole; 1: not whole, the first line says where; 2: the files cannot be read.

What is hashed and signed, and what that proves, is written in docs/audit.md of the product.
"""

import argparse
import base64
import hashlib
import json
import sys
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

FORMAT = "crmadmin-audit-1"
VERSION = 2
COLUMNS = [
    *("change_id", "recorded_at", "action", "customer_id", "customer_label_commitment"),
    *("actor_issuer", "actor_sub", "actor_name", "actor_roles"),
    *("reason_commitment", "locale", "request_id", "field", "old_commitment", "new_commitment"),
    *("found_commitment", "outcome", "evidence", "detail"),
]
SEAL = {"seq", "recorded_at", "digest", "key_id", "signature"}
MOST = 20  # bad entries that are named, and bad seals
Json = dict[str, Any]


class UnreadableError(Exception):
    """A file is not what it should be."""


def text_array(*texts: str) -> bytes:
    """A JSON array of strings as RFC 8785 writes it."""
    return json.dumps(texts, ensure_ascii=False, separators=(",", ":")).encode()


def content_digest(content: Json) -> str:
    """The digest of an entry's columns, "" if they are not texts under these names."""
    if set(content) != set(COLUMNS) or not all(isinstance(text, str) for text in content.values()):
        return ""
    try:
        texts = text_array(f"crmadmin-entry-{VERSION}", *(content[name] for name in COLUMNS))
    except UnicodeEncodeError:  # half a character
        return ""
    return hashlib.sha256(texts).hexdigest()


def entry_digest(seq: int, before: str, content: str) -> str:
    linked = bytes.fromhex(before) + bytes.fromhex(content)
    return hashlib.sha256(b"crmadmin-chain-1" + seq.to_bytes(8, "big") + linked).hexdigest()


class Keys:
    """Public keys by their id; the first one is the current one."""

    def __init__(self, encoded: list[str]) -> None:
        try:
            raw = [base64.urlsafe_b64decode(one + "=" * (-len(one) % 4)) for one in encoded]
            self.known = {
                hashlib.sha256(key).hexdigest()[:8]: Ed25519PublicKey.from_public_bytes(key)
                for key in raw
            }
        except ValueError:
            raise UnreadableError("a --key is not 32 bytes in URL-safe base64") from None
        self.current = next(iter(self.known))

    def signed(self, seal: Json) -> bool:
        """Did one of the keys sign this head?"""
        key = self.known.get(seal["key_id"])
        head = ("crmadmin-head-1", str(seal["seq"]), seal["recorded_at"], seal["digest"])
        try:
            signature = base64.urlsafe_b64decode(seal["signature"] + "==")
            if key is not None:
                key.verify(signature, text_array(*head, seal["key_id"]))
        except (InvalidSignature, ValueError):
            return False
        return key is not None


def number(line: Json, name: str) -> int:
    if type(line[name]) is not int or not 0 <= line[name] < 2**63:
        raise UnreadableError(f"what should be a number is none: {name}")
    return int(line[name])


def text(line: Json, name: str) -> str:
    if not isinstance(line[name], str):
        raise UnreadableError(f"what should be a text is none: {name}")
    return str(line[name])


def members(line: Json, name: str) -> Json:
    if not isinstance(line[name], dict):
        raise UnreadableError(f"what should be an object is none: {name}")
    return dict(line[name])


class Verifier:
    """Walks through an export once, line by line."""

    def __init__(self, keys: Keys, seals: Iterable[Json]) -> None:
        self.keys = keys
        self.bad_entries: list[str] = []
        self.bad_head: list[str] = []
        self.bad_seals: list[str] = []
        self.first_bad = 0  # entry
        self.unbroken = True  # each entry tied to the one before it, as far as we are
        self.proven = 0  # up to this entry a signature, of a seal or the head, vouches for them
        self.in_full = 0
        self.given: list[int] = []  # of which entries there are seals
        self.seals: dict[int, str] = {}
        for seal in seals:
            seq, digest = number(seal, "seq"), text(seal, "digest")
            self.given.append(seq)
            if not keys.signed(seal):
                self.bad_seal(f"the seal of entry {seq} is not signed with a key that was given")
            elif self.seals.setdefault(seq, digest) != digest:
                self.bad_seal(f"two seals of entry {seq} differ: the log was forked")

    def bad_entry(self, seq: int, what: str, *, broken: bool = False) -> None:
        """broken: from here on, nothing that is signed later vouches for what came before."""
        self.first_bad = min(seq, self.first_bad or seq)
        self.unbroken = self.unbroken and not broken
        if len(self.bad_entries) < MOST:
            self.bad_entries.append(f"entry {seq}: {what}")

    def bad_seal(self, what: str) -> None:
        if len(self.bad_seals) < MOST:
            self.bad_seals.append(what)

    def run(self, lines: Iterator[Json]) -> None:
        """Reads the export to its end and collects what is wrong."""
        about = next(lines, {})
        if about.get("format") != FORMAT:
            raise UnreadableError("this is no export of the audit log")
        self.first, self.before = number(about, "from"), text(about, "before")
        if self.first == 0:
            raise UnreadableError("numbers begin at 1")
        self.seq, self.digest, self.time = self.first - 1, self.before, ""
        self.anchored = self.first == 1
        if self.first == 1 and self.before != "0" * 64:
            self.bad_entry(1, "something stands before the first entry", broken=True)
        if self.seq in self.seals:
            self.anchored = True
            self.compare_seal()
        head: Json = {}
        for line in lines:
            if head:
                raise UnreadableError("something follows the head")
            if "head" in line:
                head = members(line, "head")
            else:
                self.entry(line)
        if not head:
            raise UnreadableError("the export has no head: it was cut")
        if number(about, "to") != number(head, "seq"):
            self.bad_head.append("the export says that it ends elsewhere than at its head")
        self.check_head(head)

    def entry(self, line: Json) -> None:
        """One entry, in full or reduced to its digest, against the one before it."""
        seq, content = number(line, "seq"), text(line, "content_digest")
        if seq != self.seq + 1:
            what = f"missing, up to {seq - 1}" if seq > self.seq + 1 else "out of its order"
            self.bad_entry(self.seq + 1, what, broken=True)
        if "content" in line:
            self.look_into(seq, content, line)
        digest = entry_digest(seq, self.digest, content)
        self.seq, self.digest = seq, text(line, "digest") if "digest" in line else digest
        if self.digest != digest:
            what = "its digest does not follow from the entry before it"
            self.bad_entry(seq, what, broken=True)
        self.compare_seal()

    def compare_seal(self) -> None:
        """The seal of the entry that was reached, if there is one."""
        sealed = self.seals.get(self.seq, self.digest)
        if sealed != self.digest:
            self.bad_entry(self.seq, "it is not the one that was sealed", broken=True)
        elif self.seq in self.seals and self.unbroken:
            self.proven = self.seq

    def look_into(self, seq: int, digest: str, line: Json) -> None:
        """What an entry in full holds."""
        self.in_full += 1
        content = members(line, "content")
        if line.get("version") != VERSION:
            self.bad_entry(seq, "its encoding is of an unknown version")
        elif content_digest(content) != digest:
            self.bad_entry(seq, "its content gives another digest than the one recorded")
        else:
            if content["recorded_at"] < self.time:
                self.bad_entry(seq, "it was recorded before an entry before it")
            self.time = content["recorded_at"]
            self.look_for_anchor(content)
            for side, held in members(line, "values").items() if "values" in line else ():
                salted = bytes.fromhex(text(held, "salt")) + text(held, "text").encode()
                if hashlib.sha256(salted).hexdigest() != content.get(f"{side}_commitment"):
                    self.bad_entry(seq, f"its {side} is not what it committed to")

    def look_for_anchor(self, content: Json) -> None:
        """An anchor says which digest stands before the entries that are left."""
        anchor = json.loads(content["detail"]) if content["action"] == "anchor" else {}
        if isinstance(anchor, dict) and anchor.get("seq") == self.first - 1:
            self.anchored = True
            if anchor.get("digest") != self.before:
                what = "what stands before it is not what the anchor says"
                self.bad_entry(self.first, what, broken=True)

    def check_head(self, head: Json) -> None:
        """The head's signature, and that it is the one of the last entry."""
        seq = number(head, "seq")
        reached = seq == self.seq and head["digest"] == self.digest
        if seq != self.seq:
            self.bad_entry(self.seq + 1, f"missing, up to the head at {seq}")
        elif not reached:
            self.bad_head.append("the head is not the digest of the last entry")
        if not self.keys.signed(head):
            self.bad_head.append("the head is not signed with a key that was given")
        elif head["key_id"] != self.keys.current:
            self.bad_head.append("the head is signed with a former key")
        elif reached and self.unbroken:
            self.proven = self.seq
        for sealed in self.seals:
            if sealed > seq:
                self.bad_seal(f"the log was cut: a seal says that there was an entry {sealed}")

    def report(self) -> list[str]:
        """What is wrong, the first bad entry first, and what can be said of the rest."""
        faults = [*self.bad_entries, *self.bad_head, *self.bad_seals]
        looked_at = f"entries {self.first} to {self.seq}"
        older = sum(seq < self.first - 1 for seq in self.given)
        counted = f"{len(self.given) - older} seals compared, {self.in_full} entries in full"
        notes = []
        if older:
            notes.append(f"{older} seals of entries before these are not compared")
        if not self.anchored:
            notes.append(
                f"that entry {self.first} is the right beginning is not proven: give a seal of "
                f"entry {self.first - 1}, or an export from entry 1"
            )
        if not faults:
            return [*notes, f"{looked_at}: whole, {counted}"]
        before = self.first_bad - 1 if self.first_bad else self.seq
        proven = min(self.proven, before)
        if proven >= self.first:
            notes.append(f"entries {self.first} to {proven} are whole")
        if max(proven + 1, self.first) <= before:
            notes.append(
                f"nothing signed vouches for entries {max(proven + 1, self.first)} to {before}: "
                "compare with a seal or a process log"
            )
        return [*faults, *notes, f"{looked_at}: NOT whole, {counted}"]

    @property
    def is_whole(self) -> bool:
        return not (self.bad_entries or self.bad_head or self.bad_seals)


def read_lines(path: str) -> Iterator[Json]:
    """The JSON objects of a file, one a line."""
    with open(path, encoding="utf-8") as file:
        for line in file:
            if line.strip():
                said = json.loads(line)
                if not isinstance(said, dict):
                    raise UnreadableError(f"{path} holds a line that is no object")
                yield said


def logged_seals(path: str) -> Iterator[Json]:
    """The seals that appends left in a process log; a line that was garbled is none."""
    with open(path, encoding="utf-8", errors="replace") as file:
        for line in file:
            _, logged, said = line.partition("appended {")
            try:
                seal = json.loads("{" + said) if logged else {}
            except ValueError:
                continue
            if set(seal) >= SEAL:
                yield seal


def main() -> int:
    parser = argparse.ArgumentParser(description="Is an export of the audit log whole?")
    parser.add_argument("export")
    parser.add_argument("--key", action="append", required=True, help="the current one first")
    parser.add_argument("--seal", action="append", default=[], metavar="FILE")
    parser.add_argument("--log", action="append", default=[], metavar="FILE")
    given = parser.parse_args()
    seals = chain(*map(read_lines, given.seal), *map(logged_seals, given.log))
    try:
        verifier = Verifier(Keys(given.key), seals)
        verifier.run(read_lines(given.export))
    except UnreadableError as exc:
        print(exc)
        return 2
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as exc:
        print(f"the files cannot be read: {type(exc).__name__}: {exc}")
        return 2
    print("\n".join(verifier.report()))
    return 0 if verifier.is_whole else 1


if __name__ == "__main__":
    sys.exit(main())
