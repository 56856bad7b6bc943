"""Everything that is recorded about one person, a customer or a member of staff (art. 15 GDPR).

docs/audit.md, section 11, gives the shape. Rows are read one by one, so that memory stays flat.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any, TypeAlias

from django.db.models import Max, Min, Model, Q, QuerySet, Window
from django.template.loader import render_to_string
from django.utils import timezone

from customers.audit import chain, models
from customers.audit.actions import OF_VALUES, STAY_WHEN_FORGOTTEN, Evidence
from customers.audit.models import Access, AccessEvent, Act, Entry, JournalLine, Missing
from customers.catalogue import compare
from customers.catalogue.fields import FIELDS
from customers.catalogue.masking import is_sensitive
from customers.clubmed.profile import Json

Fact: TypeAlias = dict[str, Any]
_BATCH = 500  # rows
_ABOUT_STAFF = (Access.REPORT, Access.END_SIGN_IN)  # what somebody else did, and of whom


@dataclass(frozen=True)
class Report:
    """head: about whom, and what it covers. parts: name -> rows, to be read once."""

    head: Fact
    parts: Mapping[str, Iterable[Fact]]


def of_customer(customer_id: str) -> Report:
    """Open lines, changes with all their steps, and access events."""
    # The steps of a create from before its number was known are theirs; those that gave it another
    # customer's number by mistake are not.
    changes = Entry.objects.filter(customer_id=customer_id).order_by().values("change_id")
    rows = Q(customer_id=customer_id) | Q(customer_id="", change_id__in=changes)
    return _report(
        {"customer_id": customer_id},
        JournalLine.objects.filter(rows),
        Entry.objects.filter(rows),
        AccessEvent.objects.filter(rows),
    )


def of_staff(issuer: str, sub: str, names: Iterable[str]) -> Report:
    """Their changes, open lines and access events, and reports about them; no customer's value."""
    by_person = Q(actor_issuer=issuer, actor_sub=sub)
    changes = Entry.objects.filter(by_person).order_by().values("change_id")
    return _report(
        {"issuer": issuer, "sub": sub, "names": sorted(names)},
        JournalLine.objects.filter(by_person),
        Entry.objects.filter(change_id__in=changes).select_related(None),  # without the vault
        AccessEvent.objects.filter(by_person | Q(kind__in=_ABOUT_STAFF, customer_id="", field=sub)),
    )


def names_by_issuer(sub: str) -> Mapping[str, set[str]]:
    """issuer -> the names of the person that it knows by this identifier."""
    names: dict[str, set[str]] = defaultdict(set)
    for model in (Entry, JournalLine, AccessEvent):
        people = model._default_manager.filter(actor_sub=sub).order_by()
        for issuer, name in people.values_list("actor_issuer", "actor_name").distinct():
            names[issuer].add(name)
    return names


def _report(
    about: Fact,
    lines: QuerySet[JournalLine],
    entries: QuerySet[Entry],
    events: QuerySet[AccessEvent],
) -> Report:
    # Lines before entries: a line that is settled meanwhile stands in both, and is not missed.
    waiting = [_line(line, about) for line in lines.order_by("sent_at")]
    entries = entries.filter(seq__lte=chain.position())
    newest = AccessEvent.objects.aggregate(newest=Max("pk"))["newest"] or 0
    events = events.filter(pk__lte=newest).order_by("pk")
    counts = {
        "waiting": len(waiting),
        "changes": entries.order_by().values("change_id").distinct().count(),
        "access_events": events.count(),
    }
    others = events.exclude(kind=Access.REPORT)  # one is recorded of an unknown person too
    head = {
        "format": "crmadmin-access-report-1",
        "about": about,
        "made_at": models.moment(timezone.now()),
        "known": bool(waiting) or counts["changes"] > 0 or others.exists(),
        "counts": counts,
    }
    start = Window(Min("seq"), partition_by="change_id")
    steps = entries.annotate(start=start).order_by("start", "seq").iterator(_BATCH)
    changes = (
        {"change_id": str(change_id), "steps": [_step(entry, about) for entry in group]}
        for change_id, group in groupby(steps, lambda entry: entry.change_id)
    )
    accesses = (_access(event) for event in events.iterator(_BATCH))
    return Report(head, {"waiting": waiting, "changes": changes, "access_events": accesses})


def _line(line: JournalLine, about: Fact) -> Fact:
    facts = {"change_id": str(line.change_id), "sent_at": models.moment(line.sent_at), **_act(line)}
    if "sub" in about:  # values are data of customers
        return facts | {"fields": [{"field": _field(name)} for name in line.fields]}
    fields = [
        {"field": _field(name), **{side: _value(name, value) for side, value in pair.items()}}
        for name, pair in line.values.items()
    ]
    return facts | _words(line) | {"fields": fields}


def _step(entry: Entry, about: Fact) -> Fact:
    of_values, forgotten = entry.action in OF_VALUES, entry.action in STAY_WHEN_FORGOTTEN
    facts = {
        "seq": entry.seq,
        "at": models.moment(entry.recorded_at),
        **_act(entry),
        "field": _field(entry.field) if of_values else None,
        "outcome": _choice(entry, "outcome"),
        "evidence": _choice(entry, "evidence") if of_values else None,
        "detail": entry.detail,
        "erased_up_to": models.number_in(entry.detail, "up_to") if forgotten else None,
    }
    if "sub" in about:  # values are data of customers, and others are not whom it is about
        is_own = (entry.actor_issuer, entry.actor_sub) == (about["issuer"], about["sub"])
        return facts if is_own else facts | {"who": None}
    sides = {"old": of_values, "new": of_values, "found": entry.evidence == Evidence.READ}
    values = {
        side: _value(entry.field, getattr(entry, side)) if is_there else None
        for side, is_there in sides.items()
    }
    return facts | _words(entry) | values


def _access(event: AccessEvent) -> Fact:
    return {
        "id": event.pk,
        "at": models.moment(event.recorded_at),
        "kind": _choice(event, "kind"),
        "who": _who(event),
        "customer_id": event.customer_id,
        "field": _field(event.field) if event.field else None,
        "change_id": str(event.change_id) if event.change_id else None,
        "purpose": _choice(event, "purpose") if event.purpose else None,
        "request_id": event.request_id,
        "address": event.address,
    }


def _act(act: Act) -> Fact:
    return {
        "action": _choice(act, "action"),
        "customer_id": act.customer_id,
        "locale": act.locale,
        "request_id": act.request_id,
        "flags": [{"code": flag, "words": words} for flag, words in act.flag_words],
        "reverts": act.reverts or None,
        "who": _who(act),
    }


def _words(act: Act) -> Fact:
    """The parts of an act that the vault holds; of possible duplicates, only their number."""
    words: Fact = {"customer_label": act.customer_label, "reason": act.reason}
    words["related"] = act.related if isinstance(act.related, Missing) else len(act.related)
    missing = {name: word for name, word in words.items() if isinstance(word, Missing)}
    return words | {name: {"state": word.value} for name, word in missing.items()}


def _who(row: Act | AccessEvent) -> Fact:
    who = {part: getattr(row, f"actor_{part}") for part in ("name", "roles", "issuer", "sub")}
    return who | {"role_words": row.role_words}


def _choice(row: Model, column: str) -> Fact:
    return {"code": getattr(row, column), "words": getattr(row, f"get_{column}_display")()}


def _field(name: str) -> Fact:
    return {"code": name, "words": FIELDS[name].label if name in FIELDS else name}


def _value(name: str, value: Json | Missing) -> Fact:
    if isinstance(value, Missing):
        return {"state": value.value}
    if compare.is_empty(value):
        return {"state": "empty", "value": value}
    if is_sensitive(name):
        return {"state": "hidden"}
    words = FIELDS[name].text(value) or compare.raw_text(value)
    return {"state": "value", "value": value, "words": words}


# Formats

_CONTROL = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")  # HTML takes them for other characters


def as_json(report: Report) -> Iterator[str]:
    """One object, a row a line, in ASCII."""
    yield json.dumps(report.head)[:-1]
    for name, rows in report.parts.items():
        yield f',\n"{name}": ['
        for n, row in enumerate(rows):
            yield f"{',' if n else ''}\n{json.dumps(row)}"
        yield "\n]"
    yield "\n}\n"


def as_html(report: Report) -> Iterator[str]:
    """One page that loads nothing, to be read or printed, in ASCII whatever a value holds."""
    page = render_to_string("audit/report.html", {**report.head, **report.parts})
    yield _CONTROL.sub("\ufffd", page).encode("ascii", "xmlcharrefreplace").decode()


FORMATS = {"json": as_json, "html": as_html}
