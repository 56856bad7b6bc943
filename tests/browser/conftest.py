"""The running product, as `manage.py demo` starts it, and a real Chromium in front of it."""

import json
import re
import shutil
import signal
import subprocess
import time
from collections import defaultdict
from contextlib import ExitStack, contextmanager, suppress
from functools import cached_property
from pathlib import Path
from urllib.parse import unquote_plus

import pytest
import requests
from babel.messages.pofile import read_po
from django.conf import settings
from playwright._impl.assertions import LocatorAssertions
from playwright.sync_api import TimeoutError as NotThere
from playwright.sync_api import expect, sync_playwright

from tests.crmadmin.conftest import clock, liar  # noqa: F401 - fixtures
from tests.demo import running
from tests.faults.conftest import wait_until
from tests.privacy import Told, without_chance

expect.set_options(timeout=30_000)  # a busy machine is slow, and not wrong
PATIENT = {"CLUBMED_READ_TIMEOUT": "20", "CLUBMED_DEADLINE": "20", "JOURNAL_GRACE": "20"}
STRICT = {"REASON_REQUIRED": "third_name"}
EVERY_CASE = "from tests import differences; differences.record()"
# Django takes longer to start than most lines to run, so one process runs them all.
EACH_LINE = """
import sys
for line in sys.stdin:
    exec(line)
    print("done", flush=True)
"""
TIME_PASSES = "from tests.acts import let_the_grace_pass; let_the_grace_pass()"
# The same browser without windows, where there is one: it takes a third less of the processor.
CHROMIUM = shutil.which("chromium-headless-shell") or shutil.which("chromium")
SIDEWAYS = "document.scrollingElement.scrollWidth - document.scrollingElement.clientWidth"
CATALOG = Path(settings.BASE_DIR, "customers/locale/fr/LC_MESSAGES/django.po")
# All that a page says, to read or to hear.
WORDS = """() => [document.title, ...[...document.querySelectorAll("body *")].flatMap(one => [
    ...[...one.childNodes].filter(node => node.nodeType === Node.TEXT_NODE).map(node => node.data),
    ...["aria-label", "placeholder", "title", "alt"].map(name => one.getAttribute(name) ?? ""),
])].map(text => text.trim())"""
WINDOW = {"width": 1440, "height": 900}
# Pages of one context share a process, which the first has warmed, from the moment they open.
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--process-per-site"]
FLAGS += ["--renderer-process-limit=1", "--num-raster-threads=1"]
FLAGS += ["--default-tile-width=1472", "--default-tile-height=960"]  # a window is one tile


class Product:
    """The addresses of a running demo, and the sandbox's controls."""

    def __init__(self, demo):
        self.demo = demo
        self.desk = demo.urls["Customer desk"].rstrip("/")
        self.sandbox = demo.urls["Sandbox API"].rstrip("/")
        self.told = Told()
        self.had_faults = False
        self._sessions = {}
        self._ending = ExitStack()

    def let_in(self, page, name):
        """Make the page that person's, who signs in only once."""
        page.context.clear_cookies(name="crmadmin_session")
        if name not in self._sessions:
            sign_in(page, name)
            cookies = page.context.cookies()
            ours = ("crmadmin_session", "crmadmin_browser")
            self._sessions[name] = [one for one in cookies if one["name"] in ours]
        page.context.add_cookies(self._sessions[name])

    def forget_session(self, name):
        """It has ended: that person signs in anew."""
        del self._sessions[name]

    def add_fault(self, **fault):
        self.had_faults = True
        requests.post(f"{self.sandbox}/_sandbox/faults", json=fault).raise_for_status()

    def clear_faults(self):
        requests.delete(f"{self.sandbox}/_sandbox/faults").raise_for_status()

    def wire(self, method):
        """What was sent with that method: (path, body) a request."""
        said = requests.get(f"{self.sandbox}/_sandbox/requests").json()
        return [(r["path"], r["body"]) for r in said if r["method"] == method]

    def change_elsewhere(self, customer_id, **values):
        """Store what another system of Club Med's would."""
        url = f"{self.sandbox}/_sandbox/customers/{customer_id}"
        requests.patch(url, json=values).raise_for_status()

    def let_time_pass(self):
        """Deadline and grace are over for every line: the timer may settle it."""
        self.run(TIME_PASSES)

    def run(self, line):
        """A line of Python on the demo's own log; what it printed."""
        self._shell.stdin.write(f"{line}\n")
        self._shell.stdin.flush()
        printed = []
        while (said := self._shell.stdout.readline()) != "done\n":
            assert said, "it failed: see what it wrote"
            printed.append(said)
        return "".join(printed).strip()

    @cached_property
    def _shell(self):
        *manage, _ = self.demo.command
        command = [*manage, "shell", "--verbosity", "0", "--command", EACH_LINE]
        pipe = subprocess.PIPE
        return self._ending.enter_context(
            subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)
        )

    def end(self):
        """What the demo said."""
        self._ending.close()
        return self.demo.end(signal.SIGTERM)[1]

    def manage(self, *arguments):
        """A command on the demo's own log."""
        *manage, _ = self.demo.command
        done = subprocess.run([*manage, *arguments], check=True, capture_output=True, text=True)
        return done.stdout

    def record_differences(self):
        """Write a log with every case of old → new."""
        *manage, _ = self.demo.command
        subprocess.run([*manage, "shell", "--command", EVERY_CASE], check=True)

    def public_key(self):
        """With which the standalone verifier checks what this desk exports."""
        return self.run("from tests.log import public_key; print(public_key())")

    def reset(self):
        requests.post(f"{self.sandbox}/_sandbox/reset").raise_for_status()


@pytest.fixture(scope="session")
def running_product(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    with running(folder, **PATIENT, **STRICT) as demo:
        product = Product(demo)
        yield product
        said = product.end()
    lines = said.splitlines()
    product.told.said += [without_chance(one) if one.startswith("{") else one for one in lines]
    leaks = product.told.leaks()
    assert not leaks, leaks


@pytest.fixture(scope="session")
def english():
    """Every sentence that reads otherwise in French."""
    with CATALOG.open("rb") as file:
        messages = list(read_po(file))[1:]
    alone = [one for one in messages if isinstance(one.id, str)]
    return {one.id for one in alone if one.id.casefold() != one.string.casefold()}


@pytest.fixture
def product(running_product):
    running_product.reset()
    yield running_product
    for method in ("POST", "PATCH"):
        for _, body in running_product.wire(method):
            running_product.told.keep_private(json.loads(body))


look = LocatorAssertions._call_expect


async def wait_and_look(self, expression, options, title):
    """Wait until the element is there: each look before that writes down the whole page."""
    if not self._is_not and expression not in ("to.be.hidden", "to.be.detached", "to.have.count"):
        with suppress(NotThere):
            await self._actual_locator.first.wait_for(state="attached", timeout=options["timeout"])
    return await look(self, expression, options, title)


@pytest.fixture(scope="session")
def chromium():
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setattr(LocatorAssertions, "_call_expect", wait_and_look)
        # Playwright keeps an event loop in this thread, and Django takes every test that comes
        # after these in the same process for asynchronous code.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


def readable(url):
    """An address without a token's signature: in 342 random letters any short text may stand."""
    return re.sub(r"\.[\w-]{342}(?![\w-])", "", unquote_plus(url))


def page_of(context, product):
    """A page that is watched; what its console says is kept in `page.said`."""
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.said = []
    page.on("request", lambda request: product.told.said.append(readable(request.url)))
    page.on("console", lambda message: page.said.append(message.text))
    page.on("pageerror", lambda error: page.said.append(str(error)))
    return page


def new_browser(chromium, product, **options):
    options = {"viewport": WINDOW, "reduced_motion": "reduce"} | options  # so no click has to wait
    return chromium.new_context(base_url=product.desk, **options)


@pytest.fixture(scope="session")
def idle_pages():
    """Pages that no test has now, by how they were opened: a new page costs five visits."""
    return defaultdict(list)


@pytest.fixture
def open_page(chromium, product, idle_pages):
    """A page in a browser of its own: without a script, or for several people at once.

    Another test has the page later: whoever sets up more than routes on it takes that down.
    """
    taken = []

    def open_one(*, script=True, **options):
        idle = idle_pages[script, repr(options)]
        if idle:
            page = idle.pop()
        else:
            context = new_browser(chromium, product, java_script_enabled=script, **options)
            page = page_of(context, product)
        page.said.clear()
        page.context.clear_cookies()
        taken.append((page, idle))
        return page

    yield open_one
    for page, idle in taken:
        for other in page.context.pages[1:]:
            other.close()
        page.unroute_all()
        page.goto("about:blank")
        idle.append(page)


@pytest.fixture
def page(open_page, product):
    """A page of an agent's, whose console has nothing to say."""
    page = open_page()
    product.let_in(page, "Inès Moreau")
    if product.had_faults:  # after calls that failed, the desk makes none for a while
        wait_until(lambda: page.request.get("/customers/123456789/").ok)
        product.had_faults = False
    yield page
    assert unexpected(page.said) == []


@pytest.fixture
def sana(product, page):
    """A page of a supervisor's."""
    product.let_in(page, "Sana El Idrissi")
    return page


def unexpected(said):
    """What a console says beside the answers that tests provoke on purpose."""
    provoked = ("Failed to load resource", "Response Status Error Code", "Clear-Site-Data header")
    provoked += ("Autofocus processing was blocked",)  # they type before a page has taken the focus
    return [line for line in said if not line.startswith(provoked)]


def sign_in(page, name, path="/"):
    """Open a path, and be that person at the provider."""
    page.goto(path)
    page.get_by_role("button", name=name).click()
    page.wait_for_url(f"**{path}")


def reload_until_shown(page, locator):
    """For what the desk finds out by itself."""
    give_up = time.monotonic() + 60
    while not locator.is_visible():
        assert time.monotonic() < give_up, "it did not happen"
        page.reload()


def open_editor(page, field):
    """Open one plain field in place; its input, which has the focus."""
    page.locator(f"#{field} .field-edit").click()
    box = page.locator(f"#{field}[data-state=editing] input[name=value]")
    expect(box).to_be_focused()
    return box


def save_as(page, field, value):
    """Edit one plain field in place, until it says that it is saved."""
    box = open_editor(page, field)
    box.fill(value)
    box.press("Enter")
    expect(page.locator(f"#{field} .was-saved")).to_be_visible()


def tab_to(page, control):
    """Press Tab, as often as it takes, until that control has the focus."""
    for _ in range(100):
        page.keyboard.press("Tab")
        if control.evaluate("control => control === document.activeElement"):
            return
    raise AssertionError("Tab does not reach it")


@contextmanager
def somebody_else(page, product):
    with new_browser(page.context.browser, product) as context:
        chosen = [one for one in page.context.cookies() if one["name"] == "crmadmin_language"]
        context.add_cookies(chosen)
        theirs = context.new_page()
        product.let_in(theirs, "Owen Whitfield")
        yield theirs
