"""With which token Club Med is called: CLUBMED_AUTH says.

A token that is renewed lies sealed in the database, for all workers: a cache of each process would
renew it once a process, and a refresh token must be used once. No transaction and no connection is
held while a token endpoint is asked.
"""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils import timezone

from customers.access import Actor
from customers.audit.models import Credential
from customers.clubmed.tokens import (
    Endpoint,
    Kept,
    NoToken,
    RenewedToken,
    StaticToken,
    Token,
    TokenSource,
    parse_token,
)
from customers.session_encryption import decrypt_from_session, encrypt_for_session

NO_BACKGROUND = (
    "What Club Med did not answer cannot be settled in the background: with CLUBMED_AUTH=employee "
    "that needs CLUBMED_TOKEN_URL, CLUBMED_CLIENT_ID and CLUBMED_CLIENT_SECRET, or CLUBMED_TOKEN."
)


def tokens_of(actor: Actor | None) -> TokenSource:
    """The token for calls of this person, or of the background (None)."""
    if settings.CLUBMED_AUTH == "employee" and actor is not None:
        return RenewedToken(_Shelf(actor.sign_in), _refresh)
    return background() or NoToken("no credential for the background")


def background() -> TokenSource | None:
    """The service's own token; None if only the staff's tokens are there."""
    if settings.CLUBMED_TOKEN_URL:
        return RenewedToken(_Shelf(_service_key()), _service)
    return StaticToken(settings.CLUBMED_TOKEN) if settings.CLUBMED_TOKEN else None


def keep(answer: Mapping[str, Any], began: float, endpoint: str, *, in_form: bool) -> str:
    """Keep what the provider's token endpoint gave at a sign-in; returns the sign-in's handle.

    began: when it was asked, in seconds since 1970. endpoint: its address. in_form: does it take
    our secret in the form alone? Raises ValueError where there is no bearer token.
    """
    token = parse_token(answer, began)
    if not token.refresh:  # it serves as long as it is taken, if it does not say how long
        token = parse_token(answer, began, life=settings.SESSION_COOKIE_AGE)
    token = replace(token, endpoint=endpoint, in_form=in_form)
    sweep()
    handle = secrets.token_urlsafe(32)
    Credential.objects.create(pk=handle, sealed=_seal(handle, token), ends_at=_end(token))
    return handle


def forget(sign_in: str) -> None:
    """The sign-in is over."""
    Credential.objects.filter(pk=sign_in).delete()


def sweep() -> None:
    """Remove what is of no use to anybody any more."""
    Credential.objects.filter(ends_at__lt=timezone.now()).delete()


def _service(token: Token | None) -> tuple[Endpoint, Mapping[str, str]]:
    """RFC 6749, 4.4. What the token was before does not matter."""
    account = settings.CLUBMED_CLIENT_ID, settings.CLUBMED_CLIENT_SECRET
    return Endpoint(settings.CLUBMED_TOKEN_URL, *account), {"grant_type": "client_credentials"}


def _refresh(token: Token | None) -> tuple[Endpoint, Mapping[str, str]] | None:
    """RFC 6749, 6."""
    if token is None or not token.refresh:
        return None
    account = settings.OIDC_CLIENT_ID, settings.OIDC_CLIENT_SECRET
    form = {"grant_type": "refresh_token", "refresh_token": token.refresh}
    return Endpoint(token.endpoint, *account, in_form=token.in_form), form


def _service_key() -> str:
    """Another account's token is another one."""
    account = f"{settings.CLUBMED_TOKEN_URL} {settings.CLUBMED_CLIENT_ID}"
    return f"service {hashlib.sha256(account.encode()).hexdigest()}"


class _Shelf:
    """A `Store` in one row. Its stamp is the sealed text itself, which no two seals share."""

    def __init__(self, key: str) -> None:
        self._key = key

    def read(self) -> Kept:
        try:
            row = Credential.objects.filter(pk=self._key, ends_at__gt=timezone.now()).first()
        finally:
            _let_go()
        if row is None:
            return Kept("", None, leased=False)
        leased = row.leased_until is not None and row.leased_until > timezone.now()
        return Kept(row.sealed, _unseal(self._key, row.sealed), leased)

    def swap(self, stamp: str, token: Token | None, *, leased: float = 0) -> str:
        sealed = _seal(self._key, token)
        values = {
            "sealed": sealed,
            "leased_until": timezone.now() + timedelta(seconds=leased) if leased else None,
            "ends_at": _end(token),
        }
        try:
            if not stamp:
                _, done = Credential.objects.get_or_create(pk=self._key, defaults=values)
            else:
                found = Credential.objects.filter(pk=self._key, sealed=stamp)
                done = bool(found.update(**values))
        finally:
            _let_go()
        return sealed if done else ""


def _let_go() -> None:
    """Nobody waits for our connection while we ask or wait."""
    if not connection.in_atomic_block:
        connection.close()


def _seal(key: str, token: Token | None) -> str:
    """Bound to its row: no use in the place of another one."""
    return encrypt_for_session([key, None if token is None else asdict(token)])


def _unseal(key: str, sealed: str) -> Token | None:
    """None, too, for what was sealed with a key that is gone."""
    found = decrypt_from_session(sealed, max_age=None)
    if found is None or found[0] != key or found[1] is None:
        return None
    return Token(**found[1])


def _end(token: Token | None) -> datetime:
    """When nobody can need it: a session lives no longer after the token was last renewed."""
    expires_at = timezone.now() if token is None else datetime.fromtimestamp(token.expires_at, UTC)
    return expires_at + timedelta(seconds=settings.SESSION_COOKIE_AGE)
