"""Open a customer by number."""

import pytest

from tests.conftest import TOM, soup, text


@pytest.mark.parametrize("typed", [TOM, f"  {TOM} ", "123 456 789"])
def test_a_number_opens_its_customer(agent, clubmed, typed):
    answer = agent.post("/", {"q": typed})

    assert answer.status_code == 302
    assert answer["Location"] == f"/customers/{TOM}/"
    assert clubmed.requests == []


@pytest.mark.parametrize("typed", ["", "tom@example.com", "0123", "Smith", "12-34", "1" * 65])
def test_anything_else_is_told_and_stays_in_the_box(agent, clubmed, typed):
    answer = agent.post("/", {"q": typed})

    page = soup(answer)
    assert answer.status_code == 422
    assert "Type a customer or GM number" in text(page.select_one("#q-error"))
    assert page.select_one("#q")["value"] == typed
    assert clubmed.requests == []


def test_the_customers_handled_last_are_at_hand_newest_first(agent, other_agent):
    assert "Nobody yet" in text(agent.page("/"))
    for number, person in ((TOM, agent), ("704118236", agent), ("30955172", other_agent)):
        url = f"/customers/{number}/fields/birth_city/"
        person.post(url, person.form(url) | {"value": "Lyon"})

    people = [text(item.select_one("a")) for item in agent.page("/").select(".people li")]

    assert people == ["Beatriz Wang", "Tom Smith"]
