"""Everything that is recorded about one person, a customer or a member of staff: their right of
access (art. 15 GDPR).

docs/audit.md, section 11, is the shape. What is read is what had been recorded when it began, row
by row, so that memory stays flat; a customer's sensitive values are hidden, as on every page.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any, TypeAlias

from django.db.models import Min, Model, Q, QuerySet, Window
from django.utils import timezone

from customers.audit import chain, erasure
from customers.audit.actions import Evidence
from customers.audit.models import (
    Access,
    AccessEvent,
    Act,
    Entry,
    JournalLine,
    Missing,
    moment,
    number_in,
)
from customers.catalogue import compare
from customers.catalogue.fields import FIELDS
from customers.catalogue.masking import is_sensitive
from customers.clubmed.profile import Json

Fact: TypeAlias = dict[str, Any]

_FORMAT = "crmadmin-access-report-1"
_BATCH = 500  # rows
_SENSITIVE = ", ".join(row.label for row in FIELDS.values() if row.sensitive)
_OF_CUSTOMERS = (
    "What Club Med itself holds, the profile first of all: only Club Med’s own systems can tell.",
    f"Values of sensitive fields ({_SENSITIVE}): it says only that there was one (“hidden”). "
    "Whoever may reveal them can show them, on the page of the customer or of the change, and has "
    "to say what for.",
    "Values that were erased, because the customer was forgotten or because they were too old.",
    "What names this "
    "customer in the record of another one, as may be when the two look like one person.",
    "Creates that never got a number: nobody can tell whose they are.",
    "Searches, and looks at pages or exports of the whole log: that somebody made them is "
    "recorded, not whom they showed.",
    "What is kept for a quarter of an hour so that pages work, the process logs of the servers, "
    "backups, and the list of forgotten customers outside the database.",
)
_OF_STAFF = (
    "Values, names and reasons in the changes: they are data of customers. It says which field of "
    "which customer.",
    "Who of their colleagues took part in a change: it says “somebody else”.",
    "What the company’s sign-in holds of them: groups, e-mail address and the like.",
    "The session of somebody who is signed in, the process logs of the servers, and backups.",
)


@dataclass(frozen=True)
class Report:
    """head: what it is, of whom, what it covers. parts: the rows, each to be read once."""

    head: Fact
    parts: Mapping[str, Iterable[Fact]]


def of_customer(customer_id: str) -> Report:
    """Changes of that customer with all their steps, open lines, looks. Raises DatabaseError."""
    # What a create went through before its number was known is theirs too, and what was recorded of
    # it for another customer by mistake is not.
    changes = Entry.objects.filter(customer_id=customer_id).order_by().values("change_id")
    unnamed = Q(customer_id="", change_id__in=changes)
    return _report(
        {"customer_id": customer_id},
        JournalLine.objects.filter(Q(customer_id=customer_id) | unnamed),
        Entry.objects.filter(Q(customer_id=customer_id) | unnamed),
        AccessEvent.objects.filter(Q(customer_id=customer_id) | unnamed),
        line=_customers_line,
        step=lambda entry: _customers_step(entry, customer_id),
        left_out=_OF_CUSTOMERS,
    )


def of_staff(issuer: str, sub: str, names: Iterable[str]) -> Report:
    """Changes that they made or settled, open lines, looks, sign-ins, refused entries, and reports
    about them; nothing of what customers' values were. Raises DatabaseError.
    """
    them = Q(actor_issuer=issuer, actor_sub=sub)
    changes = Entry.objects.filter(them).order_by().values("change_id")
    return _report(
        {"issuer": issuer, "sub": sub, "names": sorted(names)},
        JournalLine.objects.filter(them),
        Entry.objects.filter(change_id__in=changes).select_related(None),  # without the vault
        AccessEvent.objects.filter(them | Q(kind=Access.REPORT, customer_id="", field=sub)),
        line=_staffs_line,
        step=lambda entry: _staffs_step(entry, issuer, sub),
        left_out=_OF_STAFF,
    )


def names_by_issuer(sub: str) -> Mapping[str, set[str]]:
    """Whose sign-ins gave somebody this identifier, and what they were called."""
    found: dict[str, set[str]] = defaultdict(set)
    entries, *others = (
        model._default_manager.filter(actor_sub=sub)
        .order_by()
        .values_list("actor_issuer", "actor_name")
        for model in (Entry, JournalLine, AccessEvent)
    )
    for issuer, name in entries.union(*others):
        found[issuer].add(name)
    return found


def _report(
    about: Fact,
    lines: QuerySet[JournalLine],
    entries: QuerySet[Entry],
    events: QuerySet[AccessEvent],
    *,
    line: Callable[[JournalLine], Fact],
    step: Callable[[Entry], Fact],
    left_out: Iterable[str],
) -> Report:
    # The lines first: what is settled meanwhile then stands there twice, and is not missed.
    waiting = [line(one) for one in lines.order_by("sent_at")]
    entries = entries.filter(seq__lte=chain.position())
    events = events.filter(pk__lte=_last(AccessEvent)).order_by("pk")
    counts = {
        "waiting": len(waiting),
        "changes": entries.order_by().values("change_id").distinct().count(),
        "looks": events.count(),
    }
    others = events.exclude(kind=Access.REPORT)  # a report is recorded of whom nobody knows too
    head = {
        "format": _FORMAT,
        "about": about,
        "made_at": moment(timezone.now()),
        "known": bool(waiting) or counts["changes"] > 0 or others.exists(),
        "covers": _covers(),
        "left_out": list(left_out),
        "counts": counts,
    }
    begun = Window(Min("seq"), partition_by="change_id")
    steps = entries.annotate(begun=begun).order_by("begun", "seq").iterator(_BATCH)
    changes = (
        {"change_id": str(change_id), "steps": [step(entry) for entry in group]}
        for change_id, group in groupby(steps, lambda entry: entry.change_id)
    )
    looks = (_look(event) for event in events.iterator(_BATCH))
    return Report(head, {"waiting": waiting, "changes": changes, "looks": looks})


def _covers() -> Fact:
    """From when on there is anything to report from, and what of it is erased."""
    first = Entry.objects.order_by("seq").values_list("seq", "recorded_at").first()
    look = AccessEvent.objects.order_by("pk").values_list("pk", "recorded_at").first()
    return {
        "entries_from": first and {"seq": first[0], "at": moment(first[1])},
        "entries_removed_up_to": first[0] - 1 if first else 0,
        "values_erased_up_to": erasure.expired(erasure.VALUES),
        "looks_from": look and {"id": look[0], "at": moment(look[1])},
        "looks_erased_up_to": erasure.expired(erasure.ACCESS),
    }


def _last(model: type[Model]) -> int:
    return model._default_manager.order_by("-pk").values_list("pk", flat=True).first() or 0


def _customers_line(line: JournalLine) -> Fact:
    fields = [
        {
            "field": _field(name),
            "old": _value(name, pair["old"]),
            "new": _value(name, pair["new"]),
        }
        for name, pair in line.values.items()
    ]
    return _open(line) | {"who": _who(line)} | _words(line) | {"fields": fields}


def _staffs_line(line: JournalLine) -> Fact:
    fields = [{"field": _field(name)} for name in line.fields]
    return _open(line) | {"who": _who(line), "fields": fields}


def _open(line: JournalLine) -> Fact:
    return {"change_id": str(line.change_id), "sent_at": moment(line.sent_at)} | _act(line)


def _customers_step(entry: Entry, customer_id: str) -> Fact:
    of_values = entry.meaning.of_values
    step = _step(entry) | {"who": _who(entry)} | _words(entry)
    return step | {
        "old": _value(entry.field, entry.old) if of_values else None,
        "new": _value(entry.field, entry.new) if of_values else None,
        "found": _value(entry.field, entry.found) if entry.evidence == Evidence.READ else None,
    }


def _staffs_step(entry: Entry, issuer: str, sub: str) -> Fact:
    theirs = (entry.actor_issuer, entry.actor_sub) == (issuer, sub)
    return _step(entry) | {"who": _who(entry) if theirs else None}


def _step(entry: Entry) -> Fact:
    meaning = entry.meaning
    evidence = _coded(entry.evidence, entry.get_evidence_display())
    return {
        "seq": entry.seq,
        "at": moment(entry.recorded_at),
        **_act(entry),
        "field": _field(entry.field) if meaning.of_values else None,
        "outcome": _coded(entry.outcome, entry.get_outcome_display()),
        "evidence": evidence if meaning.of_values else None,
        "detail": entry.detail,
        "erased_up_to": number_in(entry.detail, "up_to") if meaning.stays_when_forgotten else None,
    }


def _look(event: AccessEvent) -> Fact:
    return {
        "id": event.pk,
        "at": moment(event.recorded_at),
        "kind": _coded(event.kind, event.get_kind_display()),
        "who": _who(event),
        "customer_id": event.customer_id,
        "field": _field(event.field) if event.field else None,
        "change_id": str(event.change_id) if event.change_id else None,
        "purpose": _coded(event.purpose, event.get_purpose_display()) if event.purpose else None,
        "request_id": event.request_id,
    }


def _act(act: Entry | JournalLine) -> Fact:
    return {
        "action": _coded(act.action, act.get_action_display()),
        "customer_id": act.customer_id,
        "locale": act.locale,
        "request_id": act.request_id,
        "flags": [_coded(*flag) for flag in act.flag_words],
        "reverts": act.reverts or None,
    }


def _words(act: Act) -> Fact:
    """What of an act is in words; of others who look like the same person, how many."""
    related = act.related
    return {
        "customer_label": _text(act.customer_label),
        "reason": _text(act.reason),
        "related": _text(related) if isinstance(related, Missing) else len(related),
    }


def _text(said: str | Missing) -> str | Fact:
    """A text, which may be any: so what stands in the place of one is none."""
    return {"state": str(said)} if isinstance(said, Missing) else said


def _who(one: Act | AccessEvent) -> Fact:
    return {
        "name": one.actor_name,
        "roles": one.actor_roles,
        "issuer": one.actor_issuer,
        "sub": one.actor_sub,
    }


def _coded(code: str, words: str) -> Fact:
    return {"code": code, "words": words}


def _field(name: str) -> Fact:
    return _coded(name, FIELDS[name].label if name in FIELDS else name)


def _value(name: str, value: Json | Missing) -> Fact:
    if isinstance(value, Missing):
        return {"state": str(value)}
    if compare.is_empty(value):
        return {"state": "empty", "value": value}
    if is_sensitive(name):
        return {"state": "hidden"}
    return {
        "state": "value",
        "value": value,
        "words": FIELDS[name].text(value) or compare.raw_text(value),
    }
