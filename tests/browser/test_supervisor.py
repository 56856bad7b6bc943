"""What a supervisor asks of the log with a mouse; test_questions.py asks it in other ways."""

import subprocess
import sys

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import new_browser, save_as
from tests.log import VERIFIER

pytestmark = pytest.mark.once
TOM, URL = "/customers/123456789/", "/audit/"


@pytest.fixture(scope="module")
def recorded(chromium, running_product):
    """An e-mail of Inès Moreau's and then a first name of Sana's."""
    running_product.reset()
    with new_browser(chromium, running_product) as context:
        page = context.new_page()
        for name, field, value in (
            ("Inès Moreau", "email", "new@example.com"),
            ("Sana El Idrissi", "first_name", "Thomas"),
        ):
            running_product.let_in(page, name)
            page.goto(TOM)
            save_as(page, field, value)
        page.goto(f"{URL}?field=unheard-of")  # then the filter looks anew for what occurs


@pytest.fixture
def busy(recorded, sana):
    """A supervisor's page of the log."""
    sana.goto(URL)
    return sana


def expect_listed(page, *fields, chips):
    """So many filters are in use, and these fields alone are in the list, in creates too."""
    expect(page.locator(".chip")).to_have_count(chips)
    listed = page.locator("td.field-name").all_inner_texts()
    assert {text.removesuffix(" new").partition(",")[0] for text in listed} == set(fields)


def test_all_changes_of_one_field_this_month_are_two_clicks_away(busy):
    busy.locator("td.field-name").get_by_role("link", name="First name").first.click()
    busy.get_by_role("link", name="This month").click()

    expect_listed(busy, "First name", chips=3)


def test_several_values_are_ticked_in_a_list_and_taken_away_one_by_one(busy):
    busy.locator("summary", has_text="Any field").click()
    busy.get_by_label("E-mail").check()
    busy.get_by_label("First name").check()
    busy.get_by_role("button", name="Filter").click()
    expect_listed(busy, "First name", "E-mail", chips=2)
    assert busy.url.endswith("/audit/?field=email&field=first_name")

    busy.get_by_role("link", name="Remove: First name").click()
    expect_listed(busy, "E-mail", chips=1)


def test_a_wrong_date_has_the_focus_and_its_message(busy):
    busy.goto(f"{URL}?field=email&from=2026-02-30")

    expect(busy.get_by_label("From", exact=True)).to_be_focused()
    expect(busy.get_by_role("alert")).to_have_text("30 February does not exist.")
    expect_listed(busy, chips=2)

    busy.get_by_label("From", exact=True).fill("2026-13-01")
    busy.get_by_role("button", name="Filter").click()
    expect(busy.get_by_role("alert")).to_contain_text("is not a date")
    expect(busy.get_by_label("From", exact=True)).to_be_focused()


def test_the_auditor_gets_a_file_that_proves_itself(product, busy, tmp_path):
    busy.get_by_role("link", name="Export").click()
    with busy.expect_download() as download:
        busy.get_by_role("button", name="Export NDJSON").click()

    expect(busy.get_by_role("heading", name="Exported")).to_be_focused()
    path = tmp_path / "changes.ndjson"
    download.value.save_as(path)
    command = [sys.executable, str(VERIFIER), str(path), f"--key={product.public_key()}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.startswith("entries 1 to "), done.stdout
    assert ": whole, 0 seals compared" in done.stdout


def test_who_looked_at_this_customer_is_one_click_away(busy):
    busy.goto(TOM)
    busy.locator("#timeline summary").click()

    expect(busy.locator("#looks-panel")).to_contain_text("Inès Moreau, agent")
