"""The profile: everything that Club Med holds, by group."""

import pytest

from tests.acts import change
from tests.conftest import TOM, sent, text

pytestmark = pytest.mark.once
RICH = "704118236"


def panel(page, title):
    return next(p for p in page.select(".panel") if p.h2 and p.h2.get_text() == title)


def test_every_value_stands_in_its_group_and_what_is_read_only_has_no_editor(agent):
    page = agent.page(f"/customers/{RICH}/")

    assert text(page.h1) == "Ms Beatriz Wang 王美琳"
    for title, texts in {
        "Identity": ("14 June 1986 (40)", "Place of birth", "São Paulo"),
        "Contact": ("+55 11 90000-0412 Mobile", "beatriz.wang@example.com", "Liberdade"),
        "Preferences": ("Portuguese", "WhatsApp Yes"),
        "Loyalty and account": ("Read-only, kept by Club Med", "Gold (was Silver)", "12,480"),
    }.items():
        assert [one for one in texts if one not in text(panel(page, title))] == []
    assert page.select_one("#unicode_last_name [lang]")["lang"] == "zh-Hans"
    assert panel(page, "Loyalty and account").select(".field-edit") == []
    assert page.select_one("#gender .field-edit") is None
    assert page.select_one("#loyalty_previous_status") is None
    assert page.select_one("#birth_city + .joins#birth_country_code") is not None


def test_what_we_do_not_know_stands_apart_and_is_never_hidden(agent, clubmed):
    clubmed.customers[TOM] |= {
        "vip_host_code": "GH-27",
        "preferred_resorts": ["RIO", "TRN"],
        "loyalty_program": {"status": "DIAMOND", "points": 5, "miles": 9},
    }

    page = agent.page(f"/customers/{TOM}/")

    others = text(panel(page, "Other fields from Club Med"))
    assert "Vip host code GH-27" in others
    assert "Preferred resorts RIO, TRN" in others
    assert "Loyalty program, miles 9" in others
    assert "DIAMOND new value from Club Med" in text(page.select_one("#loyalty_status"))


@pytest.mark.parametrize(
    "names", [{}, {"first_name": "", "last_name": "   ", "unicode_last_name": "\u3000"}]
)
def test_a_nearly_empty_profile_says_what_is_not_given(agent, clubmed, names):
    clubmed.customers["41207733"] = {"id": "41207733", **names}

    page = agent.page("/customers/41207733/")

    assert text(page.h1) == "Unnamed customer"
    assert "Not given" in text(page.select_one("#email"))
    also_empty = text(page.select_one(".field-add"))
    assert "Second name" in also_empty
    assert "Native first name" in also_empty


def test_every_phone_in_the_header_can_be_called_and_copied(agent, clubmed):
    numbers = ["+33639981234", "+33140506070"]
    clubmed.customers[TOM]["phones"] = [{"number": one, "type": "HOME"} for one in numbers]

    facts = agent.page(f"/customers/{TOM}/").select_one("#facts")

    assert [link["href"] for link in facts.select("[href^=tel]")] == [f"tel:{n}" for n in numbers]
    assert {button["data-copy"] for button in facts.select("[data-copy]")} >= set(numbers)


def test_a_blacklisted_customer_is_unmistakable(agent):
    page = agent.page("/customers/30955172/")

    assert "Blacklisted at Club Med." in text(page.select_one(".record-head .notice"))
    badge = page.select_one("#blacklisted .badge[data-tone=bad]")
    assert text(badge) == "Yes"
    assert badge.svg is not None


def test_a_customer_who_is_not_blacklisted_has_no_badge_of_it(agent, clubmed):
    clubmed.customers[TOM]["blacklisted"] = False

    page = agent.page(f"/customers/{TOM}/")

    assert text(page.select_one("#blacklisted .field-value")) == "No"
    assert page.select_one("#blacklisted .badge") is None


def test_recent_changes_stand_beside_the_record(agent):
    change(agent, "Lyon", "birth_city")

    page = agent.page(f"/customers/{TOM}/")

    trail = text(page.select_one("#timeline"))
    assert "Inès Moreau" in trail
    assert "Place of birth empty → Lyon" in trail
    assert page.select_one("#birth_city .recent") is not None
    assert "just now by Inès Moreau, Place of birth" in text(page.select_one(".facts"))


def test_text_that_is_no_text_does_not_break_the_page(agent, clubmed):
    clubmed.customers[TOM] |= {"birth_city": "Ly\ud800on\x00", "odd_\udfff": "x"}

    page = agent.page(f"/customers/{TOM}/")
    assert "Ly?on" in text(page.select_one("#birth_city"))

    change(agent, "Lyon", "birth_city")
    assert sent(clubmed, "PATCH")[0][1] == {"birth_city": "Lyon"}
