"""Single keys lead where the sheet says, never while somebody types, and can be turned off."""

import json
import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import open_editor, save_as

pytestmark = pytest.mark.once
TOM = "/customers/123456789/"
# Playwright asks a page nothing while another is on its way, so the page says it by itself.
SAY_WHERE_IT_STOPS = """() => {
    const look = () => {
        const button = document.querySelector("[role=status] [data-leave]");
        const { x, y } = button?.getBoundingClientRect() ?? {};
        button ? console.log(JSON.stringify([x + 5, y + 5])) : setTimeout(look, 50);
    };
    look();
}"""


def press(page, *keys):
    for key in keys:
        page.keyboard.press(key)


def test_an_email_is_changed_with_twelve_keys_beside_what_is_typed(product, page):
    page.goto(TOM)
    for pressed in range(1, 8):  # noqa: B007
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent") == "Skip to Contact":
            break
    press(page, "Enter", "Tab", "Tab", "Tab", "e")
    expect(page.locator("#email input[name=value]")).to_be_focused()
    page.keyboard.type("keyed@example.com")
    page.keyboard.press("Enter")

    expect(page.locator("#email .was-saved")).to_be_visible()
    assert pressed + 6 <= 12


def test_the_sheet_lists_what_the_role_can_open_and_closes(product, page):
    for name, log in (("Inès Moreau", False), ("Sana El Idrissi", True)):
        product.let_in(page, name)
        page.goto("/saves/")
        press(page, "?")
        sheet = page.get_by_role("dialog", name="Keyboard shortcuts")
        expect(sheet).to_be_visible()
        expect(sheet.get_by_text("Audit log")).to_be_visible(visible=log)
        press(page, "n")
        expect(sheet).to_be_visible()
        press(page, "Escape")
        expect(sheet).to_be_hidden()


def test_keys_lead_to_pages_and_lines(sana):
    sana.goto(TOM)
    save_as(sana, "email", "keys@example.com")
    press(sana, "g", "a")
    sana.wait_for_url("**/audit/")  # and its scripts
    press(sana, "j", "j", "ArrowUp")
    line = sana.locator("table.log > tbody.change").first
    expect(line.locator("a").first).to_be_focused()
    press(sana, "f")
    expect(sana.locator("#filters summary").first).to_be_focused()
    press(sana, "n")
    expect(sana).to_have_url(re.compile("/customers/new/$"))


def test_in_a_field_a_letter_is_text_and_ctrl_enter_saves(product, page):
    page.goto(TOM)
    page.locator("#optins .field-edit").click()
    page.locator("#optins select").first.focus()
    press(page, "ArrowDown", "Control+Enter")
    expect(page.locator("#optins .was-saved")).to_be_visible()

    press(page, "/")
    expect(page.locator(".topsearch [name=q]")).to_be_focused()
    press(page, "n", "?", "g", "f")
    expect(page.locator(".topsearch [name=q]")).to_have_value("n?gf")
    expect(page).to_have_url(re.compile(TOM))


@pytest.mark.parametrize("composing", ["isComposing: true", "keyCode: 229"])  # 229: Safari's way
def test_a_key_that_an_input_method_composes_with_does_nothing(page, composing):
    page.goto(TOM)
    open_editor(page, "email")
    compose = f"""key => document.activeElement.dispatchEvent(new KeyboardEvent(
        "keydown", {{ key, {composing}, bubbles: true, ctrlKey: key === "Enter" }}))"""
    for key in ("Escape", "Enter"):
        page.evaluate(compose, key)
    page.evaluate("document.activeElement.blur()")
    page.evaluate(compose, "n")

    expect(page.locator("#email[data-state=editing] input[name=value]")).to_be_visible()
    expect(page).to_have_url(re.compile(TOM))


FIRST = {
    "/customers/new/": "#id_civility",
    f"{TOM}fields/email/": "[name=value]",
    f"{TOM}fields/phones/": "[name=phones-0-number]",
    f"{TOM}groups/identity/": "#id_civility",
    f"{TOM}forget/": "[name=reason]",
    TOM: "body",
}


def test_a_page_that_is_a_form_begins_in_it(sana):
    for path, first in FIRST.items():
        sana.goto(path)
        expect(sana.locator(first).first).to_be_focused()


def test_the_first_customer_who_was_found_is_opened_with_enter(page):
    page.goto("/")
    expect(page.locator("#q")).to_be_focused()
    page.keyboard.type("Smith")
    press(page, "Enter")
    found = page.locator("section[aria-labelledby=found-title] li")
    expect(found.first.locator("a")).to_be_focused()
    press(page, "ArrowDown", "Enter")
    expect(page).to_have_url(re.compile(r"/customers/\d+/$"))


def test_a_slow_search_says_so_and_can_be_left(product, page):
    # What the desk's timer reads must not be slow: while the desk rests from calls that failed, a
    # search is answered at once.
    slow = {"kind": "latency", "method": "GET", "path": "/v1/customers"}
    product.add_fault(**slow, seconds=30, times=None)
    page.goto("/saves/")
    press(page, "/")
    page.keyboard.type("Smith")
    for way in ("Escape", "Stop searching"):
        page.evaluate(SAY_WHERE_IT_STOPS)
        with page.expect_console_message() as where:
            press(page, "Enter")
        page.said.remove(where.value.text)
        if way == "Escape":
            press(page, "Escape")
        else:
            page.mouse.click(*json.loads(where.value.text))

        expect(page.get_by_text("Asking Club Med")).to_have_count(0)
        expect(page.locator(".topsearch [name=q]")).to_be_focused()
        expect(page.locator(".topsearch [name=q]")).to_have_value("Smith")
    product.clear_faults()
    press(page, "Enter")
    expect(page.locator("#found-title")).to_be_visible()


def test_the_keys_can_be_turned_off_and_on(page):
    page.goto("/shortcuts/")
    page.get_by_label("Single keys are on").uncheck()
    press(page, "n")
    page.goto("/shortcuts/")
    expect(page.get_by_label("Single keys are on")).not_to_be_checked()
    page.get_by_label("Single keys are on").check()
    press(page, "n")
    expect(page).to_have_url(re.compile("/customers/new/$"))
