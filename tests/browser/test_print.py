"""A customer on paper."""

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.once
PRESSED = (
    ".topbar, .crumbs, .why, main :is(button, input, select, summary, .btn), .field-edit > .icon"
)


@pytest.fixture
def paper(sana):
    sana.emulate_media(media="print", color_scheme="dark")
    yield sana
    sana.emulate_media(media="null", color_scheme="null")


def test_a_printed_customer_is_a_sheet_of_values_without_what_can_be_pressed(paper):
    paper.goto("/customers/704118236/")

    assert paper.locator(PRESSED).count() > 20
    expect(paper.locator(PRESSED).filter(visible=True)).to_have_count(0)
    for said in ("beatriz.wang@example.com", "São Paulo-SP", "CPF", "Sana El Idrissi"):
        expect(paper.locator("main")).to_contain_text(said, use_inner_text=True)
    sheet = paper.evaluate("getComputedStyle(document.body).backgroundColor")
    ink = paper.evaluate("getComputedStyle(document.querySelector('.field-value')).color")
    assert (sheet, ink) == ("rgb(255, 255, 255)", "rgb(27, 36, 48)")
