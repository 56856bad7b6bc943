"""Django's `request.session` over our own table: only who is signed in has one."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase, UpdateError
from django.db import DatabaseError, transaction
from django.utils import timezone

from crmadmin.models import Session
from customers.access import Actor, Role
from customers.audit import access_events, statements
from customers.audit.models import Access
from customers.services import credentials
from customers.services.session_encryption import decrypt_for_session, digest, encrypt_for_session
from customers.session import sweep

_A_DAY = 24 * 60 * 60
_TOUCH = 60  # seconds, or less where SESSION_IDLE_MINUTES are few


class SessionStore(SessionBase):
    """Empty for a stranger: what is written into it then is stored nowhere.

    What is set as in a dictionary is the row's `content`; the last of two requests at once wins.
    The row's `identity` is written by `begin` and `renew` alone.
    """

    def __init__(self, session_key: str | None = None) -> None:
        super().__init__(session_key)
        self.is_new = False
        self.was_ended = False  # the cookie names one that somebody here ended
        self._row: Session | None = None
        self.over: Session | None = None  # the cookie names it, and its time is over
        self._identity: dict[str, Any] = {}

    @property
    def row(self) -> Session | None:
        """The stored row; None for a stranger."""
        self._get_session()  # type: ignore[attr-defined]
        return self._row

    @property
    def identity(self) -> dict[str, Any]:
        """Who signed in, and what came with that; {} for a stranger."""
        self._get_session()  # type: ignore[attr-defined]
        return self._identity

    @property
    def ended_at(self) -> float:
        """When the session that the cookie names ended here, in seconds since 1970; else 0.

        Also if that was not asked for: perhaps the database is down.
        """
        if self.was_ended:
            return timezone.now().timestamp()
        return self.over.ended_at.timestamp() if self.over else 0

    def begin(self, row: Session, identity: dict[str, Any], content: dict[str, Any]) -> None:
        """Start under a new key, whose digest `row` gets."""
        self._session_key = self._get_new_session_key()  # type: ignore[attr-defined]
        self._session_cache = content
        row.key_digest = digest(str(self.session_key))
        row.content = self._encrypted(content)
        row.set_identity(identity)
        row.save(force_insert=True)
        self._row, self._identity = row, identity
        self.is_new = self.modified = True

    def renew(self, identity: dict[str, Any], **columns: Any) -> None:
        """Write another identity, and columns that it is bound to.

        Raises UpdateError: the session has ended meanwhile.
        """
        row = self._own_row
        for name, value in columns.items():
            setattr(row, name, value)
        row.set_identity(identity)
        self._update(identity=row.identity, **columns)
        self._identity = identity

    def claim(self, identity: dict[str, Any]) -> bool:
        """Write another identity, unless another request has done so meanwhile."""
        row = self._own_row
        before = row.identity
        row.set_identity(identity)
        try:
            self._update(was=before, identity=row.identity)
        except UpdateError:
            row.identity = before
            return False
        self._identity = identity
        return True

    def touch(self) -> None:
        """Note that the person works, at most once a minute. Raises UpdateError, as above."""
        now = timezone.now()
        rest = min(_TOUCH, settings.SESSION_IDLE_MINUTES * 6)  # a tenth
        if (now - self._own_row.last_active).total_seconds() >= rest:
            self._update(last_active=now)
            self._own_row.last_active = now

    # What Django asks of a store -----------------------------------------------------------------

    def load(self) -> dict[str, Any]:
        row = statements.find(Session, digest(str(self.session_key)))
        if row and row.was_ended:
            self.was_ended, row = True, None
        if row and not row.lasts:
            self.over, row = row, None
        identity = row.read_identity() if row else None
        content = self._decrypt(row.content) if row else None
        if identity is None or content is None:
            self._session_key = None
            return {}
        self._row, self._identity = row, identity
        return content

    def is_empty(self) -> bool:
        return self.session_key is None

    def exists(self, session_key: str) -> bool:
        return Session.objects.filter(pk=digest(session_key)).exists()

    def save(self, must_create: bool = False) -> None:
        """Store the content. Raises UpdateError: the session has ended meanwhile."""
        content = self._get_session()  # type: ignore[attr-defined]
        if self.session_key is not None:
            self._update(content=self._encrypted(content))

    def delete(self, session_key: str | None = None) -> None:
        if key := session_key or self.session_key:
            Session.objects.filter(pk=digest(key)).delete()
        self._row, self._identity = None, {}

    def get_expiry_age(self, **kwargs: Any) -> int:
        """Seconds until the cookie ends: a day after the session, so that the person is told."""
        return int((self._own_row.ends_at - timezone.now()).total_seconds()) + _A_DAY

    @classmethod
    def clear_expired(cls) -> None:
        """Record that they expired, and delete those whose key no browser has any more.

        Also delete what was put aside and never taken back.
        """
        for row in Session.objects.exclude(pk__in=Session.lasting()).exclude(identity=""):
            if actor := empty(row):
                access_events.note(Access.EXPIRED, actor=actor, request_id="")
        Session.objects.filter(ends_at__lt=timezone.now() - timedelta(seconds=_A_DAY)).delete()
        sweep()

    @property
    def _own_row(self) -> Session:
        if self.row is None:
            raise UpdateError
        return self.row

    def _encrypted(self, content: dict[str, Any]) -> str:
        return encrypt_for_session(content, bound_to=f"content {self.session_key}")

    def _decrypt(self, content: str) -> dict[str, Any] | None:
        """The members of a content; None if it is not of this session."""
        bound_to = f"content {self.session_key}"
        data: dict[str, Any] | None = decrypt_for_session(content, max_age=None, bound_to=bound_to)
        return data

    def _update(self, *, was: str | None = None, **columns: Any) -> None:
        """Raises UpdateError: the session has ended, or its identity is not `was` any more."""
        rows = Session.objects.filter(pk=self._own_row.pk, was_ended=False)
        if was is not None:
            rows = rows.filter(identity=was)
        try:
            with transaction.atomic():
                there = rows.update(**columns)
        except DatabaseError as exc:
            raise UpdateError from exc
        if not there:
            raise UpdateError


def empty(row: Session) -> Actor | None:
    """Empty the row of a session whose time is over. Its times stay, for a browser with its key.

    Returns whose it was, None if another request emptied it.
    """
    identity = row.read_identity()
    if identity is None:
        return None
    actor = actor_in(identity)
    credentials.forget(actor.sign_in)
    rows = Session.objects.filter(pk=row.pk, identity=row.identity)
    is_ours = bool(rows.update(identity="", content=""))
    return actor if is_ours and not identity.get("goes_on") else None


def actor_in(identity: dict[str, Any]) -> Actor:
    """Who an identity speaks of."""
    members = identity["actor"]
    return Actor(**members | {"roles": tuple(map(Role, members["roles"]))})
