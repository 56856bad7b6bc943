"""The filters of the log: what they offer, select, say of themselves, and refuse."""

from datetime import timedelta

import pytest
from django.utils import timezone

from customers.audit import access_events, paging
from customers.audit.models import SavedView, actor_key
from tests.acts import change, lose_the_answer
from tests.conftest import AGENT, HTMX, OTHER_AGENT, SUPERVISOR, TOM, signed_in, soup, text
from tests.people import actor

pytestmark = pytest.mark.once

JUMI = "704118236"
ISSUER = "http://127.0.0.1:9"


def person(who):
    return actor_key(ISSUER, who[0])


def shown(page):
    """The new values that are listed."""
    return [cell.get_text() for cell in page.select("td.delta .diff-new")]


def chips(page):
    return [text(chip.bdi) for chip in page.select(".chip")]


@pytest.fixture
def lively(agent, other_agent):
    """Three changes by two people: e-mail, city of birth, e-mail."""
    change(agent, "one@example.com")
    change(agent, "Lyon", "birth_city")
    change(other_agent, "two@example.com")


@pytest.mark.parametrize(
    ("query", "values"),
    [
        ("", ["two@example.com", "Lyon", "one@example.com"]),
        (f"person={person(AGENT)}", ["Lyon", "one@example.com"]),
        (f"person={person(AGENT)}&person={person(OTHER_AGENT)}", ["two@example.com", "Lyon"]),
        ("field=email", ["two@example.com", "one@example.com"]),
        (f"field=email&person={person(AGENT)}", ["one@example.com"]),
        ("field=email&field=birth_city", ["two@example.com", "Lyon", "one@example.com"]),
        ("group=contact", ["two@example.com", "one@example.com"]),
        ("group=identity&field=birth_city", ["Lyon"]),
        (f"customer={TOM}", ["two@example.com", "Lyon", "one@example.com"]),
        (f"customer={JUMI}", []),
        (f"customer={JUMI}, {TOM}&field=birth_city", ["Lyon"]),
        ("action=change&outcome=applied", ["two@example.com", "Lyon", "one@example.com"]),
        ("flag=forced_address", []),
        ("request=0123456789ab", []),
        ("from=2020-01-01", ["two@example.com", "Lyon", "one@example.com"]),
        ("to=2020-01-01", []),
        ("field=last_name&field=second_name", []),
        (f"person={person(SUPERVISOR)}", []),
        ("from=&to=&customer=&field=birth_city", ["Lyon"]),
    ],
)
def test_values_of_a_name_are_alternatives_and_names_hold_together(
    lively, supervisor, query, values
):
    page = supervisor.page(f"/audit/?{query}")
    assert shown(page)[: len(values)] == values
    assert bool(values) == bool(shown(page))


def test_a_period_begins_and_ends_with_the_readers_day(agent, supervisor):
    change(agent, "one@example.com")
    today = timezone.localdate()

    for first, last, values in (
        (today, today, ["one@example.com"]),
        (today - timedelta(days=9), today - timedelta(days=1), []),
        (today + timedelta(days=1), today + timedelta(days=1), []),
    ):
        assert shown(supervisor.page(f"/audit/?from={first}&to={last}")) == values


def test_the_filters_offer_only_what_occurs(lively, supervisor):
    page = supervisor.page("/audit/")

    def offered(name):
        return [text(box.parent) for box in page.select(f"input[name={name}]")]

    assert offered("person") == ["Inès Moreau", "Owen Whitfield", "Sana El Idrissi"]
    assert offered("field") == ["E-mail", "Place of birth"]
    assert offered("action") == ["Changed"]
    assert offered("outcome") == ["Applied", "Waiting"]


def test_two_people_of_one_name_are_told_apart(clubmed, db, supervisor):
    for sub in ("staff-7", "staff-8"):
        change(signed_in((sub, "Jean Martin", ["agent"])), f"{sub}@example.com")
    access_events.know(actor(("staff-7", "Jean Martin", ["agent"])), "j.martin@example.com")

    page = supervisor.page("/audit/")

    offered = [text(box.parent) for box in page.select("[name=person]")]
    assert offered[:2] == ["Jean Martin (j.martin@example.com)", "Jean Martin (staff-8)"]
    who = [text(cell) for cell in page.select("td.who")]
    assert who == ["Jean Martin staff-8", "Jean Martin j.martin@example.com"]
    exported = b"".join(supervisor.get("/audit/export.csv").streaming_content).decode()
    assert all(f",{one}," in exported for one in offered[:2])
    change_of_one = supervisor.page(page.select(".when a")[-1]["href"])
    assert "Known as j.martin@example.com" in text(change_of_one.select_one(".pairs"))


def test_a_name_and_a_field_of_a_row_are_filters(lively, supervisor):
    row = supervisor.page("/audit/?outcome=applied").select("tbody.change tr")[-1]
    who, field = row.select_one("td.who a"), row.select_one("td.field-name a")

    assert shown(supervisor.page(f"/audit/{who['href']}")) == ["Lyon", "one@example.com"]
    page = supervisor.page(f"/audit/{field['href']}")
    assert shown(page) == ["two@example.com", "one@example.com"]
    assert chips(page) == ["Outcome: Applied", "E-mail"]


def test_each_filter_in_use_is_a_chip_that_takes_it_away(lively, supervisor):
    url = f"/audit/?person={person(AGENT)}&field=email&field=birth_city&from=2026-01-31"

    page = supervisor.page(url)

    assert chips(page) == ["Inès Moreau", "E-mail", "Place of birth", "From 31 Jan 2026"]
    without = page.select(".chip a")[1]
    assert without["aria-label"] == "Remove: E-mail"
    assert shown(supervisor.page(f"/audit/{without['href']}")) == ["Lyon"]
    assert [box["value"] for box in page.select("[name=field][checked]")] == ["email", "birth_city"]
    assert text(page.select_one("#field-chosen")) == "2 chosen"


def test_usual_filters_are_one_click_away(lively, agent, supervisor, clubmed):
    page = supervisor.page("/audit/?field=email")
    links = {text(link): link["href"] for link in page.select(".quick a")}

    assert list(links) == [
        *("Today", "Yesterday", "Last 7 days", "This month", "Last month"),
        *("My changes", "Unclear", "Saved without address check", "Reverts"),
    ]
    today = supervisor.page(f"/audit/{links['Today']}")
    assert shown(today) == ["two@example.com", "one@example.com"]
    assert shown(supervisor.page(f"/audit/{links['Yesterday']}")) == []


def test_an_open_line_is_listed_where_it_matches(agent, supervisor, clubmed):
    change(agent, "one@example.com")
    lose_the_answer(agent, clubmed, "drop_before")

    for query, waits in (
        ("outcome=waiting", True),
        (f"customer={TOM}&field=email&person={person(AGENT)}", True),
        (f"customer={JUMI}", False),
        ("outcome=applied", False),
        ("flag=forced_address", False),
        ("to=2020-01-01", False),
    ):
        page = supervisor.page(f"/audit/?{query}")
        assert ("sent, not answered yet" in text(page)) is waits, query
    assert shown(supervisor.page("/audit/?outcome=waiting")) == []


WRONG = [
    ("from=2026-02-30", "30 February does not exist."),
    ("from=yesterday", "“yesterday” is not a date: write it like 2026-11-30."),
    ("to=0001-01-01", "“0001-01-01” is not a date"),
    ("to=9999-12-31", "“9999-12-31” is not a date"),
    ("from=2026-03-02&to=2026-03-01", "This day is before the first one."),
    ("from=2026-03-02&from=2026-03-01", "Too many values: at most 1."),
    ("person=12345", "“12345” is not known here"),
    ("person=x", "“x” is not known here"),
    ("field=nonsense", "“nonsense” is not known here"),
    ("group=nonsense", "“nonsense” is not known here"),
    ("outcome=fine", "“fine” is not known here"),
    ("flag=red", "“red” is not known here"),
    ("request=a b", "“a b” is not known here"),
    ("before=x", "This page of the log does not exist."),
    ("customer=abc", "“abc” is not a customer number"),
    ("customer=0123", "“0123” is not a customer number"),
    (
        "group=contact&field=birth_city",
        "No chosen field is in this part of the profile: choose another part.",
    ),
    ("colour=blue", "There is no filter “colour”"),
    ("&".join(f"customer={n}" for n in range(1, 10_001)), "Too many values: at most 50."),
]


def test_a_filter_that_cannot_be_is_named_and_nothing_is_listed(lively, supervisor):
    for query, message in WRONG:
        answer = supervisor.get(f"/audit/?{query}")
        page = soup(answer)
        assert answer.status_code == 200, query
        assert message in text(page)
        assert "Nothing is listed yet" in text(page)
        assert shown(page) == [], query

        fragment = supervisor.get(f"/audit/?{query}", headers=HTMX)
        assert fragment.status_code == 422, query
        assert message in text(soup(fragment))


def test_what_was_given_stays_beside_its_message_and_the_rest_is_kept(lively, supervisor):
    page = supervisor.page("/audit/?field=email&from=2026-02-30")

    given = page.select_one("#id_from")
    assert (given["value"], given["type"], given["aria-invalid"]) == ("2026-02-30", "text", "true")
    assert text(page.find(id=given["aria-describedby"])) == "30 February does not exist."
    assert "Correct this filter: From." in text(page)
    [wrong] = page.select(".chip[data-tone=bad]")
    assert text(wrong.bdi) == "From 2026-02-30"
    correct, rest = page.select(".blank a")
    assert correct["href"] == "#id_from"
    assert shown(supervisor.page(f"/audit/{rest['href']}")) == [
        "two@example.com",
        "one@example.com",
    ]


def test_a_filter_that_matches_little_says_how_far_it_searched(
    lively, agent, supervisor, monkeypatch
):
    monkeypatch.setattr(paging, "_FIRST_RUN", 1)
    monkeypatch.setattr(paging, "RUN", 2)

    page = supervisor.page(f"/audit/?field=email&person={person(AGENT)}")
    assert "No match so far" in text(page)
    assert "Searched back to" in text(page)
    [on] = [link for link in page.select(".blank a") if "older" in text(link)]
    page = supervisor.page(f"/audit/{on['href']}")
    assert shown(page) == ["one@example.com"]

    page = supervisor.page(f"/audit/?field=birth_city&person={person(OTHER_AGENT)}")
    [on] = [link for link in page.select(".blank a") if "older" in text(link)]
    assert "No change matches" in text(supervisor.page(f"/audit/{on['href']}"))


def test_htmx_swaps_the_list_and_the_address_names_the_filter(lively, supervisor):
    answer = supervisor.get("/audit/?from=&to=&customer=&field=birth_city", headers=HTMX)

    assert answer["HX-Push-Url"] == "/audit/?field=birth_city"
    assert shown(soup(answer)) == ["Lyon"]
    assert "<html" not in answer.content.decode()


def save_view(person, query, **typed):
    page = person.page(f"/audit/?{query}")
    form = page.select_one("form.naming")
    hidden = {one["name"]: one["value"] for one in form.select("input[type=hidden]")}
    return person.post(form["action"], hidden | typed, follow=True)


def tabs(page):
    return {text(tab): tab["href"] for tab in page.select(".views a")}


def test_a_saved_view_is_a_tab_of_its_owner_and_of_all_if_shared(lively, supervisor, auditor):
    answer = save_view(supervisor, "field=email", name="Mail addresses")
    assert "The view “Mail addresses” is saved." in text(soup(answer))
    save_view(supervisor, "field=birth_city", name="Cities", is_shared="on")

    assert list(tabs(supervisor.page("/audit/")))[-2:] == ["Cities", "Mail addresses"]
    mine, theirs = tabs(supervisor.page("/audit/")), tabs(auditor.page("/audit/"))
    assert "Mail addresses" not in theirs
    assert shown(auditor.page(f"/audit/{theirs['Cities']}")) == ["Lyon"]
    page = supervisor.page(f"/audit/{mine['Mail addresses']}")
    assert text(page.select_one(".views [aria-current]")) == "Mail addresses"


def test_a_saved_period_that_ends_today_moves_along(lively, supervisor):
    today = timezone.localdate()

    save_view(supervisor, f"from={today - timedelta(days=6)}&to={today}", name="This week")

    [view] = SavedView.objects.all()
    assert (view.query, view.days) == ("", 7)
    assert (
        f"from={today - timedelta(days=6)}&to={today}"
        in tabs(supervisor.page("/audit/"))["This week"]
    )


def test_a_view_without_a_name_is_asked_for_one(lively, supervisor):
    answer = save_view(supervisor, "field=email", name=" ")

    assert answer.status_code == 422
    assert "Give this view a name." in text(soup(answer))
    assert SavedView.objects.count() == 0


def test_only_its_owner_deletes_a_view(lively, supervisor, auditor):
    save_view(supervisor, "field=email", name="Mail addresses", is_shared="on")
    [view] = SavedView.objects.all()
    url = f"/audit/views/{view.pk}/delete/"

    assert auditor.post(url).status_code == 404
    page = supervisor.page("/audit/?field=email")
    [button] = [one for one in page.select("button") if "Delete the view" in text(one)]
    assert button.parent["action"] == url
    supervisor.post(url)
    assert SavedView.objects.count() == 0
