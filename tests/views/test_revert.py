"""Undo, and putting back what a change replaced: new changes that name the one they revert."""

from urllib.parse import parse_qs, urlsplit

import pytest

from crmadmin.sandbox import Fault
from customers.audit.models import AccessEvent, Change, Entry, JournalLine
from customers.session import keep_reason
from tests.acts import (
    CONTACT,
    EMAIL,
    NEW,
    change,
    create,
    forget,
    lose_the_answer,
    post,
    save,
    sign_in_again,
)
from tests.conftest import HTMX, SUPERVISOR, TOM, sent, soup, text

pytestmark = pytest.mark.once
PROFILE = f"/customers/{TOM}/"
ADDRESS = f"{PROFILE}fields/address/"
IDENTITY = f"{PROFILE}fields/identity/"
# An address that Club Med's check does not know.
UNKNOWN = {"street": "Rue A", "zip_code": "00000", "city": "Lyon", "country_code": "FR"}
WHY = {"reason": "Saved for the wrong person"}
BOTH_WAYS = pytest.mark.parametrize("headers", [HTMX, {}], ids=["htmx", "page"])


def bodies(clubmed):
    return [body for _, body in sent(clubmed, "PATCH")]


def newest():
    """The change that was recorded last."""
    return Change.objects.first()


def place(of, *more):
    return "/".join(["/audit/changes", str(of.pk), *more, ""])


def in_place(person, url=EMAIL, **typed):
    """Save one field in its row, until the row has read it again; that row."""
    row = soup(save(person, url, headers=HTMX, **typed)).select_one(".field")
    return soup(person.get(row["hx-get"], headers=HTMX))


def undo(person, row, headers=HTMX):
    return person.post(row.select_one(".was-saved form")["action"], headers=headers)


def revert(person, url, *fields, headers=None, page=None, **typed):
    """Tick these fields in the form, and send it."""
    form = (page or person.page(url)).select_one("#revert form")
    data = {"token": form.select_one("[name=token]")["value"], "field": list(fields)}
    return person.post(f"{url.split('revert')[0]}revert/", data | WHY | typed, headers=headers)


# Undo ---------------------------------------------------------------------------------------------


def test_undo_beside_a_saved_value_puts_the_old_one_back(agent, clubmed):
    row = in_place(agent, value="new@example.com")
    assert text(row.select_one(".was-saved")) == "Saved. Undo E-mail"
    saved = newest()

    answer = undo(agent, row)

    back = soup(answer)
    assert answer.status_code == 200
    assert "tom@example.com" in text(back.select_one(".field-edit"))
    assert text(back.select_one(".was-saved")) == "Undone: the old value is back."
    assert bodies(clubmed) == [{"email": "new@example.com"}, {"email": "tom@example.com"}]
    entry = Entry.objects.first()
    assert (entry.flags, entry.reverts, entry.reason) == ("reverts", saved.pk.hex, "")
    assert (entry.old, entry.new, entry.outcome) == (
        "new@example.com",
        "tom@example.com",
        "applied",
    )
    again = soup(agent.get(back.select_one(".field")["hx-get"], headers=HTMX))
    assert text(again.select_one(".was-saved")) == "Undone: the old value is back."


def test_undo_of_a_clear_brings_the_value_back(agent, clubmed):
    row = in_place(agent, clear=["email"])
    assert text(row.select_one(".was-saved")) == "Cleared. Undo E-mail"

    undo(agent, row)

    assert bodies(clubmed) == [{"email": None}, {"email": "tom@example.com"}]


def test_undo_of_a_first_value_clears_it_again(agent, clubmed):
    row = in_place(agent, f"{PROFILE}fields/birth_city/", value="Lyon")

    undo(agent, row)

    assert bodies(clubmed) == [{"birth_city": "Lyon"}, {"birth_city": ""}]


def test_undo_of_a_normalised_value_is_no_conflict(agent, clubmed):
    row = in_place(agent, f"{PROFILE}fields/first_name/", value="Béatriz")
    assert "Club Med stored “BEATRIZ”. Undo" in text(row.select_one(".was-saved"))

    assert undo(agent, row).status_code == 200
    assert [body["first_name"] for body in bodies(clubmed)] == ["Béatriz", "Tom"]


def test_undo_of_a_group_puts_all_of_it_back_as_one_change(agent, clubmed):
    phone = {"phones-0-number": "+33611223344", "phones-0-type": "HOME"}
    before = clubmed.customers[TOM]["phones"]
    save(agent, CONTACT, email="new@example.com", **phone)
    notice = agent.page(PROFILE).select_one("#notices .notice")
    assert text(notice) == "Phones, E-mail: saved. Undo"

    page = soup(agent.post(notice.select_one("form")["action"], follow=True))

    assert "Phones, E-mail: undone: the old value is back." in text(page.select_one("#notices"))
    assert bodies(clubmed)[-1] == {"phones": before, "email": "tom@example.com"}
    assert Change.objects.count() == 2
    assert page.select_one("#notices form") is None


def test_pressed_twice_undo_is_one_change_with_one_answer(agent, clubmed):
    row = in_place(agent, value="new@example.com")

    answers = [undo(agent, row) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert len(bodies(clubmed)) == 2
    assert Change.objects.count() == 2


def test_undo_over_a_value_that_moved_shows_both_and_asks(agent, other_agent, clubmed):
    row = in_place(agent, value="mine@example.com")
    change(other_agent, "theirs@example.com")

    answer = undo(agent, row)

    asked = soup(answer)
    assert answer.status_code == 409
    assert asked.select_one(".field")["data-state"] == "conflict"
    told = text(asked)
    assert "Changed since you saved it. Nothing was put back." in told
    assert "Owen Whitfield saved another value" in told
    shown = [cell.get_text() for cell in asked.select(".compare td")]
    assert shown == ["tom@example.com", "mine@example.com", "theirs@example.com"]
    assert len(bodies(clubmed)) == 2

    form = asked.select_one("form")
    token = form.select_one("[name=token]")["value"]
    assert agent.post(form["action"], {"token": token}, headers=HTMX).status_code == 200
    assert bodies(clubmed)[-1] == {"email": "tom@example.com"}
    assert Entry.objects.first().flags == "reverts"


def test_the_same_without_a_script_is_a_page(agent, clubmed):
    row = in_place(agent, value="mine@example.com")
    clubmed.customers[TOM]["email"] = "third@example.com"

    page = soup(undo(agent, row, headers={}))

    assert "Changed since you saved it." in text(page)
    assert page.select_one("a.btn")["href"] == f"{PROFILE}#email"


def test_what_somebody_else_put_back_already_is_not_sent(agent, clubmed):
    row = in_place(agent, value="mine@example.com")
    clubmed.customers[TOM]["email"] = "tom@example.com"

    answer = undo(agent, row)

    assert "Club Med holds this already. Nothing was sent." in text(soup(answer))
    assert len(bodies(clubmed)) == 1


def test_an_old_address_that_club_med_refuses_comes_back_in_the_editor_with_its_choice(
    agent, clubmed
):
    clubmed.customers[TOM]["address"] = UNKNOWN
    row = in_place(agent, ADDRESS, **{"address-zip_code": "69001"})

    answer = undo(agent, row)

    editor = soup(answer)
    assert answer.status_code == 422
    assert editor.select_one("[name=address-zip_code]")["value"] == "00000"
    assert editor.select_one("[name=address-zip_code][aria-invalid=true]") is not None
    assert editor.select_one("[name=force_address]") is not None
    assert Entry.objects.first().outcome == "refused"
    undone = Entry.objects.first().reverts

    post(agent, editor, ADDRESS, headers=HTMX, force_address="on", **WHY)

    entry = Entry.objects.first()
    assert (entry.outcome, entry.flags) == ("applied", "forced_address reverts")
    assert (entry.reverts, entry.reason) == (undone, WHY["reason"])


def test_what_is_typed_instead_of_the_refused_old_value_reverts_nothing(agent, clubmed):
    clubmed.customers[TOM]["address"] = UNKNOWN
    row = in_place(agent, ADDRESS, **{"address-zip_code": "69001"})
    editor = soup(undo(agent, row))

    post(agent, editor, ADDRESS, headers=HTMX, **{"address-zip_code": "69002"})

    entry = Entry.objects.first()
    assert (entry.outcome, entry.flags, entry.reverts) == ("applied", "", "")


def test_a_group_that_club_med_will_not_put_back_comes_back_beside_its_fields(agent, clubmed):
    clubmed.customers[TOM]["address"] = UNKNOWN
    typed = {"email": "new@example.com", "address-zip_code": "69001"}
    save(agent, CONTACT, **typed)
    notice = agent.page(PROFILE).select_one("#notices .notice")

    answer = agent.post(notice.select_one("form")["action"])

    page = soup(answer)
    assert answer.status_code == 422
    assert page.select_one("[name=email]")["value"] == "tom@example.com"
    assert page.select_one("[name=address-zip_code][aria-invalid=true]")["value"] == "00000"
    undone = Entry.objects.first().reverts
    post(agent, page, CONTACT, force_address="on", **WHY)
    assert bodies(clubmed)[-1]["email"] == "tom@example.com"
    assert {entry.reverts for entry in Entry.objects.all()[:2]} == {undone}


def test_an_undo_without_an_answer_is_unknown_and_not_sent_again(agent, clubmed):
    row = in_place(agent, value="new@example.com")
    clubmed.faults.add(Fault("drop_before", method="PATCH"))

    answer = undo(agent, row)

    assert answer.status_code == 503
    assert soup(answer).select_one(".field")["data-state"] == "unknown"
    assert JournalLine.objects.get().reverts == newest().pk.hex
    assert undo(agent, row).status_code == 503
    assert len(bodies(clubmed)) == 2


def test_nobody_undoes_what_somebody_else_saved(agent, other_agent, auditor, clubmed):
    action = in_place(agent, value="new@example.com").select_one(".was-saved form")["action"]

    assert other_agent.post(action).status_code == 404
    assert auditor.post(action).status_code == 403
    assert agent.get(action).status_code == 405
    assert agent.post(action.replace(TOM, "704118236")).status_code == 404
    assert len(bodies(clubmed)) == 1


def test_a_first_name_that_was_missing_offers_no_undo(agent, clubmed):
    clubmed.customers[TOM]["first_name"] = None
    row = in_place(agent, f"{PROFILE}fields/first_name/", value="Tom")

    assert row.select_one(".was-saved form") is None


def test_the_reason_of_the_bar_goes_with_an_undo(agent, clubmed):
    row = in_place(agent, value="new@example.com")
    session = agent.session
    keep_reason(session, TOM, "Customer called")
    session.save()
    undo(agent, row)

    assert Entry.objects.first().reason == "Customer called"


@BOTH_WAYS
def test_a_field_that_needs_a_reason_is_undone_only_with_one(agent, clubmed, settings, headers):
    row = in_place(agent, value="new@example.com")
    settings.REASON_REQUIRED = {"email"}

    answer = undo(agent, row, headers)

    asked = soup(answer).select_one("form.editor")
    assert answer.status_code == 422
    assert "Give a reason: it is recorded. Nothing was put back." in text(asked)
    assert len(bodies(clubmed)) == 1
    agent.post(asked["action"], {"reason": "Wrong customer"}, headers=headers)
    assert bodies(clubmed)[-1] == {"email": "tom@example.com"}
    assert Entry.objects.first().reason == "Wrong customer"


def test_its_reason_stays_when_the_value_has_moved(agent, other_agent, clubmed, settings):
    row = in_place(agent, value="new@example.com")
    change(other_agent, "theirs@example.com")
    settings.REASON_REQUIRED = {"email"}
    asked = soup(undo(agent, row)).select_one("form.editor")

    both = soup(agent.post(asked["action"], {"reason": "Wrong customer"}, headers=HTMX))
    sent = {field["name"]: field["value"] for field in both.select("form.editor [type=hidden]")}
    agent.post(asked["action"], sent, headers=HTMX)

    assert bodies(clubmed)[-1] == {"email": "tom@example.com"}
    assert Entry.objects.first().reason == "Wrong customer"


# Put back -----------------------------------------------------------------------------------------


@BOTH_WAYS
def test_a_supervisor_puts_an_old_value_back_with_a_reason(agent, supervisor, clubmed, headers):
    change(agent, "new@example.com")
    first = newest()
    page = supervisor.page(place(first))
    assert "E-mail: tom@example.com" in text(page.select_one("#revert"))
    assert "Not changed in this desk since." in text(page.select_one("#revert"))

    answer = revert(supervisor, place(first), "email", headers=headers)

    led = answer["HX-Redirect"] if headers else answer["Location"]
    assert led == place(newest())
    assert bodies(clubmed)[-1] == {"email": "tom@example.com"}
    entry = Entry.objects.first()
    assert (entry.flags, entry.reverts) == ("reverts", first.pk.hex)
    assert (entry.reason, entry.actor_name) == (WHY["reason"], "Sana El Idrissi")
    assert "E-mail: the old value is back." in text(supervisor.page(led).select_one("#notices"))


def test_both_changes_link_to_each_other_and_lists_say_so(agent, supervisor, auditor):
    change(agent, "new@example.com")
    first = newest()
    revert(supervisor, place(first), "email")
    second = newest()

    for reader in (supervisor, auditor):
        later, earlier = reader.page(place(second)), reader.page(place(first))
        assert later.select_one(".notice a")["href"] == place(first)
        assert "Put back by Sana El Idrissi on" in text(earlier)
        assert earlier.select_one(".notice a")["href"] == place(second)
        row = reader.page("/audit/").select_one("tbody.change")
        assert text(row.select_one(".reason")).startswith(f"{WHY['reason']} Reverts ")
        assert row.select_one(".reason a")["href"] == place(first)
    told = text(agent.page(f"{PROFILE}history/").select_one("tbody.change .reason"))
    assert "Reverts" in told


def test_several_fields_go_back_as_one_change_and_the_others_stay(agent, supervisor, clubmed):
    clubmed.customers[TOM]["birth_city"] = "Nice"
    typed = {"first_name": "Thomas", "birth_city": "Lyon", "last_name": "Smythe"}
    save(agent, f"{PROFILE}groups/identity/", **typed)

    revert(supervisor, place(newest()), "first_name", "birth_city")

    assert bodies(clubmed)[-1] == {"first_name": "Tom", "birth_city": "Nice"}
    assert {entry.field for entry in Entry.objects.filter(flags="reverts")} == {
        "first_name",
        "birth_city",
    }


@BOTH_WAYS
def test_a_value_that_moved_is_shown_beside_the_old_one_and_asked_about(
    agent, supervisor, clubmed, headers
):
    change(agent, "new@example.com")
    first = newest()
    clubmed.customers[TOM]["email"] = "third@example.com"

    answer = revert(supervisor, place(first), "email", headers=headers)

    asked = soup(answer)
    assert answer.status_code == 409
    assert "Changed since then. Nothing was put back." in text(asked)
    shown = [cell.get_text() for cell in asked.select(".compare td")]
    assert shown == ["tom@example.com", "new@example.com", "third@example.com"]
    assert asked.select_one("[name=field]").has_attr("checked") is False
    assert asked.select_one("[name=reason]")["value"] == WHY["reason"]
    assert len(bodies(clubmed)) == 1

    revert(supervisor, place(first), "email", page=asked)
    assert bodies(clubmed)[-1] == {"email": "tom@example.com"}


def test_what_somebody_else_put_back_meanwhile_leaves_nothing_to_tick(agent, supervisor, clubmed):
    change(agent, "new@example.com")
    first = newest()
    page = supervisor.page(place(first))
    revert(supervisor, place(first), "email")

    told = text(soup(revert(supervisor, place(first), "email", page=page)).select_one("#revert"))

    assert "Changed since then. Nothing was put back. E-mail" in told
    assert "Club Med holds the old value already." in told
    assert len(bodies(clubmed)) == 2


def test_what_moves_once_more_is_asked_about_once_more(agent, supervisor, clubmed):
    change(agent, "new@example.com")
    first = newest()
    clubmed.customers[TOM]["email"] = "third@example.com"
    page = supervisor.page(place(first, "revert"))
    assert "third@example.com" in page.select_one(".compare").get_text()
    clubmed.customers[TOM]["email"] = "fourth@example.com"

    asked = revert(supervisor, place(first, "revert"), "email", page=page)

    assert asked.status_code == 409
    assert "fourth@example.com" in soup(asked).select_one(".compare").get_text()
    assert len(bodies(clubmed)) == 1


def test_the_page_shows_what_club_med_holds_now_and_is_recorded(agent, supervisor, clubmed):
    change(agent, "new@example.com")
    page = supervisor.page(place(newest(), "revert"))

    assert "Not changed since." in text(page.select_one("#revert"))
    assert page.select_one("[name=field]").has_attr("checked")
    kinds = AccessEvent.objects.filter(actor_sub="staff-1003").values_list("kind", flat=True)
    assert {"audit", "view"} <= {*kinds}


def test_what_was_erased_is_never_put_back_and_the_page_says_why(agent, supervisor, clubmed):
    change(agent, "new@example.com")
    first = newest()
    page = supervisor.page(place(first))
    forget()

    assert supervisor.page(place(first)).select_one("#revert") is None
    told = supervisor.page(place(first, "revert"))
    assert "E-mail The old value is erased." in text(told.select_one("#revert"))
    assert told.select_one("#revert form") is None
    assert revert(supervisor, place(first), "email", page=page).status_code == 422
    assert len(bodies(clubmed)) == 1


@pytest.mark.parametrize(
    ("make", "why"),
    [
        ("create", "The customer was created with it: there was no value before."),
        ("refuse", "This was not applied: there is nothing to put back."),
        ("name", "It was empty before, and cannot be emptied from here."),
        ("optin", "Club Med has no way back to the old value."),
        ("back", "Club Med holds the old value already."),
    ],
)
def test_what_cannot_be_put_back_says_why(agent, supervisor, clubmed, make, why):
    if make == "create":
        create(agent, **NEW)
    elif make == "refuse":
        clubmed.faults.add(Fault("status", method="PATCH", status=400))
        save(agent, EMAIL, value="new@example.com")
    elif make == "name":
        clubmed.customers[TOM]["first_name"] = None
        save(agent, f"{PROFILE}fields/first_name/", value="Tom")
    elif make == "optin":
        clubmed.customers[TOM]["optins"] = [{"channel": "EMAIL", "optin": True}]
        save(agent, f"{PROFILE}fields/optins/", **{"optins-SMS": "yes"})
    else:
        change(agent, "new@example.com")
        clubmed.customers[TOM]["email"] = "tom@example.com"

    page = supervisor.page(place(newest(), "revert"))

    assert why in text(page.select_one("#revert"))
    assert page.select_one("#revert form") is None


def test_an_answer_to_a_channel_goes_back(agent, supervisor, clubmed):
    asked = [{"channel": "EMAIL", "optin": True}, {"channel": "SMS", "optin": False}]
    clubmed.customers[TOM]["optins"] = asked
    save(agent, f"{PROFILE}fields/optins/", **{"optins-SMS": "yes"})

    revert(supervisor, place(newest()), "optins")

    assert bodies(clubmed)[-1] == {"optins": asked}


def test_an_address_loses_the_members_that_came_since(agent, supervisor, clubmed):
    old = {"street": "Rua A", "city": "São Paulo", "country_code": "BR", "geo": "kept"}
    clubmed.customers[TOM]["address"] = old
    save(agent, ADDRESS, **{"address-add_on": "Apto 92"})

    revert(supervisor, place(newest()), "address")

    assert bodies(clubmed)[-1] == {"address": old | {"add_on": None}}


def test_a_date_goes_back_in_the_form_that_club_med_takes(agent, supervisor, clubmed):
    clubmed.customers[TOM]["birthdate"] = "1986-06-14"
    save(agent, f"{PROFILE}fields/birthdate/", value="15/06/1986")

    revert(supervisor, place(newest()), "birthdate")

    assert bodies(clubmed)[-1] == {"birthdate": "19860614"}


def test_a_sensitive_value_goes_back_unseen(agent, supervisor, clubmed):
    clubmed.customers[TOM]["identity"] = {"type": "DNI", "number": "22255588846"}
    typed = {"identity-type": "CPF", "identity-number": "48392716055", "anyway": "identity"}
    save(agent, IDENTITY, **typed)
    first = newest()

    for url in (place(first), place(first, "revert")):
        shown = supervisor.get(url).content.decode()
        assert "22255588846" not in shown
        assert "48392716055" not in shown
    revert(supervisor, place(first), "identity")

    assert bodies(clubmed)[-1] == {"identity": {"type": "DNI", "number": "22255588846"}}


def test_a_refusal_of_the_old_address_offers_to_send_it_without_the_check(
    agent, supervisor, clubmed
):
    clubmed.customers[TOM]["address"] = UNKNOWN
    save(agent, ADDRESS, **{"address-zip_code": "69001"})
    first = newest()

    refused = revert(supervisor, place(first), "address", headers=HTMX)

    page = soup(refused)
    assert refused.status_code == 422
    assert "Address: " in text(page.select_one("[role=alert]"))
    assert page.select_one("[name=force_address]").has_attr("checked") is False
    revert(supervisor, place(first), "address", page=page, force_address="on")
    [*_, forced] = [one for one in clubmed.requests if one.method == "PATCH"]
    assert forced.query == "force_address=true"
    assert Entry.objects.first().flags == "forced_address reverts"


def test_a_refusal_is_told_with_its_field_and_can_be_sent_again(agent, supervisor, clubmed):
    change(agent, "new@example.com")
    first = newest()
    refusal = '{"errors": [{"concerned_key": "email", "error_description": "Not allowed."}]}'
    clubmed.faults.add(Fault("status", method="PATCH", status=400, body=refusal))

    refused = revert(supervisor, place(first), "email")
    assert refused.status_code == 422
    assert "E-mail: Not allowed." in text(soup(refused).select_one("#revert"))
    revert(supervisor, place(first), "email", page=soup(refused))

    assert bodies(clubmed)[-2:] == [{"email": "tom@example.com"}] * 2


def test_no_answer_leads_to_the_change_that_waits(agent, supervisor, clubmed):
    change(agent, "new@example.com")
    first = newest()
    clubmed.faults.add(Fault("drop_after", method="PATCH"))

    page = supervisor.page(revert(supervisor, place(first), "email")["Location"])

    assert "We do not know yet whether Club Med stored this." in text(page.select_one("#notices"))
    assert "Waiting" in text(page.select_one("h1"))


def test_what_somebody_is_saving_right_now_is_not_put_back(agent, supervisor, clubmed):
    change(agent, "new@example.com")
    first = newest()
    lose_the_answer(agent, clubmed, "drop_before", "other@example.com")

    answer = revert(supervisor, place(first), "email")

    assert answer.status_code == 409
    assert "Inès Moreau is saving e-mail right now." in text(soup(answer))


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"field": [], **WHY}, "Tick at least one field."),
        ({"field": ["last_name"], **WHY}, "Tick at least one field."),
        ({"field": ["email"], "reason": " "}, "Give a reason: it is recorded."),
        ({"field": ["email"], "token": "forged", **WHY}, "This form has expired."),
    ],
)
def test_a_form_that_lacks_something_puts_nothing_back(agent, supervisor, clubmed, typed, said):
    change(agent, "new@example.com")
    first = newest()

    answer = revert(supervisor, place(first), **typed)

    assert said in text(soup(answer).select_one("#revert"))
    assert len(bodies(clubmed)) == 1


def test_a_session_that_ended_keeps_the_reason(agent, supervisor):
    change(agent, "new@example.com")
    url = place(newest())
    form = supervisor.page(url).select_one("#revert form")
    data = {"token": form.select_one("[name=token]")["value"], "field": "email"} | WHY
    del supervisor.cookies["crmadmin_session"]

    answer = supervisor.post(f"{url}revert/", data)
    sign_in = urlsplit(soup(answer).select_one("a[href*=next]")["href"])
    page = sign_in_again(supervisor, SUPERVISOR).page(parse_qs(sign_in.query)["next"][0])

    assert answer.status_code == 401
    assert page.select_one("[name=reason]")["value"] == WHY["reason"]
    assert page.select_one("[name=field][value=email]").has_attr("checked")
