"""The one app of this product."""

from django.apps import AppConfig


class CustomersConfig(AppConfig):
    name = "customers"
