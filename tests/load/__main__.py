"""`python -m tests.load`: ENTRIES (1000000), PEOPLE (200), MINUTES (10), STEP (seconds, 60)."""

import json
import os
import sys
import tempfile
import time

import psycopg
import requests

from tests.load import figures
from tests.load.people import Crowd
from tests.load.place import place

ENTRIES = int(os.environ.get("ENTRIES") or 1_000_000)
PEOPLE = int(os.environ.get("PEOPLE") or 200)
MINUTES = float(os.environ.get("MINUTES") or 10)
STEP = float(os.environ.get("STEP") or 60)  # seconds of each larger crowd
MOST = 10 * PEOPLE
WARM_UP = 10  # seconds that are not counted
AIM = 60  # ms, of the product's own share, for 95 answers of 100
TOO_LONG = 1  # s that an answer may take in all before it counts as broken


def main():
    with tempfile.TemporaryDirectory(prefix="crmadmin-load-") as folder, place(folder) as there:
        print(f"A log of {ENTRIES:,} entries is filled.", flush=True)
        people = there.prepare(ENTRIES, MOST * 9 // 10, MOST // 10)
        there.serve()
        agents = [one for one in people if one.startswith("agent")]
        supervisors = [one for one in people if one.startswith("supervisor")]

        def some(n):
            """Of so many people one in ten is a supervisor."""
            names = [agents.pop() for _ in range(n * 9 // 10)]
            names += [supervisors.pop() for _ in range(n - len(names))]
            return {name: people[name] for name in names}

        wrong = hold(there, some)
        break_down(there, some)
    sys.exit("\n".join(wrong))


def hold(there, some):
    """So many people for so many minutes: what was wrong."""
    before = figures.metrics(there.url)
    crowd = Crowd(there.url.removeprefix("http://"), customers(there))
    first = entries(there)
    crowd.come(some(PEOPLE))
    time.sleep(WARM_UP)
    crowd.count_anew()
    _, read = figures.own_share(there.log, 0)
    took = measured(there, crowd, MINUTES * 60)
    shares, _ = figures.own_share(there.log, read)
    crowd.leave()
    print(f"\n{PEOPLE} people, {MINUTES:g} minutes, Club Med at 150 ms:\n")
    show_shares(shares, took)
    stored = changes(there)
    written = entries(there) - first
    wrong = [f"not as it should be: {failed}" for failed in crowd.failed]
    unlike = set(stored) ^ set(recorded(there, first))
    wrong += [f"{value} is not both taken and recorded" for value in unlike]
    wrong += figures.differences(before, figures.metrics(there.url), crowd, written, len(stored))
    print(f"\n{len(stored):,} changes, {written:,} entries; {there.manage('audit_verify').strip()}")
    return wrong


def break_down(there, some):
    """More people every STEP, until an answer fails or one in twenty takes more than a second."""
    rows = [("people", "acts/s", "own p50", "own p95", "in all p95", "cores that were busy")]
    crowd, there_are = Crowd(there.url.removeprefix("http://"), customers(there)), 0
    while there_are < MOST - PEOPLE:
        crowd.come(some(PEOPLE // 2))
        there_are += PEOPLE // 2
        time.sleep(WARM_UP)
        failed = crowd.count_anew()[2]
        _, read = figures.own_share(there.log, 0)
        took = measured(there, crowd, STEP)
        shares, _ = figures.own_share(there.log, read)
        all_shares = [ms for of_route in shares.values() for ms in of_route]
        p95 = figures.percentile(took["waits"], 95)
        rows.append(
            (
                str(there_are),
                f"{took['acts'] / STEP:.0f}",
                f"{figures.percentile(all_shares, 50):.0f} ms",
                f"{figures.percentile(all_shares, 95):.0f} ms",
                f"{p95:.2f} s",
                computing(took),
            )
        )
        if p95 > TOO_LONG or len(crowd.failed) > failed:
            break
    crowd.leave()
    print("\nMore and more people:\n")
    figures.show(rows)
    print("".join(f"\n{failed}" for failed in crowd.failed[:5]))


def measured(there, crowd, seconds):
    """acts, waits (s) of all answers, and how many cores each part of it kept busy."""
    computed, began = there.computed(), time.monotonic()
    time.sleep(seconds)
    lasted = time.monotonic() - began
    cores = {name: (now - computed[name]) / lasted for name, now in there.computed().items()}
    acts, waits, _ = crowd.count_anew()
    waits = [one for of_route in waits.values() for one in of_route]
    return {"acts": acts, "waits": waits, "cores": cores, "seconds": lasted}


def computing(took):
    return ", ".join(f"{name} {cores:.2f}" for name, cores in took["cores"].items())


def show_shares(shares, took):
    rows = [("page", "answers", "own p50", "own p95")]
    all_shares = [ms for of_route in shares.values() for ms in of_route]
    for name, of_route in [*sorted(shares.items()), ("all", all_shares)]:
        halves = [f"{figures.percentile(of_route, percent):.0f} ms" for percent in (50, 95)]
        rows.append((name or "find", f"{len(of_route):,}", *halves))
    figures.show(rows)
    own, waits = figures.percentile(all_shares, 95), took["waits"]
    each = 1000 * took["cores"]["the product"] * took["seconds"] / len(waits)
    print(f"\nThe product's own share of 95 in 100 answers: at most {own:.0f} ms (aim {AIM} ms).")
    print(f"With Club Med's: {figures.percentile(waits, 95) * 1000:.0f} ms. The product computes")
    print(f"{each:.1f} ms an answer. Cores that were busy: {computing(took)}.")


def customers(there):
    """The numbers of those whom the sandbox has from the beginning."""
    from crmadmin.sandbox.people import SEED, people

    return list(people(SEED))


def changes(there):
    """The e-mail addresses that Club Med took: its own record."""
    asked = requests.get(f"{there.api}/_sandbox/requests", timeout=600).json()
    return [json.loads(one["body"])["email"] for one in asked if one["method"] == "PATCH"]


def database(there):
    return psycopg.connect(there.database.replace("postgres://", "postgresql://"))


def entries(there):
    with database(there) as connection:
        return connection.execute("SELECT coalesce(max(seq), 0) FROM customers_entry").fetchone()[0]


def recorded(there, first):
    """The values of applied changes that the log got since that entry."""
    lines = there.manage("audit_export", "--from", str(first + 1), "--values").splitlines()
    rows = [json.loads(line) for line in lines]
    of_changes = [row for row in rows if row.get("content", {}).get("outcome") == "applied"]
    return [json.loads(row["values"]["new"]["text"]) for row in of_changes]


if __name__ == "__main__":
    main()
