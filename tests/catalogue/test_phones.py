"""Phones: a list, edited row by row and sent whole."""

import pytest

from customers.audit.models import Entry
from tests.conftest import HTMX, TOM, hidden_inputs, sent, soup, text

URL = f"/customers/{TOM}/fields/phones/"
PATH = f"/v1/customers/{TOM}/profile"


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


def test_the_whole_list_is_sent_when_one_number_changes(agent, clubmed):
    clubmed.customers[TOM]["phones"].append({"number": "+33140506070", "type": "HOME"})
    page = agent.page(URL)
    before = rows(page)
    assert before == [("MOBILE", "0623456789", "0"), ("HOME", "+33140506070", "1")]

    edited = [("OFFICE", "+33 6 98-76.54.32", "0"), before[1]]
    answer = agent.post(URL, filled(page, edited), headers=HTMX)

    assert answer.status_code == 200
    whole = [
        {"number": "+33698765432", "type": "OFFICE"},
        {"number": "+33140506070", "type": "HOME"},
    ]
    assert sent(clubmed, "PATCH") == [(PATH, {"phones": whole})]
    assert Entry.objects.get().new == whole
    assert Entry.objects.get().old[0] == {"number": "0623456789", "type": "MOBILE"}


def test_members_that_we_do_not_know_go_back_with_their_phone(agent, clubmed):
    clubmed.customers[TOM]["phones"] = [
        {"number": "111", "type": "HOME", "verified": True},
        {"number": "222", "type": "MOBILE", "carrier": {"id": 7}},
    ]
    page = agent.page(URL)

    agent.post(URL, filled(page, [("MOBILE", "+2223", "1"), ("OFFICE", "333", "")]), headers=HTMX)

    [(_, body)] = sent(clubmed, "PATCH")
    assert body == {
        "phones": [
            {"number": "+2223", "type": "MOBILE", "carrier": {"id": 7}},
            {"number": "333", "type": "OFFICE"},
        ]
    }


def test_a_type_that_is_new_to_us_can_stay(agent, clubmed):
    clubmed.customers[TOM]["phones"] = [{"number": "111", "type": "FAX_2"}]
    page = agent.page(URL)
    assert "FAX_2, a new type" in text(page)

    edited = [*rows(page), ("MOBILE", "+33698765432", "")]
    agent.post(URL, filled(page, edited), headers=HTMX)

    [(_, body)] = sent(clubmed, "PATCH")
    assert body["phones"][0] == {"number": "111", "type": "FAX_2"}


def test_rows_are_added_and_removed_without_a_script_and_nothing_is_sent(agent, clubmed):
    page = agent.page(URL)

    page = soup(agent.post(URL, filled(page, [("HOME", "typed", "0")]) | {"act": "phones-add"}))
    assert rows(page) == [("HOME", "typed", "0"), ("MOBILE", "", "")]

    page = soup(agent.post(URL, filled(page, rows(page)) | {"act": "phones-remove-0"}))
    assert [number for _, number, _ in rows(page)] == [""]
    assert sent(clubmed, "PATCH") == []


@pytest.mark.parametrize(
    ("edited", "message"),
    [
        ([("MOBILE", "call me", "0")], "“call me” is not a phone number"),
        ([("MOBILE", "++33", "0")], "“++33” is not a phone number"),
        ([("PIGEON", "0612345678", "0")], "Choose a type for each phone."),
        ([("MOBILE", "", "0")], "To take a phone out of the list, use its bin."),
        ([("MOBILE", "", "")], "An empty answer changes nothing."),
        ([("MOBILE", f"06{n:08}", "") for n in range(21)], "At most 20 phones."),
    ],
)
def test_a_bad_row_is_told_and_all_rows_come_back(agent, clubmed, edited, message):
    page = agent.page(URL)

    answer = agent.post(URL, filled(page, edited), headers=HTMX)

    shown = soup(answer)
    assert answer.status_code == 422
    assert message in text(shown.select_one(".error"))
    assert [number for _, number, _ in rows(shown)] == [number for _, number, _ in edited]
    assert sent(clubmed, "PATCH") == []


@pytest.mark.other_contract
def test_a_list_in_another_shape_is_shown_and_not_ours_to_rewrite(agent, clubmed):
    clubmed.customers[TOM]["phones"] = "0612345678 or 0698765432"

    page = agent.page(f"/customers/{TOM}/")

    assert "0612345678 or 0698765432" in text(page.select_one("#phones"))
    assert page.select_one("#phones .field-edit") is None
    assert agent.get(URL).status_code == 404


@pytest.mark.other_contract
def test_an_unchanged_number_in_an_odd_shape_is_left_to_club_med_to_judge(agent, clubmed):
    clubmed.customers[TOM]["phones"] = [{"number": "ext. 12", "type": "OFFICE"}]
    page = agent.page(URL)

    agent.post(URL, filled(page, [*rows(page), ("HOME", "0140506070", "")]), headers=HTMX)

    [(_, body)] = sent(clubmed, "PATCH")
    assert [phone["number"] for phone in body["phones"]] == ["ext. 12", "0140506070"]


def test_after_a_conflict_each_row_stays_with_its_own_phone(agent, clubmed):
    """Rows were made from the list that was seen; another list is there now."""
    first = {"number": "0101010101", "type": "HOME", "id": 1}
    second = {"number": "0202020202", "type": "OFFICE", "id": 2}
    clubmed.customers[TOM]["phones"] = [first, second]
    page = agent.page(URL)
    new = {"number": "0303030303", "type": "MOBILE", "id": 3}
    clubmed.customers[TOM]["phones"] = [new, first, second]

    edited = [("HOME", "0111111111", "0"), ("OFFICE", "0202020202", "1")]
    answer = agent.post(URL, filled(page, edited), headers=HTMX)
    assert answer.status_code == 409
    conflict = soup(answer)
    agent.post(URL, filled(conflict, rows(conflict)), headers=HTMX)

    assert sent(clubmed, "PATCH")[-1][1] == {
        "phones": [{"number": "0111111111", "type": "HOME", "id": 1}, second]
    }
