"""A window with several tabs whose session has ended: each reaches its own page again."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import page_of, save_as, sign_in, unexpected
from tests.conftest import TOM

# tests/crmadmin/test_session_table.py has tabs that sign in at once, on both databases.
pytestmark = pytest.mark.once
PROFILE = f"/customers/{TOM}/"
PAGES = ["/", PROFILE, f"{PROFILE}fields/email/", "/saves/", "/sessions/"]


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
    assert [unexpected(tab.said) for tab in tabs] == [[]] * len(tabs)
