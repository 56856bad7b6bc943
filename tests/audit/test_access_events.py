"""Access events: what is recorded of who saw whom, what is never written down of it, and what goes
on where it cannot be recorded."""

import json
import re
from collections import Counter
from datetime import timedelta
from ipaddress import ip_network
from uuid import UUID

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db.models import F

from crmadmin.sandbox import Fault
from customers.access import OPERATOR
from customers.audit import access_events, triggers
from customers.audit.models import Access, AccessEvent, Change, JournalLine
from tests import log
from tests.acts import CONTACT, EMAIL, NEW, let_the_grace_pass, lose_the_answer, out_of_reach
from tests.conftest import AGENT, AUDITOR, HTMX, OTHER_AGENT, SUPERVISOR, TOM, signed_in, soup, text

pytestmark = pytest.mark.django_db
PROFILE = f"/customers/{TOM}/"
WANG = "704118236"
VIEW_BY_AGENT = ("view", AGENT[0], TOM)
PEOPLE = (AGENT, SUPERVISOR, AUDITOR)


def recorded():
    """(kind, person, customer) of each access event, the oldest first."""
    events = AccessEvent.objects.order_by("pk")
    return list(events.values_list("kind", "actor_sub", "customer_id"))


def forget_events():
    AccessEvent.objects.all().delete()


def let_pass(minutes):
    """All that was recorded was so much earlier."""
    log.lift_the_triggers()
    AccessEvent.objects.update(recorded_at=F("recorded_at") - timedelta(minutes=minutes))
    triggers.install()


def all_texts():
    """What the events hold, but for numbers, times and references, which may hold any digits."""
    events = list(AccessEvent.objects.values())
    for event in events:
        assert re.fullmatch("[0-9a-f]{12}", event.pop("request_id"))
        del event["id"], event["recorded_at"]
    return json.dumps(events, default=str)


def save(person, value, **kwargs):
    return person.post(EMAIL, person.form(EMAIL) | {"value": value}, **kwargs)


@pytest.mark.once
@pytest.mark.parametrize(
    ("url", "headers"),
    [
        *((url, {}) for url in (PROFILE, EMAIL, CONTACT)),
        *((url, HTMX) for url in (EMAIL, f"{EMAIL}value/", CONTACT)),
    ],
)
def test_a_page_that_shows_a_value_is_a_view_of_that_customer(agent, url, headers):
    assert agent.get(url, headers=headers).status_code == 200

    assert recorded() == [VIEW_BY_AGENT]


@pytest.mark.once
def test_an_event_says_who_in_which_roles_and_in_which_request(supervisor):
    answer = supervisor.get(PROFILE)

    event = AccessEvent.objects.get()
    assert (event.actor_issuer, event.actor_name) == (settings.OIDC_ISSUER, "Sana El Idrissi")
    assert event.actor_roles == "supervisor"
    assert event.request_id == answer["X-Request-ID"]
    assert (event.field, event.purpose) == ("", "")


@pytest.mark.once
def test_the_fragment_that_says_what_came_of_a_change_is_a_view(agent):
    saved = save(agent, "new@example.com", headers=HTMX)
    forget_events()

    agent.get(soup(saved).select_one("[hx-get*='/changes/']")["hx-get"], headers=HTMX)

    assert recorded() == [VIEW_BY_AGENT]


@pytest.mark.once
@pytest.mark.parametrize(
    ("befalls", "value", "status"),
    [
        (None, "no address", 422),
        ("another's change", "new@example.com", 409),
        (403, "new@example.com", 403),
        (429, "new@example.com", 503),
    ],
)
def test_a_form_that_comes_back_with_values_is_a_view(agent, clubmed, befalls, value, status):
    form = agent.form(EMAIL)
    if isinstance(befalls, int):
        clubmed.faults.add(Fault("status", method="PATCH", status=befalls, times=None))
    elif befalls:
        clubmed.customers[TOM]["email"] = "theirs@example.com"
    forget_events()

    answer = agent.post(EMAIL, form | {"value": value})

    assert answer.status_code == status
    assert "Tom Smith" in text(soup(answer))
    assert recorded() == [VIEW_BY_AGENT]


@pytest.mark.once
def test_the_list_of_unsettled_saves_is_a_view_of_each_customer_in_it(agent, clubmed):
    lose_the_answer(agent, clubmed, "drop_before")
    forget_events()

    agent.get("/saves/")
    assert recorded() == [VIEW_BY_AGENT]

    let_the_grace_pass()
    agent.get(PROFILE)
    forget_events()
    assert "Not seen applied" in text(agent.page("/saves/"))
    assert recorded() == [VIEW_BY_AGENT]


def test_a_whole_edit_is_one_view(agent):
    agent.get(PROFILE)
    save(agent, "new@example.com", follow=True)
    agent.get(CONTACT)
    agent.get(PROFILE)

    assert recorded() == [VIEW_BY_AGENT]


@pytest.mark.parametrize(
    ("minutes", "count"),
    [((9,), 1), ((9, 1), 2), ((4,) * 4, 2), ((-60,), 2)],
    ids=["within", "after", "often", "a clock ahead"],
)
def test_after_ten_minutes_it_is_another_view(agent, minutes, count):
    agent.get(PROFILE)
    for passed in minutes:
        let_pass(passed)
        agent.get(EMAIL)

    assert recorded() == [VIEW_BY_AGENT] * count


def test_each_person_and_each_customer_is_counted_by_themselves(agent, other_agent, settings):
    """The same number of another issuer is another person."""
    settings.OIDC_ISSUER = "https://id.example.com"
    for person in (agent, other_agent, signed_in(AGENT)):
        for customer in (TOM, WANG, TOM):
            person.get(f"/customers/{customer}/")

    people = (AGENT[0], OTHER_AGENT[0], AGENT[0])
    assert recorded() == [("view", sub, customer) for sub in people for customer in (TOM, WANG)]


def test_only_views_are_counted_so(supervisor):
    for _ in range(2):
        supervisor.get("/audit/")
        supervisor.post("/", {"q": TOM})

    assert [kind for kind, *_ in recorded()] == ["audit", "search"] * 2


@pytest.mark.once
@pytest.mark.parametrize(
    "typed",
    [
        {"q": "tom@example.com"},
        {"q": "206 342 8631"},
        {"q": "Smith Tom 14/06/1986"},
        {"q": "Smith"},
        {"email": "tom@example.com", "last_name": "Smith"},
    ],
    ids=str,
)
def test_a_search_and_each_further_page_of_it_are_recorded_and_not_for_what(agent, typed):
    found = agent.post("/", typed)["Location"]
    for page in ("", "&page=2", ""):
        agent.get(found + page)

    search, *further = recorded()
    assert search == further.pop(0 if further[0][0] == "search" else -1) == ("search", AGENT[0], "")
    assert all(kind == "view" for kind, *_ in further)
    handle = re.search(r"find=([^&]+)", found)[1]
    for secret in (*typed.values(), *" ".join(typed.values()).split(), handle):
        assert secret not in all_texts().replace(settings.OIDC_ISSUER, "")


@pytest.mark.once
def test_whoever_is_shown_possible_duplicates_before_a_create_has_searched(agent, clubmed):
    clubmed.customers[TOM]["email"] = NEW["email"]

    answer = agent.post("/customers/new/", agent.form("/customers/new/") | NEW)

    assert (answer.status_code, recorded()) == (409, [("search", AGENT[0], "")])
    assert not [value for value in NEW.values() if value in all_texts()]


@pytest.mark.once
@pytest.mark.parametrize("typed", [{}, {"q": " "}, {"q": "", "birthdate": "no date"}], ids=str)
def test_a_search_that_is_not_made_is_not_recorded(agent, typed):
    assert agent.post("/", typed).status_code == 422

    assert recorded() == []


@pytest.mark.once
@pytest.mark.parametrize(
    ("somebody", "url", "customer"),
    [
        *(
            (who, url, "")
            for who in (SUPERVISOR, AUDITOR)
            for url in ("/audit/", "/audit/?before=3", "/audit/unsettled/")
        ),
        *((who, url, TOM) for who in PEOPLE for url in (f"{PROFILE}history/", f"{EMAIL}history/")),
        (SUPERVISOR, f"{PROFILE}forget/", TOM),
    ],
)
def test_whoever_reads_the_log_is_recorded_with_the_customer(clubmed, db, somebody, url, customer):
    assert signed_in(somebody).get(url).status_code == 200

    assert recorded() == [("audit", somebody[0], customer)]


@pytest.mark.once
@pytest.mark.parametrize("reader", [SUPERVISOR, AUDITOR])
@pytest.mark.parametrize("is_answered", [True, False], ids=["answered", "waiting"])
def test_whoever_reads_a_change_is_recorded_with_its_customer(agent, reader, clubmed, is_answered):
    if is_answered:
        save(agent, "new@example.com")
    else:
        lose_the_answer(agent, clubmed, "drop_before")
    change = (Change if is_answered else JournalLine).objects.get().pk
    forget_events()

    signed_in(reader).page(f"/audit/changes/{change}/")

    assert recorded() == [("audit", reader[0], TOM)]


@pytest.mark.once
@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("/customers/999999999999/", 404),
        ("/customers/999999999999/fields/email/", 404),
        (f"{PROFILE}fields/gm_number/", 404),
        (f"{PROFILE}fields/no_field/history/", 404),
        (f"{PROFILE}groups/no_group/", 404),
        (f"/audit/changes/{UUID(int=1)}/", 404),
        (f"{EMAIL}value/", 302),
        ("/", 200),
        ("/customers/new/", 200),
    ],
)
def test_an_answer_that_shows_nobody_is_not_recorded(supervisor, url, status):
    assert supervisor.get(url).status_code == status

    assert recorded() == []


@pytest.mark.once
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
def test_a_profile_that_club_med_does_not_show_was_not_viewed(agent, clubmed, url, fault, status):
    clubmed.faults.add(fault)

    assert agent.get(url).status_code == status

    assert recorded() == []


@pytest.mark.once
@pytest.mark.parametrize("url", [PROFILE, EMAIL, f"{PROFILE}history/", "/audit/", "/?find=x"])
def test_whoever_is_sent_to_the_sign_in_has_seen_nothing(client, db, url):
    assert client.get(url).status_code == 302
    assert client.get(url, headers=HTMX).status_code == 401
    assert client.post("/", {"q": TOM}).status_code == 401

    assert recorded() == []


@pytest.mark.once
def test_whoever_may_not_has_seen_nothing_and_it_is_recorded_that_they_tried(agent, auditor):
    reveal, odd = f"{PROFILE}fields/identity/reveal/", "/customers/tom@example.com/"
    for person, url in (
        *((agent, "/audit/"), (auditor, PROFILE), (auditor, EMAIL)),
        *((agent, reveal), (auditor, odd)),
    ):
        assert person.get(url).status_code == 403

    assert recorded() == [
        ("refused", AGENT[0], ""),
        ("refused", AUDITOR[0], TOM),
        ("refused", AGENT[0], TOM),
        ("refused", AUDITOR[0], ""),
    ]


@pytest.mark.once
def test_an_export_is_recorded_as_the_command_lines_and_a_refused_one_is_not(tmp_path):
    log.fill()
    for options, words in (
        (["--from", "500"], "There is no entry 500"),
        (["--customer", "tom@example.com"], "A customer's number has digits only"),
    ):
        with pytest.raises(CommandError, match=words):
            log.export(tmp_path, *options)

    log.export(tmp_path, "--customer", "101")
    log.export(tmp_path)

    assert recorded() == [("export", "", "101"), ("export", "", "")]
    event = AccessEvent.objects.first()
    assert (event.actor_issuer, event.actor_name, event.actor_roles) == ("", "Command line", "")


@pytest.fixture
def unrecorded(transactional_db):
    """A database that takes no access events."""
    with out_of_reach("customers_accessevent"):
        yield


def not_recorded(caplog):
    return [line.rpartition(": ")[0] for line in caplog.messages if "is not recorded" in line]


def test_a_save_goes_on_and_the_process_log_says_so(unrecorded, agent, caplog, clubmed):
    save(agent, "new@example.com", headers=HTMX)

    assert clubmed.customers[TOM]["email"] == "new@example.com"
    assert len(not_recorded(caplog)) == 2


@pytest.mark.parametrize(
    ("kind", "url"),
    [("view", PROFILE), ("search", "/"), ("audit", "/audit/"), ("audit", f"{PROFILE}history/")],
)
def test_so_does_any_page(unrecorded, supervisor, caplog, kind, url):
    asked = supervisor.post if kind == "search" else supervisor.get

    answer = asked(url, {"q": TOM})

    assert answer.status_code in (200, 302)
    assert not_recorded(caplog) == [f"{answer['X-Request-ID']}: {kind} is not recorded"]


def test_an_export_is_refused_and_writes_nothing(unrecorded, tmp_path, capsys):
    log.fill(1)
    path = tmp_path / "export"

    for where in ({}, {"output": str(path)}):
        with pytest.raises(CommandError, match="cannot be recorded, so nothing was written"):
            call_command("audit_export", **where)

    assert not path.exists()
    assert capsys.readouterr().out == ""


def test_the_door_is_recorded_with_the_callers_address_and_a_look_is_not(agent, settings):
    """Of X-Forwarded-For the nearest hop counts that is no proxy of ours: others may be made up."""
    settings.TRUSTED_PROXIES = [ip_network("10.0.0.0/8"), ip_network("127.0.0.1")]
    hops = {"X-Forwarded-For": "198.51.100.9, 203.0.113.7, 10.0.0.4"}
    callers = {
        "203.0.113.7": {"headers": hops},
        "203.0.113.5": {"headers": hops, "REMOTE_ADDR": "203.0.113.5"},
        "192.0.2.1": {"REMOTE_ADDR": "::ffff:192.0.2.1"},
        "": {"headers": {"X-Forwarded-For": "<b>, unknown"}},
    }
    for address, caller in callers.items():
        agent.get("/audit/", **caller)
        assert AccessEvent.objects.first().address == address

    agent.get(PROFILE, headers=hops)
    assert AccessEvent.objects.first().address == ""


def test_what_is_repeated_at_the_door_is_recorded_once(clubmed, db):
    kinds = (Access.EXPIRED, Access.FORGED_FORM, Access.SIGN_IN_FAILED, Access.REFUSED)
    kinds += (Access.SIGN_OUT,)
    for kind in kinds * 2:
        access_events.note(kind, actor=OPERATOR, request_id="", address="203.0.113.7")

    counted = Counter(kind for kind, *_ in recorded())
    once = {"expired": 1, "forged_form": 1, "sign_in_failed": 1, "refused": 1}
    assert counted == once | {"sign_out": 2}
