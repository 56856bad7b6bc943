"""An address that Club Med refused may be sent without its check, with a reason for the log."""

import json

import pytest

from crmadmin.sandbox import Fault
from customers.audit.models import Entry
from tests.conftest import HTMX, TOM, hidden_inputs, sent, soup, text

pytestmark = pytest.mark.django_db
URL = f"/customers/{TOM}/fields/address/"
NEW = "/customers/new/"
ADDRESS = {"street": "Rua Nova", "zip_code": "97205", "city": "Salem", "country_code": "US"}
TYPED = {"civility": "MR", "first_name": "Jean", "last_name": "Martin"} | {
    f"address-{name}": value for name, value in ADDRESS.items()
}
FORCED = {"force_address": "on", "reason": "The customer read it from a bill"}
RECORDED = ("The customer read it from a bill", "forced_address")


def refuse(clubmed, method, key="address.street", times=1):
    said = {"errors": [{"concerned_key": key, "error_description": "No such street."}]}
    clubmed.faults.add(
        Fault("status", method=method, status=400, body=json.dumps(said), times=times)
    )


def queries(clubmed, method):
    return [request.query for request in clubmed.requests if request.method == method]


def save(agent, page, **typed):
    return agent.post(URL, hidden_inputs(page) | ADDRESS | typed, headers=HTMX)


@pytest.fixture
def editor(agent):
    return soup(agent.get(URL, headers=HTMX))


def test_it_is_offered_unticked_after_a_refusal_of_the_address_alone(agent, clubmed, editor):
    assert editor.select_one("[name=force_address]") is None
    refuse(clubmed, "PATCH")

    page = soup(save(agent, editor))

    assert "Club Med: No such street." in text(page)
    box = page.select_one("[name=force_address]")
    assert not box.has_attr("checked")
    assert page.select_one("[name=street]")["value"] == "Rua Nova"


def test_another_refusal_offers_nothing(agent, clubmed, editor):
    refuse(clubmed, "PATCH", key="email")

    assert soup(save(agent, editor)).select_one("[name=force_address]") is None


def test_with_a_reason_it_is_sent_unchecked_and_the_log_says_so(agent, clubmed, editor, supervisor):
    refuse(clubmed, "PATCH")
    refused = soup(save(agent, editor))

    answer = save(agent, refused, **FORCED)

    assert answer.status_code == 200
    assert queries(clubmed, "PATCH") == ["", "force_address=true"]
    last = Entry.objects.order_by("-seq").first()
    assert (last.outcome, last.reason, last.flags) == ("applied", *RECORDED)
    for words in (RECORDED[0], "Address sent without Club Med’s check"):
        assert words in text(supervisor.page("/audit/"))


def test_without_a_reason_nothing_is_sent(agent, clubmed, editor):
    refuse(clubmed, "PATCH")
    refused = soup(save(agent, editor))

    answer = save(agent, refused, force_address="on", reason=" ")

    page = soup(answer)
    assert answer.status_code == 422
    assert "Say why: the log keeps it." in text(page)
    assert page.select_one("[name=force_address]").has_attr("checked")
    assert len(sent(clubmed, "PATCH")) == 1
    assert save(agent, page, **FORCED).status_code == 200


def offer(page):
    """Is it ticked, and why?"""
    box, reason = page.select_one("[name=force_address]"), page.select_one("[name=reason]")
    return box.has_attr("checked"), reason.get("value")


def test_what_was_typed_about_it_is_kept_whatever_comes(agent, clubmed, editor):
    """Another refusal, a clear that is not wanted after all, a conflict, an API that is down."""
    refuse(clubmed, "PATCH")
    page = soup(save(agent, editor))

    for key in ("address.street", "email"):
        refuse(clubmed, "PATCH", key=key)
        page = soup(save(agent, page, **FORCED))
        assert offer(page) == (True, FORCED["reason"])
    page = soup(save(agent, page, **FORCED, act="ask-clear"))
    assert offer(page) == (True, FORCED["reason"])
    page = soup(save(agent, page, **FORCED, act="edit"))
    assert offer(page) == (True, FORCED["reason"])
    clubmed.customers[TOM]["address"] = {"city": "BEND"}
    page = soup(save(agent, page, **FORCED))
    assert "Changed while you were typing." in text(page)
    assert offer(page) == (True, FORCED["reason"])
    clubmed.faults.add(Fault("status", method="GET", status=503, times=3))
    typed = hidden_inputs(page) | ADDRESS | FORCED
    page = soup(agent.post(URL, typed))  # without htmx the whole page comes back
    assert offer(page) == (True, FORCED["reason"])

    assert save(agent, page, **FORCED).status_code == 200
    assert queries(clubmed, "PATCH")[-1] == "force_address=true"


def test_clearing_asks_for_no_reason_and_forces_nothing(agent, clubmed):
    clubmed.customers[TOM]["address"] = {"city": "BEND"}
    page = soup(agent.get(URL, headers=HTMX))
    refuse(clubmed, "PATCH")
    refused = soup(save(agent, page))

    answer = save(agent, refused, force_address="on", reason="", act="clear")

    assert answer.status_code == 200
    assert queries(clubmed, "PATCH") == ["", ""]
    assert sent(clubmed, "PATCH")[-1][1] == {"address": None}


def test_unticked_it_is_checked_again(agent, clubmed, editor):
    refuse(clubmed, "PATCH")
    refused = soup(save(agent, editor))

    save(agent, refused, reason="typed and not meant")

    assert queries(clubmed, "PATCH") == ["", ""]
    assert Entry.objects.order_by("-seq").first().reason == ""


def test_nobody_can_force_an_address_that_was_not_refused(agent, clubmed, editor):
    save(agent, editor, **FORCED)

    assert queries(clubmed, "PATCH") == [""]
    assert Entry.objects.get().reason == ""


def test_a_new_customers_address_too(agent, clubmed):
    refuse(clubmed, "POST")
    form = agent.form(NEW) | TYPED
    assert agent.page(NEW).select_one("[name=force_address]") is None

    refused = soup(agent.post(NEW, form))
    assert "No such street." in text(refused)
    assert not refused.select_one("[name=force_address]").has_attr("checked")
    told = soup(agent.post(NEW, hidden_inputs(refused) | TYPED | {"force_address": "on"}))
    assert "Say why: the log keeps it." in text(told)
    answer = agent.post(NEW, hidden_inputs(told) | TYPED | FORCED)

    assert answer.status_code == 302
    assert queries(clubmed, "POST") == ["", "force_address=true"]
    assert {(e.reason, e.flags) for e in Entry.objects.filter(outcome="applied")} == {RECORDED}


def test_a_new_customers_address_is_not_forced_unasked(agent, clubmed):
    agent.post(NEW, agent.form(NEW) | TYPED | FORCED)

    assert queries(clubmed, "POST") == [""]
