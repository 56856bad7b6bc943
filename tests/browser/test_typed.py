"""What is pasted into several fields, in a browser: stored clean, and the page tells one truth."""

import json
import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import open_editor, save_as

pytestmark = pytest.mark.once
WANG = "/customers/704118236/"
COMPOSING = "new KeyboardEvent('keydown', {key: 'Escape', bubbles: true, isComposing: true})"


def test_what_is_pasted_is_stored_clean_and_shown_everywhere(page, product):
    page.goto(WANG)

    open_editor(page, "email").fill("a..b@example.org")
    box = page.locator("#email input[name=value]")
    box.press("Enter")
    expect(page.locator("#email .error")).to_contain_text("Not a valid e-mail address")
    box.fill("\u200bTom Smith <tom.smith@example.com>\u200e")
    box.press("Enter")
    expect(page.locator("#email .was-saved")).to_be_visible()
    save_as(page, "last_name", "Nun\u0303ez\u00a0\u00adSilva")
    save_as(page, "birthdate", "15 juin 1986")
    open_editor(page, "birth_city").fill("\u202eLyon\u202c")
    box = page.locator("#birth_city input[name=value]")
    box.evaluate(f"input => input.dispatchEvent({COMPOSING})")
    expect(box).to_be_visible()  # Esc closed an input method's list, and nothing else
    for name, value in {"spellcheck": "false", "autocomplete": "off", "dir": "auto"}.items():
        expect(box).to_have_attribute(name, value)
    box.press("Enter")
    expect(page.locator("#birth_city .was-saved")).to_be_visible()
    page.locator("#phones .field-edit").click()
    number = page.locator("#phones-input, #phones").get_by_label("Number of phone 1")
    number.fill("tel:11\u00ad90000‑0413")
    number.press("Enter")
    expect(page.locator("#phones .was-saved")).to_be_visible()

    bodies = [json.loads(body) for _, body in product.wire("PATCH")]
    sent = {name: value for body in bodies for name, value in body.items()}
    assert sent.pop("phones")[0]["number"] == "+5511900000413"
    assert sent == {
        "email": "tom.smith@example.com",
        "last_name": "Nuñez Silva",
        "birthdate": "19860615",
        "birth_city": "Lyon",
    }
    facts = page.locator("#facts")
    expect(facts.locator("[href='tel:+5511900000413']")).to_have_text("+55 11 90000-0413")
    expect(facts.locator("[href='mailto:tom.smith@example.com']")).to_be_visible()
    expect(page.locator("h1")).to_contain_text(re.compile("Nu[ñn]ez Silva", re.IGNORECASE))
    expect(page).to_have_title(re.compile("Nu[ñn]ez Silva", re.IGNORECASE))
    expect(page.locator("#birthdate")).to_contain_text("15 June 1986")


def test_what_may_be_wrong_is_told_and_can_be_saved_anyway(page, product):
    both = [{"channel": "EMAIL", "optin": True}, {"channel": "EMAIL", "optin": False}]
    product.change_elsewhere("704118236", locale="fr-FR", phones=[], optins=both)
    page.goto(WANG)

    def edit(field, told, anyway="Save anyway", **typed):
        """Open that editor, type and save; then, as the page tells something, save anyway."""
        editor = page.locator(f"#{field}")
        editor.locator(".field-edit").click()
        for name, text in typed.items():
            box = editor.locator(f"[name={field}-{name}]")
            box.select_option(text) if name in ("type", "country_code") else box.fill(text)
        if typed:
            editor.get_by_role("button", name="Save", exact=True).last.click()
        expect(editor).to_contain_text(told)
        editor.get_by_role("button", name=anyway).click()

    def saved(field):
        expect(page.locator(f"#{field} .was-saved")).to_be_visible()
        return json.loads(product.wire("PATCH")[-1][1])[field]

    edit("phones", "06 12 34 56 78 is stored as +33612345678", "Add a phone")
    page.get_by_label("Number of phone 1").fill("06 39 98 12 34")
    page.get_by_label("Number of phone 2").fill("tel:+33639981234")
    page.locator("#phones").get_by_role("button", name="Save", exact=True).last.click()
    expect(page.locator("#phones .error").first).to_contain_text("Phone 1 is the same number")
    page.get_by_role("button", name="Save anyway").click()
    assert [one["number"] for one in saved("phones")] == ["+33639981234"] * 2

    edit("identity", "Not a valid number of this type (CPF)", type="CPF", number="390.533.447-04")
    assert saved("identity") == {"type": "CPF", "number": "39053344704"}
    edit("address", "not a postal code of this country", country_code="GB", zip_code="75001")
    assert (saved("address")["country_code"], saved("address")["zip_code"]) == ("GB", "75001")

    edit("optins", "Opt-ins", "Set every opt-in to No…")
    page.get_by_role("button", name="Set every opt-in to No", exact=True).click()
    assert saved("optins") == [{"channel": "EMAIL", "optin": False}]


def test_one_click_copies_a_number(page):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(WANG)

    page.get_by_role("button", name="Copy: E-mail").click()

    expect(page.locator(".copied", has_text="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == "beatriz.wang@example.com"


def test_an_empty_field_is_added_from_one_line(page):
    page.goto(WANG)

    page.locator("[aria-labelledby=identity-title] .add-field summary").click()
    expect(page.locator("#identity-add")).to_contain_text("7 fields")
    page.get_by_role("link", name="Add Second name").click()

    box = page.locator("#second_name input[name=value]")
    expect(box).to_be_focused()
    box.fill("Ana")
    box.press("Enter")
    expect(page.locator("#identity-add")).to_contain_text("6 fields")
    expect(page.locator("#said")).to_contain_text("Second name, Saved. You typed “Ana”")


def test_what_follows_a_field_is_shown_with_it(page):
    page.goto(WANG)
    expect(page.locator("#gender")).to_contain_text("Female")

    page.locator("#civility .field-edit").click()
    page.locator("#civility select").select_option("MR")
    page.locator("#civility").get_by_role("button", name="Save", exact=True).click()

    expect(page.locator("#gender")).to_contain_text("Male")
    expect(page.locator("h1")).to_contain_text("Mr Beatriz")
    expect(page.locator("#facts")).to_contain_text("Civility")  # was changed last
