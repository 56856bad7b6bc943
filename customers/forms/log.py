"""The filter of the log, and a name for it."""

import re
from datetime import timedelta
from functools import lru_cache
from operator import itemgetter

from django import forms
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import get_language

from customers import wording
from customers.access import Actor
from customers.audit.actions import Action, Flag, Outcome
from customers.audit.filters import WAITING, LogFilter, Occurring
from customers.audit.models import SavedView, actor_key
from customers.catalogue.fields import FIELDS, Group
from customers.forms.filters import FilterForm, ValuesField, period, person_field
from customers.forms.plain import TextField
from customers.forms.small import SmallForm

_REQUEST = re.compile(r"[\w.:-]{1,64}", re.ASCII)


class LogFilterForm(FilterForm):
    """The filters of the log; once they are valid, `wanted` is what they select."""

    pickers = ("person", "customer", "field", "action", "outcome")
    hidden = ("group", "flag", "request")
    wanted: LogFilter
    people: list[tuple[int, str, str]]  # who occurs: key, name and login each

    def __init__(self, query: QueryDict, occurring: Occurring, *, reader: Actor) -> None:
        self.people = occurring.people
        fields = _fields(tuple(occurring.fields), get_language())
        groups, flags = dict(Group.choices), dict(Flag.choices)
        actions = dict(Action.choices)
        outcomes = {**dict(Outcome.choices), WAITING: wording.WAITING}
        codes = [*occurring.outcomes, WAITING]
        requests = {text: text for text in query.getlist("request") if _REQUEST.fullmatch(text)}
        values = [
            person_field(occurring.people, reader),
            ValuesField("field", wording.FIELD, fields, wording.ANY_FIELD, occurring.fields),
            ValuesField("group", wording.GROUP, groups),
            ValuesField("action", wording.ACTION, actions, wording.ANY, occurring.actions),
            ValuesField("outcome", wording.OUTCOME, outcomes, wording.ANY, codes),
            ValuesField("flag", wording.HOW, flags),
            ValuesField("request", wording.REQUEST, requests),
        ]
        super().__init__(query, values)

    def clean(self) -> None:
        super().clean()
        values = self.cleaned_data
        fields = values.get("field") or []
        if groups := values.get("group"):
            of_groups = [name for name, field in FIELDS.items() if field.group.value in groups]
            fields = [name for name in of_groups if not fields or name in fields]
            if not fields:
                self.add_error("group", wording.NOT_OF_THE_GROUP)
        if not self.errors:
            self.wanted = LogFilter(
                people=tuple(map(int, values["person"])),
                customers=tuple(values["customer"]),
                fields=tuple(fields),
                actions=tuple(values["action"]),
                outcomes=tuple(values["outcome"]),
                flags=tuple(values["flag"]),
                requests=tuple(values["request"]),
                since=values["since"],
                until=values["until"],
            )

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


class SavedViewForm(SmallForm):
    """The name of a filter that the person saves."""

    name = TextField(
        label=wording.NAME, max_length=60, error_messages={"required": wording.NAME_THE_VIEW}
    )
    is_shared = forms.BooleanField(label=wording.FOR_EVERYBODY, required=False)

    def save(self, filtered: LogFilterForm, *, owner: Actor) -> SavedView:
        """A period that ends today moves along with the days: its length is stored."""
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


@lru_cache
def _fields(occurring: tuple[str, ...], language: str | None) -> dict[str, str]:
    """Fields of the catalogue, and fields that left it."""
    labels = {name: wording.PARTS_OF_THE_LOG.get(name, name) for name in occurring}
    labels |= {name: field.label for name, field in FIELDS.items()}
    return dict(sorted(((name, str(label)) for name, label in labels.items()), key=itemgetter(1)))
