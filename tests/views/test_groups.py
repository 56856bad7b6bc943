"""All fields of one group at once: what was touched goes out in one PATCH, as one change."""

import pytest

from customers.audit.models import Change, Entry, JournalLine
from tests.acts import CONTACT, EMAIL, post, save
from tests.conftest import HTMX, TOM, sent, soup, text

pytestmark = pytest.mark.once
IDENTITY = f"/customers/{TOM}/groups/identity/"
PREFERENCES = f"/customers/{TOM}/groups/preferences/"
PROFILE = f"/customers/{TOM}/"
PATH = f"/v1/customers/{TOM}/profile"


def calls(clubmed):
    return [request.method for request in clubmed.requests]


def bodies(clubmed):
    return [body for _, body in sent(clubmed, "PATCH")]


# The way through


def test_rare_fields_without_a_value_are_folded_away_unless_something_is_wrong_there(agent):
    agent.get(PROFILE)
    page = agent.page(IDENTITY)
    folded = page.select_one("details.add-field")
    assert folded.select_one("[name=unicode_first_name]") is not None
    assert folded.select_one("[name=birthdate]") is None
    assert not folded.has_attr("open")

    wrong = soup(post(agent, page, IDENTITY, second_name="x" * 60))
    assert wrong.select_one("details.add-field").has_attr("open")


def test_several_fields_go_out_as_one_change(agent, clubmed):
    agent.get(PROFILE)
    page = agent.page(CONTACT)
    clubmed.requests.clear()
    phone = {"phones-0-number": "+33611223344", "phones-0-type": "HOME"}

    answer = post(agent, page, email="new@example.com", **phone)

    assert answer["Location"] == PROFILE
    assert calls(clubmed) == ["GET", "PATCH"]
    body = {"phones": [{"number": "+33611223344", "type": "HOME"}], "email": "new@example.com"}
    assert sent(clubmed, "PATCH") == [(PATH, body)]
    assert "Phones, E-mail: saved." in text(agent.page(PROFILE).select_one("#notices"))
    entries = Entry.objects.filter(outcome="applied", actor_name="Inès Moreau")
    assert {(e.field, e.change_id) for e in entries} == {
        (field, Change.objects.get().pk) for field in ("phones", "email")
    }
    assert not JournalLine.objects.exists()


def test_the_profile_leads_there_and_other_groups_have_no_such_page(agent):
    links = {a["href"] for a in agent.page(PROFILE).select(".panel-head a[href*=groups]")}

    assert links == {f"{PROFILE}groups/{g}/" for g in ("identity", "contact", "preferences")}
    for slug in ("account", "head", "call", "nonsense"):
        assert agent.get(f"{PROFILE}groups/{slug}/").status_code == 404
    assert agent.get("/customers/12a/groups/contact/").status_code == 404


def test_with_htmx_the_browser_is_led_to_the_profile(agent):
    assert save(agent, headers=HTMX, email="new@example.com")["HX-Redirect"] == PROFILE


# Leave, set and clear are three acts


def test_what_was_not_touched_is_not_sent_whatever_it_holds(agent, clubmed):
    clubmed.customers[TOM] |= {
        "last_name": "A name that is longer than the thirty characters it may have",
        "second_name": " spaced  and\nbroken ",
        "birthdate": "1986-06-14",
        "civility": "KING",
        "phones": [{"number": "+33 6 12", "type": "FAX", "verified": True}],
        "address": {"street": "x" * 120},
    }

    nothing = save(agent)
    wrong = soup(save(agent, email="nonsense"))
    save(agent, IDENTITY, birth_city="Lyon")

    assert nothing.status_code == 200
    assert "Nothing was changed, so nothing was sent." in text(soup(nothing))
    assert wrong.select_one("#address-input").select_one(".error, [aria-invalid]") is None
    assert bodies(clubmed) == [{"birth_city": "Lyon"}]


def test_an_emptied_input_is_no_clear(agent, clubmed):
    answer = save(agent, email="")

    assert answer.status_code == 422
    told = text(soup(answer).select_one("#email-input"))
    assert "Nothing to save. To empty this field, tick “Clear”." in told


@pytest.mark.parametrize("emptied", [{}, {"email": ""}], ids=["as it was", "emptied"])
def test_clearing_has_a_control_of_its_own_and_a_forged_one_does_nothing(agent, clubmed, emptied):
    save(agent, clear=["email", "phones"], **emptied)
    forged = save(agent, IDENTITY, clear=["first_name"])

    assert bodies(clubmed) == [{"phones": [], "email": None}]
    assert "Nothing was changed, so nothing was sent." in text(soup(forged))


def test_clearing_and_typing_at_once_is_asked_about_and_both_are_kept(agent):
    answer = save(agent, clear=["email"], email="new@example.com")

    page = soup(answer)
    assert answer.status_code == 422
    assert "Type a value or clear the field, not both." in text(page)
    assert page.select_one("[name=email]")["value"] == "new@example.com"
    assert page.select_one("#email-input [name=clear]").has_attr("checked")


def test_what_club_med_holds_already_is_not_sent(agent, clubmed):
    page = agent.page(IDENTITY)
    clubmed.customers[TOM]["first_name"] = "TOM"
    clubmed.requests.clear()

    answer = post(agent, page, IDENTITY, first_name="TOM")

    assert calls(clubmed) == ["GET"]
    assert "Nothing was sent" in text(soup(agent.get(answer["Location"])).select_one("#notices"))
    assert not Entry.objects.exists()


# What others do meanwhile


def test_a_field_that_moved_meanwhile_asks_whose_value_is_to_be(agent, clubmed):
    clubmed.customers[TOM]["birth_city"] = "Nice"
    page = agent.page(IDENTITY)
    clubmed.customers[TOM] |= {"birth_city": "Rome", "last_name": "Jones", "fourth_name": "Bo"}

    typed = {"first_name": "Thomas", "birth_city": "Lyon", "last_name": "Smythe"}
    answer = post(agent, page, IDENTITY, **typed)

    page = soup(answer)
    assert answer.status_code == 409
    assert bodies(clubmed) == []
    assert "Changed while you were typing. Nothing was sent." in text(page)
    place = text(page.select_one("#birth_city-input"))
    assert "Club Med now holds another value. You saw Nice Now at Club Med Rome" in place
    shown = {name: page.select_one(f"[name={name}]")["value"] for name in (*typed, "fourth_name")}
    assert shown == typed | {"fourth_name": "Bo"}
    assert page.select("[type=radio][name$=-choice][checked]") == []

    unanswered = post(agent, page, IDENTITY)
    assert unanswered.status_code == 422
    place = text(soup(unanswered).select_one("#birth_city-input"))
    assert "Now at Club Med Rome" in place
    assert "Choose one: theirs or yours." in place
    choices = {"birth_city-choice": "theirs", "last_name-choice": "mine"}
    saved = post(agent, soup(unanswered), IDENTITY, **choices)

    assert bodies(clubmed) == [{"first_name": "Thomas", "last_name": "Smythe"}]
    notices = soup(agent.get(saved["Location"])).select_one("#notices")
    assert "Place of birth: their value stays. Yours, “Lyon”, was not sent. Use it" in text(notices)
    editor = agent.page(notices.select_one("a[href*=again]")["href"])
    assert editor.select_one("[name=value]")["value"] == "Lyon"


def test_a_clear_of_what_moved_asks_too_and_names_who_was_quicker(agent, other_agent, clubmed):
    page = agent.page(CONTACT)
    save(other_agent, EMAIL, value="theirs@example.com")

    asked = soup(post(agent, page, clear=["email"]))
    told = text(asked.select_one("#email-input"))
    assert "Owen Whitfield saved another value" in told
    assert "Clear anyway" in told
    post(agent, asked, **{"email-choice": "mine"})

    assert bodies(clubmed)[-1] == {"email": None}


def test_what_moved_in_another_tab_asks_and_what_was_not_touched_is_left_alone(agent, clubmed):
    page = agent.page(IDENTITY)
    clubmed.customers[TOM]["birth_city"] = "Rome"
    agent.get(PROFILE)

    asked = post(agent, page, IDENTITY, birth_city="Lyon")
    assert asked.status_code == 409
    assert "Now at Club Med Rome" in text(soup(asked).select_one("#birth_city-input"))
    post(agent, page, IDENTITY, first_name="Thomas")

    assert bodies(clubmed) == [{"first_name": "Thomas"}]


# Lists and objects


@pytest.mark.other_contract
def test_phones_without_a_type_or_a_number_are_left_as_they_are(agent, clubmed):
    odd = [{"number": "+33611223344", "type": None}, {"number": None, "type": "HOME"}]
    clubmed.customers[TOM]["phones"] = [*odd, {"number": "0622334455", "type": "HOME"}]
    assert "Nothing was changed, so nothing was sent." in text(soup(save(agent)))

    save(agent, **{"phones-2-number": "+33699887766"})

    assert bodies(clubmed) == [{"phones": [*odd, {"number": "+33699887766", "type": "HOME"}]}]
