"""Each editor as a person with a script meets it: refused, in conflict, saved, a row more or less.

All the while there is one editor on the page, the focus is in it, and the console is silent.
"""

import json
import re
from dataclasses import dataclass

import pytest
from playwright.sync_api import expect

from crmadmin.sandbox.people import people

pytestmark = pytest.mark.once
WANG, NUMBER = "/customers/704118236/", "704118236"
EDITOR = ":is(form.editor, form[data-guard])"


@dataclass
class Editor:
    """Of one field, or of its group.

    typed: by input; theirs: what another system stores meanwhile; sent: the field's value in the
    PATCH over that; shown: of it on the profile afterwards.
    """

    name: str
    typed: dict
    sent: object
    shown: str
    theirs: object
    group: str = ""

    @property
    def place(self):
        return "#group" if self.group else f"#{self.name}"

    def open(self, page):
        page.goto(WANG)
        if self.group:
            page.get_by_role("link", name=f"Edit all {self.group}").click()
        else:
            page.locator(f"{self.place} .field-edit").click()
            assert_one_editor(page, self.place)

    def fill(self, page):
        for name, value in self.typed.items():
            control = page.locator(f"{self.place} [name={name}]")
            match control.first.evaluate("control => control.type"):
                case "select-one":
                    control.select_option(value)
                case "radio":
                    control.and_(page.locator(f"[value={value}]")).check()
                case _:
                    control.fill(value)

    def send(self, page):
        """By the button that a person sees: the first of a form may be for Enter alone."""
        page.locator(self.place).get_by_role("button", name="Save", exact=True).last.click()

    def assert_saved(self, page):
        told = page.locator("#notices" if self.group else self.place, has_text="aved")
        expect(told).to_be_visible()
        expect(page.locator(f"#{self.name}")).to_contain_text(re.compile(self.shown, re.IGNORECASE))
        expect(page.locator(EDITOR)).to_have_count(0)


class Create(Editor):
    place = "#create"

    def open(self, page):
        page.goto("/customers/new/")

    def send(self, page):
        page.get_by_role("button", name="Create the customer").last.click()

    def assert_saved(self, page):
        expect(page.locator("#notices")).to_contain_text("The customer is created.")
        expect(page.locator("h1")).to_contain_text(self.shown)


def assert_one_editor(page, place):
    expect(page.locator(EDITOR)).to_have_count(1)
    expect(page.locator(f"{place} {EDITOR} :focus")).to_be_in_viewport()


def bodies(product, method="PATCH"):
    return [json.loads(body) for _, body in product.wire(method)]


STORED = people()[NUMBER]
MOBILE, OFFICE = STORED["phones"]
NEW_MOBILE = {"number": "+5511900000413", "type": "MOBILE"}
SMS, LEFT = {"channel": "SMS", "optin": True}, STORED["optins"][:2]
REFUSED = re.compile("Not like this.|they may repeat a hidden value")
NEW, THEIRS = "new@example.com", "theirs@example.com"
EDITORS = {
    "text": Editor("last_name", {"value": "Wong"}, "Wong", "Wong", "WENG"),
    "choice": Editor("language_code", {"value": "FR"}, "FR", "French", "DE"),
    "yes or no": Editor("personal_data_usage_allowed", {"value": "false"}, False, "Not", None),
    "date": Editor("birthdate", {"value": "15/06/1986"}, "19860615", "15 June 1986", "19860616"),
    "phones": Editor(
        "phones", {"phones-0-number": "+5511900000413"}, [NEW_MOBILE, OFFICE], "0413", [OFFICE]
    ),
    "address": Editor(
        "address",
        {"address-street": "Rua Nova"},
        STORED["address"] | {"street": "Rua Nova"},
        "Rua Nova",
        STORED["address"] | {"street": "Rua Velha"},
    ),
    "opt-ins": Editor("optins", {"optins-SMS": "yes"}, [*LEFT, SMS], "SMS", LEFT),
    "identity": Editor(
        "identity",
        {"identity-type": "CPF", "identity-number": "11144477735"},
        {"type": "CPF", "number": "11144477735"},
        "CPF",
        {"type": "CPF", "number": "52998224725"},
    ),
    "group": Editor("email", {"email": NEW}, NEW, NEW, THEIRS, "Contact"),
}
FROM_START = {"customer_type": "PROSPECT", "language_code": "EN"}
PERSON = {"civility": "MS", "first_name": "Ana", "last_name": "Sousa", "email": NEW}
CREATE = Create("email", PERSON, PERSON | FROM_START, "ANA SOUSA", None)


@pytest.mark.parametrize("editor", [*EDITORS.values(), CREATE], ids=[*EDITORS, "create"])
def test_what_meets_a_conflict_and_a_refusal_stays_in_the_editor_and_is_saved(
    product, page, editor
):
    errors = [{"concerned_key": editor.name, "error_description": "Not like this."}]
    method = "POST" if editor is CREATE else "PATCH"
    body = json.dumps({"errors": errors})
    product.add_fault(kind="status", method=method, status=400, body=body)
    editor.open(page)
    if editor is not CREATE:
        product.change_elsewhere(NUMBER, **{editor.name: editor.theirs})
    editor.fill(page)
    editor.send(page)
    if editor is not CREATE:
        save_over_theirs(product, page, editor)

    expect(page.locator(editor.place, has_text=REFUSED)).to_be_visible()
    assert_one_editor(page, editor.place)

    editor.send(page)
    editor.assert_saved(page)
    sent = editor.sent if editor is CREATE else {editor.name: editor.sent}
    assert bodies(product, method) == [sent, sent]


def save_over_theirs(product, page, editor):
    expect(
        page.locator(f"[data-state=conflict]:has([name={next(iter(editor.typed))}])")
    ).to_be_visible()
    assert_one_editor(page, editor.place)
    assert bodies(product) == []
    if editor.group:
        page.get_by_label("Save mine instead").check()
        editor.send(page)
    else:
        page.get_by_role("button", name="Save mine instead").click()


CONTACT = Editor("phones", {}, None, "90000-0413", None, "Contact")


@pytest.mark.parametrize(
    "editor", [EDITORS["phones"], CONTACT, CREATE], ids=["field", "group", "create"]
)
def test_a_phone_is_added_and_another_one_removed(product, page, editor):
    rows = page.locator(f"{editor.place} .phone-row")
    editor.open(page)
    many = 1 if editor is CREATE else 2
    expect(rows).to_have_count(many)
    page.get_by_role("button", name="Add a phone").click()
    expect(rows).to_have_count(many + 1)
    assert_one_editor(page, editor.place)
    page.get_by_label(f"Number of phone {many + 1}").fill(NEW_MOBILE["number"])
    page.get_by_label("Remove phone 1").click()
    expect(rows).to_have_count(many)
    assert_one_editor(page, editor.place)

    if editor is CREATE:
        editor.fill(page)
    editor.send(page)
    expect(page.locator("#phones")).to_contain_text("90000-0413")
    left = [] if editor is CREATE else [OFFICE]
    [sent] = bodies(product, "POST" if editor is CREATE else "PATCH")
    assert sent["phones"] == [*left, NEW_MOBILE]
