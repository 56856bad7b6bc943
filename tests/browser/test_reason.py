"""Why a customer is changed, as an agent says it: once, above the profile."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import open_editor

pytestmark = pytest.mark.once
TOM = "/customers/123456789/"


def say_why(page, words):
    page.get_by_label("Why these changes?").select_option("Customer called")
    page.get_by_label("Details of the reason").fill(words)


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
    page.get_by_label("Why these changes?").select_option("Customer called")
    expect(page.locator("#why-said")).to_contain_text("Kept.")
    page.reload()
    expect(page.get_by_label("Why these changes?")).to_have_value("Customer called")
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
