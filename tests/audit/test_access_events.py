"""Who looked: which look is recorded, what of it is never written down, and how it is counted."""

import hashlib
import json
import re
from datetime import timedelta
from uuid import UUID

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import F
from django.utils import timezone

from crmadmin.sandbox import Fault
from customers.audit import access_events, chain, signing, triggers
from customers.audit.models import (
    Access,
    AccessEvent,
    Action,
    Change,
    Entry,
    Evidence,
    Head,
    Outcome,
)
from tests import log
from tests.acts import let_the_grace_pass, lose_the_answer, out_of_reach, post, previewed
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
from tests.people import actor

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
    triggers.remove()
    AccessEvent.objects.update(recorded_at=F("recorded_at") - timedelta(minutes=minutes))
    triggers.install()


def all_texts():
    """What stands in looks, but for numbers, times and references, which may hold any digits."""
    events = list(AccessEvent.objects.values())
    for event in events:
        assert re.fullmatch("[0-9a-f]{12}", event.pop("request_id"))
        del event["id"], event["recorded_at"]
    return json.dumps(events, default=str)


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


@pytest.mark.parametrize("status", [403, 429])
def test_a_form_that_comes_back_as_nothing_was_done_is_a_view(agent, clubmed, status):
    preview = previewed(agent, CONTACT, email="new@example.com")
    form = agent.form(EMAIL)
    clubmed.faults.add(Fault("status", method="PATCH", status=status, times=None))
    forget_looks()
    for url, sent in ((EMAIL, form | {"value": "new@example.com"}), (CONTACT, None)):
        answer = agent.post(url, sent) if sent else post(agent, preview, "send", CONTACT)

        assert answer.status_code in (403, 503)
        assert "Tom Smith" in text(soup(answer))
        assert looks() == [("view", AGENT[0], TOM)]


def test_whoever_is_shown_what_became_of_their_saves_has_viewed_those_customers(agent, clubmed):
    lose_the_answer(agent, clubmed, "drop_before")
    forget_looks()

    agent.get("/saves/")
    assert looks() == [("view", AGENT[0], TOM)]

    let_the_grace_pass()
    agent.get(PROFILE)
    forget_looks()
    assert "Not seen applied" in text(agent.page("/saves/"))
    assert looks() == [("view", AGENT[0], TOM)]


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


def test_a_look_of_a_clock_that_ran_ahead_does_not_put_off_the_others(agent):
    agent.get(PROFILE)
    let_pass(minutes=-60)

    agent.get(PROFILE)

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


def test_the_page_that_asks_why_to_forget_names_the_customer_and_is_a_look_too(supervisor):
    assert supervisor.get(f"{PROFILE}forget/").status_code == 200

    assert looks() == [("audit", SUPERVISOR[0], TOM)]


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
        f"/audit/changes/{UUID(int=1)}/",
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


def test_whoever_may_not_has_seen_nothing_and_it_is_recorded_that_they_tried(agent, auditor):
    reveal, odd = f"{PROFILE}fields/identity/reveal/", "/customers/tom@example.com/"
    for person, url in (
        *((agent, "/audit/"), (auditor, PROFILE), (auditor, EMAIL)),
        *((agent, reveal), (auditor, odd)),
    ):
        assert person.get(url).status_code == 403

    assert looks() == [
        ("refused", AGENT[0], ""),
        ("refused", AUDITOR[0], TOM),
        ("refused", AUDITOR[0], TOM),
        ("refused", AGENT[0], TOM),
        ("refused", AUDITOR[0], ""),
    ]


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
        with pytest.raises(CommandError, match="cannot be recorded, so nothing was written"):
            call_command("audit_export", **where)

    assert not path.exists()
    assert capsys.readouterr().out == ""


def _not_recorded(caplog):
    said = (line.rpartition(": ")[0] for line in caplog.messages if "is not recorded" in line)
    return list(said)


# Looks are counted into the chain ----------------------------------------------------------------


def look(*customers, minutes=2):
    """One look at each customer, that long ago; their numbers."""
    before = set(AccessEvent.objects.values_list("pk", flat=True))
    for customer_id in customers:
        access_events.record(
            Access.REVEAL, actor=actor(OTHER_AGENT), request_id="0123", customer_id=customer_id
        )
    new = AccessEvent.objects.exclude(pk__in=before)
    tamper(new, recorded_at=timezone.now() - timedelta(minutes=minutes))
    return sorted(new.values_list("pk", flat=True))


def tamper(events, **columns):
    """What the triggers would refuse."""
    triggers.remove()
    events.update(**columns)
    triggers.install()


def folds():
    """What each fold says of the looks that it counted, the oldest first."""
    entries = Entry.objects.filter(action=Action.ACCESS).order_by("seq")
    return [json.loads(entry.detail) for entry in entries]


def faults(expired_up_to=0):
    return list(access_events.faults(lambda: expired_up_to))


def as_specified(event):
    """docs/audit.md, section 8."""
    texts = [
        *("crmadmin-access-1", str(event.pk)),
        event.recorded_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        *(event.kind, event.actor_issuer, event.actor_sub, event.actor_name, event.actor_roles),
        *(event.customer_id, event.field, "", event.purpose, event.request_id),
    ]
    return json.dumps(texts, ensure_ascii=False, separators=(",", ":")).encode()


def test_a_fold_says_how_many_looks_there_were_and_gives_their_digest(monkeypatch):
    monkeypatch.setattr(access_events, "_BATCH", 2)
    first, *_, last = look("101", "102", "103", "104", "105")
    tamper(AccessEvent.objects.filter(pk=last), actor_name='Zoë “Z” \\ 北\u2028"')

    access_events.fold()

    arrays = b"".join(map(as_specified, AccessEvent.objects.order_by("pk")))
    digest = hashlib.sha256(arrays).hexdigest()
    assert folds() == [{"count": 5, "digest": digest, "first": 1, "last": last}]
    assert first <= last - 4


def test_a_fold_is_nobodys_entry_and_no_change():
    look("101")

    access_events.fold()

    entry = Entry.objects.get()
    assert (entry.seq, entry.field, entry.actor_name) == (1, "access", "Timer")
    assert (entry.outcome, entry.evidence) == (Outcome.APPLIED, Evidence.NOTHING)
    assert (entry.old, entry.new, entry.found) == (None, None, None)
    assert {entry.actor_issuer, entry.actor_sub, entry.customer_id, entry.customer_label} == {""}
    assert not Change.objects.exists()


def test_the_next_fold_goes_on_where_the_last_one_ended():
    look("101", "102")
    access_events.fold()
    look("103")
    access_events.fold()

    one, two = folds()
    assert (one["count"], two["count"]) == (2, 1)
    assert two["first"] == one["last"] + 1
    assert faults() == []


def test_without_looks_nothing_is_appended():
    access_events.fold()
    look("101")
    access_events.fold()
    access_events.fold()

    assert len(folds()) == Head.objects.get().seq == 1


def test_a_look_is_counted_when_it_is_a_minute_old():
    counted = look("101", minutes=1)
    look("102", minutes=0.9)

    access_events.fold()

    assert folds()[0]["last"] == counted[0]
    assert folds()[0]["count"] == 1


def test_an_older_look_waits_behind_a_newer_one_with_a_lower_number():
    counted = look("101")
    look("102", minutes=0)
    look("103")

    access_events.fold()

    assert folds()[0]["last"] == counted[0]


def test_a_look_that_says_it_is_of_tomorrow_does_not_hold_the_others_up():
    look("101", minutes=-24 * 60)
    look("102")

    access_events.fold()

    assert folds()[0]["count"] == 2


@pytest.mark.skipif(connection.vendor != "sqlite", reason="of SQLite's own")
def test_nor_does_one_that_holds_no_time():
    [odd, _] = look("101", "102")
    triggers.remove()
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE customers_accessevent SET recorded_at = 'never', kind = x'01' WHERE id = %s",
            [odd],
        )
    triggers.install()

    access_events.fold()

    assert folds()[0]["count"] == 2
    assert faults() == []


def test_of_two_timers_one_folds(monkeypatch):
    look("101")
    lock = chain.lock

    def lock_after_the_other_timer():
        monkeypatch.setattr(chain, "lock", lock)
        access_events.fold()
        return lock()

    monkeypatch.setattr(chain, "lock", lock_after_the_other_timer)
    access_events.fold()

    assert len(folds()) == 1


def test_a_forged_head_is_not_folded_upon():
    log.fill(1)
    look("101")
    Head.objects.update(key_id="00000000")

    with pytest.raises(chain.ForgedHeadError):
        access_events.fold()

    assert folds() == []


def test_a_log_with_folds_is_whole_and_so_is_its_export(tmp_path):
    log.fill(2)
    look("101")
    access_events.fold()
    log.fill(1)

    assert log.verify()[0] == 0
    assert log.verify_alone_here(log.export(tmp_path, "--field", "email"))[0] == 0


def test_pages_of_the_log_do_not_list_them(supervisor):
    look("101")
    access_events.fold()

    assert "Timer" not in text(supervisor.page("/audit/"))


def test_the_timer_that_seals_folds_first(tmp_path):
    log.fill(1)
    look("101")

    kept = log.seal(tmp_path)

    [fold] = Entry.objects.filter(action=Action.ACCESS)
    assert json.loads(kept.read_text())["seq"] == fold.seq == 2


def test_a_log_of_nothing_but_looks_can_be_sealed(tmp_path):
    look("101")

    assert json.loads(log.seal(tmp_path).read_text())["seq"] == 1


def test_a_change_of_keys_comes_before_the_fold(tmp_path, settings):
    log.fill(1)
    look("101")
    settings.AUDIT_VERIFY_KEYS = (signing.public_key(),)
    settings.AUDIT_SIGNING_KEY = b"n" * 32

    with pytest.raises(CommandError, match="audit_seal --rotate"):
        log.seal(tmp_path)
    assert folds() == []

    call_command("audit_seal", rotate=True, to=str(tmp_path / "rotated"))

    assert json.loads((tmp_path / "rotated").read_text())["seq"] == 2
    assert folds()[0]["count"] == 1


# What was counted and is not so any more ----------------------------------------------------------


@pytest.fixture
def folded(db):
    """The numbers of six looks, three a fold."""
    numbers = look("101", "102", "103")
    access_events.fold()
    numbers += look("104", "105", "106")
    access_events.fold()
    return numbers


def test_looks_as_they_were_counted_have_no_fault(folded):
    look("107")

    assert faults() == []


def test_a_look_that_is_gone_is_missed(folded):
    AccessEvent.objects.filter(pk=folded[4]).delete()

    first, last = folded[2] + 1, folded[5]
    assert faults() == [f"looks {first} to {last}: 3 were counted, 2 are there"]


@pytest.mark.parametrize(
    "columns",
    [
        {"recorded_at": timezone.now() - timedelta(days=1)},
        {"kind": Access.VIEW},
        {"actor_issuer": "https://id.example.com"},
        {"actor_sub": AGENT[0]},
        {"actor_name": "Inès Moreau"},
        {"actor_roles": "supervisor"},
        {"customer_id": "102"},
        {"field": "email"},
        {"change_id": UUID(int=1)},
        {"purpose": "review"},
        {"request_id": ""},
        {"actor_issuer": "", "actor_sub": actor(OTHER_AGENT).issuer + OTHER_AGENT[0]},
    ],
    ids=lambda columns: " and ".join(columns),
)
def test_a_look_that_was_altered_gives_another_digest(folded, columns):
    tamper(AccessEvent.objects.filter(pk=folded[0]), **columns)

    assert faults() == [
        f"looks 1 to {folded[2]} give another digest than the one recorded",
    ]


def test_looks_that_changed_places_give_another_digest(folded):
    tamper(AccessEvent.objects.filter(pk=folded[0]), customer_id="102")
    tamper(AccessEvent.objects.filter(pk=folded[1]), customer_id="101")

    assert len(faults()) == 1


def test_a_look_that_was_replaced_by_another_gives_another_digest(folded):
    event = AccessEvent.objects.get(pk=folded[1])
    event.delete()
    AccessEvent.objects.create(
        pk=folded[1], kind=event.kind, recorded_at=event.recorded_at, actor_name=event.actor_name
    )

    assert "give another digest" in faults()[0]


def test_a_look_that_was_put_in_is_noticed(folded):
    """Where a number was free: one that the database gave out and took back."""
    AccessEvent.objects.filter(pk__in=look("107", "108")[:1]).delete()
    access_events.fold()
    free = AccessEvent.objects.order_by("-pk")[0].pk - 1

    AccessEvent.objects.create(
        pk=free, kind=Access.VIEW, recorded_at=timezone.now(), actor_name="Nobody"
    )

    assert faults() == [f"looks {free} to {free + 1}: 1 were counted, 2 are there"]


def test_each_fold_is_told_by_itself(folded):
    AccessEvent.objects.all().delete()

    assert faults() == [
        f"looks 1 to {folded[2]}: 3 were counted, 0 are there",
        f"looks {folded[2] + 1} to {folded[5]}: 3 were counted, 0 are there",
    ]


def test_looks_that_left_with_age_are_not_missed():
    """Nor are those that are yet to leave, in a run that was ended."""
    a_year = 365 * 24 * 60
    first = look("101", "102", minutes=a_year)
    access_events.fold()
    then = look("103", "104", minutes=a_year)
    access_events.fold()
    AccessEvent.objects.filter(pk__in=first).delete()

    assert len(faults()) == 1
    assert faults(expired_up_to=first[-1]) == []
    assert faults(expired_up_to=then[-1]) == []


def test_the_folds_go_on_after_looks_left(folded):
    AccessEvent.objects.filter(pk__lte=folded[5]).delete()
    look("107")

    access_events.fold()

    assert folds()[-1]["first"] == folded[5] + 1
    assert faults(expired_up_to=folded[5]) == []


@pytest.mark.parametrize("number", [-7, 2])
def test_a_look_under_a_number_that_no_fold_will_count_is_noticed(folded, number):
    AccessEvent.objects.filter(pk__lte=folded[5]).delete()
    AccessEvent.objects.create(
        pk=number, kind=Access.REVEAL, recorded_at=timezone.now(), actor_name="Nobody"
    )

    assert faults(expired_up_to=folded[5]) == [
        f"look {number} was put in: its number was never given out, or its look has left"
    ]


def test_looks_that_no_timer_counts_are_told(capsys):
    look("101", "102", minutes=25 * 60)
    look("103")

    call_command("audit_verify")

    assert capsys.readouterr().err.startswith("2 looks of more than a day ago are not counted yet")


@pytest.mark.parametrize(
    "detail",
    [
        "",
        "nonsense",
        "[]",
        "{}",
        '{"count": 3, "first": null, "last": "x"}',
        '{"first": 1e999, "last": 1, "count": 3}',
    ],
)
def test_a_fold_that_was_altered_is_named(folded, detail):
    triggers.remove()
    Entry.objects.filter(seq=1).update(detail=detail)
    triggers.install()

    assert faults() == ["entry 1 does not say which looks it counted"]


@pytest.mark.parametrize("detail", ["nonsense", '{"last": -1}'])
def test_upon_a_fold_that_was_altered_nothing_is_counted_or_sealed(folded, detail):
    triggers.remove()
    Entry.objects.filter(action="access").update(detail=detail)
    triggers.install()

    with pytest.raises(CommandError, match="An entry that counted looks was altered"):
        call_command("audit_seal")
