"""Every page, light and dark: readable by everybody, and quiet. `make looks`: at every width."""

import re
from pathlib import Path

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import expect

from tests.browser.conftest import open_editor, reload_until_shown, save_as

pytestmark = pytest.mark.once
RICH, LONG, TOM = "/customers/704118236/", "/customers/30955172/", "/customers/123456789/"
SPARSE = "/customers/675278315/"  # an e-mail address, and no name
PICTURES = Path(__file__).parents[2] / "looks"
WIDTHS = (320, 375, 768, 1440)
STANDARDS = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]
SIDEWAYS = "document.scrollingElement.scrollWidth - document.scrollingElement.clientWidth"
RULES = {"runOnly": {"type": "tag", "values": STANDARDS}, "resultTypes": ["violations"]}
VIOLATIONS = """async rules => (await axe.run(rules)).violations.map(
    found => [found.id, found.nodes.map(node => node.html)])"""


def refused(page, product):
    page.goto(LONG)
    page.locator("#last_name .field-edit").click()
    page.locator("#last_name input[name=value]").fill("Castro 2")
    page.keyboard.press("Enter")
    expect(page.locator("#last_name .error")).to_be_visible()


def clearing(page, product):
    page.goto(RICH)
    page.locator("#email .field-edit").click()
    page.get_by_role("button", name="Clear…").click()
    expect(page.locator("#email[data-state=clearing]")).to_be_visible()


def phones(page, product):
    page.goto(LONG)
    page.locator("#phones .field-edit").click()
    expect(page.locator("#phones .phone-row")).to_have_count(4)


def yes_or_no(page, product):
    page.goto(RICH)
    page.locator("#personal_data_usage_allowed .field-edit").click()
    expect(page.locator("input[type=radio]")).to_have_count(2)


def saved(page, product):
    page.goto(TOM)
    page.locator("#first_name .field-edit").click()
    page.locator("#first_name input[name=value]").fill("Thomás")
    page.keyboard.press("Enter")
    expect(page.locator("#first_name")).to_contain_text("Club Med stored “THOMAS”")


def saved_alone(page, product):
    page.goto(TOM)  # what was seen of them before another test is not what they are now
    page.goto(f"{TOM}fields/first_name/")
    page.locator("input[name=value]").fill("Thomás")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#first_name")).to_contain_text("Club Med stored “THOMAS”")


def unknown(page, product):
    page.goto(SPARSE)
    product.add_fault(kind="drop_before", method="PATCH")
    page.get_by_role("link", name="Add Place of birth").click()
    box = page.locator("#birth_city input[name=value]")
    box.fill("Lyon")
    page.route("**/changes/**", lambda route: route.fulfill(status=204))  # so it stays like this
    box.press("Enter")
    expect(page.locator("#birth_city[data-state=unknown]")).to_be_visible()


def conflict(page, product):
    page.goto(TOM)
    box = open_editor(page, "email")
    with page.context.browser.new_context(base_url=product.desk) as context:
        theirs = context.new_page()
        product.let_in(theirs, "Owen Whitfield")
        theirs.goto(TOM)
        save_as(theirs, "email", "theirs@example.com")
    box.fill("mine@example.com")
    box.press("Enter")
    expect(page.locator("#email[data-state=conflict]")).to_be_visible()


def recorded(page, product):
    """One change that Club Med took, and after it one that it refused."""
    page.goto(TOM)
    save_as(page, "email", "a.very.long.address.of.one.and.the.same.customer@mail.example.com")
    product.add_fault(kind="status", method="PATCH", status=400)
    box = open_editor(page, "last_name")
    box.fill("Smithers")
    box.press("Enter")
    expect(page.locator("#last_name .error")).to_be_visible()
    page.get_by_role("link", name="Cancel").click()
    expect(page.locator("#last_name .field-edit")).to_be_focused()


def recorded_at(path):
    def show(page, product):
        recorded(page, product)
        page.goto(path)
        expect(page.locator("tbody.change").nth(1)).to_be_visible()

    return show


def change(page, product):
    recorded(page, product)
    page.goto("/audit/")
    page.locator("tbody.change .when a").first.click()
    expect(page.locator("#facts-title")).to_be_visible()


def lost(page, product, where, kind="drop_before"):
    """A change without an answer."""
    page.goto(where)
    product.add_fault(kind=kind, method="PATCH")
    box = open_editor(page, "email")
    box.fill("a.very.long.address.of.one.and.the.same.customer@mail.example.com")
    box.press("Enter")
    expect(page.locator("#email[data-state=unknown]")).to_be_visible()


def unsettled(page, product):
    lost(page, product, TOM)
    page.goto("/audit/unsettled/")
    expect(page.locator("tbody.change").first).to_be_visible()


def settled(page, product):
    """My saves, right after one was settled by the timer."""
    lost(page, product, RICH, kind="drop_after")
    product.let_time_pass()
    page.goto("/saves/")
    reload_until_shown(page, page.get_by_role("heading", name="Settled since"))


def unclear(where):
    """Somebody else's change of which the profile shows a third value."""

    def show(page, product):
        with page.context.browser.new_context(base_url=product.desk) as context:
            theirs = context.new_page()
            product.let_in(theirs, "Owen Whitfield")
            theirs.goto(LONG)
            lost(theirs, product, LONG)
        product.change_elsewhere("30955172", email="third@example.com")
        product.let_time_pass()
        page.goto("/audit/unsettled/")
        decide = page.get_by_role("link", name="Decide").first
        reload_until_shown(page, decide)
        if where == "change":
            decide.click()
            page.get_by_role("button", name="Record the outcome").click()
            expect(page.locator("#settle .error").first).to_be_visible()

    return show


def searched(page, product):
    """Somebody else's unclear create, beside the customer that a search found."""
    with page.context.browser.new_context(base_url=product.desk) as context:
        theirs = context.new_page()
        product.let_in(theirs, "Owen Whitfield")
        product.add_fault(kind="drop_after", method="POST")
        create(theirs, "Maximiliane", "Montgomery-Vandenberghe", "max@example.com")
        expect(theirs.locator("h1")).to_contain_text("We do not know yet")
    product.let_time_pass()
    page.goto("/audit/unsettled/")
    page.locator("tbody", has_text="Maximiliane").get_by_role("link", name="Decide").first.click()
    page.get_by_role("link", name="Search Club Med for this customer").click()
    expect(page.get_by_role("button", name="This is the one").first).to_be_visible()


def no_access(page, product):
    page.context.clear_cookies()
    page.goto("/")
    page.get_by_role("button", name="Noa Feldstein").click()
    expect(page.locator("h1")).to_have_text("You have no access yet")


def api_down(page, product):
    page.goto(TOM)
    page.locator("#email .field-edit").click()
    product.add_fault(kind="status", method="GET", status=503, times=None)
    page.locator("#email input[name=value]").fill("typed@example.com")
    page.keyboard.press("Enter")
    expect(page.locator("#notices .notice")).to_be_visible()
    product.clear_faults()


def create_refused(page, product):
    page.goto("/customers/new/")
    page.get_by_label("Last name", exact=True).fill("Montgomery-Vandenberghe-Castro-Smith")
    page.get_by_label("Date of birth").fill("31/06/1986")
    page.get_by_role("button", name="Create the customer").click()
    expect(page.locator("#summary")).to_be_visible()


def create(page, first_name, last_name, email):
    page.goto("/customers/new/")
    page.get_by_label("Civility", exact=True).select_option("MS")
    page.get_by_label("First name", exact=True).fill(first_name)
    page.get_by_label("Last name", exact=True).fill(last_name)
    page.locator("[name=email]").fill(email)
    page.get_by_role("button", name="Create the customer").last.click()


def create_again(page, product):
    """The same person, whose first create got no answer."""
    product.add_fault(kind="drop_before", method="POST")
    for shown in ("h1", "#alike"):
        create(page, "Maximiliane", "Montgomery-Vandenberghe", "maximiliane@example.com")
        expect(page.locator(shown)).to_contain_text(re.compile("created by|was created"))


def alike(page, product):
    """Customers who may be the same, in several scripts."""
    for number in ("30955172", "123456789"):
        product.change_elsewhere(number, email="beatriz.wang@example.com")
    create(page, "Beatriz", "Wang", "beatriz.wang@example.com")
    expect(page.locator("#alike a")).to_have_count(3)


def search(page, what):
    """In the box that has the focus: Chromium complains of whoever is faster than its autofocus."""
    page.goto("/")
    box = page.locator("#q")
    expect(box).to_be_focused()
    box.fill(what)
    box.press("Enter")


def found(page, product):
    for number in ("30955172", "123456789"):
        product.change_elsewhere(number, email="beatriz.wang@example.com")
    search(page, "beatriz.wang@example.com")
    expect(page.locator("#found-title")).to_have_text("3 customers")
    expect(page.locator("#q")).to_be_focused()
    page.get_by_text("Search by single fields").click()


def find_down(page, product):
    product.add_fault(kind="status", method="GET", status=503, times=None)
    search(page, "Wang 14/06/1986")
    expect(page.locator(".notice[data-tone=bad]")).to_contain_text("Your search is kept above")
    product.clear_faults()


def address_refused(page, product):
    """With the other editors of lists and objects open beside it."""
    body = '{"errors": [{"concerned_key": "address.zip_code", "error_description": "Unknown."}]}'
    product.add_fault(kind="status", method="PATCH", status=400, body=body)
    page.goto(RICH)
    for field in ("optins", "identity", "address"):
        page.locator(f"#{field} .field-edit").click()
        expect(page.locator(f"#{field}[data-state=editing]")).to_be_visible()
    page.locator("#address [name=address-street]").fill(
        "A street whose name is long enough for two lines"
    )
    page.locator("#address").get_by_role("button", name="Save").click()
    expect(page.locator("#address [name=force_address]")).to_be_visible()


def group_refused(page, product):
    """A clash of two fields, one of them with a clear, and a wrong answer."""
    page.goto(f"{LONG}groups/identity/")
    page.get_by_label("First name", exact=True).fill("Maximiliane Josefa")
    page.get_by_label("Clear Date of birth").check()
    product.change_elsewhere("30955172", birthdate="19700101", first_name="Elsewhere")
    page.get_by_role("button", name="Save").last.click()
    expect(page.locator("[data-state=conflict]")).to_have_count(2)
    page.get_by_label("Last name", exact=True).fill("x" * 31)
    page.get_by_role("button", name="Save").last.click()
    expect(page.locator("#summary")).to_be_focused()


def forgetting(page, product):
    """The form, with both its errors."""
    page.goto(f"{TOM}forget/")
    page.get_by_label("The customer’s number, once more").fill("555")
    page.get_by_role("button", name="Forget this customer").click()
    expect(page.locator(".error")).to_have_count(2)


def forgotten(path):
    def show(page, product):
        recorded(page, product)
        page.goto(f"{TOM}forget/")
        page.get_by_label("Why is this customer to be forgotten?").fill("Letter of 12 March")
        page.get_by_label("The customer’s number, once more").fill("123456789")
        page.get_by_role("button", name="Forget this customer").click()
        expect(page.get_by_text("Forgotten: the values of")).to_be_visible()
        page.goto(path)
        if path == "/audit/":
            page.locator("tbody.change .when a").first.click()

    return show


def revealing(page, product):
    """One value that is shown, and one that is asked for."""
    page.goto(RICH)
    page.get_by_role("link", name="Reveal National number").click()
    page.get_by_label("Why do you need to see it?").select_option("identify")
    page.get_by_role("button", name="Reveal").click()
    expect(page.locator("#identity[data-state=revealed]")).to_be_visible()
    page.get_by_role("link", name="Reveal Health pass").click()
    page.get_by_role("button", name="Reveal").click()
    expect(page.locator("#health_pass_id .error")).to_be_visible()


def change_revealed(page, product):
    page.goto(RICH)
    page.locator("#identity .field-edit").click()
    page.locator("#identity [name=identity-number]").fill("11144477735")
    page.locator("#identity").get_by_role("button", name="Save").click()
    expect(page.locator("#identity .was-saved")).to_be_visible()
    page.goto("/audit/")
    page.locator("tbody.change .when a").first.click()
    page.get_by_role("link", name="Reveal National number").click()
    page.get_by_label("Why do you need to see it?").select_option("review")
    page.get_by_role("button", name="Reveal").click()
    expect(page.locator(".diff-new")).to_contain_text("CPF")


AT_REST = {
    "find": "/",
    "create": "/customers/new/",
    "markets": "/market/",
    "profile": RICH,
    "profile-long": LONG,
    "profile-sparse": SPARSE,
    "editing-alone": f"{LONG}fields/email/",
    "group": f"{LONG}groups/contact/",
    "revealing-alone": f"{RICH}fields/identity/reveal/",
    "nothing-yet": "/audit/?customer=1",
    "no-such-customer": "/customers/999999999/",
    "no-such-page": "/nowhere/",
    "signed-out": "/signed-out/",
}
AFTER_WORK = {
    "create-refused": create_refused,
    "create-again": create_again,
    "create-alike": alike,
    "found": found,
    "find-down": find_down,
    "address-refused": address_refused,
    "editing-refused": refused,
    "editing-phones": phones,
    "editing-yes-or-no": yes_or_no,
    "clearing": clearing,
    "saved": saved,
    "saved-alone": saved_alone,
    "group-refused": group_refused,
    "unknown": unknown,
    "api-down": api_down,
    "conflict": conflict,
    "revealing": revealing,
    "change-revealed": change_revealed,
    "forgetting": forgetting,
    "forgotten": forgotten(f"{TOM}history/"),
    "forgotten-profile": forgotten(TOM),
    "forgotten-change": forgotten("/audit/"),
    "history": recorded_at(f"{TOM}history/"),
    "log": recorded_at("/audit/"),
    "change": change,
    "waiting": unsettled,
    "saves": settled,
    "unclear": unclear("list"),
    "deciding": unclear("change"),
    "searched": searched,
    "no-access": no_access,
}


def in_each_shade(page):
    for shade in ("dark", "light"):
        page.emulate_media(color_scheme=shade)
        expect(page.locator("html")).to_have_attribute("data-bs-theme", shade)
        yield shade


@pytest.fixture
def sana(product, page):
    """A page of a supervisor's, on which no colour is half way when it is looked at."""
    page.emulate_media(reduced_motion="reduce")
    product.let_in(page, "Sana El Idrissi")
    return page


@pytest.mark.parametrize("path", AT_REST.values(), ids=AT_REST)
def test_a_page_at_rest_is_readable_by_everybody(sana, path):
    sana.goto(path)
    sana.evaluate(AXE_SCRIPT)
    for _ in in_each_shade(sana):
        assert sana.evaluate(VIOLATIONS, RULES) == []


@pytest.mark.looks
@pytest.mark.parametrize("name", [*AT_REST, *AFTER_WORK])
def test_every_page_is_readable_by_everybody_and_fits(product, sana, name):
    """Pictures of all of them: looks/<page>-<width>-<shade>.png."""
    if name in AT_REST:
        sana.goto(AT_REST[name])
    else:
        AFTER_WORK[name](sana, product)
    sana.evaluate(AXE_SCRIPT)
    for shade in in_each_shade(sana):
        for width in WIDTHS:
            sana.set_viewport_size({"width": width, "height": 900})
            sana.screenshot(path=PICTURES / f"{name}-{width}-{shade}.png", full_page=True)
            assert sana.evaluate(SIDEWAYS) <= 0, f"scrolls sideways at {width} px, {shade}"
            assert sana.evaluate(VIOLATIONS, RULES) == [], f"{width} px, {shade}"


def test_small_things_stand_where_they_belong(product, page):
    product.let_in(page, "Sana El Idrissi")
    page.goto(RICH)
    answer = page.locator("#optins .yes .icon").first
    expect(answer).to_have_css("opacity", "1")
    expect(answer).to_have_css("position", "static")

    page.locator("#identity .field-edit").click()
    page.locator("#identity [name=identity-number]").fill("1")
    page.locator("#identity").get_by_role("button", name="Save").click()
    error = page.locator("#identity .editor-grid .error")
    expect(error).to_be_visible()
    whole = page.locator("#identity .editor-grid").bounding_box()
    assert error.bounding_box()["width"] == pytest.approx(whole["width"], abs=1)

    save_as(page, "birth_city", "Lyon")
    assert page.locator("#birth_city dt").evaluate(WIDTHS_WITH_THE_DOT_ALONE) == []

    page.goto("/audit/")
    expect(page.locator("table.log")).to_be_visible()
    assert not page.locator("table.log").evaluate(FILLS_THE_CORNER)


WIDTHS_WITH_THE_DOT_ALONE = """label => [...Array(150).keys()].filter(width => {
    Object.assign(label.style, { alignSelf: "start", width: `${width + 50}px` })
    const [dot, height] = [label.querySelector(".recent"), label.offsetHeight]
    dot.style.display = "none"
    const without = label.offsetHeight
    dot.style.display = ""
    return height !== without
})"""
FILLS_THE_CORNER = """log => {
    const { left, top } = log.closest(".panel").getBoundingClientRect()
    return log.contains(document.elementFromPoint(left + 1.5, top + 1.5))
}"""
