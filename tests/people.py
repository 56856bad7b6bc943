"""Staff for tests that call the verbs directly."""

from django.conf import settings

from customers import form_token
from customers.access import Actor, Role


def actor(person):
    sub, name, roles = person
    return Actor(settings.OIDC_ISSUER, sub, name, tuple(Role(role) for role in roles))


def token_over(**seen):
    """The token of somebody's form, over what they saw."""
    form = {"actor": actor(("staff-1001", "Some Body", ["agent"])), "form": "a form"}
    return form_token.read(form_token.mint(**form, values=seen), **form)
