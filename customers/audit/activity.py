"""The changes of a period, counted."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db.models import CharField, Count, Func, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from customers.audit.models import ChangedField

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

    days: day of the reader -> outcome -> count. customers: how many different ones.
    """

    period: Period
    days: Mapping[date, Counter[str]]
    fields: Counter[str]
    people: Counter[int]
    outcomes: Counter[str]
    customers: int


class UtcText(Func):
    """The beginning of a time in UTC as text: 13 characters to the hour, 16 to the minute."""

    template = "left(to_char(%(expressions)s AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI'), %(length)s)"
    output_field = CharField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        template = "substr(%(expressions)s, 1, %(length)s)"
        return self.as_sql(compiler, connection, template=template, **context)


def count(period: Period) -> Activity:
    """Three queries, each over the numbers of entries of the period."""
    rows = rows_of(period.since, period.until)
    days: dict[date, Counter[str]] = defaultdict(Counter)
    for time, outcome, n in by_time(rows, period, "outcome"):
        days[time.date()][outcome] += n
    fields, people, outcomes = Counter[str](), Counter[int](), Counter[str]()
    groups = rows.values_list("field", "actor_key", "outcome").annotate(n=Count("pk"))
    for name, person, outcome, n in groups:
        fields[name] += n
        people[person] += n
        outcomes[outcome] += n
    numbers = rows.exclude(customer_id="").aggregate(n=Count("customer_id", distinct=True))
    return Activity(period, days, fields, people, outcomes, numbers["n"])


def rows_of(since: datetime, until: datetime) -> "QuerySet[ChangedField]":
    """A period as a range of keys: the times of rows never run backwards."""
    rows = ChangedField.objects.order_by()
    by_time = ChangedField.objects.order_by("recorded_at", "seq").values("seq")
    first = Subquery(by_time.filter(recorded_at__gte=since)[:1])
    beyond = Subquery(by_time.filter(recorded_at__gte=until)[:1])
    return rows.filter(seq__gte=first, seq__lt=Coalesce(beyond, _ENDLESS))


def by_time(rows: "QuerySet[ChangedField]", period: Period, *columns: str) -> Iterator[Any]:
    """(time on the reader's clock, value of each column, count) for each hour; for each minute in a
    time zone whose days do not begin with an hour of UTC.
    """
    offsets = (time.utcoffset() or timedelta() for time in (period.since, period.until))
    length = 16 if any(offset % timedelta(hours=1) for offset in offsets) else 13
    groups = rows.annotate(time=UtcText("recorded_at", length=length)).values_list("time", *columns)
    zone = timezone.get_current_timezone()
    for time, *values in groups.annotate(n=Count("pk")):
        yield datetime.fromisoformat(time).replace(tzinfo=UTC).astimezone(zone), *values
