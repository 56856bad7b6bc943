"""The access tokens that Club Med is called with: CLUBMED_AUTH says whose.

A token that is renewed lies encrypted in the database, for all workers. Its row is locked while the
token endpoint is asked, so that a refresh token is used once; the settings bound the wait for it.
"""

import hashlib
import logging
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from customers.access import Actor
from customers.audit.models import Credential
from customers.audit.statements import give_back_connection
from customers.clubmed import tokens
from customers.clubmed.errors import NoTokenError, NotSentError, SignInNeededError
from customers.clubmed.tokens import AccessToken, StaticToken, TokenEndpoint, TokenSource
from customers.services.session_encryption import decrypt_for_session, encrypt_for_session

logger = logging.getLogger(__name__)
_NONE = AccessToken("", renew_at=0, expires_at=0)
NO_BACKGROUND = (
    "What Club Med did not answer cannot be settled in the background: with CLUBMED_AUTH=employee "
    "that needs CLUBMED_TOKEN_URL, CLUBMED_CLIENT_ID and CLUBMED_CLIENT_SECRET, or CLUBMED_TOKEN."
)


def tokens_of(actor: Actor | None) -> TokenSource:
    """The token for calls of this person, or of the background (None)."""
    if settings.CLUBMED_AUTH == "employee" and actor is not None:
        return _StoredToken(actor.sign_in, _refresh)
    return background() or StaticToken("")


def background() -> TokenSource | None:
    """The service's own token; None if only the staff's tokens are there."""
    if settings.CLUBMED_TOKEN_URL:
        account = settings.CLUBMED_CLIENT_ID, settings.CLUBMED_CLIENT_SECRET
        endpoint = TokenEndpoint(settings.CLUBMED_TOKEN_URL, *account)
        # Another account's token lies in another row.
        key = hashlib.sha256(f"{endpoint.url} {endpoint.client_id}".encode()).hexdigest()
        return _StoredToken(f"service {key}", lambda _: endpoint.fetch("client_credentials"))
    return StaticToken(settings.CLUBMED_TOKEN) if settings.CLUBMED_TOKEN else None


def keep(answer: Mapping[str, Any], began: float, endpoint: str, *, in_form: bool) -> str:
    """Store the answer of the provider's token endpoint to a sign-in; returns the sign-in's handle.

    began: the time of the request, in seconds since 1970. Raises ValueError without a bearer token.
    """
    # A token that cannot be renewed and does not say for how long serves for the whole session.
    life = {} if answer.get("refresh_token") else {"life": settings.SESSION_COOKIE_AGE}
    token = tokens.parse_token(answer, began, **life)
    sweep()
    handle = secrets.token_urlsafe(32)
    _row(handle, replace(token, endpoint=endpoint, in_form=in_form)).save(force_insert=True)
    return handle


def forget(sign_in: str, *, at: datetime | None = None) -> None:
    """Delete a person's token, or have it be of no use from then on."""
    rows = Credential.objects.filter(pk=sign_in)
    if at is None:
        rows.delete()
    else:
        rows.update(ends_at=at)


def sweep() -> None:
    """Delete the tokens that are of no use to anybody."""
    Credential.objects.filter(ends_at__lt=timezone.now()).delete()


def _refresh(former: AccessToken) -> AccessToken:
    """RFC 6749, 6. Raises SignInNeededError without a refresh token."""
    if not former.refresh:
        raise SignInNeededError("no refresh token")
    account = settings.OIDC_CLIENT_ID, settings.OIDC_CLIENT_SECRET
    endpoint = TokenEndpoint(former.endpoint, *account, in_form=former.in_form)
    token = endpoint.fetch("refresh_token", refresh_token=former.refresh)
    refresh = token.refresh or former.refresh
    return replace(token, refresh=refresh, endpoint=former.endpoint, in_form=former.in_form)


@dataclass(frozen=True)
class _StoredToken:
    """A token in one row of the database. fetch: asks for the one that follows the former one."""

    key: str
    fetch: Callable[[AccessToken], AccessToken]

    def token(self, rejected: str = "") -> str:
        try:
            token = _token_in(Credential.objects.filter(pk=self.key).first())
            if token.access == rejected or time.time() >= token.renew_at:
                token = self._renewed(token, rejected)
            return token.access
        finally:
            give_back_connection()

    def _renewed(self, former: AccessToken, rejected: str) -> AccessToken:
        """The next token; the former one if it is still good and there is no other."""
        is_good = former.is_good(rejected)
        with transaction.atomic():
            Credential.objects.bulk_create([_row(self.key, _NONE)], ignore_conflicts=True)
            rows = Credential.objects.select_for_update(skip_locked=is_good)
            row = rows.filter(pk=self.key).first()
            if row is None and is_good:  # another caller renews it
                return former
            current = _token_in(row)
            if current.is_good(rejected) and time.time() < current.renew_at:
                return current  # another caller has renewed it
            token, failure = self._fetched(current)
            _row(self.key, token).save()
        if failure and not token.is_good(rejected):
            raise failure
        return token

    def _fetched(self, former: AccessToken) -> tuple[AccessToken, NotSentError | None]:
        """The next token; or the former one as far as usable, and why there is no other.

        A refresh token that may have been used is dropped: a second use may look like a theft.
        """
        try:
            return self.fetch(former), None
        except SignInNeededError as exc:
            return former, exc
        except NoTokenError as exc:
            logger.warning("the token cannot be renewed: %s", exc)
            later = replace(former, renew_at=time.time() + 5)
            if not (exc.used_up and former.refresh):
                return later, exc
            return replace(later, refresh=""), SignInNeededError("the refresh token is used up")


def _row(key: str, token: AccessToken) -> Credential:
    """The encrypted text names its row: it is of no use in another one."""
    # A session may last as long as that after the token's end, and needs it no longer.
    ends_at = token.expires_at + settings.SESSION_COOKIE_AGE
    encrypted = encrypt_for_session([key, asdict(token)])
    return Credential(pk=key, encrypted=encrypted, ends_at=datetime.fromtimestamp(ends_at, UTC))


def _token_in(row: Credential | None) -> AccessToken:
    """The token of a row; `_NONE` if it has ended, or its encryption key is gone."""
    if row is None or row.ends_at <= timezone.now():
        return _NONE
    key, token = decrypt_for_session(row.encrypted, max_age=None) or ("", {})
    return AccessToken(**token) if key == row.pk else _NONE
