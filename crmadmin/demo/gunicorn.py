"""gunicorn's settings in the demo: the product's, but small, and gone with who started it."""

import os
import signal
import threading
from functools import partial
from typing import Any

from django.core.management import call_command

from crmadmin.server import control_socket_disable as control_socket_disable
from crmadmin.server import forwarded_allow_ips as forwarded_allow_ips
from crmadmin.server import keepalive as keepalive
from crmadmin.server import worker_class as worker_class

workers = 1
loglevel = "warning"
graceful_timeout = 3


def on_starting(server: Any) -> None:
    """Watch our stdin, which whoever started us holds open: its end is ours."""
    threading.Thread(target=_leave_with_the_starter, daemon=True).start()


def _leave_with_the_starter() -> None:
    os.read(0, 1)  # not sys.stdin, whose lock a forked worker would inherit as taken
    os.kill(os.getpid(), signal.SIGTERM)


def post_worker_init(worker: Any) -> None:
    """Stand in for the timer of a deployment: the desk settles by itself what got no answer."""
    if os.environ["DJANGO_SETTINGS_MODULE"] == "crmadmin.settings":
        reconcile = partial(call_command, "reconcile", watch=2)
        threading.Thread(target=reconcile, daemon=True).start()
