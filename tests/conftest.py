"""What tests stand on: the sandbox API over real HTTP, and people who are signed in."""

import gc
import re
import subprocess
from contextlib import nullcontext
from typing import ClassVar
from uuid import uuid4

import pytest
from bs4 import BeautifulSoup
from django.conf import settings
from django.core import signing
from django.core.cache import cache
from django.db import connection
from django.template import Template, engines
from django.test import Client, TransactionTestCase
from django.test.client import ClientHandler
from django.test.utils import _TestState
from xdist.scheduler import LoadFileScheduling

from crmadmin import health
from crmadmin.sandbox import Sandbox
from crmadmin.sandbox.reference import LOCALES
from crmadmin.sso import sessions
from crmadmin.sso.provider import _client
from crmadmin.sso.store import SessionStore
from customers.access import Actor
from customers.services.connection import client
from tests import contract, log, privacy
from tests.provider import provider  # noqa: F401 - a fixture

AGENT = ("staff-1001", "Inès Moreau", ["agent"])
OTHER_AGENT = ("staff-1002", "Owen Whitfield", ["agent"])
SUPERVISOR = ("staff-1003", "Sana El Idrissi", ["supervisor"])
AUDITOR = ("staff-1004", "Mei-Ling Chao", ["auditor"])
HTMX = {"HX-Request": "true"}
JUST_ASKED = {
    f"market:asked:{name}": True
    for name in (
        *("locales", "civilities:en-US", "countries:en-US"),
        *(f"schema:{locale}" for locale in LOCALES),
    )
}
TOM = "123456789"  # the scenario's own customer
# Which tests begin first: at the end of a run nobody should wait for one that takes long.
FOLDERS = ("browser", "soak", "faults", "crmadmin", "views", "services", "audit", "clubmed")


_ALL_ONCE = re.compile(r"^pytestmark = .*\bpytest\.mark\.once\b", re.MULTILINE)
REACH_A_DATABASE = {"db", "transactional_db", "live_server", "own_database"}


def pytest_configure(config):
    if hasattr(config, "workerinput"):
        gc.disable()  # until pytest_collection_finish: what is imported meanwhile stays
    else:  # once, before the workers begin
        subprocess.run(["make", "--silent", "compiled"], cwd=settings.BASE_DIR, check=True)  # noqa: S607


def pytest_ignore_collect(collection_path):
    """What is marked `once` as a whole is not even read on PostgreSQL."""
    if connection.vendor == "postgresql" and collection_path.suffix == ".py":
        return bool(_ALL_ONCE.search(collection_path.read_text())) or None
    return None


def pytest_collection_modifyitems(config, items):
    """On PostgreSQL, leave out what would prove the same again as on SQLite.

    That is what is marked `once`, and what cannot reach a database: pytest-django sees to that.
    What chooses its database by itself (skipif) stays.
    """
    items.sort(key=_turn)
    if connection.vendor != "postgresql":
        return
    config.hook.pytest_deselected(items=[item for item in items if not _may_tell(item)])
    items[:] = [item for item in items if _may_tell(item)]


def _turn(item):
    folder = item.path.parent.name
    return FOLDERS.index(folder) if folder in FOLDERS else len(FOLDERS)


class ByFile(LoadFileScheduling):
    """Whichever worker is free gets the next file. Those of the browser are one: a product and a
    Chromium take as long to start as many tests to run.
    """

    def _split_scope(self, nodeid):
        return "browser" if nodeid.startswith("tests/browser/") else super()._split_scope(nodeid)


def pytest_xdist_make_scheduler(config, log):
    return ByFile(config, log) if config.getoption("dist") == "loadfile" else None


def _may_tell(item):
    if item.get_closest_marker("once"):
        return False
    chooses = any(map(item.get_closest_marker, ("django_db", "skipif")))
    return chooses or not REACH_A_DATABASE.isdisjoint(item.fixturenames)


def pytest_collection_finish():
    """What stands now stays to the end, so the garbage collector need not look at it again."""
    gc.freeze()
    gc.set_threshold(50_000)
    gc.enable()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix, tmp_path_factory):
    """SQLite lies in a file, as in the product: in memory it locks in another way."""
    if connection.vendor == "sqlite":
        folder = tmp_path_factory.mktemp("database")
        connection.settings_dict["TEST"]["NAME"] = str(folder / "test.sqlite3")


@pytest.fixture(scope="session", autouse=True)
def tombstones_of_this_run(tmp_path_factory):
    settings.AUDIT_TOMBSTONES = str(tmp_path_factory.mktemp("forgotten") / "tombstones.ndjson")


@pytest.fixture(scope="session", autouse=True)
def databases_are_emptied_as_by_their_owner():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda case: log.empty())
        yield


@pytest.fixture(scope="session", autouse=True)
def templates_render_as_in_the_product(django_test_environment):
    """No test asks which templates were rendered, which Django's tests note with much copying."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Template, "_render", _TestState.saved_data.template_render)
        yield


@pytest.fixture(scope="session", autouse=True)
def readiness_is_never_of_another_test():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(health, "SECONDS", 0)
        yield


@pytest.fixture(scope="session")
def running_sandbox():
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running_sandbox):
    """The sandbox API, as new, by itself: what it answers keeps the contract."""
    running_sandbox.reset()
    with contract.answers_kept(running_sandbox):
        yield running_sandbox


@pytest.fixture
def clubmed(running_sandbox, settings, request):
    """The sandbox API, as new, and the product pointed at it.

    It was just asked about its markets, to no avail, so that the catalogue alone holds and nothing
    is asked beside what a test is about; `cache.clear()` undoes that.
    """
    running_sandbox.reset()
    settings.CLUBMED_API_URL = running_sandbox.url
    client.cache_clear()
    cache.clear()
    cache.set_many(JUST_ASKED, 3600)
    other = request.node.get_closest_marker("other_contract")
    kept = nullcontext() if other else contract.kept(running_sandbox)
    with privacy.watched(running_sandbox), kept:
        yield running_sandbox
    client.cache_clear()


class Handler(ClientHandler):
    """What the middleware reads of settings and of static files is read once, as by a server."""

    loaded: ClassVar = {}

    def load_middleware(self, is_async=False):
        read = (settings.STATIC_ROOT, settings.SECURE_SSL_REDIRECT, settings.SECURE_HSTS_SECONDS)
        if read not in self.loaded:
            super().load_middleware(is_async)
            self.loaded[read] = vars(self)
        vars(self).update(self.loaded[read] | {"enforce_csrf_checks": self.enforce_csrf_checks})


class Desk(Client):
    """A browser with somebody signed in, that reads pages as a person does."""

    def __init__(self, enforce_csrf_checks=False, **kwargs):
        super().__init__(enforce_csrf_checks, **kwargs)
        self.handler = Handler(enforce_csrf_checks)

    def post(self, path, data=None, **kwargs):
        privacy.keep_private(data)
        return super().post(path, data, **kwargs)

    def generic(self, *args, **kwargs):
        response = super().generic(*args, **kwargs)
        privacy.assert_no_secret(response)
        privacy.note(response)
        return response

    def page(self, path, **kwargs):
        return soup(self.get(path, **kwargs))

    def form(self, path, headers=HTMX):
        """The hidden inputs of a page's main form, ready to be sent with what is typed."""
        answer = self.get(path, headers=headers)
        answer.content = OPTION.sub(b"", answer.content)  # hundreds of countries: half of the time
        return hidden_inputs(soup(answer))


def forget_templates():
    """What a template says of constants is compiled into it: its sentences, its files' names."""
    for loader in engines["django"].engine.template_loaders:
        loader.reset()


OPTION = re.compile(rb"<option\b.*?</option>", re.DOTALL)
NOT_TO_BE_TRANSLATED = re.compile(r'<bdi\b[^>]* translate="no"[^>]*>(.*?)</bdi>', re.DOTALL)


def soup(response):
    """Its page, without what nobody sees and what would part a text."""
    seamless = response.content.decode().replace("<wbr>", "")  # in a tree it takes longer
    return BeautifulSoup(NOT_TO_BE_TRANSLATED.sub(r"\1", seamless), "html.parser")


def hidden_inputs(page):
    beside = "[role=search], .switch, .notices form"
    form = page.select_one(f"form.editor, form[data-guard], main form[method=post]:not({beside})")
    return {
        field["name"]: field.get("value", "")
        for field in form.select("input[type=hidden]")
        if field.get("name") and field["name"] != "row"
    }


def text(page):
    """What a person reads, in one line."""
    return " ".join(page.get_text(" ").split())


def signed_in(person, *, reveals=False, client_class=Desk, **kwargs):
    sub, name, roles = person
    client = client_class(**kwargs)
    give_session(client, Actor(settings.OIDC_ISSUER, sub, name, tuple(roles), reveals=reveals))
    return client


def give_session(client, actor):
    """What the browser has after this person's sign-in in it."""
    session = SessionStore()
    sessions.start(session, actor)
    client.cookies[settings.SESSION_COOKIE_NAME] = session.session_key
    if settings.BROWSER_COOKIE_NAME not in client.cookies:
        known = signing.get_cookie_signer(salt=settings.BROWSER_COOKIE_NAME).sign(uuid4().hex)
        client.cookies[settings.BROWSER_COOKIE_NAME] = known


@pytest.fixture
def agent(clubmed, db):
    return signed_in(AGENT)


@pytest.fixture
def other_agent(clubmed, db):
    return signed_in(OTHER_AGENT)


@pytest.fixture
def supervisor(clubmed, db):
    return signed_in(SUPERVISOR, reveals=True)


@pytest.fixture
def auditor(clubmed, db):
    return signed_in(AUDITOR)


def sent(sandbox, method):
    """What was sent with that method: (path, JSON body) a request."""
    return [(r.path, r.json) for r in sandbox.requests if r.method == method]


@pytest.fixture
def fresh_client():
    """Nothing is remembered of a provider of another test."""
    _client.cache_clear()
    yield
    _client.cache_clear()


@pytest.fixture
def company(provider, settings, fresh_client):  # noqa: F811 - the fixture
    """The product pointed at the real local provider."""
    settings.OIDC_ISSUER = provider.issuer
    settings.OIDC_CLIENT_ID = provider.client_id
    settings.OIDC_CLIENT_SECRET = provider.client_secret
    return provider
