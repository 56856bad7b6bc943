"""Activity as a supervisor uses it; without a script: tests/views/test_activity.py."""

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.once


def test_a_period_is_chosen_and_corrected_in_place(sana):
    sana.goto("/audit/")
    sana.get_by_role("link", name="See as pictures").click()
    expect(sana.locator("#findings .remark")).to_contain_text("kept nowhere")
    sana.get_by_role("textbox", name="From").fill("2026-03-01")
    sana.get_by_role("textbox", name="To").fill("2026-03-05")
    sana.get_by_role("button", name="Filter").click()
    period = sana.locator(".panel-body", has_text="from 1 March 2026 to 5 March 2026")
    expect(period).to_be_visible()
    expect(sana.locator("#findings .remark")).to_contain_text("kept nowhere")

    sana.goto("/audit/activity/?from=2026-03-05&to=2026-03-01")
    expect(sana.locator("#list .error")).to_contain_text("This day is before the first one.")
    expect(sana.get_by_role("heading", name="Changes per day")).to_have_count(0)
    sana.get_by_role("link", name="Last 7 days").click()
    expect(sana.get_by_role("heading", name="Changes per day")).to_be_visible()
    expect(sana.locator("#findings .remark")).to_contain_text("kept nowhere")
