"""A customer on paper."""

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.once
PRESSED = (
    ".topbar, .crumbs, .why, main :is(button, input, select, summary, .btn), .field-edit > .icon"
)


def test_a_printed_customer_is_a_sheet_of_values_without_what_can_be_pressed(sana):
    sana.emulate_media(media="print", color_scheme="dark")
    sana.goto("/customers/704118236/")

    assert sana.locator(PRESSED).count() > 20
    expect(sana.locator(PRESSED).filter(visible=True)).to_have_count(0)
    for said in ("beatriz.wang@example.com", "São Paulo-SP", "CPF", "Sana El Idrissi"):
        expect(sana.locator("main")).to_contain_text(said, use_inner_text=True)
    paper = sana.evaluate("getComputedStyle(document.body).backgroundColor")
    ink = sana.evaluate("getComputedStyle(document.querySelector('.field-value')).color")
    assert (paper, ink) == ("rgb(255, 255, 255)", "rgb(27, 36, 48)")
