"""A window with several tabs whose session has ended: each reaches its own page again."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import page_of, save_as, sign_in, unexpected
from tests.conftest import TOM

# tests/crmadmin/test_session_table.py has tabs that sign in at once, on both databases.
pytestmark = pytest.mark.once
PAGES = ["/", f"/customers/{TOM}/", "/customers/new/", "/saves/", "/sessions/"]


def at_once(pages, act, of=None):
    """Every page does it before any of them waits for what comes of it."""
    for page in pages:
        place = page.locator(of).first if of else page
        place.evaluate(f"it => setTimeout(() => {act}, 0)")


def test_five_tabs_that_are_restored_at_once_each_reach_their_page(product, open_page):
    first = open_page()
    sign_in(first, "Inès Moreau")  # so the provider knows this browser, and all tabs send its token
    tabs = [first, *(page_of(first.context, product) for _ in PAGES[1:])]
    for tab, place in zip(tabs, PAGES, strict=True):
        tab.goto(place)

    for _ in range(3):
        first.context.clear_cookies(name="crmadmin_session")
        at_once(tabs, "location.reload()")
        for tab in tabs:
            expect(tab.get_by_role("button", name="Inès Moreau")).to_be_visible()
        at_once(tabs, "it.click()", of="button:has-text('Inès Moreau')")
        for tab, place in zip(tabs, PAGES, strict=True):
            tab.wait_for_url(f"{product.desk}{place}")
            expect(tab.locator(".topbar")).to_contain_text("Inès Moreau")
    save_as(tabs[1], "email", "five.tabs@example.com")
    for tab in tabs:
        tab.reload()
        expect(tab.locator(".topbar")).to_contain_text("Inès Moreau")
        assert unexpected(tab.said) == []


def test_forms_of_two_tabs_have_their_text_back_when_the_person_returns(product, open_page):
    first = open_page()
    product.let_in(first, "Inès Moreau")
    second = page_of(first.context, product)
    for tab, field in ((first, "email"), (second, "first_name")):
        tab.goto(f"/customers/{TOM}/fields/{field}/")
        tab.locator("input[name=value]").fill(f"kept.{field}@example.com")
    first.context.clear_cookies(name="crmadmin_session")
    for tab in (first, second):
        tab.get_by_role("button", name="Save", exact=True).click()
        expect(tab.locator("main")).to_contain_text("is there again once you sign in")

    for tab, field in ((first, "email"), (second, "first_name")):
        tab.get_by_role("link", name="Sign in again").click()
        tab.get_by_role("button", name="Inès Moreau").click()
        expect(tab.locator("input[name=value]")).to_have_value(f"kept.{field}@example.com")
