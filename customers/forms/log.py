"""The filter of the log, as its address says it."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from operator import itemgetter
from typing import Any

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS
from django.http import QueryDict
from django.utils import timezone
from django.utils.dates import MONTHS
from django.utils.formats import date_format

from customers import wording
from customers.access import Actor
from customers.audit.actions import Action, Flag, Outcome
from customers.audit.filters import WAITING, LogFilter, Occurring
from customers.audit.models import SavedView, actor_key
from customers.catalogue.fields import FIELDS, Group
from customers.services.search_terms import is_customer_number

_MOST = 50  # values of one name
_INPUT = {"class": "form-control num", "inputmode": "numeric", "autocomplete": "off"}


class DayField(forms.Field):
    """A day as YYYY-MM-DD; one that does not exist is named, and shown again as it was given."""

    widget = forms.DateInput({"type": "date", "class": "form-control"})

    def to_python(self, value: Any) -> date | None:
        text = (value or "").strip()
        if not text:
            return None
        found = re.fullmatch(r"([0-9]{4})-([0-9]{2})-([0-9]{2})", text)
        year, month, day = map(int, found.groups()) if found else (0, 0, 0)
        if not 1970 <= year <= 2200 or not 1 <= month <= 12:
            raise forms.ValidationError(wording.NO_DATE % {"text": text[:40]})
        try:
            return date(year, month, day)
        except ValueError:
            named = {"day": day, "month": MONTHS[month]}
            raise forms.ValidationError(wording.NO_SUCH_DAY % named) from None


class ValuesField(forms.MultipleChoiceField):
    """Any of the known values; offered are those that occur in the log.

    known: value -> label. nothing: what stands there while none is chosen.
    """

    widget = forms.CheckboxSelectMultiple

    def __init__(
        self, label: Any, known: Mapping[str, Any], *, occurring: Collection[str], nothing: Any
    ) -> None:
        self.labels, self.nothing = known, nothing
        message = {"invalid_choice": wording.NOT_IN_THE_LOG}
        super().__init__(label=label, required=False, error_messages=message)
        self.choices = [(value, label) for value, label in known.items() if value in occurring]
        self.widget.attrs["class"] = "form-check-input"

    def valid_value(self, value: str) -> bool:
        return value in self.labels


class NumbersField(forms.CharField):
    """Numbers of customers, with a comma between several."""

    def clean(self, value: Any) -> list[str]:
        numbers = re.split(r"[,\s]+", super().clean(value))
        if wrong := next((one for one in numbers if one and not is_customer_number(one)), None):
            raise forms.ValidationError(wording.NOT_A_NUMBER % {"text": wrong[:40]})
        return list(filter(None, numbers))


@dataclass(frozen=True)
class Chip:
    """A filter in use. query: of the page without it."""

    text: str
    query: str
    is_wrong: bool


class LogFilterForm(forms.Form):
    """What the query string asks for; once it is valid, `wanted` and `before`.

    A name that is not known, or a value that is none, is an error beside its input.
    """

    use_required_attribute = False
    wanted: LogFilter

    def __init__(self, query: QueryDict, occurring: Occurring, *, reader: Actor) -> None:
        self.query = _normal(query)
        data = self.query.copy()
        data["customer"] = ", ".join(self.query.getlist("customer"))
        super().__init__(data)
        people = _people(occurring, reader)
        for name, label, known, occurs, nothing in (
            ("person", wording.PERSON, people, people, wording.ANYONE),
            ("field", wording.FIELD, _fields(occurring), occurring.fields, wording.ANY_FIELD),
            ("group", wording.GROUP, {one.value: one.title for one in Group}, (), ""),
            ("action", wording.ACTION, dict(Action.choices), occurring.actions, wording.ANY),
            (
                "outcome",
                wording.OUTCOME,
                {**dict(Outcome.choices), WAITING: wording.WAITING},
                [*occurring.outcomes, WAITING],
                wording.ANY,
            ),
            ("flag", wording.HOW, dict(Flag.choices), (), ""),
        ):
            chosen = [*occurs, *self.query.getlist(name)]
            self.fields[name] = ValuesField(label, known, occurring=chosen, nothing=nothing)
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
            if name not in self.fields:
                self.add_error(None, wording.NO_SUCH_FILTER % {"name": name[:40]})
            elif len(self.query.getlist(name)) > (_MOST if name not in _SINGLE else 1):
                self.add_error(name, wording.TOO_MANY_VALUES % {"most": _MOST})
        values = self.cleaned_data
        first, last = values.get("from"), values.get("to")
        if first and last and last < first:
            self.add_error("to", wording.REVERSED)
        fields = values.get("field") or []
        if groups := values.get("group"):
            of_groups = [name for name, field in FIELDS.items() if field.group.value in groups]
            fields = [name for name in of_groups if not fields or name in fields]
            if not fields:
                self.add_error("group", wording.NOT_OF_THE_GROUP)
        for name in set(self.errors).intersection(("from", "to")):  # shown as it was given
            self.fields[name].widget = forms.TextInput(_INPUT)
        for name in self.errors:
            if name in self.fields:
                self.fields[name].widget.attrs["autofocus"] = True
                break
        if not self.errors:
            self.wanted = LogFilter(
                people=tuple(map(int, values["person"])),
                customers=tuple(values["customer"]),
                fields=tuple(fields),
                actions=tuple(values["action"]),
                outcomes=tuple(values["outcome"]),
                flags=tuple(values["flag"]),
                since=first and _midnight(first),
                until=last and _midnight(last + timedelta(days=1)),
            )

    @property
    def chips(self) -> Iterator[Chip]:
        """The filters in use, each with the page without it."""
        for name in self.query:
            if name == "before":
                continue
            for value in self.query.getlist(name):
                is_wrong = name in self.errors or name not in self.fields
                yield Chip(self._words(name, value), self.without(name, value), is_wrong)

    def _words(self, name: str, value: str) -> str:
        field = self.fields.get(name)
        if field is None:
            return f"{name} {value}"[:60]
        if isinstance(field, ValuesField):
            words = field.labels.get(value, value)
            return str(words) if name in ("person", "field") else f"{field.label}: {words}"
        if isinstance(field, DayField) and (day := self.cleaned_data.get(name)):
            value = date_format(day, "j M Y")
        return f"{field.label} {value}"[:60]

    @property
    def pickers(self) -> list[tuple[forms.BoundField, str]]:
        """(input, what is chosen) each."""
        return [(bound, self._chosen(bound)) for bound in map(self.__getitem__, _PICKERS)]

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
    def hidden(self) -> list[tuple[str, str]]:
        """Filters that are in use and have no input: (name, value)."""
        return [(name, one) for name in ("group", "flag") for one in self.query.getlist(name)]

    @property
    def other_errors(self) -> list[str]:
        """What is wrong with filters that have no input."""
        return [
            str(error)
            for name in (NON_FIELD_ERRORS, "group", "flag", "before")
            for error in self.errors.get(name, [])
        ]

    @property
    def wrong(self) -> str:
        """The labels of the inputs with something wrong."""
        return ", ".join(
            str(self.fields[name].label or name) for name in self.errors if name in self.fields
        )

    @property
    def right_only(self) -> str:
        """The query string without the filters that are wrong."""
        query = self.query.copy()
        for name in self.query:
            if name in self.errors or name not in self.fields or name == "before":
                del query[name]
        return query.urlencode()

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

    def usual(self, actor: Actor) -> list[tuple[str, str]]:
        """(label, query string): the same filter with what is asked for often."""
        return [
            (str(label), self.asking(**{name: value}))
            for label, name, value in (
                (wording.MINE, "person", str(actor_key(actor.issuer, actor.sub))),
                (Outcome.UNCLEAR.label, "outcome", Outcome.UNCLEAR),
                (wording.FORCED, "flag", Flag.FORCED_ADDRESS),
                (wording.REVERTS, "flag", Flag.REVERTS),
            )
        ]

    def asking(self, **values: str) -> str:
        """The query string with these filters, each instead of those of its name."""
        query = self.query.copy()
        query.pop("before", None)
        for name, value in values.items():
            query[name] = value
        return query.urlencode()

    def without(self, name: str, value: str) -> str:
        """The query string without one filter, from the newest page on."""
        query = self.query.copy()
        query.setlist(name, [one for one in query.getlist(name) if one != value])
        query.pop("before", None)
        return query.urlencode()

    def at(self, before: int | None) -> str:
        """The query string of another page of the same filter; None: of the newest."""
        return self.asking(**({} if before is None else {"before": str(before)}))

    @property
    def newest(self) -> str:
        return self.at(None)


class SavedViewForm(forms.Form):
    """The name of a filter that is to be kept."""

    use_required_attribute = False
    name = forms.CharField(
        label=wording.NAME,
        max_length=60,
        widget=forms.TextInput({"class": "form-control", "autocomplete": "off"}),
        error_messages={"required": wording.NAME_THE_VIEW},
    )
    is_shared = forms.BooleanField(
        label=wording.FOR_EVERYBODY,
        required=False,
        widget=forms.CheckboxInput({"class": "form-check-input"}),
    )

    def save(self, filtered: LogFilterForm, *, owner: Actor) -> SavedView:
        """A period that ends today moves along with the days: it is kept as their number."""
        query, values = filtered.query.copy(), filtered.cleaned_data
        query.pop("before", None)
        days = None
        if values["from"] and values["to"] == timezone.localdate():
            days = (values["to"] - values["from"]).days + 1
            del query["from"], query["to"]
        return SavedView.objects.create(
            **self.cleaned_data,
            query=query.urlencode(),
            days=days,
            owner_issuer=owner.issuer,
            owner_sub=owner.sub,
            owner_name=owner.name,
        )


def query_of(view: SavedView) -> str:
    """The query string of a saved view today."""
    query = QueryDict(view.query, mutable=True)
    if view.days:
        today = timezone.localdate()
        query.update(period(today - timedelta(days=view.days - 1), today))
    return query.urlencode()


def period(first: date, last: date) -> dict[str, str]:
    return {"from": first.isoformat(), "to": last.isoformat()}


def _normal(query: QueryDict) -> QueryDict:
    """The same filter without what was left empty, and a customer's number each by itself."""
    normal = QueryDict(mutable=True)
    for name, values in query.lists():
        if name == "customer":
            values = [one for value in values for one in re.split(r"[,\s]+", value)]
        if values := [value for value in values if value]:
            normal.setlist(name, values)
    return normal


_PICKERS = ("person", "customer", "field", "action", "outcome")
_SINGLE = ("from", "to", "before")


def _midnight(day: date) -> datetime:
    """When the day begins for the reader."""
    return timezone.make_aware(datetime(day.year, day.month, day.day)).astimezone(UTC)


def _people(occurring: Occurring, reader: Actor) -> dict[str, str]:
    """By name; who shares a name with another is told apart by their identifier."""
    names = [name for _, name, _ in occurring.people]
    people = {str(actor_key(reader.issuer, reader.sub)): reader.name} | {
        str(key): f"{name} ({sub})" if sub and names.count(name) > 1 else name
        for key, name, sub in occurring.people
    }
    return dict(sorted(people.items(), key=lambda one: one[1].casefold()))


def _fields(occurring: Occurring) -> dict[str, str]:
    """Those of the catalogue, and those that left it."""
    labels = {name: wording.PARTS_OF_THE_LOG.get(name, name) for name in occurring.fields}
    labels |= {name: field.label for name, field in FIELDS.items()}
    return dict(sorted(((name, str(label)) for name, label in labels.items()), key=itemgetter(1)))
