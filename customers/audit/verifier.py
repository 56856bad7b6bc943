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
from collections.abc import Iterator
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

FORMAT = "crmadmin-audit-1"
VERSION = 1
COLUMNS = [
    *("change_id", "recorded_at", "action", "customer_id", "customer_label"),
    *("actor_issuer", "actor_sub", "actor_name", "actor_roles", "reason", "locale", "request_id"),
    *("field", "old", "new", "found", "outcome", "evidence", "detail"),
]
MOST = 20  # faults that are named
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
    texts = text_array("crmadmin-entry-1", *(content[name] for name in COLUMNS))
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


class Verifier:
    """Walks through an export once, line by line."""

    def __init__(self, keys: Keys, seals: list[Json]) -> None:
        self.keys = keys
        self.faults: list[str] = []
        self.notes: list[str] = []
        self.seals: dict[int, str] = {}
        for seal in seals:
            seq, digest = seal["seq"], seal["digest"]
            if not keys.signed(seal):
                self.fault(f"the seal of entry {seq} is not signed with a key that was given")
            elif self.seals.setdefault(seq, digest) != digest:
                self.fault(f"entry {seq}: two seals name different digests: the log was forked")

    def fault(self, what: str) -> None:
        if len(self.faults) < MOST:
            self.faults.append(what)

    def run(self, lines: Iterator[Json]) -> str:
        """Collects faults; returns what was looked at, in words."""
        about = next(lines, {})
        if about.get("format") != FORMAT:
            raise UnreadableError("this is no export of the audit log")
        self.first, self.seq, self.digest = about["from"], about["from"] - 1, about["before"]
        self.before, self.time, self.anchored = self.digest, "", False
        if self.seq == 0 and self.digest != "0" * 64:
            self.fault("entry 1: something stands before the first entry")
        if self.seq in self.seals:
            self.anchored = True
            if self.seals[self.seq] != self.digest:
                self.fault(f"entry {self.seq}: it is not the one that was sealed")
        head: Json = {}
        for line in lines:
            if head:
                raise UnreadableError("something follows the head")
            if "head" in line:
                head = line["head"]
            else:
                self.entry(line)
        if not head:
            raise UnreadableError("the export has no head: it was cut")
        self.check_head(head)
        if self.seq and self.first > 1 and not self.anchored:
            self.notes.append(
                f"that entry {self.first} is the right beginning is not proven: give a seal of "
                f"entry {self.first - 1}, or an export from entry 1"
            )
        return f"entries {self.first} to {self.seq}"

    def entry(self, line: Json) -> None:
        """One entry, in full or reduced to its digest, against the one before it."""
        seq, content = line["seq"], line["content_digest"]
        if seq != self.seq + 1:
            what = f"missing, up to {seq - 1}" if seq > self.seq + 1 else "out of its order"
            self.fault(f"entry {self.seq + 1}: {what}")
        if "content" in line:
            if line["version"] != VERSION:
                self.fault(f"entry {seq}: its encoding is of an unknown version")
            elif content_digest(line["content"]) != content:
                self.fault(f"entry {seq}: its content gives another digest than the one recorded")
            else:
                self.look_into(seq, line["content"])
        digest = entry_digest(seq, self.digest, content)
        if line.get("digest", digest) != digest:
            self.fault(f"entry {seq}: its digest does not follow from the entry before it")
        self.digest = line.get("digest", digest)
        if self.seals.get(seq, self.digest) != self.digest:
            self.fault(f"entry {seq}: it is not the one that was sealed")
        self.seq = seq

    def look_into(self, seq: int, content: Json) -> None:
        if content["recorded_at"] < self.time:
            self.fault(f"entry {seq}: it was recorded before an entry before it")
        self.time = content["recorded_at"]
        self.look_for_anchor(content)

    def look_for_anchor(self, content: Json) -> None:
        """An anchor says which digest stands before the entries that are left."""
        anchor = json.loads(content["new"]) if content["action"] == "anchor" else {}
        if anchor.get("seq") == self.first - 1:
            self.anchored = True
            if anchor.get("digest") != self.before:
                self.fault(f"entry {self.first}: what stands before it is not what the anchor says")

    def check_head(self, head: Json) -> None:
        if head["seq"] != self.seq:
            self.fault(f"entry {self.seq + 1}: missing, up to the head at {head['seq']}")
        elif head["digest"] != self.digest:
            self.fault("the head is not the digest of the last entry")
        if not self.keys.signed(head):
            self.fault("the head is not signed with a key that was given")
        elif head["key_id"] != self.keys.current:
            self.fault("the head is signed with a former key")
        for seq in self.seals:
            if seq > head["seq"]:
                self.fault(f"the log was cut: a seal says that there was an entry {seq}")


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
    """The seals that appends left in a process log."""
    with open(path, encoding="utf-8", errors="replace") as file:
        for line in file:
            _, logged, said = line.partition("appended {")
            if logged:
                yield json.loads("{" + said)


def main() -> int:
    parser = argparse.ArgumentParser(description="Is an export of the audit log whole?")
    parser.add_argument("export")
    parser.add_argument("--key", action="append", required=True, help="the current one first")
    parser.add_argument("--seal", action="append", default=[], metavar="FILE")
    parser.add_argument("--log", action="append", default=[], metavar="FILE")
    given = parser.parse_args()
    try:
        seals = [seal for path in given.seal for seal in read_lines(path)]
        seals += [seal for path in given.log for seal in logged_seals(path)]
        verifier = Verifier(Keys(given.key), seals)
        looked_at = verifier.run(read_lines(given.export))
    except UnreadableError as exc:
        print(exc)
        return 2
    except (OSError, ValueError, KeyError, TypeError) as exc:
        print(f"the files cannot be read: {type(exc).__name__}: {exc}")
        return 2
    for fault in verifier.faults or verifier.notes:
        print(fault)
    print(
        f"{looked_at}: {'NOT whole' if verifier.faults else 'whole'}, {len(seals)} seals compared"
    )
    return 1 if verifier.faults else 0


if __name__ == "__main__":
    sys.exit(main())
