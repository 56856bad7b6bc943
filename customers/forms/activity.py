"""The period of the page of activity."""

from datetime import timedelta

from django.http import QueryDict
from django.utils import timezone

from customers import wording
from customers.audit.activity import Period
from customers.forms.filters import FilterForm, period

_DAYS = 30  # if nothing else is asked for
_MOST = 366


class ActivityForm(FilterForm):
    """From and to; once they are valid, `wanted` is the period. Of one day alone, it is _DAYS long,
    or goes on until today.
    """

    pickers = ()
    wanted: Period

    def __init__(self, query: QueryDict) -> None:
        super().__init__(query, [])
        del self.fields["customer"], self.fields["before"]

    def clean(self) -> None:
        super().clean()
        if self.errors:
            return
        today = timezone.localdate()
        last = self.cleaned_data["to"] or today
        first = self.cleaned_data["from"] or last - timedelta(days=_DAYS - 1)
        if first > last:
            self.add_error("from", wording.FUTURE_DAY)
        elif (last - first).days >= _MOST:
            name = "from" if self.cleaned_data["from"] else "to"
            self.add_error(name, wording.LONG_PERIOD % {"most": _MOST})
        else:
            self.wanted = Period(first, last)

    @property
    def periods(self) -> list[tuple[str, str]]:
        today = timezone.localdate()
        usual = self.asking(**period(today - timedelta(days=_DAYS - 1), today))
        return [*super().periods, (wording.LAST_DAYS % {"count": _DAYS}, usual)]
