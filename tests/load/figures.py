"""What came out: from the process log, from /metrics, and from what the people counted."""

import json
import os
import re
import subprocess
from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from platform import python_version
from statistics import quantiles

import requests

from tests.postgres import binaries

_PATCH = "PATCH /v1/customers/{customer_id}/profile"
_SAMPLE = re.compile(r"crmadmin_(\w+)(?:{(.*)})? ([\d.e+-]+)")
_FIELD = "customers/<str:customer_id>/fields/<str:name>/"
KINDS = {
    ("GET", "customers/<str:customer_id>/"): "a profile",
    ("GET", _FIELD): "an editor",
    ("POST", _FIELD): "a save",
    ("GET", f"{_FIELD}changes/<uuid:change_id>/"): "how a value was stored",
    ("GET", ""): "the search page",
    ("POST", ""): "a search",
    ("GET", "audit/"): "the log, filtered",
}
RESOURCES = (
    "the product",
    "PostgreSQL",
    "Club Med",
    "the people",
    "others",
)  # as `Place.computed` has them
SHORT = ("answers/s", "own p50", "own p95", "in all p95", *(f"cores: {one}" for one in RESOURCES))


@dataclass(frozen=True)
class Took:
    """seconds: how long it lasted. waits: seconds for each answer. shares: by kind, milliseconds of
    each answer that were not Club Med's. cores: how many each resource kept busy.
    """

    seconds: float
    waits: list
    shares: dict
    cores: dict

    def own(self, percent):
        return percentile(list(chain.from_iterable(self.shares.values())), percent)

    def in_all(self, percent):
        return 1000 * percentile(self.waits, percent)


class Shares:
    """The product's own share of each answer, from the process log that is growing."""

    def __init__(self, log):
        self._log, self._read, self._called = log, 0, defaultdict(float)

    def read(self):
        """kind -> milliseconds of each answer since this was last asked."""
        with self._log.open("rb") as file:
            file.seek(self._read)
            lines = file.read()
        lines = lines[: lines.rfind(b"\n") + 1]  # the last one may be under way
        self._read += len(lines)
        shares = defaultdict(list)
        for line in lines.splitlines():
            said = json.loads(line) if line.startswith(b"{") else {"message": ""}  # gunicorn's own
            if said["message"] == "called":
                self._called[said.get("request", "")] += said["ms"]
            elif said["message"] == "answered":
                ours = said["ms"] - self._called.pop(said["request"], 0)
                if kind := KINDS.get((said["method"], said["route"])):
                    shares[kind].append(max(0, ours))
        return shares


def percentile(values, percent):
    return quantiles(values, n=100)[percent - 1] if len(values) > 1 else sum(values)


def machine():
    """On what it ran."""
    cpu = re.search("model name.*: (.*)", Path("/proc/cpuinfo").read_text())[1]
    server = subprocess.check_output([binaries() / "postgres", "--version"], text=True).split()[2]
    return (
        f"{os.cpu_count()} cores of {cpu} for all, Python {python_version()}, PostgreSQL {server}"
    )


def by_kind(took):
    """Rows of a table."""
    yield "", "answers", "own p50", "own p95"
    for kind, of_kind in sorted(took.shares.items()):
        yield kind, f"{len(of_kind):,}", *(f"{percentile(of_kind, p):.0f} ms" for p in (50, 95))
    yield "all", f"{len(took.waits):,}", f"{took.own(50):.0f} ms", f"{took.own(95):.0f} ms"


def by_resource(took):
    """Rows of a table."""
    yield "", "cores that were busy", "ms of computing an answer"
    for name, cores in took.cores.items():
        yield name, f"{cores:.2f}", f"{1000 * cores * took.seconds / len(took.waits):.1f}"


def in_short(took):
    """A row of a table: the cells of SHORT."""
    times = (took.own(50), took.own(95), took.in_all(95))
    cells = [f"{len(took.waits) / took.seconds:.0f}", *(f"{time:.0f} ms" for time in times)]
    return *cells, *(f"{took.cores[name]:.2f}" for name in RESOURCES)


def limit(took):
    """Which resource is it?"""
    busy, there_are = sum(took.cores.values()), os.cpu_count()
    most = max(took.cores, key=took.cores.get)
    if busy > 0.9 * there_are:
        return f"of {there_are} cores {busy:.1f} are busy, {took.cores[most]:.1f} with {most}"
    return (
        f"of {there_are} cores only {busy:.1f} are busy: a lock, a disk or a thread is waited for"
    )


def metrics(url):
    """sample with its labels -> value."""
    text = requests.get(f"{url}/metrics", timeout=60).text
    found = (match.groups() for match in map(_SAMPLE.match, text.splitlines()) if match)
    return {(name, labels or ""): float(value) for name, labels, value in found}


def differences(before, after, crowd, entries, patched):
    """Where /metrics and those who counted do not agree: a line each.

    entries: how many the log got. patched: how often Club Med took a change.
    """

    def grew(name, labels=""):
        return round(after.get((name, labels), 0) - before.get((name, labels), 0))

    told = {
        f"answers of {route or 'find'} with {status}": (
            grew("requests_total", f'route="{route}",status="{status}"'),
            n,
        )
        for (route, status), n in Counter(crowd.answers).items()
    }
    told["changes taken"] = grew("calls_total", f'outcome="204",route="{_PATCH}"'), patched
    told["entries"] = grew("log_entries"), entries
    told["open lines"] = round(after["journal_lines", ""]), 0
    return [
        f"{what}: /metrics {ours}, counted {theirs}"
        for what, (ours, theirs) in told.items()
        if ours != theirs
    ]


def show(rows):
    """As a table of Markdown."""
    head, *others = rows
    line = ["---"] + ["---:"] * (len(head) - 1)
    for row in (head, line, *others):
        print(f"| {' | '.join(row)} |", flush=True)
