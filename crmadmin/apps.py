"""The deployment as Django knows it: a check of its environment, beside what Django asks."""

from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Warning, register


class CrmadminConfig(AppConfig):
    name = "crmadmin"


@register(deploy=True)
def background_has_a_credential(**_: Any) -> list[CheckMessage]:
    """Nobody's own token is there when nobody is."""
    from customers.services import credentials

    has_one = credentials.background() is not None
    return [] if has_one else [Warning(credentials.NO_BACKGROUND, id="crmadmin.W001")]
