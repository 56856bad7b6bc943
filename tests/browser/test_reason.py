"""Why a customer is changed, as an agent says it: once, above the profile."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import open_editor, save_as

pytestmark = pytest.mark.once
TOM, WANG = "/customers/123456789/", "/customers/704118236/"
WORDS = "call 48133-zebra"
WHY = f"Customer called: {WORDS}"


def say_why(page, words=WORDS):
    page.get_by_label("Why these changes?").select_option("Customer called")
    page.get_by_label("Details of the reason").fill(words)


def test_a_reason_is_given_once_and_stands_in_the_log_with_each_save(product, sana):
    product.told.keep_private({"reason": WORDS})
    page = sana
    page.goto(TOM)

    say_why(page)
    page.keyboard.press("Tab")
    expect(page.locator("#why-said")).to_contain_text("Kept.")
    save_as(page, "email", "one@example.com")
    expect(page.locator("#timeline .trail-why").first).to_have_text(WHY)
    page.get_by_role("link", name="Edit all Contact").click()
    page.locator("[name=email]").fill("two@example.com")
    page.get_by_role("button", name="Save", exact=True).last.click()
    expect(page.locator("#notices")).to_contain_text("E-mail: saved.")

    assert page.url.split("#")[0] == f"{product.desk}{TOM}"
    page.goto("/audit/?customer=123456789")
    for n in (0, 1):
        expect(page.locator("tbody.change").nth(n).locator(".reason")).to_have_text(WHY)
    page.goto(WANG)
    page.goto(TOM)
    expect(page.get_by_label("Details of the reason")).to_have_value("")
    assert page.said == []


def test_a_save_at_once_carries_what_was_just_typed_and_no_address_does(product, page):
    product.told.keep_private({"reason": "hasty"})
    page.goto(TOM)
    say_why(page, "hasty")
    open_editor(page, "email").press("Escape")
    expect(page.locator("#email .field-edit")).to_be_focused()
    say_why(page, "")
    box = open_editor(page, "email")
    box.fill("three@example.com")

    say_why(page, "hasty")
    page.locator("#email").get_by_role("button", name="Save", exact=True).click()

    expect(page.locator("#email .was-saved")).to_be_visible()
    expect(page.locator("#timeline .trail-why").first).to_have_text("Customer called: hasty")
    expect(page.get_by_label("Details of the reason")).to_have_value("hasty")


def test_the_bar_by_keyboard(product, page):
    page.goto(TOM)
    words = page.get_by_label("Details of the reason")

    words.focus()
    page.keyboard.type("by letter")
    page.keyboard.press("Enter")
    expect(page.locator("#why-said")).to_contain_text("Kept.")
    expect(words).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Clear the reason")).to_be_focused()
    page.keyboard.press("Enter")

    expect(page.locator("#why-said")).to_contain_text("No reason is kept.")
    expect(words).to_have_value("")
    expect(page.get_by_role("button", name="Clear the reason")).to_be_focused()
    page.reload()
    expect(words).to_have_value("")


def test_a_field_that_needs_a_reason_has_the_focus_on_it(product, page):
    page.goto(TOM)
    page.locator(".add-field summary").first.click()
    page.get_by_role("link", name="Add Third name").click()
    box = page.locator("#third_name input[name=value]")
    box.fill("Ann")
    box.press("Enter")

    why = page.locator("#third_name input[name=reason]")
    expect(why).to_be_focused()
    expect(page.locator("#third_name .error")).to_have_text(
        "Give a reason: it is recorded. Nothing was sent."
    )
    why.fill("Passport seen")
    why.press("Enter")

    expect(page.locator("#third_name .was-saved")).to_be_visible()
    expect(page.locator("#timeline .trail-why").first).to_have_text("Passport seen")
