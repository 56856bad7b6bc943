"""Putting old values back: what can be, what is sent, and two who do it at once."""

import pytest
from django.db import connection, transaction

from crmadmin.sandbox import Fault
from customers.audit import reverts
from customers.audit.around import around
from customers.audit.models import Change, Entry, JournalLine, Missing
from customers.audit.reading import with_entries
from customers.catalogue.fields import FIELDS
from customers.services.change import change_profile
from customers.services.decide import settle_change
from customers.services.outcomes import Conflict, InUse, Refused, Saved, Unknown
from customers.services.reconcile import reconcile
from customers.services.revert import may_be_undone, obstacle_of, revert_change, ways_back
from tests import log
from tests.acts import at_once, let_the_grace_pass
from tests.conftest import AGENT, OTHER_AGENT, SUPERVISOR, TOM, sent
from tests.people import actor, token_over

pytestmark = pytest.mark.django_db(transaction=True)
WHO = {"actor": actor(SUPERVISOR), "request_id": "r2", "reason": "Wrong person"}


def changed(**values):
    """A change of Tom by an agent, as the log holds it. values: field -> (old, new)."""
    token = token_over(**{name: old for name, (old, _) in values.items()})
    typed = {name: new for name, (_, new) in values.items()}
    saved = change_profile(TOM, typed, token=token, actor=actor(AGENT), request_id="r1")
    return with_entries(Change.objects.filter(pk=saved.change_id))[0]


def put_back(change, token=None, **who):
    return revert_change(ways_back(change), token=token or token_over(), **WHO | who)


def bodies(clubmed):
    return [body for _, body in sent(clubmed, "PATCH")]


def test_an_old_value_is_sent_and_recorded_as_a_change_that_reverts(clubmed):
    first = changed(email=("tom@example.com", "new@example.com"))

    saved = put_back(first)

    assert bodies(clubmed)[-1] == {"email": "tom@example.com"}
    entry = Entry.objects.get(change_id=saved.change_id)
    assert (entry.flags, entry.reverts, entry.reason) == ("reverts", first.pk.hex, "Wrong person")
    assert [near.first.change_id for near in around(first).put_back_by] == [saved.change_id]
    [second] = with_entries(Change.objects.filter(pk=saved.change_id))
    assert second.reverted == first
    assert around(second).puts_back.first.change_id == first.pk
    assert log.verify()[0] == 0


def test_of_two_supervisors_at_once_one_puts_it_back_and_the_other_is_told(clubmed):
    first = changed(email=("tom@example.com", "new@example.com"))
    clubmed.faults.add(Fault("latency", method="PATCH", seconds=0.3, times=None))

    results = at_once(*[lambda: put_back(first), lambda: put_back(first)])

    kinds = sorted(type(result).__name__ for result in results)
    assert kinds in (["InUse", "Saved"], ["Conflict", "Saved"])
    assert len(bodies(clubmed)) == 2
    assert Entry.objects.filter(flags="reverts").count() == 1


def test_one_form_sent_twice_is_one_change(clubmed):
    first, token = changed(email=("tom@example.com", "new@example.com")), token_over()

    assert [type(put_back(first, token)) for _ in range(2)] == [Saved, Saved]

    assert len(bodies(clubmed)) == 2


def test_what_moved_is_refused_unless_the_person_saw_it(clubmed):
    first = changed(email=("tom@example.com", "new@example.com"))
    clubmed.customers[TOM]["email"] = "third@example.com"

    with pytest.raises(Conflict) as told:
        put_back(first)
    [way] = [way.over(told.value.profile) for way in ways_back(first)]
    assert (way.moved, way.now) == (True, "third@example.com")
    with pytest.raises(Conflict):
        put_back(first, token_over(email="another@example.com"))
    put_back(first, token_over(email="third@example.com"))

    assert bodies(clubmed)[-1] == {"email": "tom@example.com"}


def test_how_club_med_writes_a_value_does_not_count_as_moved(clubmed):
    first = changed(
        phones=(clubmed.customers[TOM]["phones"], [{"number": "0611223344", "type": "HOME"}])
    )
    stored = [{"number": "+33611223344", "type": "HOME", "verified": False}]
    clubmed.customers[TOM]["phones"] = stored

    put_back(first)

    assert bodies(clubmed)[-1] == {"phones": [{"number": "0623456789", "type": "MOBILE"}]}


def test_a_line_without_an_answer_keeps_what_it_reverts_until_it_is_settled(clubmed):
    first = changed(email=("tom@example.com", "new@example.com"))
    clubmed.faults.add(Fault("drop_before", method="PATCH"))
    with pytest.raises(Unknown):
        put_back(first)
    with pytest.raises(InUse):
        put_back(first)
    clubmed.customers[TOM]["email"] = "third@example.com"
    assert JournalLine.objects.get().reverts == first.pk.hex

    let_the_grace_pass()
    reconcile()
    settle_change(
        Change.objects.first().pk,
        landed=True,
        reason="Asked by phone",
        actor=actor(OTHER_AGENT),
        request_id="r3",
    )

    made = Entry.objects.filter(reverts=first.pk.hex)
    assert {(entry.outcome, entry.flags) for entry in made} == {
        ("unclear", "reverts"),
        ("applied", "reverts"),
    }


def test_what_club_med_refuses_now_is_recorded_as_refused(clubmed):
    first = changed(email=("tom@example.com", "new@example.com"))
    clubmed.faults.add(Fault("status", method="PATCH", status=400))

    with pytest.raises(Refused):
        put_back(first)

    assert (Entry.objects.first().outcome, Entry.objects.first().flags) == ("refused", "reverts")


@pytest.mark.once
@pytest.mark.parametrize(
    ("field", "old", "new", "can"),
    [
        ("email", None, "new@example.com", True),
        ("birth_city", "", "Lyon", True),
        ("first_name", None, "Tom", False),
        ("personal_data_usage_allowed", None, True, False),
        ("personal_data_usage_allowed", False, True, True),
        ("optins", [], [{"channel": "SMS", "optin": True}], False),
        ("phones", [], [{"number": "0611223344", "type": "HOME"}], True),
        ("phones", [{"number": 5}], [{"number": "0611223344", "type": "HOME"}], False),
        ("phones", "odd", "new", False),
        ("address", {"city": "Lyon"}, {"city": "Lyon", "street": "Rue A"}, True),
        ("email", Missing.ERASED, Missing.ERASED, False),
        ("email", Missing.UNREADABLE, Missing.UNREADABLE, False),
        ("loyalty_points", 5, 6, False),
        ("a_field_that_left", "old", "new", False),
    ],
)
def test_what_can_be_put_back(field, old, new, can):
    entry = Entry(field=field, action="change", outcome="applied")
    entry.contents = {"old": old, "new": new}

    assert (obstacle_of(entry) == "") == can
    for action, outcome in (("create", "applied"), ("change", "refused"), ("change", "unclear")):
        entry.action, entry.outcome = action, outcome
        assert obstacle_of(entry) != ""


@pytest.mark.once
def test_every_field_that_can_be_edited_and_cleared_can_go_back_to_empty():
    for field in FIELDS.values():
        if field.patch and field.clearable and field.name != "optins":
            new = field.kind.compose(None, field.restored(None))
            assert field.same(None, new), field.name


def test_only_a_change_of_ones_own_that_is_no_undo_may_be_undone(clubmed):
    first = changed(email=("tom@example.com", "new@example.com"))
    put_back(first, actor=actor(AGENT))
    undone = Entry.objects.first()

    assert may_be_undone(first.entries, actor(AGENT))
    assert not may_be_undone(first.entries, actor(OTHER_AGENT))
    assert not may_be_undone([undone], actor(AGENT))
    assert not may_be_undone([], actor(AGENT))


def test_the_later_change_is_found_by_an_index(clubmed):
    first = changed(email=("tom@example.com", "new@example.com"))
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")  # the table is small here

        assert "entry_reverts" in reverts.of(first.pk).explain()
