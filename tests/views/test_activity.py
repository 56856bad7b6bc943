"""Activity: bars that lead to the log, tables behind them, and what is worth a look."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.utils import timezone

from customers.audit.models import AccessEvent, actor_key
from customers.views import charts
from tests.acts import change
from tests.conftest import AGENT, HTMX, OTHER_AGENT, TOM, soup, text

pytestmark = pytest.mark.once

ISSUER = "http://127.0.0.1:9"
PAGE, FINDINGS = "/audit/activity/", "/audit/activity/findings/"
INES, OWEN = (str(actor_key(ISSUER, person[0])) for person in (AGENT, OTHER_AGENT))


@pytest.fixture
def lively(agent, other_agent, clubmed):
    """Four changed fields of today, one of them refused."""
    change(agent, "one@example.com")
    change(agent, "two@example.com")
    change(other_agent, "Lyon", "birth_city")
    refuse(agent)


def refuse(person):
    url = f"/customers/{TOM}/fields/last_name/"
    typed = person.form(url) | {"value": "Smith-Ⅻ"}
    person.post(url, typed)


def figures(page):
    return {text(one.dt): text(one.dd) for one in page.select(".figures > div")}


def bars(page, title):
    """(label, number, what it asks the log for) a bar."""
    panel = page.select_one(f"section[aria-labelledby={title}-title]")
    return [
        (text(link.span), text(link.select_one(".num")), asked(link))
        for link in panel.select(".bars a")
    ]


def asked(link):
    """The filters of an address."""
    return parse_qs(urlsplit(link["href"]).query)


def today():
    return timezone.localdate().isoformat()


def test_a_supervisor_sees_how_much_was_changed_by_field_by_person_and_by_outcome(
    lively, supervisor
):
    page = supervisor.page(PAGE)

    assert figures(page) == {
        "Changes": "4",
        "Customers": "1",
        "Refused": "1 25 %",
        "Unclear now": "0",
    }
    since = (timezone.localdate() - timedelta(days=29)).isoformat()
    span = {"from": [since], "to": [today()]}
    assert bars(page, "field")[0] == ("E-mail", "2", {"field": ["email"]} | span)
    assert bars(page, "person") == [
        ("Inès Moreau", "3", {"person": [INES]} | span),
        ("Owen Whitfield", "1", {"person": [OWEN]} | span),
    ]
    assert bars(page, "outcome") == [
        ("Applied", "3", {"outcome": ["applied"]} | span),
        ("Refused", "1", {"outcome": ["refused"]} | span),
    ]


def test_every_bar_and_every_table_leads_to_as_many_rows_of_the_log(lively, supervisor):
    page = supervisor.page(PAGE)

    links = page.select(".bars a")
    assert len(links) == 7
    for link in links:
        assert rows_behind(supervisor, link) == int(text(link.select_one(".num")))
    for row in page.select(".as-table tbody tr"):
        for cell in row.select("td:has(a)"):
            assert rows_behind(supervisor, cell.a) == int(text(cell))
    [column] = page.select(".plot svg a")
    assert asked(column) == {"from": [today()], "to": [today()]}
    assert [rect["class"] for rect in column.select("rect")] == [["hit"], ["b1"], ["b2"]]


def rows_behind(person, link):
    return len(person.page(link["href"]).select("tbody.change tr"))


def test_the_page_shows_no_name_and_no_value_of_a_customer(lively, supervisor, settings):
    settings.ACTIVITY_SAME_VALUE = settings.ACTIVITY_FIELD_AN_HOUR = 1

    page = supervisor.page(FINDINGS)

    assert "One e-mail address was set on 1 customer" in text(page)
    for secret in ("Tom", "Smith", "example.com", "Lyon", TOM):
        assert secret not in text(page)
    assert "example.com" not in str(page)


def test_a_period_can_be_chosen(lively, supervisor):
    yesterday = (timezone.localdate() - timedelta(days=1)).isoformat()

    for query, changes in (
        (f"from={today()}", "4"),
        (f"from={yesterday}&to={yesterday}", "0"),
        (f"to={yesterday}", "0"),
        (f"from={yesterday}&to={today()}", "4"),
    ):
        assert figures(supervisor.page(f"{PAGE}?{query}"))["Changes"] == changes
    usual = {text(link): link["href"] for link in supervisor.page(PAGE).select(".quick a")}
    assert [*usual][-1] == "Last 30 days"
    assert figures(supervisor.page(PAGE + usual["Today"]))["Changes"] == "4"
    assert figures(supervisor.page(PAGE + usual["Yesterday"]))["Changes"] == "0"


def test_a_period_without_a_change_says_so(supervisor):
    page = supervisor.page(f"{PAGE}?from=2026-01-01&to=2026-01-31")

    assert "Nothing was changed from 1 January 2026 to 31 January 2026." in text(page)
    assert page.select(".plot, .bars") == []


WRONG = {
    "from=2026-02-30": "30 February does not exist.",
    "from=2026-03-02&to=2026-03-01": "This day is before the first one.",
    "from=2020-01-01&to=2026-01-01": "At most 366 days can be shown: choose a shorter period.",
    "from=2199-01-01": "This day is in the future: check the year.",
    "from=yesterday": "“yesterday” is not a date",
    "from=2026-01-01&from=2026-01-02": "Too many values: at most 1.",
    "from=2026-01-01&" * 10_000: "Too many values: at most 1.",
    "person=1": "There is no filter “person”.",
    "customer=5": "There is no filter “customer”.",
    "before=5": "There is no filter “before”.",
    "nonsense=5": "There is no filter “nonsense”.",
}


@pytest.mark.parametrize("place", [PAGE, FINDINGS])
def test_a_period_that_cannot_be_draws_nothing(lively, supervisor, place):
    for query, message in WRONG.items():
        whole = supervisor.get(f"{place}?{query}")
        part = supervisor.get(f"{place}?{query}", headers=HTMX | {"HX-Target": "findings"})

        page = soup(whole)
        assert message in text(page)
        assert whole.status_code == 200, query
        assert page.select(".charts, .bars, .findings") == [], query
        assert part.status_code == 422, query


def test_what_is_worth_a_look_says_why_and_where(lively, supervisor, settings):
    settings.ACTIVITY_FIELD_AN_HOUR = 2

    page = supervisor.page(FINDINGS)

    [finding] = page.select(".findings li")
    assert "2 changes of E-mail by Inès Moreau in an hour" in text(finding.h3)
    assert "Listed from 2 on." in text(finding.p)
    assert asked(finding.a) == {
        "person": [INES],
        "field": ["email"],
        "from": [today()],
        "to": [today()],
    }
    assert rows_behind(supervisor, finding.a) == 2


def test_beyond_three_the_findings_of_a_rule_wait_behind_one_line(
    lively, agent, supervisor, settings
):
    settings.ACTIVITY_FIELD_AN_HOUR = 1
    change(agent, "Nantes", "birth_city")
    change(agent, "Anne", "first_name")

    page = supervisor.page(FINDINGS)

    folded = page.select_one(".findings details")
    shown = [one for one in page.select(".findings h3") if folded not in one.parents]
    assert [len(shown), len(folded.select("h3"))] == [3, 2]
    assert text(folded.summary) == "2 more of this kind"


def test_what_is_worth_a_look_comes_once_the_page_is_shown_or_by_a_link(
    lively, supervisor, settings
):
    settings.ACTIVITY_VIEWS = settings.ACTIVITY_REVEALS = settings.ACTIVITY_SAME_VALUE = 1
    supervisor.get("/customers/704118236/")
    supervisor.post("/customers/704118236/fields/identity/reveal/", {"purpose": "correct"})

    place = supervisor.page(PAGE).select_one("#findings")
    part = supervisor.get(place["hx-get"], headers=HTMX | {"HX-Target": "findings"})
    whole = supervisor.page(place.a["href"])

    assert place["hx-trigger"] == "load"
    for shown in (soup(part), whole.select_one("#findings")):
        titles = {text(one.h3): one.a for one in shown.select("li")}
        assert [title.partition(" on ")[0] for title in titles] == [
            "1 profile opened by Sana El Idrissi",
            "1 sensitive value revealed by Sana El Idrissi",
            "One e-mail address was set",
        ]
        views, reveals, same = titles.values()
        for link, kind in ((views, "view"), (reveals, "reveal")):
            assert link["href"].startswith("/audit/looks/?")
            assert asked(link)["kind"] == [kind]
            assert rows_behind(supervisor, link) == 1
        assert asked(same)["customer"] == [TOM]
        assert rows_behind(supervisor, same) == 2
    assert soup(part).select("html, .charts") == []


def test_htmx_gets_the_list_alone(lively, supervisor):
    part = supervisor.get(PAGE, headers=HTMX | {"HX-Target": "list"})

    assert figures(soup(part))["Changes"] == "4"
    assert soup(part).html is None


def test_the_log_leads_to_it_and_reading_it_is_recorded(auditor):
    [link] = [one for one in auditor.page("/audit/").select("a") if "pictures" in text(one)]
    page = auditor.page(link["href"])

    assert text(page.select_one(".topnav [aria-current]")) == "Activity"
    event = AccessEvent.objects.first()
    assert (event.kind, event.actor_name) == ("audit", "Mei-Ling Chao")


def test_many_fields_and_people_are_put_together(lively, supervisor, monkeypatch):
    monkeypatch.setattr(charts, "_BARS", 1)

    page = supervisor.page(PAGE)

    [(label, number, query)] = bars(page, "field")
    assert (label, number) == ("Other fields", "4")
    assert {*query["field"]} == {"email", "birth_city", "last_name"}
    [(label, number, query)] = bars(page, "person")
    assert (label, number, {*query["person"]}) == ("2 others", "4", {INES, OWEN})
    table = page.select("section[aria-labelledby=person-title] tbody tr")
    assert [text(row.th) for row in table] == ["Inès Moreau", "Owen Whitfield"]
