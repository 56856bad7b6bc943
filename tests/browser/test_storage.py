"""What is typed stays on the page: the browser keeps it nowhere, while it runs and afterwards."""

import shutil

import pytest
from playwright.sync_api import expect

from tests import privacy
from tests.browser.conftest import FLAGS, open_editor, page_of, sign_in

# What a browser keeps has nothing to do with the database.
pytestmark = pytest.mark.once
TOM = "/customers/123456789/"
# All that a page can reach of what its browser keeps, and each address that it knows.
KEPT = """async () => {
  const kept = [location.href, document.referrer, window.name, JSON.stringify(history.state)];
  for (const storage of [localStorage, sessionStorage]) kept.push(JSON.stringify(storage));
  for (const entry of performance.getEntries()) kept.push(entry.name);
  for (const store of [await caches.keys(), await indexedDB.databases()]) {
    if (store.length) throw new Error("There is a cache or a database.");
  }
  return kept;
}"""


class Lasting:
    """A page of a browser that keeps a profile in a folder, and what was typed there."""

    def __init__(self, page, product, folder):
        self.page, self.product, self.folder = page, product, folder
        self.typed = set()

    def type(self, box, text):
        """box: a locator, or what selects one."""
        self.typed.add(text)
        self.product.told.keep_private({"typed": text})
        box = self.page.locator(box) if isinstance(box, str) else box
        box.fill(text)
        return box

    def kept(self):
        """The typed texts that stand in what the browser keeps now."""
        cookies = (cookie["value"] for cookie in self.page.context.cookies())
        readings = [one for cookie in cookies for one in privacy.readings(cookie)]
        said = "\n".join([*self.page.evaluate(KEPT), *readings])
        return privacy.held_in(said.encode(), self.typed)

    def left_behind(self):
        """(file, texts) of the profile, once the browser is closed."""
        self.page.context.close()
        found = {
            path: privacy.held_in(path.read_bytes(), self.typed)
            for path in self.folder.rglob("*")
            if path.is_file() and not path.is_symlink()
        }
        assert found
        return {path.name: texts for path, texts in found.items() if texts}


@pytest.fixture
def lasting(chromium, product, tmp_path):
    context = chromium.browser_type.launch_persistent_context(
        tmp_path, executable_path=shutil.which("chromium"), args=FLAGS, base_url=product.desk
    )
    yield Lasting(page_of(context, product), product, tmp_path)
    context.close()


def find(lasting):
    page = lasting.page
    page.goto("/")
    lasting.type("#q", "wanted-qwxzjk@example.com").press("Enter")
    expect(page.locator("#none-title")).to_be_visible()
    page.get_by_text("Search by single fields").click()
    lasting.type("#id_last_name", "Vögelsang-Śliwa")
    lasting.type("#id_birthdate", "14/06/1986")
    lasting.type("#id_zip_code", "97-531 Zażółć")
    page.locator("#q").fill("")
    with page.expect_navigation():  # the page before looks the same
        page.locator("#q").press("Enter")
    expect(page.locator("#none-title")).to_be_visible()
    assert not lasting.kept()
    lasting.type("#id_birthdate", "31/06/1986 qwxzjk")
    page.locator("#q").press("Enter")
    expect(page.locator("#id_birthdate_error")).to_be_visible()
    expect(page.locator("#id_birthdate")).to_have_value("31/06/1986 qwxzjk")
    assert not lasting.kept()
    page.go_back()
    expect(page.locator("#q")).to_be_visible()
    page.goto("/")


def save_what_is_taken_and_what_is_not(lasting):
    page, product = lasting.page, lasting.product
    page.goto(TOM)
    lasting.type(open_editor(page, "email"), "saved-qwxzjk@example.com").press("Enter")
    expect(page.locator("#email .was-saved")).to_be_visible()
    lasting.type(open_editor(page, "last_name"), "Qwxzjkvy 2").press("Enter")
    expect(page.locator("#last_name .error")).to_be_visible()
    product.add_fault(kind="status", method="GET", status=503, times=None)
    box = lasting.type(open_editor(page, "email"), "failed-qwxzjk@example.com")
    box.press("Enter")
    expect(page.locator("#notices")).to_contain_text("Club Med does not answer.")
    product.clear_faults()
    assert not lasting.kept()


def go_on_after_the_session_ended(lasting):
    page = lasting.page
    page.context.clear_cookies(name="crmadmin_session")
    box = lasting.type("#email input[name=value]", "kept-qwxzjk@example.com")
    box.press("Enter")
    expect(page.locator("#notices")).to_contain_text("Your session has ended.")
    assert not lasting.kept()
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("link", name="Sign in again").click()
    page.get_by_role("button", name="Inès Moreau").click()
    expect(page.locator("input[name=value]")).to_have_value("kept-qwxzjk@example.com")
    assert not lasting.kept()


def create(lasting):
    page = lasting.page
    page.goto("/customers/new/")
    page.get_by_label("Civility", exact=True).select_option("MS")
    lasting.type(page.get_by_label("First name", exact=True), "Zoé-Qwxzjk")
    lasting.type(page.get_by_label("Number of phone 1"), "+33 6 39 98 04 17")
    lasting.type(page.get_by_role("textbox", name="E-mail"), "new-qwxzjk@example.com")
    page.get_by_role("button", name="Create the customer").click()
    expect(page.locator("#summary")).to_be_visible()
    assert not lasting.kept()
    lasting.type(page.get_by_label("Last name", exact=True), "Vyqwxzjk")
    page.get_by_role("button", name="Create the customer").click()
    expect(page.locator("#notices")).to_contain_text("The customer is created.")
    assert not lasting.kept()


def leave_what_is_not_sent(lasting):
    page = lasting.page
    page.goto(TOM)
    lasting.type(open_editor(page, "last_name"), "Unsent-Qwxzjk")
    page.goto("/")
    page.go_back()
    assert not lasting.kept()


def fail_to_forget(lasting):
    page = lasting.page
    lasting.product.let_in(page, "Sana El Idrissi")
    page.goto(f"{TOM}forget/")
    lasting.type(page.get_by_label("Why"), "Words of a letter, qwxzjk")
    lasting.type(page.get_by_label("number, once more"), "123456780")
    page.get_by_role("button", name="Forget this customer").click()
    expect(page.locator("#forget .error")).to_be_visible()
    expect(page.locator("#forget [aria-invalid=true]")).to_be_focused()
    assert not lasting.kept()
    page.goto(TOM)


def test_a_browser_keeps_nothing_of_what_was_typed(lasting):
    sign_in(lasting.page, "Inès Moreau")
    find(lasting)
    save_what_is_taken_and_what_is_not(lasting)
    go_on_after_the_session_ended(lasting)
    create(lasting)
    leave_what_is_not_sent(lasting)
    fail_to_forget(lasting)

    assert lasting.left_behind() == {}


def test_a_form_whose_answer_is_a_page_is_found_afterwards(lasting):
    """As it would be without htmx; so what is said of none above is no wonder."""
    page = lasting.page
    sign_in(page, "Inès Moreau")
    page.get_by_text("Search by single fields").click()
    lasting.type("#id_birthdate", "31/06/1986 qwxzjk")
    with page.expect_navigation():
        page.evaluate("document.querySelector('form.find-form').submit()")
    expect(page.locator("#id_birthdate_error")).to_be_visible()

    assert set().union(*lasting.left_behind().values()) == {"31/06/1986 qwxzjk"}
