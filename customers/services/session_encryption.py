"""Encryption of shown and typed values, and of access tokens, between two requests.

The key comes from SECRET_KEY and its fallbacks. The audit log has an encryption of its own.
"""

import base64
import hashlib
import json
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings


def digest(text: str) -> str:
    """SHA-256, in hex: 64 characters. Keys are stored as digests."""
    return hashlib.sha256(text.encode()).hexdigest()


def _fernet(bound_to: str) -> MultiFernet:
    fernets = []
    for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        info = f"crmadmin sealed values {bound_to}".strip().encode()
        derive = HKDF(SHA256(), 32, salt=None, info=info).derive
        fernets.append(Fernet(base64.urlsafe_b64encode(derive(secret.encode()))))
    return MultiFernet(fernets)


def encrypt_for_session(value: Any, *, bound_to: str = "") -> str:
    """A JSON value as an opaque string. bound_to: where it stands; it is of no use elsewhere."""
    return _fernet(bound_to).encrypt(json.dumps(value).encode()).decode()


def decrypt_for_session(encrypted: str, *, max_age: int | None, bound_to: str = "") -> Any:
    """The value; None if the string is not ours, older than `max_age` seconds or from elsewhere."""
    try:
        return json.loads(_fernet(bound_to).decrypt(encrypted.encode(), ttl=max_age))
    except InvalidToken:
        return None
