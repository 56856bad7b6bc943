"""Whatever is typed into any input is nowhere in clear: not in the database or its files, in a
session, the cache, the log, an address, a header or a cookie. Only a page shows it.

May stand there: the numbers of customers, codes such as MR, FR or true, the names of staff.
"""

import json
from datetime import date, timedelta
from itertools import cycle
from unittest.mock import patch

import pytest
from django.db import DatabaseError
from django.http import QueryDict
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from crmadmin.sandbox import Fault
from customers.audit.models import Change, Colleague, Entry, JournalLine
from customers.catalogue.fields import FIELDS
from customers.services.connection import client
from customers.services.reconcile import reconcile
from tests import privacy, stored
from tests.acts import let_the_grace_pass, sign_in_again
from tests.conftest import AGENT, HTMX, OTHER_AGENT, SUPERVISOR, TOM, signed_in, soup

pytestmark = pytest.mark.django_db(transaction=True)
FIND, NEW, PROFILE = "/", "/customers/new/", f"/customers/{TOM}/"
GROUPS = [f"{PROFILE}groups/{name}/" for name in ("identity", "contact", "preferences")]
SHORTEST = 6  # characters of a text that stands nowhere by chance

# What is typed ------------------------------------------------------------------------------------

LATIN = "qwxzjkvyğłøßçéñåőśžþ"
SCRIPTS = (
    LATIN,
    "ξψωφθζδλπςάέή",
    "жщыэюяїђћџ",
    "אבגדהוזחטי",
    "王美琳陳國華龍麗鳳",
    "กขคงจฉชซ",
    "𠀀𠀁𠀂𠀃𠀄𠀅𠀆𠀇",  # beyond 16 bits
    "🌴🏝🎿⛵🧭🪂🤿🏄",
    "\"'<>&%+=/\\éû",  # what is escaped somewhere
)


def word(random, letters=LATIN):
    return "".join(random.sample(letters, SHORTEST)) * 2


def email(random):
    return f"{word(random, 'ghijklmn')}@{word(random, 'opqrstuvwxyz')}.example"


def day(random):
    return f"{date(1920, 1, 1) + timedelta(random.randrange(30_000)):%d/%m/%Y}"


KINDS = {
    "text": lambda random: word(random, random.choice(SCRIPTS)),
    "name": word,
    "email": email,
    "phone": lambda random: f"+33 6 {random.randrange(10**7, 10**8)}",
    "date": day,
    "number": lambda random: str(random.randrange(10**10, 10**11)),
    "zip": lambda random: f"{random.randrange(10**4, 10**5)}-{random.randrange(10**3, 10**4)}",
    "state": lambda random: "OR",  # a code, where this market has a list of them
}
OF_NAMES = {
    **dict.fromkeys(("first_name", "last_name", "second_name", "third_name"), "name"),
    **{"fourth_name": "name", "birthdate": "date", "email": "email", "phone": "phone"},
    **{"zip_code": "zip", "state_or_district": "state"},
}


class Typist:
    """Fills in whatever inputs a form has, each with a text of its own."""

    def __init__(self, random):
        self.random = random
        self.typed = []

    def text(self, kind="text"):
        typed = KINDS[kind](self.random)
        privacy.keep_private(typed)
        self.typed.append(typed)
        return typed

    def fill(self, form, field="", **given):
        """What a browser sends of a form in which every input was filled in.

        field: that its one input `value` is of.
        """
        data, names = QueryDict(mutable=True), set(given)
        for control in form.select("input[name], select[name]"):
            name, kind = control["name"], control.get("type")
            if name in given or (kind in ("radio", "checkbox") and name in names):
                continue
            names.add(name)
            if kind == "hidden":
                data.appendlist(name, control.get("value", ""))
            elif kind == "radio":
                data[name] = self._one_of(form.select(f"[name={name}]"))
            elif control.name == "select":
                data.appendlist(name, self._one_of(control.select("option")))
            elif kind != "checkbox":
                data.appendlist(name, self.text(_kind(control, field)))
        for name, value in given.items():
            data[name] = value
        # Its check digits do not fit, nor does the postal code to the country.
        data.setlist("anyway", ["identity", "address"])
        return data

    def _one_of(self, options):
        return self.random.choice([code for one in options if (code := one["value"])])


def _kind(control, field):
    name = control["name"].rpartition("-")[2]
    if control.get("type") == "tel":
        return "phone"
    if name == "number" and control.find_parent(id=lambda found: "identity" in (found or "")):
        return "number"
    return OF_NAMES.get(field if name == "value" else name, "text")


def post(person, url, data, **kwargs):
    kind = "application/x-www-form-urlencoded"
    return person.generic("POST", url, data.urlencode(), content_type=kind, **kwargs)


# A form, and all that can become of it ------------------------------------------------------------


class Work:
    """An agent's, beside another agent's, and a supervisor's. ways: all, in some order."""

    def __init__(self, random, clubmed):
        self.typist, self.clubmed = Typist(random), clubmed
        self.agent, self.other = signed_in(AGENT), signed_in(OTHER_AGENT)
        self.supervisor = signed_in(SUPERVISOR, reveals=True)
        self.agent.raise_request_exception = False
        self.ways = random.sample(WAYS, len(WAYS))

    def let(self, way, url, field="", method="PATCH"):
        way(Form(self, url, field, method))
        self.clubmed.faults.clear()
        client.cache_clear()  # it may have been taken for dead

    def fault(self, kind, method, **more):
        self.clubmed.faults.add(Fault(kind, method=method, **more))


class Form:
    """A form that the agent opens, fills in and sends; field: that it edits alone."""

    def __init__(self, work, url, field, method):
        self.work, self.url, self.field, self.method = work, url, field, method
        self.agent = work.agent
        self.headers = HTMX if field and work.typist.random.random() < 0.5 else {}

    def open(self, person=None):
        page = soup((person or self.agent).get(self.url, headers=self.headers))
        return page.select_one("form.editor, main form[data-guard]")

    def fill(self, form=None, **given):
        return self.work.typist.fill(form or self.open(), self.field, **given)

    def send(self, data, person=None):
        person = person or self.agent
        answer = post(person, self.url, data, headers=self.headers)
        if look := soup(answer).select_one(".field[hx-get]"):
            person.get(look["hx-get"], headers=HTMX)
        return answer

    # Ways

    def is_saved(self):
        self.send(self.fill())

    def is_not_understood(self):
        data = self.fill()
        for name, values in data.lists():
            data.setlist(name, [f"{value}\x07" for value in values])
        self.send(data)
        self.send(self.fill(token="another's"))

    def is_refused_with_what_was_typed(self):
        """Club Med repeats it wherever it can."""
        data, key = self.fill(), self.field or "email"
        typed = self.work.typist.typed[-1]
        errors = [
            {"concerned_key": key, "error_code": "INVALID", "error_description": f"Not {typed}."},
            {"concerned_key": typed, "error_code": typed, "error_description": typed},
        ]
        said = json.dumps({"error": typed, "error_description": typed, "errors": errors})
        self.work.fault("status", self.method, status=400, body=said)
        self.send(data)

    def is_refused_and_sent_unchecked(self):
        """An address."""
        said = json.dumps({"errors": [{"concerned_key": "address.street"}]})
        self.work.fault("status", self.method, status=400, body=said)
        answer = self.send(self.fill())
        refused = soup(answer).select_one("form:has([name=force_address])")
        if refused is not None:
            self.send(self.fill(refused, force_address="on"))

    def is_sent_twice(self):
        """A new customer: the second is another person."""
        data = self.fill()
        self.send(data)
        data["token"] = self.open().select_one("[name=token]")["value"]
        alike = soup(self.send(data)).select_one("form:has([name=despite_reason])")
        self.send(self.fill(alike, despite="yes"))

    def gets_no_answer(self):
        self.work.fault("drop_before", self.method)
        self.send(self.fill())

    def gets_lost_after_it_was_stored(self):
        self.work.fault("drop_after", self.method)
        self.send(self.fill())
        self.send(self.fill(self.open(self.work.other)), self.work.other)  # who is told to wait

    def is_changed_by_somebody_else(self):
        data = self.fill()
        theirs = self.open(self.work.other)
        self.send(self.fill(theirs), self.work.other)
        answer = self.send(data)
        mine = soup(answer).select_one("form.editor")
        if answer.status_code == 409 and mine:
            self.send(self.fill(mine))

    def meets_a_session_that_ended(self):
        data = self.fill()
        del self.agent.cookies["crmadmin_session"]
        self.send(data)
        sign_in_again(self.agent, AGENT)
        self.open()

    def meets_a_dead_api(self):
        data = self.fill()
        self.work.fault("status", "GET", status=503, times=3)
        self.send(data)

    def meets_a_database_that_repeats_it(self):
        data = self.fill()
        with patch("customers.audit.entries.insert", side_effect=DatabaseError(data.urlencode())):
            self.send(data)

    def meets_a_mistake_of_ours_that_repeats_it(self):
        data = self.fill()
        error = RuntimeError(str(data.dict()))
        with (
            patch("customers.views.edit.change_profile", side_effect=error),
            patch("customers.views.create.create_customer", side_effect=error),
        ):
            self.send(data)

    def is_cleared(self):
        if (form := self.open()).select_one("[value=ask-clear]"):
            self.send(self.fill(form, act="ask-clear"))
            self.send(self.fill(clear=self.field))


WAYS = [
    Form.is_saved,
    Form.is_not_understood,
    Form.is_refused_with_what_was_typed,
    Form.gets_no_answer,
    Form.gets_lost_after_it_was_stored,
    Form.is_changed_by_somebody_else,
    Form.meets_a_session_that_ended,
    Form.meets_a_dead_api,
    Form.meets_a_database_that_repeats_it,
    Form.meets_a_mistake_of_ours_that_repeats_it,
    Form.is_cleared,
]


def edit_every_field(work):
    rows = [row.name for row in FIELDS.values() if row.patch]
    for name, way in zip(rows, cycle(work.ways), strict=False):
        work.let(way, f"{PROFILE}fields/{name}/", name)
    work.let(Form.is_refused_and_sent_unchecked, f"{PROFILE}fields/address/", "address")


def edit_every_group(work):
    for url, way in zip(GROUPS, work.ways, strict=False):
        work.let(way, url)


def create(work):
    for way in [*work.ways[-3:], Form.is_refused_and_sent_unchecked, Form.is_sent_twice]:
        work.let(way, NEW, method="POST")


def find(work):
    typist, agent = work.typist, work.agent
    boxes = [typist.text(kind) for kind in ("text", "name", "email", "phone", "number")]
    boxes += [f"{typist.text('name')} {typist.text('date')}", typist.text("phone")[1:]]
    for n, box in enumerate([*boxes, "everywhere"]):
        form = agent.page(FIND).select_one("form[role=search]")
        given = {} if box == "everywhere" else dict.fromkeys(_more(form), "") | {"q": box}
        work.clubmed.searchable = bool(n % 2)
        agent.get(post(agent, FIND, typist.fill(form, **given)).get("Location", FIND))
    work.clubmed.searchable = True


def _more(form):
    return [one["name"] for one in form.select(".editor-grid [name]")]


def settle_and_forget(work):
    """A supervisor's reasons."""
    work.let(Form.gets_no_answer, f"{PROFILE}fields/birth_city/", "birth_city")
    work.clubmed.customers[TOM]["birth_city"] = work.typist.text()
    let_the_grace_pass()
    reconcile()
    for change in Change.objects.filter(outcome="unclear"):
        page = work.supervisor.page(f"/audit/changes/{change.pk}/")
        if form := page.select_one("#settle form"):
            post(work.supervisor, form["action"], work.typist.fill(form, customer_id=TOM))
    form = work.supervisor.page(f"{PROFILE}forget/").select_one("form.editor")
    post(work.supervisor, f"{PROFILE}forget/", work.typist.fill(form, customer_id="1"))
    post(work.supervisor, f"{PROFILE}forget/", work.typist.fill(form, customer_id=TOM))


def change_elsewhere(work):
    """A value that was saved here, by nobody here; another is stored in capitals."""
    for name in ("first_name", "birth_city"):
        work.let(Form.is_saved, f"{PROFILE}fields/{name}/", name)
    work.agent.get(PROFILE)
    work.clubmed.customers[TOM]["birth_city"] = work.typist.text()
    work.agent.get(PROFILE)


def read(work):
    """Every page that shows what was recorded."""
    for path in (PROFILE, f"{PROFILE}history/", "/saves/"):
        work.agent.get(path)
    for change in Change.objects.all()[:5]:
        work.supervisor.get(f"/audit/changes/{change.pk}/")
    for path in ("/audit/", "/audit/unsettled/"):
        work.supervisor.get(path)


@settings(
    max_examples=1,  # of some hundred forms
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # an example takes too long to shrink
    suppress_health_check=list(HealthCheck),
)
@given(random=st.randoms(use_true_random=True))
def test_what_is_typed_is_stored_and_said_nowhere_in_clear(clubmed, settings, random):
    settings.JOURNAL_GRACE = 3600  # what got no answer stays open
    with privacy.watched(clubmed) as told, stored.statements() as said:
        work = Work(random, clubmed)
        settle_and_forget(work)
        change_elsewhere(work)
        find(work)
        create(work)
        edit_every_group(work)
        edit_every_field(work)
        read(work)
        told.keep_exchanged(clubmed)

        assert not in_clear(told, [("a statement", b"\n".join(said)), *stored.everything()])
    every = Entry.objects.values_list("outcome", "evidence", "action")
    outcomes, evidence, actions = map(set, zip(*every, strict=True))
    assert outcomes >= {"applied", "refused", "stored_as"}
    assert evidence >= {"answer", "read", "person"}
    assert actions >= {"create", "change", "elsewhere", "forgotten"}
    assert JournalLine.objects.exists()


def in_clear(told, places):
    """(place, text) of each that can be read there."""
    typed = {one for one in told.private if len(one) >= SHORTEST}
    return [(where, text) for where, kept in places for text in privacy.held_in(kept, typed)]


def test_the_search_finds_what_is_stored_in_clear(agent):
    told, typed = privacy.Told(), "жщыэюя 𠀀𠁀 <qwxzjk>"
    told.keep_private(typed)
    assert not in_clear(told, stored.everything())

    Colleague.objects.create(key=1, login=json.dumps([typed]))

    assert in_clear(told, stored.everything())
