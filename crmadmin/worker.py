"""gunicorn's threaded worker, made so that it never writes into our files, and gunicorn's log, made
so that it holds nothing that a caller sent.
"""

import sys
import traceback
from typing import Any

from gunicorn.glogging import Logger
from gunicorn.workers.gthread import PollableMethodQueue, ThreadWorker

from crmadmin.logs import JsonLine


class _OpenQueue(PollableMethodQueue):  # type: ignore[misc]  # the library has no types
    """The pipe by which a request's thread wakes the worker's main thread, never closed.

    gunicorn closes it when the graceful time is over. A thread that finishes later writes a byte to
    the number that the pipe had, which may be the database's file by then.
    """

    def close(self) -> None:
        pass


class Worker(ThreadWorker):  # type: ignore[misc]  # the library has no types
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.method_queue = _OpenQueue()


class ServerLog(Logger):  # type: ignore[misc]  # the library has no types
    """gunicorn's log as JSON lines, without anything of a request."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        for handler in self.error_log.handlers:
            handler.setFormatter(JsonLine())

    def warning(self, msg: Any, *args: Any, **kwargs: Any) -> None:
        """Of an invalid request log only the sender: the rest would quote the request."""
        about_request = str(msg).startswith("Invalid request from ")
        super().warning(msg.partition(":")[0] if about_request else msg, *args, **kwargs)

    def exception(self, msg: Any, *args: Any, **kwargs: Any) -> None:
        """Of a request that failed log only the traceback: its address may name a customer."""
        if not str(msg).startswith("Error handling request"):
            super().exception(msg, *args, **kwargs)
            return
        kind, _, frames = sys.exc_info()
        name = kind and kind.__name__
        self.error("a request failed: %s\n%s", name, "".join(traceback.format_tb(frames)))
