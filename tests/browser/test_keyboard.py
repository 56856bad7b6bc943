"""A keyboard is enough."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import open_editor, tab_to

pytestmark = pytest.mark.once
TOM, WANG = "/customers/123456789/", "/customers/704118236/"


def say_why(page):
    expect(page.get_by_label("Why do you need to see it?")).to_be_focused()
    for key in ("T", "Tab", "Enter"):  # the first purpose that begins with it
        page.keyboard.press(key)


def test_enter_opens_and_saves_and_the_focus_stays_where_the_work_is(product, page):
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


@pytest.mark.parametrize(
    ("link", "field", "left"),
    [("Edit Last name", "last_name", "Smith"), ("Add Second name", "second_name", "Not given")],
)
def test_escape_cancels_and_goes_back_to_the_value(product, page, link, field, left):
    page.goto(TOM)
    if link.startswith("Add"):
        tab_to(page, page.locator(".add-field summary").first)
        page.keyboard.press("Enter")
    tab_to(page, page.get_by_role("link", name=link))
    page.keyboard.press("Enter")
    expect(page.locator(f"#{field} input[name=value]")).to_be_focused()
    page.keyboard.type("Nobody")
    asked = []
    page.once("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))
    page.keyboard.press("Escape")
    expect(page.locator(f"#{field} input[name=value]")).to_have_value("Nobody")
    page.once("dialog", lambda dialog: dialog.accept())
    page.keyboard.press("Escape")

    assert asked == ["Discard what you typed?"]
    expect(page.locator(f"#{field} .field-edit")).to_be_focused()
    expect(page.locator(f"#{field}")).to_contain_text(left)
    assert product.wire("PATCH") == []


def test_in_a_conflict_nothing_is_chosen_by_a_key_too_many_and_nothing_typed_is_gone(product, page):
    page.goto(TOM)
    box = open_editor(page, "email")
    product.change_elsewhere("123456789", email="theirs@example.com")
    box.fill("mine@example.com")
    page.keyboard.press("Enter")
    expect(page.locator("#email [role=alert]")).to_be_focused()
    for key in ("Enter", "Control+Enter", "Escape"):
        page.keyboard.press(key)

    expect(box).to_be_focused()
    expect(box).to_have_value("mine@example.com")
    product.change_elsewhere("123456789", email="newer@example.com")
    page.keyboard.press("Enter")
    tab_to(page, page.get_by_role("button", name="Keep theirs"))
    page.keyboard.press("Enter")
    expect(page.locator("#email .field-edit")).to_contain_text("newer@example.com")
    tab_to(page, page.get_by_role("button", name="Use it"))
    page.keyboard.press("Enter")
    expect(box).to_be_focused()
    expect(box).to_have_value("mine@example.com")
    assert product.wire("PATCH") == []


def test_a_hidden_value_is_revealed_and_hidden_again(sana):
    sana.goto(WANG)
    reveal = sana.get_by_role("link", name="Reveal National number")
    assert "39053344709" not in sana.content()
    tab_to(sana, reveal)
    sana.keyboard.press("Enter")

    why = sana.get_by_label("Why do you need to see it?")
    expect(why).to_be_focused()
    sana.keyboard.press("Escape")
    expect(sana.locator("#identity .field-edit")).to_be_focused()
    sana.keyboard.press("Tab")
    expect(reveal).to_be_focused()
    sana.keyboard.press("Enter")
    say_why(sana)

    expect(sana.locator("#identity")).to_contain_text("CPF 39053344709")
    expect(sana.get_by_role("link", name="Hide National number")).to_be_focused()
    sana.keyboard.press("Enter")
    expect(sana.locator("#identity .field-edit")).to_be_focused()
    assert "39053344709" not in sana.content()


def test_the_focus_comes_back_to_a_value_that_cannot_be_edited(sana):
    sana.goto(WANG)
    reveal = sana.get_by_role("link", name="Reveal Health pass")
    why = sana.get_by_label("Why do you need to see it?")
    reveal.press("Enter")
    expect(why).to_be_focused()
    sana.keyboard.press("Escape")
    expect(reveal).to_be_focused()
    sana.keyboard.press("Enter")
    say_why(sana)
    expect(sana.get_by_role("link", name="Hide Health pass")).to_be_focused()
    sana.keyboard.press("Escape")

    expect(reveal).to_be_focused()


def test_what_was_done_is_read_first_on_the_page_after_it(sana):
    sana.goto(f"{WANG}forget/")
    sana.get_by_label("Why is this customer to be forgotten?").fill("By letter")
    sana.get_by_label("The customer’s number, once more").fill("704118236")
    sana.keyboard.press("Enter")

    expect(sana.locator("#notices")).to_contain_text("Forgotten: ")
    expect(sana.locator("#notices")).to_be_focused()


def test_a_menu_closes_on_escape_and_gives_the_focus_back(product, page):
    page.goto(TOM)
    menu = page.locator("details.menu", has_text="Inès Moreau")
    menu.locator("summary").press("Enter")
    expect(menu.get_by_role("button", name="Sign out")).to_be_visible()
    page.keyboard.press("Escape")

    expect(menu.get_by_role("button", name="Sign out")).to_be_hidden()
    expect(menu.locator("summary")).to_be_focused()


def test_enter_sends_a_long_form_whose_summary_is_read_first_and_takes_no_phone_out(product, page):
    page.goto("/customers/new/")
    page.get_by_label("Number of phone 1").fill("0612345678")
    page.get_by_label("Last name", exact=True).fill("Durand")
    page.get_by_label("Last name", exact=True).press("Enter")

    expect(page.locator("#summary")).to_be_focused()
    expect(page.get_by_label("Number of phone 1")).to_have_value("0612345678")
    page.get_by_role("link", name="First name: Required.").click()
    expect(page.locator("#id_first_name")).to_be_focused()
