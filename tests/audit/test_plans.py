"""How PostgreSQL finds what the pages of the log show: by an index, without sorting the log."""

import json
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from customers.access import Actor
from customers.audit import chain, limits, paging
from customers.audit.models import Access, AccessEvent, actor_key
from tests import log
from tests.benchmarks import change
from tests.benchmarks.management.commands import fill_log
from tests.conftest import SUPERVISOR, signed_in

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(
        connection.vendor != "postgresql", reason="SQLite tells no plan that one could walk"
    ),
]
LENGTH = 10_000
LOOKS = 40_000  # of fewer, PostgreSQL reads the table to see who there is
LONG = ("customers_changedfield", "customers_entry", "customers_accessevent", "customers_change")
MOST_QUERIES = 8
PERSON = actor_key(change.ISSUER, change.agent(7)["actor_sub"])
MIDDLE = change.time_at(0.5).date()

OF_THE_LOG = [
    "",
    f"before={LENGTH // 2}",
    f"person={PERSON}",
    f"person={PERSON}&before={LENGTH // 2}",
    f"customer={change.customer(2)}",
    "field=phones",
    "field=second_name",
    "action=create",
    "outcome=refused",
    "outcome=unclear",
    "flag=forced_address",
    "request=0123456789ab",
    f"from={MIDDLE}",
    f"to={MIDDLE}",
    f"from={MIDDLE}&to={MIDDLE}",
]
OF_LOOKS = [
    "",
    f"before={LOOKS // 2}",
    f"person={PERSON}",
    f"customer={change.customer(2)}",
    "kind=reveal",
    "field=identity",
    "purpose=duty",
    f"from={MIDDLE}",
    f"to={MIDDLE}",
]


@pytest.fixture(scope="module")
def long_log(django_db_setup, django_db_blocker):
    """Some thousand rows of each table, and PostgreSQL knows what is in them."""
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute("VACUUM")  # what earlier tests left makes other plans cheaper
    with django_db_blocker.unblock(), transaction.atomic():
        log.endless()
        while (done := chain.position()) < LENGTH:
            fill_log._append(done, min(LENGTH, done + fill_log.CHUNK), LENGTH)
        fill_log.insert(AccessEvent, [fill_log._look(n / LOOKS) for n in range(LOOKS)])
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        yield signed_in(SUPERVISOR, client_class=Client)
        transaction.set_rollback(True)


def queries_of(person, url):
    """What a page asks that was asked for before: what may be filtered by is remembered."""
    for _ in range(2):
        with CaptureQueriesContext(connection) as captured:
            assert person.get(url).status_code == 200
    return [query["sql"] for query in captured]


def nodes(plan):
    yield plan
    for part in plan.get("Plans", []):
        yield from nodes(part)


def plan_of(query):
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN (ANALYZE, FORMAT JSON) " + query.replace("%", "%%"))
        [[found]] = cursor.fetchall()
    found = json.loads(found) if isinstance(found, str) else found
    return list(nodes(found[0]["Plan"]))


def assert_found_by_index(person, url):
    queries = queries_of(person, url)
    assert len(queries) <= MOST_QUERIES
    asked = [query for query in queries if query.lstrip().startswith(("SELECT", "WITH"))]
    for query in (query for query in asked if any(table in query for table in LONG)):
        for node in plan_of(query):
            assert node["Node Type"] != "Seq Scan" or node["Relation Name"] not in LONG, query
            if node["Node Type"] == "Sort":
                assert node["Plans"][0]["Actual Rows"] <= 2 * paging.PAGE, query


@pytest.mark.parametrize("query", OF_THE_LOG)
def test_each_filter_of_the_log_is_answered_by_an_index(long_log, query):
    cache.clear()
    assert_found_by_index(long_log, f"{reverse('log')}?{query}")


@pytest.mark.parametrize("query", OF_LOOKS)
def test_each_filter_of_looks_is_answered_by_an_index(long_log, query):
    assert_found_by_index(long_log, f"{reverse('looks')}?{query}")


def test_in_a_busy_hour_a_limit_is_one_question_to_an_index(long_log, settings):
    settings.LIMIT_VIEWS = (120, timedelta(minutes=10))
    actor = Actor(change.ISSUER, change.agent(7)["actor_sub"], "", ())
    now = fill_log.as_stored(timezone.now())
    looks = [fill_log._look(0) | {"recorded_at": now} for _ in range(20_000)]
    others = [look for look in looks if look["actor_sub"] != actor.sub]
    theirs = change.agent(7) | {"actor_key": PERSON, "kind": "view", "change_id": None}
    with transaction.atomic():
        fill_log.insert(AccessEvent, [*others, *[theirs | {"recorded_at": now}] * 119])
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE customers_accessevent")
        assert not is_reached_by_an_index(actor, 119)
        fill_log.insert(AccessEvent, [theirs | {"recorded_at": now}])
        assert is_reached_by_an_index(actor, 120)
        transaction.set_rollback(True)


def is_reached_by_an_index(actor, found):
    with CaptureQueriesContext(connection) as captured:
        reached = limits.reached_limit(Access.VIEW, actor=actor)
    [query] = captured
    plan = plan_of(query["sql"])
    assert {one["Index Name"] for one in plan if "Index Name" in one} == {"access_lately"}
    assert max(one["Actual Rows"] for one in plan) == found
    return reached


def test_what_is_unsettled_is_found_by_an_index(long_log):
    assert_found_by_index(long_log, reverse("unsettled"))
