"""The Ed25519 keys: one signs, it and the former ones verify. They come from the environment only.

`customers.audit.verifier` holds the bytes that are hashed and signed, and the seals.
"""

from functools import cache

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings

from customers.audit.verifier import Keys, id_of


def public_key() -> bytes:
    """The public half of the signing key, 32 bytes."""
    return _signer(settings.AUDIT_SIGNING_KEY)[0].public_key().public_bytes_raw()


def current_key() -> str:
    """The id of the signing key."""
    return _signer(settings.AUDIT_SIGNING_KEY)[1]


def sign(message: bytes) -> bytes:
    """64 bytes."""
    return _signer(settings.AUDIT_SIGNING_KEY)[0].sign(message)


def keys() -> Keys:
    """All public keys: the signing key's, and the former ones of AUDIT_VERIFY_KEYS."""
    return Keys([public_key(), *settings.AUDIT_VERIFY_KEYS])


@cache
def _signer(seed: bytes) -> tuple[Ed25519PrivateKey, str]:
    """The key and its id."""
    key = Ed25519PrivateKey.from_private_bytes(seed)
    return key, id_of(key.public_key().public_bytes_raw())
