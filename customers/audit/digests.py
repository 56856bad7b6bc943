"""What is hashed and what is signed: the bytes, as docs/audit.md specifies them.

Knows no database. A change of what is hashed is a new VERSION, and an entry keeps the one it was
made with.
"""

import hashlib
from collections.abc import Iterable
from json.encoder import encode_basestring

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
