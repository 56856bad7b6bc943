"""What went on over a period, in numbers."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Count, Func, IntegerField, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from customers.audit.models import ChangedField

USUAL = 28  # days before a day, which say what is usual on it
_ENDLESS = 2**63 - 1


def begin(day: date) -> datetime:
    """When a day begins for the reader."""
    return timezone.make_aware(datetime(day.year, day.month, day.day))


@dataclass(frozen=True)
class Period:
    """Days of the reader, the last one in it. until: when the day after it begins."""

    first: date
    last: date

    @property
    def since(self) -> datetime:
        return begin(self.first)

    @property
    def until(self) -> datetime:
        return begin(self.last + timedelta(days=1))

    @property
    def days(self) -> list[date]:
        length = (self.last - self.first).days + 1
        return [self.first + timedelta(days=n) for n in range(length)]


@dataclass(frozen=True)
class Activity:
    """Changed fields of a period, counted.

    days: day of the reader -> outcome -> count, from USUAL days before the period on. by_hour: the
    same of (day, hour), of changes by people of this desk. Each of the others: of the period alone.
    """

    period: Period
    days: Mapping[date, Counter[str]]
    by_hour: Mapping[tuple[date, int], int]
    fields: Counter[str] = field(default_factory=Counter)
    people: Counter[int] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    customers: int = 0


class Slot(Func):
    """How many times so many seconds have passed since 1970: 900, 3600."""

    template = "floor(extract(epoch from %(expressions)s) / %(seconds)s)::bigint"
    output_field = IntegerField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        # To the minute: strftime rounds what is less than a second.
        template = (
            "CAST(strftime('%%%%s', substr(%(expressions)s, 1, 16)) AS integer) / %(seconds)s"
        )
        return self.as_sql(compiler, connection, template=template, **context)


def count(period: Period) -> Activity:
    """Three queries, each over the numbers of entries of the period."""
    days, by_hour = _by_day(replace(period, first=period.first - timedelta(days=USUAL)))
    found = Activity(period, days, by_hour)
    rows = rows_of(period.since, period.until)
    groups = rows.values_list("field", "actor_key", "outcome").annotate(n=Count("pk"))
    for name, person, outcome, n in groups:
        found.fields[name] += n
        found.people[person] += n
        found.outcomes[outcome] += n
    numbers = rows.exclude(customer_id="").aggregate(n=Count("customer_id", distinct=True))
    return replace(found, customers=numbers["n"])


def rows_of(since: datetime, until: datetime) -> "QuerySet[ChangedField]":
    """A period as a range of keys: the times of rows never run backwards."""
    rows = ChangedField.objects.order_by()
    by_time = ChangedField.objects.order_by("recorded_at", "seq").values("seq")
    first = Subquery(by_time.filter(recorded_at__gte=since)[:1])
    beyond = Subquery(by_time.filter(recorded_at__gte=until)[:1])
    return rows.filter(seq__gte=first, seq__lt=Coalesce(beyond, _ENDLESS))


def _by_day(period: Period) -> tuple[dict[date, Counter[str]], Counter[tuple[date, int]]]:
    """By quarters of an hour, of which the days and hours of every time zone are made."""
    rows = rows_of(period.since, period.until).annotate(
        slot=Slot("recorded_at", seconds=900), ours=Q(actor_key__gt=0)
    )
    zone = timezone.get_current_timezone()
    days: dict[date, Counter[str]] = defaultdict(Counter)
    by_hour: Counter[tuple[date, int]] = Counter()
    for slot, ours, outcome, n in rows.values_list("slot", "ours", "outcome").annotate(
        n=Count("pk")
    ):
        time = datetime.fromtimestamp(slot * 900, zone)
        days[time.date()][outcome] += n
        if ours:
            by_hour[time.date(), time.hour] += n
    return days, by_hour
