"""gunicorn's configuration in the demo: it must not outlive the process that started it."""

import os
import signal
import threading
from functools import partial
from typing import Any

from django.core.management import call_command

worker_class = "gthread"
workers = 1
loglevel = "warning"
graceful_timeout = 3
control_socket_disable = True  # it would stand in the home directory


def on_starting(server: Any) -> None:
    """Hold the leash: whoever started us keeps our stdin open, and its end is ours."""
    threading.Thread(target=_leave_with_the_starter, daemon=True).start()


def _leave_with_the_starter() -> None:
    os.read(0, 1)  # not sys.stdin, whose lock a forked worker would inherit as taken
    os.kill(os.getpid(), signal.SIGTERM)


def post_worker_init(worker: Any) -> None:
    """Stand in for the timer of a deployment: the desk settles by itself what got no answer."""
    if os.environ["DJANGO_SETTINGS_MODULE"] == "crmadmin.settings":
        reconcile = partial(call_command, "reconcile", watch=2)
        threading.Thread(target=reconcile, daemon=True).start()
