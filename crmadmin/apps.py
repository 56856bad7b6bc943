"""The deployment as Django knows it, and what `check --deploy` warns of beside what Django asks.

What is unsafe whatever the reason, `crmadmin.unsafe` refuses at the start.
"""

from collections.abc import Mapping
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Warning, register

from crmadmin.unsafe import is_loopback


class CrmadminConfig(AppConfig):
    name = "crmadmin"


@register(deploy=True)
def background_has_a_credential(**_: Any) -> list[CheckMessage]:
    """Commands call Club Med when nobody is signed in, so no person's token can be used."""
    from customers.services import credentials

    has_one = credentials.background() is not None
    return [] if has_one else [Warning(credentials.NO_BACKGROUND, id="crmadmin.W001")]


@register(deploy=True)
def database_proves_who_it_is(**_: Any) -> list[CheckMessage]:
    """The whole log is sent to the database, and its answers are trusted."""
    proves = is_proven(settings.DATABASES["default"])
    return [] if proves else [Warning(_NO_PROOF, id="crmadmin.W002")]


_NO_PROOF = "DATABASE_URL: without sslmode=verify-full another server may pose as the database."


def is_proven(database: Mapping[str, Any]) -> bool:
    """Is it on this machine, or reached by TLS that is checked? database: as Django's setting."""
    host = database.get("HOST", "")
    is_here = not host or host.startswith("/") or is_loopback(host)
    return is_here or database.get("OPTIONS", {}).get("sslmode") == "verify-full"
