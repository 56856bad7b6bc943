"""gunicorn's threaded worker, made so that it never writes into our files."""

from typing import Any

from gunicorn.workers.gthread import PollableMethodQueue, ThreadWorker


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
