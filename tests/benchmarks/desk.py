"""A profile and a save beside the bare calls of Club Med's API that they make, and 64 people."""

import http.client
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from itertools import count, cycle
from pathlib import Path
from urllib.parse import urlencode

import requests

from crmadmin.sandbox.people import SEED, people
from tests.benchmarks import pages
from tests.load.place import LATENCY, Place, place

SECONDS = 20  # that all people open profiles
PEOPLE = 64
_HEADERS = {
    "accept": "application/json",
    "accept-language": "en-US",
    "authorization": "Bearer sandbox-token",
    "x-api-key": "sandbox-key",
}
_HIDDEN = re.compile('name="(csrfmiddlewaretoken|token)" value="([^"]+)"')
_made = count()
_LETTERS = str.maketrans("0123456789", "abcdefghij")
_NEW: dict[str, Callable[[int], str]] = {
    "email": lambda number: f"bench{number}@example.com",
    **dict.fromkeys(
        ("first_name", "last_name", "birth_city"),
        lambda number: "Bench" + str(number).translate(_LETTERS),
    ),
}


class Person:
    """Somebody with a browser that keeps its connection."""

    def __init__(self, there: Place, cookie: str) -> None:
        self.cookies = dict([cookie.split("=", 1)])
        self.connection = http.client.HTTPConnection(there.url.removeprefix("http://"))

    def ask(self, path: str, form: dict[str, str] | None = None, *, by_htmx: bool = False) -> str:
        """The page."""
        headers = {"Cookie": "; ".join(f"{name}={it}" for name, it in self.cookies.items())}
        headers |= {"HX-Request": "true"} if by_htmx else {}
        method, body = ("GET", None) if form is None else ("POST", urlencode(form))
        if form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        self.connection.request(method, path, body, headers)
        answer = self.connection.getresponse()
        page = answer.read().decode()
        if answer.status != 200:
            sys.exit(f"{path} answered {answer.status}:\n{page[:2000]}")
        for set_cookie in answer.headers.get_all("Set-Cookie", ()):
            name, _, value = set_cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
        return page

    def read(self, customer: str) -> None:
        self.ask(f"/customers/{customer}/")

    def editor(self, customer: str, field: str = "email") -> Callable[[], object]:
        """Opens it; returns what sends a new value."""
        path = f"/customers/{customer}/fields/{field}/"
        form = dict(_HIDDEN.findall(self.ask(path, by_htmx=True)))
        form["value"] = _NEW[field](next(_made))
        return partial(self.ask, path, form, by_htmx=True)


def measured() -> list[tuple[str, ...]]:
    """Rows of a table: what was measured, the aim, how it came out."""
    rows = [("", "aim", "Club Med at 0 ms", f"at {LATENCY * 1000:.0f} ms")]
    at_once, later = (beside_bare_calls(latency) for latency in (0, LATENCY))
    rows += [(what, aim, at_once[what, aim], later[what, aim]) for what, aim in at_once]
    rows += [(what, aim, "", found) for what, aim, found in crowd()]
    return rows


def beside_bare_calls(latency: float) -> dict[tuple[str, str], str]:
    """(what, aim) -> how it came out. All take turns; each page is of another customer."""
    with _place(latency) as (there, cookies):
        began = time.monotonic()
        there.serve(processes=2)  # as they come; a crowd has more
        person, customers, api = Person(there, cookies[0]), cycle(people(SEED)), _Api(there)
        person.read(next(customers))
        fresh = time.monotonic() - began - latency
        # The editors are opened before the clock runs.
        ready = [person.editor(next(customers)) for _ in range(pages.ROUNDS + pages.WARM_UP)]
        acts: dict[str, Callable[[], object]] = {
            "read": lambda: api.read(next(customers)),
            "profile": lambda: person.read(next(customers)),
            "pair": lambda: api.pair(next(customers)),
            "save": lambda: ready.pop()(),
        }
        took = pages.taken(acts, there.workers)
    wall, computed = ({name: one[at] for name, one in took.items()} for at in (0, 1))
    ratio = f", {wall['save'] / wall['pair']:.2f} times" if latency else ""
    saved = f"{wall['save'] - wall['pair']:.1f} ms{ratio}"
    return {
        ("a profile over its GET", "12 ms"): f"{wall['profile'] - wall['read']:.1f} ms",
        ("a save over its GET and PATCH", "12 ms; 1.05 times"): saved,
        ("what the server computes for a profile", ""): f"{computed['profile']:.1f} ms",
        ("what it computes for a save", ""): f"{computed['save']:.1f} ms",
        ("a profile from a server that just starts", "1.5 s"): f"{fresh:.1f} s",
    }


def crowd() -> Iterator[tuple[str, str, str]]:
    """(what, aim, how it came out) of 64 people, who do it without a pause."""
    with _place(LATENCY) as (there, cookies):
        there.serve()
        staff = [Person(there, cookie) for cookie in cookies]
        own = [list(people(SEED))[at::PEOPLE] for at in range(PEOPLE)]
        reads = [_reads(person, its) for person, its in zip(staff, own, strict=True)]
        yield "64 people open profiles", "170/s", _at_once(there, reads)
        # The editors are opened before the clock runs.
        saves = [
            [person.editor(customer, field) for field in _NEW for customer in its[:4]]
            for person, its in zip(staff, own, strict=True)
        ]
        yield "64 people save", "90/s", _at_once(there, saves)
        resident = max(map(_resident, there.workers()))
        yield "memory of a worker after that", "130 MB", f"{resident:.0f} MB"


def _reads(person: Person, customers: list[str]) -> Iterator[Callable[[], object]]:
    ends_at = time.monotonic() + SECONDS
    for customer in cycle(customers):
        if time.monotonic() > ends_at:
            return
        yield partial(person.read, customer)


def _at_once(there: Place, acts: Sequence[Iterable[Callable[[], object]]]) -> str:
    """How many acts in a second, and how many cores each part of it kept busy. acts: a person's."""
    before, began = there.computed(), time.monotonic()
    with ThreadPoolExecutor(PEOPLE) as pool:
        done = sum(pool.map(lambda own: len([act() for act in own]), acts))
    took = time.monotonic() - began
    cores = ", ".join(
        f"{part} {(now - before[part]) / took:.2f}" for part, now in there.computed().items()
    )
    return f"{done / took:.0f}/s (cores: {cores})"


class _Api:
    """Club Med's, called as barely as can be."""

    def __init__(self, there: Place) -> None:
        self.url, self.calls = there.api, requests.Session()
        self.calls.headers.update(_HEADERS)

    def read(self, customer: str) -> None:
        self.calls.get(f"{self.url}/v2/customers/{customer}/profile", timeout=60).raise_for_status()

    def pair(self, customer: str) -> None:
        self.read(customer)
        changed = {"email": f"bench{next(_made)}@example.com"}
        where = f"{self.url}/v1/customers/{customer}/profile"
        self.calls.patch(where, json=changed, timeout=60).raise_for_status()


@contextmanager
def _place(latency: float) -> Iterator[tuple[Place, list[str]]]:
    """PostgreSQL and the sandbox, and a cookie for each person."""
    folder = tempfile.TemporaryDirectory(prefix="crmadmin-bench-")
    with folder as its_name, place(its_name, latency) as there:
        people_there = there.prepare(0, 2 * PEOPLE)
        yield there, [it for name, it in people_there.items() if name.startswith("agent")][:PEOPLE]


def _resident(process: int) -> float:
    """MB of memory."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(re.findall(r"VmRSS:\s+(\d+)", status)[0]) / 1024


if __name__ == "__main__":
    for row in measured():
        print(" | ".join(row))
