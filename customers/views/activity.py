"""Activity: what went on over a period in bars, a table behind each, and what is worth a look."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from customers import wording
from customers.access import Actor, Permission, allow
from customers.audit import access_events, filters, worth_a_look
from customers.audit import activity as counting
from customers.audit.actions import Outcome
from customers.audit.activity import Activity, Period
from customers.audit.models import Access
from customers.audit.worth_a_look import Finding
from customers.catalogue.reader import clock_text, day_text, number_text
from customers.forms.activity import ActivityForm
from customers.forms.filters import MOST_VALUES, period, person_field, query_string
from customers.templatetags.desk import day_and_time, field_label
from customers.views import charts
from customers.views.answers import DeskRequest, filtered_page, filters_in, records_access

_TONES = {Outcome.APPLIED: "b1", Outcome.REFUSED: "b2"}
_NAMED = 3  # people of a finding
# rule -> kind
_LOOKS = {
    "views": Access.VIEW.value,
    "reveals": Access.REVEAL.value,
    "limits": Access.LIMITED.value,
}


@allow(Permission.LOG)
@require_safe
@records_access(Access.AUDIT)
def activity(request: DeskRequest) -> HttpResponse:
    """The counts. What is worth a look takes longer: the page asks for it once it is shown."""
    return _page(request)


@allow(Permission.LOG)
@require_safe
@records_access(Access.AUDIT)
def findings(request: DeskRequest) -> HttpResponse:
    """The same page with what is worth a look; for the page itself that alone."""
    form = ActivityForm(filters_in(request))
    if request.htmx.target != "findings" or not form.is_valid():
        return _page(request, looks=True)
    return render(request, "audit/_findings.html", _context(form.wanted, _names(request.actor)))


def _page(request: DeskRequest, *, looks: bool = False) -> HttpResponse:
    """A period with a mistake draws nothing."""
    form = ActivityForm(filters_in(request))
    context: dict[str, Any] = {}
    if form.is_valid():
        names = _names(request.actor)
        activity = counting.count(form.wanted)
        context |= {"activity": activity, **_bars(activity, names)}
        if looks:
            context |= _context(form.wanted, names)
    return filtered_page(request, form, "audit/activity.html", "audit/_activity.html", context)


def _names(reader: Actor) -> Mapping[str, str]:
    """Key of everybody who changed or looked, as in a query string -> name, as in the filters."""
    people = (*access_events.people(), *filters.occurring(now=True).people)
    return person_field({person[0]: person for person in people}.values(), reader).labels


def _name(names: Mapping[str, str], person: int) -> str:
    return names.get(str(person), str(person))


def _bars(activity: Activity, names: Mapping[str, str]) -> dict[str, Any]:
    of, outcomes = activity.period, dict(Outcome.choices)
    total, refused = activity.outcomes.total(), activity.outcomes[Outcome.REFUSED]
    return charts.columns(activity) | {
        "total": total,
        "refused": refused,
        "share": number_text(round(100 * refused / total, 1)) if refused else "",
        "unclear": activity.outcomes[Outcome.UNCLEAR],
        "fields": charts.bars(
            of, "field", activity.fields, field_label, others=lambda n: str(wording.OTHER_FIELDS)
        ),
        "people": charts.bars(
            of,
            "person",
            activity.people,
            partial(_name, names),
            others=lambda n: wording.OTHER_PEOPLE % {"count": n},
        ),
        "outcomes": charts.bars(
            of,
            "outcome",
            activity.outcomes,
            lambda code: str(outcomes.get(code, code)),
            tone=lambda code: _TONES.get(code, "b3"),
        ),
    }


# Worth a look -------------------------------------------------------------------------------------


def _context(wanted: Period, names: Mapping[str, str]) -> dict[str, Any]:
    """Each finding in words, with the address of the list that shows it."""
    result = worth_a_look.look(wanted)
    findings = [
        {"rule": finding.rule, **_words(finding, names), "address": _address(finding, wanted)}
        for finding in result.findings
    ]
    return {
        "is_looked_at": True,
        "findings": findings,
        "opened": worth_a_look.MOST_OPENED if result.is_cut else 0,
    }


def _words(finding: Finding, names: Mapping[str, str]) -> dict[str, str]:
    """The finding, and the rule that lists it, in words."""
    title, why = wording.FINDINGS[finding.rule]
    since, until = finding.since, finding.until
    facts = {
        "number": finding.count,
        "count": number_text(finding.count),
        "usual": number_text(finding.usual),
        "field": field_label(finding.field),
        "who": _who(finding.people, names),
        "day": day_text(since, "MMMMd"),
        "begun": clock_text(since),
        "ended": clock_text(until),
        "first": day_and_time(since, "MMMMd"),
        "last": day_and_time(until, "MMMMd"),
    }
    sentences = [why % facts]
    if finding.others:
        sentences.append(wording.OTHER_TIMES % {"others": finding.others})
    sentences.append(wording.LISTED_FROM % {"least": number_text(finding.threshold)})
    return {"title": title % facts, "why": " ".join(sentences)}


def _who(people: Sequence[int], names: Mapping[str, str]) -> str:
    who = ", ".join(_name(names, key) for key in people[:_NAMED])
    more = len(people[_NAMED:])
    return wording.AND_OTHERS % {"who": who, "more": more} if more else who


def _address(finding: Finding, wanted: Period) -> str:
    """The list of the finding's days, or of the period if its rule found others beside it."""
    last = max(finding.since, finding.until - timedelta(microseconds=1))
    days = period(timezone.localdate(finding.since), timezone.localdate(last))
    if finding.others:
        days = period(wanted.first, wanted.last)
    query: dict[str, Any] = {"person": finding.people[:MOST_VALUES]}
    if finding.field:
        query["field"] = finding.field
    if finding.rule == "refusals":
        query["outcome"] = Outcome.REFUSED.value
    if finding.customers:
        query["customer"] = finding.customers[:MOST_VALUES]
    kind = _LOOKS.get(finding.rule)
    if kind:
        query["kind"] = kind
    return f"{reverse('looks' if kind else 'log')}?{query_string(query | days)}"
