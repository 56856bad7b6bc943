"""Old → new as pages show it: the markup of each case, and where it stands."""

import io
from contextlib import redirect_stdout

import pytest
from bs4 import BeautifulSoup
from django.core.management import call_command

from customers.audit.models import Entry
from tests import differences, log
from tests.acts import change
from tests.conftest import TOM, soup, text

ARROW = '<span aria-hidden="true" class="diff-arrow">→</span>'
pytestmark = [pytest.mark.django_db, pytest.mark.once]


@pytest.fixture
def numbers():
    """case -> the number of its entry, in a log of every case."""
    return differences.record()


@pytest.fixture
def rows(numbers, supervisor):
    """case -> its row in the log."""
    page = supervisor.page("/audit/")
    return {name: differences.row(seq, page) for name, seq in numbers.items()}


def old(inner, css=""):
    return f'<del class="{f"diff-old {css}".strip()}"><bdi>{inner}</bdi></del>'


def new(inner, css=""):
    return f'<ins class="{f"diff-new {css}".strip()}"><bdi>{inner}</bdi></ins>'


def report():
    """What is recorded about the customer, as a page to print."""
    with redirect_stdout(io.StringIO()) as said:
        call_command("access_report", customer=TOM, format="html", stderr=io.StringIO())
    return BeautifulSoup(said.getvalue(), "html.parser")


def html(row):
    return row.select_one(".delta").decode_contents().strip()


EMPTY = '<span class="nil">empty</span>'
MARKUP = {
    "e-mail, the domain": old("c.aubertin@<b>mail.example</b>")
    + ARROW
    + new("c.aubertin@<b>example.com</b>"),
    "wholly different": old("zoe.legoff.26@example.com", "whole")
    + ARROW
    + new("z.down@mail.example", "whole"),
    "capitals only": old("<b>Beatriz</b> Wang")
    + ARROW
    + new("<b>BEATRIZ</b> Wang")
    + ' <span class="muted">capitals only</span>',
    "yes or no": old("Allowed", "whole") + ARROW + new("Not allowed", "whole"),
    "was empty": f'<del class="diff-old">{EMPTY}</del>' + ARROW + new("Halina", "whole"),
    "was cleared": old("Halina", "whole") + ARROW + f'<ins class="diff-new">{EMPTY}</ins>',
    "one opt-in": old("Yes", "whole") + ARROW + new("No", "whole"),
    "an invisible character": old("Paris") + ARROW + new('Paris<b class="code-point">⟨U+200B⟩</b>'),
    "a direction mark": old("Haddad") + ARROW + new('<b class="code-point">⟨U+202E⟩</b>Haddad'),
    "only the order": '<span class="muted">same 3 phones, other order</span>',
    "erased": '<span class="muted">erased → erased</span>',
}


def test_each_case_has_the_markup_of_the_mock(rows):
    assert {case: html(rows[case]) for case in MARKUP} == MARKUP


def test_a_list_has_a_line_a_member_and_counts_the_others(rows):
    lines = {name: rows[name].select(".delta .plain > span") for name in ("phones", "address")}

    assert [text(line) for line in lines["phones"]] == [
        "Changed Mobile +55 11 90000- 0142 → +55 11 90000- 0412",
        "Added Home +55 11 3000-0181",
        "Removed Office +55 11 3000-0177",
        "1 unchanged",
    ]
    assert [text(line) for line in lines["address"]] == [
        "Street Rua Galvão 148 → Rua Galvão Ipê 418",
        "Flat, floor empty → apto 92",
        "Country Portugal → Brazil",
        "3 unchanged",
    ]


def test_the_only_member_that_changed_is_named_with_its_field(rows, supervisor):
    for row, name in (
        ("one opt-in", "Opt-ins, SMS"),
        ("opt-ins", "Opt-ins"),
        ("choice", "Language"),
    ):
        assert text(rows[row].select_one(".field-name")) == name
    assert "unchanged" not in text(rows["one opt-in"])
    assert text(rows["one line of an address"].select_one(".field-name")) == "Address, street"

    history = supervisor.page(f"/customers/{TOM}/history/")

    assert "Opt-ins, SMS" in text(history)


def test_a_value_says_its_language_and_its_direction(rows):
    for case, language, direction in (
        ("right to left", "ar", "rtl"),
        ("Chinese", "zh-Hans", None),
        ("Japanese", "ja", None),
        ("Korean", "ko", None),
    ):
        values = rows[case].select(".delta bdi")
        assert [(one.get("lang"), one.get("dir")) for one in values] == [(language, direction)] * 2


def test_a_hidden_an_erased_and_an_unreadable_value_are_told_apart(rows):
    assert text(rows["hidden"].select_one(".delta")) == "•••••• → •••••• hidden"
    assert text(rows["erased"].select_one(".delta")) == "erased → erased"
    unreadable = text(rows["unreadable"].select_one(".delta"))
    assert unreadable == "not readable → not readable Key missing"
    for case in ("hidden", "erased", "unreadable"):
        assert not rows[case].select("del, ins")


def test_a_long_value_is_cut_and_the_rest_is_in_the_page_already(rows):
    details = rows["long text"].select_one(".delta > details.long")
    head = details.summary.select_one(".head")

    assert [text(side) for side in head.select("del, ins")] == [
        f"Guest asked for a … and not beside {place} , because the music … arrival after 22:00"
        for place in ("the pool", "the garden")
    ]
    count = len(differences.ROOM % "the garden")
    assert text(head.select_one(".more")) == f"Show all {count} characters"
    assert text(details.summary.select_one(".less")) == "Show less"
    whole = [side.get_text() for side in details.find_all(["del", "ins"], recursive=False)]
    assert whole == [differences.ROOM % "the pool", differences.ROOM % "the garden"]
    assert not details.find_all(attrs={"hx-get": True})


def test_how_club_med_stored_it_stands_on_a_line_of_its_own(rows):
    cell = rows["stored as"].select_one(".delta")

    told = text(cell.find("div", recursive=False))
    assert told == "stored as BEATRIZ capitals and accents only"


def test_on_its_own_page_a_change_has_columns_for_old_and_new(numbers, supervisor):
    def page(case):
        found = Entry.objects.get(pk=numbers[case]).change_id
        return supervisor.page(f"/audit/changes/{found}/").select_one("table.log.even")

    row = page("one opt-in").select_one("tbody tr")
    assert text(row.th).startswith("Opt-ins, SMS")
    assert [text(cell) for cell in row.select(".delta")] == ["Yes", "No"]
    assert [text(cell) for cell in page("address").select("tbody .delta")] == [
        "Street Rua Galvão 148 Flat, floor empty Country Portugal",
        "Street Rua Galvão Ipê 418 Flat, floor apto 92 Country Brazil 3 unchanged",
    ]
    assert text(page("hidden").select_one("tbody .delta")).startswith("•••••• → •••••• hidden")


def test_a_hostile_value_is_text_on_every_page(supervisor, agent):
    hostile = '<script>alert(1)</script>" onload=x @<b>'
    log.append(log.FieldOutcome("birth_city", "Lyon", hostile, log.Outcome.APPLIED))
    log.append(log.FieldOutcome("address", {"city": "A"}, {hostile: hostile}, log.Outcome.APPLIED))
    number = Entry.objects.first().change_id

    pages = ("/audit/", f"/audit/changes/{number}/", f"/customers/{TOM}/history/")
    for page in [*map(supervisor.page, pages), report()]:
        assert "<script>alert(1)</script>" in page.get_text()
        assert not page.find("script", string="alert(1)")
        assert not page.select("[onload]")


def test_in_a_conflict_what_differs_is_marked_and_what_does_not_show_is_spelled_out(agent, clubmed):
    url = f"/customers/{TOM}/fields/birth_city/"
    change(agent, "Porto Alegre Sul", "birth_city")
    form = agent.form(url)
    clubmed.customers[TOM]["birth_city"] = "Porto Alegre Norte\u200b"

    page = soup(agent.post(url, form | {"value": "Porto Alegre Leste"}))

    assert [row.td.decode_contents() for row in page.select(".compare tr")] == [
        "<bdi>Porto Alegre Sul</bdi>",
        '<bdi>Porto Alegre <mark>Norte</mark><mark class="code-point">⟨U+200B⟩</mark></bdi>',
        "<bdi>Porto Alegre <mark>Leste</mark></bdi>",
    ]


def test_a_report_tells_the_same_lines(numbers):
    steps = [text(step) for step in report().select(".step")]

    assert any("Changed Mobile +55 11 90000- 0142 → +55 11 90000- 0412" in one for one in steps)
    assert any("Paris → Paris ⟨U+200B⟩" in one for one in steps)
    assert any("hidden → hidden" in one for one in steps)
