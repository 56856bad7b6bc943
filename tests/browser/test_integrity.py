"""A supervisor checks the log: it goes on by itself, may be left, and says what came of it."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import reload_until_shown, save_as

pytestmark = pytest.mark.once
TOM, URL = "/customers/123456789/", "/audit/integrity/"
ALTER = "from customers.audit.models import Change; Change.objects.update(customer_id='1')"

# A check that another machine is at, as far as anybody here can tell.
RUNNING = (
    "from customers.audit.models import Verification; Verification.objects.filter(state='running')"
)
ELSEWHERE = (
    "from customers.audit import verification; verification.begin('Mei-Ling Chao');"
    f" {RUNNING}.update(reached=12_000, last=48_212)"
)


@pytest.fixture
def checker(sana):
    """A supervisor's page, after a change of theirs."""
    sana.goto(TOM)
    save_as(sana, "email", "new@example.com")
    return sana


def check_now(page):
    page.get_by_role("link", name="Integrity").click()
    page.get_by_role("button", name="Check now").click()
    expect(page.locator("#integrity")).to_contain_text("The log is being checked")


def test_check_now_shows_that_it_is_at_work_and_then_the_result(checker):
    check_now(checker)

    expect(checker.locator("progress")).to_be_visible()
    expect(checker.get_by_role("button", name="Check now")).to_be_focused()
    expect(checker.locator("#verdict-title")).to_contain_text("The log is intact up to entry")
    expect(checker.locator("#integrity")).to_contain_text("Checked by Sana El Idrissi")
    expect(checker.locator("progress")).to_have_count(0)


def test_the_progress_moves_by_itself_and_its_end_is_said(product, sana):
    product.run(ELSEWHERE)
    sana.goto(URL)
    bar = sana.get_by_label("Entries checked")
    expect(bar).to_have_attribute("value", "12000")
    sana.get_by_role("button", name="Check now").click()  # there is one already

    product.run(f"{RUNNING}.update(reached=36_000)")
    expect(bar).to_have_attribute("value", "36000")
    expect(sana.locator("#integrity")).to_contain_text("Started by Mei-Ling Chao")

    product.run(f"{RUNNING}.update(state='broken_off')")
    expect(sana.get_by_role("alert")).to_contain_text("broken off at entry 36,000")
    expect(bar).to_have_count(0)


def test_a_check_that_is_left_goes_on(checker):
    check_now(checker)
    checker.goto(TOM)
    checker.goto(URL)

    expect(checker.locator("progress")).to_have_count(0)
    expect(checker.locator("#integrity")).to_contain_text("Checked by Sana El Idrissi")


def test_what_does_not_hold_is_shown_and_said_on_the_pages_of_the_log(product, checker):
    product.run(ALTER)
    try:
        check_now(checker)

        expect(checker.get_by_role("alert")).to_contain_text("The log is not intact")
        expect(checker.locator("#integrity td[lang=en]").first).to_contain_text("audit_rebuild")
        checker.goto("/audit/")
        notice = checker.locator("#notices").get_by_role("alert")
        expect(notice).to_contain_text("The log is not intact.")
        notice.get_by_role("link").click()
        expect(checker).to_have_url(f"{product.desk}{URL}")
    finally:
        product.manage("audit_rebuild")

    check_now(checker)
    expect(checker.locator("#verdict-title")).to_contain_text("The log is intact up to entry")


def test_without_a_script_a_link_asks_how_far_it_is(product, open_page):
    page = open_page(script=False)
    product.let_in(page, "Sana El Idrissi")
    page.goto(URL)
    page.get_by_role("button", name="Check now").click()

    expect(page).to_have_url(f"{product.desk}{URL}")
    expect(page.get_by_role("link", name="Refresh")).to_be_visible()
    reload_until_shown(page, page.locator("#integrity:not(:has(progress))"))
    expect(page.locator("#verdict-title")).to_contain_text("The log is intact")
