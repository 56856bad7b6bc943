"""The Ed25519 keys: one signs, it and the former ones verify. They come from the environment only.

A key is known by its id, the first 8 hex digits of the SHA-256 of its 32 public bytes.
"""

import hashlib
from functools import cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.conf import settings


def key_id(public: bytes) -> str:
    return hashlib.sha256(public).hexdigest()[:8]


def public_key() -> bytes:
    """The public half of the signing key, 32 bytes."""
    return _signer(settings.AUDIT_SIGNING_KEY).public_key().public_bytes_raw()


def current() -> str:
    """The id of the signing key."""
    return _id_of_seed(settings.AUDIT_SIGNING_KEY)


def sign(message: bytes) -> bytes:
    return _signer(settings.AUDIT_SIGNING_KEY).sign(message)


def verifies(key: str, signature: bytes, message: bytes, *, former: bool = False) -> bool:
    """Did the key with that id sign this? former: a key of AUDIT_VERIFY_KEYS will do too."""
    known = {current(): public_key()}
    if former:
        known |= {key_id(public): public for public in settings.AUDIT_VERIFY_KEYS}
    if key not in known:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(known[key]).verify(signature, message)
    except InvalidSignature:
        return False
    return True


@cache
def _signer(seed: bytes) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(seed)


@cache
def _id_of_seed(seed: bytes) -> str:
    return key_id(_signer(seed).public_key().public_bytes_raw())
