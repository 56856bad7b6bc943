"""What people do in more than one test module, and what befalls them."""

import io
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from threading import Barrier
from uuid import uuid4

from django.core.management import call_command
from django.db import connection
from django.http import QueryDict
from django.urls import URLPattern, get_resolver
from django.utils import timezone

from crmadmin.sandbox import Fault
from crmadmin.sso.sessions import actor_of
from customers import form_token
from customers.audit.models import Entry, JournalLine
from customers.catalogue.fields import FIELDS
from customers.services.change import change_profile
from customers.services.outcomes import NotSaved
from customers.services.read import read_profile
from tests import privacy
from tests.conftest import HTMX, TOM, give_session, signed_in, soup

CREATE = "/customers/new/"
CONTACT = f"/customers/{TOM}/groups/contact/"
EMAIL = f"/customers/{TOM}/fields/email/"
NEEDED = {"civility": "MS", "first_name": "Léa", "last_name": "Durand"}
NEW = NEEDED | {"email": "lea@example.com"}
YES = {"landed": "yes", "reason": "Customer confirmed by phone"}


def sign_in_again(client, person, **rights):
    """As the callback does it: the session of that browser goes on as that person's."""
    give_session(client, actor_of(signed_in(person, **rights).session))
    return client


def change(person, value, field="email"):
    """Save one field of Tom's as that person, without the pages that lead there."""
    actor = actor_of(person.session)
    seen = {field: FIELDS[field].value(read_profile(TOM, actor=actor))}
    form = {"actor": actor, "form": "a form"}
    token = form_token.read(form_token.mint(**form, values=seen), **form)
    change_profile(TOM, {field: value}, token=token, actor=actor, request_id=uuid4().hex[:12])
    privacy.keep_private(value)


def forget(customer_id=TOM, reason="Letter of 12 March"):
    said = io.StringIO()
    call_command("forget_customer", customer_id, reason=reason, stdout=said)
    return said.getvalue()


def create(person, **typed):
    """Send the form of a new customer as that person, without the page that leads there."""
    token = form_token.mint(actor=actor_of(person.session), form="new", values={})
    rows = {"phones-TOTAL_FORMS": "1", "phones-INITIAL_FORMS": "0", "phones-0-row": ""}
    return person.post(CREATE, {"token": token} | rows | typed)


def inputs(page):
    """What a browser would send of the form of an editor, without its buttons."""
    data = QueryDict(mutable=True)
    form = page.select_one("#group form, #create form[data-guard], form.editor")
    for one in form.select("input[name], select[name]"):
        if one.get("type") in ("checkbox", "radio") and not one.has_attr("checked"):
            continue
        if one.name == "select":
            chosen = one.select_one("option[selected]") or one.select_one("option")
            data.appendlist(one["name"], chosen["value"])
        else:
            data.appendlist(
                one["name"], one.get("value", "on" if one.get("type") == "checkbox" else "")
            )
    return data


def post(person, page, url=CONTACT, *, clear=(), headers=None, **typed):
    """Fill in the form of a page and send it: the answer. act: of a button that does not save."""
    data = inputs(page)
    for name, value in typed.items():
        data[name] = value
    for name in clear:
        data.appendlist("clear", name)
    privacy.keep_private(data)
    return person.post(
        url,
        data.urlencode(),
        content_type="application/x-www-form-urlencoded",
        headers=headers or {},
    )


def save(person, url=CONTACT, *, headers=None, **typed):
    """Open an editor, fill it in and save."""
    return post(person, person.page(url, headers=headers or {}), url, headers=headers, **typed)


def lose_the_answer(person, clubmed, kind, value="new@example.com", url=EMAIL):
    """Save a value whose answer never comes; returns where the page looks again."""
    clubmed.faults.add(Fault(kind, method="PATCH"))
    answer = person.post(url, person.form(url) | {"value": value}, headers=HTMX)
    return soup(answer).select_one(".field")["hx-get"]


def let_the_grace_pass():
    JournalLine.objects.update(deadline=timezone.now() - timedelta(hours=1))


def decide(person, url, word):
    return person.post(f"{url}settle/", word, follow=True)


def history():
    """(field, outcome, evidence) an entry, in order."""
    return [(e.field, e.outcome, e.evidence) for e in Entry.objects.order_by("seq")]


@contextmanager
def out_of_reach(*tables):
    """The tables are not there: as near to a failing disk as both databases allow."""
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} RENAME TO {table}_away")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            for table in tables:
                cursor.execute(f"ALTER TABLE {table}_away RENAME TO {table}")


def at_once(*verbs):
    """What each verb returned or raised, all of them let go at one moment."""
    together = Barrier(len(verbs))

    def run(verb):
        try:
            together.wait()
            return verb()
        except NotSaved as exc:
            return exc
        finally:
            connection.close()

    with ThreadPoolExecutor(len(verbs)) as pool:
        return list(pool.map(run, verbs))


def all_patterns(resolver=None):
    """Every address of the product, as its URL pattern."""
    for pattern in (resolver or get_resolver()).url_patterns:
        if isinstance(pattern, URLPattern):
            yield pattern
        else:
            yield from all_patterns(pattern)
