"""`python -m tests.benchmarks`: both databases in turn, then one table."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter

from tests import postgres

LENGTHS = (20_000, 200_000)  # entries of a log
LIBRARIES = ("django-auditlog", "django-simple-history")
HEADINGS = ("", "aim", "SQLite", "PostgreSQL")
AIMS = {
    "a recorded change": "8 / 4.5 units",
    "audit_verify": "50,000 entries/s",
    "a change of one field in all": "1,600 bytes",
}
ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True)
class Ran:
    """A command that has ended: what it printed, wall seconds, peak resident memory in MB."""

    printed: str
    seconds: float
    memory: float


def main() -> None:
    """Each database has its real durability: on SQLite the product sees to it."""
    with tempfile.TemporaryDirectory(prefix="crmadmin-bench-") as folder:
        sqlite = measured(f"sqlite:///{folder}/bench.sqlite3")
    with postgres.running(options="") as address:
        postgresql = measured(address)
    rows = [(what, AIMS.get(what, ""), sqlite[what], postgresql[what]) for what in sqlite]
    print("Units are plain inserts beside it; medians, with quartiles, and ms on this machine.\n")
    show([HEADINGS, *rows])


def measured(database: str) -> dict[str, str]:
    """What was measured -> how it came out, in words."""
    return {**changes(database), **log(database)}


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
        "the same, its connection given back": cost(seconds["change, connection given back"]),
        "a page of 50 changes": cost(seconds["page"]),
        "the same, all its values decrypted": cost(seconds["page, values opened"]),
        "a save of a model": cost(seconds["save"]),
        **{f"{library} adds to it": cost(added(library)) for library in LIBRARIES},
    }


def log(database: str) -> dict[str, str]:
    """What the log needs: the room it takes, and how fast and in what memory it is verified."""
    verified: list[Ran] = []
    for length in LENGTHS:
        room = json.loads(run(database, "fill_log", str(length)).printed)
        verified.append(run(database, "audit_verify"))
    short, long = verified
    # Of the entries which the long log has more: a start takes its time too.
    rate = (LENGTHS[1] - LENGTHS[0]) / (long.seconds - short.seconds)
    return {
        "an entry and its indexes": f"{room['Entry']:.0f} bytes",
        "its values": f"{room['VaultItem']:.0f} bytes",
        "the projections of its change": f"{room['Change'] + room['ChangedField']:.0f} bytes",
        "a change of one field in all": f"{sum(room.values()):.0f} bytes",
        "audit_verify": f"{rate:,.0f} entries/s",
        "its memory at {:,} and {:,} entries".format(*LENGTHS): (
            f"{short.memory:.0f} and {long.memory:.0f} MB"
        ),
    }


def run(database: str, *command: str) -> Ran:
    """A management command in a process of its own, on one database."""
    settings = {"DATABASE_URL": database, "DJANGO_SETTINGS_MODULE": "tests.benchmarks.settings"}
    with tempfile.TemporaryFile("w+") as told:
        began = perf_counter()
        process = subprocess.Popen(
            [sys.executable, "manage.py", *command],
            cwd=ROOT,
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


def show(rows: Sequence[Sequence[str]]) -> None:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        print("  ".join(cells).rstrip())


if __name__ == "__main__":
    main()
