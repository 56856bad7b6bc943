"""A sign-out in a real browser: nothing of a customer comes back, nobody comes in by themselves."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import page_of, sign_in
from tests.conftest import TOM

# tests/crmadmin/test_ending.py has the rows of the table, on both databases.
pytestmark = pytest.mark.once
PROFILE = f"/customers/{TOM}/"
GATE = re.compile(r"/signed-out/")


def sign_out(page):
    page.locator("summary:has(.avatar-mark)").click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(GATE)


def test_after_a_sign_out_no_tab_shows_a_customer_and_back_brings_none_back(product, open_page):
    page = open_page()
    sign_in(page, "Inès Moreau", PROFILE)
    other = page_of(page.context, product)
    other.goto(PROFILE)
    other.goto(f"{PROFILE}history/")
    other.goto(PROFILE)
    other.locator("#email .field-edit").click()
    other.locator("#email input[name=value]").fill("typed@example.com")
    late = []  # the script of the other tab's gate: until then that tab hears nothing
    other.route("**/app.*js", lambda route: late.append(route), times=1)

    sign_out(page)

    expect(page.get_by_text("signed out of the company's sign-in, too")).to_be_visible()
    other.wait_for_url(GATE, wait_until="commit")
    late[0].continue_()
    expect(other.get_by_text("signed out of the company's sign-in, too")).to_be_visible()
    for tab in (page, other):
        tab.go_back()
        expect(tab.get_by_role("link", name="Sign in")).to_be_visible()
        assert "tom@example.com" not in tab.content()
    page.goto("/")
    expect(page).to_have_url(GATE)
    page.get_by_role("link", name="Sign in").click()
    page.get_by_role("button", name="Inès Moreau").click()
    expect(page.get_by_role("heading", name="Find a customer")).to_be_visible()


def test_what_was_typed_and_not_saved_is_asked_about_first(open_page):
    page = open_page()
    sign_in(page, "Inès Moreau", PROFILE)
    page.locator("#email .field-edit").click()
    page.locator("#email input[name=value]").fill("typed@example.com")
    asked = []
    page.once("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))

    page.locator("summary:has(.avatar-mark)").click()
    page.get_by_role("button", name="Sign out").click()

    expect(page.locator("#email input[name=value]")).to_have_value("typed@example.com")
    assert asked == ["What you typed here is not saved. Sign out anyway?"]
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(GATE)
