"""People at work, each in a browser, who go on whatever happens; and what they are told."""

import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from html import unescape
from itertools import count

import requests

from customers import wording
from tests.conftest import HTMX, hidden_inputs, soup

CUSTOMERS = ("123456789", "704118236", "30955172")
FIELDS = ("email", "second_name", "birth_city")
PATIENCE = 60  # seconds that a browser waits
NOTHING_SENT = [str(text) for text in (wording.NOT_SENT, wording.NO_DATABASE_TEXT)]
_NUMBERS = count()


@dataclass
class Told:
    """What people typed, and what they were told. Each value is typed once.

    typed: value -> by whom. saved: values that somebody was told are saved. not_sent: values of
    which somebody was told, once they had sent them first, that nothing was sent. lost: where a
    person's text was neither stored nor given back. failed: (path, request) of an
    answer that was 500.
    """

    typed: dict = field(default_factory=dict)
    saved: set = field(default_factory=set)
    not_sent: set = field(default_factory=set)
    lost: list = field(default_factory=list)
    failed: list = field(default_factory=list)
    answers: Counter = field(default_factory=Counter)


class Person:
    """Somebody signed in. What an answer leaves open is looked at as they would: by its page."""

    def __init__(self, desk, name, told):
        self.desk, self.name, self.told = desk, name, told
        self.browser = requests.Session()
        self.browser.cookies.set("person", name)
        self.by_htmx = random.random() < 0.5

    def work_until(self, stop):
        while not stop.is_set():
            try:
                self.act()
            except requests.RequestException:  # the server died, or the sign-in
                self.told.answers["cut off"] += 1
            stop.wait(random.uniform(0.05, 0.5))

    def act(self):
        raise NotImplementedError

    def get(self, path, **kwargs):
        """A page, by way of the sign-in if need be."""
        answer = self.browser.get(self.desk + path, timeout=PATIENCE, **kwargs)
        self._look_at(answer)
        return answer

    def _look_at(self, answer):
        self.told.answers[answer.status_code] += 1
        if answer.status_code == 500:
            self.told.failed.append((answer.request.path_url, answer.headers["X-Request-ID"]))


class Supervisor(Person):
    """Reads the log, also while it is being written."""

    def act(self):
        page = random.choice(["", "?field=email", "?outcome=unclear", "unsettled/", "export.csv"])
        self.get(f"/audit/{page}", stream=False)


class Agent(Person):
    def act(self):
        if random.random() < 0.15:
            self.create()
        elif random.random() < 0.2:
            self.get(f"/customers/{random.choice(CUSTOMERS)}/")
        else:
            self.edit()

    def edit(self):
        """Of the first customer's e-mail everybody has something to say."""
        everybodys = random.random() < 0.3
        customer = CUSTOMERS[0] if everybodys else random.choice(CUSTOMERS)
        name = FIELDS[0] if everybodys else random.choice(FIELDS)
        new = in_letters(next(_NUMBERS))
        value = f"{new}@example.com" if name == "email" else new
        self.fill_in(f"/customers/{customer}/fields/{name}/", {"value": value}, value)

    def create(self):
        """Whoever creates in these seconds creates the same customer."""
        same = in_letters(int(time.monotonic() / 3))
        value = in_letters(next(_NUMBERS))
        names = {"first_name": value, "last_name": same, "email": f"{same}@example.org"}
        self.fill_in("/customers/new/", {"civility": "MS", **names}, value)

    def fill_in(self, path, typed, value):
        page = self.get(path)
        if page.status_code != 200 or 'name="token"' not in page.text:
            return
        form = hidden_inputs(soup(page)) | typed
        self.told.typed[value.casefold()] = self.name
        try:
            self.send(path, form, value, again=False)
        except requests.ConnectionError:  # cut off: the form is still in the browser
            self.send(path, form, value, again=True)

    def send(self, path, form, value, *, again):
        headers = HTMX if self.by_htmx else {}
        answer = self.browser.post(
            self.desk + path, form, headers=headers, allow_redirects=False, timeout=PATIENCE
        )
        self._look_at(answer)
        said, key = unescape(answer.text), value.casefold()
        if answer.status_code in (200, 302):
            self.told.saved.add(key)
            return
        if not again and any(sentence in said for sentence in NOTHING_SENT):
            self.told.not_sent.add(key)
        # A notice above the page leaves the form where it is; else the answer holds the text.
        if "HX-Retarget" not in answer.headers and value not in said:
            self.told.lost.append((path, answer.status_code))
        if answer.status_code == 401 and str(wording.TEXT_KEPT) in said:
            page = self.get(path)  # which leads by the sign-in
            if page.status_code == 200 and value not in unescape(page.text):
                self.told.lost.append((path, "after the sign-in"))


def in_letters(number):
    """A name that nobody else has, for fields that take letters alone."""
    return "Q" + "".join(chr(ord("a") + int(digit)) for digit in str(number))


def at_work(desk, told, agents, stop):
    """Threads of so many agents, and of a supervisor."""
    people = [Agent(desk, f"agent-{n}", told) for n in range(agents)]
    people.append(Supervisor(desk, "supervisor-1", told))
    threads = [threading.Thread(target=person.work_until, args=[stop]) for person in people]
    for thread in threads:
        thread.start()
    return threads
