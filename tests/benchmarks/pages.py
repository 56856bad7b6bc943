"""Whole requests to the product's own server, as `make run` starts it, and what they take."""

import http.client
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median
from typing import TypeAlias
from urllib.parse import unquote, urlsplit

from crmadmin.demo import listening
from tests.demo import ROOT, SERVER, children_of

ROUNDS, WARM_UP = 30, 3
Taken: TypeAlias = tuple[float, float]  # wall milliseconds and CPU milliseconds, medians


def timed(database: str, cookie: str, paths: Mapping[str, str]) -> dict[str, Taken]:
    """name of a page -> what a request for it takes. cookie: of somebody's session."""
    with _serving(database) as (port, server):
        there = http.client.HTTPConnection("127.0.0.1", port)
        requests = {
            name: partial(_get, there, path, {"Cookie": cookie}) for name, path in paths.items()
        }
        return taken(requests, lambda: [*children_of(server), *of_postgresql(database)])


def taken(
    acts: Mapping[str, Callable[[], object]], processes: Callable[[], Sequence[int]]
) -> dict[str, Taken]:
    """What each act takes, and how much of it those processes computed.

    They take turns, so that a busy moment of the machine meets all of them.
    """
    for act in list(acts.values()) * WARM_UP:
        act()
    working = processes()
    rounds: dict[str, list[Taken]] = {name: [] for name in acts}
    for name in list(acts) * ROUNDS:
        began, before = time.perf_counter(), _cpu(working)
        acts[name]()
        ended, after = time.perf_counter(), _cpu(working)
        rounds[name].append(((ended - began) * 1000, (after - before) * 1000))
    return {
        name: (median(wall for wall, _ in of_act), median(cpu for _, cpu in of_act))
        for name, of_act in rounds.items()
    }


@contextmanager
def _serving(database: str) -> Iterator[tuple[int, int]]:
    """The server's port and process. Who calls before it is ready waits for its answer."""
    settings = {"DATABASE_URL": database, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    with listening.on(0) as listener:
        handle = listener.fileno()
        process = subprocess.Popen(
            [*SERVER, "--bind", f"fd://{handle}"],
            cwd=ROOT,
            env=os.environ | settings,
            pass_fds=[handle],
            stderr=subprocess.DEVNULL,
        )
        try:
            yield listener.getsockname()[1], process.pid
        finally:
            process.terminate()
            process.wait()


def _get(there: http.client.HTTPConnection, path: str, headers: Mapping[str, str]) -> None:
    there.request("GET", path, headers=dict(headers))
    answer = there.getresponse()
    page = answer.read()
    if answer.status != 200:
        sys.exit(f"{path} answered {answer.status}:\n{page.decode()[:2000]}")


def of_postgresql(database: str) -> list[int]:
    """The processes of a server that `tests.postgres` runs; none for SQLite."""
    folder = Path(unquote(urlsplit(database).netloc.rpartition("@")[2]))
    pid_file = folder / "data" / "postmaster.pid"
    return children_of(int(pid_file.read_text().split()[0])) if pid_file.exists() else []


def _cpu(processes: Iterable[int]) -> float:
    """Seconds that they have computed, by the clock that Linux keeps of each."""
    return sum(time.clock_gettime((~process << 3) | 2) for process in processes)
