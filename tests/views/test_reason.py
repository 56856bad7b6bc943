"""Why a customer is changed: asked once in a bar above the profile, and recorded with each save."""

import pytest

from crmadmin.sandbox import Fault
from customers.audit.models import Change, Entry, JournalLine
from tests import stored
from tests.acts import (
    CONTACT,
    CREATE,
    EMAIL,
    NEEDED,
    create,
    lose_the_answer,
    post,
    save,
    sign_in_again,
)
from tests.conftest import AGENT, HTMX, OTHER_AGENT, TOM, sent, soup, text
from tests.privacy import held_in

pytestmark = [pytest.mark.django_db, pytest.mark.once]
PROFILE, BAR = f"/customers/{TOM}/", f"/customers/{TOM}/reason/"
OTHER = "/customers/704118236/"
CALLED = {"reason_usual": "Customer called", "reason_words": "call 48133"}
WHY = "Customer called: call 48133"
NEW = {"value": "new@example.com"}
BOTH_WAYS = pytest.mark.parametrize("headers", [HTMX, {}], ids=["htmx", "page"])


def keep(person, headers=None, url=BAR, **typed):
    return person.post(url, typed or CALLED, headers=HTMX if headers is None else headers)


def bar(person, url=PROFILE):
    """What the bar shows: the usual reason, and the words."""
    return _shown(person.page(url))


def _shown(page):
    chosen = page.select_one("[name=reason_usual] [selected]")
    words = page.select_one("[name=reason_words]").get("value", "")
    return (chosen["value"] if chosen else "", words)


def reasons():
    """That of each change, the oldest first."""
    return [entry.reason for entry in Entry.objects.order_by("seq")]


def clear(person, **more):
    return post(person, person.page(EMAIL), EMAIL, clear=["email"], **more)


# The bar


@BOTH_WAYS
def test_a_reason_is_kept_and_stands_in_the_bar_again(agent, headers):
    answer = keep(agent, headers)

    if headers:
        assert "Kept. Goes with every save here until you leave" in text(soup(answer))
    else:
        assert answer["Location"] == PROFILE
    assert bar(agent) == ("Customer called", "call 48133")


@pytest.mark.parametrize(
    ("typed", "shown", "why"),
    [
        (CALLED | {"reason_words": ""}, ("Customer called", ""), "Customer called"),
        ({"reason_usual": "", "reason_words": " Moved "}, ("…", "Moved"), "Moved"),
        ({"reason_usual": "…", "reason_words": "Moved"}, ("…", "Moved"), "Moved"),
        ({"reason_usual": "…", "reason_words": ""}, ("", ""), ""),
        ({"reason_usual": "Correction", "reason_words": "x" * 200}, None, None),
    ],
)
def test_it_may_be_a_usual_one_words_of_ones_own_or_both(agent, typed, shown, why):
    keep(agent, **typed)
    save(agent, EMAIL, **NEW)

    assert bar(agent) == (shown or tuple(typed.values()))
    assert reasons() == [": ".join(typed.values()) if why is None else why]


def test_the_usual_reasons_are_the_companys(agent, settings):
    settings.REASONS = ["Appel", "Appel: rappelé", "Courrier"]

    options = agent.page(PROFILE).select("[name=reason_usual] option")
    keep(agent, reason_usual="Courrier", reason_words="du 3 mai")

    assert [text(one) for one in options] == ["No reason yet", *settings.REASONS, "Other…"]
    assert bar(agent) == ("Courrier", "du 3 mai")
    settings.REASONS = ["Appel"]  # as it is restarted with
    assert bar(agent) == ("…", "Courrier: du 3 mai")


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ({"reason_words": "x" * 201}, "At most 200 characters; this has 201. Nothing was kept."),
        ({"reason_usual": "forged"}, "Choose one from the list."),
    ],
)
@BOTH_WAYS
def test_what_cannot_be_a_reason_is_told_beside_the_bar_and_the_last_one_stays(
    agent, typed, told, headers
):
    keep(agent)

    wrong = keep(agent, headers, **CALLED | typed)

    assert wrong.status_code == 422
    assert told in text(soup(wrong))
    if not headers:  # the whole page, with what was typed
        assert text(soup(wrong).select_one("h1")) == "Tom Smith"
        assert _shown(soup(wrong))[1] == (CALLED | typed)["reason_words"]
    save(agent, EMAIL, **NEW)
    assert reasons() == [WHY]


@BOTH_WAYS
def test_a_reason_may_be_cleared(agent, headers):
    keep(agent)

    answer = keep(agent, headers, act="clear", **CALLED)

    if headers:
        assert _shown(soup(answer)) == ("", "")
        assert "No reason is kept." in text(soup(answer))
    assert bar(agent) == ("", "")
    save(agent, EMAIL, **NEW)
    assert reasons() == [""]


def test_no_other_address_than_a_customers_has_a_bar(agent, auditor):
    assert agent.post("/customers/12a/reason/", CALLED).status_code == 404
    assert auditor.post(BAR, CALLED).status_code == 403
    assert agent.get(BAR)["Location"] == PROFILE


# Every verb carries it


@BOTH_WAYS
def test_a_save_and_a_clear_in_place_carry_it(agent, clubmed, headers):
    keep(agent)

    save(agent, EMAIL, headers=headers, **NEW)
    clear(agent, headers=headers)

    assert [body for _, body in sent(clubmed, "PATCH")] == [
        {"email": "new@example.com"},
        {"email": None},
    ]
    assert reasons() == [WHY, WHY]


@BOTH_WAYS
def test_a_group_carries_it_for_all_its_fields(agent, headers):
    keep(agent)

    save(agent, CONTACT, headers=headers, email="new@example.com", **{"phones-0-number": "+33611"})

    assert reasons() == [WHY, WHY]
    assert Change.objects.count() == 1


def test_what_the_bar_says_when_a_form_is_sent_goes_with_it(agent):
    """With a script the bar is sent along, even before it is kept, or after another tab's."""
    keep(agent, reason_words="older")

    save(agent, EMAIL, headers=HTMX, **NEW, **CALLED)
    save(agent, EMAIL, headers=HTMX, value="b@example.com", reason_words="x" * 201)
    save(agent, EMAIL, headers=HTMX, value="c@example.com", reason_usual="", reason_words="")

    assert reasons() == [WHY, "older", ""]


@BOTH_WAYS
def test_a_new_customers_bar_goes_with_the_form_and_moves_to_the_customer(agent, headers):
    form = agent.form(CREATE)

    answer = agent.post(CREATE, form | NEEDED | CALLED, headers=headers)

    profile = answer.get("HX-Redirect") or answer["Location"]
    assert set(reasons()) == {WHY}
    assert bar(agent, profile) == ("Customer called", "call 48133")
    url = f"{profile}fields/email/"
    agent.post(url, agent.form(url) | NEW, headers=headers)
    assert Entry.objects.order_by("-seq").first().reason == WHY


def test_a_new_customers_bar_comes_back_with_the_form(agent, clubmed):
    refused = soup(create(agent, **CALLED))
    wrong = create(agent, **NEEDED, **CALLED | {"reason_words": "x" * 201})

    assert _shown(refused) == ("Customer called", "call 48133")
    assert wrong.status_code == 422
    assert _shown(soup(wrong)) == ("Customer called", "x" * 201)
    assert "At most 200 characters" in text(soup(wrong).select_one(".why"))
    assert sent(clubmed, "POST") == []


def test_a_new_customer_begins_without_a_reason(agent):
    keep(agent)

    assert bar(agent, CREATE) == ("", "")


# Whose it is, and how long


def test_another_customer_who_is_opened_drops_it(agent):
    keep(agent)

    agent.get(OTHER)

    assert bar(agent) == ("", "")
    save(agent, EMAIL, **NEW)
    assert reasons() == [""]


def test_what_is_not_opened_drops_nothing(agent):
    keep(agent)

    for path in (f"{OTHER}history/", "/customers/999999999/", "/", CREATE):
        agent.get(path)

    assert bar(agent) == ("Customer called", "call 48133")


def test_it_is_never_another_customers(agent):
    keep(agent)

    save(agent, f"{OTHER}fields/birth_city/", value="Lyon")

    assert reasons() == [""]


def test_nobody_else_sees_or_sends_it(agent, other_agent):
    keep(agent)

    assert bar(other_agent) == ("", "")
    save(other_agent, EMAIL, **NEW)
    assert reasons() == [""]


@pytest.mark.parametrize(
    ("person", "shown"), [(AGENT, ("Customer called", "call 48133")), (OTHER_AGENT, ("", ""))]
)
def test_what_was_sent_after_the_session_is_there_again_for_who_typed_it(agent, person, shown):
    token = agent.page(PROFILE).select_one(".why [name=token]")["value"]
    del agent.cookies["crmadmin_session"]
    ended = keep(agent, token=token, **CALLED)
    assert ended.status_code == 401
    assert "call 48133" in text(soup(ended))

    sign_in_again(agent, person)

    assert agent.get(BAR)["Location"] == PROFILE
    assert bar(agent) == shown


def test_it_is_encrypted_in_the_session_the_journal_and_the_log(agent, clubmed):
    keep(agent, reason_usual="", reason_words="Her sister Iphigenia")
    save(agent, EMAIL, **NEW)
    lose_the_answer(agent, clubmed, "drop_before", "other@example.com")

    assert JournalLine.objects.get().reason == Entry.objects.get().reason == "Her sister Iphigenia"
    assert [where for where, said in stored.everything() if held_in(said, {"Iphigenia"})] == []


# What has a reason of its own begins with it

STREET = {"address-street": "Rua Nova", "address-city": "Salem", "address-country_code": "US"}
ADDRESS = f"{PROFILE}fields/address/"


def refused_address(person, clubmed, url=ADDRESS):
    clubmed.faults.add(
        Fault("status", method="PATCH", status=400, body='{"errors":[{"concerned_key":"address"}]}')
    )
    return soup(save(person, url, **STREET))


@pytest.mark.parametrize("url", [ADDRESS, CONTACT], ids=["field", "group"])
def test_to_force_an_address_asks_and_begins_with_the_reason_of_the_bar(agent, clubmed, url):
    keep(agent)
    page = refused_address(agent, clubmed, url)
    assert page.select_one("[name=reason]")["value"] == WHY

    post(agent, page, url, force_address="on")

    assert Entry.objects.order_by("-seq").first().reason == WHY


def test_a_reason_of_its_own_takes_the_place_of_the_bars(agent, clubmed):
    keep(agent)
    page = refused_address(agent, clubmed)

    post(agent, page, ADDRESS, force_address="on", reason="Read from a bill")

    assert Entry.objects.order_by("-seq").first().reason == "Read from a bill"


def test_to_create_despite_duplicates_begins_with_it_and_it_is_recorded_once(agent):
    tom = {"first_name": "Tom", "last_name": "Smith", "email": "tom@example.com"}
    alike = soup(create(agent, **NEEDED | tom, **CALLED))
    assert alike.select_one("[name=despite_reason]")["value"] == WHY

    post(agent, alike, CREATE, despite="yes")

    newest = Entry.objects.order_by("-seq").first()
    assert (newest.reason, newest.flags) == (WHY, "despite_duplicates")


def test_to_settle_begins_with_it(agent, supervisor, clubmed):
    clubmed.customers[TOM]["email"] = "old@example.com"
    lose_the_answer(agent, clubmed, "drop_before")
    clubmed.customers[TOM]["email"] = "another@example.com"
    JournalLine.objects.update(deadline="2020-01-01T00:00Z")
    agent.get(PROFILE)
    keep(supervisor)

    page = supervisor.page(f"/audit/changes/{Change.objects.get().pk}/")

    assert page.select_one("#settle [name=reason]")["value"] == WHY


# Fields that may not be changed without one


@pytest.fixture
def required(settings):
    settings.REASON_REQUIRED = {"email", "address"}


@BOTH_WAYS
def test_a_field_that_needs_a_reason_asks_for_it_beside_it(agent, clubmed, required, headers):
    refused = save(agent, EMAIL, headers=headers, **NEW)

    page = soup(refused)
    assert refused.status_code == 422
    assert sent(clubmed, "PATCH") == []
    assert not JournalLine.objects.exists()
    assert "Give a reason: it is recorded. Nothing was sent." in text(page.select_one("#email"))
    assert page.select_one("#email [name=value]")["value"] == "new@example.com"
    assert page.select_one("#email [aria-invalid=true]")["name"] == "reason"

    post(agent, page, EMAIL, headers=headers, reason="She spelled it out")

    assert sent(clubmed, "PATCH")[-1][1] == {"email": "new@example.com"}
    assert reasons() == ["She spelled it out"]


def test_with_a_reason_in_the_bar_it_asks_nothing_before_or_after(agent, required):
    refused = soup(save(agent, EMAIL, **NEW))
    keep(agent)

    post(agent, refused, EMAIL)
    save(agent, EMAIL, value="b@example.com")

    assert reasons() == [WHY, WHY]


@BOTH_WAYS
def test_a_clear_needs_one_too_and_stays_a_clear(agent, clubmed, required, headers):
    page = soup(clear(agent, headers=headers))

    assert page.select_one("#email")["data-state"] == "clearing"
    assert "Give a reason: it is recorded." in text(page)
    button = page.select_one("#email button[name=clear]")
    post(agent, page, EMAIL, headers=headers, clear=[button["value"]], reason="At her request")

    assert sent(clubmed, "PATCH")[-1][1] == {"email": None}
    assert reasons() == ["At her request"]


def test_a_group_asks_beside_the_field_that_needs_it_and_keeps_the_rest(agent, clubmed, required):
    typed = {"email": "new@example.com", "phones-0-number": "+33611"}
    refused = save(agent, CONTACT, **typed)

    page = soup(refused)
    assert refused.status_code == 422
    assert "Give a reason: it is recorded." in text(page.select_one("#email-input"))
    assert "A reason is needed" in text(page.select_one("#summary"))
    assert {name: page.select_one(f"[name={name}]")["value"] for name in typed} == typed
    post(agent, page, CONTACT, reason="She called")

    assert set(reasons()) == {"She called"}


def test_fields_that_need_none_ask_for_none(agent, required):
    save(agent, CONTACT, **{"phones-0-number": "+33611"})

    assert reasons() == [""]


def test_a_create_needs_one_for_such_a_field(agent, clubmed, required):
    refused = create(agent, **NEEDED, email="lea@example.com")

    page = soup(refused)
    assert refused.status_code == 422
    assert "Give a reason: it is recorded." in text(page.select_one("#email-input"))
    assert sent(clubmed, "POST") == []
    assert create(agent, **NEEDED).status_code == 302  # without that field
    assert post(agent, page, CREATE, **CALLED | {"reason": ""}).status_code == 302
    assert reasons()[-1] == WHY


def test_what_cannot_be_a_reason_is_told_beside_the_field(agent, clubmed, required):
    page, reason = soup(save(agent, EMAIL, **NEW)), "x" * 256

    wrong = post(agent, page, EMAIL, reason=reason)

    assert wrong.status_code == 422
    assert soup(wrong).select_one("[name=reason]")["value"] == reason
    assert soup(wrong).select_one("[name=value]")["value"] == "new@example.com"
    assert sent(clubmed, "PATCH") == []


def test_a_conflict_keeps_what_was_given(agent, clubmed, required):
    page = soup(save(agent, EMAIL, **NEW))
    clubmed.customers[TOM]["email"] = "theirs@example.com"
    asked = soup(post(agent, page, EMAIL, reason="She called"))
    assert "Changed while you were typing." in text(asked)

    post(agent, asked, EMAIL)

    assert reasons() == ["She called"]


def test_an_address_that_needs_one_and_is_forced_asks_once(agent, clubmed, required):
    first = soup(save(agent, ADDRESS, **STREET))
    clubmed.faults.add(
        Fault("status", method="PATCH", status=400, body='{"errors":[{"concerned_key":"address"}]}')
    )
    refused = soup(post(agent, first, ADDRESS, reason="She moved"))

    [asked] = refused.select("[name=reason]")
    assert asked["value"] == "She moved"
    post(agent, refused, ADDRESS, force_address="on")
    assert reasons()[-1] == "She moved"


# The log


@pytest.mark.parametrize("why", [WHY, ""], ids=["with a reason", "without"])
def test_the_log_says_why_and_nothing_else_in_that_place(agent, supervisor, clubmed, why):
    if why:
        keep(agent)
    save(agent, EMAIL, **NEW)
    clubmed.faults.add(Fault("status", method="PATCH", status=400, body='{"error":"NO"}'))
    save(agent, EMAIL, value="other@example.com")
    shown = why or "No reason given"

    refused, applied = supervisor.page("/audit/").select("tbody.change")

    for row in (applied, refused):
        assert text(row.select_one(".reason")) == shown
        assert bool(row.select_one(".reason .nil")) is not bool(why)
    assert "Club Med refused it:" in text(refused.select_one(".outcome"))
    change = supervisor.page(f"/audit/changes/{Change.objects.first().pk}/")
    assert f"Reason {shown}" in text(change)
    trail = agent.page(PROFILE).select(".trail-why")
    assert [text(one) for one in trail] == [shown, shown]


def test_what_changed_elsewhere_has_no_reason_to_give(agent, supervisor, clubmed):
    save(agent, EMAIL, **NEW)
    agent.get(PROFILE)
    clubmed.customers[TOM]["email"] = "elsewhere@example.com"
    keep(agent)
    agent.get(PROFILE)

    elsewhere, ours = supervisor.page("/audit/").select("tbody.change")

    assert text(ours.select_one(".reason")) == "No reason given"
    assert text(elsewhere.select_one(".reason")) == ""
    assert "Changed elsewhere, noticed when opened." in text(elsewhere.select_one(".outcome"))
