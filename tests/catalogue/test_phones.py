"""Phones: a list, edited row by row and sent whole."""

import pytest

from customers.audit.models import Entry
from tests.conftest import HTMX, TOM, hidden_inputs, sent, soup, text

pytestmark = [pytest.mark.django_db, pytest.mark.once, pytest.mark.other_contract]
URL = f"/customers/{TOM}/fields/phones/"
HOME = {"number": "0101010101", "type": "HOME", "id": 1}
OFFICE = {"number": "0202020202", "type": "OFFICE", "carrier": {"id": 7}}


def rows(page):
    """What the editor shows: (type, number, place of the phone it was made from)."""
    return [
        (
            (row.select_one("option[selected]") or {"value": ""})["value"],
            row.select_one("input[type=tel]").get("value", ""),
            row.select_one("input[name$=-row]").get("value", ""),
        )
        for row in page.select(".phone-row")
    ]


def filled(page, edited):
    """The form with these rows typed into it."""
    data = hidden_inputs(page) | {"phones-TOTAL_FORMS": str(len(edited))}
    for n, typed in enumerate(edited):
        names = (f"phones-{n}-{part}" for part in ("type", "number", "row"))
        data |= dict(zip(names, typed, strict=True))
    return data


@pytest.mark.parametrize(
    ("held", "edited", "whole"),
    [
        (
            [HOME, OFFICE],
            [("MOBILE", "+33 6 98-76.54.32", "0"), ("OFFICE", "0202020202", "1")],
            [HOME | {"number": "+33698765432", "type": "MOBILE"}, OFFICE],
        ),
        (
            [HOME, OFFICE],
            [("MOBILE", "+2223", "1"), ("OFFICE", "+333", "")],
            [
                {"number": "+2223", "type": "MOBILE", "carrier": {"id": 7}},
                {"number": "+333", "type": "OFFICE"},
            ],
        ),
        (
            [{"number": "ext. 12", "type": "FAX_2"}],
            [("FAX_2", "ext. 12", "0"), ("HOME", "+33140506070", "")],
            [{"number": "ext. 12", "type": "FAX_2"}, {"number": "+33140506070", "type": "HOME"}],
        ),
    ],
    ids=["a number changed", "one gone and one new", "what is odd stays"],
)
def test_the_whole_list_is_sent_each_with_the_members_that_we_do_not_know(
    agent, clubmed, held, edited, whole
):
    clubmed.customers[TOM]["phones"] = held

    agent.post(URL, filled(agent.page(URL), edited), headers=HTMX)

    assert sent(clubmed, "PATCH") == [(f"/v1/customers/{TOM}/profile", {"phones": whole})]
    if entries := Entry.objects.filter(outcome="applied"):
        assert (entries[0].old, entries[0].new) == (held, whole)


@pytest.mark.parametrize(
    ("edited", "message"),
    [
        ([("MOBILE", "call me", "0")], "Not a phone number"),
        ([("MOBILE", "++33", "0")], "Not a phone number"),
        ([("PIGEON", "0612345678", "0")], "Choose one from the list."),
        ([("MOBILE", "", "0")], "To remove a phone, use its bin."),
        ([("MOBILE", "", "")], "Nothing to save."),
        ([("MOBILE", f"06{n:08}", "") for n in range(21)], "At most 20 phones: remove one."),
    ],
)
def test_a_bad_row_is_told_and_all_rows_come_back(agent, clubmed, edited, message):
    answer = agent.post(URL, filled(agent.page(URL), edited), headers=HTMX)

    shown = soup(answer)
    assert answer.status_code == 422
    assert message in text(shown.select_one(".error"))
    assert [number for _, number, _ in rows(shown)] == [number for _, number, _ in edited]
    assert sent(clubmed, "PATCH") == []


def test_a_list_in_another_shape_is_shown_and_not_ours_to_rewrite(agent, clubmed):
    clubmed.customers[TOM]["phones"] = "0612345678 or 0698765432"

    page = agent.page(f"/customers/{TOM}/")

    assert "0612345678 or 0698765432" in text(page.select_one("#phones"))
    assert page.select_one("#phones .field-edit") is None
    assert agent.get(URL).status_code == 404


def test_after_a_conflict_each_row_stays_with_its_own_phone(agent, clubmed):
    """Rows were made from the list that was seen; another list is there now."""
    clubmed.customers[TOM]["phones"] = [HOME, OFFICE]
    page = agent.page(URL)
    clubmed.customers[TOM]["phones"] = [
        {"number": "0303030303", "type": "MOBILE", "id": 3},
        HOME,
        OFFICE,
    ]

    edited = [("HOME", "+33111111111", "0"), ("OFFICE", "0202020202", "1")]
    answer = agent.post(URL, filled(page, edited), headers=HTMX)
    assert answer.status_code == 409
    conflict = soup(answer)
    agent.post(URL, filled(conflict, rows(conflict)), headers=HTMX)

    assert sent(clubmed, "PATCH")[-1][1] == {"phones": [HOME | {"number": "+33111111111"}, OFFICE]}
