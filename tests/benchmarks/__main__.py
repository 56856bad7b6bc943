"""`python -m tests.benchmarks`: both databases in turn, into docs/benchmarks.md."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from platform import python_version, release
from sqlite3 import sqlite_version
from statistics import median, quantiles
from time import perf_counter
from typing import Any

import psycopg

from tests import postgres
from tests.benchmarks import desk, pages

MOST = int(os.environ.get("ENTRIES") or 1_000_000)  # entries of the longest log
LENGTHS = sorted({min(length, MOST) for length in (10_000, 100_000, MOST)})
LIBRARIES = ("django-auditlog", "django-simple-history")
HEADINGS = ("", "aim", "SQLite", "PostgreSQL")
AIMS = {
    "a recorded change": "8 / 4.5 units",
    "audit_verify": "50,000 entries/s",
    "an entry in all": "1,600 bytes",
    "its export as CSV": "0.33 of that",
    "its export as NDJSON": "0.33 of that",
    "memory of an export": "40 MB",
}
UNITS = """\
A time says more of the machine than of the product, so what can be compared is measured in turn, in
one process: units are the median of plain inserts beside it, with quartiles."""
OF_PAGES = """\
A page, over HTTP, of logs of so many entries: milliseconds by the clock, and in brackets those that
the server and its database computed, medians. The growth is of these. The aims: 25 ms, activity
100 ms; growth 1.3; 8 queries. The rows of others: without HTTP."""

OF_THE_DESK = """\
A profile and a save over HTTP, on PostgreSQL, beside the bare calls of Club Med's API that they
make, in turn; medians. Then 64 people who keep their connections and make no pause; the people and
Club Med compute on the same machine."""


@dataclass(frozen=True)
class Ran:
    """A command that has ended: what it printed, wall seconds, peak resident memory in MB."""

    printed: str
    seconds: float
    memory: float


def main() -> None:
    """Each database has its real durability: on SQLite the product sees to it."""
    with tempfile.TemporaryDirectory(prefix="crmadmin-bench-") as folder:
        sqlite, of_sqlite = measured(lambda name: f"sqlite:///{folder}/{name}.sqlite3")
    with postgres.running(options="") as address:

        def database(name: str) -> str:
            with psycopg.connect(address, autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE {name}")
            return address.removesuffix("postgres") + name

        postgresql, of_postgresql = measured(database)
    rows = [(what, AIMS.get(what, ""), sqlite[what], postgresql[what]) for what in sqlite]
    text = "\n".join(
        [
            *("# Benchmarks", "", f"Made by `make bench ENTRIES={MOST}`, which writes this page."),
            *("", *of_machine(), "", UNITS, ""),
            *(table([HEADINGS, *rows]), "", OF_PAGES, ""),
            *(table(page_rows("SQLite", of_sqlite)), ""),
            *(table(page_rows("PostgreSQL", of_postgresql)), "", OF_THE_DESK, ""),
            table(desk.measured()),
        ]
    )
    print(text)
    (pages.ROOT / "docs/benchmarks.md").write_text(f"{text}\n")


def measured(database: Callable[[str], str]) -> tuple[dict[str, str], list[dict[str, Any]]]:
    """What was measured -> how it came out, in words; and the pages of a log of each length.

    database: name -> address of a new one.
    """
    rooms, verified, of_pages, exported = [], [], [], {}
    found = changes(database("changes"))
    for length in LENGTHS:
        address = database(f"log{length}")
        rooms.append(json.loads(run(address, "fill_log", str(length)).printed))
        verified.append(run(address, "audit_verify"))
        asked = json.loads(run(address, "measure_pages", str(length)).printed)
        exported = json.loads(run(address, "measure_export").printed)
        of_pages.append(asked | {"taken": pages.timed(address, asked["cookie"], asked["paths"])})
    return {**found, **log(rooms[-1], verified), **exports(exported)}, of_pages


def page_rows(database: str, found: Sequence[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """A page a row, a length a column."""
    rows = [(database, *(f"{length:,}" for length in LENGTHS), "growth", "queries")]
    for name in (*found[0]["taken"], *found[0]["others"]):
        taken = [(of_length["taken"] | of_length["others"])[name] for of_length in found]
        growth = f"{taken[-1][1] / taken[0][1]:.2f}"
        queries = str(found[-1]["queries"].get(name, ""))
        rows.append((name, *(f"{wall:.1f} ({cpu:.1f})" for wall, cpu in taken), growth, queries))
    return rows


def changes(database: str) -> dict[str, str]:
    """What a change costs: median and quartiles in units of the plain insert's median."""
    seconds = json.loads(run(database, "measure_changes").printed)
    unit = median(seconds["insert"])

    def cost(of: Sequence[float]) -> str:
        low, middle, high = quantiles((second / unit for second in of), n=4)
        return f"{middle:.1f} units ({low:.1f} to {high:.1f}), {middle * unit * 1000:.2f} ms"

    def added(library: str) -> list[float]:
        followed = seconds[f"save with {library}"]
        return [more - plain for more, plain in zip(followed, seconds["save"], strict=True)]

    return {
        "one row inserted: the unit": cost(seconds["insert"]),
        "a recorded change": cost(seconds["change"]),
        "a page of 50 changes": cost(seconds["page"]),
        "the same, all its values decrypted": cost(seconds["page, values opened"]),
        "a save of a model": cost(seconds["save"]),
        **{f"{library} adds to it": cost(added(library)) for library in LIBRARIES},
    }


def log(room: Mapping[str, float], verified: Sequence[Ran]) -> dict[str, str]:
    """What the log needs: the room it takes, and how fast and in what memory it is verified."""
    short, long = verified[0], verified[-1]
    # Of the entries which the long log has more, if there is another: a start takes its time too.
    others = (LENGTHS[0], short.seconds) if len(LENGTHS) > 1 else (0, 0.0)
    rate = (LENGTHS[-1] - others[0]) / (long.seconds - others[1])
    return {
        "an entry and its indexes": f"{room['Entry']:.0f} bytes",
        "its values": f"{room['VaultItem']:.0f} bytes",
        "the projections of its change": f"{room['Change'] + room['ChangedField']:.0f} bytes",
        "an entry in all": f"{sum(room.values()):.0f} bytes",
        "audit_verify": f"{rate:,.0f} entries/s",
        f"its memory at {LENGTHS[0]:,} and {LENGTHS[-1]:,} entries": (
            f"{short.memory:.0f} and {long.memory:.0f} MB"
        ),
    }


def exports(found: Mapping[str, float]) -> dict[str, str]:
    """How fast the longest log leaves, in parts of the speed of a bare loop."""
    rates = {
        f"its export as {kind}": f"{found[kind]:,.0f} rows/s, {found[kind] / found['bare']:.2f}"
        for kind in ("CSV", "NDJSON")
    }
    return {
        "its values decrypted and written, no more": f"{found['bare']:,.0f} rows/s",
        **rates,
        "memory of an export": f"{found['memory']:.0f} MB above idle",
    }


def run(database: str, *command: str) -> Ran:
    """A management command in a process of its own, on one database."""
    settings = {"DATABASE_URL": database, "DJANGO_SETTINGS_MODULE": "tests.benchmarks.settings"}
    with tempfile.TemporaryFile("w+") as told:
        began = perf_counter()
        process = subprocess.Popen(
            [sys.executable, "manage.py", *command],
            cwd=pages.ROOT,
            env=os.environ | settings,
            stdout=subprocess.PIPE,
            stderr=told,  # the process log, in which each append is told
            text=True,
        )
        printed = process.stdout.read()
        _, status, used = os.wait4(process.pid, 0)
        seconds = perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            told.seek(0)
            sys.exit(f"`{' '.join(command)}` failed:\n{told.read()[-2000:]}")
    return Ran(printed, seconds, used.ru_maxrss / 1024)


def of_machine() -> list[str]:
    """What it was measured on, a line each."""
    cpu = next(
        line for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    server = subprocess.check_output([postgres.binaries() / "postgres", "--version"], text=True)
    versions = [f"{name} {version(name)}" for name in ("django", "psycopg", *LIBRARIES)]
    kernel, load = release().partition("-")[0], os.getloadavg()[2]
    return [
        f"- {cpu.partition(': ')[2]}, {os.cpu_count()} cores, {memory:.0f} GB, Linux {kernel}",
        f"- load in the quarter of an hour before its end, its own included: {load:.1f}",
        f"- Python {python_version()}, SQLite {sqlite_version}, {server.strip()}",
        f"- {', '.join(versions)}",
    ]


def table(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        " | ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        for row in [rows[0], ["-" * width for width in widths], *rows[1:]]
    ]
    return "\n".join(f"| {line} |" for line in lines)


if __name__ == "__main__":
    main()
