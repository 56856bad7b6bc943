"""Who is signed in, the end of a session, and a table of sessions that opens nothing."""

from io import StringIO

import pytest
from django.core.management import call_command
from django.db import DatabaseError

from crmadmin.models import Session
from crmadmin.sso.sessions import actor_of, browser_words
from customers.audit import access_events
from customers.audit.models import Access, AccessEvent
from tests.acts import EMAIL, sign_in_again
from tests.conftest import (
    AGENT,
    HTMX,
    TOM,
    Desk,
    give_session,
    signed_in,
    soup,
    text,
)
from tests.crmadmin.signing_in import Browser

URL = "/sessions/"
PROFILE = f"/customers/{TOM}/"


def listed(person):
    return [text(row.select_one(".who")) for row in person.page(URL).select("tbody.change")]


def row_of(person):
    return person.session.row


def events(*kinds):
    rows = AccessEvent.objects.filter(kind__in=kinds).order_by("id")
    return [(one.kind, one.actor_name, one.field, one.query) for one in rows]


def is_at_the_gate(person):
    """Told at the first request, and led to the sign-in at the next."""
    told, page = person.get(PROFILE), person.get(PROFILE)
    part = person.get(PROFILE, headers=HTMX)
    if told.status_code == 401:
        assert "Somebody here ended your session." in text(soup(told))
        assert soup(told).select_one("main a")["href"] == f"/oidc/login/?next={PROFILE}"
    return (
        page.status_code == 302 and "/oidc/login/" in page["Location"] and part.status_code == 401
    )


# Who is signed in ---------------------------------------------------------------------------------


def test_a_supervisor_sees_everybody_and_others_only_themselves(agent, supervisor, auditor):
    give_session(Desk(), actor_of(agent.session))

    assert listed(supervisor) == [
        "Sana El Idrissi You, here",
        *("Inès Moreau", "Mei-Ling Chao", "Inès Moreau"),
    ]
    assert listed(agent) == ["Inès Moreau You, here", "Inès Moreau"]
    assert listed(auditor) == ["Mei-Ling Chao You, here"]
    assert "4 sessions, 3 people" in text(supervisor.page(URL))
    assert "You are signed in nowhere else." in text(auditor.page(URL))


@pytest.mark.once
def test_the_page_says_on_what_and_the_menu_and_the_log_lead_to_it(agent, supervisor, company):
    browser = Browser()
    browser.defaults["HTTP_USER_AGENT"] = (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0"
    )
    browser.come_in("owen.whitfield")

    row = next(r for r in supervisor.page(URL).select("tr") if "Owen" in text(r))

    assert "Firefox, Windows" in text(row)
    assert "agent" in text(row)
    assert agent.page("/").select_one(f'.topbar a[href="{URL}"]')
    assert supervisor.page("/audit/").select_one(f'.switch a[href="{URL}"]')
    assert [e for e in events(Access.AUDIT) if e[1] == "Sana El Idrissi"]
    assert not [e for e in events(Access.AUDIT) if e[1] == "Inès Moreau"]


@pytest.mark.parametrize(
    ("user_agent", "words"),
    [
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/142.0 Safari/537.36 Edg/142.0", "Edge, Windows"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Chrome/142 Safari/537", "Chrome, macOS"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) Safari/604.1", "Safari, iPhone"),
        ("curl/8.0", ""),
        ("<b>", ""),
    ],
)
@pytest.mark.once
def test_a_browser_is_named_as_people_call_it(user_agent, words):
    assert browser_words(user_agent) == words


# The end of a session -----------------------------------------------------------------------------


def test_a_supervisor_ends_a_session_which_is_asked_first_and_recorded(agent, supervisor):
    key = row_of(agent).pk
    page = supervisor.page(f"{URL}?ask={key}")
    assert "End this session of Inès Moreau?" in text(page)
    form = {"session": page.select_one("tr.ask input[name=session]")["value"]}

    answer = supervisor.post(URL, form | {"reason": "Left the company"}, follow=True)

    assert "The session of Inès Moreau has ended." in text(soup(answer))
    assert is_at_the_gate(agent)
    assert events(Access.END_SIGN_IN, Access.ENDED) == [
        ("end_sign_in", "Sana El Idrissi", "staff-1001", "Left the company"),
        ("ended", "Inès Moreau", "", ""),
    ]
    assert "Left the company" in text(supervisor.page("/audit/looks/?kind=end_sign_in"))
    again = supervisor.post(URL, form, follow=True)
    assert "That session had ended already." in text(soup(again))


def test_what_was_typed_when_a_session_was_ended_is_kept(agent, supervisor):
    form = agent.form(EMAIL) | {"value": "typed@example.com"}
    supervisor.post(URL, {"session": row_of(agent).pk})

    answer = agent.post(EMAIL, form)

    assert answer.status_code == 401
    assert "Somebody here ended your session." in text(soup(answer))
    back = sign_in_again(agent, AGENT).page(EMAIL)
    assert back.select_one("input[name=value]")["value"] == "typed@example.com"


def test_one_ends_ones_own_elsewhere_and_nobody_elses_nor_this_one(agent, other_agent, auditor):
    elsewhere = signed_in(AGENT)

    for person, key in (
        (other_agent, row_of(agent).pk),
        (auditor, row_of(agent).pk),
        (agent, row_of(agent).pk),
        (agent, "no session"),
    ):
        assert person.post(URL, {"session": key}).status_code == 302
        assert not is_at_the_gate(agent)
    assert not AccessEvent.objects.filter(kind=Access.END_SIGN_IN).exists()

    agent.post(URL, {"session": row_of(elsewhere).pk})
    assert is_at_the_gate(elsewhere)


def test_what_cannot_be_recorded_ends_no_session(agent, supervisor, monkeypatch):
    def fail(*args, **kwargs):
        raise DatabaseError

    with monkeypatch.context() as patch:
        patch.setattr(access_events, "record", fail)
        answer = supervisor.post(URL, {"session": row_of(agent).pk})

    assert "The session was not ended" in text(soup(answer))
    assert not is_at_the_gate(agent)


def test_a_reason_that_is_too_long_is_said_beside_it(agent, supervisor):
    answer = supervisor.post(URL, {"session": row_of(agent).pk, "reason": "x" * 201})

    assert answer.status_code == 422
    assert soup(answer).select_one("#id_reason")["aria-invalid"] == "true"
    assert not is_at_the_gate(agent)


def end_sessions(*arguments):
    said = StringIO()
    call_command("end_sessions", *arguments, stdout=said)
    return said.getvalue()


def test_the_command_ends_those_of_one_person_or_all(agent, other_agent, supervisor):
    second = signed_in(AGENT)

    assert end_sessions("--staff", AGENT[0]) == "Sessions ended: 2.\n"
    assert is_at_the_gate(agent)
    assert is_at_the_gate(second)
    assert not is_at_the_gate(other_agent)
    assert end_sessions("--all") == "Sessions ended: 2.\n"
    assert is_at_the_gate(supervisor)
    assert not Session.lasting().exists()
    assert {(row.identity, row.content) for row in Session.objects.all()} == {("", "")}
    assert events(Access.END_SIGN_IN) == [
        ("end_sign_in", "Command line", "staff-1001", ""),
        ("end_sign_in", "Command line", "", ""),
    ]
    assert sorted(one[1] for one in events(Access.ENDED)) == [
        *("Inès Moreau", "Owen Whitfield", "Sana El Idrissi")
    ]
