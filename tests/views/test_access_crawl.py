"""Every address, by every method and by htmx, by everybody, with a good form token.

Who opens what stands here once more, apart from the rules of the views: a new address belongs here.
"""

import re

import pytest
from django.db import connection

from crmadmin.models import Session
from customers.audit.models import Change, Entry
from tests.acts import all_patterns, change
from tests.conftest import AGENT, AUDITOR, HTMX, SUPERVISOR, TOM, Desk, signed_in

pytestmark = pytest.mark.django_db
FIELD, CUSTOMER = "customers/<str:customer_id>/fields/<str:name>/", "customers/<str:customer_id>/"
CHANGE = "audit/changes/<uuid:change_id>/"
AGENTS = (
    *("", "customers/new/", CUSTOMER, f"{CUSTOMER}reason/", f"{CUSTOMER}groups/<str:slug>/"),
    *(FIELD, f"{FIELD}value/", f"{FIELD}changes/<uuid:change_id>/", "market/", "saves/"),
    f"{CUSTOMER}changes/<uuid:change_id>/undo/",
)
ALL_STAFF = (f"{CUSTOMER}history/", f"{FIELD}history/", "sessions/")
READERS = (
    *("audit/", "audit/views/", "audit/views/<int:number>/delete/", "audit/export/"),
    *("audit/export.csv", "audit/export.ndjson", "audit/looks/", "audit/activity/"),
    *("audit/activity/findings/", "audit/unsettled/", "audit/integrity/", CHANGE),
    f"{CHANGE}proof.ndjson",
)
SUPERVISORS = (f"{CUSTOMER}forget/", "audit/report/", f"{CHANGE}settle/", f"{CHANGE}revert/")
REVEALS, REVEALS_CHANGE = f"{FIELD}reveal/", f"{CHANGE}reveal/"
BOTH = ("staff-9", "Agent and Auditor", ["agent", "auditor"])
PEOPLE = {
    "stranger": (None, False, ()),
    "no role": (("staff-9", "Nobody Here", []), True, ()),
    "agent": (AGENT, False, (*AGENTS, *ALL_STAFF)),
    "agent who reveals": (AGENT, True, (*AGENTS, *ALL_STAFF, REVEALS)),
    "auditor": (AUDITOR, False, (*READERS, *ALL_STAFF)),
    "auditor who reveals": (AUDITOR, True, (*READERS, *ALL_STAFF, REVEALS_CHANGE)),
    "agent and auditor": (BOTH, False, (*AGENTS, *READERS, *ALL_STAFF)),
    "supervisor": (SUPERVISOR, False, (*AGENTS, *READERS, *SUPERVISORS, *ALL_STAFF)),
}
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
OURS = METHODS[:3]
# By which each address is asked for: htmx has two methods here.
WAYS = (*((method, {}) for method in METHODS), ("GET", HTMX), ("POST", HTMX))
COMMON = [way for way in WAYS if way[0] in OURS]
PLAIN = [("GET", {}), ("POST", {})]
SAFE = dict.fromkeys(("GET", "HEAD"), 200)
# What everybody opens, and what it answers to a stranger; 405 to every other method.
EVERYBODY = {
    "language/": dict.fromkeys(METHODS, 302),
    "oidc/login/": {"GET": 503},  # no provider is there
    "oidc/callback/": {"GET": 403},
    "oidc/backchannel-logout/": {"POST": 400},
    "signed-out/": {"GET": 200},
    **dict.fromkeys(("shortcuts/", "health/live", "health/ready", "metrics"), SAFE),
    "oidc/logout/": {"POST": 302},
}
LED_ON = ("oidc/callback/", "signed-out/")  # whoever is signed in is
SECRET = re.compile("ursuline|leaked|Owen Whitfield", re.IGNORECASE)  # of customer and colleague


def routes():
    return [str(pattern.pattern) for pattern in all_patterns()]


def is_known(route):
    return route in {*AGENTS, *ALL_STAFF, *READERS, *SUPERVISORS, REVEALS, REVEALS_CHANGE}


@pytest.mark.once
def test_every_address_is_in_the_table_of_who_opens_it():
    assert [one for one in routes() if not is_known(one) and one not in EVERYBODY] == []


@pytest.fixture
def history(other_agent, clubmed):
    """A customer with a change of a colleague's: what there is to be seen."""
    clubmed.customers[TOM] |= {"first_name": "URSULINE", "email": "before@example.com"}
    change(other_agent, "leaked@example.com")
    return Change.objects.get().pk


def address(route, change_id):
    values = {"customer_id": TOM, "name": "email", "slug": "contact", "number": "1"}
    values["change_id"] = str(change_id)
    return "/" + re.sub(r"<\w+:(\w+)>", lambda found: values[found[1]], route)


def browser(person, reveals):
    """Signed in, with a form token that is good for every form."""
    client = Desk(enforce_csrf_checks=True)
    if person:
        client = signed_in(person, reveals=reveals, enforce_csrf_checks=True)
    page = client.get("/nowhere/")
    token = re.search('X-CSRFToken": "([^"]+)"', page.content.decode())
    return client, {"X-CSRFToken": token[1]}


@pytest.mark.once
@pytest.mark.parametrize("who", PEOPLE)
def test_nobody_gets_further_than_the_table_says(history, clubmed, who):
    """Whoever opens no address tries every method, the others those that there are."""
    person, reveals, opened = PEOPLE[who]
    client, token = browser(person, reveals)
    clubmed.requests.clear()
    before = Entry.objects.count()

    for route in filter(is_known, routes()):
        if route in opened:
            continue
        for method, headers in WAYS if not opened else COMMON:
            asked = address(route, history)
            answer = client.generic(method, asked, headers=token | headers)
            where = f"{method} {asked} {headers}"
            refused = {403} if person else {302, 401}
            assert answer.status_code in refused, where
            assert not SECRET.search(answer.content.decode()), where
    assert clubmed.requests == []
    assert Entry.objects.count() == before


@pytest.mark.once
@pytest.mark.parametrize("who", ["stranger", "no role", "agent", "auditor", "supervisor"])
def test_what_everybody_opens_gives_nothing_away(history, clubmed, who):
    person, reveals, _ = PEOPLE[who]
    client, token = browser(person, reveals)
    clubmed.requests.clear()
    sessions, entries = Session.objects.count(), Entry.objects.count()

    for route, answers in EVERYBODY.items():
        for method, headers in WAYS:
            expected = answers.get(method, 405)
            if expected != 405 and person and route in LED_ON:
                expected = 302
            answer = client.generic(method, f"/{route}", headers=token | headers)
            if route == "oidc/logout/" and method == "POST" and headers:
                expected = 200  # with HX-Redirect
            assert answer.status_code == expected, (method, route, headers)
            assert not SECRET.search(answer.content.decode()), (method, route, headers)
    assert clubmed.requests == []
    assert (Session.objects.count(), Entry.objects.count()) == (sessions - bool(person), entries)


@pytest.mark.parametrize(
    "who",
    [
        pytest.param("agent who reveals", marks=pytest.mark.once),
        pytest.param("auditor who reveals", marks=pytest.mark.once),
        "supervisor",
    ],
)
def test_everybody_opens_what_is_theirs(history, clubmed, who):
    """On PostgreSQL each page's statements are made once."""
    person, reveals, opened = PEOPLE[who]
    client, token = browser(person, reveals)

    for route in opened:
        for method, headers in PLAIN if connection.vendor == "postgresql" else WAYS:
            answer = client.generic(method, address(route, history), headers=token | headers)
            assert answer.status_code < 500, (method, route, headers)
            assert answer.status_code != 403, (method, route, headers)
            assert (answer.status_code == 405) >= (method not in OURS), (route, headers)
