"""`access_report`: everything that is recorded about a customer, or about a member of staff."""

import io
import json
import os
import re
import stat
from unittest.mock import Mock
from uuid import UUID

import pytest
from bs4 import BeautifulSoup
from django.core.management import CommandError, call_command
from django.db import DatabaseError, transaction
from django.db.models import Q

from crmadmin.sandbox import Fault
from customers.audit import access_events, entries
from customers.audit.actions import Evidence, Outcome
from customers.audit.entries import FieldOutcome
from customers.audit.models import Access, AccessEvent, Change, Entry, Purpose
from customers.services import report
from customers.services.reconcile import reconcile
from tests.acts import (
    NEW,
    YES,
    change,
    create,
    decide,
    forget,
    let_the_grace_pass,
    lose_the_answer,
    out_of_reach,
)
from tests.conftest import AGENT, SUPERVISOR, TOM, text
from tests.people import actor

pytestmark = pytest.mark.django_db
HERE = "https://login.example.com"
BY = {
    "actor_issuer": HERE,
    "actor_sub": "staff-1001",
    "actor_name": "Inès Moreau",
    "actor_roles": "agent",
}


def made(*arguments):
    """What the command writes, and what it says beside it."""
    told = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdout", said := io.StringIO())
        call_command("access_report", *arguments, stderr=told)
    return said.getvalue(), told.getvalue()


def of(*arguments):
    return json.loads(made(*arguments)[0])


def page(*arguments):
    return BeautifulSoup(made(*arguments, "--format", "html")[0], "html.parser")


def steps(told):
    return [step for one in told["changes"] for step in one["steps"]]


def codes(told, *names):
    return [tuple(step[name]["code"] for name in names) for step in steps(told)]


def recorded(*findings, act=BY, action="change", customer_id=TOM, change_id=None, **more):
    with transaction.atomic():
        act = {"action": action, "customer_id": customer_id, "locale": "en-US"} | act | more
        return entries.append(change_id or UUID(int=Entry.objects.count() + 1), act, findings)


def looked(kind, person=AGENT, customer_id="", **more):
    access_events.record(
        kind, actor=actor(person), request_id="0123456789ab", customer_id=customer_id, **more
    )


def email(old="a@example.com", new="b@example.com", outcome=Outcome.APPLIED, *how):
    return FieldOutcome("email", old, new, outcome, *how)


def change_and_have_decided(agent, supervisor, clubmed):
    """A change that is applied, and one of which a supervisor had to record the outcome."""
    change(agent, "first@example.com")
    lose_the_answer(agent, clubmed, "drop_before", "second@example.com")
    clubmed.customers[TOM]["email"] = "third@example.com"
    let_the_grace_pass()
    agent.get(f"/customers/{TOM}/")
    decide(supervisor, f"/audit/changes/{Change.objects.first().pk}/", YES)


def test_every_change_of_a_customer_stands_with_all_its_steps(agent, supervisor, clubmed):
    change_and_have_decided(agent, supervisor, clubmed)

    first, second = of("--customer", TOM)["changes"]

    assert [step["new"]["value"] for step in first["steps"]] == ["first@example.com"]
    unclear, settled = second["steps"]
    assert unclear["who"]["name"] == "Inès Moreau"
    assert unclear["outcome"] == {"code": "unclear", "words": "Unclear"}
    assert unclear["found"]["value"] == "third@example.com"
    assert settled["who"] == {
        "name": "Sana El Idrissi",
        "roles": "supervisor",
        "role_words": "supervisor",
        "issuer": actor(SUPERVISOR).issuer,
        "sub": "staff-1003",
    }
    assert settled["evidence"] == {"code": "person", "words": "Decided by a person"}
    assert settled["reason"] == YES["reason"]
    assert settled["old"]["value"] == "first@example.com"
    assert settled["customer_label"] == "Tom Smith"


@pytest.mark.once
def test_a_step_says_what_club_med_said_and_how_it_was_stored():
    recorded(email(None, "x", Outcome.REFUSED, Evidence.ANSWER, None, "email INVALID"))
    renamed = ("last_name", "Smith", "Smyth")
    recorded(
        FieldOutcome(*renamed, Outcome.APPLIED),
        FieldOutcome(*renamed, Outcome.STORED_AS, Evidence.READ, "SMYTH"),
    )
    recorded(
        email("b", "c", Outcome.APPLIED, Evidence.READ, "c"),
        action="elsewhere",
        act={"actor_name": "Outside this desk"},
    )

    told = of("--customer", TOM)
    said = text(page("--customer", TOM).select_one("[aria-labelledby=changes]"))

    assert codes(told, "action", "outcome") == [
        ("change", "refused"),
        ("change", "applied"),
        ("change", "stored_as"),
        ("elsewhere", "applied"),
    ]
    assert steps(told)[0]["detail"] == "email INVALID"
    assert steps(told)[2]["found"] == {"state": "value", "value": "SMYTH", "words": "SMYTH"}
    assert "Refused Answered by Club Med: email INVALID" in said
    assert "Smith → Smyth Stored as Seen in the profile: SMYTH" in said
    assert "Changed elsewhere" in said
    assert "Outside this desk" in said


def test_steps_and_access_events_of_a_create_before_its_number_was_known_are_theirs(
    agent, supervisor, clubmed
):
    clubmed.searchable = False
    clubmed.faults.add(Fault("drop_after", method="POST"))
    create(agent, **NEW)
    let_the_grace_pass()
    reconcile()
    number = next(n for n, c in clubmed.customers.items() if c.get("email") == NEW["email"])
    change_id = Change.objects.get().pk
    supervisor.page(f"/audit/changes/{change_id}/")
    agent.page("/saves/")
    looked(Access.REVEAL, SUPERVISOR, field="identity", change_id=change_id, purpose=Purpose.REVIEW)
    decide(supervisor, f"/audit/changes/{change_id}/", YES | {"customer_id": number})

    told = of("--customer", number)

    assert {step["customer_id"] for step in steps(told)} == {"", number}
    assert len(steps(told)) == Entry.objects.count()
    assert len(told["changes"]) == 1
    of_the_create = [event for event in told["access_events"] if not event["customer_id"]]
    assert [event["kind"]["code"] for event in of_the_create] == ["audit", "view", "reveal"]
    assert {event["change_id"] for event in of_the_create} == {str(change_id)}


def test_what_was_recorded_of_a_create_for_another_customer_by_mistake_is_not_theirs():
    recorded(email(None, "lea@example.com", Outcome.UNCLEAR), action="create", customer_id="")
    for number in ("555000555", "777000777"):
        recorded(
            email(None, f"of-{number}@example.com"),
            action="create", customer_id=number, change_id=UUID(int=1),
        )  # fmt: skip

    told = of("--customer", "555000555")

    assert [step["customer_id"] for step in steps(told)] == ["", "555000555"]
    assert "777000777" not in json.dumps(told["changes"])


@pytest.mark.once
def test_whom_a_customer_was_taken_for_is_told_without_their_numbers():
    numbers = ["234567891", "345678912"]
    how = {"reason": "Her son", "flags": "despite_duplicates", "related": numbers}
    recorded(email(None, "a@example.com"), action="create", act=BY | how)

    report = of("--customer", TOM)

    [step] = steps(report)
    assert (step["reason"], step["related"]) == ("Her son", len(numbers))
    assert [flag["code"] for flag in step["flags"]] == ["despite_duplicates"]
    assert numbers[0] not in json.dumps(report)


def test_a_change_on_its_way_stands_apart(agent, clubmed):
    lose_the_answer(agent, clubmed, "drop_after")

    told = of("--customer", TOM)

    [line] = told["waiting"]
    assert line["who"]["sub"] == AGENT[0]
    [field] = line["fields"]
    assert field["field"] == {"code": "email", "words": "E-mail"}
    assert (field["old"]["value"], field["new"]["value"]) == ("tom@example.com", "new@example.com")
    assert told["changes"] == []
    assert told["known"] is True
    html = page("--customer", TOM)
    assert "0 changes, 1 more without an answer yet, " in text(html.header)
    waiting = html.select_one("[aria-labelledby=waiting]")
    assert [text(waiting.select_one(tag)) for tag in ("del", "ins")] == [
        "tom @ example.com",
        "new @ example.com",
    ]
    assert "Not known yet" in text(waiting)


def test_every_access_to_a_customer_stands_with_who_when_and_what_for():
    recorded(email(), change_id=UUID(int=7))
    looked(Access.VIEW, customer_id=TOM)
    looked(Access.REVEAL, SUPERVISOR, TOM, field="identity", purpose=Purpose.DUTY)
    looked(
        Access.REVEAL, SUPERVISOR, TOM, field="identity", change_id=UUID(int=7), purpose="review"
    )
    looked(Access.VIEW, customer_id="555000555")
    looked(Access.SIGN_IN)

    told, html = of("--customer", TOM), page("--customer", TOM)

    view, reveal, of_change, this = told["access_events"]
    assert view["kind"] == {"code": "view", "words": "Profile viewed"}
    assert view["who"]["sub"] == AGENT[0]
    assert reveal["field"] == {"code": "identity", "words": "National number"}
    assert reveal["purpose"] == {"code": "duty", "words": "A legal or tax duty"}
    recorded_at = AccessEvent.objects.get(pk=reveal["id"]).recorded_at
    assert reveal["at"] == f"{recorded_at:%Y-%m-%dT%T.%fZ}"
    assert of_change["change_id"] == str(UUID(int=7))
    assert (this["kind"]["code"], this["who"]["name"]) == ("report", "Command line")
    said = text(html)
    assert "Sensitive value revealed: National number. Purpose: A legal or tax duty" in said
    assert f"National number of change {UUID(int=7)}" in said
    assert f"change {UUID(int=7)}" in text(html.select_one(".change h3"))


@pytest.mark.once
def test_sensitive_values_are_hidden_and_the_report_says_how_to_see_them():
    secret = {"type": "CPF", "number": "12345678909"}
    recorded(FieldOutcome("identity", None, secret, Outcome.UNCLEAR, Evidence.READ, secret))

    told = made("--customer", TOM)[0]
    html = page("--customer", TOM)

    [step] = steps(json.loads(told))
    assert step["old"] == {"state": "empty", "value": None}
    assert step["new"] == step["found"] == {"state": "hidden"}
    assert "12345678909" not in told + str(html)
    assert "empty → hidden" in text(html)
    assert "People who may reveal them can show them" in text(html)


def test_of_a_forgotten_customer_it_says_that_and_what_is_left(agent, clubmed):
    change(agent, "first@example.com")
    forget()

    told = of("--customer", TOM)
    html = page("--customer", TOM)

    changed, forgotten = steps(told)
    assert changed["old"] == changed["new"] == {"state": "erased"}
    assert changed["customer_label"] == {"state": "erased"}
    assert forgotten["field"] is forgotten["evidence"] is None
    assert (forgotten["action"]["words"], forgotten["erased_up_to"]) == ("Customer forgotten", 1)
    assert forgotten["reason"] == "Letter of 12 March"
    assert forgotten["old"] is forgotten["new"] is None
    assert "erased → erased" in text(html)
    assert "The customer’s values up to entry 1 are erased." in text(html)
    assert "Customer:" not in text(html.main)


@pytest.mark.once
def test_about_nobody_it_says_that_nothing_is_recorded():
    for _ in range(2):  # that the first was made is recorded, and is nothing about the person
        told, words = made("--customer", "5")

        assert words == "Nothing is recorded about customer 5.\n"
        said = json.loads(told)
        assert (said["known"], said["changes"], said["waiting"]) == (False, [], [])
    html = page("--customer", "5")
    assert "Nothing is recorded about a customer with this number" in text(html)
    assert "0 changes, 3 access events" in text(html.header)
    assert "No change is recorded." in text(html)


def test_a_member_of_staff_is_told_what_they_changed_and_settled_and_no_value(
    agent, supervisor, clubmed
):
    change_and_have_decided(agent, supervisor, clubmed)
    lose_the_answer(agent, clubmed, "drop_after", "Lyon", f"/customers/{TOM}/fields/birth_city/")

    for person, seen in ((AGENT, [True, True, False]), (SUPERVISOR, [False, True])):
        told = of("--staff", person[0])
        html = page("--staff", person[0])

        assert [step["who"] is not None for step in steps(told)] == seen
        assert {step["customer_id"] for step in steps(told)} == {TOM}
        assert {step["field"]["code"] for step in steps(told)} == {"email"}
        assert len(told["waiting"]) == (person is AGENT)
        for value in ("example.com", "Tom", "Smith", "Lyon", YES["reason"]):
            assert value not in json.dumps(told["changes"] + told["waiting"])
            assert value not in text(html.main)
        assert "they are data of customers" in text(html)
        assert "Somebody else" in text(html)
        assert ("Sana El Idrissi" in text(html)) == (person is SUPERVISOR)


def test_a_member_of_staff_is_told_what_they_saw_their_sign_ins_and_refusals(settings):
    settings.OIDC_ISSUER = HERE
    looked(Access.SIGN_IN)
    looked(Access.REFUSED)
    looked(Access.VIEW, customer_id=TOM)
    looked(Access.VIEW, SUPERVISOR, TOM)

    told = of("--staff", "staff-1001")

    kinds = [event["kind"]["code"] for event in told["access_events"]]
    assert kinds == ["sign_in", "refused", "view", "report"]
    assert told["access_events"][0]["who"]["roles"] == "agent"
    assert told["about"] == {"issuer": HERE, "sub": "staff-1001", "names": ["Inès Moreau"]}
    assert "Signed in" in text(page("--staff", "staff-1001"))


def test_an_identifier_of_two_sign_ins_needs_its_issuer():
    recorded(email())
    recorded(email(), actor_issuer="https://other.example.com", actor_name="Somebody")

    with pytest.raises(CommandError, match=f"one of {HERE}, https://other.example.com"):
        made("--staff", "staff-1001")

    assert not AccessEvent.objects.exists()
    with pytest.raises(CommandError, match="Whose staff-1001"):
        made("--staff", "staff-1001", "--issuer", "https://nowhere.example.com")
    told = of("--staff", "staff-1001", "--issuer", "https://other.example.com")
    assert [step["seq"] for step in steps(told)] == [2]
    assert told["about"]["names"] == ["Somebody"]


@pytest.mark.once
@pytest.mark.parametrize(("sub", "field"), [("s" * 64, "s" * 64), ("s" * 65, "")])
def test_about_an_unknown_member_of_staff_it_says_so_and_names_them_where_the_identifier_fits(
    sub, field
):
    told, words = made("--staff", sub)

    assert words == f"Nothing is recorded about a member of staff known as {sub}.\n"
    assert json.loads(told)["known"] is False
    event = AccessEvent.objects.get()
    assert (event.kind, event.field, event.customer_id) == ("report", field, "")


def test_every_entry_and_access_event_appears_exactly_once_and_nobody_elses(
    agent, supervisor, clubmed
):
    create(agent, **NEW)
    number = Change.objects.get().customer_id
    change(agent, "first@example.com")
    agent.get(f"/customers/{number}/")
    supervisor.get(f"/customers/{TOM}/")
    forget()
    change(agent, "second@example.com")

    for customer_id, other, value in ((number, TOM, "second@"), (TOM, number, NEW["email"])):
        told = of("--customer", customer_id)
        assert other not in json.dumps(told)
        assert value not in json.dumps(told)
        entries = Entry.objects.filter(customer_id=customer_id)
        events = AccessEvent.objects.filter(customer_id=customer_id)
        assert sorted(step["seq"] for step in steps(told)) == numbers(entries)
        assert [event["id"] for event in told["access_events"]] == numbers(events)
    told = of("--staff", AGENT[0])
    entries = Entry.objects.filter(actor_sub=AGENT[0])
    events = AccessEvent.objects.filter(Q(actor_sub=AGENT[0]) | Q(field=AGENT[0]))
    assert sorted(step["seq"] for step in steps(told)) == numbers(entries)
    assert [event["id"] for event in told["access_events"]] == numbers(events)
    parts = ("waiting", "changes", "access_events")
    assert told["counts"] == {part: len(told[part]) for part in parts}


def numbers(rows):
    return list(rows.order_by("pk").values_list("pk", flat=True))


def test_steps_of_a_change_stand_together_and_what_comes_later_is_left_to_the_next_report():
    for change_id in (1, 2, 1, 3, 2):
        recorded(email(), change_id=UUID(int=change_id))
    told = report.of_customer(TOM)
    recorded(email())
    looked(Access.VIEW, customer_id=TOM)

    said = json.loads("".join(report.as_json(told)))

    together = [[step["seq"] for step in one["steps"]] for one in said["changes"]]
    assert together == [[1, 3], [2, 5], [4]]
    assert said["access_events"] == []


HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=https://evil.example.com/x onerror=alert(1)>',
    "<!-- changes -->",
    "{{ about }}",
    "\u202egnp.exe \u2066 مرحبا שלום",
    "😀 北京 नमस्ते",
    "a\x00b\x1b[31m",
    "\x85\x9f",
    "\ud800 alone",
    "</style></title><h1>",
]


@pytest.mark.once
@pytest.mark.parametrize("value", HOSTILE, ids=ascii)
def test_a_hostile_value_is_shown_and_does_nothing(value):
    by = {"actor_name": value.replace("\0", "").replace("\ud800", "")}
    finding = email(value, [value], Outcome.REFUSED, Evidence.READ, value)
    if value.isprintable():
        by["actor_sub"] = value
    recorded(finding, reason=value, customer_label=value, **by)

    step = steps(of("--customer", TOM))[0]
    html = made("--customer", TOM, "--format", "html")[0]
    seen = BeautifulSoup(html, "html.parser")

    assert (step["old"]["value"], step["new"]["value"]) == (value, [value])
    assert step["reason"] == value
    assert html.isascii()
    policy = seen.select_one("meta[http-equiv=Content-Security-Policy]")["content"]
    assert policy == "default-src 'none'; style-src 'unsafe-inline'"
    assert not seen.select("script, img, link, iframe, [src], [href], [style], [onerror]")
    assert not re.search(r"url\(|@import", seen.style.text)
    assert len(seen.select("h1")) == len(seen.select("title")) == 1
    assert len(seen.select("li.change")) == 1
    shown = seen.select_one("del bdi").text
    if value.isprintable():
        assert shown == value
    else:  # what does not show is spelled out
        assert "⟨U+" in shown
        assert shown.isprintable()


@pytest.mark.parametrize("person", [("--customer", TOM), ("--staff", "staff-1001")])
def test_a_report_that_cannot_be_recorded_is_not_written(tmp_path, monkeypatch, person):
    monkeypatch.setattr(access_events, "record", Mock(side_effect=DatabaseError))

    with pytest.raises(CommandError, match="cannot be recorded, so nothing was written"):
        made(*person, "--output", str(tmp_path / "report"))

    assert not (tmp_path / "report").exists()


@pytest.mark.parametrize("form", ["json", "html"])
def test_a_database_that_fails_meanwhile_leaves_no_part_of_a_report(tmp_path, form):
    recorded(email())
    path = tmp_path / "report"

    with (
        out_of_reach("customers_vaultitem"),
        pytest.raises(CommandError, match="The log cannot be read as it is: run audit_verify"),
        transaction.atomic(),
    ):
        made("--customer", TOM, "--format", form, "--output", str(path))

    assert not path.exists()


@pytest.mark.once
@pytest.mark.parametrize("form", ["json", "html"])
def test_the_file_is_new_and_its_owners_alone(tmp_path, form):
    path = tmp_path / "report"
    recorded(email())
    before = os.umask(0)
    try:
        out, _ = made("--customer", TOM, "--format", form, "--output", str(path))
    finally:
        os.umask(before)

    assert out == f"Written: {path}\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    written = path.read_text()
    assert "example.com" in written
    for name, why in (("nowhere/report", "No such file or directory"), ("report", "File exists")):
        with pytest.raises(CommandError, match=f"{name} cannot be written: {why}$"):
            made("--customer", TOM, "--output", str(tmp_path / name))
    assert path.read_text() == written


@pytest.mark.once
@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--customer", "0"], "digits only"),
        (["--customer", ""], "digits only"),
        (["--customer", TOM, "--issuer", HERE], "--issuer goes with --staff"),
        (["--staff", ""], "Nobody has such an identifier"),
        (["--staff", "a\udc80"], "Nobody has such an identifier"),
    ],
)
def test_what_cannot_be_meant_is_told(arguments, word):
    with pytest.raises(CommandError, match=word):
        made(*arguments)

    assert not AccessEvent.objects.exists()
