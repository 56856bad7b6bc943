"""What each failure of Club Med's means for who reads, changes or creates (contract 5).

One row a failure. For each act: what the person sees, how often it was sent, what is recorded.
"""

import json
from dataclasses import dataclass

import pytest
from django.core.cache import cache

from crmadmin.sandbox import Fault
from customers.audit.models import Entry, JournalLine
from customers.clubmed import client as clubmed_client
from customers.services.connection import client
from tests.conftest import HTMX, JUST_ASKED, TOM, sent, soup, text

pytestmark = [pytest.mark.django_db, pytest.mark.once]
PROFILE = f"/customers/{TOM}/"
EDITOR = f"/customers/{TOM}/fields/email/"
NEW = "/customers/new/"
TYPED = {"civility": "MS", "first_name": "Léa", "last_name": "Durand", "email": "lea@example.com"}


@dataclass(frozen=True)
class Told:
    """status and words: of the answer. tries: of the call. recorded: outcomes in the log at once;
    waiting: lines of the journal that are open."""

    status: int
    words: str
    tries: int = 1
    recorded: tuple[str, ...] = ()
    waiting: int = 0


def refused(status, words):
    return Told(status, words, recorded=("refused",))


NOT_READ = Told(503, "Club Med does not answer. This could not be read. Nothing is lost", tries=3)
NOT_READ_ONCE = Told(503, NOT_READ.words)
ODD = Told(502, "Club Med refused this request. Nothing was changed.")
NOT_APPLIED = Told(502, ODD.words, recorded=("not_applied",))
UNKNOWN = Told(503, "We do not know yet whether", waiting=1)
NOT_SENT = Told(503, "Club Med does not answer. Nothing was sent.")


def says(status, body=None, **headers):
    return {"kind": "status", "status": status, "body": body, "headers": headers}


ERROR = {"error_code": "pattern", "concerned_key": "email", "error_description": "Not known."}
NO_REASON = refused(422, "No reason was given.")
KEY = "Club Med no longer accepts the key of this desk. Nothing was changed."
RIGHTS = "You may not read or change this profile at Club Med."
MAY_NOT_CREATE = "You may not create customers at Club Med. Nothing was created."
NOBODY = "Club Med has no customer with this number."
BUSY = "Club Med gets too many requests right now. Nothing was changed."
# The fault, then what it means for a read, a change and a create.
ROWS = {
    "400 with errors": (
        says(400, json.dumps({"errors": [ERROR]})),
        ODD,
        *[refused(422, "Club Med: Not known.")] * 2,
    ),
    "400 without errors": (
        says(400, '{"error_description": "Not today."}'),
        ODD,
        refused(422, "Club Med refused this: Not today."),
        refused(422, "Not today. Nothing was created."),
    ),
    "400 without a body": (says(400, ""), ODD, NO_REASON, NO_REASON),
    "another 4xx": (says(409, "<h1>Conflict</h1>"), ODD, NO_REASON, NO_REASON),
    "401": (says(401), Told(503, KEY), *[refused(503, KEY)] * 2),
    "403": (says(403), Told(403, RIGHTS), refused(403, RIGHTS), refused(403, MAY_NOT_CREATE)),
    "404": (says(404, ""), Told(404, NOBODY), refused(404, NOBODY), NO_REASON),
    "429": (says(429), Told(503, BUSY, tries=3), *[refused(503, BUSY)] * 2),
    "429 for long": (
        says(429, **{"Retry-After": "600"}),
        Told(503, BUSY),
        *[refused(503, BUSY)] * 2,
    ),
    "500": (says(500), NOT_READ_ONCE, UNKNOWN, UNKNOWN),
    "502": (says(502), NOT_READ, UNKNOWN, UNKNOWN),
    "503": (says(503), NOT_READ, UNKNOWN, UNKNOWN),
    "504, and yet applied": (says(504) | {"applied": True}, NOT_READ, UNKNOWN, UNKNOWN),
    "too late": (
        {"kind": "drip", "part": "headers", "seconds": 0.2},
        NOT_READ_ONCE,
        UNKNOWN,
        UNKNOWN,
    ),
    "reset": ({"kind": "drop_before"}, NOT_READ, UNKNOWN, UNKNOWN),
    "reset, and yet applied": ({"kind": "drop_after"}, NOT_READ, UNKNOWN, UNKNOWN),
    "a page": ({"kind": "html"}, NOT_READ_ONCE, UNKNOWN, UNKNOWN),
    "nothing": ({"kind": "empty"}, NOT_READ_ONCE, UNKNOWN, UNKNOWN),
    "cut JSON": ({"kind": "truncated"}, NOT_READ_ONCE, None, UNKNOWN),
    "a redirect": ({"kind": "redirect"}, ODD, NOT_APPLIED, NOT_APPLIED),
}


def rows(act):
    """The rows of one act: GET 0, PATCH 1, POST 2."""
    cases = {name: (row[0], row[act + 1]) for name, row in ROWS.items() if row[act + 1]}
    return pytest.mark.parametrize(("fault", "told"), cases.values(), ids=cases)


@pytest.fixture(autouse=True)
def short_waits(settings, request, clubmed, monkeypatch):
    """What comes too late takes most of a call's time, and between two tries we pause."""
    if "too late" in request.node.name:
        settings.CLUBMED_DEADLINE = 0.5
    monkeypatch.setattr(clubmed_client._CHANCE, "uniform", lambda *between: 0)


def assert_told(answer, told):
    assert answer.status_code == told.status
    assert told.words in text(soup(answer))


def assert_recorded(told):
    fields = Entry.objects.values("field").distinct().count()
    assert [entry.outcome for entry in Entry.objects.all()] == list(told.recorded) * fields
    assert Entry.objects.exists() == bool(told.recorded)
    assert JournalLine.objects.count() == told.waiting


@rows(0)
def test_who_reads_is_told(agent, clubmed, fault, told):
    clubmed.faults.add(Fault(method="GET", times=None, **fault))

    answer = agent.get(PROFILE)

    assert_told(answer, told)
    assert "Reference" in text(soup(answer))
    assert len(sent(clubmed, "GET")) == told.tries
    assert_recorded(told)


@rows(1)
def test_who_changes_is_told_and_it_is_recorded(agent, clubmed, fault, told):
    form = agent.form(EDITOR) | {"value": "new@example.com"}
    clubmed.faults.add(Fault(method="PATCH", times=None, **fault))

    answer = agent.post(EDITOR, form, headers=HTMX)

    assert_told(answer, told)
    assert b"new@example.com" in answer.content
    assert sent(clubmed, "PATCH") == [(f"/v1{PROFILE}profile", {"email": "new@example.com"})]
    assert_recorded(told)


@rows(2)
def test_who_creates_is_told_and_it_is_recorded(agent, clubmed, fault, told):
    form = agent.form(NEW) | TYPED
    clubmed.faults.add(Fault(method="POST", times=None, **fault))

    answer = agent.post(NEW, form)

    assert_told(answer, told)
    page = answer.content.decode()
    assert all(shown in page for shown in (TYPED | {"civility": "Ms"}).values())
    assert "TOTAL_FORMS" in page or "Phones" not in page  # nor counts of inputs
    assert sent(clubmed, "POST") == [("/v1/customers", TYPED)]
    assert_recorded(told)


def test_json_under_another_content_type_is_taken_for_what_it_is(agent, clubmed):
    named = {"headers": {"Content-Type": "text/html"}, "times": None}
    tom = json.dumps({"first_name": "Tom", "last_name": "Smith"})
    clubmed.faults.add(Fault("status", method="GET", path="/v2/", status=200, body=tom, **named))
    clubmed.faults.add(Fault("status", method="POST", status=201, body='{"id": "987"}', **named))

    assert agent.page(PROFILE).select_one("h1").get_text(" ", strip=True) == "Tom Smith"
    assert agent.post(NEW, agent.form(NEW) | TYPED)["Location"] == "/customers/987/"
    assert set(Entry.objects.values_list("customer_id", "outcome")) == {("987", "applied")}
    assert not JournalLine.objects.exists()


# Club Med that does not answer at all ---------------------------------------------------------

OUTAGE = "Club Med does not answer. Nothing can be read or saved at this moment."


@pytest.fixture
def outage(agent, clubmed):
    """So many calls failed that none is made."""
    form = agent.form(EDITOR)
    clubmed.faults.add(Fault("status", status=503, headers={"Retry-After": "600"}, times=None))
    for _ in range(5):
        agent.get(PROFILE)
    clubmed.requests.clear()
    return form


def test_during_an_outage_pages_say_so_what_is_typed_is_kept_and_nothing_is_asked_of_club_med(
    agent, auditor, clubmed, outage
):
    for page in ("/", NEW, f"{PROFILE}history/", "/saves/"):
        assert OUTAGE in text(agent.page(page))

    assert agent.get(PROFILE).status_code == 503
    assert OUTAGE not in text(auditor.page("/audit/")), "who asks nothing is not troubled"

    answer = agent.post(EDITOR, outage | {"value": "new@example.com"}, headers=HTMX)
    assert_told(answer, NOT_SENT)
    assert answer["HX-Retarget"] == "#notices"
    assert "new@example.com" in text(soup(answer))

    answer = agent.post(NEW, agent.form(NEW) | TYPED)
    assert_told(answer, NOT_SENT)
    assert soup(answer).select_one("[name=last_name]")["value"] == "Durand"

    assert clubmed.requests == []
    assert not JournalLine.objects.exists()


def test_when_club_med_answers_again_the_notice_is_gone(agent, clubmed, outage):
    clubmed.faults.clear()
    client().breaker.rest = 0
    client().breaker.report(answered=False)

    assert OUTAGE not in text(agent.page(PROFILE))
    assert OUTAGE not in text(agent.page("/"))
    answer = agent.post(EDITOR, outage | {"value": "new@example.com"}, headers=HTMX)
    assert answer.status_code == 200
    assert clubmed.customers[TOM]["email"] == "new@example.com"


def test_rules_of_markets_that_cannot_be_had_keep_nobody_from_a_customer(agent, clubmed):
    cache.delete_many(JUST_ASKED)
    clubmed.faults.add(Fault("status", path="/v[03]/", status=503, times=None))

    for _ in range(2):
        assert OUTAGE not in text(agent.page(PROFILE))


def test_what_the_desk_does_not_edit_is_cut_short_in_a_long_profile(agent, clubmed):
    profile = clubmed.customers[TOM]
    profile["stays"] = [{"village": "Marrakech", "nights": 7}] * 20_000
    profile["loyalty_program"] |= {"letters": "x" * 600_000, "miles": 17}

    page = agent.page(PROFILE)
    for name in ("Stays", "Loyalty program, letters"):
        row = next(dt.parent for dt in page.select("dt") if text(dt) == name)
        assert text(row).endswith("… (cut short: Club Med wrote more)")
        assert len(text(row)) < 2200
    assert len(str(page)) < 128 * 1024
    answer = agent.post(EDITOR, agent.form(EDITOR) | {"value": "new@example.com"}, headers=HTMX)

    assert answer.status_code == 200
    assert [body for _, body in sent(clubmed, "PATCH")] == [{"email": "new@example.com"}]
    assert (len(profile["stays"]), len(profile["loyalty_program"]["letters"])) == (20_000, 600_000)


@pytest.mark.parametrize(("count", "length"), [(300, 1_990), (9_000, 240), (30_000, 1)])
def test_the_more_there_is_that_the_desk_does_not_edit_the_less_of_it_is_shown(
    agent, clubmed, count, length
):
    profile = clubmed.customers[TOM]
    profile |= {"birthday": "1986-06-14"} | {f"new_{n}": "x" * length for n in range(count)}

    page = agent.page(PROFILE)

    said = text(page)
    assert said.count("… (cut short: Club Med wrote more)") == (300 if length > 200 else 0)
    assert said.count("more are not shown") == (count > 300)
    assert "tom@example.com" in said
    assert "14 June 1986" in said
    assert len(str(page)) < 256 * 1024


def test_a_profile_that_no_page_could_hold_is_said_to_be_too_long(agent, clubmed):
    clubmed.customers[TOM]["birth_city"] = "x" * (512 * 1024)

    for answer in (agent.get(PROFILE), agent.get(EDITOR, headers=HTMX)):
        assert answer.status_code == 502
        assert "This profile is too long to be shown. Club Med sent more than 512 kB." in text(
            soup(answer)
        )
        assert len(answer.content) < 64 * 1024
    assert sent(clubmed, "PATCH") == []


def test_a_long_refusal_is_cut_short_with_a_word(agent, clubmed):
    form = agent.form(EDITOR)
    endless = ERROR | {"error_description": "No. " * 5000}
    body = json.dumps(endless | {"errors": [endless]})
    clubmed.faults.add(Fault("status", method="PATCH", status=400, body=body))

    answer = agent.post(EDITOR, form | {"value": "new@example.com"})

    assert "… (cut short: Club Med wrote more)" in text(soup(answer))
    assert len(answer.content) < 64 * 1024


@pytest.mark.parametrize("key", ["email", "unknown", "k" * 3000, ""])
def test_of_many_messages_a_page_shows_the_first_and_a_word(agent, clubmed, key):
    form = agent.form(EDITOR)
    errors = [{"concerned_key": key, "error_description": f"No. {n} " * 20} for n in range(1000)]
    body = json.dumps(ERROR | {"errors": errors})
    clubmed.faults.add(Fault("status", method="PATCH", status=400, body=body))

    answer = agent.post(EDITOR, form | {"value": "new@example.com"})

    said = text(soup(answer))
    assert "No. 0 No. 0" in said
    assert said.count("… (cut short: Club Med wrote more)") == 1
    assert len(answer.content) < 64 * 1024
