"""What nobody knows: the supervisors' list, and their word on an unclear change."""

from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest

from crmadmin.sandbox import Fault
from customers.audit import journal
from customers.audit.models import AccessEvent, Change, Entry, JournalLine
from customers.services.reconcile import reconcile
from tests.acts import (
    CREATE,
    NEW,
    YES,
    create,
    decide,
    let_the_grace_pass,
    lose_the_answer,
    sign_in_again,
)
from tests.conftest import HTMX, SUPERVISOR, TOM, hidden_inputs, sent, soup, text

URL = "/audit/unsettled/"
NO = {"landed": "no", "reason": "Customer says it is still the old one"}


def make_unclear(person, clubmed):
    """The address of a change of theirs of which the profile showed a third value."""
    lose_the_answer(person, clubmed, "drop_before")
    clubmed.customers[TOM]["email"] = "third@example.com"
    let_the_grace_pass()
    person.get(f"/customers/{TOM}/")
    return f"/audit/changes/{Change.objects.get().pk}/"


@pytest.fixture
def unclear(agent, clubmed):
    return make_unclear(agent, clubmed)


def test_a_waiting_an_unseen_and_an_unclear_one_are_listed(agent, supervisor, clubmed, unclear):
    lose_the_answer(agent, clubmed, "drop_before", "Lyon", f"/customers/{TOM}/fields/birth_city/")
    let_the_grace_pass()
    agent.get(f"/customers/{TOM}/")
    lose_the_answer(agent, clubmed, "drop_before", "Thomas", f"/customers/{TOM}/fields/first_name/")

    rows = [text(row) for row in supervisor.page(URL).select("tbody.change")]

    assert len(rows) == 3
    assert "First name sent, not answered yet Waiting" in rows[0]
    assert "Unclear No answer; the profile then held “third@example.com”. Decide" in rows[1]
    assert "Not seen applied No answer; the profile still held the old value." in rows[2]


def test_an_auditor_reads_it_and_decides_nothing(auditor, unclear):
    assert "Decide" not in text(auditor.page(URL))
    page = auditor.page(unclear)
    assert "A supervisor has to record the outcome." in text(page)
    assert page.select_one("#settle form") is None


@pytest.mark.once
def test_with_htmx_the_decision_stays_in_its_place_until_it_is_recorded(supervisor, unclear):
    form = hidden_inputs(supervisor.page(unclear))

    wrong = supervisor.post(f"{unclear}settle/", form | YES | {"reason": ""}, headers=HTMX)
    assert wrong.status_code == 422
    assert soup(wrong).find(recursive=False)["id"] == "settle"
    assert soup(wrong).select_one("[aria-invalid=true]")["name"] == "reason"

    done = supervisor.post(f"{unclear}settle/", form | YES, headers=HTMX)
    assert done["HX-Redirect"] == unclear
    assert "Your decision is recorded." in text(supervisor.page(unclear))


@pytest.mark.parametrize(("word", "outcome"), [(YES, "applied"), (NO, "not_applied")])
def test_a_supervisor_says_what_came_of_it_with_a_reason(supervisor, agent, unclear, word, outcome):
    page = soup(decide(supervisor, unclear, word))

    assert "Your decision is recorded." in text(page)
    assert f"Sana El Idrissi: {word['reason']}" in text(page)
    last = Entry.objects.first()
    assert (last.outcome, last.evidence, last.reason) == (outcome, "person", word["reason"])
    assert (last.actor_sub, last.actor_name) == ("staff-1003", "Sana El Idrissi")
    assert (last.old, last.new) == ("tom@example.com", "new@example.com")
    assert "Nothing was recorded" in text(soup(decide(supervisor, unclear, YES)))
    assert Change.objects.get().outcome == outcome
    assert "Everything is settled" in text(supervisor.page(URL))
    assert "Update on an unanswered save" in text(agent.page("/").select_one("#notices"))


@pytest.mark.once
@pytest.mark.parametrize(
    ("word", "said"),
    [
        ({"reason": "I know"}, "Choose one from the list."),
        ({"landed": "yes", "reason": " "}, "Give a reason: it is recorded."),
    ],
)
def test_an_answer_that_lacks_something_is_told_and_kept(supervisor, unclear, word, said):
    answer = supervisor.post(f"{unclear}settle/", word)

    assert answer.status_code == 422
    assert said in text(soup(answer).select_one("#settle"))
    shown = soup(answer).select_one("#id_reason").get("value", "")
    assert shown.strip() == word["reason"].strip()
    assert Entry.objects.count() == 1


@pytest.mark.once
def test_a_session_that_ended_keeps_the_decision(supervisor, unclear):
    form = hidden_inputs(supervisor.page(unclear))
    del supervisor.cookies["crmadmin_session"]

    answer = supervisor.post(f"{unclear}settle/", form | YES)
    sign_in = urlsplit(soup(answer).select_one("a[href*=next]")["href"])
    page = sign_in_again(supervisor, SUPERVISOR).page(parse_qs(sign_in.query)["next"][0])

    assert answer.status_code == 401
    assert page.select_one("#id_reason").get("value") == YES["reason"]
    assert page.select_one("[name=landed][value=yes][checked]")
    assert Entry.objects.count() == 1


@pytest.mark.once
def test_nobody_settles_their_own(supervisor, clubmed):
    url = make_unclear(supervisor, clubmed)

    page = supervisor.page(url)
    answer = decide(supervisor, url, YES)

    assert "this change is your own" in text(page)
    assert page.select_one("#settle form") is None
    assert "Decide" not in text(supervisor.page(URL))
    assert "this change is settled already, or is your own" in text(soup(answer))
    assert Entry.objects.count() == 1


# Creates


@pytest.fixture
def unclear_create(agent, clubmed):
    """A create without an answer, and a token that may not search."""
    clubmed.searchable = False
    clubmed.faults.add(Fault("drop_after", method="POST"))
    create(agent, **NEW)
    let_the_grace_pass()
    reconcile()
    assert Change.objects.get().outcome == "unclear"
    return f"/audit/changes/{Change.objects.get().pk}/"


def test_the_created_customer_is_named_by_number(supervisor, agent, unclear_create, number):
    page = soup(decide(supervisor, unclear_create, YES | {"customer_id": number}))

    assert "Your decision is recorded." in text(page)
    assert Change.objects.get().customer_id == number
    assert Change.objects.get().outcome == "applied"
    assert "Léa Durand" in text(agent.page(f"/customers/{number}/history/"))


@pytest.fixture
def number(unclear_create, clubmed):
    """Of the customer that the create made."""
    return next(n for n, c in clubmed.customers.items() if c.get("email") == "lea@example.com")


@pytest.mark.once
@pytest.mark.parametrize(
    ("typed", "status", "said"),
    [
        ("", 422, "Type the number of the customer that was created."),
        ("12a", 422, "has digits only and does not start with 0."),
        ("999999999", 422, "Club Med has no customer with this number."),
        (TOM, 503, "Club Med does not answer."),
    ],
)
def test_a_created_customer_needs_a_number_that_club_med_knows(
    supervisor, clubmed, unclear_create, typed, status, said
):
    if status == 503:
        clubmed.faults.add(Fault("status", method="GET", status=503, times=None))

    answer = supervisor.post(f"{unclear_create}settle/", YES | {"customer_id": typed})

    assert answer.status_code == status
    assert said in text(soup(answer))
    assert soup(answer).select_one("#id_reason")["value"] == YES["reason"]
    assert Change.objects.get().outcome == "unclear"


@pytest.mark.once
def test_what_was_not_stored_has_no_number(supervisor, unclear_create, number):
    answer = supervisor.post(f"{unclear_create}settle/", NO | {"customer_id": number})

    assert answer.status_code == 422
    assert "Nothing was recorded. Leave this empty" in text(soup(answer).select_one("#settle"))
    assert soup(answer).select_one("#id_customer_id")["value"] == number
    assert Change.objects.get().outcome == "unclear"


@pytest.mark.once
def test_its_page_searches_club_med_only_when_somebody_asks(
    supervisor, auditor, clubmed, unclear_create, number
):
    clubmed.searchable = True
    clubmed.requests.clear()
    page = supervisor.page(unclear_create)
    search = page.select_one("#settle a[href*=search]")["href"]
    auditor.get(f"{unclear_create}?search=1")
    assert clubmed.requests == []

    found = supervisor.page(search)

    assert "Club Med has one possible match." in text(found)
    assert found.select_one("#settle .compare a")["href"] == f"/customers/{number}/"
    assert "The same: lea@example.com" in text(found.select_one("#settle .compare"))
    assert AccessEvent.objects.filter(kind="search").first().actor_sub == SUPERVISOR[0]


@pytest.mark.once
def test_a_customer_that_it_found_is_named_as_the_one(supervisor, clubmed, unclear_create, number):
    clubmed.searchable = True
    page = supervisor.page(f"{unclear_create}?search=1")
    button = page.select_one("button[name=this_one]")
    form = hidden_inputs(page) | {"this_one": button["value"]}

    lacking = supervisor.post(f"{unclear_create}settle/", form)
    assert lacking.status_code == 422
    assert "Give a reason" in text(soup(lacking))
    assert soup(lacking).select_one("button[name=this_one]"), "what was found is there again"
    supervisor.post(f"{unclear_create}settle/", form | {"reason": "She called"})

    change = Change.objects.get()
    assert (change.outcome, change.customer_id) == ("applied", number)
    last = Entry.objects.first()
    assert (last.evidence, last.reason) == ("person", "She called")


@pytest.mark.once
@pytest.mark.parametrize(
    ("searchable", "says"),
    [(True, "Club Med found nobody"), (False, "You may not search for customers at Club Med.")],
)
def test_a_search_that_finds_nobody_says_so(
    supervisor, clubmed, unclear_create, number, searchable, says
):
    del clubmed.customers[number]
    clubmed.searchable = searchable

    assert says in text(supervisor.page(f"{unclear_create}?search=1").select_one("#settle"))


@pytest.mark.once
def test_its_author_searches_from_my_saves_and_does_not_settle_it(agent, clubmed, number):
    clubmed.searchable = True
    link = agent.page("/saves/").select_one("a[href*=search]")["href"]

    page = agent.page(link)

    assert "Was Léa Durand created?" in text(page)
    assert page.select_one(".compare a")["href"] == f"/customers/{number}/"
    assert page.select_one("button[name=this_one]") is None


@pytest.mark.parametrize(
    ("settled", "typed"),
    [
        pytest.param(False, NEW, marks=pytest.mark.once, id="waiting"),
        pytest.param(True, NEW, id="the same form"),
        pytest.param(
            True, NEW | {"last_name": "Martin", "email": "LEA@example.com"}, id="the same e-mail"
        ),
        pytest.param(
            True,
            NEW | {"email": "", "birthdate": "14/06/1986"},
            id="the same name and date of birth",
        ),
    ],
)
def test_an_unclear_create_warns_whoever_creates_the_same_person(
    agent, other_agent, clubmed, typed, settled
):
    clubmed.searchable = False
    clubmed.faults.add(Fault("drop_after", method="POST"))
    create(agent, **NEW, birthdate="14/06/1986")
    if settled:
        let_the_grace_pass()
        reconcile()

    form = other_agent.form(CREATE) | typed
    answer = other_agent.post(CREATE, form)

    assert answer.status_code == 409
    page = soup(answer)
    assert "This may be the same person." in text(page)
    assert "Inès Moreau" in text(page.select_one("main .notice"))
    assert page.select_one("#id_first_name")["value"] == "Léa"
    assert len(sent(clubmed, "POST")) == 1

    shown_keys = [field["value"] for field in page.select("[name=duplicate]")]
    answer = other_agent.post(CREATE, form | {"despite": "yes", "duplicate": shown_keys})
    assert answer.status_code == 302
    assert len(sent(clubmed, "POST")) == 2
    made = Entry.objects.filter(actor_name="Owen Whitfield").first()
    assert (made.reason, made.flags, made.related) == ("", "despite_duplicates", shown_keys)


def test_among_many_unsettled_creates_the_oldest_still_warns(agent, supervisor, clubmed):
    clubmed.faults.add(Fault("drop_after", method="POST"))
    create(agent, **NEW)
    line = JournalLine.objects.get()
    for n in range(50):
        journal.write(uuid4(), line.act(), {"email": (None, f"{n}@example.com")}, read_at=0)

    answer = create(agent, **NEW)

    assert answer.status_code == 409
    assert "may be the same person." in text(soup(answer))
    page = supervisor.page(URL)
    assert len(page.select("tbody.change")) == 50
    assert "There are more: they will appear here" in text(page)


def test_another_person_warns_nobody(other_agent, unclear_create):
    typed = NEW | {"first_name": "Max", "last_name": "Muster", "email": "max@example.com"}

    assert create(other_agent, **typed).status_code == 302
