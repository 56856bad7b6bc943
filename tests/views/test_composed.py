"""Address, opt-ins, phones: what was not touched goes back as it is; each part has its place."""

import json

import pytest

from crmadmin.sandbox import Fault
from customers.audit.models import Entry
from tests import acts
from tests.conftest import HTMX, TOM, sent, soup, text

pytestmark = [pytest.mark.django_db, pytest.mark.once]
NEW = "/customers/new/"
TAKEN = Fault("status", method="PATCH", status=204, times=None)  # whatever it is


def url(field):
    return f"/customers/{TOM}/fields/{field}/"


def refuse(clubmed, method, *keys):
    errors = [{"concerned_key": key, "error_description": f"Not {key}."} for key in keys]
    body = json.dumps({"errors": errors})
    clubmed.faults.add(Fault("status", method=method, status=400, body=body))


def phones(*typed):
    """What is typed into rows of phones: "HOME 0140506070"."""
    data = {"phones-TOTAL_FORMS": str(len(typed))}
    for i, (kind, _, number) in enumerate(phone.partition(" ") for phone in typed):
        data |= {f"phones-{i}-type": kind, f"phones-{i}-number": number}
    return data


@pytest.fixture
def save(agent, clubmed):
    def save(field, **typed):
        inputs = {
            name if name == "clear" else f"{field}-{name}": one for name, one in typed.items()
        }
        return soup(acts.save(agent, url(field), headers=HTMX, **inputs))

    clubmed.faults.add(TAKEN)
    return save


@pytest.mark.other_contract
def test_members_that_were_not_touched_go_back_to_the_letter(save, clubmed):
    old = {
        "street": "x" * 120,  # longer than the contract allows
        "number": 12,
        "town": "two\nlines",
        "zip_code": " 97205 ",
        "city": None,
        "geo": {"lat": 1},
    }
    clubmed.customers[TOM]["address"] = old

    save("address", city="SALEM")

    [(_, body)] = sent(clubmed, "PATCH")
    assert body == {"address": old | {"city": "SALEM"}}


def test_a_member_that_was_emptied_is_sent_as_null_and_none_is_added_empty(save, clubmed):
    clubmed.customers[TOM]["address"] = {"street": "Park Avenue", "city": "SALEM"}

    save("address", street="")

    [(_, body)] = sent(clubmed, "PATCH")
    assert body == {"address": {"street": None, "city": "SALEM"}}


@pytest.mark.parametrize(
    ("held", "typed", "country", "code"),
    [
        ({"country": "Brésil", "country_code": "BR"}, {}, "Brésil", "BR"),
        ({"country": "Brésil", "country_code": "BR"}, {"country_code": "FR"}, "France", "FR"),
        ({"country": "Brésil", "country_code": "BR"}, {"country_code": ""}, None, None),
        ({"country": "Brésil"}, {}, "Brésil", None),
        ({"country": "Brésil"}, {"country_code": "BR"}, "Brazil", "BR"),
    ],
)
def test_a_country_is_named_as_its_code_says(save, clubmed, held, typed, country, code):
    clubmed.customers[TOM]["address"] = {"city": "SALEM"} | held

    save("address", city="BEND", **typed)

    [(_, body)] = sent(clubmed, "PATCH")
    assert (body["address"]["country"], body["address"].get("country_code")) == (country, code)


def test_what_is_refused_of_a_phone_stands_in_its_row(agent, clubmed):
    refuse(clubmed, "PATCH", "phones[1].number")
    form = agent.form(url("phones"), headers=HTMX) | phones(
        "MOBILE +33623456789", "HOME ", "OFFICE +33140506070"
    )

    page = soup(agent.post(url("phones"), form, headers=HTMX))

    rows = page.select(".phone-row")
    assert [bool(row.select_one(".error")) for row in rows] == [False, False, True]
    odd = rows[2].select_one("[aria-invalid=true]")
    assert "Club Med: Not phones[1].number." in text(page.select_one(f"#{odd['aria-describedby']}"))


def test_what_is_refused_of_an_opt_in_stands_under_its_channel(save, clubmed):
    """The place in the list that was sent: first what was there, then what is new."""
    clubmed.customers[TOM]["optins"] = [
        {"channel": "SMS", "optin": True},
        {"channel": "EMAIL", "optin": True},
    ]
    clubmed.faults.clear()
    refuse(clubmed, "PATCH", "optins[1].optin_partners", "optins.2.optin")

    page = save("optins", EMAIL_partners="yes", WHATSAPP="no")

    assert page.select_one("[name=optins-EMAIL_partners]")["aria-invalid"] == "true"
    odd = page.select_one("[name=optins-WHATSAPP]")
    assert "Not optins.2.optin." in text(page.select_one(f"#{odd['aria-describedby']}"))
    assert not page.select_one("[name=optins-SMS]").has_attr("aria-invalid")


def test_partners_without_an_answer_for_e_mail_are_told_beside_it(save, clubmed):
    page = save("optins", EMAIL_partners="yes")

    odd = page.select_one("[name=optins-EMAIL]")
    assert "If you answer for partners, answer here too." in text(
        page.select_one(f"#{odd['aria-describedby']}")
    )
    assert sent(clubmed, "PATCH") == []


def test_an_opt_in_nobody_asked_reads_not_asked(agent, clubmed):
    clubmed.customers[TOM]["optins"] = [{"channel": "EMAIL", "optin": True}]

    editor = agent.page(url("optins"), headers=HTMX)
    profile = agent.page(f"/customers/{TOM}/")

    assert text(editor.select_one("[name=optins-SMS] option")) == "Not asked"
    assert "Not asked: SMS, WeChat" in text(profile.select_one("#optins"))


def test_opt_ins_that_others_changed_meanwhile_are_not_undone(agent, clubmed):
    clubmed.customers[TOM]["optins"] = [{"channel": "SMS", "optin": True}]
    page = agent.page(url("optins"), headers=HTMX)
    theirs = [{"channel": "SMS", "optin": False, "at": "2026"}, {"channel": "MAIL", "optin": True}]
    clubmed.customers[TOM]["optins"] = theirs

    conflict = soup(acts.post(agent, page, url("optins"), **{"optins-PHONE": "yes"}))
    acts.post(agent, conflict, url("optins"))

    [(_, body)] = sent(clubmed, "PATCH")
    assert body == {"optins": [*theirs, {"channel": "PHONE", "optin": True}]}


@pytest.mark.other_contract
def test_an_answer_that_is_neither_yes_nor_no_is_shown_and_stays(save, clubmed, agent):
    odd = [{"channel": "SMS", "optin": "PENDING"}, {"channel": "PHONE", "optin": None}]
    clubmed.customers[TOM]["optins"] = odd
    page = agent.page(url("optins"), headers=HTMX)
    assert text(page.select_one("[name=optins-SMS] option")) == "PENDING"

    save("optins", MAIL="no")

    [(_, body)] = sent(clubmed, "PATCH")
    assert body == {"optins": [*odd, {"channel": "MAIL", "optin": False}]}


def test_setting_every_opt_in_to_no_is_asked_about_in_those_words(agent):
    asked = soup(acts.save(agent, url("optins"), headers=HTMX, act="ask-clear"))

    assert "Set every opt-in to No?" in text(asked.select_one("[role=alert]"))
    assert [text(button) for button in asked.select(".actions button")] == [
        "Set every opt-in to No",
        "Keep them",
    ]


def test_setting_every_opt_in_to_no_says_no_to_partners_only_where_they_were_asked(save, clubmed):
    clubmed.customers[TOM]["optins"] = [
        {"channel": "EMAIL", "optin": True, "optin_partners": True},
        {"channel": "SMS", "optin": True, "optin_partners": None},
    ]

    save("optins", clear=["optins"])

    [(_, body)] = sent(clubmed, "PATCH")
    assert body["optins"] == [
        {"channel": "EMAIL", "optin": False, "optin_partners": False},
        {"channel": "SMS", "optin": False, "optin_partners": None},
    ]


def test_parts_of_a_new_customer_have_their_places_too(agent, clubmed):
    refuse(clubmed, "POST", "address.zip_code", "identity.number", "phones[0].type")
    typed = {"civility": "MR", "first_name": "Jean", "last_name": "Martin"}
    typed |= {"address-zip_code": "0", "identity-type": "DNI", "identity-number": "1"}
    typed |= {"phones-0-type": "HOME", "phones-0-number": "+33140506070", "phones-0-row": ""}

    page = soup(agent.post(NEW, agent.form(NEW) | typed))

    for name, said in (
        ("address-zip_code", "Not address.zip_code."),
        ("identity-number", "they may repeat a hidden value"),
        ("phones-0-number", "Not phones[0].type."),
    ):
        odd = page.select_one(f"[name={name}]")
        assert odd["aria-invalid"] == "true"
        assert said in text(page.select_one(f"#{odd['aria-describedby']}"))
        folded = odd.find_parent("details")
        assert folded is None or folded.has_attr("open")
    assert "Address: Postal code: Club Med: Not address.zip_code." in text(page)
    assert {entry.outcome for entry in Entry.objects.all()} == {"refused"}
