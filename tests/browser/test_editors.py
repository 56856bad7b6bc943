"""Each editor with a script: it is swapped whole, it works on, and the focus stays inside it."""

import json

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.once
TOM = "/customers/123456789/"


def test_all_of_contact_is_edited_and_saved_for_a_customer_with_a_phone(product, page):
    product.let_in(page, "Inès Moreau")
    page.goto(TOM)
    page.get_by_role("link", name="Edit all Contact").click()
    group = page.locator("#group")

    group.get_by_role("button", name="Add a phone").click()
    expect(group.get_by_label("Number of phone 2")).to_be_focused()
    group.get_by_label("Number of phone 2").fill("0140506070")
    group.get_by_role("button", name="Add a phone").click()
    expect(group.get_by_label("Number of phone 3")).to_be_focused()
    group.get_by_role("button", name="Remove phone 1").click()
    expect(group.get_by_label("Number of phone 1")).to_have_value("0140506070")
    expect(group.get_by_label("Number of phone 3")).to_have_count(0)
    expect(group).to_have_count(1)
    expect(page.locator("form[data-guard]")).to_have_count(1)

    group.get_by_label("E-mail", exact=True).fill("no address")
    group.get_by_role("button", name="Save").last.click()
    expect(group.locator("#summary")).to_be_focused()
    expect(page.locator("form[data-guard]")).to_have_count(1)
    group.get_by_label("E-mail", exact=True).fill("all@example.com")
    group.get_by_label("E-mail", exact=True).press("Enter")

    expect(page.locator("#notices")).to_contain_text("Phones, E-mail: saved.")
    [(_, body)] = product.wire("PATCH")
    assert json.loads(body) == {
        "phones": [{"type": "MOBILE", "number": "0140506070"}],
        "email": "all@example.com",
    }
    # The browser and htmx note an answer of 422 themselves.
    assert [said for said in page.said if "422" not in said] == []
