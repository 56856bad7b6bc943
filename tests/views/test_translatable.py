"""Every sentence can be translated: where all French is in brackets no word stands outside of them.

What may stand outside is data: values of customers, names of staff, codes, proper names, and the
French names of countries, languages and months. `.ci/translations.py` sees to the rest.
"""

import gettext
import json
import re
import sys
from contextlib import suppress
from datetime import timedelta
from functools import cache

import pytest
from babel import Locale
from django.conf import settings
from django.core.management import call_command
from django.test import override_settings
from django.utils import timezone, translation
from django.utils.translation import trans_real

from crmadmin.sandbox import Fault
from crmadmin.sandbox.people import people
from customers.audit import proof, verification
from customers.audit.models import Change, ChangedField, CheckState, Verification
from tests import differences
from tests import log as audit_log
from tests.acts import create, lose_the_answer
from tests.conftest import AGENT, AUDITOR, HTMX, SUPERVISOR, forget_templates, hidden_inputs, soup

pytestmark = pytest.mark.once

RICH, LONG = "704118236", "30955172"
EDITOR, ADDRESS, CONTACT = (
    f"/customers/{LONG}/fields/email/",
    f"/customers/{LONG}/fields/address/",
    f"/customers/{LONG}/groups/contact/",
)
INNERMOST = re.compile("⟦[^⟦⟧]*⟧")
WORD = re.compile(r"[^\W\d_]{2,}")
SPOKEN = ("aria-label", "alt", "placeholder", "title")  # attributes that a person reads or hears
NAMES = (
    "Customer desk Club Med GM UTC Ctrl Alt Tab Wang tom@example.com TOM SMITH IM SI"  # initials
)


class Brackets(gettext.NullTranslations):
    """Every message in brackets."""

    def gettext(self, message):
        return f"⟦{message}⟧"

    def ngettext(self, singular, plural, number):
        return self.gettext(singular if number == 1 else plural)

    def pgettext(self, context, message):
        return self.gettext(message)

    def npgettext(self, context, singular, plural, number):
        return self.ngettext(singular, plural, number)


@pytest.fixture(scope="module")
def french():
    """Every test of this file: a template is compiled once with its brackets."""
    forget_french()
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(trans_real._translations, "fr", Brackets())
        yield
    forget_french()


@pytest.fixture
def brackets(settings, french):
    settings.LANGUAGE_CODE = "fr"
    with translation.override("fr"):
        yield


def forget_french():
    """Words that the product remembers by language, as other tests in this process read French."""
    for name, module in list(sys.modules.items()):
        if name.startswith(("customers.catalogue.", "customers.forms.", "customers.templatetags.")):
            for one in vars(module).values():
                if hasattr(one, "cache_clear"):
                    one.cache_clear()
    forget_templates()


PAGES = [
    *(f"/customers/{RICH}/", f"/customers/{LONG}/", "/", "/customers/new/", EDITOR, ADDRESS),
    *(
        CONTACT,
        "/market/",
        "/customers/5/",
        "/nowhere/",
        "/audit/",
        "/audit/?from=2026-02-30&colour=red",
        "/audit/looks/",
        "/audit/export/",
        "/audit/?flag=reverts",
        "/signed-out/",
        "/shortcuts/",
    ),
    "/oidc/callback/?error=access_denied",
]


def empty_log(agent, supervisor, clubmed):
    return supervisor.get("/audit/")


def reveal(agent, supervisor, clubmed):
    return supervisor.get(f"/customers/{RICH}/fields/identity/reveal/")


def search_without_a_word(agent, supervisor, clubmed):
    return agent.post("/", {"q": ""})


def search_results(agent, supervisor, clubmed):
    clubmed.customers["999"] = {"id": "999", "first_name": "TOM", "last_name": "SMITH"}
    return agent.post("/", {"last_name": "Smith", "first_name": "Tom"}, follow=True)


def search_without_a_result(agent, supervisor, clubmed):
    return agent.post("/", {"q": "nobody.at.all@example.com"}, follow=True)


def refused_create(agent, supervisor, clubmed):
    return create(agent, first_name="", birthdate="31/02/1986", email="no")


def bad_reason(agent, supervisor, clubmed):
    url = f"/customers/{LONG}/reason/"
    return agent.post(url, {"reason_usual": "", "reason_words": "x" * 201})


def too_many_customers(agent, supervisor, clubmed):
    with override_settings(LIMIT_VIEWS=(1, timedelta(hours=1))):
        agent.get(f"/customers/{LONG}/")
        return agent.get(f"/customers/{RICH}/")


def too_many_searches(agent, supervisor, clubmed):
    with override_settings(LIMIT_SEARCHES=(1, timedelta(hours=1))):
        agent.post("/", {"q": "tom@example.com"})
        return agent.post("/", {"q": "tom@example.com"}, headers=HTMX)


def what_limits_leave(agent, supervisor, clubmed):
    too_many_customers(agent, supervisor, clubmed)
    too_many_searches(agent, supervisor, clubmed)
    looks = supervisor.get("/audit/looks/?kind=limited")
    looks.content += supervisor.get("/audit/activity/findings/").content
    return looks


def kept_reason(agent, supervisor, clubmed):
    url = f"/customers/{LONG}/reason/"
    return agent.post(url, {"reason_words": "new@example.com"}, headers=HTMX)


def missing_reason(agent, supervisor, clubmed):
    with override_settings(REASON_REQUIRED={"email"}):
        return agent.post(EDITOR, agent.form(EDITOR) | {"value": "new@example.com"})


def refused_editor(agent, supervisor, clubmed):
    return agent.post(EDITOR, agent.form(EDITOR) | {"value": "no"})


def conflict(agent, supervisor, clubmed):
    form = agent.form(EDITOR)
    clubmed.customers[LONG]["email"] = "theirs@example.com"
    return agent.post(EDITOR, form | {"value": "mine@example.com"})


def kept_theirs(agent, supervisor, clubmed):
    typed = hidden_inputs(soup(conflict(agent, supervisor, clubmed)))
    return agent.post(EDITOR, typed | {"value": "mine@example.com", "theirs": "yes"})


def unknown_outcome(agent, supervisor, clubmed):
    clubmed.faults.add(Fault("drop_before", method="PATCH"))
    return saved(agent, supervisor, clubmed)


def saved(agent, supervisor, clubmed, **how):
    form = agent.form(EDITOR) | {"value": "new@example.com"}
    return agent.post(EDITOR, form, **how or {"follow": True})


def saved_in_place(agent, supervisor, clubmed):
    return saved(agent, supervisor, clubmed, headers=HTMX)


def outage(agent, supervisor, clubmed):
    clubmed.faults.add(Fault("status", path="/v2/", status=503, times=None))
    return agent.get(f"/customers/{LONG}/")


def history(agent, supervisor, clubmed):
    saved(agent, supervisor, clubmed)
    return agent.get(f"/customers/{LONG}/history/")


def log(agent, supervisor, clubmed):
    saved(agent, supervisor, clubmed)
    return supervisor.get("/audit/")


def change(agent, supervisor, clubmed):
    saved(agent, supervisor, clubmed)
    return supervisor.get(f"/audit/changes/{Change.objects.get().pk}/")


def undone(agent, supervisor, clubmed):
    page = soup(saved(agent, supervisor, clubmed))
    return agent.post(page.select_one("#notices form")["action"], follow=True)


def undo_conflict(agent, supervisor, clubmed):
    page = soup(saved(agent, supervisor, clubmed))
    clubmed.customers[LONG]["email"] = "theirs@example.com"
    return agent.post(page.select_one("#notices form")["action"])


def put_back(agent, supervisor, clubmed):
    undone(agent, supervisor, clubmed)
    return supervisor.get(f"/audit/changes/{Change.objects.last().pk}/")


def reverting(agent, supervisor, clubmed):
    saved(agent, supervisor, clubmed)
    clubmed.customers[LONG]["email"] = "theirs@example.com"
    return supervisor.get(f"/audit/changes/{Change.objects.last().pk}/revert/")


def reverting_without_a_reason(agent, supervisor, clubmed):
    saved(agent, supervisor, clubmed)
    return supervisor.post(f"/audit/changes/{Change.objects.last().pk}/revert/", {})


def reverting_what_cannot_be(agent, supervisor, clubmed):
    create(agent, civility="MS", first_name="Tom", last_name="Smith")
    return supervisor.get(f"/audit/changes/{Change.objects.get().pk}/revert/")


def altered_change(agent, supervisor, clubmed):
    saved(agent, supervisor, clubmed)
    audit_log.lift_the_triggers()
    audit_log.sql("DELETE FROM customers_vaultitem")
    return supervisor.get(f"/audit/changes/{Change.objects.get().pk}/")


def change_far_from_a_seal(agent, supervisor, clubmed):
    saved(agent, supervisor, clubmed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(proof, "MOST", 0)
        return supervisor.get(f"/audit/changes/{Change.objects.get().pk}/")


def waiting(agent, supervisor, clubmed):
    lose_the_answer(agent, clubmed, "drop_before")
    return supervisor.get("/audit/unsettled/")


def integrity_never_checked(agent, supervisor, clubmed):
    return supervisor.get("/audit/integrity/")


def integrity_whole(agent, supervisor, clubmed):
    saved(agent, supervisor, clubmed)
    call_command("audit_verify")
    saved(agent, supervisor, clubmed)
    verification.begin("Mei-Ling Chao")
    return supervisor.get("/audit/integrity/")


def integrity_broken(agent, supervisor, clubmed):
    saved(agent, supervisor, clubmed)
    ChangedField.objects.all().delete()
    with suppress(SystemExit):
        call_command("audit_verify")
    Verification.objects.create(
        state=CheckState.BROKEN_OFF,
        actor_name="",
        started_at=timezone.now(),
        beat_at=timezone.now(),
    )
    return supervisor.get("/audit/integrity/")


def broken_log(agent, supervisor, clubmed):
    integrity_broken(agent, supervisor, clubmed)
    return supervisor.get("/audit/")


def own_saves(agent, supervisor, clubmed):
    lose_the_answer(agent, clubmed, "drop_before")
    return agent.get("/saves/")


def forget(agent, supervisor, clubmed):
    return supervisor.post(f"/customers/{LONG}/forget/", {"reason": "", "customer_id": "1"})


def gate(agent, supervisor, clubmed):
    del agent.cookies["crmadmin_session"]
    return agent.get(f"/customers/{LONG}/")


def own_sessions(agent, supervisor, clubmed):
    return agent.get("/sessions/")


def ending_a_session(agent, supervisor, clubmed):
    return supervisor.get(f"/sessions/?ask={agent.session.row.pk}")


def activity(agent, supervisor, clubmed):
    """With what rules find at the least."""
    names = [name for name in dir(settings) if name.startswith("ACTIVITY_")]
    saved(agent, supervisor, clubmed)
    supervisor.get(f"/customers/{LONG}/")
    with override_settings(**dict.fromkeys(names, 1)):
        return supervisor.get("/audit/activity/findings/")


def activity_without_a_change(agent, supervisor, clubmed):
    return supervisor.get("/audit/activity/?from=2026-01-01&to=2026-01-31")


def activity_of_a_wrong_period(agent, supervisor, clubmed):
    return supervisor.get("/audit/activity/?from=2020-01-01&to=2026-01-31")


STATES = [
    *(activity, activity_without_a_change, activity_of_a_wrong_period),
    *(empty_log, reveal, search_without_a_word, search_results, search_without_a_result),
    *(
        bad_reason,
        too_many_customers,
        too_many_searches,
        what_limits_leave,
        kept_reason,
        missing_reason,
        refused_create,
        refused_editor,
        conflict,
        kept_theirs,
        unknown_outcome,
        saved,
        saved_in_place,
        outage,
    ),
    *(history, log, change, waiting, own_saves, forget, gate, own_sessions, ending_a_session),
    *(undone, undo_conflict, put_back, reverting, reverting_without_a_reason),
    reverting_what_cannot_be,
    *(altered_change, change_far_from_a_seal),
    *(integrity_never_checked, integrity_whole, integrity_broken, broken_log),
]


@pytest.mark.parametrize(
    "state", [*PAGES, *STATES], ids=lambda state: getattr(state, "__name__", state)
)
def test_no_word_of_the_page_is_left_untranslated(state, agent, supervisor, clubmed, brackets):
    data = known_words()
    answer = agent.get(state) if state in PAGES else state(agent, supervisor, clubmed)

    words = {word for text in spoken(soup(answer)) for word in WORD.findall(outside(text))}
    assert sorted(words - data) == []


def test_beside_old_and_new_no_word_is_left_untranslated(supervisor, brackets):
    numbers = differences.record()
    page = supervisor.page("/audit/")
    values = json.dumps(differences.CASES, ensure_ascii=False)
    data = f"{values} juin février Allemand Français Brésil Portugal"  # the last by Babel

    for case, number in numbers.items():
        for cell in differences.row(number, page).select(".delta, .field-name"):
            words = [word for text in cell.stripped_strings for word in WORD.findall(outside(text))]
            assert [word for word in words if word not in data] == [], case


def spoken(page):
    """The texts of a page, and of its attributes that are read aloud, element by element."""
    for element in page.select("script, style, .code, :is(td, ul)[lang], svg"):
        element.decompose()
    page.smooth()
    yield page.get_text(" ")
    for element in page.find_all(True):
        yield from (element[name] for name in SPOKEN if element.get(name))


def outside(text):
    """A text without what stands in brackets, at any depth."""
    while (left := INNERMOST.sub(" ", text)) != text:
        text = left
    return text


@cache
def known_words():
    """The words of all customers, staff, countries, languages and months."""
    names = Locale("fr")
    texts = [
        json.dumps(people(), ensure_ascii=False),
        *(f"{sub} {name}" for sub, name, _ in (AGENT, SUPERVISOR, AUDITOR)),
        *names.territories.values(),
        *names.languages.values(),
        *map(str.title, names.languages.values()),
        *names.months["format"]["wide"].values(),
        *names.months["format"]["abbreviated"].values(),
        *names.days["format"]["wide"].values(),
        "1er",
        NAMES,
        *settings.REASONS,  # the company's own words
        "王美琳",  # two fields, written without a space
        "Vip Preferred",  # of keys
        "new@example.com theirs@example.com mine@example.com en-US nobody.at.all@example.com",
    ]
    return {word for text in texts for word in WORD.findall(text)}
