"""Who works here, and what each role may do. A view without a rule, `@allow(...)`, is refused."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import Any, TypeVar

from django.db import models
from django.utils.translation import gettext_lazy as _

View = TypeVar("View", bound=Callable[..., Any])


class Permission(Enum):
    """The rights that a rule can require."""

    EVERYONE = "everyone"  # without a sign-in: the way in, the way out, health
    CUSTOMERS = "customers"  # find, create, view, edit
    CUSTOMER_HISTORY = "customer history"  # the changes of one customer
    LOG = "log"  # the whole audit log
    SETTLE = "settle"  # decide somebody else's unclear change
    REVEAL = "reveal"  # see a sensitive value, on a page that they may open
    REVERT = "revert"  # put back what a change replaced, of whomever it was
    FORGET = "forget"  # erase a customer's values in the log
    OWN_SESSIONS = "own sessions"  # see where one is signed in, and sign out there
    SESSIONS = "sessions"  # the same of everybody


class Role(models.TextChoices):
    """A person's role here, from the company's groups."""

    AGENT = "agent", _("agent")
    SUPERVISOR = "supervisor", _("supervisor")
    AUDITOR = "auditor", _("auditor")


_WORDS: dict[str, Any] = dict(Role.choices)
_AGENT = {Permission.CUSTOMERS, Permission.CUSTOMER_HISTORY, Permission.OWN_SESSIONS}
_AUDITOR = {Permission.CUSTOMER_HISTORY, Permission.LOG, Permission.OWN_SESSIONS}
_MAY = {
    Role.AGENT: _AGENT,
    Role.AUDITOR: _AUDITOR,
    Role.SUPERVISOR: {
        *_AGENT,
        *_AUDITOR,
        Permission.SETTLE,
        Permission.REVERT,
        Permission.FORGET,
        Permission.SESSIONS,
    },
}


@cache
def _allowed(roles: tuple[Role, ...]) -> frozenset[Permission]:
    return frozenset[Permission]().union(*(_MAY[role] for role in roles))


def _allows(permission: Permission) -> property:
    """The same question as `Actor.may`, for templates."""
    return property(lambda actor: actor.may(permission))


@dataclass(frozen=True)
class Actor:
    """A signed-in person: known by issuer and sub, never by name or e-mail.

    market: the locale of their calls to Club Med ("fr-FR"), "" for the setting's. sign_in: the key
    of this sign-in, under which their own access token is stored, if any. reveals: may they see
    sensitive values? Groups of their own give that, no role does.
    """

    issuer: str
    sub: str
    name: str
    roles: tuple[Role, ...]
    market: str = ""
    sign_in: str = ""
    reveals: bool = False

    @property
    def columns(self) -> dict[str, str]:
        """Who did it, as a row of the log says."""
        return {
            "actor_issuer": self.issuer,
            "actor_sub": self.sub,
            "actor_name": self.name,
            "actor_roles": ", ".join(self.roles),
        }

    @property
    def key(self) -> str:
        """One string that is this person and no other."""
        return f"{self.issuer} {self.sub}"

    def may(self, permission: Permission) -> bool:
        if permission is Permission.REVEAL:
            return self.reveals
        return permission is Permission.EVERYONE or permission in _allowed(self.roles)

    may_handle_customers = _allows(Permission.CUSTOMERS)
    may_read_log = _allows(Permission.LOG)
    may_settle = _allows(Permission.SETTLE)
    may_revert = _allows(Permission.REVERT)
    may_reveal = _allows(Permission.REVEAL)
    may_forget = _allows(Permission.FORGET)
    may_end_sessions = _allows(Permission.SESSIONS)

    @property
    def role_words(self) -> str:
        return role_words(self.roles)

    @property
    def initials(self) -> str:
        words = self.name.split()
        return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper()


# Whoever runs a command on the server; which person that was, only the server's own log tells.
OPERATOR = Actor(issuer="", sub="", name="Command line", roles=())


def role_words(roles: Iterable[str]) -> str:
    """Roles as people call them: "agent, supervisor"; any other word stands as it is."""
    return ", ".join(str(_WORDS.get(role, role)) for role in roles)


def allow(*permissions: Permission) -> Callable[[View], View]:
    """The rule of a view: all of these are needed."""

    def mark(view: View) -> View:
        view.access_rule = permissions  # type: ignore[attr-defined]
        return view

    return mark
