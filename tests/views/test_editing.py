"""One field, edited in place."""

import json

import pytest

from crmadmin.sandbox import Fault
from customers.audit.models import Entry, JournalLine
from tests.acts import let_the_grace_pass, lose_the_answer
from tests.conftest import HTMX, TOM, hidden_inputs, sent, soup, text

pytestmark = pytest.mark.once
URL = f"/customers/{TOM}/fields/email/"
PATH = f"/v1/customers/{TOM}/profile"


def save(person, value, *, url=URL, headers=HTMX, **more):
    return person.post(url, person.form(url) | {"value": value} | more, headers=headers)


def test_saving_reads_once_sends_only_that_field_and_records_it(agent, clubmed):
    form = agent.form(URL)
    clubmed.requests.clear()

    answer = agent.post(URL, form | {"value": "new@example.com"}, headers=HTMX)

    assert answer.status_code == 200
    assert [request.method for request in clubmed.requests] == ["GET", "PATCH"]
    assert "new@example.com" in text(soup(answer))
    assert sent(clubmed, "PATCH") == [(PATH, {"email": "new@example.com"})]
    entry = Entry.objects.get()
    assert (entry.field, entry.old, entry.new) == ("email", "tom@example.com", "new@example.com")
    assert (entry.actor_name, entry.outcome, entry.customer_id) == ("Inès Moreau", "applied", TOM)
    assert (entry.actor_sub, entry.customer_label) == ("staff-1001", "Tom Smith")
    assert not JournalLine.objects.exists()


def test_without_htmx_saving_goes_back_to_the_profile(agent):
    answer = save(agent, "new@example.com", headers={})

    assert answer.status_code == 302
    assert answer["Location"] == f"/customers/{TOM}/#email"
    page = agent.page(f"/customers/{TOM}/")
    assert "E-mail: saved." in text(page.select_one("#notices"))
    assert "new@example.com" in text(page.select_one("#email"))


@pytest.mark.parametrize(
    ("where", "stands_there"),
    [("", True), ("#email", True), ("?again", True), ("fields/email/", False)],
)
def test_recent_changes_come_along_where_they_stand_on_the_page(agent, where, stands_there):
    confirm = soup(save(agent, "new@example.com")).select_one(".field")["hx-get"]
    there = {"HX-Current-URL": f"https://desk.example.com/customers/{TOM}/{where}"}

    page = agent.page(confirm, headers=HTMX | there)

    assert "new@example.com" in text(page.select_one("#email"))
    assert bool(page.select("#timeline")) == stands_there


def test_an_editor_on_a_page_of_its_own_says_whose_field_it_is(agent, clubmed):
    page = agent.page(URL)
    assert page.select_one("html form.editor input[name=value]")["value"] == "tom@example.com"
    assert text(page.h1) == "Tom Smith"
    assert text(page.select_one(".crumbs")) == "Find Tom Smith E-mail"

    clubmed.faults.add(Fault("drop_before", method="PATCH"))
    lost = soup(save(agent, "new@example.com", headers={}))
    assert "We do not know yet" in text(lost)
    assert text(lost.h1) == "Tom Smith"


def test_an_unchanged_value_is_neither_sent_nor_recorded(agent, clubmed):
    answer = save(agent, "tom@example.com")

    assert answer.status_code == 200
    assert "Club Med holds this already. Nothing was sent." in text(soup(answer))
    assert soup(answer).select_one(".field").get("hx-get") is None
    assert sent(clubmed, "PATCH") == []
    assert not Entry.objects.exists()


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("email", "", "Nothing to save. To empty this field, use “Clear…”."),
        ("email", "   ", "Nothing to save."),
        ("email", "no address", "Not a valid e-mail address"),
        ("email", f"{'x' * 300}@example.com", "At most 254 characters; this has 312."),
        ("first_name", "", "First name cannot be empty."),
        ("first_name", "x" * 21, "At most 20 characters; this has 21."),
        ("birth_city", "Orl\ufffdans", "a character that cannot be typed"),
        ("birth_city", "x" * 5000, "At most 255 characters; this has 5000."),
        ("birthdate", "31/06/1986", "31 June does not exist."),
        ("birthdate", "1/13/1986", "There is no month 13"),
        ("birthdate", "1/1/2999", "2999 cannot be a year of birth: check it."),
        ("birthdate", "long ago", "Write the day, month and year"),
        ("civility", "DUKE", "Choose one from the list."),
        ("language_code", "xx", "Choose one from the list."),
        ("birth_country_code", "ZZ", "Choose one from the list."),
        ("personal_data_usage_allowed", "perhaps", "Choose one from the list."),
    ],
)
def test_bad_input_is_told_beside_the_field_and_nothing_is_sent(
    agent, clubmed, field, value, message
):
    answer = save(agent, value, url=f"/customers/{TOM}/fields/{field}/")

    page = soup(answer)
    assert answer.status_code == 422
    assert message in text(page.select_one(f"#{field} .error"))
    shown = page.select_one("input[name=value]")
    if shown is not None and shown.get("type") != "radio":
        assert shown.get("value", "") == value
        assert shown["aria-invalid"] == "true"
    assert sent(clubmed, "PATCH") == []
    assert not JournalLine.objects.exists()
    assert not Entry.objects.exists()


@pytest.mark.other_contract
def test_what_club_med_repeats_in_place_of_a_code_is_not_recorded(agent, clubmed):
    """The codes of a refusal stand in the log for ever, and in clear."""
    codes = [
        ("last_name", "INVALID"),
        ("last_name", "INVALID_Smith2"),
        ("name of Smith2", "Smith2"),
    ]
    errors = [{"concerned_key": key, "error_code": code} for key, code in codes]
    said = json.dumps({"errors": errors})
    clubmed.faults.add(Fault("status", method="PATCH", status=400, body=said))

    save(agent, "Smith2", url=f"/customers/{TOM}/fields/last_name/")

    assert Entry.objects.get().detail == "last_name INVALID; last_name"


def test_a_field_that_another_is_saving_says_who(agent, other_agent, clubmed):
    form = agent.form(URL)
    clubmed.faults.add(Fault("drop_before", method="PATCH"))
    save(other_agent, "theirs@example.com")

    answer = agent.post(URL, form | {"value": "mine@example.com"}, headers=HTMX)

    page = soup(answer)
    assert answer.status_code == 409
    assert "Owen Whitfield is saving e-mail right now." in text(page)
    assert page.select_one("input[name=value]")["value"] == "mine@example.com"
    assert len(sent(clubmed, "PATCH")) == 1


@pytest.mark.parametrize(
    "field",
    ["gender", "loyalty_points", "blacklisted", "health_pass_id", "nonsense"],
)
def test_a_field_that_cannot_be_edited_is_not_opened(agent, clubmed, field):
    url = f"/customers/{TOM}/fields/{field}/"

    for answer in (agent.get(url), agent.post(url, {"value": "typed"})):
        assert answer.status_code == 404
        assert "This field cannot be edited here." in text(soup(answer))
    assert b"typed" in agent.post(url, {"value": "typed"}).content
    assert clubmed.requests == []


@pytest.mark.parametrize("number", ["0123", "abc", "12-3", "１２３", "1" * 65, "-5"])
def test_a_malformed_customer_number_is_told_and_nothing_is_asked(agent, clubmed, number):
    for url in (f"/customers/{number}/", f"/customers/{number}/fields/email/"):
        answer = agent.get(url)
        assert answer.status_code == 404
        assert "This is not a customer number." in text(soup(answer))
    assert clubmed.requests == []


def test_a_wrong_method_is_a_page_too(agent, clubmed):
    answer = agent.put(URL)

    assert answer.status_code == 405
    assert "GET" in answer["Allow"]
    assert "cannot be used that way" in text(soup(answer))
    assert clubmed.requests == []


def test_cancel_shows_the_value_again_without_asking_club_med(agent, clubmed):
    agent.get(f"/customers/{TOM}/")
    before = len(clubmed.requests)

    page = agent.page(f"{URL}value/", headers=HTMX)

    assert "tom@example.com" in text(page.select_one("#email"))
    assert page.select_one("form") is None
    assert len(clubmed.requests) == before


@pytest.mark.parametrize("headers", [HTMX, {}], ids=["htmx", "page"])
@pytest.mark.parametrize(
    "typed",
    [{"value": "x" * 3_000_000}, {f"field-{n}": "x" for n in range(2000)}],
    ids=["long", "many"],
)
def test_a_form_that_is_too_large_is_told_and_nothing_is_sent(agent, clubmed, typed, headers):
    answer = agent.post(URL, agent.form(URL) | typed, headers=headers)

    assert answer.status_code == 400
    assert "This form is too long, or could not be read." in text(soup(answer))
    assert sent(clubmed, "PATCH") == []


def conflict(person, clubmed, theirs="theirs@example.com", **typed):
    """The editor's answer where Club Med holds another value than was seen."""
    form = person.form(URL)
    clubmed.customers[TOM]["email"] = theirs
    return person.post(URL, form | typed, headers=HTMX)


def test_another_value_at_club_med_is_a_conflict_with_three_choices(agent, clubmed):
    save(agent, "seen@example.com")

    answer = conflict(agent, clubmed, value="mine@example.com")

    page = soup(answer)
    assert answer.status_code == 409
    told = (
        "Changed while you were typing. Club Med now holds another value. Your change was not sent."
    )
    assert told in text(page)
    assert [text(row) for row in page.select(".compare tr")] == [
        "You saw seen@example.com",
        "Now at Club Med theirs @example.com",  # where it is marked
        "You typed mine @example.com",
    ]
    ways = [text(button) for button in page.select(".actions > *")]
    assert ways == ["Keep theirs", "Save mine instead", "Edit again"]
    assert len(sent(clubmed, "PATCH")) == 1


def test_after_a_conflict_mine_can_be_edited_again_or_saved_instead(agent, clubmed):
    page = soup(conflict(agent, clubmed, value="mine@example.com"))
    again = hidden_inputs(page) | {"value": "mine@example.com"}

    edited = soup(agent.post(URL, again | {"act": "edit"}, headers=HTMX))
    assert edited.select_one("input[name=value]")["value"] == "mine@example.com"
    assert sent(clubmed, "PATCH") == []

    assert agent.post(URL, again, headers=HTMX).status_code == 200
    entry = Entry.objects.get(action="change")
    assert (entry.old, entry.new) == ("theirs@example.com", "mine@example.com")


def test_what_was_typed_can_be_had_back_after_theirs_was_kept(agent, clubmed):
    asked = soup(conflict(agent, clubmed, value="mine@example.com"))
    typed = hidden_inputs(asked) | {"value": "mine@example.com"}

    at_profile = {"HX-Current-URL": f"https://desk.example.com/customers/{TOM}/"}
    for headers in (HTMX | at_profile, {}):
        answer = agent.post(URL, typed | {"theirs": "yes"}, headers=headers)
        assert answer.status_code == 200
        row = soup(answer).select_one("#email")
        assert "theirs@example.com" in text(row.select_one(".field-edit"))
        assert "Kept theirs. You typed “ mine@example.com ”." in text(row)
        header = soup(answer).select_one("#facts")
        assert "theirs@example.com" in text(header) if headers else header is None
    back = hidden_inputs(soup(answer)) | {"act": "edit"}
    back["value"] = row.select_one("[name=value]")["value"]
    editor = soup(agent.post(URL, back, headers=HTMX))
    assert editor.select_one("input[name=value]")["value"] == "mine@example.com"
    assert editor.select_one(".error") is None
    assert sent(clubmed, "PATCH") == []


@pytest.mark.parametrize("is_read_again", [True, False], ids=["read again", "not yet read"])
def test_a_conflict_says_who_was_quicker_though_club_med_writes_it_otherwise(
    agent, other_agent, clubmed, is_read_again
):
    url = f"/customers/{TOM}/fields/first_name/"
    mine = agent.form(url) | {"value": "Tomas"}
    theirs = other_agent.post(url, other_agent.form(url) | {"value": "Béatriz"}, headers=HTMX)
    if is_read_again:
        other_agent.get(soup(theirs).select_one(".field")["hx-get"], headers=HTMX)
    assert clubmed.customers[TOM]["first_name"] == "BEATRIZ"

    page = soup(agent.post(url, mine, headers=HTMX))

    assert "Owen Whitfield saved another value" in text(page)
    assert page.select_one("p[data-focus] strong").text == "Changed while you were typing."


def test_what_was_typed_stays_until_its_outcome_is_known_and_is_in_the_editor_again(agent, clubmed):
    looks_again = lose_the_answer(agent, clubmed, "drop_before", value="lost@example.com")
    for _ in range(2):
        waiting = text(soup(agent.get(looks_again, headers=HTMX)))
        assert "You typed: lost@example.com" in waiting
    let_the_grace_pass()

    settled = soup(agent.get(looks_again, headers=HTMX))
    assert "Not stored. Club Med still holds" in text(settled)
    again = settled.select_one(".actions a")["hx-get"]
    assert agent.page(again).select_one("input[name=value]")["value"] == "lost@example.com"
    assert (
        agent.page(f"{URL}?again=x").select_one("input[name=value]")["value"] == "tom@example.com"
    )


# Clearing: test_every_field walks every field through it


def test_clearing_asks_first_and_keeps_what_was_typed(agent, clubmed):
    typed = agent.form(URL) | {"value": "half@typ"}

    asked = soup(agent.post(URL, typed | {"act": "ask-clear"}, headers=HTMX))
    told = "Clear? E-mail will be empty at Club Med for Tom Smith. Now: tom@example.com"
    assert told in text(asked)
    kept = hidden_inputs(asked) | {"value": asked.select_one("input[name=value]")["value"]}
    back = soup(agent.post(URL, kept | {"act": "edit"}, headers=HTMX))
    assert back.select_one("input[name=value]")["value"] == "half@typ"
    assert back.select_one(".error") is None
    assert sent(clubmed, "PATCH") == []

    assert agent.post(URL, kept | {"clear": "email"}, headers=HTMX).status_code == 200
    assert sent(clubmed, "PATCH") == [(PATH, {"email": None})]


@pytest.mark.parametrize("field", ["first_name", "birth_city"], ids=["never empty", "empty now"])
def test_where_nothing_may_be_cleared_no_clear_is_offered(agent, field):
    assert "Clear" not in text(agent.page(f"/customers/{TOM}/fields/{field}/", headers=HTMX))


def test_a_clear_meets_a_conflict_like_any_change(agent, clubmed):
    answer = conflict(agent, clubmed, clear="email")

    page = soup(answer)
    assert answer.status_code == 409
    assert "You wanted empty" in text(page)
    assert sent(clubmed, "PATCH") == []
    button = page.select_one("button[name=clear]")
    assert text(button) == "Clear anyway"
    again = hidden_inputs(page) | {"clear": button["value"]}
    assert agent.post(URL, again, headers=HTMX).status_code == 200
    assert sent(clubmed, "PATCH") == [(PATH, {"email": None})]
