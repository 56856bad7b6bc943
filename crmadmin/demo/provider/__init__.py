"""The local OpenID provider: a small Django project of its own, run in its own process.

OpenID Connect Core with discovery: authorization code, PKCE with S256 demanded, id_tokens signed
with RS256, RP-initiated logout. Instead of passwords, a page asks which of the staff to be.
"""

import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from crmadmin.demo import listening
from crmadmin.demo.server import Server

CLIENT_ID = "crmadmin"
DISCOVERY = "/.well-known/openid-configuration"


@dataclass(frozen=True)
class Provider:
    """A provider under way, and what its one client needs to know of it."""

    server: Server
    issuer: str
    client_id: str
    client_secret: str

    def wait(self) -> None:
        """Return once it answers. Raises ServerError."""
        self.server.wait(DISCOVERY)


@contextmanager
def start(
    listener: socket.socket,
    folder: Path,
    *,
    redirect_uris: tuple[str, ...],
    post_logout_redirect_uris: tuple[str, ...] = (),
) -> Iterator[Provider]:
    """A provider on `listener`, with its database in `folder`, until the context ends.

    A registered address on loopback stands for that address on any port (RFC 8252, 7.3).
    """
    issuer = listening.url(listener)
    client_secret = secrets.token_urlsafe(32)
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "crmadmin.demo.provider.settings",
        "PROVIDER_SECRET_KEY": secrets.token_urlsafe(48),
        "PROVIDER_SIGNING_KEY": _signing_key(),
        "PROVIDER_DATABASE": str(folder / "provider.sqlite3"),
        "PROVIDER_ISSUER": issuer,
        "PROVIDER_CLIENT_ID": CLIENT_ID,
        "PROVIDER_CLIENT_SECRET": client_secret,
        "PROVIDER_REDIRECT_URIS": " ".join(redirect_uris),
        "PROVIDER_POST_LOGOUT_REDIRECT_URIS": " ".join(post_logout_redirect_uris),
    }
    application = "crmadmin.demo.provider.wsgi:application"
    with Server("The sign-in", application, listener, environment, threads=8) as server:
        yield Provider(server, issuer, CLIENT_ID, client_secret)


def _signing_key() -> str:
    """A new RSA key as PEM."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
