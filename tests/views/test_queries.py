"""How many queries a page takes, once what may be asked of the log is remembered."""

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from customers.audit.models import Change, actor_key
from customers.audit.reading import with_entries
from customers.services.revert import revert_change, ways_back
from tests import log
from tests.acts import EMAIL, NEW, change, create, lose_the_answer
from tests.conftest import AGENT, HTMX, SUPERVISOR, TOM
from tests.people import actor, token_over

pytestmark = pytest.mark.django_db
OF_A_LOG_PAGE = 8
PROFILE = f"/customers/{TOM}/"


@pytest.fixture
def lively(agent, supervisor, clubmed, settings):
    """Changes of Tom's e-mail, one of them put back; one that waits, a create."""
    log.fill(1)  # the first change of all asks where the log begins
    for value in ("one@example.com", "two@example.com"):
        change(agent, value)
    second = with_entries(Change.objects.all())[0]
    who = {"actor": actor(SUPERVISOR), "request_id": "r2", "reason": "Wrong person"}
    revert_change(ways_back(second), token=token_over(), **who)
    change(agent, "Lyon", "birth_city")
    create(agent, **NEW)
    lose_the_answer(agent, clubmed, "drop_after", url=f"/customers/{TOM}/fields/second_name/")
    call_command("audit_verify", verbosity=0)
    return Change.objects.filter(customer_id=TOM).values_list("pk", flat=True)


def pages(changes):
    """Every page of the log, and those with many filters at once."""
    key = actor_key(actor(AGENT).issuer, actor(AGENT).sub)
    every_filter = (
        f"person={key}&customer={TOM}&field=email&field=phones&action=change&outcome=applied"
        "&flag=reverts&flag=forced_address&from=2020-01-01&to=2090-01-01&before=3"
    )
    return [
        *("/audit/", "/audit/?before=3", f"/audit/?person={key}&field=email&from=2020-01-01"),
        *("/audit/?outcome=waiting&flag=reverts", f"/audit/?{every_filter}"),
        *(f"/audit/changes/{change_id}/" for change_id in changes),
        *(f"/customers/{TOM}/history/", f"/customers/{TOM}/fields/email/history/"),
        *("/audit/looks/", f"/audit/looks/?person={key}&kind=view&from=2020-01-01&before=3"),
        *("/audit/activity/", f"/audit/activity/?person={key}&from=2020-01-01"),
        *("/audit/unsettled/", "/audit/integrity/", "/audit/export/"),
    ]


def queries(person, url, typed=None):
    """How many a page takes, or a save with htmx of what was typed."""
    with CaptureQueriesContext(connection) as asked:
        answer = person.get(url) if typed is None else person.post(url, typed, headers=HTMX)
    assert answer.status_code == 200, url
    return len(asked)


def test_no_page_of_the_log_takes_many_queries(lively, supervisor):
    urls = pages(lively)
    for url in ("/audit/", "/audit/looks/", "/audit/activity/"):
        supervisor.get(url)

    many = {url: n for url in urls if (n := queries(supervisor, url)) > OF_A_LOG_PAGE}

    assert many == {}


def test_a_profile_and_a_save_take_few_queries(agent, clubmed):
    """Of a customer with changes, of whom nothing is open."""
    change(agent, "one@example.com")
    agent.get(PROFILE)

    assert queries(agent, PROFILE) <= 5
    form = agent.form(EMAIL, headers=HTMX)
    most = 12 if connection.vendor == "postgresql" else 19  # SQLite takes one statement at a time
    assert queries(agent, EMAIL, form | {"value": "two@example.com"}) <= most
