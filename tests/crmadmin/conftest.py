import logging
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import requests
from django.utils import timezone

from crmadmin.sandbox import Sandbox
from tests.crmadmin.sandbox_api import Api
from tests.crmadmin.signing_in import PRIVATE, Browser, trust
from tests.hostile_provider import HostileProvider


@pytest.fixture
def api(sandbox: Sandbox) -> Iterator[Api]:
    with requests.Session() as session:
        session.trust_env = False
        yield Api(sandbox.url, session)


@pytest.fixture
def browser(db, caplog):
    """Whatever a test does with it, the log holds nothing of a person, a code or a token."""
    caplog.set_level(logging.DEBUG)
    browser = Browser()
    yield browser
    as_written = logging.Formatter()  # tracebacks, were there one, and all
    for line in map(as_written.format, caplog.get_records("call")):
        assert [secret for secret in PRIVATE | browser.private if secret in line] == []
        assert "eyJ" not in line, "a token"


@pytest.fixture
def liar(settings):
    """The product pointed at a hostile provider."""
    with HostileProvider() as provider:
        trust(provider, settings)
        yield provider


@pytest.fixture
def clock(monkeypatch):
    """Moves the clock: minutes from now."""
    began = time.time()

    def move(minutes):
        monkeypatch.setattr(time, "time", lambda: began + minutes * 60)
        moved = datetime.fromtimestamp(began + minutes * 60, UTC)
        monkeypatch.setattr(timezone, "now", lambda: moved)

    return move
