"""A day at the desk in French on a narrow screen: with the keyboard alone, and without a script."""

import json

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import SIDEWAYS, WORDS, sign_in, tab_to, unexpected

pytestmark = pytest.mark.once
NARROW = {"locale": "fr-FR", "viewport": {"width": 375, "height": 800}}


def look(page, english):
    """All of the page is in French, and fits."""
    expect(page.locator("html")).to_have_attribute("lang", "fr")
    assert english & set(page.evaluate(WORDS)) == set()
    assert page.evaluate(SIDEWAYS) <= 0


def sent(product):
    bodies = [json.loads(body) for _, body in product.wire("POST") + product.wire("PATCH")]
    return [
        {name: body[name] for name in ("last_name", "email") if name in body} for body in bodies
    ]


AVATAR, SIGN_OUT, SIGNED_OUT = "summary:has(.avatar-mark)", "Se déconnecter", "Vous êtes déconnecté"
DAY = [{"last_name": "Durand"}, {"email": "lea.durand@example.com"}]


def test_with_the_keyboard_alone(product, open_page, english):
    page = open_page(**NARROW)
    sign_in(page, "Inès Moreau")
    look(page, english)
    keys = page.keyboard

    expect(page.locator("#q")).to_be_focused()
    keys.type("Wang 14 juin 1986")
    keys.press("Enter")
    expect(page.locator("h1")).to_contain_text("Beatriz Wang")
    look(page, english)

    keys.press("n")
    expect(page.get_by_label("Civilité", exact=True)).to_be_focused()
    look(page, english)
    keys.type("M")
    keys.press("Tab")
    keys.type("Léa")
    keys.press("Tab")
    keys.press("Enter")  # the last name is missing
    expect(page.locator("#summary")).to_be_focused()
    look(page, english)
    tab_to(page, page.get_by_label("Nom", exact=True))
    keys.type("Durand")
    keys.press("Enter")
    expect(page.locator("#notices")).to_contain_text("Le client est créé.")
    look(page, english)

    tab_to(page, page.locator("#email .field-edit"))
    keys.press("Enter")
    expect(page.locator("#email input[name=value]")).to_be_focused()
    keys.type("lea.durand")
    keys.press("Enter")
    expect(page.locator("#email .error")).to_be_visible()
    look(page, english)
    keys.press("End")
    keys.type("@example.com")
    keys.press("Enter")
    expect(page.locator("#email .was-saved")).to_be_visible()
    look(page, english)

    keys.press("h")
    expect(page.locator("h1")).to_contain_text("E-mail")
    look(page, english)
    tab_to(page, page.locator(AVATAR))
    keys.press("Enter")
    tab_to(page, page.get_by_role("button", name=SIGN_OUT))
    keys.press("Enter")
    expect(page.locator("h1")).to_have_text(SIGNED_OUT)
    look(page, english)
    assert sent(product) == DAY
    assert unexpected(page.said) == []


def test_without_a_script(product, open_page, english):
    page = open_page(script=False, **NARROW)
    sign_in(page, "Inès Moreau")
    look(page, english)
    page.locator("#q").fill("Wang 14 juin 1986")
    page.get_by_role("button", name="Rechercher").first.click()
    expect(page.locator("h1")).to_contain_text("Beatriz Wang")
    look(page, english)

    page.get_by_role("link", name="Nouveau").first.click()
    look(page, english)
    page.get_by_label("Civilité", exact=True).select_option("MS")
    page.get_by_label("Prénom", exact=True).fill("Léa")
    page.get_by_role("button", name="Créer le client").click()
    expect(page.locator("#summary")).to_be_visible()
    look(page, english)
    page.get_by_label("Nom", exact=True).fill("Durand")
    page.get_by_role("button", name="Créer le client").click()
    expect(page.locator("#notices")).to_contain_text("Le client est créé.")

    look(page, english)
    page.locator("#email .field-edit, #email a").first.click()
    page.locator("#email input[name=value]").fill("lea.durand")
    page.get_by_role("button", name="Enregistrer").click()
    expect(page.locator("#email .error")).to_be_visible()
    look(page, english)
    page.locator("#email input[name=value]").fill("lea.durand@example.com")
    page.get_by_role("button", name="Enregistrer").click()
    expect(page.locator("#notices, #email").filter(has_text="nregistré").first).to_be_visible()

    page.get_by_role("link", name="Historique").first.click()
    expect(page.locator("tbody.change").first).to_contain_text("lea.durand@example.com")
    look(page, english)
    page.locator(AVATAR).click()
    page.get_by_role("button", name=SIGN_OUT).click()
    expect(page.locator("h1")).to_have_text(SIGNED_OUT)
    look(page, english)
    assert sent(product) == DAY
