"""The log: who changed which field, when, from what to what."""

import pytest

from customers.audit import filters
from tests.acts import change, create
from tests.conftest import TOM, text

pytestmark = pytest.mark.once


def test_a_supervisor_reads_who_changed_what_from_what_to_what(agent, supervisor):
    change(agent, "new@example.com")

    page = supervisor.page("/audit/")

    row = page.select_one("tbody.change tr")
    assert "Inès Moreau" in text(row)
    assert "Tom Smith 123456789" in text(row)
    assert text(row.select_one(".field-name")) == "E-mail"
    assert row.select_one(".diff-old").get_text() == "tom@example.com"
    assert row.select_one(".diff-new").get_text() == "new@example.com"
    assert text(row.select_one(".outcome")) == "Applied"
    assert row.select_one("time")["datetime"].endswith("+00:00")


def test_the_log_is_paged_by_key_and_stays_put_while_it_grows(agent, supervisor, monkeypatch):
    monkeypatch.setitem(filters.page.__kwdefaults__, "size", 2)
    for n in range(5):
        change(agent, f"{n}@example.com")

    first = supervisor.page("/audit/")
    change(agent, "later@example.com")
    older = supervisor.page(f"/audit/{first.select_one('.pager [rel=next]')['href']}")
    oldest = supervisor.page(f"/audit/{older.select_one('.pager [rel=next]')['href']}")
    back = supervisor.page(f"/audit/{oldest.select_one('.pager [rel=prev]')['href']}")

    def shown(page):
        return [row.get_text() for row in page.select(".diff-new")]

    assert shown(first) == ["4@example.com", "3@example.com"]
    assert shown(older) == ["2@example.com", "1@example.com"]
    assert shown(oldest) == ["0@example.com"]
    assert shown(back) == shown(older)
    assert oldest.select_one(".pager [rel=next]") is None


@pytest.mark.parametrize("before", ["x", "-1", "9" * 40, "0", "1&before=2"])
def test_a_page_that_cannot_be_is_named_and_lists_nothing(agent, supervisor, before):
    change(agent, "new@example.com")

    page = supervisor.page(f"/audit/?before={before}")

    assert "Nothing is listed yet" in text(page)
    assert page.select("tbody.change") == []


def test_an_empty_log_says_so(supervisor):
    assert "Nothing recorded" in text(supervisor.page("/audit/"))


def test_a_create_is_one_group_of_rows(agent, supervisor):
    create(agent, civility="MR", first_name="Ada", last_name="Vance")

    page = supervisor.page("/audit/")

    [rows] = page.select("tbody.change")
    assert [text(cell) for cell in rows.select(".field-name")] == [
        "Civility new",
        "First name new",
        "Last name new",
    ]
    assert [cell.get_text() for cell in rows.select(".diff-new")] == ["Mr", "Ada", "Vance"]
    assert [cell["rowspan"] for cell in rows.select("td.outcome, td.reason")] == ["3", "3"]


def test_the_history_of_a_customer_or_a_field_holds_nothing_else(agent):
    change(agent, "new@example.com")
    change(agent, "Lyon", "birth_city")

    for place, shown in (
        (f"/customers/{TOM}/", ["Lyon", "new@example.com"]),
        (f"/customers/{TOM}/fields/birth_city/", ["Lyon"]),
        ("/customers/704118236/", []),
    ):
        page = agent.page(f"{place}history/")
        assert [cell.get_text() for cell in page.select(".diff-new")] == shown
    assert agent.get(f"/customers/{TOM}/fields/nonsense/history/").status_code == 404
