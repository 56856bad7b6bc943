"""Findings in a period that are worth a look: rules that explain themselves.

No finding is stored, and nobody is rated: a finding names its rule, and where to look. The
thresholds are settings, ACTIVITY_*.
"""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import chain, product
from statistics import median_low
from typing import Any, NamedTuple

from django.conf import settings
from django.db.models import CharField, Count, Value
from django.db.models.functions import Cast, Concat, TruncDay
from django.utils import timezone

from customers.audit.actions import Action, Outcome
from customers.audit.activity import Period, UtcText, begin, by_time, rows_of
from customers.audit.models import Access, AccessEvent, ChangedField, Entry, Missing
from customers.catalogue import kinds, objects, phones
from customers.clubmed.profile import Json

USUAL = 28  # days before a day, which say what is usual on it
LOG_DAYS = 7  # days of log that there must be before a day, or nothing is usual yet
MOST = 20  # findings of one rule
MOST_OPENED = 5_000  # entries of which values are opened, the newest of a period
_HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Finding:
    """A finding of a rule, from `since` until `until`.

    rule: its name. count: of the things that the rule counts; threshold: the least count to list.
    people: keys as of `actor_key`. others: how many more findings there are of the same person and
    field. usual: refusals a day. customers: their numbers.
    """

    rule: str
    count: int
    threshold: int
    since: datetime
    until: datetime
    people: tuple[int, ...] = ()
    field: str = ""
    others: int = 0
    usual: int = 0
    customers: tuple[str, ...] = ()


class Findings(NamedTuple):
    """is_cut: there are older values in the period that were not opened."""

    findings: list[Finding]
    is_cut: bool


def look(period: Period) -> Findings:
    """The largest findings of each rule, at most MOST; values are opened in memory for this."""
    usual, changes = _usual(period), list(_changes(period))
    rules = (
        _worst(_one_field_in_an_hour(period)),
        _refusals(usual),
        _quiet_hours(usual),
        _worst(_views(period)),
        _worst(_times_a_day("reveals", settings.ACTIVITY_REVEALS, period, Access.REVEAL)),
        _worst(_times_a_day("limits", 1, period, Access.LIMITED)),  # any that somebody reached
        _worst(_optins(changes)),
        _same_value("email", changes),
        _same_value("phones", changes),
    )
    largest = (sorted(rule, key=lambda finding: -finding.count)[:MOST] for rule in rules)
    return Findings([*chain.from_iterable(largest)], len(changes) == MOST_OPENED)


def _worst(findings: Iterable[Finding]) -> Iterator[Finding]:
    """Of each person and field the finding with most, which says how many others there are."""
    groups: dict[Hashable, list[Finding]] = defaultdict(list)
    for finding in findings:
        groups[finding.people, finding.field].append(finding)
    for group in groups.values():
        worst = max(group, key=lambda finding: finding.count)
        yield replace(worst, others=len(group) - 1)


def _one_field_in_an_hour(period: Period) -> Iterator[Finding]:
    """Many changes of one field by one person in an hour by the clock."""
    least = settings.ACTIVITY_FIELD_AN_HOUR
    rows = rows_of(period.since, period.until).filter(actor_key__gt=0)
    rows = rows.annotate(hour=UtcText("recorded_at", length=13))
    groups = rows.values_list("actor_key", "field", "hour").annotate(n=Count("pk"))
    for person, name, hour, n in groups.filter(n__gte=least):
        start = datetime.fromisoformat(f"{hour}:00+00:00")
        yield Finding("hour", n, least, start, start + _HOUR, people=(person,), field=name)


class _Usual(NamedTuple):
    """days: those of the period before which the log reaches back far enough.

    refused: a day. changed: (day, hour) -> count, by people of this desk. Both from USUAL days
    before the period on.
    """

    days: list[date]
    refused: Counter[date]
    changed: Counter[tuple[date, int]]


def _usual(period: Period) -> _Usual:
    first = ChangedField.objects.order_by("seq").values_list("recorded_at", flat=True).first()
    first_day = timezone.localdate(first) + timedelta(days=LOG_DAYS) if first else date.max
    usual = _Usual([day for day in period.days if first_day <= day], Counter(), Counter())
    if usual.days:
        longer = Period(period.first - timedelta(days=USUAL), period.last)
        rows = rows_of(longer.since, longer.until)
        for time, n in by_time(rows.filter(outcome=Outcome.REFUSED), longer):
            usual.refused[time.date()] += n
        for time, n in by_time(rows.filter(actor_key__gt=0), longer):
            usual.changed[time.date(), time.hour] += n
    return usual


def _refusals(usual: _Usual) -> Iterator[Finding]:
    """Refusals far above the usual, which is the median of the days before with changes."""
    least, times = settings.ACTIVITY_REFUSALS, settings.ACTIVITY_REFUSALS_TIMES
    worked = {day for day, _ in usual.changed}
    for day in usual.days:
        before = [usual.refused[earlier] for earlier in _before(day) if earlier in worked]
        middle = median_low(before) if before else 0
        count = usual.refused[day]
        if count >= max(least, times * middle):
            of_day = Period(day, day)
            yield Finding("refusals", count, least, of_day.since, of_day.until, usual=middle)


def _quiet_hours(usual: _Usual) -> Iterator[Finding]:
    """Changes at an hour of the day at which nobody made one on any of the days before."""
    least = settings.ACTIVITY_QUIET_HOUR
    for day, hour in product(usual.days, range(24)):
        changes = usual.changed[day, hour]
        if changes < least or any((earlier, hour) in usual.changed for earlier in _before(day)):
            continue
        start = begin(day).replace(hour=hour)
        rows = rows_of(start, start + _HOUR).filter(actor_key__gt=0)
        people = tuple(sorted({*rows.values_list("actor_key", flat=True)}))
        yield Finding("quiet", changes, least, start, start + _HOUR, people=people)


def _before(day: date) -> list[date]:
    return [day - timedelta(days=n) for n in range(1, USUAL + 1)]


def _views(period: Period) -> Iterator[Finding]:
    """Many profiles opened in a day by a person who changed none of them in the period."""
    whose = Concat(Cast("actor_key", CharField()), Value(" "), "customer_id")
    changed = rows_of(period.since, period.until).annotate(whose=whose).values("whose")
    views = _events(period, Access.VIEW).exclude(customer_id="").annotate(whose=whose)
    views = views.exclude(whose__in=changed).values_list("actor_key", "day")
    by_day = views.annotate(n=Count("customer_id", distinct=True))
    return _by_person("views", settings.ACTIVITY_VIEWS, by_day)


def _times_a_day(rule: str, least: int, period: Period, kind: Access) -> Iterator[Finding]:
    """Many events of one kind by one person in a day."""
    by_day = _events(period, kind).values_list("actor_key", "day").annotate(n=Count("pk"))
    return _by_person(rule, least, by_day)


def _events(period: Period, kind: Access) -> Any:
    """Events of that kind, each with its day for the reader."""
    events = AccessEvent.objects.order_by().filter(
        kind=kind, recorded_at__gte=period.since, recorded_at__lt=period.until
    )
    return events.annotate(day=TruncDay("recorded_at", tzinfo=timezone.get_current_timezone()))


def _by_person(
    rule: str, least: int, counts: Iterable[tuple[int, datetime, int]]
) -> Iterator[Finding]:
    """counts: person, day, count."""
    for person, day, n in counts:
        if n >= least:
            yield Finding(rule, n, least, day, day + timedelta(days=1), people=(person,))


class _Change(NamedTuple):
    """One field of one change, with its opened values."""

    entry: Entry
    person: int
    old: Json
    new: Json


def _changes(period: Period) -> Iterator[_Change]:
    """The newest applied changes of e-mails, phones and opt-ins by people of this desk."""
    rows = rows_of(period.since, period.until).filter(
        field__in=("email", "phones", "optins"), outcome=Outcome.APPLIED, actor_key__gt=0
    )
    people = dict(rows.order_by("-seq").values_list("seq", "actor_key")[:MOST_OPENED])
    for entry in Entry.objects.filter(seq__in=people).order_by():
        old, new = (None if isinstance(side, Missing) else side for side in (entry.old, entry.new))
        yield _Change(entry, people[entry.seq], old, new)


def _optins(changes: Sequence[_Change]) -> Iterator[Finding]:
    """For many customers an opt-in switched on by one person in a day; creates are not counted."""
    least = settings.ACTIVITY_OPTINS_ON
    customers: dict[tuple[int, date], set[str]] = defaultdict(set)
    for entry, person, old, new in changes:
        if entry.field == "optins" and entry.action == Action.CHANGE and _yes(new) - _yes(old):
            customers[person, timezone.localdate(entry.recorded_at)].add(entry.customer_id)
    by_day = ((person, begin(day), len(group)) for (person, day), group in customers.items())
    return (replace(found, field="optins") for found in _by_person("optins", least, by_day))


def _yes(value: Json) -> set[tuple[str, str]]:
    """The answers that are yes: (channel, which of its two)."""
    return {
        (channel, which)
        for channel, item in objects.by_channel(value).items()
        for which in ("optin", "optin_partners")
        if item.get(which) is True
    }


def _same_value(name: str, changes: Sequence[_Change]) -> Iterator[Finding]:
    """One phone, or e-mail address, that was set on many customers."""
    least = settings.ACTIVITY_SAME_VALUE
    by_value: dict[str, list[_Change]] = defaultdict(list)
    for change in changes:
        if change.entry.field == name:
            for value in _texts(name, change.new) - _texts(name, change.old):
                by_value[value].append(change)
    for of_value in by_value.values():
        customers = {change.entry.customer_id for change in of_value}
        if len(customers) >= least:
            times = sorted(change.entry.recorded_at for change in of_value)
            yield Finding(
                name,
                len(customers),
                least,
                times[0],
                times[-1],
                people=tuple(sorted({change.person for change in of_value})),
                field=name,
                customers=tuple(sorted(customers)),
            )


def _texts(name: str, value: Json) -> set[str]:
    """The address, or the numbers as they are dialled, of a value."""
    if name == "email":
        value = kinds.EMAIL.normal(value)
        return {value} if isinstance(value, str) else set()
    items = value if isinstance(value, list) else []
    numbers = (phones.dialled(item.get("number")) for item in items if isinstance(item, dict))
    return {number for number in numbers if number}
