"""Each field that may be patched: shown, set, cleared, refused, and sent back with what we do not
know of it. The catalogue says which; a new row of a known kind is walked too.
"""

import json
from dataclasses import dataclass
from typing import Any

import pytest

from crmadmin.sandbox import Fault
from customers.audit.models import Entry
from customers.catalogue import kinds
from customers.catalogue.fields import FIELDS, Clear, Field, Group
from tests.acts import NEEDED, create
from tests.conftest import HTMX, TOM, sent, soup, text

pytestmark = [pytest.mark.django_db, pytest.mark.once]
PROFILE = f"/customers/{TOM}/"
PATH = f"/v1/customers/{TOM}/profile"


@dataclass(frozen=True)
class Walk:
    """held: what Club Med holds. shown: how the page says it. typed: into the editor's inputs.
    sent: what goes out for it."""

    held: Any
    shown: str
    typed: dict[str, Any]
    sent: Any


def plain(held, shown, typed, wire):
    return Walk(held, shown, {"value": typed}, wire)


def named(field, typed):
    return {f"{field}-{name}": value for name, value in typed.items()}


ADDRESS = {"street": "SW Park Avenue", "number": "1219", "city": "PORTLAND", "country_code": "US"}
BY_KIND = {
    "text": plain("Odile", "Odile", "Maëlle", "Maëlle"),
    "native": plain("明", "明", "王美琳", "王美琳"),
    "email": plain("old@example.com", "old@example.com", "new@example.com", "new@example.com"),
    "code": plain("MR", "Mr", "MS", "MS"),
    "date": plain("19800102", "2 January 1980", "14/06/1986", "19860614"),
    "country": plain("FR", "France", "BR", "BR"),
    "language": plain("FR", "French", "EN", "EN"),
    "boolean": plain(True, "Allowed", "false", False),
    "phones": Walk(
        [{"number": "2063428631", "type": "HOME", "verified": True}],
        "(206) 342-8631",
        {"phones-0-type": "MOBILE", "phones-0-number": "+33 6 99 88 77 66"},
        [{"number": "+33699887766", "type": "MOBILE", "verified": True}],
    ),
    "address": Walk(
        {**ADDRESS, "zip_code": "97205", "geo": "45.5,-122.6"},
        "1219 SW Park Avenue",
        named("address", {**ADDRESS, "zip_code": "97201", "town": "Downtown"}),
        {**ADDRESS, "zip_code": "97201", "town": "Downtown", "geo": "45.5,-122.6"},
    ),
    "optins": Walk(
        [
            {"channel": "EMAIL", "optin": True, "since": "2020"},
            {"channel": "PIGEON", "optin": True},
        ],
        "PIGEON",
        named("optins", {"EMAIL": "no", "EMAIL_partners": "no", "PIGEON": "yes", "SMS": "yes"}),
        [
            {"channel": "EMAIL", "optin": False, "since": "2020", "optin_partners": False},
            {"channel": "PIGEON", "optin": True},
            {"channel": "SMS", "optin": True},
        ],
    ),
    "identity": Walk(
        {"type": "CPF", "number": "39053344709", "issued": "SP"},
        "hidden",
        named("identity", {"type": "DNI", "number": "11144477735"}),
        {"type": "DNI", "number": "11144477735", "issued": "SP"},
    ),
}
CLEARED = {
    Clear.NULL: None,
    Clear.BLANK: "",
    Clear.LIST: [],
    Clear.NO: [
        {"channel": "EMAIL", "optin": False, "since": "2020"},
        {"channel": "PIGEON", "optin": False},
    ],
}
TAKEN = Fault("status", method="PATCH", status=204, times=None)  # whatever it is
every_field = pytest.mark.parametrize(
    "row", [row for row in FIELDS.values() if row.patch], ids=lambda row: row.name
)


@pytest.fixture
def tom(clubmed):
    """Tom, and a way to say what Club Med holds of him."""

    def holds(row):
        clubmed.customers[TOM][row.name] = BY_KIND[row.kind.name].held
        return BY_KIND[row.kind.name]

    return holds


def editor(row):
    return f"{PROFILE}fields/{row.name}/"


def save(person, row, /, **typed):
    return person.post(editor(row), person.form(editor(row), headers=HTMX) | typed, headers=HTMX)


@every_field
def test_it_is_shown_and_edited_alone_or_beside_others(agent, tom, row):
    walk = tom(row)

    profile = agent.page(PROFILE)
    group = agent.page(f"{PROFILE}groups/{row.group.value}/")

    assert walk.shown in text(profile.select_one(f"#{row.name}"))
    assert profile.select_one(f"#{row.name} .field-edit")["href"] == editor(row)
    assert group.select(f"#{row.name}-input input, #{row.name}-input select")
    assert not row.sensitive or "39053344709" not in f"{profile} {group}"


@every_field
def test_it_is_set_and_goes_out_alone_with_what_we_do_not_know_of_it(agent, clubmed, tom, row):
    walk = tom(row)
    clubmed.faults.add(TAKEN)

    answer = save(agent, row, **walk.typed)

    assert answer.status_code == 200, text(soup(answer))
    assert sent(clubmed, "PATCH") == [(PATH, {row.name: walk.sent})]
    entry = Entry.objects.get()
    assert (entry.field, entry.old, entry.new) == (row.name, walk.held, walk.sent)
    assert entry.outcome == "applied"


@every_field
def test_it_is_cleared_on_purpose_or_not_at_all(agent, clubmed, tom, row):
    tom(row)
    offered = agent.page(editor(row), headers=HTMX).select_one("button[value=ask-clear]")
    if not row.clearable:
        assert offered is None
        save(agent, row, clear=row.name)
        assert sent(clubmed, "PATCH") == []
        return
    assert row.clear_words in text(offered)
    clubmed.faults.add(TAKEN)

    assert save(agent, row, clear=row.name).status_code == 200

    assert sent(clubmed, "PATCH") == [(PATH, {row.name: CLEARED[row.clear]})]
    assert Entry.objects.get().new == CLEARED[row.clear]


@every_field
def test_an_empty_answer_clears_nothing(agent, clubmed, tom, row):
    walk = tom(row)
    blank = dict.fromkeys(walk.typed, "")

    answer = save(agent, row, **blank)

    assert answer.status_code == 422
    assert sent(clubmed, "PATCH") == []


@every_field
def test_what_club_med_refuses_stands_beside_it_with_what_was_typed(agent, clubmed, tom, row):
    walk = tom(row)
    said = {"errors": [{"concerned_key": row.name, "error_description": "Not like this."}]}
    hidden = "the details are not shown, as they may repeat a hidden value"
    told = hidden if row.sensitive else "Not like this."
    clubmed.faults.add(Fault("status", method="PATCH", status=400, body=json.dumps(said)))

    answer = save(agent, row, **walk.typed)

    page = soup(answer)
    assert answer.status_code == 422
    assert f"Club Med: {told}" in text(page.select_one(".field .error"))
    for name, typed in walk.typed.items():
        inputs = page.select(f"[name={name}], [name={name}] option[selected]")
        assert any(typed in (one.get("value"), one.get_text()) for one in inputs), name
    assert Entry.objects.get().outcome == "refused"


@pytest.mark.other_contract
def test_a_new_plain_field_is_one_row_of_the_catalogue(agent, clubmed, monkeypatch):
    """Shown, edited, cleared, recorded, created with: nothing else knows its name."""
    row = Field(
        "favourite_village", "Favourite village", Group.PREFERENCES, kinds.TEXT,
        create=FIELDS["email"].create, patch=True, clear=Clear.BLANK, max_length=40,
    )  # fmt: skip
    monkeypatch.setitem(FIELDS, row.name, row)
    monkeypatch.setitem(clubmed.customers[TOM], row.name, "Opio")
    clubmed.faults.add(TAKEN)
    clubmed.faults.add(Fault("status", method="POST", status=201, body=json.dumps({"id": TOM})))

    page = agent.page(PROFILE)
    assert "Opio" in text(page.select_one("#favourite_village"))
    assert "favourite_village" not in text(page)  # no unknown key any more
    assert save(agent, row, value="x" * 41).status_code == 422
    assert save(agent, row, value="Cefalù").status_code == 200
    assert save(agent, row, clear=row.name).status_code == 200
    assert [body for _, body in sent(clubmed, "PATCH")] == [
        {"favourite_village": "Cefalù"},
        {"favourite_village": ""},
    ]
    assert "Favourite village" in text(agent.page(f"{PROFILE}history/"))
    assert "Favourite village" in text(agent.page(f"{PROFILE}fields/favourite_village/history/"))
    assert agent.page(f"{PROFILE}groups/preferences/").select("[name=favourite_village]")

    create(agent, **NEEDED, favourite_village="Opio")
    [(_, body)] = sent(clubmed, "POST")
    assert body["favourite_village"] == "Opio"
