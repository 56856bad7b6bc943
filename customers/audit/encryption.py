"""The encryption of what the audit log knows of people: AES-256-GCM, keys from the environment.

AUDIT_ENCRYPTION_KEYS, newest first: the newest encrypts, all decrypt. A key's id is the first 8 hex
digits of the SHA-256 of its 32 bytes. Each ciphertext is bound to its place and opens nowhere else.
docs/audit.md, section 9, gives the bytes.
"""

import hashlib
import secrets
from collections.abc import Iterable, Mapping
from functools import cache
from json.encoder import encode_basestring_ascii
from typing import TypeAlias

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

SALT = 32  # bytes, each a letter, a digit, - or _: 192 random bits
_NONCE = 12  # bytes, random: NIST SP 800-38D allows 2**32 encryptions with one key

Buffer: TypeAlias = bytes | memoryview  # as one database or another gives it


class UnreadableError(Exception):
    """It does not open: another key, another place, or not what was encrypted."""


class UnknownKeyError(UnreadableError):
    """It was encrypted with a key that is not given."""


def current() -> str:
    """The id of the key that encrypts."""
    return next(iter(_keys(settings.AUDIT_ENCRYPTION_KEYS)))


def has_key(key_id: str) -> bool:
    """Is the key of that id given?"""
    return key_id in _keys(settings.AUDIT_ENCRYPTION_KEYS)


def salt() -> bytes:
    return secrets.token_urlsafe(SALT * 3 // 4).encode()


def encrypt(text: bytes, place: bytes) -> bytes:
    """Nonce, ciphertext and tag, under the current key. place: what it is bound to."""
    nonce = secrets.token_bytes(_NONCE)
    cipher = next(iter(_keys(settings.AUDIT_ENCRYPTION_KEYS).values()))
    return nonce + cipher.encrypt(nonce, text, place)


def decrypt(key_id: str, encrypted: Buffer, place: bytes) -> bytes:
    """The text; `encrypted` may be anything. Raises UnreadableError."""
    cipher = _keys(settings.AUDIT_ENCRYPTION_KEYS).get(key_id)
    if cipher is None:
        raise UnknownKeyError
    try:
        # A number would be as many zero bytes.
        data = encrypted if type(encrypted) is bytes else bytes(memoryview(encrypted))
        return cipher.decrypt(data[:_NONCE], data[_NONCE:], place)
    except (InvalidTag, ValueError, TypeError):
        raise UnreadableError from None


def encrypt_values(seq: int, field: str, salted: Iterable[bytes]) -> bytes:
    """The values of one entry, in the order of `actions.SIDES`; salted: salt and JSON text each."""
    return encrypt(b"\n".join(salted), place_of(seq, field))


def decrypt_values(key_id: str, encrypted: Buffer, seq: int, field: str, count: int) -> list[bytes]:
    """Salt and JSON text of each value. count: how many the entry committed to.

    Raises UnreadableError.
    """
    # Neither a salt nor JSON text without spaces has a line break.
    salted = decrypt(key_id, encrypted, place_of(seq, field)).split(b"\n")
    if len(salted) != count:
        raise UnreadableError
    return salted


def place_of(seq: int, field: str) -> bytes:
    """What the values of an entry are bound to."""
    return f'["crmadmin-values-1","{seq}",{encode_basestring_ascii(field)}]'.encode()


def key_id(key: bytes) -> str:
    return hashlib.sha256(key).hexdigest()[:8]


@cache
def _keys(given: tuple[bytes, ...]) -> Mapping[str, AESGCM]:
    return {key_id(key): AESGCM(key) for key in given}
