"""Bars, as a template draws them: each has an address, the list that shows what it counts."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from operator import itemgetter
from typing import Any

from django.urls import reverse

from customers.audit.actions import Outcome
from customers.audit.activity import Activity, Period
from customers.forms.filters import MOST_VALUES, period, query_string

HEIGHT = 1000  # of the tallest column, if the scale ends there
WIDTH = 12  # of a column with the gap after it
_LINES = 3  # of the scale, above 0
_BARS = 8  # the last one stands for all others
_LABELS = 5  # days below the columns
DOUBT = (Outcome.UNCLEAR, Outcome.NOT_APPLIED, Outcome.NOT_SEEN)


@dataclass(frozen=True)
class Bar:
    """A count with its name. address: "" if no filter can say so much. tone: its class. width: in
    percent of the longest.
    """

    label: str
    count: int
    address: str
    tone: str = "b1"
    width: int = 100


def log_address(of: Period, **filters: Any) -> str:
    """The address of the log of that period with these filters."""
    if any(isinstance(values, list) and len(values) > MOST_VALUES for values in filters.values()):
        return ""
    return f"{reverse('log')}?{query_string(filters | period(of.first, of.last))}"


def bars(
    of: Period,
    name: str,
    counts: Counter[Any],
    label: Callable[[Any], str],
    *,
    others: Callable[[int], str] | None = None,
    tone: Callable[[Any], str] = lambda value: "b1",
) -> dict[str, list[Bar]]:
    """A bar a value, the longest first: `all`, and of these `drawn`. name: of the filter.

    others: the label of how many that are drawn as one, where they are more than _BARS.
    """
    all_bars = [
        Bar(label(value), n, log_address(of, **{name: value}), tone(value))
        for value, n in counts.most_common()
    ]
    drawn = all_bars
    if others and len(all_bars) > _BARS:
        rest = dict(counts.most_common()[_BARS - 1 :])
        last = Bar(others(len(rest)), sum(rest.values()), log_address(of, **{name: [*rest]}))
        drawn = [*all_bars[: _BARS - 1], last]
    most = max((bar.count for bar in drawn), default=1)
    scaled = [replace(bar, width=max(1, round(100 * bar.count / most))) for bar in drawn]
    return {"all": all_bars, "drawn": scaled}


def columns(activity: Activity) -> dict[str, Any]:
    """The columns, their scale from the top down, the days to name below, and the tallest."""
    top = _top(max(activity.days.get(day, Counter()).total() for day in activity.period.days))
    drawn = [
        _column(day, place, activity.days.get(day, Counter()), top)
        for place, day in enumerate(activity.period.days)
    ]
    return {
        "columns": drawn,
        "width": len(drawn) * WIDTH,
        "scale": [top * line // _LINES for line in range(_LINES, -1, -1)],
        "lines": [HEIGHT * line // _LINES for line in range(_LINES + 1)],
        "named": _spread(activity.period.days),
        "busiest": max(drawn, key=itemgetter("count")),
    }


def _column(day: date, place: int, outcomes: Mapping[str, int], top: int) -> dict[str, Any]:
    """A day's changes. rects: (class, y, height) from below, of HEIGHT; x: where it begins."""
    count = sum(outcomes.values())
    applied, refused = (outcomes.get(outcome, 0) for outcome in (Outcome.APPLIED, Outcome.REFUSED))
    doubt = count - applied - refused
    rects, below = [], 0
    for tone, number in (("b1", applied), ("b2", refused), ("b3", doubt)):
        upper = HEIGHT * (below + number) // top
        height = upper - HEIGHT * below // top
        below += number
        if height:
            rects.append((tone, HEIGHT - upper, height))
    of = Period(day, day)
    return {
        "day": day,
        "x": place * WIDTH + 2,
        "count": count,
        "applied": applied,
        "refused": refused,
        "doubt": doubt,
        "rects": rects,
        "address": log_address(of),
        "address_of_refused": log_address(of, outcome=Outcome.REFUSED.value),
        "address_of_doubt": log_address(of, outcome=[outcome.value for outcome in DOUBT]),
    }


def _top(most: int) -> int:
    """The end of the scale: 3, 6, 15, 30, 60, 150 …, so that its lines are whole numbers."""
    power = 1
    while True:
        for step in (1, 2, 5):
            if _LINES * step * power >= most:
                return _LINES * step * power
        power *= 10


def _spread(days: Sequence[date]) -> list[date]:
    """The first, the last, and some between them at even distances."""
    steps = min(_LABELS, len(days)) - 1
    return [days[(len(days) - 1) * n // steps] for n in range(steps + 1)] if steps else [*days]
