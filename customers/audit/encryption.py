"""The encryption of personal data in the audit log: AES-256-GCM, keys from the environment.

AUDIT_ENCRYPTION_KEYS, newest first: the newest encrypts, all decrypt. A key's id is the first 8 hex
digits of the SHA-256 of its 32 bytes. docs/audit.md, section 9, gives the bytes.
"""

import secrets
from collections.abc import Iterable, Mapping
from functools import cache
from hashlib import sha256
from json.encoder import encode_basestring_ascii

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

SALT = 32  # bytes, each a letter, a digit, - or _: 192 random bits
_NONCE = 12  # bytes, random: NIST SP 800-38D allows 2**32 encryptions with one key


class UnreadableError(Exception):
    """A ciphertext does not open; the text says why: "not what it committed to", for example."""


def current() -> str:
    """The id of the key that encrypts."""
    return next(iter(_keys(settings.AUDIT_ENCRYPTION_KEYS)))


def has_key(key_id: str) -> bool:
    """Is the key of that id in the settings?"""
    return key_id in _keys(settings.AUDIT_ENCRYPTION_KEYS)


def encrypt(text: bytes, place: bytes) -> bytes:
    """Nonce, ciphertext and tag, under the current key. place: the text it is bound to."""
    nonce = secrets.token_bytes(_NONCE)
    cipher = next(iter(_keys(settings.AUDIT_ENCRYPTION_KEYS).values()))
    return nonce + cipher.encrypt(nonce, text, place)


def decrypt(key_id: str, encrypted: bytes | memoryview, place: bytes) -> bytes:
    """The text. Raises UnreadableError."""
    cipher = _keys(settings.AUDIT_ENCRYPTION_KEYS).get(key_id)
    if cipher is None:
        raise UnreadableError(f"encrypted with key {key_id}, which is not given")
    try:
        return cipher.decrypt(encrypted[:_NONCE], encrypted[_NONCE:], place)
    except (InvalidTag, ValueError):
        raise UnreadableError("altered or out of place") from None


def salted(text: str) -> bytes:
    """A new salt, and the JSON text of a value: an entry commits to the SHA-256 of both."""
    return secrets.token_urlsafe(SALT * 3 // 4).encode() + text.encode()


def encrypt_values(seq: int, field: str, texts: Iterable[bytes]) -> bytes:
    """The values of one entry, in the order of `actions.SIDES`; texts: as `salted` gives them."""
    return encrypt(b"\n".join(texts), place_of(seq, field))


def decrypt_values(
    seq: int, field: str, commitments: Iterable[str], key_id: str, encrypted: bytes | memoryview
) -> list[bytes]:
    """Salt and JSON text of each value of an entry. commitments: in the order of SIDES, ""
    for a side without a value. Raises UnreadableError.
    """
    # Neither a salt nor JSON text without spaces has a line break.
    texts = decrypt(key_id, encrypted, place_of(seq, field)).split(b"\n")
    if [sha256(text).hexdigest() for text in texts] != list(filter(None, commitments)):
        raise UnreadableError("not what it committed to")
    return texts


def place_of(seq: int, field: str) -> bytes:
    """The text that the values of an entry are bound to."""
    return f'["crmadmin-values-1","{seq}",{encode_basestring_ascii(field)}]'.encode()


def key_id(key: bytes) -> str:
    return sha256(key).hexdigest()[:8]


@cache
def _keys(keys: tuple[bytes, ...]) -> Mapping[str, AESGCM]:
    return {key_id(key): AESGCM(key) for key in keys}
