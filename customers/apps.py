"""The one app of this product."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class CustomersConfig(AppConfig):
    name = "customers"

    def ready(self) -> None:
        post_migrate.connect(_guard_the_log, sender=self)


def _guard_the_log(**_: object) -> None:
    """After every migration: one that makes a table anew takes its triggers away."""
    from customers.audit import triggers

    triggers.install()
