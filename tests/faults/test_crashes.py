"""The crash matrix: a process is killed at every step of a change, whatever Club Med does then.

The points of death, in order, and what Club Med can be doing then:

    NO_LINE     before the journal line is written      nothing: it was not called
    LINE        after it is committed, before the call  nothing: it was not called
    SENT        after the request's last byte was sent  everything
    BACK        after the answer, or its loss, arrived  everything
    NUMBERED    a create: its number was noted          it answered 201
    APPENDING   entries written, before their COMMIT    it answered
    APPENDED    right after that COMMIT                 it answered

The other pairs do not exist: nothing is appended to the log by a call whose answer was lost.
"""

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from urllib3.connection import HTTPConnection

from crmadmin.sandbox import Fault
from customers import form_token
from customers.audit import entries, journal, reading
from customers.audit.models import Change, Entry
from customers.clubmed.client import ClubMed
from customers.services import record
from customers.services.change import change_profile
from customers.services.create import create_customer
from customers.services.outcomes import Unknown
from tests.acts import history
from tests.conftest import AGENT, TOM, sent
from tests.faults.conftest import (
    PATIENCE,
    assert_nothing_is_open,
    assert_the_log_is_whole,
    forking,
    settle,
    wait_until,
)
from tests.people import actor, token_over

pytestmark = [pytest.mark.django_db(transaction=True), forking]
EMAIL = "killed@example.com"


@dataclass(frozen=True)
class Verb:
    """A change or a create. fields: that it sends."""

    method: str
    call: str  # the client's method that sends it
    run: Callable[[form_token.FormToken], Any]
    fields: frozenset[str]


def change(token):
    return change_profile(TOM, {"email": EMAIL}, token=token, actor=actor(AGENT), request_id="r")


PERSON = {"civility": "MS", "first_name": "Ada", "last_name": "Vance", "email": EMAIL}


def create(token):
    return create_customer(PERSON, token=token, actor=actor(AGENT), request_id="r")


def holders(clubmed):
    """How often Club Med holds what was sent."""
    return sum(customer.get("email") == EMAIL for customer in list(clubmed.customers.values()))


VERBS = {
    "CHANGE": Verb("PATCH", "update_profile", change, frozenset({"email"})),
    "CREATE": Verb("POST", "create_customer", create, frozenset(PERSON)),
}


# Where the process dies: the real function is there, and death before or after it


def die(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGKILL)


def before(owner, name):
    setattr(owner, name, die)


def after(owner, name, when=lambda *args: True):
    real = getattr(owner, name)

    def and_die(*args, **kwargs):
        try:
            return real(*args, **kwargs)
        finally:
            if when(*args):
                die()

    setattr(owner, name, and_die)


POINTS = {
    "NO_LINE": lambda verb: before(journal, "write"),
    "LINE": lambda verb: before(ClubMed, verb.call),
    "SENT": lambda verb: after(
        HTTPConnection, "request", lambda connection, method, *args: method == verb.method
    ),
    "BACK": lambda verb: after(ClubMed, verb.call),
    "NUMBERED": lambda verb: after(record, "note_number"),
    "APPENDING": lambda verb: after(entries, "insert"),
    "APPENDED": lambda verb: after(record, "record_answer"),
}

# What Club Med does. It takes its time, so that a caller who was killed is gone before its answer.
API = {
    "UNCALLED": None,
    "ANSWERS": {"kind": "latency", "seconds": 0.2},
    "REFUSES": {"kind": "status", "status": 400, "seconds": 0.2},
    "LOSES": {"kind": "drop_before", "seconds": 0.2},
    "STORES_AND_DROPS": {"kind": "drop_after", "seconds": 0.2},
    "STORES_LATE": {"kind": "apply_late", "seconds": 1.0},  # after the first look, as a rule
}

STORED = ("ANSWERS", "STORES_AND_DROPS", "STORES_LATE")
# The verdict of the log when all is settled, on a change and on a create; None: not a trace. Nobody
# can read what became of a create whose number was not noted.
MATRIX = [
    ("NO_LINE", "UNCALLED", None, None),
    ("LINE", "UNCALLED", "not_seen", "unclear"),
    ("SENT", "ANSWERS", "applied", "unclear"),
    ("SENT", "REFUSES", "not_seen", "unclear"),
    ("SENT", "LOSES", "not_seen", "unclear"),
    ("SENT", "STORES_AND_DROPS", "applied", "unclear"),
    ("SENT", "STORES_LATE", "applied", "unclear"),
    ("BACK", "ANSWERS", "applied", "unclear"),
    ("BACK", "REFUSES", "not_seen", "unclear"),
    ("BACK", "LOSES", "not_seen", "unclear"),
    ("BACK", "STORES_AND_DROPS", "applied", "unclear"),
    ("BACK", "STORES_LATE", "applied", "unclear"),
    ("APPENDING", "ANSWERS", "applied", "applied"),
    ("APPENDING", "REFUSES", "not_seen", "unclear"),
    ("APPENDED", "ANSWERS", "applied", "applied"),
    ("APPENDED", "REFUSES", "refused", "refused"),
]
CASES = [
    *(("CHANGE", point, api, verdict) for point, api, verdict, _ in MATRIX),
    *(("CREATE", point, api, verdict) for point, api, _, verdict in MATRIX),
    ("CREATE", "NUMBERED", "ANSWERS", "applied"),
]


@pytest.mark.parametrize(("verb", "point", "api", "verdict"), CASES)
def test_a_process_that_is_killed_leaves_no_untrue_record(
    clubmed, start, verb, point, api, verdict
):
    verb, fault = VERBS[verb], API[api]
    token = token_over(email="tom@example.com")
    if fault:
        clubmed.faults.add(Fault(method=verb.method, **fault))

    def killed():
        POINTS[point](verb)
        verb.run(token)

    process = start(killed)
    process.join(PATIENCE)
    assert process.exitcode == -signal.SIGKILL
    if fault:
        wait_until(lambda: sent(clubmed, verb.method))
    if api in STORED and api != "STORES_LATE":
        wait_until(lambda: holders(clubmed))

    settle()
    clubmed.wait_for_late()
    if api in STORED:
        wait_until(lambda: holders(clubmed))
    settle()
    settled = history()
    settle()

    assert history() == settled
    assert_nothing_is_open()
    assert_the_log_is_whole()
    assert holders(clubmed) == (api in STORED)
    assert_verdict(verb, token, verdict)
    assert_not_sent_again(clubmed, verb, token, unless=verdict in (None, "refused"))


def assert_verdict(verb, token, verdict):
    """That, of every field that was sent; and applied exactly once, or never."""
    made = list(Entry.objects.order_by("seq"))
    assert {entry.change_id for entry in made} == ({token.change_id} if verdict else set())
    stands = reading.verdicts(made)
    assert {name: entry.outcome for name, entry in stands.items()} == (
        dict.fromkeys(verb.fields, verdict) if verdict else {}
    )
    applied = sorted(entry.field for entry in made if entry.outcome == "applied")
    assert applied == (sorted(verb.fields) if verdict == "applied" else [])
    assert list(Change.objects.values_list("outcome", flat=True)) == ([verdict] if verdict else [])


def assert_not_sent_again(clubmed, verb, token, *, unless):
    """The person sends the same form again. unless: certainly nothing came of it."""
    calls = len(sent(clubmed, verb.method))
    try:
        verb.run(token)
    except Unknown:
        assert not unless
    assert len(sent(clubmed, verb.method)) == calls + unless
    assert holders(clubmed) <= 1
    assert_the_log_is_whole()
