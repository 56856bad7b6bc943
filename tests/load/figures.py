"""What came out: from the process log, from /metrics, and from what the people counted."""

import json
import re
from collections import defaultdict
from statistics import quantiles

import requests

_PATCH = "PATCH /v1/customers/{customer_id}/profile"
_SAMPLE = re.compile(r"crmadmin_(\w+)(?:{(.*)})? ([\d.e+-]+)")


def own_share(log, since):
    """Milliseconds of each answer that were not Club Med's, by route; and how far the log was read.

    Each line of the process log names its request; `since`: bytes of it that were read before.
    """
    answered, called = [], defaultdict(float)
    with log.open("rb") as file:
        file.seek(since)
        lines = file.read()
    whole = lines[: lines.rfind(b"\n") + 1]  # the last one may be under way
    for line in whole.splitlines():
        said = json.loads(line) if line.startswith(b"{") else {"message": ""}  # gunicorn's own
        if said["message"] == "answered":
            answered.append((said["request"], said["route"], said["ms"]))
        elif said["message"] == "called":
            called[said.get("request", "")] += said["ms"]
    shares = defaultdict(list)
    for request, route, ms in answered:
        if "metrics" not in route and "health" not in route:
            shares[route].append(max(0, ms - called[request]))
    return shares, since + len(whole)


def percentile(values, percent):
    return quantiles(values, n=100)[percent - 1] if len(values) > 1 else sum(values)


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
        for (route, status), n in crowd.answers.items()
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
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        print("  ".join(cells).rstrip(), flush=True)
