"""A keyboard is enough."""

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.once
TOM = "/customers/123456789/"


def tab_to(page, control):
    """Press Tab, as often as it takes, until that control has the focus."""
    for _ in range(100):
        page.keyboard.press("Tab")
        if control.evaluate("control => control === document.activeElement"):
            return
    raise AssertionError("Tab does not reach it")


def test_enter_opens_and_saves_and_the_focus_stays_where_the_work_is(product, page):
    product.let_in(page, "Inès Moreau")
    page.goto(TOM)
    tab_to(page, page.locator("#email .field-edit"))
    page.keyboard.press("Enter")

    box = page.locator("#email input[name=value]")
    expect(box).to_be_focused()
    assert page.evaluate("getSelection().toString()") == "tom@example.com"

    page.keyboard.type("no address")
    page.keyboard.press("Enter")
    expect(page.locator("#email .error")).to_be_visible()
    expect(box).to_be_focused()
    expect(box).to_have_value("no address")

    box.fill("keys@example.com")
    page.keyboard.press("Enter")
    expect(page.locator("#email .was-saved")).to_be_visible()
    expect(page.locator("#email .field-edit")).to_be_focused()
    expect(page.locator("#timeline")).to_contain_text("keys@example.com")
    expect(page.locator("#email .field-edit")).to_be_focused()


def test_escape_cancels_and_goes_back_to_the_value(product, page):
    product.let_in(page, "Inès Moreau")
    page.goto(TOM)
    page.locator("#last_name .field-edit").press("Enter")
    expect(page.locator("#last_name input[name=value]")).to_be_focused()
    page.keyboard.type("Nobody")
    page.keyboard.press("Escape")

    expect(page.locator("#last_name .field-edit")).to_be_focused()
    expect(page.locator("#last_name")).to_contain_text("Smith")
    assert product.wire("PATCH") == []


def test_a_field_without_a_value_opens_from_its_line(product, page):
    product.let_in(page, "Inès Moreau")
    page.goto(TOM)
    page.get_by_role("link", name="Add Second name").press("Enter")

    expect(page.locator("#second_name input[name=value]")).to_be_focused()
    page.keyboard.type("Zoé")
    page.keyboard.press("Enter")
    expect(page.locator("#second_name")).to_contain_text("Club Med stored “ZOE”")


def test_escape_leaves_a_field_that_has_no_value_without_one(product, page):
    product.let_in(page, "Inès Moreau")
    page.goto(TOM)
    tab_to(page, page.get_by_role("link", name="Add Second name"))
    page.keyboard.press("Enter")
    expect(page.locator("#second_name input[name=value]")).to_be_focused()
    page.keyboard.type("Nobody")
    page.keyboard.press("Escape")

    expect(page.locator("#second_name .field-edit")).to_be_focused()
    expect(page.locator("#second_name")).to_contain_text("Not given")
    assert product.wire("PATCH") == []


def test_a_menu_closes_on_escape_and_gives_the_focus_back(product, page):
    product.let_in(page, "Inès Moreau")
    page.goto(TOM)
    menu = page.locator("details.menu", has_text="Inès Moreau")
    menu.locator("summary").press("Enter")
    expect(menu.get_by_role("button", name="Sign out")).to_be_visible()
    page.keyboard.press("Escape")

    expect(menu.get_by_role("button", name="Sign out")).to_be_hidden()
    expect(menu.locator("summary")).to_be_focused()


def test_the_summary_of_a_long_form_is_read_first(product, page):
    product.let_in(page, "Inès Moreau")
    page.goto("/customers/new/")
    page.get_by_role("button", name="Create the customer").click()

    expect(page.locator("#summary")).to_be_focused()
    page.get_by_role("link", name="First name: Needed to create a customer.").click()
    expect(page.locator("#id_first_name")).to_be_focused()


def test_enter_in_the_create_form_sends_it_and_takes_no_phone_out(product, page):
    product.let_in(page, "Inès Moreau")
    page.goto("/customers/new/")
    page.get_by_label("Number of phone 1").fill("0612345678")
    page.get_by_label("First name", exact=True).fill("Léa")
    page.get_by_label("First name", exact=True).press("Enter")

    expect(page.locator("#summary")).to_be_visible()
    expect(page.get_by_label("Number of phone 1")).to_have_value("0612345678")
