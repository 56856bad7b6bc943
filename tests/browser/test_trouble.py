"""What goes wrong while somebody types: it is said, and nothing that was typed is lost."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import new_browser, open_editor, page_of

# The same troubles on each database: tests/faults.
pytestmark = pytest.mark.once
TOM, WANG = "/customers/123456789/", "/customers/704118236/"


def test_a_dead_api_leaves_the_text_in_its_field_and_saving_works_later(product, page):
    page.goto(TOM)
    box = open_editor(page, "email")
    product.add_fault(kind="status", method="GET", status=503, times=None)
    box.fill("typed@example.com")
    box.press("Enter")

    expect(page.locator("#notices")).to_contain_text("Club Med does not answer.")
    expect(box).to_have_value("typed@example.com")
    assert product.wire("PATCH") == []

    product.clear_faults()
    box.press("Enter")
    expect(page.locator("#email .was-saved")).to_be_visible()
    assert len(product.wire("PATCH")) == 1


@pytest.fixture
def clocked(chromium, product):
    """A supervisor's page whose clock can be moved."""
    with new_browser(chromium, product) as context:
        page = page_of(context, product)
        product.let_in(page, "Sana El Idrissi")
        page.clock.install()
        yield page


@pytest.mark.parametrize("where", ["profile", "change"])
def test_a_revealed_value_goes_out_of_sight_even_if_the_desk_does_not_answer(
    product, clocked, where
):
    page = clocked
    page.goto(WANG)
    if where == "change":
        page.locator("#identity .field-edit").click()
        page.locator("#identity [name=identity-number]").fill("11144477735")
        page.locator("#identity [name=identity-number]").press("Enter")
        expect(page.locator("#identity .was-saved")).to_be_visible()
        page.goto("/audit/")
        page.locator("tbody.change .when a").first.click()
    page.get_by_role("link", name="Reveal").first.click()
    page.get_by_label("Why do you need to see it?").select_option("review")
    page.get_by_role("button", name="Reveal").click()
    expect(page.locator("[data-secret]").first).to_contain_text("39053344709")
    page.route(re.compile("value/$|[?]hide="), lambda route: route.abort())

    page.clock.fast_forward(61_000)

    expect(page.locator("[data-secret]").first).to_have_text("hidden")
    expect(page.locator("#notices")).to_contain_text("does not answer")
    assert "39053344709" not in page.content()


def test_a_lost_answer_is_unknown_and_settles_by_itself(product, page):
    page.goto(TOM)
    product.add_fault(kind="drop_after", method="PATCH")
    box = open_editor(page, "email")
    box.fill("lost@example.com")
    box.press("Enter")

    expect(page.locator("#email")).to_contain_text("We do not know yet")
    product.let_time_pass()
    expect(page.locator("#email .was-saved")).to_be_visible()
    expect(page.locator("#email")).to_contain_text("lost@example.com")
    assert len(product.wire("PATCH")) == 1


def test_while_club_med_is_slow_the_seconds_are_counted_and_nothing_more_is_typed(product, page):
    page.goto(TOM)
    product.add_fault(kind="latency", method="PATCH", seconds=3.5)
    box = open_editor(page, "email")
    box.fill("slow@example.com")
    box.press("Enter")

    expect(page.locator("#email .saving")).to_contain_text(
        re.compile("Waiting for Club Med, [2-9] s")
    )
    expect(box).not_to_be_editable()
    expect(page.locator("#email .was-saved")).to_be_visible()


@pytest.mark.parametrize("status", [413, 502])
def test_a_proxys_error_page_does_not_take_the_forms_place(product, page, status):
    page.goto(TOM)
    box = open_editor(page, "email")
    page.route(
        "**/fields/email/", lambda route: route.fulfill(status=status, body="<h1>nginx</h1>")
    )
    box.fill("typed@example.com")
    box.press("Enter")

    expect(page.locator("#notices")).to_contain_text("The customer desk does not answer.")
    expect(box).to_have_value("typed@example.com")
