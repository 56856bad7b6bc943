"""What is hashed and what is signed, the Ed25519 keys, and seals; docs/audit.md gives the bytes.

A change of what is hashed is a new VERSION, and an entry keeps the one it was made with. One key
signs, it and the former ones verify. A key's id is the first 8 hex digits of the SHA-256 of its 32
public bytes.
"""

import base64
import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from json.encoder import encode_basestring

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.conf import settings

VERSION = 2
# What is hashed of an entry: all but its number, version and digests, in this order.
COLUMNS = (
    "change_id",
    "recorded_at",
    "action",
    "customer_id",
    "customer_label_commitment",
    "actor_issuer",
    "actor_sub",
    "actor_name",
    "actor_roles",
    "reason_commitment",
    "locale",
    "request_id",
    "field",
    "old_commitment",
    "new_commitment",
    "found_commitment",
    "outcome",
    "evidence",
    "detail",
)
BEGINNING = bytes(32)  # what stands before entry 1
_ENTRY, _CHAIN, _HEAD = f"crmadmin-entry-{VERSION}", b"crmadmin-chain-1", "crmadmin-head-1"
_LOGGED = "appended "  # before a seal in the process log, see `customers.audit.chain`


def text_array(texts: Iterable[str]) -> bytes:
    """A JSON array of texts, as RFC 8785 writes it. Raises TypeError for what is no text."""
    return f"[{','.join(map(encode_basestring, texts))}]".encode()


def commitment(salted: bytes) -> str:
    """SHA-256 of a 32-byte salt and a value's JSON text, in hex."""
    return hashlib.sha256(salted).hexdigest()


def content_digest(columns: Iterable[str]) -> bytes:
    """SHA-256 of an entry's columns, each as text, in the order of COLUMNS."""
    return hashlib.sha256(text_array((_ENTRY, *columns))).digest()


def entry_digest(seq: int, before: bytes, content: bytes) -> bytes:
    """SHA-256 that ties an entry's content to its number and to the entry before it."""
    return hashlib.sha256(_CHAIN + seq.to_bytes(8, "big") + before + content).digest()


def head_message(seq: int, recorded_at: str, digest: bytes, key_id: str) -> bytes:
    """What is signed: how far the log goes, and the digest of its last entry."""
    return text_array((_HEAD, str(seq), recorded_at, digest.hex(), key_id))


# Keys ---------------------------------------------------------------------------------------------


def id_of(public: bytes) -> str:
    return hashlib.sha256(public).hexdigest()[:8]


def public_key() -> bytes:
    """The public half of the signing key, 32 bytes."""
    return _signer(settings.AUDIT_SIGNING_KEY)[0].public_key().public_bytes_raw()


def current_key() -> str:
    """The id of the signing key."""
    return _signer(settings.AUDIT_SIGNING_KEY)[1]


def sign(message: bytes) -> bytes:
    return _signer(settings.AUDIT_SIGNING_KEY)[0].sign(message)


def verifies(key_id: str, signature: bytes, message: bytes, *, former: bool = False) -> bool:
    """Did the key with that id sign this? former: a key of AUDIT_VERIFY_KEYS will do too."""
    known = [public_key(), *(settings.AUDIT_VERIFY_KEYS if former else ())]
    try:
        public = next(public for public in known if id_of(public) == key_id)
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (StopIteration, InvalidSignature):
        return False
    return True


@cache
def _signer(seed: bytes) -> tuple[Ed25519PrivateKey, str]:
    """The key and its id."""
    key = Ed25519PrivateKey.from_private_bytes(seed)
    return key, id_of(key.public_key().public_bytes_raw())


# Seals: heads that were copied elsewhere, and prove later how far the log went --------------------


class NotASealError(Exception):
    """A line that should be a seal is none."""


@dataclass(frozen=True)
class Seal:
    """A signed head. recorded_at as it was signed, digest and signature as bytes."""

    seq: int
    recorded_at: str
    digest: bytes
    key_id: str
    signature: bytes

    @classmethod
    def read(cls, line: str) -> "Seal":
        """From the line of JSON that `customers.audit.chain.seal` writes. Raises NotASealError."""
        try:
            members = json.loads(line)
            return cls(
                int(members["seq"]),
                str(members["recorded_at"]),
                bytes.fromhex(members["digest"]),
                str(members["key_id"]),
                base64.urlsafe_b64decode(members["signature"] + "=="),
            )
        except (ValueError, KeyError, TypeError):
            raise NotASealError from None

    def is_ours(self) -> bool:
        """Did our key sign it, or one of the former ones?"""
        message = head_message(self.seq, self.recorded_at, self.digest, self.key_id)
        return verifies(self.key_id, self.signature, message, former=True)


def seals_in_file(lines: Iterable[str]) -> Iterator[Seal]:
    """The seals of a file that holds nothing else. Raises NotASealError."""
    return (Seal.read(line) for line in lines if line.strip())


def seals_in_process_log(lines: Iterable[str]) -> Iterator[Seal]:
    """The seals that appends left in a process log; a line that was garbled is none."""
    for line in lines:
        _, logged, text = line.partition(_LOGGED)
        if logged and text.startswith("{"):
            try:
                yield Seal.read(text)
            except NotASealError:
                continue
