"""A create, in a browser: it begins well, says that it waits, and goes on after a warning."""

import json
import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.once


def test_a_create_for_another_market_through_a_wait_and_a_warning(page, product):
    product.change_elsewhere("123456789", email="beatriz.wang@example.com")
    page.goto("/market/?next=/customers/new/")
    page.get_by_role("button", name="Mexico").click()
    expect(page.locator("#id_language_code")).to_have_value("ES")
    expect(page.locator("#id_civility")).to_be_focused()
    page.get_by_role("button", name="United States en-US").last.click()  # one click away
    expect(page.locator("#id_language_code")).to_have_value("EN")
    expect(page.locator("#id_civility")).to_be_focused()
    page.keyboard.type("Ms")
    for text in ("Beatriz", "Wang"):
        page.keyboard.press("Tab")
        page.keyboard.type(text)
    page.locator("[name=email]").fill("beatriz.wang@example.com")
    page.keyboard.press("Enter")
    expect(page.locator("#alike")).to_be_focused()

    product.add_fault(kind="latency", method="POST", seconds=3.5)
    page.locator(".panel-foot").get_by_role("button", name="Create anyway").click()
    waiting = page.locator("#create .saving")
    expect(waiting).to_contain_text(re.compile("Waiting for Club Med, [2-9] s"))
    expect(page.locator("#id_last_name")).not_to_be_editable()

    expect(page.locator("#notices")).to_contain_text("The customer is created.")
    [[_, body]] = product.wire("POST")
    assert json.loads(body)["language_code"] == "EN"
