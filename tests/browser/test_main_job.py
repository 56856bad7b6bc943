"""The main job, by hand: create a customer, edit an e-mail and a phone, and see who did it."""

import json

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import sign_in, unexpected

pytestmark = pytest.mark.once


@pytest.mark.parametrize("script", [True, False], ids=["with a script", "without"])
def test_an_agent_creates_and_edits_and_a_supervisor_sees_it(product, open_page, script):
    page = open_page(script=script)
    sign_in(page, "Inès Moreau")

    page.get_by_role("link", name="New customer").first.click()
    page.get_by_label("Civility", exact=True).select_option("MS")
    page.get_by_label("First name", exact=True).fill("Léa")
    page.get_by_label("Last name", exact=True).fill("Durand")
    page.get_by_label("Date of birth").fill("14/06/1986")
    page.get_by_label("Number of phone 1").fill("+33 6 39 98 04 12")
    page.get_by_role("textbox", name="E-mail").fill("lea@example.com")
    page.get_by_role("button", name="Create the customer").click()
    expect(page.locator("h1")).to_contain_text("LEA DURAND")
    expect(page.locator("#notices")).to_contain_text("The customer is created.")
    profile, asked = page.url, []
    page.on("request", lambda one: asked.append((one.url, one.headers.get("x-background"))))

    page.get_by_role("link", name="Edit e-mail").click()
    page.locator("#email input[name=value]").fill("lea.durand@example.com")
    page.locator("#email").get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#email")).to_contain_text("lea.durand@example.com")
    expect(page.locator("#email, #notices").filter(has_text="aved").first).to_be_visible()

    page.get_by_role("link", name="Edit phones").click()
    page.get_by_label("Number of phone 1").fill("+33639980421")
    page.locator("#phones").get_by_role("button", name="Save", exact=True).last.click()
    expect(page.locator("#phones")).to_contain_text("+33 6 39 98 04 21")
    if script:
        assert page.url == profile  # never left
        by_itself = [url for url, is_background in asked if is_background]
        assert f"{profile}fields/email/changes/" in by_itself[0]
        assert all("/changes/" in url for url in by_itself), "what the person does is work"
    assert page.url.split("#")[0] == profile

    number = profile.rstrip("/").rpartition("/")[2]
    path = f"/v1/customers/{number}/profile"
    sent = [(where, json.loads(body)) for where, body in product.wire("PATCH")]
    assert sent == [
        (path, {"email": "lea.durand@example.com"}),
        (path, {"phones": [{"number": "+33639980421", "type": "MOBILE"}]}),
    ]

    page.locator("summary", has_text="Inès Moreau").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.locator("h1")).to_have_text("You are signed out")
    expect(page.get_by_text("signed out of the company's sign-in, too")).to_be_visible()

    page.get_by_role("link", name="Sign in").click()
    page.get_by_role("button", name="Sana El Idrissi").click()
    page.get_by_role("link", name="Audit").click()
    rows = page.locator("tbody.change").filter(has_text=number)
    expect(rows.nth(2)).to_be_visible()  # the newest first, whatever else there was
    phones, email, created = rows.nth(0), rows.nth(1), rows.nth(2)
    expect(phones.locator(".diff-old")).to_have_text("+33 6 39 98 04 12")
    expect(phones.locator(".diff-new")).to_have_text("+33 6 39 98 04 21")
    expect(email.locator(".diff-old")).to_have_text("lea@example.com")
    expect(email.locator(".diff-new")).to_have_text("lea.durand@example.com")
    for row in (phones, email):
        expect(row).to_contain_text("Inès Moreau")
        expect(row).to_contain_text("Applied")
    expect(created).to_contain_text("Durand")
    email.locator(".when a").click()
    expect(page.locator("main")).to_contain_text("staff-1001")
    assert unexpected(page.said) == []
