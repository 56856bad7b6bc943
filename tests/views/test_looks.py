"""Who looked at whom: the list, its filters, and the panel on a profile."""

import pytest

from customers.audit.models import AccessEvent, actor_key
from tests.acts import change, forget
from tests.conftest import AGENT, HTMX, TOM, soup, text

pytestmark = pytest.mark.once

JUMI = "704118236"
ISSUER = "http://127.0.0.1:9"


def listed(page):
    """(who, what, customer) a row, newest first."""
    return [
        tuple(text(row.select_one(cell)) for cell in ("td.who a", "td.outcome", "td.customer"))
        for row in page.select("tbody.change tr")
    ]


def test_everybodys_looks_are_listed_newest_first(agent, supervisor):
    agent.get(f"/customers/{TOM}/")
    agent.get(f"/customers/{JUMI}/")
    supervisor.get("/audit/")

    page = supervisor.page("/audit/looks/")

    assert listed(page) == [
        ("Sana El Idrissi", "Audit page read", ""),
        ("Inès Moreau", "Profile viewed", JUMI),
        ("Inès Moreau", "Profile viewed", TOM),
    ]
    assert text(page.select_one(".switch [aria-current]")) == "Who looked"


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        (f"customer={TOM}", [("Inès Moreau", "Profile viewed", TOM)]),
        ("kind=search", []),
        ("kind=view&to=2020-01-01", []),
        (
            f"person={actor_key(ISSUER, AGENT[0])}&kind=view&from=2020-01-01",
            [("Inès Moreau", "Profile viewed", JUMI), ("Inès Moreau", "Profile viewed", TOM)],
        ),
        (
            f"kind=view&kind=search&customer={TOM}",
            [("Inès Moreau", "Profile viewed", TOM)],
        ),
    ],
)
def test_filters_select_looks(agent, supervisor, query, rows):
    agent.get(f"/customers/{TOM}/")
    agent.get(f"/customers/{JUMI}/")

    assert listed(supervisor.page(f"/audit/looks/?{query}")) == rows


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("kind=stare", "“stare” is not known here"),
        ("field=email", "“email” is not known here"),
        ("person=1", "“1” is not known here"),
        ("customer=abc", "“abc” is not a customer number"),
        ("from=2026-02-30", "30 February does not exist."),
        ("outcome=applied", "There is no filter “outcome”"),
        ("before=x", "This page of the log does not exist."),
        ("&".join(f"kind={n}" for n in range(10_000)), "Too many values: at most 50."),
    ],
)
def test_a_filter_that_cannot_be_lists_nothing(agent, supervisor, query, message):
    agent.get(f"/customers/{TOM}/")

    page = supervisor.page(f"/audit/looks/?{query}")
    fragment = supervisor.get(f"/audit/looks/?{query}", headers=HTMX)

    assert message in text(page)
    assert listed(page) == []
    assert fragment.status_code == 422
    assert fragment["HX-Push-Url"].startswith("/audit/looks/?")


def test_a_reveal_says_of_what_and_for_what(supervisor):
    supervisor.post(f"/customers/{JUMI}/fields/identity/reveal/", {"purpose": "correct"})

    page = supervisor.page("/audit/looks/?kind=reveal")

    assert text(page.select_one("td.reason")) == (
        "National number. Purpose: To check or correct the value."
    )


def test_reveals_are_found_by_field_and_by_purpose(agent, supervisor):
    agent.get(f"/customers/{JUMI}/")
    for purpose in ("correct", "duty"):
        supervisor.post(f"/customers/{JUMI}/fields/identity/reveal/", {"purpose": purpose})

    for query, count in (
        ("field=identity", 2),
        ("field=identity&purpose=duty", 1),
        ("purpose=duty&purpose=review&kind=reveal", 1),
        ("field=health_pass_id", 0),
        ("purpose=correct&kind=view", 0),
    ):
        page = supervisor.page(f"/audit/looks/?{query}")
        assert [what for _, what, _ in listed(page)] == ["Sensitive value revealed"] * count, query
    assert "Purpose: A legal or tax duty" in [
        text(chip.bdi) for chip in supervisor.page("/audit/looks/?purpose=duty").select(".chip")
    ]


def test_a_profile_asks_for_its_looks_when_the_panel_is_opened(agent, supervisor):
    agent.get(f"/customers/{TOM}/")
    asks = supervisor.page(f"/customers/{TOM}/").select_one("#timeline details summary")

    panel = supervisor.get(
        asks["hx-get"], headers=HTMX | {"HX-Target": asks["hx-target"].lstrip("#")}
    )

    assert "Inès Moreau, agent" in text(soup(panel))
    assert "<html" not in panel.content.decode()
    assert agent.page(f"/customers/{TOM}/").select("#timeline details") == []


def test_a_customer_is_named_until_the_log_forgets_the_name(agent, supervisor):
    change(agent, "new@example.com")
    agent.get(f"/customers/{TOM}/")

    def cells():
        page = supervisor.page(f"/audit/looks/?kind=view&customer={TOM}")
        return {text(cell) for cell in page.select("td.customer")}

    assert cells() == {f"Tom Smith {TOM}"}
    forget()
    assert cells() == {TOM}


def test_reading_who_looked_is_a_look(auditor):
    auditor.get("/audit/looks/")
    [event] = AccessEvent.objects.all()
    assert (event.kind, event.actor_name) == ("audit", "Mei-Ling Chao")
