"""`audit_stream`: the log as lines for a SIEM, which says who did what and holds no value."""

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from customers.audit import access_events
from customers.audit.models import Access, AccessEvent, Entry
from tests import log
from tests.conftest import AGENT, TOM
from tests.people import actor

pytestmark = pytest.mark.django_db


@pytest.fixture
def stream(tmp_path):
    def run():
        out = StringIO()
        call_command("audit_stream", state=str(tmp_path / "state"), stdout=out)
        return [json.loads(line) for line in out.getvalue().splitlines()]

    return run


def look():
    access_events.record(Access.VIEW, actor=actor(AGENT), request_id="r", customer_id=TOM)


def numbers(lines, name, key):
    return [line[name][key] for line in lines if name in line]


def test_each_entry_and_each_access_is_a_line_and_the_next_run_goes_on(stream):
    log.fill(2)
    look()
    first = stream()
    log.fill(1)
    second = stream()

    assert numbers(first, "entry", "seq") == [1, 2, 3]
    assert numbers(first, "access", "kind") == ["view"]
    assert numbers(second, "entry", "seq") == list(
        Entry.objects.filter(seq__gt=3).order_by("seq").values_list("seq", flat=True)
    )


def test_no_line_holds_a_value_or_names_a_customer(stream):
    log.fill(2)
    look()

    said = json.dumps(stream(), ensure_ascii=False)

    assert '"email"' in said
    assert "staff-1001" in said
    private = {*filter(None, log.TEXTS), f'"{TOM}"', "customer"}
    assert not [one for one in private if one in said], said


def test_an_access_that_is_committed_late_is_not_left_out(stream):
    """Numbers are given before a commit: one of a minute's worth is printed again."""
    look()
    [again] = numbers(stream(), "access", "id")

    assert numbers(stream(), "access", "id") == [again]


def test_an_access_that_is_older_than_that_is_printed_once(stream):
    event = AccessEvent(recorded_at=timezone.now() - timedelta(minutes=2), kind=Access.VIEW)
    event.actor_key = 1
    AccessEvent.objects.bulk_create([event])

    assert numbers(stream(), "access", "kind") == ["view"]
    assert stream() == []


def test_the_log_of_an_older_backup_is_not_taken_for_the_same(stream, tmp_path):
    """Its next entries, and its next accesses, have numbers that were printed of others."""
    log.fill(1)
    stream()
    state = json.loads((tmp_path / "state").read_text())
    for gone in ({"digest": "of another"}, {"seq": state["seq"] + 9}, {"access": 10**6}):
        (tmp_path / "state").write_text(json.dumps(state | gone))

        with pytest.raises(CommandError, match="or of one since restored: remove it"):
            stream()


def test_a_file_that_holds_something_else_is_told(stream, tmp_path):
    (tmp_path / "state").write_text("[]")

    with pytest.raises(CommandError, match="does not hold where the stream stands"):
        stream()
