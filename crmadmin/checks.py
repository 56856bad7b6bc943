"""What `manage.py check --deploy` says of the environment, beside what Django asks."""

from typing import Any

from django.core.checks import CheckMessage, Warning, register

from customers.services import credentials


@register(deploy=True)
def background_has_a_credential(**_: Any) -> list[CheckMessage]:
    """Nobody's own token is there when nobody is."""
    if credentials.background():
        return []
    return [Warning(credentials.NO_BACKGROUND, id="crmadmin.W001")]
