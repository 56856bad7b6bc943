"""Undo beside what was saved, and a supervisor who puts old values back."""

import json

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import save_as, somebody_else

pytestmark = pytest.mark.once
TOM = "/customers/123456789/"


def bodies(product):
    return [json.loads(body) for _, body in product.wire("PATCH")]


def test_undo_puts_the_old_value_back_in_its_row(product, page):
    page.goto(TOM)
    save_as(page, "email", "new@example.com")
    undo = page.get_by_role("button", name="Undo E-mail")
    undo.focus()
    page.keyboard.press("Enter")

    expect(page.locator("#email .was-saved")).to_contain_text("Undone: the old value is back.")
    expect(page.locator("#email .field-edit")).to_contain_text("tom@example.com")
    expect(page.locator("#email .field-edit")).to_be_focused()
    expect(undo).to_have_count(0)
    assert bodies(product) == [{"email": "new@example.com"}, {"email": "tom@example.com"}]


def test_undo_over_what_somebody_saved_since_shows_both_values(product, page):
    page.goto(TOM)
    save_as(page, "email", "mine@example.com")
    undo = page.get_by_role("button", name="Undo E-mail")
    expect(undo).to_be_visible()
    with somebody_else(page, product) as theirs:
        theirs.goto(TOM)
        save_as(theirs, "email", "theirs@example.com")
    undo.click()

    conflict = page.locator("#email[data-state=conflict]")
    expect(conflict.locator("[role=alert]")).to_be_focused()
    expect(conflict).to_contain_text("Owen Whitfield saved another value")
    page.get_by_role("link", name="Keep theirs").click()
    expect(page.locator("#email .field-edit")).to_contain_text("theirs@example.com")
    assert len(bodies(product)) == 2
