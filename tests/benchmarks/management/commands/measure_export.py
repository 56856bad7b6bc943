"""How fast a whole log is exported, beside a loop that decrypts every value and writes it."""

import json
import os
from collections.abc import Callable, Iterable, Iterator
from resource import RUSAGE_SELF, getrusage
from time import process_time
from typing import Any

from django.core.management.base import BaseCommand
from django.test import Client
from django.urls import reverse

from crmadmin.server import post_worker_init
from customers.audit.models import Entry
from tests.benchmarks.management.commands.measure_pages import session_cookie

_WARM_UP = 2_000  # rows, after which the process is as large as it is between two requests


class Command(BaseCommand):
    """Prints JSON: {"CSV", "NDJSON", "bare": rows a second of CPU, "memory": MB above idle}.

    As the worker's own time is measured, and not what the database computes beside it, the three
    can be compared.
    """

    def handle(self, **options: Any) -> None:
        post_worker_init(None)  # the collector is as it is in a worker
        cookie = session_cookie()
        acts: dict[str, Callable[[], Iterable[bytes]]] = {
            "bare": _bare,
            "CSV": lambda: _exported("export-csv", cookie),
            "NDJSON": lambda: _exported("export-ndjson", cookie),
        }
        for act in acts.values():
            _write(act(), most=_WARM_UP)
        idle = getrusage(RUSAGE_SELF).ru_maxrss
        found = {name: _write(act()) for name, act in acts.items()}
        found["memory"] = (getrusage(RUSAGE_SELF).ru_maxrss - idle) / 1024
        self.stdout.write(json.dumps(found))


def _bare() -> Iterator[bytes]:
    """A line an entry: what lies encrypted of it, in clear."""
    for entry in Entry.objects.iterator(500):
        yield json.dumps(entry.contents).encode() + b"\n"


def _exported(name: str, cookie: str) -> Iterable[bytes]:
    answer: Any = Client().get(reverse(name), headers={"cookie": cookie})
    content: Iterable[bytes] = answer.streaming_content
    return content


def _write(lines: Iterable[bytes], *, most: int | None = None) -> float:
    """Rows a second of CPU time."""
    rows, began = 0, process_time()
    with open(os.devnull, "wb") as file:
        for line in lines:
            file.write(line)
            rows += line.count(b"\n")
            if most and rows > most:
                break
    return rows / (process_time() - began)
