"""`manage.py demo`: the whole product on this machine, until Ctrl-C."""

from typing import Any

from django.core.management.base import BaseCommand

from crmadmin.demo.listening import PortError
from crmadmin.demo.run import run
from crmadmin.demo.server import ServerError


class Command(BaseCommand):
    """Needs no configuration: it makes one for the servers it starts."""

    help = "Serve the product with a sandbox API and a local sign-in, on ports PORT (8000), "
    help += "SANDBOX_PORT (8001) and OIDC_PORT (8002). DEMO_HISTORY=off begins with an empty log."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            run()
        except (PortError, ServerError) as exc:
            raise SystemExit(str(exc)) from None
