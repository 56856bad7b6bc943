"""The one app of this product."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class CustomersConfig(AppConfig):
    name = "customers"

    def ready(self) -> None:
        from customers.audit import triggers

        # A migration that makes a table anew takes its triggers away.
        post_migrate.connect(lambda **_: triggers.install(), sender=self, weak=False)
