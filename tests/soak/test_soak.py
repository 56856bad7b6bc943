"""Each trouble once in every run of the tests, 20 minutes of them by `make soak`: SECONDS."""

import json
import logging
import os
import random
import threading
import time
from collections import Counter
from contextlib import suppress

import pytest
import requests
from django.db import connection

from tests import hostile_provider as hostile
from tests import postgres
from tests.demo import python
from tests.soak import people, verdict
from tests.soak.club_med import ClubMed
from tests.soak.company import Company
from tests.soak.product import Product

SECONDS = int(os.environ.get("SECONDS") or 0)
AGENTS, SHARE = 8 if SECONDS else 3, 0.2
PAUSE = (1, 5)  # seconds between two troubles
DEADLINE = 2


@pytest.fixture
def own_database(tmp_path):
    """A server of its own, with its real durability, as it is brought down."""
    if connection.vendor == "sqlite":
        yield f"sqlite:///{tmp_path}/desk.sqlite3"
    else:
        with postgres.running(options="") as address:
            yield address


@pytest.fixture
def club_med(caplog):
    caplog.set_level(logging.WARNING, "crmadmin.sandbox")  # it would be all there is
    with ClubMed() as club_med:
        yield club_med


@pytest.fixture
def company():
    with Company() as company:
        yield company


@pytest.fixture
def product(tmp_path, own_database, club_med, company):
    is_sqlite = connection.vendor == "sqlite"  # which is on one machine, with one clock
    environment = {
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "DATABASE_URL": own_database,
        "AUDIT_TOMBSTONES": str(tmp_path / "tombstones.ndjson"),
        "TMPDIR": str(tmp_path),
        "SOAK_CLOCKS": "1" if is_sqlite else "2",
        "CLUBMED_API_URL": club_med.url,
        "CLUBMED_CONNECT_TIMEOUT": str(DEADLINE),
        "CLUBMED_READ_TIMEOUT": str(DEADLINE),
        "CLUBMED_DEADLINE": str(DEADLINE),
        "JOURNAL_GRACE": str(DEADLINE),
        "OIDC_ISSUER": company.issuer,
        "OIDC_CLIENT_ID": hostile.CLIENT_ID,
        "OIDC_CLIENT_SECRET": hostile.CLIENT_SECRET,
        "SESSION_RENEW_MINUTES": "1",
        "LIMIT_VIEWS": "100000/10m",
        "LIMIT_SEARCHES": "100000/10m",
    }
    return Product(tmp_path, environment, None if is_sqlite else own_database)


def troubles(product, company):
    """All that may befall it."""

    def lose_the_company():
        company.is_gone = True
        time.sleep(2)
        company.is_gone = False

    def end_sessions():
        token = company.logout_token(sub=f"agent-{random.randrange(AGENTS)}")
        address = f"{product.url}/oidc/backchannel-logout/"
        with suppress(requests.RequestException):
            requests.post(address, {"logout_token": token}, timeout=people.PATIENCE)

    found = [product.kill_a_worker, product.kill_the_server, product.reload]
    found += [product.kill_the_timer, product.seal, lose_the_company, end_sessions]
    return found + ([product.crash_the_database] if product.database else [])


def befall(product, company):
    """Each once, in any order, and all again until those seconds are over: how often each did."""
    until, befell = time.monotonic() + SECONDS, Counter()
    while not befell or time.monotonic() < until:
        todo = troubles(product, company)
        for trouble in random.sample(todo, len(todo)):
            time.sleep(random.uniform(*PAUSE))
            trouble()
            befell[trouble.__name__] += 1
    return befell


def test_the_log_is_true_whatever_happened(product, club_med, company):
    told, stop = people.Told(), threading.Event()
    with product:
        threads = people.at_work(product.url, told, AGENTS, stop)
        club_med.go_wrong(SHARE)
        befell = befall(product, company)
        stop.set()
        for thread in threads:
            thread.join()
    club_med.be_well()

    after = python("-m", "tests.soak.afterwards", product.seals, product.log, **product.environment)
    assert after.returncode == 0, after.stderr
    found = json.loads(after.stdout)
    print(verdict.summary(club_med, told, found["entries"], befell), found["verified"], sep="\n")
    log = verdict.Log(found["entries"])
    assert verdict.faults(club_med.stored, told, log, club_med.created) == []
    assert product.failures(told.failed) == []
    assert found["lines"] == 0
    assert "whole" in found["verified"]
