"""`python -m tests.load`: ENTRIES (1000000), PEOPLE (200), MINUTES (10), STEP (seconds, 20)."""

import json
import os
import sys
import tempfile
import time
from collections import Counter
from itertools import islice

import psycopg
import requests

from crmadmin.sandbox import people as sandbox
from tests.load import figures
from tests.load.people import Crowd
from tests.load.place import place

ENTRIES = int(os.environ.get("ENTRIES") or 1_000_000)
PEOPLE = int(os.environ.get("PEOPLE") or 200)
MINUTES = float(os.environ.get("MINUTES") or 10)
STEP = float(os.environ.get("STEP") or 20)  # seconds of each larger crowd
MORE = max(1, PEOPLE // 4)  # people that come with each step
MOST = 12 * MORE
WARM_UP = 10  # seconds that are not counted
AIM = 60  # ms, of the product's own share, for 95 answers of 100
TOO_LONG = 1000  # ms that an answer may take in all before it counts as broken


def main():
    with tempfile.TemporaryDirectory(prefix="crmadmin-load-") as folder, place(folder) as there:
        began = time.monotonic()
        print(f"Filling a log of {ENTRIES:,} entries ...", flush=True)
        people = there.prepare(ENTRIES, max(PEOPLE, MOST))
        there.serve()
        took = time.monotonic() - began
        print(f"Filled in {took:.0f} s. The product is at {there.url}.", flush=True)
        shares, first = figures.Shares(there.log), entries(there)
        wrong = hold(there, shares, people)
        break_down(there, shares, people)
        wrong += untrue(there, first)
    sys.exit("\n".join(wrong) or 0)


def hold(there, shares, people):
    """So many people for so many minutes: what was wrong."""
    before, first, crowd = figures.metrics(there.url), entries(there), crowd_at(there)
    crowd.come(dict(islice(people.items(), PEOPLE)))
    took = measured(there, crowd, shares, MINUTES * 60)
    crowd.leave()
    print(f"\n{PEOPLE} people at work for {MINUTES:g} minutes, Club Med at 150 ms,")
    print(f"{figures.machine()}:\n")
    figures.show(figures.by_kind(took))
    print(f"\nThe aim is {AIM} ms of the product's own for 95 answers of 100.\n")
    figures.show(figures.by_resource(took))
    written, taken = entries(there) - first, len(changes(there))
    unlike = figures.differences(before, figures.metrics(there.url), crowd, written, taken)
    agrees = "disagrees" if unlike else "agrees"
    print(f"\n{len(crowd.failed)} errors. /metrics {agrees} with people, Club Med and the log.")
    return [f"not as it should be: {failed}" for failed in crowd.failed] + unlike


def break_down(there, shares, people):
    """More people every STEP, until an answer fails or one in twenty takes more than a second."""
    rows = [("people", *figures.SHORT)]
    crowd, to_come = crowd_at(there), iter(people.items())
    carried, breaks, there_are = 0, False, 0
    while there_are < MOST and not breaks:
        crowd.come(dict(islice(to_come, MORE)))
        there_are += MORE
        took = measured(there, crowd, shares, STEP)
        rows.append((str(there_are), *figures.in_short(took)))
        carried = there_are if took.own(95) <= AIM else carried
        breaks = took.in_all(95) > TOO_LONG or bool(crowd.failed)
    crowd.leave()
    print(f"\n{MORE} more people at a time, each time for {STEP:g} s:\n")
    figures.show(rows)
    print(f"\nUp to {carried} people the product's own share is within {AIM} ms. ", end="")
    print(f"With {there_are} it {'breaks' if breaks else 'does not break'}: {figures.limit(took)}.")
    for failed in crowd.failed[:5]:
        print(f"An error: {failed}")


def measured(there, crowd, shares, seconds):
    """What a crowd does in those seconds, once it is at work."""
    time.sleep(WARM_UP)
    crowd.count_anew()
    shares.read()
    computed, began = there.computed(), time.monotonic()
    time.sleep(seconds)
    lasted = time.monotonic() - began
    cores = {name: (now - computed[name]) / lasted for name, now in there.computed().items()}
    return figures.Took(lasted, crowd.count_anew(), shares.read(), cores)


def untrue(there, first):
    """What Club Med took and the log does not say, or the other way round. Raises on a fault."""
    taken, said = Counter(changes(there)), Counter(recorded(there, first))
    began = time.monotonic()
    verified = there.manage("audit_verify").strip()
    took = time.monotonic() - began
    print(
        f"\n{taken.total():,} changes taken, {said.total():,} recorded; {verified}, in {took:.0f} s"
    )
    return [f"{value} is not taken and recorded once" for value in (taken - said) + (said - taken)]


def crowd_at(there):
    """Nobody yet. They work on the customers whom the sandbox has from the beginning."""
    return Crowd(there.url.removeprefix("http://"), list(sandbox.people(sandbox.SEED)))


def changes(there):
    """The e-mail addresses that Club Med took: its own record."""
    asked = requests.get(f"{there.api}/_sandbox/requests", timeout=600).json()
    return [json.loads(one["body"])["email"] for one in asked if one["method"] == "PATCH"]


def entries(there):
    address = there.database.replace("postgres://", "postgresql://")
    with psycopg.connect(address) as connection:
        return connection.execute("SELECT coalesce(max(seq), 0) FROM customers_entry").fetchone()[0]


def recorded(there, first):
    """The values of applied changes that the log got since that entry."""
    lines = there.manage("audit_export", "--from", str(first + 1), "--values").splitlines()
    rows = [json.loads(line) for line in lines]
    of_changes = [row for row in rows if row.get("content", {}).get("outcome") == "applied"]
    return [json.loads(row["values"]["new"]["text"]) for row in of_changes]


if __name__ == "__main__":
    main()
