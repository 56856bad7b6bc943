"""`manage.py sandbox`: the stand-in for the Club Med API, until Ctrl-C."""

import argparse
import logging
import os
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from crmadmin.sandbox import Sandbox


class Command(BaseCommand):
    """Serves invented customers on this machine."""

    help = "Serve a local stand-in for the Club Med customer API, with 300 invented customers."
    requires_system_checks = ()

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        port = os.environ.get("SANDBOX_PORT", "8001")  # argparse puts a text default through int
        parser.add_argument("--port", type=int, default=port, help="SANDBOX_PORT, else 8001")

    def handle(self, *, host: str, port: int, **options: Any) -> None:
        try:
            sandbox = Sandbox(host=host, port=port)
        except (OSError, OverflowError):
            raise CommandError(
                f"The sandbox cannot listen on {host} port {port}: "
                "give it a free one with --port or SANDBOX_PORT."
            ) from None
        self._show_accesses()
        self.stdout.write(
            f"Sandbox API on {sandbox.url}, token {sandbox.token}, API key {sandbox.api_key}"
        )
        self.stdout.flush()
        try:
            sandbox.serve_forever()
        except KeyboardInterrupt:
            return

    def _show_accesses(self) -> None:
        """A line a request on stderr, whatever the settings log."""
        log = logging.getLogger("crmadmin.sandbox")
        log.addHandler(logging.StreamHandler())
        log.setLevel(logging.INFO)
        log.propagate = False
