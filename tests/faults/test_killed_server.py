"""A worker of the running server is killed while it saves: what a person sees afterwards."""

import os
import select
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from tests import demo
from tests.browser.conftest import PATIENT, Product
from tests.conftest import HTMX, TOM, hidden_inputs, text
from tests.faults.conftest import PATIENCE, Person, wait_until

pytestmark = pytest.mark.once  # test_crashes.py kills at every step, on both databases
URL = f"/customers/{TOM}/fields/email/"


class Running(Product):
    """The demo's addresses and controls, and its one worker."""

    def _worker(self):
        *_, gunicorn = demo.children_of(self.demo.process.pid)
        return next(iter(demo.children_of(gunicorn)), None)

    def kill_worker(self):
        """Gone at once, as by a machine without memory; gunicorn starts another."""
        worker = self._worker()
        os.kill(worker, signal.SIGKILL)
        wait_until(lambda: self._worker() not in (worker, None))


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    with demo.running(folder, **PATIENT) as started:
        running = Running(started)
        yield running
        running.end()


@pytest.fixture
def product(running):
    running.reset()
    return running


@pytest.fixture
def ines(product):
    return Person(product.desk, "ines.moreau")


def save_and_be_cut_off(product, person, url, typed, *, when):
    """Send the form, kill the worker at that moment; the person's browser gets no answer."""
    form = hidden_inputs(person.page(url)) | typed
    with ThreadPoolExecutor(1) as pool:
        saving = pool.submit(person.post, url, form, headers=HTMX)
        wait_until(when)
        product.kill_worker()
        with pytest.raises(requests.ConnectionError):
            saving.result()


def settled_row(product, person, path, of):
    """The newest row of a list of changes that says so, once it is not waiting any more."""

    def row():
        rows = person.page(path).select("tbody.change")
        found = next((one for one in rows if of in text(one)), None)
        return found if found and "Waiting" not in text(found) else None

    product.let_time_pass()
    return wait_until(row)


def test_killed_after_the_bytes_were_sent_and_nothing_was_stored(product, ines):
    product.add_fault(kind="drop_before", method="PATCH", seconds=1)
    typed = {"value": "lost@example.com"}
    save_and_be_cut_off(product, ines, URL, typed, when=lambda: product.wire("PATCH"))
    waiting = text(ines.page(f"/customers/{TOM}/history/").select_one("tbody.change"))
    assert "Inès Moreau" in waiting
    assert "sent, not answered yet Waiting" in waiting

    row = settled_row(product, ines, f"/customers/{TOM}/history/", of="E-mail")

    assert row.select_one(".diff-old").text == "tom@example.com"
    assert row.select_one(".diff-new").text == "lost@example.com"
    assert text(row.select_one(".outcome .badge")) == "Not seen applied"
    notice = text(ines.page("/").select_one("#notices"))
    assert "E-mail of Tom Smith: Not seen applied." in notice
    assert "tom@example.com" in text(ines.page(f"/customers/{TOM}/").select_one("#email"))
    assert len(product.wire("PATCH")) == 1


def test_killed_after_it_was_stored_and_before_it_was_answered(product, ines):
    other = Person(product.desk, "owen.whitfield")
    product.add_fault(kind="drip", method="PATCH", part="headers", seconds=0.2)
    shown = f"/customers/{TOM}/"
    new = "stored@example.com"

    def is_stored():
        return new in text(other.page(shown).select_one("#email"))

    save_and_be_cut_off(product, ines, URL, {"value": new}, when=is_stored)

    row = settled_row(product, ines, f"{shown}history/", of="E-mail")

    assert row.select_one(".diff-new").text == "stored@example.com"
    assert text(row.select_one(".outcome .badge")) == "Applied"
    assert "No answer, but the profile holds it." in text(row)
    assert len(product.wire("PATCH")) == 1


def test_killed_while_club_med_has_yet_to_create_the_customer(product, ines):
    """It was sent, and is stored a moment after the worker's death: nobody here has the number."""
    product.add_fault(kind="latency", method="POST", seconds=1)
    typed = {"civility": "MS", "first_name": "Ada", "last_name": "Vance", "email": "a@example.com"}
    save_and_be_cut_off(product, ines, "/customers/new/", typed, when=lambda: product.wire("POST"))

    row = settled_row(product, ines, "/saves/", of="Ada Vance")

    assert text(row.select_one(".outcome .badge")) == "Unclear"
    assert len(product.wire("POST")) == 1


def test_killed_itself_the_demo_takes_its_servers_along(running):
    watched = [os.pidfd_open(one) for one in demo.children_of(running.demo.process.pid)]

    running.demo.process.kill()

    for server in watched:
        assert select.select([server], [], [], PATIENCE)[0], "it is still there"
        os.close(server)
