"""The encryption of what the audit log knows of people: AES-256-GCM, keys from the environment.

AUDIT_ENCRYPTION_KEYS, newest first: the newest encrypts, all decrypt. A key is known by its id, the
first 8 hex digits of the SHA-256 of its 32 bytes. What is encrypted is bound to its place by
`about`, and opens nowhere else.
"""

import hashlib
import secrets
from collections.abc import Mapping
from functools import cache
from typing import TypeAlias

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

_NONCE = 12  # bytes, random: NIST SP 800-38D allows 2**32 encryptions with one key

Buffer: TypeAlias = bytes | memoryview  # as one database or another gives it


class UnreadableError(Exception):
    """It does not open: another key, another place, or not what was encrypted."""


class UnknownKeyError(UnreadableError):
    """It was encrypted with a key that is not given."""


def current() -> str:
    """The id of the key that encrypts."""
    return next(iter(_keys(settings.AUDIT_ENCRYPTION_KEYS)))


def encrypt(text: bytes, about: bytes) -> bytes:
    """Nonce, ciphertext and tag, under the current key."""
    nonce = secrets.token_bytes(_NONCE)
    cipher = _keys(settings.AUDIT_ENCRYPTION_KEYS)[current()]
    return nonce + cipher.encrypt(nonce, text, about)


def decrypt(key_id: str, held: Buffer, about: bytes) -> bytes:
    """What a column holds; it may be anything. Raises UnreadableError."""
    cipher = _keys(settings.AUDIT_ENCRYPTION_KEYS).get(key_id)
    if cipher is None:
        raise UnknownKeyError
    try:
        encrypted = bytes(memoryview(held))  # a number would be as many zero bytes
        return cipher.decrypt(encrypted[:_NONCE], encrypted[_NONCE:], about)
    except (InvalidTag, ValueError, TypeError):
        raise UnreadableError from None


def key_id(key: bytes) -> str:
    return hashlib.sha256(key).hexdigest()[:8]


@cache
def _keys(given: tuple[bytes, ...]) -> Mapping[str, AESGCM]:
    return {key_id(key): AESGCM(key) for key in given}
