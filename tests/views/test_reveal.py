"""A sensitive value is in no page until somebody who may asks for it, says why, and is recorded."""

import json

import pytest

from crmadmin.sandbox import Fault
from customers.audit.actions import Outcome
from customers.audit.entries import FieldOutcome
from customers.audit.models import AccessEvent, Change, Entry, Purpose, VaultItem
from customers.catalogue import kinds
from customers.catalogue.fields import FIELDS, Clear, Field, Group
from customers.services import report
from tests import log
from tests.acts import let_the_grace_pass, out_of_reach, post, save, sign_in_again
from tests.conftest import (
    AGENT,
    AUDITOR,
    HTMX,
    SUPERVISOR,
    TOM,
    sent,
    signed_in,
    soup,
    text,
)

pytestmark = [pytest.mark.django_db, pytest.mark.once]
OLD, NUMBER, TYPED, PASS = "22255588846", "48392716055", "11144477736", "HP-77-32104"
PROFILE = f"/customers/{TOM}/"
IDENTITY = f"{PROFILE}fields/identity/"
REVEAL = f"{IDENTITY}reveal/"
GROUP = f"{PROFILE}groups/identity/"
WHY = {"purpose": "identify"}
ASKED = WHY | {"field": "identity"}
BOTH_WAYS = pytest.mark.parametrize("headers", [HTMX, {}], ids=["htmx", "page"])


@pytest.fixture(autouse=True)
def tom(clubmed):
    """What Club Med holds of Tom that nobody has to see."""
    number = {"type": "CPF", "number": NUMBER, "issued": "by-the-state"}
    clubmed.customers[TOM] |= {"identity": number, "health_pass_id": PASS}
    return clubmed.customers[TOM]


@pytest.fixture
def change(agent, tom):
    """The address of a change of Tom's number, from OLD to NUMBER."""
    tom["identity"] = {"type": "DNI", "number": OLD}
    save(agent, IDENTITY, **typed(NUMBER, type="CPF"))
    return f"/audit/changes/{Change.objects.get().pk}/"


def looks():
    """What was revealed: to whom, of which customer, which field, and why."""
    columns = ("actor_sub", "customer_id", "field", "purpose")
    return list(AccessEvent.objects.filter(kind="reveal").values_list(*columns))


def typed(number, **more):
    """The inputs of the national number."""
    inputs = {f"identity-{name}": text for name, text in {"number": number, **more}.items()}
    return inputs | {"anyway": "identity"}  # check digits that do not fit are no matter here


def holds(answer, *values):
    """Which of the values stand anywhere in an answer: its source, or its headers."""
    source = answer.content.decode() + str(answer.headers)
    return [value for value in values or (OLD, NUMBER, PASS, "by-the-state") if value in source]


# Masked everywhere --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        *((path, {}) for path in (PROFILE, f"{PROFILE}history/", GROUP, "/saves/", "/audit/")),
        *((path, {}) for path in (f"{IDENTITY}history/", "/audit/unsettled/")),
        *((path, {}) for path in ("the change", "the change reveal/?field=identity")),
        *((path, way) for path in (IDENTITY, REVEAL) for way in (HTMX, {})),
        (f"{IDENTITY}value/", HTMX),
        (f"{PROFILE}fields/health_pass_id/value/", HTMX),
    ],
)
def test_no_page_and_no_part_of_one_holds_it_not_even_for_somebody_who_may_reveal_it(
    supervisor, change, path, headers
):
    answer = supervisor.get(path.replace("the change", change).replace(" ", ""), headers=headers)

    assert answer.status_code == 200
    assert holds(answer) == []
    if path == PROFILE:
        assert "CPF •••••• hidden" in text(soup(answer).select_one("#identity dd"))
        assert text(soup(answer).select_one("#health_pass_id dd")).startswith("•••••• hidden")
    if path == "/audit/":
        assert text(soup(answer).select_one("td.delta")) == "•••••• → •••••• hidden"


def test_what_was_stored_as_something_else_or_changed_elsewhere_is_hidden_as_well(
    supervisor, change, tom
):
    saved = save(supervisor, IDENTITY, headers=HTMX, **typed(TYPED, type="DNI"))
    assert holds(saved, NUMBER, TYPED) == []
    tom["identity"] = {"type": "DNI", "number": f"0{TYPED}"}
    again = supervisor.get(soup(saved).select_one(".field")["hx-get"], headers=HTMX)
    assert "Saved" in text(soup(again))
    assert holds(again, NUMBER, TYPED) == []
    tom["identity"] = {"type": "CPF", "number": "90909090909"}
    supervisor.get(PROFILE)

    for path in ("/audit/", change, f"{IDENTITY}history/"):
        assert holds(supervisor.get(path), OLD, NUMBER, TYPED, "90909090909") == []
    assert Entry.objects.filter(outcome="stored_as").exists()
    assert {entry.action for entry in Entry.objects.all()} == {"change", "elsewhere"}


def test_a_lost_answer_is_settled_without_it(agent, supervisor, tom, clubmed):
    third = "90909090909"
    clubmed.faults.add(Fault("drop_before", method="PATCH"))
    lost = save(agent, IDENTITY, headers=HTMX, **typed(TYPED))
    assert holds(lost) == []
    tom["identity"] = {"type": "CPF", "number": third}
    let_the_grace_pass()

    settled = agent.get(soup(lost).select_one(".field")["hx-get"], headers=HTMX)

    assert holds(settled, third, TYPED) == []
    for path in ("/audit/unsettled/", f"/audit/changes/{Change.objects.get().pk}/"):
        assert holds(supervisor.get(path), NUMBER, third, TYPED) == []
    assert holds(agent.get("/saves/"), NUMBER, third, TYPED) == []


@BOTH_WAYS
@pytest.mark.parametrize(("number", "mine"), [(TYPED, f"DNI {TYPED}"), ("", "DNI")])
def test_what_a_person_typed_is_given_back_and_nothing_beside_it(agent, tom, headers, number, mine):
    form = agent.form(IDENTITY) | typed(number, type="DNI")
    wrong = agent.post(IDENTITY, form | {"identity-type": ""}, headers=headers)
    assert soup(wrong).select_one("input[name=identity-number]").get("value", "") == number
    assert holds(wrong) == []

    tom["identity"] = {"type": "CPF", "number": OLD}
    conflict = agent.post(IDENTITY, form, headers=headers)
    rows = [text(row.td) for row in soup(conflict).select(".compare tr")]
    assert rows == ["CPF ••••••", "CPF ••••••", mine]
    assert holds(conflict) == []

    asked = agent.post(IDENTITY, agent.form(IDENTITY) | {"act": "ask-clear"}, headers=headers)
    assert "Now: CPF ••••••" in text(soup(asked))
    assert holds(asked) == []


def test_a_group_is_saved_and_compared_without_it(agent, clubmed, tom):
    mine = typed(TYPED, type="DNI")
    page = agent.page(GROUP)
    tom["identity"] = {"type": "CPF", "number": OLD}

    conflict = post(agent, page, GROUP, **mine)

    assert conflict.status_code == 409
    assert "Now at Club Med CPF ••••••" in text(soup(conflict))
    assert soup(conflict).select_one("[name=identity-number]")["value"] == TYPED
    assert holds(conflict) == []
    clubmed.faults.add(Fault("drop_before", method="PATCH"))
    lost = save(agent, GROUP, **mine)
    assert f"National number DNI {TYPED}" in text(soup(lost))
    assert holds(lost) == []


TOLD = f"Not {NUMBER} and {TYPED}."


@pytest.mark.parametrize(
    ("key", "code", "shown"),
    [
        ("identity.number", "BAD_NUMBER", "Club Med: BAD_NUMBER"),
        ("identity", "", "Club Med: the details are not shown, as they may repeat a hidden value."),
        ("", "LOCKED", "LOCKED"),
        ("first_name", "SHORT", f"Club Med: {TOLD}"),
    ],
    ids=["of the number", "without a code", "of no field", "of another field"],
)
def test_where_a_number_was_sent_a_refusal_shows_sentences_of_the_other_fields_alone(
    agent, clubmed, key, code, shown
):
    error = {"concerned_key": key, "error_code": code, "error_description": TOLD}
    body = json.dumps({"errors": [error], "error_description": NUMBER})
    clubmed.faults.add(Fault("status", method="PATCH", status=400, body=body))

    refused = text(soup(save(agent, GROUP, first_name="Tomas", **typed(TYPED))))

    assert shown in refused
    assert (TOLD in refused) is (key == "first_name")
    assert {entry.detail for entry in Entry.objects.all()} == {f"{key} {code}".strip()}


def test_a_number_that_is_typed_is_sent_even_if_club_med_holds_it(agent, clubmed):
    save(agent, IDENTITY, **typed(NUMBER))

    assert len(sent(clubmed, "PATCH")) == Entry.objects.count() == 1


def test_a_clear_that_is_sent_twice_is_one_change(agent, clubmed):
    form = agent.form(IDENTITY) | {"clear": "identity"}

    assert [agent.post(IDENTITY, form, headers=HTMX).status_code for _ in range(2)] == [200, 200]

    assert len(sent(clubmed, "PATCH")) == Entry.objects.count() == 1


@pytest.mark.parametrize(("held", "second"), [(None, 200), ({"number": NUMBER}, 409)])
def test_a_number_that_is_sent_twice_is_one_change_and_confirms_no_hidden_one(
    agent, clubmed, tom, held, second
):
    tom["identity"] = held
    form = agent.form(IDENTITY) | typed(TYPED, type="CPF")

    assert [agent.post(IDENTITY, form, headers=HTMX).status_code for _ in range(2)] == [200, second]

    assert len(sent(clubmed, "PATCH")) == Entry.objects.count() == 1


@pytest.mark.other_contract
def test_an_odd_shape_is_hidden_whole(agent, clubmed, tom):
    for odd in (NUMBER, [NUMBER], {"type": {"of": NUMBER}, "number": "1"}):
        tom["identity"] = odd
        answer = agent.get(PROFILE)
        assert "••••••" in text(soup(answer).select_one("#identity"))
        assert holds(answer) == []


@pytest.mark.other_contract
def test_a_new_sensitive_field_is_one_row_of_the_catalogue(agent, clubmed, tom, monkeypatch):
    row = Field(
        "passport", "Passport", Group.IDENTITY, kinds.IDENTIFIER, patch=True, clear=Clear.NULL,
        sensitive=True,
    )  # fmt: skip
    monkeypatch.setitem(FIELDS, row.name, row)
    tom["passport"] = "P-1234-5678"
    clubmed.faults.add(Fault("status", method="PATCH", status=204, times=None))
    editor = f"{PROFILE}fields/passport/"

    for path in (PROFILE, editor, GROUP):
        assert holds(agent.get(path), "P-1234-5678") == []
    save(agent, GROUP, birth_city="Lyon")
    assert agent.post(editor, agent.form(editor) | {"value": ""}).status_code == 422
    agent.post(editor, agent.form(editor) | {"value": "P-8765-4321"})

    assert [body for _, body in sent(clubmed, "PATCH")] == [
        {"birth_city": "Lyon"},
        {"passport": "P-8765-4321"},
    ]


# Leave, set and clear -----------------------------------------------------------------------------


@pytest.mark.parametrize("url", [IDENTITY, GROUP], ids=["field", "group"])
def test_the_editor_opens_with_the_type_and_without_the_number(agent, url):
    page = agent.page(url)

    assert page.select_one("[name=identity-type] option[selected]")["value"] == "CPF"
    assert page.select_one("input[name=identity-number]").get("value") is None
    assert "A number is stored and stays hidden. Leave this empty to keep it" in text(page)


@pytest.mark.parametrize(
    ("act", "new"),
    [
        ({}, {}),
        ({"identity-type": "DNI"}, {"type": "DNI"}),
        (typed(TYPED), {"number": TYPED}),
        ({"clear": ["identity"]}, None),
    ],
    ids=["nothing", "another type", "another number", "clear"],
)
@pytest.mark.parametrize("beside", [{}, {"birth_city": "Lyon"}], ids=["alone", "in a group"])
def test_what_is_typed_takes_its_place_and_the_rest_stays(agent, clubmed, tom, act, new, beside):
    before = tom["identity"]

    save(agent, GROUP if beside else IDENTITY, **act, **beside)

    assert tom["identity"] == (None if new is None else before | new)
    assert len(sent(clubmed, "PATCH")) == bool(act or beside)
    assert all(("identity" in body) == bool(act) for _, body in sent(clubmed, "PATCH"))


@pytest.mark.parametrize(
    ("now", "answers", "words"),
    [
        ("a number", typed("", type=""), "Nothing to save."),
        ("a number", typed("1", type=""), "Required."),
        (None, typed("", type="CPF"), "Required."),
    ],
    ids=["nothing", "no type", "no number"],
)
def test_a_number_and_its_type_go_together_and_empty_is_no_clear(
    agent, clubmed, tom, now, answers, words
):
    tom["identity"] = now and tom["identity"]

    answer = save(agent, IDENTITY, **answers)

    assert answer.status_code == 422
    assert words in text(soup(answer))
    assert sent(clubmed, "PATCH") == []


# Revealed -----------------------------------------------------------------------------------------


def test_a_row_asks_why_in_its_place_then_shows_the_value_and_hides_it_again(supervisor):
    row = supervisor.page(PROFILE).select_one("#identity")
    reveal = row.select_one(".btn")
    assert text(reveal) == "Reveal National number"

    asked = supervisor.page(reveal["hx-get"], headers=HTMX)
    assert asked.select_one("html") is None
    assert [option["value"] for option in asked.select("option")] == ["", *Purpose.values]
    assert looks() == []
    shown = soup(supervisor.post(asked.form["hx-post"], WHY, headers=HTMX))

    assert shown.select_one("html") is None
    assert f"CPF {NUMBER}, issued: by-the-state" in text(shown.select_one("#identity"))
    assert shown.select_one("#identity")["hx-trigger"] == "load delay:60s"
    assert "Hides by itself after a minute." in text(shown)
    hide = shown.select_one("#identity .btn")
    assert text(hide) == "Hide National number"
    hidden = supervisor.get(hide["hx-get"], headers=HTMX)
    assert text(soup(hidden).select_one(".btn")) == "Reveal National number"
    assert holds(hidden) == []


def test_without_a_script_it_is_a_small_page_and_then_a_page_with_the_value(supervisor):
    link = supervisor.page(PROFILE).select_one("#health_pass_id .btn")["href"]
    asked = supervisor.page(link)

    shown = supervisor.post(asked.select_one("main form")["action"], WHY)

    assert text(soup(shown).select_one("html main dt")) == "Health pass"
    assert PASS in text(soup(shown).select_one("#health_pass_id"))
    assert "Hides by itself" not in text(soup(shown))
    assert shown["Cache-Control"] == "no-store"
    assert soup(shown).select_one("#health_pass_id .btn")["href"] == f"{PROFILE}#health_pass_id"
    assert holds(supervisor.get(PROFILE)) == []


def test_it_is_recorded_who_saw_which_value_of_whom_and_why(supervisor):
    answer = supervisor.post(REVEAL, WHY)

    assert holds(answer, NUMBER)
    assert looks() == [("staff-1003", TOM, "identity", "identify")]
    event = AccessEvent.objects.get(kind="reveal")
    assert (event.actor_name, event.actor_roles) == ("Sana El Idrissi", "supervisor")
    assert event.request_id == answer["X-Request-ID"]
    assert NUMBER not in str(AccessEvent.objects.values())


def test_it_is_the_value_that_the_person_saw_until_somebody_changes_it_here(
    supervisor, agent, clubmed, tom
):
    supervisor.get(PROFILE)
    tom["identity"] = {"type": "CPF", "number": OLD}
    clubmed.requests.clear()
    assert holds(supervisor.post(REVEAL, WHY), OLD, NUMBER) == [NUMBER]
    assert clubmed.requests == []

    save(agent, IDENTITY, **typed(TYPED))

    assert holds(supervisor.post(REVEAL, WHY), OLD, NUMBER, TYPED) == [TYPED]
    assert len(looks()) == 2


@BOTH_WAYS
@pytest.mark.parametrize("why", [{}, {"purpose": "curiosity"}], ids=["none", "another"])
def test_without_a_purpose_of_the_list_nothing_is_revealed(supervisor, change, why, headers):
    for url in (REVEAL, f"{change}reveal/"):
        answer = supervisor.post(url, {"field": "identity"} | why, headers=headers)

        assert answer.status_code == 422
        page = soup(answer)
        chosen = page.select_one("select[name=purpose]")
        told = text(page.select_one(f"#{chosen['aria-describedby']}"))
        assert told == "Choose one from the list."
        assert holds(answer) == []
    assert looks() == []


@BOTH_WAYS
@pytest.mark.parametrize(
    ("fault", "status", "words"),
    [
        (Fault("status", status=404), 404, "Club Med has no customer with this number."),
        (Fault("status", status=503, times=None), 503, "This could not be read."),
    ],
    ids=["nobody", "down"],
)
def test_what_club_med_does_not_say_is_neither_revealed_nor_recorded(
    supervisor, clubmed, fault, status, words, headers
):
    clubmed.faults.add(fault)

    answer = supervisor.post(REVEAL, WHY, headers=headers)

    assert answer.status_code == status
    assert words in text(soup(answer))
    assert soup(answer).select_one("option[selected]")["value"] == "identify"
    assert looks() == []


def test_a_purpose_that_was_chosen_when_the_session_had_ended_is_chosen_again(supervisor, change):
    for url in (REVEAL, f"{change}reveal/"):
        del supervisor.cookies["crmadmin_session"]
        assert supervisor.post(url, ASKED).status_code == 401

        sign_in_again(supervisor, SUPERVISOR, reveals=True)
        assert supervisor.page(url).select_one("option[selected]")["value"] == "identify"
    assert looks() == []


# In the log ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("person", [SUPERVISOR, AUDITOR], ids=["supervisor", "auditor"])
def test_old_and_new_of_a_change_are_revealed_in_their_place_and_hidden_again(change, person):
    reader = signed_in(person, reveals=True)
    reveal = reader.page(change).select_one("#delta-identity .btn")
    assert text(reveal) == "Reveal National number"

    asked = reader.page(reveal["hx-get"], headers=HTMX)
    assert looks() == []
    shown = reader.post(asked.form["hx-post"], ASKED, headers=HTMX)

    assert soup(shown).select_one("html") is None
    lines = [text(line) for line in soup(shown).select(".plain > span")]
    assert lines == ["Type DNI → CPF", f"Number {OLD} → {NUMBER}"]
    assert looks() == [(person[0], TOM, "identity", "identify")]
    hidden = reader.get(soup(shown).select_one(".btn")["hx-get"], headers=HTMX)
    assert "•••••• → •••••• hidden" in text(soup(hidden))
    assert holds(hidden) == []


def test_what_is_no_hidden_value_is_not_there(agent, supervisor):
    save(agent, GROUP, birth_city="Lyon", **typed(TYPED))
    change, nobody = Change.objects.get().pk, "11111111-1111-1111-1111-111111111111"

    for url, field in [
        (f"{PROFILE}fields/email/", ""),
        (f"{PROFILE}fields/nonsense/", ""),
        *((f"/audit/changes/{change}/", name) for name in ("", "birth_city", "health_pass_id")),
        (f"/audit/changes/{nobody}/", "identity"),
    ]:
        assert supervisor.get(f"{url}reveal/?field={field}").status_code == 404
        assert supervisor.post(f"{url}reveal/", WHY | {"field": field}).status_code == 404
    assert looks() == []


def test_what_was_cleared_or_erased_is_not_there(supervisor, agent, change):
    save(agent, IDENTITY, clear=["identity"])
    assert text(supervisor.page("/audit/").select_one("td.delta")) == "•••••• hidden → empty"
    VaultItem.objects.all().delete()

    cell = supervisor.page(change).select_one("#delta-identity")
    shown = supervisor.post(f"{change}reveal/", ASKED)

    assert text(cell) == "erased → erased"
    assert holds(shown) == []


def test_a_field_that_left_the_catalogue_stays_hidden(supervisor, monkeypatch, tmp_path):
    """It may have been one that nobody is to see unasked."""
    log.append(FieldOutcome("health_pass_id", "11", PASS, Outcome.APPLIED), customer_id=TOM)
    monkeypatch.delitem(FIELDS, "health_pass_id")
    change = f"/audit/changes/{Entry.objects.get().change_id}/"

    for page in ("/audit/", f"/customers/{TOM}/history/", change):
        assert PASS not in supervisor.get(page).content.decode()
    assert PASS not in log.export(tmp_path, "--values").read_text()
    assert PASS not in "".join(report.as_json(report.of_customer(TOM)))
    revealed = supervisor.post(f"{change}reveal/", {"field": "health_pass_id"} | WHY)
    assert PASS in text(soup(revealed))


# Who may ------------------------------------------------------------------------------------------


@BOTH_WAYS
@pytest.mark.parametrize("person", [AGENT, SUPERVISOR, AUDITOR], ids=lambda person: person[2][0])
def test_who_may_not_sees_the_mask_and_no_way_around_it(change, person, headers):
    somebody = signed_in(person)

    for url in (PROFILE, change):
        assert "Reveal" not in text(soup(somebody.get(url)))
    for url in (REVEAL, f"{change}reveal/"):
        for refused in (somebody.get(url), somebody.post(url, ASKED, headers=headers)):
            assert refused.status_code == 403
            assert "Your role has no access to this page." in text(soup(refused))
            assert holds(refused) == []
    assert looks() == []


@pytest.mark.parametrize(
    ("person", "in_profile", "in_log"),
    [(AGENT, 200, 403), (AUDITOR, 403, 200)],
    ids=["agent", "auditor"],
)
def test_who_may_reveal_does_so_on_pages_that_their_role_opens(change, person, in_profile, in_log):
    reader = signed_in(person, reveals=True)

    assert reader.post(REVEAL, WHY).status_code == in_profile
    assert reader.post(f"{change}reveal/", ASKED).status_code == in_log


# Where it cannot be recorded ----------------------------------------------------------------------


@BOTH_WAYS
@pytest.mark.parametrize("place", ["identity", "delta-identity"], ids=["profile", "log"])
def test_what_cannot_be_recorded_is_not_revealed(
    transactional_db, supervisor, change, caplog, place, headers
):
    """Why stands beside the purpose, which stays chosen."""
    url = REVEAL if place == "identity" else f"{change}reveal/"
    with out_of_reach("customers_accessevent"):
        answer = supervisor.post(url, ASKED, headers=headers)

    assert answer.status_code == 503
    shown = soup(answer).select_one(f"#{place}")
    assert "Nothing was revealed: it could not be recorded." in text(shown)
    assert shown.select_one("option[selected]")["value"] == "identify"
    assert holds(answer) == []
    line = f"{answer['X-Request-ID']}: reveal is not recorded: "
    assert any(message.startswith(line) for message in caplog.messages)
