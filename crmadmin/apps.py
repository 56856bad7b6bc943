"""The deployment as Django knows it: nothing but its checks."""

from django.apps import AppConfig


class CrmadminConfig(AppConfig):
    name = "crmadmin"

    def ready(self) -> None:
        from crmadmin import checks  # noqa: F401
