"""The application server's settings: `gunicorn --config python:crmadmin.server` (`make run`)."""

import gc
import os
import shutil
import tempfile
from typing import Any

worker_class = "crmadmin.worker.Worker"
logger_class = "crmadmin.worker.ServerLog"
# gunicorn's own variable. Two: one may start anew while the other serves. Threads of one process
# compute in turns, so many people want two processes a core (docs/operations.md, section 8).
workers = int(os.environ.get("WEB_CONCURRENCY") or 2)
threads = 64  # nearly all of a request is waiting for Club Med
# Seconds that a worker goes on with its requests when it is told to stop or to reload: more than
# CLUBMED_DEADLINE, so that a call under way is answered and recorded.
graceful_timeout = 30
# Seconds that an idle connection stays open: longer than a proxy in front (nginx: 60) uses it.
keepalive = 75
# Of a header: twelve tabs that sign in at once have a cookie each (crmadmin.sso.attempts).
limit_request_field_size = 32 * 1024
# Who the caller is, and by which scheme, is decided by TRUSTED_PROXIES alone.
forwarded_allow_ips = ""
control_socket_disable = True  # it would stand in the home directory
# Until `post_worker_init`: what a worker imports stays, and looking through it is a sixth of its
# start.
gc.set_threshold(50_000)
# There is no access log: its addresses hold customer numbers. crmadmin.middleware logs failures.


def on_starting(server: Any) -> None:
    """Each worker counts in a file of its own in this folder, and /metrics adds them up."""
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix="crmadmin-metrics-")


def post_worker_init(worker: Any) -> None:
    """What was imported stays, so the collector need not look through it again and again. A page
    makes thousands of objects, of which hardly any needs the collector: about 8 % of its time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(5_000, 10, 10)


def child_exit(server: Any, worker: Any) -> None:
    """Keep the counts of a dead worker, but not the state of its circuit breaker."""
    # Only now: the import asks the environment whether there is a folder.
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


def on_exit(server: Any) -> None:
    shutil.rmtree(os.environ["PROMETHEUS_MULTIPROC_DIR"], ignore_errors=True)
