"""What a filter means: for any log, pages, exports and a plain reading agree."""

import json
from uuid import UUID, uuid4

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from customers.audit import entries, export, filters, paging
from customers.audit.actions import Action, Flag, Outcome
from customers.audit.entries import FieldOutcome
from customers.audit.filters import LogFilter
from customers.audit.models import Entry, actor_key
from tests.log import append

pytestmark = pytest.mark.django_db(transaction=True)
ISSUER = "https://login.example.com"
PEOPLE = ["ines", "owen", "mei"]
CUSTOMERS = ["101", "102", "103"]
FIELDS = ["email", "phones", "last_name", "birth_city"]
REQUESTS = ["7f3a", "7f3b"]
FLAGS = ["", "forced_address", "forced_address reverts", "unchecked_duplicates"]
OUTCOMES = [Outcome.APPLIED, Outcome.REFUSED, Outcome.UNCLEAR]
CHANGE = st.tuples(
    st.sampled_from([Action.CHANGE, Action.CREATE]),
    st.sampled_from(PEOPLE),
    st.sampled_from(CUSTOMERS),
    st.lists(st.tuples(st.sampled_from(FIELDS), st.sampled_from(OUTCOMES)), min_size=1, max_size=3),
    st.sampled_from(FLAGS),
    st.sampled_from(REQUESTS),
)


def some(values):
    return st.lists(st.sampled_from(values), max_size=2, unique=True).map(tuple)


FILTER = st.fixed_dictionaries(
    {
        "people": some([actor_key(ISSUER, one) for one in PEOPLE]),
        "customers": some(CUSTOMERS),
        "fields": some(FIELDS),
        "actions": some([Action.CHANGE.value, Action.CREATE.value]),
        "outcomes": some([one.value for one in OUTCOMES]),
        "flags": some([flag.value for flag in Flag]),
        "requests": some(REQUESTS),
    }
)


PART = st.none() | st.floats(0, 1)


def record(action, person, customer, fields, flags, request_id):
    act = {
        "action": action,
        "customer_id": customer,
        "actor_issuer": ISSUER,
        "actor_sub": person,
        "actor_name": person.title(),
        "locale": "en-US",
        "flags": flags,
        "request_id": request_id,
    }
    with transaction.atomic():
        findings = [FieldOutcome(name, "a", "b", what) for name, what in dict(fields).items()]
        entries.append(uuid4(), act, findings)


def time_at(part):
    """When the entry was recorded that is so far into the log."""
    times = list(Entry.objects.order_by("seq").values_list("recorded_at", flat=True))
    return None if part is None or not times else times[int(part * (len(times) - 1))]


def pages(wanted):
    """All rows of a filter, page by page: (change, field), newest first."""
    before, found = None, []
    while True:
        page = filters.page(wanted, before=before, size=3)
        for change in page.rows:
            found += [(change.pk, one.first.field) for one in reversed(change.fields)]
        if page.older is None:
            return found
        assert before is None or page.older < before
        before = page.older


def in_csv(wanted):
    """The rows that a CSV export writes."""
    return [(row.change_id, row.field) for rows in paging.every(wanted, size=4) for row in rows]


def in_ndjson(wanted):
    """What stands in full in an export that proves itself."""
    lines = map(json.loads, export.ndjson(filters=wanted))
    contents = [line["content"] for line in lines if "content" in line]
    return [(UUID(one["change_id"]), one["field"]) for one in contents]


def plainly(wanted):
    """The same from all entries, one by one."""
    return [
        (entry.change_id, entry.field)
        for entry in Entry.objects.order_by("-seq")
        if (not wanted.people or actor_key(entry.actor_issuer, entry.actor_sub) in wanted.people)
        and (not wanted.customers or entry.customer_id in wanted.customers)
        and (not wanted.fields or entry.field in wanted.fields)
        and (not wanted.actions or entry.action in wanted.actions)
        and (not wanted.outcomes or entry.outcome in wanted.outcomes)
        and (not wanted.flags or {*wanted.flags} & {*entry.flags.split()})
        and (not wanted.requests or entry.request_id in wanted.requests)
        and (not wanted.since or entry.recorded_at >= wanted.since)
        and (not wanted.until or entry.recorded_at < wanted.until)
    ]


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(log=st.lists(CHANGE, max_size=3), asked=FILTER, since=PART, until=PART)
def test_pages_exports_and_a_plain_reading_of_the_log_agree(monkeypatch, log, asked, since, until):
    """The log goes on growing from one example to the next."""
    monkeypatch.setattr(paging, "_FIRST_RUN", 2)
    monkeypatch.setattr(paging, "RUN", 7)
    for change in log:
        record(*change)
    wanted = LogFilter(**asked, since=time_at(since), until=time_at(until))

    assert pages(wanted) == plainly(wanted) == in_csv(wanted)
    assert set(in_ndjson(wanted)) == set(plainly(wanted))


def test_a_change_is_never_cut_in_two():
    for number in range(4):
        append(
            *(FieldOutcome(name, "a", "b", Outcome.APPLIED) for name in FIELDS[:3]),
            customer_id=str(number + 1),
        )

    page = filters.page(LogFilter(), size=7)

    assert [len(change.fields) for change in page.rows] == [3, 3]
    assert [len(change.fields) for change in filters.page(LogFilter(), before=page.older).rows] == [
        3,
        3,
    ]


def test_one_goes_back_to_newer_pages_as_one_came():
    for number in range(7):
        append(FieldOutcome("email", "a", str(number), Outcome.APPLIED))

    oldest = filters.page(LogFilter(), before=2, size=2)
    newer = filters.page(LogFilter(), before=oldest.newer, size=2)

    assert [change.seq for change in newer.rows] == [3, 2]
    assert not oldest.is_newest
    assert filters.page(LogFilter(), before=7, size=2).newer is None
    assert filters.page(LogFilter(), before=8, size=2).is_newest
