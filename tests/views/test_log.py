"""The log: who changed which field, when, from what to what."""

import pytest

from crmadmin.sandbox import Fault
from customers.audit import reading
from customers.audit.models import Change
from tests.conftest import HTMX, TOM, text

EMAIL = f"/customers/{TOM}/fields/email/"


def save(person, value, url=EMAIL):
    return person.post(url, person.form(url) | {"value": value}, headers=HTMX)


def test_a_supervisor_reads_who_changed_what_from_what_to_what(agent, supervisor):
    save(agent, "new@example.com")

    page = supervisor.page("/audit/")

    row = page.select_one("tbody.change tr")
    assert "Inès Moreau" in text(row)
    assert "Tom Smith 123456789" in text(row)
    assert text(row.select_one(".field-name")) == "E-mail"
    assert row.select_one(".diff-old").get_text() == "tom@example.com"
    assert row.select_one(".diff-new").get_text() == "new@example.com"
    assert text(row.select_one(".outcome")) == "Applied"
    assert row.select_one("time")["datetime"].endswith("+00:00")


def test_the_newest_change_comes_first(agent, supervisor):
    for value in ("a@example.com", "b@example.com", "c@example.com"):
        save(agent, value)

    page = supervisor.page("/audit/")

    new = [row.get_text() for row in page.select(".diff-new")]
    assert new == ["c@example.com", "b@example.com", "a@example.com"]


def test_the_log_is_paged_by_key_and_stays_put_while_it_grows(agent, supervisor, monkeypatch):
    monkeypatch.setattr(reading, "PAGE", 2)
    monkeypatch.setattr(reading.page, "__kwdefaults__", {"size": 2, "field": ""})
    for n in range(5):
        save(agent, f"{n}@example.com")

    first = supervisor.page("/audit/")
    save(agent, "later@example.com")
    older = supervisor.page(f"/audit/{first.select_one('.pager a.btn')['href']}")
    oldest = supervisor.page(f"/audit/{older.select_one('.pager a.btn')['href']}")

    def shown(page):
        return [row.get_text() for row in page.select(".diff-new")]

    assert shown(first) == ["4@example.com", "3@example.com"]
    assert shown(older) == ["2@example.com", "1@example.com"]
    assert shown(oldest) == ["0@example.com"]
    assert oldest.select_one(".pager a.btn") is None


@pytest.mark.parametrize("before", ["x", "-1", "9" * 40, "0"])
def test_a_bad_page_is_no_error(supervisor, before):
    assert supervisor.get(f"/audit/?before={before}").status_code == 200


def test_a_change_that_is_not_answered_yet_stands_first_as_waiting(agent, supervisor, clubmed):
    save(agent, "one@example.com")
    clubmed.faults.add(Fault("drop_before", method="PATCH"))
    save(agent, "two@example.com")

    rows = supervisor.page("/audit/").select("tbody.change tr")

    assert "Waiting" in text(rows[0])
    assert "sent, not answered yet" in text(rows[0])
    assert "Applied" in text(rows[1])


def test_a_create_is_one_group_of_rows(agent, supervisor):
    form = agent.form("/customers/new/")
    agent.post(
        "/customers/new/",
        form | {"civility": "MR", "first_name": "Ada", "last_name": "Vance"},
    )

    page = supervisor.page("/audit/")

    [change] = page.select("tbody.change")
    assert [text(cell) for cell in change.select(".field-name")] == [
        "Civility new",
        "First name new",
        "Last name new",
    ]
    assert [cell.get_text() for cell in change.select(".diff-new")] == ["Mr", "Ada", "Vance"]


def test_a_change_has_a_page_of_its_own(agent, supervisor):
    save(agent, "new@example.com")
    change = Change.objects.get()

    page = supervisor.page(f"/audit/changes/{change.pk}/")

    assert "Inès Moreau, agent" in text(page)
    assert "staff-1001" in text(page)
    assert str(change.pk) in text(page)
    assert supervisor.get(f"/audit/changes/{'0' * 8}-0000-0000-0000-{'0' * 12}/").status_code == 404


def test_an_empty_log_says_so(supervisor):
    assert "Nothing recorded" in text(supervisor.page("/audit/"))


def test_a_customers_history_is_theirs_alone(agent):
    save(agent, "new@example.com")
    save(agent, "Lyon", "/customers/704118236/fields/birth_city/")

    page = agent.page(f"/customers/{TOM}/history/")

    assert [cell.get_text() for cell in page.select(".diff-new")] == ["new@example.com"]


def test_a_fields_history_is_its_alone(agent):
    save(agent, "new@example.com")
    save(agent, "Lyon", f"/customers/{TOM}/fields/birth_city/")

    page = agent.page(f"/customers/{TOM}/fields/birth_city/history/")

    assert [text(cell) for cell in page.select("td.field-name")] == ["Place of birth"]
    assert agent.get(f"/customers/{TOM}/fields/nonsense/history/").status_code == 404
