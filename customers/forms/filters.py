"""Filters of a list, as its address says them."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date, timedelta
from functools import cached_property
from typing import Any, ClassVar
from urllib.parse import parse_qs, quote_plus, urlencode

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS
from django.http import QueryDict
from django.utils import timezone
from django.utils.dates import MONTHS

from customers import wording
from customers.access import Actor
from customers.audit.activity import begin
from customers.audit.models import actor_key
from customers.catalogue.reader import day_text
from customers.catalogue.typed import coded
from customers.services.search_terms import is_customer_number

MOST_VALUES = 50  # values of one name
_INPUT = {
    "class": "form-control num",
    "inputmode": "numeric",
    "autocomplete": "off",
    "spellcheck": "false",
    "dir": "auto",
}


class DayField(forms.Field):
    """A day as YYYY-MM-DD. A day that does not exist is named, and shown again as typed."""

    widget = forms.DateInput({"type": "date", "class": "form-control"})

    def to_python(self, value: Any) -> date | None:
        text = (value or "").strip()
        if not text:
            return None
        match = re.fullmatch(r"([0-9]{4})-([0-9]{2})-([0-9]{2})", text)
        year, month, day = map(int, match.groups()) if match else (0, 0, 0)
        if not 1970 <= year <= 2200 or not 1 <= month <= 12:
            raise forms.ValidationError(wording.NO_DATE % {"text": text[:40]})
        try:
            return date(year, month, day)
        except ValueError:
            params = {"day": day, "month": MONTHS[month]}
            raise forms.ValidationError(wording.NO_SUCH_DAY % params) from None


class ValuesField(forms.MultipleChoiceField):
    """Any of some values; the list offers the values that occur and the chosen ones.

    labels: value -> label. nothing: what stands there while none is chosen. occurring: of these
    values, all of them if None.
    """

    widget = forms.CheckboxSelectMultiple

    def __init__(
        self,
        name: str,
        label: Any,
        labels: Mapping[str, Any],
        nothing: Any = "",
        occurring: Collection[str] | None = None,
    ) -> None:
        super().__init__(
            label=label, required=False, error_messages={"invalid_choice": wording.NOT_KNOWN}
        )
        self.name, self.labels, self.nothing = name, labels, nothing
        self.occurring = labels if occurring is None else occurring
        self.offered: list[tuple[str, Any]] = []  # (value, label)
        self.widget.attrs["class"] = "form-check-input"

    def offer(self, chosen: Collection[str]) -> None:
        there = {*self.occurring, *chosen}
        self.offered = [(value, label) for value, label in self.labels.items() if value in there]

    def valid_value(self, value: str) -> bool:
        return value in self.labels


class NumbersField(forms.CharField):
    """Numbers of customers, with a comma between several."""

    def clean(self, value: Any) -> list[str]:
        numbers = re.split(r"[,\s]+", coded(super().clean(value)))
        if wrong := next((n for n in numbers if n and not is_customer_number(n)), None):
            raise forms.ValidationError(wording.NOT_A_NUMBER % {"text": wrong[:40]})
        return list(filter(None, numbers))


class FilterForm(forms.Form):
    """What the query string asks for.

    A name that is not known, or a value that is none, is an error beside its input.
    pickers: the names of the inputs, in their order. hidden: of filters without an input.
    """

    use_required_attribute = False
    pickers: ClassVar[tuple[str, ...]]
    hidden: ClassVar[tuple[str, ...]] = ()

    def __init__(self, query: QueryDict, values: Iterable["ValuesField"]) -> None:
        self.query = _normal(query)
        data = self.query.copy()
        data["customer"] = ", ".join(self.query.getlist("customer"))
        super().__init__(data)
        for field in values:
            field.offer(self.query.getlist(field.name))
            self.fields[field.name] = field
        self.fields |= {
            "customer": NumbersField(
                label=wording.CUSTOMER_NUMBER, required=False, widget=forms.TextInput(_INPUT)
            ),
            "from": DayField(label=wording.FROM, required=False),
            "to": DayField(label=wording.TO, required=False),
            "before": forms.IntegerField(
                required=False,
                min_value=1,
                max_value=2**63 - 1,
                error_messages=dict.fromkeys(
                    ("invalid", "min_value", "max_value"), wording.NO_SUCH_PAGE
                ),
            ),
        }

    def clean(self) -> None:
        for name in self.query:
            most = 1 if name in _SINGLE else MOST_VALUES
            if name not in self.fields:
                self.add_error(None, wording.NO_SUCH_FILTER % {"name": name[:40]})
            elif len(self.query.getlist(name)) > most:
                self.add_error(name, wording.TOO_MANY_VALUES % {"most": most})
        first, last = self.cleaned_data.get("from"), self.cleaned_data.get("to")
        if first and last and last < first:
            self.add_error("to", wording.REVERSED)
        self.cleaned_data["since"] = first and begin(first)
        self.cleaned_data["until"] = last and begin(last + timedelta(days=1))

    def full_clean(self) -> None:
        super().full_clean()
        wrong = [name for name in (self.errors or {}) if name in self.fields]
        for name in wrong:
            if isinstance(self.fields[name], DayField):  # shown as typed
                self.fields[name].widget = forms.TextInput(_INPUT)
        for name in wrong[:1]:
            self.fields[name].widget.attrs["data-focus"] = True

    @property
    def chips(self) -> Iterator[dict[str, Any]]:
        """The filters in use. query: of the page without this one."""
        for name in self.query:
            if name == "before":
                continue
            for value in self.query.getlist(name):
                yield {
                    "text": self._words(name, value),
                    "query": self.without(name, value),
                    "is_wrong": name in self.errors or name not in self.fields,
                }

    def _words(self, name: str, value: str) -> str:
        field = self.fields.get(name)
        if field is None:
            return f"{name} {value}"[:60]
        if isinstance(field, ValuesField):
            words = str(field.labels.get(value, value))
            return (
                words
                if name in ("person", "field")
                else wording.ABOUT % {"field": field.label, "message": words}
            )
        if isinstance(field, DayField) and (day := self.cleaned_data.get(name)):
            value = day_text(day, "yMMMd")
        return f"{field.label} {value}"[:60]

    @property
    def inputs(self) -> list[tuple[forms.BoundField, str]]:
        """(input, what is chosen) each."""
        return [(bound, self._chosen(bound)) for bound in map(self.__getitem__, self.pickers)]

    def _chosen(self, bound: forms.BoundField) -> str:
        values = self.query.getlist(bound.name)
        if not isinstance(bound.field, ValuesField):
            return ""
        if len(values) > 1:
            return wording.CHOSEN % {"count": len(values)}
        return str(bound.field.labels.get(values[0], values[0]) if values else bound.field.nothing)

    @property
    def days(self) -> list[forms.BoundField]:
        return [self["from"], self["to"]]

    @property
    def carried(self) -> list[tuple[str, str]]:
        """Filters that are in use and have no input: (name, value)."""
        return [(name, value) for name in self.hidden for value in self.query.getlist(name)]

    @property
    def other_errors(self) -> list[str]:
        """What is wrong with filters that have no input."""
        return [
            str(error)
            for name in (NON_FIELD_ERRORS, *self.hidden, "before")
            for error in self.errors.get(name, [])
        ]

    @property
    def wrong(self) -> str:
        """The labels of the inputs with something wrong."""
        return ", ".join(
            str(self.fields[name].label or name) for name in self.errors if name in self.fields
        )

    @property
    def wrong_day(self) -> str:
        """The id of the day with something wrong, "" if there is none."""
        return next((day.auto_id for day in self.days if day.errors), "")

    @property
    def right_only(self) -> str:
        """The query string without the filters that are wrong."""
        right = self.fields.keys() - self.errors.keys()
        return query_string({name: of for name, of in self._in_use.items() if name in right})

    @property
    def periods(self) -> list[tuple[str, str]]:
        """(label, query string): the same filter over a usual period."""
        today = timezone.localdate()
        month = today.replace(day=1)
        before = month - timedelta(days=1)
        usual = {
            "today": (today, today),
            "yesterday": (today - timedelta(days=1), today - timedelta(days=1)),
            "week": (today - timedelta(days=6), today),
            "month": (month, today),
            "last_month": (before.replace(day=1), before),
        }
        return [
            (str(wording.PERIODS[name]), self.asking(**period(first, last)))
            for name, (first, last) in usual.items()
        ]

    def asking(self, **values: str | list[str]) -> str:
        """The query string with these filters, each instead of those of its name, from the newest
        page on.
        """
        return query_string({**self._in_use, **values})

    def asking_one(self, name: str, value: str) -> str:
        """`asking` for one filter: each row of a page has such links."""
        if name not in self._others:
            others = {other: of for other, of in self._in_use.items() if other != name}
            self._others[name] = query_string({**others, name: ""})
        return f"{self._others[name]}{quote_plus(value)}"

    @cached_property
    def _others(self) -> dict[str, str]:
        """name -> the query string without a value for it, as far as it was asked for."""
        return {}

    @cached_property
    def _in_use(self) -> dict[str, list[str]]:
        return {name: of_name for name, of_name in self.query.lists() if name != "before"}

    def without(self, name: str, value: str) -> str:
        """The query string without one filter."""
        return self.asking(**{name: [v for v in self.query.getlist(name) if v != value]})

    def at(self, before: int | None) -> str:
        """The query string of another page of the same filter; None: of the newest."""
        return self.asking(before=[] if before is None else str(before))

    @property
    def newest(self) -> str:
        return self.asking()


def period(first: date, last: date) -> dict[str, str]:
    return {"from": first.isoformat(), "to": last.isoformat()}


def query_string(filters: Mapping[str, Any]) -> str:
    """filters: name -> value, or values."""
    return urlencode(filters, doseq=True)


def tabs(
    words: Mapping[str, Any],
    usual: Mapping[str, Mapping[str, Any]],
    current: str,
    own: Iterable[dict[str, Any]] = (),
) -> list[dict[str, Any]]:
    """The usual tabs of a list, then `own`. The current one has the current filters, in any order.

    words: of each. usual: its filters, name -> value, or values. current, query: query strings.
    """
    usual_tabs = [{"name": words[key], "query": query_string(of)} for key, of in usual.items()]
    filters = parse_qs(current)
    return [tab | {"is_current": parse_qs(tab["query"]) == filters} for tab in (*usual_tabs, *own)]


def _normal(query: QueryDict) -> QueryDict:
    """The same filter without empty values, and with each customer's number by itself."""
    normal = QueryDict(mutable=True)
    for name, values in query.lists():
        if name == "customer":
            values = [number for value in values for number in re.split(r"[,\s]+", value)]
        values = [value for value in values if value]
        if values:
            normal.setlist(name, values[: MOST_VALUES + 1])  # one too many, for the message
    return normal


_SINGLE = ("from", "to", "before")


def person_field(people: Iterable[tuple[int, str, str]], reader: Actor) -> ValuesField:
    """Everybody who occurs, and the reader. people: (key, name, login) each."""
    names = {str(actor_key(reader.issuer, reader.sub)): reader.name} | {
        str(key): f"{name} ({login})" if is_shared else name
        for key, (name, login, is_shared) in known_people(people).items()
    }
    names = dict(sorted(names.items(), key=lambda item: item[1].casefold()))
    return ValuesField("person", wording.PERSON, names, wording.ANYONE)


def known_people(people: Iterable[tuple[int, str, str]]) -> dict[int, tuple[str, str, bool]]:
    """key -> name, in the reader's language if it is nobody here; login, and is the name shared?"""
    people = [(key, str(wording.NOBODY_HERE.get(name, name)), login) for key, name, login in people]
    names = Counter(name for _, name, _ in people)
    return {key: (name, login, names[name] > 1) for key, name, login in people}
