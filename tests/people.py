"""Staff for tests that call the verbs directly."""

from django.conf import settings

from customers.access import Actor, Role


def actor(person):
    sub, name, roles = person
    return Actor(settings.OIDC_ISSUER, sub, name, tuple(Role(role) for role in roles))
