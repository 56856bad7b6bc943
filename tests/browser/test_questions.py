"""What a supervisor asks of the log, from first to last with the keyboard alone.

tests/views asks the same without a script, page by page.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.log import VERIFIER

pytestmark = pytest.mark.once
TOM = "/customers/123456789/"


def press(target, words=""):
    """Reach it with Tab, from the stop before it; then type, or press what presses it."""
    page, target = target.page, target.first
    target.focus()
    page.keyboard.press("Shift+Tab")
    expect(target).not_to_be_focused()
    page.keyboard.press("Tab")
    expect(target).to_be_focused()
    if words:
        page.keyboard.type(words)
    else:
        is_box = target.evaluate("it => it.type === 'checkbox'")
        page.keyboard.press("Space" if is_box else "Enter")


def change_two_fields(product, page):
    product.let_in(page, "Owen Whitfield")
    page.goto(TOM)  # an editor begins with what its person saw last
    page.goto(f"{TOM}fields/optins/")
    page.locator("[name=optins-SMS]").select_option("yes")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#optins .was-saved")).to_be_visible()
    page.goto(f"{TOM}fields/email/")
    page.locator("[name=value]").fill("new@example.com")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#email .was-saved")).to_be_visible()


def test_every_question_is_answered(product, page, tmp_path):
    change_two_fields(product, page)
    product.let_in(page, "Sana El Idrissi")
    page.goto("/audit/")

    # What did one colleague do last week?
    press(page.locator("td.who").get_by_role("link", name="Owen Whitfield"))
    expect(page.locator(".chip")).to_have_count(1)
    press(page.get_by_role("link", name="Last 7 days"))
    expect(page.locator(".chip")).to_have_count(3)
    assert set(page.locator("td.who").all_inner_texts()) == {"Owen Whitfield"}

    # All changes of opt-ins this month?
    press(page.get_by_role("link", name="Clear all"))
    expect(page.locator(".chip")).to_have_count(0)
    press(page.locator("summary", has_text="Any field"))
    press(page.get_by_label("Opt-ins"))
    press(page.get_by_role("button", name="Filter"))
    expect(page.locator(".chip")).to_have_count(1)
    press(page.get_by_role("link", name="This month"))
    expect(page.locator(".chip")).to_have_count(3)
    listed = page.locator("td.field-name").all_inner_texts()
    assert {text.partition(",")[0] for text in listed} == {"Opt-ins"}

    # Who looked at this customer?
    press(page.get_by_role("link", name="Who looked"))
    press(page.get_by_label("Customer number"), "123456789")
    press(page.get_by_role("button", name="Filter"))
    expect(page.locator(".chip")).to_have_count(1)
    expect(page.locator("td.who", has_text="Owen Whitfield").first).to_be_visible()

    # Put it back.
    press(page.get_by_role("link", name="Changes", exact=True))
    press(page.locator("th.when a"))
    expect(page.locator("h1")).to_contain_text("E-mail of Tom Smith")
    press(page.get_by_label("Put back: why?"), "Saved for the wrong person")
    press(page.get_by_role("button", name="Put the ticked values back"))
    expect(page.locator("#notices")).to_contain_text("E-mail: the old value is back.")
    assert json.loads(product.wire("PATCH")[-1][1]) == {"email": "tom@example.com"}

    # Send this to the auditor.
    with page.expect_download() as download:
        press(page.get_by_role("link", name="Proof of this change"))
    path = tmp_path / "proof.ndjson"
    download.value.save_as(path)
    command = [sys.executable, str(VERIFIER), str(path), "--key", product.public_key()]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ": whole, " in done.stdout
    press(page.get_by_role("link", name="Audit log"))
    press(page.get_by_role("link", name="Export"))
    with page.expect_download() as download:
        press(page.get_by_role("button", name="Export CSV"))
    assert "Saved for the wrong person" in Path(download.value.path()).read_text(encoding="utf-8")

    # Is the log whole?
    press(page.get_by_role("link", name="Integrity"))
    press(page.get_by_role("button", name="Check now"))
    expect(page.locator("#integrity")).to_contain_text("The log is being checked")
    press(page.get_by_role("link", name="Refresh"))
    expect(page.locator("#integrity")).to_contain_text("The log is")
