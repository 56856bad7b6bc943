"""What is typed or pasted into a profile: what is sent of it, and what can be saved anyway."""

import pytest
from django.core.cache import cache

from crmadmin.sandbox import Fault
from tests import acts
from tests.conftest import HTMX, TOM, hidden_inputs, sent, soup, text

pytestmark = [pytest.mark.django_db, pytest.mark.once]
NEW = "/customers/new/"
FRENCH = {"locale": "fr-FR"}
BRAZILIAN = {"locale": "pt-BR"}
LONDON = {"street": "Downing Street", "number": "10", "zip_code": "sw1a 2aa", "city": "London"}


def url(field):
    return f"/customers/{TOM}/fields/{field}/"


@pytest.fixture
def save(agent, clubmed):
    """Type into one editor; the answer's page. anyway: the button of that name is pressed."""

    def save(field, *, anyway=False, **typed):
        inputs = {
            name if name in ("value", "clear") else f"{field}-{name}": one
            for name, one in typed.items()
        }
        if anyway:
            inputs["anyway"] = field
        return soup(acts.save(agent, url(field), headers=HTMX, **inputs))

    return save


@pytest.mark.parametrize(
    ("field", "typed", "stored"),
    [
        ("email", "\u200btom.smith@example.com\u200e", "tom.smith@example.com"),
        ("email", '"tom smith"@example.org', '"tom smith"@example.org'),
        ("first_name", " Zoe\u0301\u00a0Anne", "Zoé Anne"),
        ("birth_city", "\u202eSão\u00ad Paulo\u202c", "São Paulo"),
        ("unicode_last_name", "می\u200cنا\u200f", "می\u200cنا"),
        ("birthdate", "\u200e14. 6. 1987", "19870614"),
        ("birthdate", "14 juin 1987", "19870614"),
        ("birthdate", "14061987", "19870614"),
    ],
)
def test_what_is_pasted_is_stored_clean(save, clubmed, field, typed, stored):
    save(field, value=typed)

    assert sent(clubmed, "PATCH") == [(f"/v1/customers/{TOM}/profile", {field: stored})]


@pytest.mark.parametrize("typed", ["a..b@example.org", ".a@example.org", f"{'a' * 65}@example.org"])
def test_what_no_address_can_be_is_told_beside_the_field_and_is_final(save, clubmed, typed):
    page = save("email", value=typed, anyway=True)

    assert "Not a valid e-mail address" in text(page.select_one(".error"))
    assert page.select_one("button[name=anyway]") is None
    assert sent(clubmed, "PATCH") == []


@pytest.mark.other_contract  # which counts code points
def test_a_name_is_as_long_as_people_see_it(save, clubmed):
    letters = "E\u0328\u0301" * 5 + "a" * 14  # nineteen, and no code point for the first five

    save("first_name", value=letters)

    assert len(sent(clubmed, "PATCH")) == 1


def test_a_national_phone_gets_its_country_which_the_editor_says_before(agent, save, clubmed):
    clubmed.customers[TOM] |= FRENCH | {"phones": []}

    page = agent.page(url("phones"))
    assert "06 12 34 56 78 is stored as +33612345678" in text(page.select_one(".phones-input"))
    save("phones", **{"TOTAL_FORMS": "1", "0-type": "MOBILE", "0-number": "06.39.98.12.34"})

    new = [{"type": "MOBILE", "number": "+33639981234"}]
    assert sent(clubmed, "PATCH")[0][1] == {"phones": new}


def test_a_national_number_goes_in_digits_and_a_wrong_one_is_told_and_may_be_saved(save, clubmed):
    clubmed.customers[TOM] |= BRAZILIAN
    save("identity", type="CPF", number="390.533.447-05")
    wrong = {"type": "CPF", "number": "390.533.447-04"}
    page = save("identity", **wrong)

    assert "Not a valid number of this type (CPF)" in text(page.select_one(".error"))
    assert "390" not in text(page.select_one(".error"))
    save("identity", anyway=True, **wrong)

    numbers = [body["identity"]["number"] for _, body in sent(clubmed, "PATCH")]
    assert numbers == ["39053344705", "39053344704"]


def test_a_postal_code_is_judged_by_the_addresss_country(agent, save, clubmed):
    clubmed.customers[TOM] |= FRENCH
    cache.clear()
    agent.page(f"/customers/{TOM}/")  # the market's own rules are known from here on

    save("address", country_code="GB", **LONDON)
    assert sent(clubmed, "PATCH")[0][1]["address"]["zip_code"] == "SW1A 2AA"
    page = save("address", country_code="GB", **LONDON | {"zip_code": "75001"})

    assert "United Kingdom: not a postal code of this country, like EC1Y 8SY." in text(page)
    assert len(sent(clubmed, "PATCH")) == 1
    save("address", country_code="GB", anyway=True, **LONDON | {"zip_code": "75001"})
    assert sent(clubmed, "PATCH")[1][1]["address"]["zip_code"] == "75001"


def test_what_a_market_asks_for_may_be_sent_without_from_a_long_form_too(agent, clubmed):
    """Club Med has the last word, and says it."""
    cache.clear()
    agent.post("/market/", {"locale": "fr-FR", "next": "/"})
    page = soup(acts.create(agent, **acts.NEEDED))

    assert "Required in France." in text(page)
    box = page.select_one("#email-input [name=anyway]")
    clubmed.faults.add(Fault("status", method="POST", status=201, body='{"id": "77"}'))
    answer = agent.post(NEW, hidden_inputs(page) | acts.NEEDED | {"anyway": box["value"]})
    assert answer.status_code == 302
