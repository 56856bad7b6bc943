"""The product's settings of gunicorn, with two clocks: every second worker is a minute ahead."""

import os
import time
from datetime import timedelta

from crmadmin.server import *  # noqa: F403

AHEAD = 60


def post_fork(server, worker):
    """Before the application is loaded, so that it knows no other clock."""
    if os.environ["SOAK_CLOCKS"] == "2" and worker.age % 2:
        from django.utils import timezone

        seconds, now = time.time, timezone.now
        time.time = lambda: seconds() + AHEAD
        timezone.now = lambda: now() + timedelta(seconds=AHEAD)
