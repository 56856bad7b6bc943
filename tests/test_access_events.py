"""Who looked: which look is recorded, of whom, and what of it is never written down."""

import json
import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db.models import F

from customers.audit import guard
from customers.clubmed.sandbox import Fault
from customers.models import AccessEvent, Change
from tests import log
from tests.conftest import (
    AGENT,
    AUDITOR,
    HTMX,
    OTHER_AGENT,
    SUPERVISOR,
    TOM,
    signed_in,
    soup,
    text,
)
from tests.faults.test_database_trouble import out_of_reach
from tests.test_groups import post, previewed
from tests.test_settling import lose_the_answer

pytestmark = pytest.mark.django_db
PROFILE = f"/customers/{TOM}/"
EMAIL = f"{PROFILE}fields/email/"
CONTACT = f"{PROFILE}groups/contact/"
WANG = "704118236"
TYPED = {"civility": "MS", "first_name": "Léa", "last_name": "Durand", "email": "lea@example.com"}


def looks():
    """What was looked at, by whom, of which customer; the oldest first."""
    events = AccessEvent.objects.order_by("pk")
    return list(events.values_list("kind", "actor_sub", "customer_id"))


def forget_looks():
    AccessEvent.objects.all().delete()


def let_pass(minutes):
    """All that was looked at was so much earlier."""
    guard.remove()
    AccessEvent.objects.update(recorded_at=F("recorded_at") - timedelta(minutes=minutes))
    guard.install()


def all_texts():
    return json.dumps(list(AccessEvent.objects.values()), default=str)


@pytest.fixture(params=[AGENT, SUPERVISOR], ids=["agent", "supervisor"])
def handler(request, clubmed, db):
    """Somebody who handles customers, and who that is."""
    return signed_in(request.param), request.param[0]


@pytest.fixture(params=[SUPERVISOR, AUDITOR], ids=["supervisor", "auditor"])
def reader(request, clubmed, db):
    """Somebody who reads the log, and who that is."""
    return signed_in(request.param), request.param[0]


# A customer is viewed -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "headers"),
    [
        (PROFILE, {}),
        (EMAIL, {}),
        (EMAIL, HTMX),
        (f"{EMAIL}value/", HTMX),
        (CONTACT, {}),
        (CONTACT, HTMX),
    ],
)
def test_whoever_is_shown_a_value_has_viewed_that_customer(handler, url, headers):
    person, sub = handler

    assert person.get(url, headers=headers).status_code == 200

    assert looks() == [("view", sub, TOM)]


def test_a_look_says_who_when_in_which_roles_and_in_which_request(supervisor):
    answer = supervisor.get(PROFILE)

    event = AccessEvent.objects.get()
    assert (event.actor_issuer, event.actor_name) == (settings.OIDC_ISSUER, "Sana El Idrissi")
    assert event.actor_roles == "supervisor"
    assert event.request_id == answer["X-Request-ID"]
    assert (event.field, event.purpose) == ("", "")


def test_what_came_of_a_change_is_a_view(agent):
    saved = agent.post(EMAIL, agent.form(EMAIL) | {"value": "new@example.com"}, headers=HTMX)
    forget_looks()

    agent.get(soup(saved).select_one("[hx-get*='/changes/']")["hx-get"], headers=HTMX)

    assert looks() == [("view", AGENT[0], TOM)]


def test_a_form_that_comes_back_with_values_is_a_view(agent, clubmed):
    form = agent.form(EMAIL)
    forget_looks()

    refused = agent.post(EMAIL, form | {"value": "no address"}, headers=HTMX)

    assert (refused.status_code, looks()) == (422, [("view", AGENT[0], TOM)])


def test_a_conflict_that_shows_what_club_med_holds_now_is_a_view(agent, clubmed):
    form = agent.form(EMAIL)
    clubmed.customers[TOM]["email"] = "theirs@example.com"
    forget_looks()

    conflict = agent.post(EMAIL, form | {"value": "mine@example.com"}, headers=HTMX)

    assert (conflict.status_code, looks()) == (409, [("view", AGENT[0], TOM)])


def test_the_look_at_what_a_group_would_send_is_a_view(agent):
    page = agent.page(CONTACT)
    forget_looks()

    post(agent, page, "preview", CONTACT, email="new@example.com")

    assert looks() == [("view", AGENT[0], TOM)]


# Ten minutes are one look -------------------------------------------------------------------------


def test_a_whole_edit_is_one_look(agent):
    agent.get(PROFILE)
    agent.post(EMAIL, agent.form(EMAIL) | {"value": "new@example.com"}, follow=True)
    preview = previewed(agent, CONTACT, email="newer@example.com")
    post(agent, preview, "send", CONTACT)
    agent.get(PROFILE)

    assert looks() == [("view", AGENT[0], TOM)]


def test_after_ten_minutes_it_is_another_look(agent):
    agent.get(PROFILE)
    let_pass(9)
    agent.get(EMAIL)
    assert len(looks()) == 1

    let_pass(1)
    agent.get(EMAIL)

    assert looks() == [("view", AGENT[0], TOM)] * 2


def test_a_look_that_did_not_count_does_not_put_off_the_next_that_does(agent):
    for _ in range(5):
        agent.get(PROFILE)
        let_pass(4)

    assert len(looks()) == 2


def test_each_person_and_each_customer_is_counted_by_themselves(agent, other_agent):
    for person in (agent, other_agent):
        for customer in (TOM, WANG, TOM):
            person.get(f"/customers/{customer}/")

    assert looks() == [
        ("view", sub, customer) for sub in (AGENT[0], OTHER_AGENT[0]) for customer in (TOM, WANG)
    ]


def test_the_same_number_of_another_issuer_is_another_person(agent, clubmed, settings):
    agent.get(PROFILE)
    settings.OIDC_ISSUER = "https://id.example.com"

    signed_in(AGENT).get(PROFILE)

    assert len(looks()) == 2


def test_only_views_are_counted_so(supervisor):
    for _ in range(2):
        supervisor.get("/audit/")
        supervisor.get(f"{PROFILE}history/")
        supervisor.post("/", {"q": TOM})

    kinds = [kind for kind, *_ in looks()]
    assert kinds == ["audit", "audit", "search"] * 2


# A search is made ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "typed",
    [
        {"q": "tom@example.com"},
        {"q": "206 342 8631"},
        {"q": "Smith Tom 14/06/1986"},
        {"email": "tom@example.com", "last_name": "Smith"},
    ],
    ids=str,
)
def test_that_somebody_searched_is_recorded_and_not_for_what(handler, typed):
    person, sub = handler

    answer = person.post("/", typed)
    handle = re.search(r"find=([^&]+)", answer["Location"])[1]
    person.get(answer["Location"])

    assert looks()[0] == ("search", sub, "")
    assert all(kind in ("search", "view") for kind, *_ in looks())
    for secret in (*typed.values(), *" ".join(typed.values()).split(), handle):
        assert secret not in all_texts().replace(settings.OIDC_ISSUER, "")


def test_going_through_what_was_found_is_no_further_search(agent):
    found = agent.post("/", {"q": "Smith"})["Location"]

    for page in ("", "&page=2", ""):
        agent.get(found + page)

    assert looks() == [("search", AGENT[0], "")]


def test_a_number_that_leads_to_its_customer_is_a_search_and_a_view(agent):
    agent.post("/", {"q": TOM}, follow=True)

    assert looks() == [("search", AGENT[0], ""), ("view", AGENT[0], TOM)]


def test_whoever_is_shown_the_same_person_before_a_create_has_searched(agent, clubmed):
    clubmed.customers[TOM]["email"] = TYPED["email"]

    answer = agent.post("/customers/new/", agent.form("/customers/new/") | TYPED)

    assert (answer.status_code, looks()) == (409, [("search", AGENT[0], "")])
    assert not [value for value in TYPED.values() if value in all_texts()]


@pytest.mark.parametrize("typed", [{}, {"q": " "}, {"q": "", "birthdate": "no date"}], ids=str)
def test_a_search_that_is_not_made_is_not_recorded(agent, typed):
    assert agent.post("/", typed).status_code == 422

    assert looks() == []


# The log is read ----------------------------------------------------------------------------------


@pytest.mark.parametrize("url", ["/audit/", "/audit/?before=3", "/audit/unsettled/"])
def test_whoever_reads_the_log_is_recorded(reader, url):
    person, sub = reader

    assert person.get(url).status_code == 200

    assert looks() == [("audit", sub, "")]


@pytest.mark.parametrize("url", [f"{PROFILE}history/", f"{EMAIL}history/"])
@pytest.mark.parametrize("somebody", [AGENT, SUPERVISOR, AUDITOR], ids=lambda one: one[2][0])
def test_whoever_reads_a_history_is_recorded_with_its_customer(clubmed, somebody, url):
    assert signed_in(somebody).get(url).status_code == 200

    assert looks() == [("audit", somebody[0], TOM)]


def test_whoever_reads_a_change_is_recorded_with_its_customer(agent, reader):
    person, sub = reader
    agent.post(EMAIL, agent.form(EMAIL) | {"value": "new@example.com"})
    forget_looks()

    person.get(f"/audit/changes/{Change.objects.get().pk}/")

    assert looks() == [("audit", sub, TOM)]


def test_a_change_that_waits_for_its_answer_is_no_exception(agent, reader, clubmed):
    person, sub = reader
    lose_the_answer(agent, clubmed, "drop_before")
    change = soup(person.get("/audit/unsettled/")).select_one("a[href*='/audit/changes/']")["href"]
    forget_looks()

    person.get(change)

    assert looks() == [("audit", sub, TOM)]


# What is no look ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "/customers/999999999999/",
        "/customers/no-number/",
        "/customers/999999999999/fields/email/",
        f"{PROFILE}fields/no_field/",
        f"{PROFILE}fields/gm_number/",
        f"{PROFILE}fields/no_field/history/",
        f"{PROFILE}groups/no_group/",
        "/customers/no-number/history/",
        f"/audit/changes/{uuid4()}/",
    ],
)
def test_what_is_not_there_was_not_looked_at(supervisor, url):
    assert supervisor.get(url).status_code == 404

    assert looks() == []


@pytest.mark.parametrize("url", [PROFILE, EMAIL, CONTACT])
@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (Fault("status", status=503, times=None), 503),
        (Fault("status", status=403), 403),
        (Fault("redirect"), 502),
    ],
    ids=["no answer", "forbidden", "a redirect"],
)
def test_what_club_med_does_not_show_was_not_looked_at(agent, clubmed, url, fault, status):
    clubmed.faults.add(fault)

    assert agent.get(url).status_code == status

    assert looks() == []


@pytest.mark.parametrize("url", [PROFILE, EMAIL, f"{PROFILE}history/", "/audit/", "/?find=x"])
def test_whoever_is_sent_to_the_sign_in_has_seen_nothing(client, db, url):
    assert client.get(url).status_code == 302
    assert client.get(url, headers=HTMX).status_code == 401
    assert client.post("/", {"q": TOM}).status_code == 401

    assert looks() == []


def test_whoever_may_not_has_seen_nothing(agent, auditor):
    for person, url in ((agent, "/audit/"), (auditor, PROFILE), (auditor, EMAIL)):
        assert person.get(url).status_code == 403

    assert looks() == []


def test_an_answer_that_leads_elsewhere_shows_nothing(agent):
    assert agent.get(f"{EMAIL}value/").status_code == 302
    assert agent.get("/").status_code == 200
    assert agent.get("/customers/new/").status_code == 200

    assert looks() == []


# The log is exported ------------------------------------------------------------------------------


def test_an_export_is_recorded_as_the_command_lines(tmp_path):
    log.fill()

    log.export(tmp_path, "--customer", "101")
    log.export(tmp_path)

    assert looks() == [("export", "", "101"), ("export", "", "")]
    event = AccessEvent.objects.first()
    assert (event.actor_issuer, event.actor_name, event.actor_roles) == ("", "Command line", "")


def test_an_export_that_is_refused_is_none(tmp_path):
    log.fill(1)

    with pytest.raises(CommandError, match="There is no entry 500"):
        log.export(tmp_path, "--from", "500")

    assert looks() == []


# Where it cannot be recorded ----------------------------------------------------------------------


@pytest.fixture
def unrecorded(transactional_db):
    """A database that takes no looks."""
    with out_of_reach("customers_accessevent"):
        yield


def test_a_view_goes_on_and_the_process_log_says_so(unrecorded, agent, caplog):
    answer = agent.get(PROFILE)

    assert answer.status_code == 200
    assert "tom@example.com" in text(soup(answer))
    assert _not_recorded(caplog) == [f"{answer['X-Request-ID']}: view is not recorded"]


def test_a_save_goes_on_and_the_process_log_says_so(unrecorded, agent, caplog, clubmed):
    agent.post(EMAIL, agent.form(EMAIL) | {"value": "new@example.com"}, headers=HTMX)

    assert clubmed.customers[TOM]["email"] == "new@example.com"
    assert len(_not_recorded(caplog)) == 2


@pytest.mark.parametrize(
    ("kind", "act"),
    [
        ("search", lambda person: person.post("/", {"q": TOM})),
        ("audit", lambda person: person.get("/audit/")),
        ("audit", lambda person: person.get(f"{PROFILE}history/")),
    ],
    ids=["search", "log", "history"],
)
def test_so_does_any_other_page(unrecorded, supervisor, caplog, kind, act):
    answer = act(supervisor)

    assert answer.status_code in (200, 302)
    assert _not_recorded(caplog) == [f"{answer['X-Request-ID']}: {kind} is not recorded"]


def test_an_export_is_refused_and_writes_nothing(unrecorded, tmp_path, capsys):
    log.fill(1)
    path = tmp_path / "export"

    for where in ({}, {"output": str(path)}):
        with pytest.raises(CommandError, match="cannot be recorded, so nothing was exported"):
            call_command("audit_export", **where)

    assert not path.exists()
    assert capsys.readouterr().out == ""


def _not_recorded(caplog):
    said = (line.rpartition(": ")[0] for line in caplog.messages if "is not recorded" in line)
    return list(said)
