"""People at work: each clicks, reads what came for three seconds, and clicks again."""

import http.client
import random
import re
import threading
import time
from itertools import count
from urllib.parse import urlencode

THINK = 3  # seconds on average; nobody is in step with another
_TOKENS = re.compile('name="(csrfmiddlewaretoken|token)" value="([^"]+)"')
_MADE = count()
_FILTERS = (
    "",
    "field=phones",
    "outcome=refused",
    "action=create",
    "customer=123000004",
    "field=email&outcome=applied",
    "from=2025-12-01&to=2026-03-01",
    "flag=forced_address",
)


class Crowd:
    """What they all did.

    answers: (route, status) of each; waits: seconds for each; failed: what is no everyday answer.
    """

    def __init__(self, address, customers):
        self.address, self.customers = address, customers
        self.answers, self.waits, self.failed = [], [], []
        self._stop = threading.Event()
        self._threads = []

    def come(self, people):
        """people: cookies by person; they go on until `leave`."""
        for person, cookie in people.items():
            work = (_Supervisor if person.startswith("supervisor") else _Agent)(self, cookie)
            thread = threading.Thread(target=work.until, args=[self._stop], daemon=True)
            thread.start()
            self._threads.append(thread)

    def leave(self):
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def count_anew(self):
        """The waits until now."""
        waits, self.waits = self.waits, []
        return waits


class _Person:
    def __init__(self, crowd, cookie):
        self.crowd, self.cookies = crowd, dict([cookie.split("=", 1)])
        self.there = http.client.HTTPConnection(crowd.address, timeout=120)

    def until(self, stop):
        stop.wait(random.uniform(0, THINK))
        while not stop.is_set():
            try:
                self.act()
            except (OSError, http.client.HTTPException) as exc:
                self.crowd.failed.append(type(exc).__name__)
                self.there.close()
            stop.wait(random.uniform(0, 2 * THINK))

    def ask(self, path, route, form=None, *, by_htmx=False, good=(200,)):
        """The answer's text, and where it leads."""
        headers = {"Cookie": "; ".join(f"{name}={it}" for name, it in self.cookies.items())}
        headers |= {"HX-Request": "true"} if by_htmx else {}
        body = None
        if form is not None:
            body = urlencode(form)
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        began = time.perf_counter()
        self.there.request("GET" if form is None else "POST", path, body, headers)
        answer = self.there.getresponse()
        text = answer.read().decode()
        self.crowd.waits.append(time.perf_counter() - began)
        self.crowd.answers.append((route, answer.status))
        if answer.status not in good:
            self.crowd.failed.append(f"{route}: {answer.status}")
        for set_cookie in answer.headers.get_all("Set-Cookie", ()):
            name, _, value = set_cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
        return text, answer.headers.get("Location", "")


class _Supervisor(_Person):
    def act(self):
        self.ask(f"/audit/?{random.choice(_FILTERS)}", "audit/")


class _Agent(_Person):
    """Of nine acts six are a profile, two a save and one a search."""

    def act(self):
        act = random.choices([self.read, self.save, self.search], [6, 2, 1])[0]
        act(random.choice(self.crowd.customers))

    def read(self, customer):
        self.ask(f"/customers/{customer}/", "customers/<str:customer_id>/")

    def save(self, customer):
        """As a browser does it: the editor, the form, and the look at what was stored."""
        path = f"/customers/{customer}/fields/email/"
        route = "customers/<str:customer_id>/fields/<str:name>/"
        page, _ = self.ask(path, route, by_htmx=True)
        value = f"load{next(_MADE)}@example.com"
        form = dict(_TOKENS.findall(page)) | {"value": value}
        # Another may have been quicker: no failure, and nothing was sent.
        row, _ = self.ask(path, route, form, by_htmx=True, good=(200, 409))
        if confirm := re.search('hx-get="([^"]+/changes/[^"]+)"', row):
            self.ask(confirm[1], f"{route}changes/<uuid:change_id>/", by_htmx=True)

    def search(self, customer):
        """For an e-mail address that somebody may have typed."""
        page, _ = self.ask("/", "")
        sought = {"q": f"load{random.randrange(10_000)}@example.com"}
        form = dict(_TOKENS.findall(page)) | sought
        _, found = self.ask("/", "", form, good=(302,))
        if found:
            _, profile = self.ask(found, "", good=(200, 302))  # one alone is led to
            if profile:
                self.ask(profile, "customers/<str:customer_id>/")
