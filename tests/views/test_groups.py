"""All fields of one group at once: one look at what will be sent, one PATCH, one change."""

import json

import pytest

from crmadmin.sandbox import Fault
from customers.audit.models import Change, Entry, JournalLine
from tests.acts import inputs, let_the_grace_pass, post, previewed, sign_in_again
from tests.conftest import AGENT, HTMX, OTHER_AGENT, TOM, sent, soup, text

URL = f"/customers/{TOM}/groups/contact/"
IDENTITY = f"/customers/{TOM}/groups/identity/"
PATH = f"/v1/customers/{TOM}/profile"


def calls(clubmed):
    return [request.method for request in clubmed.requests]


# The way through


def test_several_fields_go_out_as_one_change_after_a_look_at_it(agent, clubmed):
    agent.get(f"/customers/{TOM}/")
    clubmed.requests.clear()
    preview = previewed(
        agent, email="new@example.com", **{"phones-0-number": "0611223344", "phones-0-type": "HOME"}
    )
    assert calls(clubmed) == []
    deltas = {text(row.th): text(row.td) for row in preview.select("tbody.change tr")}
    assert deltas["E-mail"] == "tom @example.com → new @example.com"
    assert list(deltas) == ["Phones", "E-mail"]

    answer = post(agent, preview, "send")

    assert answer["Location"] == f"/customers/{TOM}/"
    assert calls(clubmed) == ["GET", "PATCH"]
    body = {
        "phones": [{"number": "0611223344", "type": "HOME"}],
        "email": "new@example.com",
    }
    assert sent(clubmed, "PATCH") == [(PATH, body)]
    assert json.loads(preview.select_one("pre").text) == body
    page = agent.page(f"/customers/{TOM}/")
    assert "Phones, E-mail: saved." in text(page.select_one("#notices"))
    change = Change.objects.get()
    assert (change.outcome, change.actor_name) == ("applied", "Inès Moreau")
    assert {e.field for e in Entry.objects.filter(outcome="applied")} == {"phones", "email"}
    assert not JournalLine.objects.exists()


def test_the_profile_leads_there_and_other_groups_have_no_such_page(agent):
    page = agent.page(f"/customers/{TOM}/")

    links = {a["href"] for a in page.select(".panel-head a[href*=groups]")}

    assert links == {
        f"/customers/{TOM}/groups/{g}/" for g in ("identity", "contact", "preferences")
    }
    for slug in ("account", "head", "call", "nonsense"):
        assert agent.get(f"/customers/{TOM}/groups/{slug}/").status_code == 404
    assert agent.get("/customers/12a/groups/contact/").status_code == 404


def test_how_club_med_writes_it_is_recorded_by_the_profile_that_follows(agent, clubmed):
    post(agent, previewed(agent, IDENTITY, first_name="Thomás"), "send", IDENTITY)

    agent.get(f"/customers/{TOM}/")

    assert [e.outcome for e in Entry.objects.order_by("seq")] == ["applied", "stored_as"]


def test_under_htmx_the_form_gives_way_to_the_preview_and_that_to_the_profile(agent, clubmed):
    answer = post(agent, agent.page(URL), "preview", headers=HTMX, email="new@example.com")
    preview = soup(answer)
    assert preview.select_one("html") is None

    done = post(agent, preview, "send", headers=HTMX)

    assert done["HX-Redirect"] == f"/customers/{TOM}/"
    assert len(sent(clubmed, "PATCH")) == 1


# Leave, set and clear are three acts


def test_what_was_not_touched_is_not_sent_whatever_it_holds(agent, clubmed):
    clubmed.customers[TOM] |= {
        "last_name": "A name that is longer than the thirty characters it may have",
        "second_name": " spaced  and\nbroken ",
        "birthdate": "1986-06-14",
        "civility": "KING",
        "phones": [{"number": "+33 6 12", "type": "FAX", "verified": True}],
    }

    preview = previewed(agent, IDENTITY, birth_city="Lyon")
    nothing = previewed(agent)

    assert json.loads(preview.select_one("pre").text) == {"birth_city": "Lyon"}
    assert "Nothing is changed here yet, so nothing would be sent." in text(nothing)
    assert sent(clubmed, "PATCH") == []


def test_an_emptied_input_is_no_clear(agent, clubmed):
    answer = post(agent, agent.page(URL), "preview", email="")

    assert answer.status_code == 422
    assert "An empty answer changes nothing. To empty it, tick “Clear”." in text(
        soup(answer).select_one("#email-input")
    )


@pytest.mark.parametrize("emptied", [{}, {"email": ""}], ids=["as it was", "emptied"])
def test_clearing_has_a_control_of_its_own(agent, clubmed, emptied):
    preview = previewed(agent, clear=["email", "phones"], **emptied)
    assert "Will be cleared" in text(preview.select_one("tbody.change"))

    post(agent, preview, "send")

    assert sent(clubmed, "PATCH") == [(PATH, {"phones": [], "email": None})]


def test_what_cannot_be_cleared_has_no_such_control_and_a_forged_one_does_nothing(agent, clubmed):
    page = agent.page(IDENTITY)
    assert page.select_one("#first_name-input [name=clear]") is None

    answer = post(agent, page, "preview", IDENTITY, clear=["first_name"])

    assert "Nothing is changed here yet" in text(soup(answer))


def test_clearing_and_typing_at_once_is_asked_about(agent):
    answer = post(agent, agent.page(URL), "preview", clear=["email"], email="new@example.com")

    assert answer.status_code == 422
    assert "Type another or clear it: it cannot be both." in text(soup(answer))


# What is sent is what was previewed


def test_going_on_editing_keeps_what_was_typed(agent):
    preview = previewed(agent, clear=["phones"], email="new@example.com")

    page = soup(post(agent, preview, "edit"))

    assert page.select_one("[name=email]")["value"] == "new@example.com"
    assert page.select_one("#phones-input [name=clear]").has_attr("checked")
    again = soup(post(agent, page, "preview", email="newer@example.com"))
    assert "newer@example.com" in again.select_one("pre").text


def test_the_form_cannot_be_sent_past_the_preview(agent, other_agent, clubmed):
    page = agent.page(URL)

    skipped = post(agent, page, "send", email="new@example.com")
    preview = soup(skipped)
    assert "This will be sent to Club Med" in text(preview)
    other = json.dumps({"email": "other@example.com"})
    forged = [
        post(agent, page, "send", email="new@example.com", typed=other),
        post(agent, preview, "send", typed=other),
        post(other_agent, preview, "send"),
    ]

    for answer in forged:
        assert answer.status_code == 422
        assert "Nothing was sent." in text(soup(answer))
        assert soup(answer).select_one("[name=email]")["value"] == "new@example.com"
    assert sent(clubmed, "PATCH") == []


def test_a_preview_sent_twice_is_one_change(agent, clubmed):
    preview = previewed(agent, email="new@example.com")

    for _ in range(2):
        assert post(agent, preview, "send").status_code == 302

    assert len(sent(clubmed, "PATCH")) == 1
    assert Entry.objects.count() == 1


def test_what_club_med_holds_already_is_not_sent(agent, clubmed):
    preview = previewed(agent, IDENTITY, first_name="TOM")
    clubmed.customers[TOM]["first_name"] = "TOM"
    clubmed.requests.clear()

    answer = post(agent, preview, "send", IDENTITY)

    assert calls(clubmed) == ["GET"]
    assert "nothing was sent" in text(soup(agent.get(answer["Location"])).select_one("#notices"))
    assert not Entry.objects.exists()


# What can go wrong


def test_what_is_refused_stands_beside_its_field_and_nothing_is_stored(agent, clubmed):
    preview = previewed(agent, IDENTITY, first_name="Thomas", birth_city="Lyon")
    error = {"error_code": "X1", "concerned_key": "birth_city", "error_description": "No such city"}
    refusal = json.dumps({"status_code": 400, "errors": [error, {"error_description": "So sorry"}]})
    clubmed.faults.add(Fault("status", method="PATCH", status=400, body=refusal))

    answer = post(agent, preview, "send", IDENTITY)

    page = soup(answer)
    assert answer.status_code == 422
    assert "Club Med refused this So sorry Nothing was changed." in text(page)
    assert "Club Med: No such city" in text(page.select_one("#birth_city-input"))
    assert page.select_one("[name=first_name]")["value"] == "Thomas"
    assert {e.outcome for e in Entry.objects.all()} == {"refused"}
    again = post(agent, page, "preview", IDENTITY, birth_city="Paris")
    assert post(agent, soup(again), "send", IDENTITY).status_code == 302
    assert clubmed.customers[TOM]["birth_city"].lower() == "paris"


def test_a_field_that_moved_meanwhile_asks_whose_value_is_to_be(agent, clubmed):
    clubmed.customers[TOM]["birth_city"] = "Nice"
    preview = previewed(agent, IDENTITY, first_name="Thomas", birth_city="Lyon", last_name="Smythe")
    clubmed.customers[TOM] |= {"birth_city": "Rome", "last_name": "Jones", "fourth_name": "Bo"}

    answer = post(agent, preview, "send", IDENTITY)

    assert answer.status_code == 409
    page = soup(answer)
    assert sent(clubmed, "PATCH") == []
    place = text(page.select_one("#birth_city-input"))
    assert "Club Med now holds another value. You saw Nice Now at Club Med Rome" in place
    assert page.select_one("[name=birth_city]")["value"] == "Lyon"
    assert page.select_one("[name=fourth_name]")["value"] == "Bo"
    assert page.select("[type=radio][name$=-choice][checked]") == []

    unanswered = post(agent, page, "preview", IDENTITY)
    assert unanswered.status_code == 422
    assert "Choose one: theirs or yours." in text(soup(unanswered).select_one("#birth_city-input"))
    choices = {"birth_city-choice": "theirs", "last_name-choice": "mine"}
    preview = soup(post(agent, soup(unanswered), "preview", IDENTITY, **choices))
    post(agent, preview, "send", IDENTITY)

    assert sent(clubmed, "PATCH") == [(PATH, {"first_name": "Thomas", "last_name": "Smythe"})]


def test_what_another_system_stored_meanwhile_is_nobodys_save(agent, clubmed):
    post(agent, previewed(agent, IDENTITY, birth_city="Nice"), "send", IDENTITY)
    preview = previewed(agent, IDENTITY, birth_city="Lyon")
    clubmed.customers[TOM]["birth_city"] = "Rome"

    page = soup(post(agent, preview, "send", IDENTITY))

    told = text(page.select_one("#birth_city-input"))
    assert "Club Med now holds another value. You saw Nice Now at Club Med Rome" in told


def test_what_others_changed_beside_it_is_left_alone(agent, other_agent, clubmed):
    page = agent.page(IDENTITY)
    clubmed.customers[TOM]["birth_city"] = "Rome"
    agent.get(f"/customers/{TOM}/")  # in another tab

    preview = soup(post(agent, page, "preview", IDENTITY, first_name="Thomas"))

    assert json.loads(preview.select_one("pre").text) == {"first_name": "Thomas"}


def test_going_on_editing_shows_what_others_changed_beside_it(agent, clubmed):
    preview = previewed(agent, IDENTITY, first_name="Thomas")
    clubmed.customers[TOM]["birth_city"] = "Rome"
    agent.get(f"/customers/{TOM}/")  # in another tab

    page = soup(post(agent, preview, "edit", IDENTITY))

    assert page.select_one("[name=birth_city]")["value"] == "Rome"
    assert page.select_one("[name=first_name]")["value"] == "Thomas"


@pytest.mark.parametrize("act", ["preview", "edit"])
def test_what_moved_in_another_tab_asks_before_anything_is_sent(agent, clubmed, act):
    page = agent.page(IDENTITY)
    if act == "edit":
        page = soup(post(agent, page, "preview", IDENTITY, birth_city="Lyon"))
    clubmed.customers[TOM]["birth_city"] = "Rome"
    agent.get(f"/customers/{TOM}/")
    clubmed.requests.clear()

    answer = post(agent, page, act, IDENTITY, birth_city="Lyon")

    assert answer.status_code == 409
    assert "Now at Club Med Rome" in text(soup(answer).select_one("#birth_city-input"))
    assert calls(clubmed) == []


def test_a_field_that_somebody_is_saving_is_not_sent(agent, other_agent, clubmed):
    preview = previewed(agent, email="new@example.com")
    clubmed.faults.add(Fault("drop_before", method="PATCH"))
    url = f"/customers/{TOM}/fields/email/"
    other_agent.post(url, other_agent.form(url) | {"value": "other@example.com"})

    answer = post(agent, preview, "send")

    assert answer.status_code == 409
    assert "Owen Whitfield is saving e-mail at this moment. Nothing of this was sent" in text(
        soup(answer)
    )
    assert len(sent(clubmed, "PATCH")) == 1


def test_an_unknown_outcome_says_so_and_is_never_sent_again(agent, clubmed):
    preview = previewed(agent, email="new@example.com")
    clubmed.faults.add(Fault("drop_after", method="PATCH"))

    for _ in range(2):
        answer = post(agent, preview, "send")
        assert answer.status_code == 503
        page = soup(answer)
        assert "We do not know yet whether Club Med stored this" in text(page)
        assert "E-mail new@example.com" in text(page)
        assert page.select_one("#group a[href='/saves/']")
    let_the_grace_pass()
    agent.get(f"/customers/{TOM}/")

    assert len(sent(clubmed, "PATCH")) == 1
    assert [e.outcome for e in Entry.objects.all()] == ["applied"]


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "htmx"])
def test_while_club_med_does_not_answer_the_preview_stays(agent, clubmed, headers):
    preview = previewed(agent, email="new@example.com")
    clubmed.faults.add(Fault("status", method="GET", status=503, times=None))

    answer = post(agent, preview, "send", headers=headers)

    assert answer.status_code == 503
    page = soup(answer)
    assert "Club Med does not answer. Nothing was sent." in text(page)
    clubmed.faults.clear()
    assert post(agent, page, "send").status_code == 302
    assert clubmed.customers[TOM]["email"] == "new@example.com"


@pytest.mark.parametrize("act", ["preview", "send"])
def test_a_session_that_ended_keeps_what_was_typed_for_its_person(agent, clubmed, act):
    page = agent.page(URL)
    if act == "send":
        page = soup(post(agent, page, "preview", email="new@example.com"))
    agent.cookies.clear()

    answer = post(agent, page, act, email="new@example.com")
    back = sign_in_again(agent, AGENT).page(URL)

    assert answer.status_code == 401
    assert "Here is what you typed before you signed in again." in text(back)
    assert back.select_one("[name=email]")["value"] == "new@example.com"
    assert sent(clubmed, "PATCH") == []


def test_what_was_typed_is_given_back_to_nobody_else(agent, clubmed):
    page = agent.page(URL)
    agent.cookies.clear()
    post(agent, page, "preview", email="new@example.com")

    back = sign_in_again(agent, OTHER_AGENT).page(URL)

    assert back.select_one("[name=email]")["value"] == "tom@example.com"
    assert "Here is what you typed" not in text(back)


def test_a_row_of_phones_is_added_and_removed_without_a_script(agent, clubmed):
    page = agent.page(URL)
    data = inputs(page) | {"add": "phone", "email": "new@example.com"}
    longer = soup(agent.post(URL, data))
    assert longer.select_one("[name=email]")["value"] == "new@example.com"

    typed = {"phones-1-number": "0611223344", "phones-1-type": "HOME"}
    preview = soup(post(agent, longer, "preview", **typed))

    assert json.loads(preview.select_one("pre").text)["phones"] == [
        *clubmed.customers[TOM]["phones"],
        {"type": "HOME", "number": "0611223344"},
    ]


# Lists and objects


def test_an_address_and_an_e_mail_go_out_together_and_what_we_do_not_know_stays(agent, clubmed):
    clubmed.customers[TOM]["address"] = {"street": "Rue A", "city": "Lyon", "geo": [4.8, 45.7]}

    preview = previewed(agent, email="new@example.com", **{"address-city": "Nice"})
    post(agent, preview, "send")

    assert [body for _, body in sent(clubmed, "PATCH")] == [
        {
            "email": "new@example.com",
            "address": {"street": "Rue A", "city": "Nice", "geo": [4.8, 45.7]},
        }
    ]


def test_a_refused_address_points_to_the_editor_that_may_force_it(agent, clubmed):
    preview = previewed(agent, **{"address-street": "Rue Nulle", "email": "new@example.com"})
    error = {"concerned_key": "address.street", "error_description": "No such street"}
    body = json.dumps({"errors": [error]})
    clubmed.faults.add(Fault("status", method="PATCH", status=400, body=body))

    page = soup(post(agent, preview, "send"))

    place = page.select_one("#address-input")
    assert "Club Med: No such street" in text(place)
    assert place.select_one("a")["href"] == f"/customers/{TOM}/fields/address/"
    assert page.select_one("[name=address-street]")["value"] == "Rue Nulle"


def test_a_national_number_is_neither_shown_nor_sent_untouched(agent, clubmed):
    clubmed.customers[TOM]["identity"] = {"type": "CPF", "number": "12345678909"}
    page = agent.page(IDENTITY)
    assert "12345678909" not in str(page)
    assert "A number is stored and stays hidden." in text(page.select_one("#identity-input"))

    typed = {"identity-type": "DNI", "identity-number": "99887766"}
    untouched = soup(post(agent, page, "preview", IDENTITY, birth_city="Lyon"))
    preview = soup(post(agent, page, "preview", IDENTITY, **typed))

    assert json.loads(untouched.select_one("pre").text) == {"birth_city": "Lyon"}
    assert "hidden → hidden" in text(preview.select_one("tbody.change"))
    assert "99887766" not in text(preview)
    post(agent, preview, "send", IDENTITY)
    assert clubmed.customers[TOM]["identity"] == {"type": "DNI", "number": "99887766"}


def test_all_opt_ins_are_refused_or_one_is_answered_and_a_second_sending_is_the_first(
    agent, clubmed
):
    url = f"/customers/{TOM}/groups/preferences/"
    asked = [{"channel": "SMS", "optin": True}, {"channel": "EMAIL", "optin": True}]
    clubmed.customers[TOM]["optins"] = asked
    refused = previewed(agent, url, clear=["optins"], language_code="FR")
    assert json.loads(refused.select_one("pre").text)["optins"] == [
        {"channel": "SMS", "optin": False},
        {"channel": "EMAIL", "optin": False},
    ]

    preview = previewed(agent, url, **{"optins-EMAIL": "no"})
    for _ in range(2):
        assert post(agent, preview, "send", url).status_code == 302

    assert [body for _, body in sent(clubmed, "PATCH")] == [
        {"optins": [asked[0], {"channel": "EMAIL", "optin": False}]}
    ]


def test_an_answer_about_partners_alone_is_seen_in_the_preview(agent, clubmed):
    url = f"/customers/{TOM}/groups/preferences/"
    asked = {"channel": "EMAIL", "optin": True, "optin_partners": True}
    clubmed.customers[TOM]["optins"] = [asked]

    preview = previewed(agent, url, **{"optins-EMAIL_partners": "no"})

    delta = text(preview.select_one("tbody.change .delta"))
    assert delta == "E-mail Yes (partners Yes ) → E-mail Yes (partners No )"


def test_phones_without_a_type_or_a_number_are_left_as_they_are(agent, clubmed):
    odd = [{"number": "0611223344", "type": None}, {"number": None, "type": "HOME"}]
    clubmed.customers[TOM]["phones"] = [*odd, {"number": "0622334455", "type": "HOME"}]
    assert "Nothing is changed here yet" in text(previewed(agent))

    preview = previewed(agent, **{"phones-2-number": "0699887766"})

    assert json.loads(preview.select_one("pre").text)["phones"] == [
        *odd,
        {"number": "0699887766", "type": "HOME"},
    ]


def test_an_old_address_that_is_too_long_is_no_fault_while_it_is_left_alone(agent, clubmed):
    clubmed.customers[TOM]["address"] = {"street": "x" * 120}

    answer = post(agent, agent.page(URL), "preview", email="nonsense")

    place = soup(answer).select_one("#address-input")
    assert answer.status_code == 422
    assert place.select_one(".error, [aria-invalid]") is None
