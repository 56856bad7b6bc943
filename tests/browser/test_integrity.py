"""A supervisor checks the log: it goes on by itself, may be left, and says what came of it."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import save_as

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
REBUILD = "from django.core.management import call_command; call_command('audit_rebuild')"


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


def test_a_check_may_be_left_and_what_does_not_hold_is_said_on_the_pages_of_the_log(product, sana):
    def check_now():
        sana.get_by_role("link", name="Integrity").click()
        sana.get_by_role("button", name="Check now").click()
        expect(sana.locator("progress")).to_be_visible()
        expect(sana.locator("#integrity")).to_contain_text("The log is being checked")
        expect(sana.get_by_role("button", name="Check now")).to_be_focused()

    sana.goto(TOM)
    save_as(sana, "email", "new@example.com")
    product.run(ALTER)
    try:
        check_now()

        expect(sana.get_by_role("alert")).to_contain_text("The log is not intact")
        expect(sana.locator("progress")).to_have_count(0)
        expect(sana.locator("#integrity td[lang=en]").first).to_contain_text("audit_rebuild")
        sana.goto("/audit/")
        notice = sana.locator("#notices").get_by_role("alert")
        expect(notice).to_contain_text("The log is not intact.")
        notice.get_by_role("link").click()
        expect(sana).to_have_url(f"{product.desk}{URL}")
    finally:
        product.run(REBUILD)

    check_now()
    sana.goto(TOM)
    sana.goto(URL)
    expect(sana.locator("#verdict-title")).to_contain_text("The log is intact up to entry")
    expect(sana.locator("#integrity")).to_contain_text("Checked by Sana El Idrissi")
    expect(sana.locator("progress")).to_have_count(0)
