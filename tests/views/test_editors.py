"""What the three editors share: one field, a group of fields, a new customer."""

import json
from dataclasses import dataclass

import pytest

from crmadmin.sandbox import Fault
from customers.audit.models import Change, Entry, JournalLine
from customers.services.connection import client
from tests.acts import CONTACT, CREATE, EMAIL, NEEDED, post, save, sign_in_again
from tests.conftest import AGENT, HTMX, OTHER_AGENT, TOM, sent, soup, text

pytestmark = [pytest.mark.django_db, pytest.mark.once]
PROFILE = f"/customers/{TOM}/"


@dataclass(frozen=True)
class Editor:
    """typed: what is filled in. shown: the input that is looked at, and its text."""

    url: str
    method: str
    typed: dict
    shown: tuple[str, str]
    other: dict


def of_email(url, name):
    typed = {name: "new@example.com"}
    return Editor(url, "PATCH", typed, (name, typed[name]), {name: "second@example.com"})


EDITORS = {
    "field": of_email(EMAIL, "value"),
    "group": of_email(CONTACT, "email"),
    "create": Editor(CREATE, "POST", NEEDED, ("last_name", "Durand"), {"first_name": "Zoé"}),
}
each_editor = pytest.mark.parametrize("editor", EDITORS.values(), ids=EDITORS)
PHONES = {"field": f"{PROFILE}fields/phones/", "group": CONTACT, "create": CREATE}
ADDRESSES = {"field": f"{PROFILE}fields/address/", "group": CONTACT, "create": CREATE}


def is_shown(page, editor):
    name, value = editor.shown
    return page.select_one(f"input[name={name}]")["value"] == value


@each_editor
def test_a_form_sent_twice_is_one_change(agent, clubmed, editor):
    page = agent.page(editor.url)

    places = [post(agent, page, editor.url, **editor.typed)["Location"] for _ in range(2)]

    assert places[0] == places[1]
    assert len(sent(clubmed, editor.method)) == 1
    assert Change.objects.count() == 1


@each_editor
def test_a_used_form_with_other_answers_is_told_and_keeps_them(agent, clubmed, editor):
    page = agent.page(editor.url)
    post(agent, page, editor.url, **editor.typed)

    answer = post(agent, page, editor.url, **editor.typed | editor.other)

    assert answer.status_code == 409
    again = soup(answer)
    assert "You sent this form before" in text(again)
    assert "not sent" in text(again)
    [(name, typed)] = editor.other.items()
    assert again.select_one(f"input[name={name}]")["value"] == typed
    assert len(sent(clubmed, editor.method)) == 1
    assert post(agent, again, editor.url).status_code == 302
    assert len(sent(clubmed, editor.method)) == 2


@pytest.mark.parametrize("token", ["", "WyJhIiwge31d:1abc:def"])
@each_editor
def test_a_tampered_token_sends_nothing_and_keeps_the_text(agent, clubmed, editor, token):
    answer = save(agent, editor.url, **editor.typed, token=token)

    page = soup(answer)
    assert answer.status_code == 422
    assert "This form has expired. Nothing was sent." in text(page)
    assert is_shown(page, editor)
    assert sent(clubmed, editor.method) == []
    assert post(agent, page, editor.url).status_code == 302


@pytest.mark.parametrize(
    "made_for",
    [f"{PROFILE}fields/birth_city/", "/customers/704118236/fields/email/", "another person"],
)
@each_editor
def test_a_token_is_good_for_one_person_and_one_form(agent, other_agent, clubmed, editor, made_for):
    person, url = (other_agent, editor.url) if "/" not in made_for else (agent, made_for)
    token = person.form(url)["token"]

    answer = save(agent, editor.url, **editor.typed, token=token)

    assert answer.status_code == 422
    assert sent(clubmed, editor.method) == []


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "htmx"])
@each_editor
def test_a_session_that_ended_keeps_what_was_typed_for_its_person(agent, clubmed, editor, headers):
    page = agent.page(editor.url)
    del agent.cookies["crmadmin_session"]

    answer = post(agent, page, editor.url, headers=headers, **editor.typed)
    back = sign_in_again(agent, AGENT).page(editor.url)

    assert answer.status_code == 401
    assert editor.shown[1] in text(soup(answer))
    assert "Here is what you typed before you signed in again." in text(back)
    assert is_shown(back, editor)
    assert sent(clubmed, editor.method) == []
    assert post(agent, back, editor.url).status_code == 302


@each_editor
def test_what_was_typed_is_given_back_to_nobody_else(agent, editor):
    page = agent.page(editor.url)
    del agent.cookies["crmadmin_session"]
    post(agent, page, editor.url, **editor.typed)

    back = sign_in_again(agent, OTHER_AGENT).page(editor.url)

    assert "Here is what you typed" not in text(back)
    assert editor.shown[1] not in str(back)


@each_editor
def test_no_answer_is_unknown_and_is_never_sent_again(agent, clubmed, editor):
    """What else is no answer: test_failures."""
    clubmed.faults.add(Fault("drop_after", method=editor.method))
    page = agent.page(editor.url)

    for _ in range(2):
        answer = post(agent, page, editor.url, **editor.typed)
        assert answer.status_code == 503
        assert "We do not know yet whether" in text(soup(answer))
        assert editor.shown[1] in text(soup(answer))
    assert len(sent(clubmed, editor.method)) == 1
    assert JournalLine.objects.count() == 1
    assert not Entry.objects.exists()


@each_editor
def test_when_nothing_could_be_sent_it_is_said_and_the_same_form_works_later(
    agent, clubmed, settings, editor
):
    page = agent.page(editor.url)
    address, settings.CLUBMED_API_URL = settings.CLUBMED_API_URL, "http://127.0.0.1:1"
    client.cache_clear()

    answer = post(agent, page, editor.url, **editor.typed)

    assert answer.status_code == 503
    assert "Club Med does not answer. Nothing was sent." in text(soup(answer))
    assert is_shown(soup(answer), editor)
    assert {entry.outcome for entry in Entry.objects.all()} <= {"not_applied"}
    assert not JournalLine.objects.exists()
    settings.CLUBMED_API_URL = address
    client.cache_clear()
    assert post(agent, page, editor.url, **editor.typed).status_code == 302
    assert len(sent(clubmed, editor.method)) == 1


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("email", "Club Med: No."),
        ("nobody", "nobody: No."),
        ("", "No."),
        (None, "The market is closed."),
    ],
)
@each_editor
def test_a_refusal_is_told_beside_its_field_or_above_all_and_does_not_use_the_form_up(
    agent, clubmed, editor, key, said
):
    errors = [] if key is None else [{"concerned_key": key, "error_description": "No."}]
    body = json.dumps({"errors": errors, "error_description": "The market is closed."})
    clubmed.faults.add(Fault("status", method=editor.method, status=400, body=body))
    page = agent.page(editor.url)

    refused = post(agent, page, editor.url, **editor.typed)

    told = soup(refused)
    assert refused.status_code == 422
    assert said in " ".join(text(place) for place in told.select("#summary, .error"))
    assert is_shown(told, editor)
    assert {entry.outcome for entry in Entry.objects.all()} == {"refused"}
    form = page if key else told  # either is good still
    assert post(agent, form, editor.url, **editor.typed).status_code == 302
    assert len(sent(clubmed, editor.method)) == 2


@each_editor
def test_with_htmx_only_the_editor_is_replaced(agent, clubmed, editor):
    clubmed.faults.add(Fault("status", method=editor.method, status=400, body="{}"))

    answer = save(agent, editor.url, **editor.typed, headers=HTMX)

    page = soup(answer)
    [part] = page.find_all(recursive=False)
    assert part.name == "div"  # which the form's own inputs cannot be mistaken for
    target = page.select_one("form[hx-target]")["hx-target"]
    assert target == (
        f"#{part['id']}" if "group" in target or "create" in target else "closest .field"
    )


@pytest.mark.parametrize("url", PHONES.values(), ids=PHONES)
def test_rows_of_phones_are_added_and_taken_out_without_a_script(agent, clubmed, url):
    clubmed.customers[TOM]["phones"] = [{"number": "0622334455", "type": "HOME", "verified": 1}]
    page = agent.page(url)
    first = {"phones-0-number": "+33611223344", "phones-0-type": "MOBILE"}

    longer = soup(post(agent, page, url, act="phones-add", **first))
    assert [row["value"] for row in longer.select("[type=tel][value]")] == ["+33611223344"]
    assert longer.select_one(".error") is None
    three = soup(post(agent, longer, url, act="phones-add", **{"phones-1-number": "+33633"}))
    two = soup(post(agent, three, url, act="phones-remove-0", **{"phones-2-number": "+33644"}))

    labels = [button["aria-label"] for button in two.select("[value^=phones-remove]")]
    assert labels == ["Remove phone 1", "Remove phone 2"]
    typed = NEEDED if url == CREATE else {}
    assert post(agent, two, url, **typed).status_code == 302
    [(_, body)] = sent(clubmed, "POST" if url == CREATE else "PATCH")
    assert body["phones"] == [
        {"type": "MOBILE", "number": "+33633"},
        {"type": "MOBILE", "number": "+33644"},
    ]


REASON = "The customer read it from a bill"
FORCED = {"force_address": "on", "reason": REASON}
STREET = {"address-street": "Rua Nova", "address-city": "Salem", "address-country_code": "US"}


def refuse_address(clubmed, method, key="address.street"):
    body = json.dumps({"errors": [{"concerned_key": key, "error_description": "No street."}]})
    clubmed.faults.add(Fault("status", method=method, status=400, body=body))


def queries(clubmed, method):
    return [request.query for request in clubmed.requests if request.method == method]


@pytest.mark.parametrize("url", ADDRESSES.values(), ids=ADDRESSES)
def test_a_refused_address_may_be_sent_unchecked_with_a_reason(agent, supervisor, clubmed, url):
    method, needed = ("POST", NEEDED) if url == CREATE else ("PATCH", {})
    refuse_address(clubmed, method)
    page = agent.page(url)
    assert page.select_one("[name=force_address]") is None

    refused = soup(post(agent, page, url, **needed, **STREET))
    assert "No street." in text(refused)
    assert not refused.select_one("[name=force_address]").has_attr("checked")
    told = post(agent, refused, url, force_address="on", reason=" ")
    assert told.status_code == 422
    assert "Give a reason: it is recorded." in text(soup(told))
    assert soup(told).select_one("[name=force_address]").has_attr("checked")
    assert post(agent, soup(told), url, reason=REASON).status_code == 302

    assert queries(clubmed, method) == ["", "force_address=true"]
    stored = Entry.objects.filter(outcome="applied")
    assert {(entry.reason, entry.flags) for entry in stored} == {(REASON, "forced_address")}
    for words in (REASON, "Address sent without Club Med’s check"):
        assert words in text(supervisor.page("/audit/"))


def offer(page):
    """Is it ticked, and why?"""
    box, reason = page.select_one("[name=force_address]"), page.select_one("[name=reason]")
    return box.has_attr("checked"), reason.get("value")


@pytest.mark.parametrize("url", [ADDRESSES["field"], CONTACT], ids=["field", "group"])
def test_what_was_typed_about_it_is_kept_whatever_comes(agent, clubmed, url):
    """Another refusal, a clear that is not wanted after all, a conflict, an API that is down."""
    refuse_address(clubmed, "PATCH")
    page = soup(save(agent, url, **STREET))
    page = soup(post(agent, page, url, act="edit", **FORCED))
    assert offer(page) == (True, REASON)
    for key in ("address.street", "email"):
        refuse_address(clubmed, "PATCH", key)
        page = soup(post(agent, page, url))
        assert offer(page) == (True, REASON)
    page = soup(post(agent, page, url, act="ask-clear"))
    assert offer(page) == (True, REASON)
    clubmed.customers[TOM]["address"] = {"city": "BEND"}
    page = soup(post(agent, page, url))
    assert "Changed while you were typing." in text(page)
    assert offer(page) == (True, REASON)
    clubmed.faults.add(Fault("status", method="GET", status=503, times=3))
    page = soup(post(agent, page, url, **{"address-choice": "mine"}))
    assert offer(page) == (True, REASON)

    assert post(agent, page, url).status_code == 302
    assert queries(clubmed, "PATCH")[-1] == "force_address=true"


@pytest.mark.parametrize("act", [{"clear": ["address"]}, {"reason": "typed and not meant"}])
def test_a_clear_and_what_is_not_ticked_force_nothing(agent, clubmed, act):
    clubmed.customers[TOM]["address"] = {"city": "BEND"}
    refuse_address(clubmed, "PATCH")
    url = ADDRESSES["field"]
    refused = soup(save(agent, url, **STREET))
    ticked = {"force_address": "on", "reason": ""} if "clear" in act else {}

    assert post(agent, refused, url, **ticked | act).status_code == 302

    assert queries(clubmed, "PATCH") == ["", ""]
    assert Entry.objects.order_by("-seq").first().reason == ""


def test_a_refusal_of_another_field_offers_nothing(agent, clubmed):
    refuse_address(clubmed, "PATCH", "email")

    assert (
        soup(save(agent, ADDRESSES["field"], **STREET)).select_one("[name=force_address]") is None
    )
