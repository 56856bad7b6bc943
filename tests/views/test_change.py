"""The page of one change: what happened, how it was settled, what is around it, and its proof."""

import json

import pytest
from django.db import connection
from django.utils import timezone

from customers.audit import chain, proof
from customers.audit.actions import Outcome
from customers.audit.entries import FieldOutcome
from customers.audit.models import AccessEvent, Change, Entry, VaultItem
from tests import log
from tests.acts import (
    change,
    create,
    forget,
    let_the_grace_pass,
    lose_the_answer,
    out_of_reach,
    save,
)
from tests.conftest import TOM, text

pytestmark = pytest.mark.once


def page_of(person, change_id=None):
    change_id = change_id or Change.objects.first().pk
    return person.page(f"/audit/changes/{change_id}/")


def panel(page, name):
    return page.select_one(f"section[aria-labelledby={name}-title]")


def fact(page, name, of="facts"):
    [row] = [row for row in panel(page, of).select(".pairs > div") if text(row.dt) == name]
    return row.dd


def badge(page):
    return text(panel(page, "proof").select_one(".panel-head .badge"))


def append(*fields, customer_id=TOM, **of):
    outcomes = (FieldOutcome(name, "old", "new", Outcome.APPLIED) for name in fields)
    return log.append(*outcomes, customer_id=customer_id, **of)


def tamper(statement, *values):
    log.lift_the_triggers()
    log.sql(statement, *values)


def test_its_title_says_what_happened_to_whom_when_and_by_whom(agent, supervisor):
    save(agent, email="new@example.com", **{"phones-0-number": "+33 1 99 00 01 77"})

    page = page_of(supervisor)

    title = page.h1
    assert text(title).startswith("Phones and e-mail of Tom Smith")
    assert text(title.select_one(".badge")) == "Applied"
    assert title.a["href"] == f"/customers/{TOM}/"
    lede = text(page.select_one(".lede"))
    assert f"{timezone.now():%Y at }" in lede
    assert lede.endswith(" by Inès Moreau")
    assert "2 fields, sent together" in text(panel(page, "what"))


@pytest.mark.parametrize(
    ("fields", "title"),
    [
        (["email"], "E-mail of"),
        (["email", "phones", "birth_city"], "E-mail, phones and place of birth of"),
        (["email", "phones", "birth_city", "last_name"], "E-mail, phones and 2 more of"),
    ],
)
def test_many_fields_are_named_as_a_sentence_does(supervisor, fields, title):
    append(*fields)

    assert text(page_of(supervisor).h1).startswith(title)


def test_an_outcome_stands_in_the_title_if_all_fields_agree(supervisor):
    mixed = {"email": Outcome.APPLIED, "phones": Outcome.REFUSED}
    log.append(*(FieldOutcome(name, "old", "new", what) for name, what in mixed.items()))

    page = page_of(supervisor)

    assert page.h1.select(".badge") == []
    outcomes = panel(page, "what").select(".outcome .badge")
    assert [text(outcome) for outcome in outcomes] == ["Applied", "Refused"]


def test_old_and_new_stand_in_two_columns(agent, supervisor):
    change(agent, "new@example.com")

    cells = panel(page_of(supervisor), "what").select("tbody td.delta")

    assert [cell.get_text() for cell in cells] == ["tom@example.com", "new@example.com"]


def test_its_facts_are_words_and_lead_to_all_of_the_person_and_of_the_customer(agent, supervisor):
    change(agent, "new@example.com")

    page = page_of(supervisor)

    assert text(fact(page, "Who")).startswith("Inès Moreau, agent")
    assert text(fact(page, "Customer")).startswith(f"Tom Smith {TOM}")
    assert text(fact(page, "Reason")) == "No reason given"
    assert fact(page, "Reason").select_one(".nil")
    assert text(fact(page, "Market")) == "United States, en-US"
    change_id = str(Change.objects.get().pk)
    assert text(fact(page, "Change")) == change_id
    for name in ("Who", "Customer"):
        link = fact(page, name).select("a")[-1]["href"]
        assert change_id in str(supervisor.page(link).select_one("tbody.change"))


def test_flags_are_words_and_customers_like_the_created_one_are_links(supervisor):
    append("email")

    page = page_of(supervisor)

    assert text(fact(page, "How")) == "Address sent without Club Med’s check"
    assert fact(page, "Similar to").a["href"] == "/customers/555/"
    assert text(fact(page, "Reason")) == "said so \\ by phone"


def test_an_auditor_reads_the_same_and_is_led_to_the_history_of_a_customer(agent, auditor):
    change(agent, "new@example.com")

    page = page_of(auditor)

    assert page.h1.a["href"] == f"/customers/{TOM}/history/"
    assert badge(page) == "Verified just now"


def test_how_it_was_settled_is_told_step_by_step(agent, supervisor, clubmed):
    lose_the_answer(agent, clubmed, "drop_after")
    let_the_grace_pass()
    agent.page(f"/customers/{TOM}/")

    page = page_of(supervisor)

    steps = panel(page, "how").select("li")
    assert [text(step.span) for step in steps] == [
        "E-mail: applied . No answer, but the profile holds it."
    ]
    assert steps[0].time["datetime"].endswith("+00:00")


def test_fields_that_were_settled_at_once_are_one_step(supervisor):
    append("email", "phones")

    [step] = panel(page_of(supervisor), "how").select("li")

    assert text(step.span) == "E-mail and phones: applied . Answered by Club Med."


def test_a_change_that_waits_says_so_and_has_no_proof_yet(agent, supervisor, clubmed):
    change(agent, "one@example.com")
    lose_the_answer(agent, clubmed, "drop_before")
    waiting = supervisor.page("/audit/").select_one("tbody.change .when a")["href"]

    page = supervisor.page(waiting)

    assert text(page.h1) == "E-mail of Tom Smith Waiting"
    assert "sent, not answered yet" in text(panel(page, "what"))
    assert "Written to the journal, then sent. No answer is recorded yet." in text(page)
    assert panel(page, "proof") is None
    earlier = page.select_one(".page-head a[rel=prev]")["href"]
    assert supervisor.page(earlier).select_one(".diff-new").get_text() == "one@example.com"
    assert supervisor.get(f"{waiting}proof.ndjson").status_code == 404


def test_what_was_changed_elsewhere_says_when_it_was_noticed_and_by_nobody(
    agent, supervisor, clubmed
):
    change(agent, "new@example.com")
    agent.get(f"/customers/{TOM}/")
    clubmed.customers[TOM]["email"] = "elsewhere@example.com"
    agent.get(f"/customers/{TOM}/")

    page = page_of(supervisor)

    assert text(page.h1) == "E-mail of Tom Smith Changed elsewhere"
    assert text(page.select_one(".lede")).startswith("Noticed on ")
    assert "All changes by this person" not in text(page)
    assert badge(page) == "Verified just now"


def test_its_request_leads_to_all_that_was_changed_by_it(agent, supervisor):
    change(agent, "one@example.com")
    change(agent, "two@example.com")

    link = panel(page_of(supervisor), "facts").find("a", string="All changes of this request")
    page = supervisor.page(link["href"])

    assert [cell.get_text() for cell in page.select(".diff-new")] == ["two@example.com"]
    assert text(page.select_one(".chip bdi")).startswith("Request: ")


def test_a_created_customer_is_named_as_new(agent, supervisor):
    create(agent, civility="MR", first_name="Ada", last_name="Vance")

    page = page_of(supervisor)

    assert text(page.h1) == "New customer Ada Vance Applied"
    rows = page.select("tbody.change tr")
    old_and_new = [[text(cell) for cell in row.select("td.delta")] for row in rows]
    assert old_and_new == [["", "Mr"], ["", "Ada"], ["", "Vance"]]
    assert text(fact(page, "Entries", "proof")) == "1 to 3"


def test_what_was_done_to_the_log_is_proven_too(agent, supervisor):
    change(agent, "new@example.com")
    forget()

    page = page_of(supervisor)

    assert text(page.h1) == f"Customer forgotten: {TOM}"
    assert "What was done to the log" in text(panel(page, "what"))
    assert badge(page) == "Verified just now"


def test_an_erased_value_reads_erased_and_the_proof_holds(agent, supervisor):
    change(agent, "new@example.com")
    number = Change.objects.get().pk
    forget()

    page = page_of(supervisor, number)

    assert text(page.h1).startswith(f"E-mail of Customer {TOM}")
    assert [text(cell) for cell in panel(page, "what").select("td.delta")] == ["erased"] * 2
    assert badge(page) == "Verified just now"


def test_a_long_change_of_many_fields_is_shown_whole(agent, supervisor):
    names = ["email", "phones", "first_name", "last_name", "birth_city", "birthdate", "language"]
    append(*names)

    page = page_of(supervisor)

    assert len(panel(page, "what").select("tbody.change")) == len(names)
    assert text(fact(page, "Entries", "proof")) == "1 to 7"
    assert badge(page) == "Verified just now"


# What stands around it


def test_the_changes_before_and_after_are_one_click_away(agent, supervisor):
    for value in ("one@example.com", "two@example.com", "three@example.com"):
        change(agent, value)
    later, this, earlier = Change.objects.values_list("pk", flat=True)

    page = page_of(supervisor, this)

    links = [str(link["href"]) for link in page.select(".page-head .actions a")]
    assert links == [f"/audit/changes/{earlier}/", f"/audit/changes/{later}/"]
    assert [text(link) for link in page.select(".page-head .actions a")] == [
        "Earlier change",
        "Later change",
    ]
    near = panel(page, "near")
    assert [text(row.select_one(".trail-what")) for row in near.select("li")] == [
        "E-mail",
        "This change",
        "E-mail",
    ]
    assert [link["href"] for link in near.select("a")] == links[::-1]


def test_each_field_leads_to_the_change_of_it_before_and_after(agent, supervisor):
    change(agent, "one@example.com")
    change(agent, "Lyon", "birth_city")
    [this] = {one.change_id for one in append("email", "birth_city")}
    change(agent, "Nice", "birth_city")
    later, _, city, email = Change.objects.values_list("pk", flat=True)

    page = page_of(supervisor, this)

    rows = panel(page, "what").select("tbody .field-name")
    assert [[link["href"] for link in row.select("a")] for row in rows] == [
        [f"/audit/changes/{email}/"],
        [f"/audit/changes/{city}/", f"/audit/changes/{later}/"],
    ]


def test_the_only_change_of_a_customer_has_nothing_around_it(agent, supervisor):
    append("email", customer_id="555")
    change(agent, "new@example.com")

    page = page_of(supervisor)

    assert page.select(".page-head .actions a") == []
    assert len(panel(page, "near").select("li")) == 1


# Proof


def test_the_proof_names_entries_digests_and_the_signature(agent, supervisor):
    append("email")
    entries = append("email", "phones")
    append("email")

    page = page_of(supervisor, entries[0].change_id)

    assert badge(page) == "Verified just now"
    assert text(fact(page, "Entries", "proof")) == "2 and 3"
    assert text(fact(page, "Digest", "proof")) == Entry.objects.get(seq=3).digest.hex()
    assert text(fact(page, "Before it", "proof")) == Entry.objects.get(seq=1).digest.hex()
    signed = text(fact(page, "Signed", "proof"))
    assert signed.startswith("at entry 4, ")
    assert signed.endswith(f"key {chain.signing.current_key()}")


NOT_AS_RECORDED = {
    "content": "UPDATE customers_entry SET actor_name = 'Nobody' WHERE seq = 2",
    "digest": "UPDATE customers_entry SET digest = content_digest WHERE seq = 2",
    "before": "UPDATE customers_entry SET digest = content_digest WHERE seq = 1",
    "after": "UPDATE customers_entry SET content_digest = digest WHERE seq = 3",
    "before is gone": "DELETE FROM customers_entry WHERE seq = 1",
    "after is gone": "DELETE FROM customers_entry WHERE seq = 3",
    "end is gone": "DELETE FROM customers_entry WHERE seq = 4",
    "head": "UPDATE customers_head SET digest = signature",
    "signature": "UPDATE customers_head SET signature = digest",
    "cut": "UPDATE customers_head SET seq = 1",
    "no head": "DELETE FROM customers_head",
    "values": "UPDATE customers_vaultitem SET encrypted = (SELECT encrypted"
    " FROM customers_vaultitem WHERE seq = 1) WHERE seq = 2",
    "values are gone": "DELETE FROM customers_vaultitem WHERE seq = 2",
}


@pytest.mark.parametrize("statement", NOT_AS_RECORDED.values(), ids=NOT_AS_RECORDED)
def test_what_was_altered_is_not_as_recorded(supervisor, statement):
    for _ in range(4):
        append("email")
    this = Entry.objects.get(seq=2).change_id
    assert badge(page_of(supervisor, this)) == "Verified just now"
    tamper(statement)

    page = page_of(supervisor, this)

    assert badge(page) == "Not as recorded"
    notice = panel(page, "proof").select_one("[role=alert]")
    assert "was altered" in text(notice)
    assert notice.a["href"] == "/audit/integrity/"
    assert "entry " in text(notice.ul) or "head" in text(notice.ul)


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL stores no such time")
@pytest.mark.parametrize("table", ["entry", "head", "change"])
def test_a_time_that_is_none_is_not_as_recorded_either(supervisor, table):
    [entry] = append("email")
    tamper(f"UPDATE customers_{table} SET recorded_at = 'oops'")

    page = page_of(supervisor, entry.change_id)

    assert badge(page) == ("Verified just now" if table == "change" else "Not as recorded")


def test_far_from_anything_signed_it_is_tied_to_its_neighbours(supervisor, monkeypatch):
    monkeypatch.setattr(proof, "MOST", 2)
    [entry] = append("email")
    for _ in range(3):
        append("email")

    page = page_of(supervisor, entry.change_id)

    assert badge(page) == "Tied to its neighbours"
    proven = panel(page, "proof")
    assert "The newest seal is further away" in text(proven)
    assert proven.select_one(".panel-body a")["href"] == "/audit/integrity/"
    assert proven.select_one(".panel-foot a")["href"] == f"/audit/export/?customer={TOM}"
    answer = supervisor.get(f"/audit/changes/{entry.change_id}/proof.ndjson", follow=True)
    assert "Export the log instead" in answer.content.decode()

    tamper("UPDATE customers_entry SET content_digest = digest WHERE seq = 2")
    assert badge(page_of(supervisor, entry.change_id)) == "Not as recorded"


def test_an_old_change_is_proven_by_the_nearest_stored_seal(supervisor, monkeypatch):
    monkeypatch.setattr(proof, "MOST", 4)
    monkeypatch.setattr(chain, "SEALED_EVERY", 3)
    [entry] = append("email")
    for _ in range(8):
        append("email")

    page = page_of(supervisor, entry.change_id)

    assert badge(page) == "Verified just now"
    assert text(fact(page, "Signed", "proof")).startswith("at entry 3, ")

    tamper("UPDATE customers_storedseal SET signature = digest")  # proves nothing, and alters none
    assert badge(page_of(supervisor, entry.change_id)) == "Tied to its neighbours"


def test_the_oldest_change_that_is_left_follows_the_anchor(supervisor):
    for _ in range(3):
        append("email")
    this = Entry.objects.get(seq=3).change_id
    before = Entry.objects.get(seq=2).digest.hex()
    log.leave_behind_an_anchor(2)

    page = page_of(supervisor, this)

    assert badge(page) == "Verified just now"
    assert text(fact(page, "Before it", "proof")) == before


def test_a_key_that_is_not_given_says_nothing_against_the_entry(supervisor):
    [entry] = append("email")
    VaultItem.objects.update(key_id="00000000")

    assert badge(page_of(supervisor, entry.change_id)) == "Verified just now"


def test_the_proof_is_recorded_before_it_is_given(agent, supervisor):
    change(agent, "new@example.com")
    number = Change.objects.get().pk
    place = panel(page_of(supervisor), "proof").select_one(".panel-foot a")["href"]

    answer = supervisor.get(place)

    assert answer["Content-Disposition"] == f'attachment; filename="change_{number}.ndjson"'
    assert all(map(json.loads, answer.content.decode().splitlines()))
    event = AccessEvent.objects.get(kind="export")
    assert (event.customer_id, event.change_id, event.actor_name) == (
        TOM,
        number,
        "Sana El Idrissi",
    )
    assert "The change" in text(supervisor.page("/audit/looks/?kind=export"))


@pytest.mark.django_db(transaction=True)
def test_what_cannot_be_recorded_is_not_given(agent, supervisor):
    change(agent, "new@example.com")
    place = panel(page_of(supervisor), "proof").select_one(".panel-foot a")["href"]

    with out_of_reach("customers_accessevent"):
        answer = supervisor.get(place)

    assert answer.status_code == 503
    assert b"new@example.com" not in answer.content


def test_an_agent_gets_no_proof(agent):
    change(agent, "new@example.com")

    assert agent.get(f"/audit/changes/{Change.objects.get().pk}/proof.ndjson").status_code == 403
