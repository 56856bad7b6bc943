"""What the page of one change says: its title, how it was settled, and its entries' numbers."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from django import template
from django.utils.safestring import SafeString

from customers import wording
from customers.audit.actions import OF_VALUES, Outcome
from customers.audit.around import Near
from customers.audit.models import Act, Change, ChangedField, Entry, JournalLine, Missing
from customers.catalogue.reader import number_text
from customers.templatetags.desk import address_of, basis, field_label, labels_of
from customers.templatetags.markup import joined, markup

register = template.Library()
_NAMED = 3  # fields in a title; of more, two and the number of the others


@register.filter
def fields_of(act: Change | JournalLine | Near) -> str:
    """The fields of a change in a sentence: "E-mail and phones", "E-mail, phones and 4 more"."""
    return in_sentence(labels_of(act))


def in_sentence(labels: Sequence[str]) -> str:
    first, *others = labels
    words = [first, *map(_within, others)]
    if len(words) > _NAMED:
        rest = len(words) - _NAMED + 1
        words = [*words[: _NAMED - 1], wording.MORE_FIELDS % {"count": rest}]
    return _enumerate(words)


def _enumerate(words: Sequence[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    *others, last = words
    return wording.AND % {"first": ", ".join(others), "last": last} if others else last


def _within(label: str) -> str:
    """A label inside a sentence: "phones" of "Phones", but "GM number" stays."""
    word = label.split()[0]
    return label if word[1:] != word[1:].lower() or len(word) == 1 else label[0].lower() + label[1:]


@register.filter
def common_outcome(change: Change) -> str:
    """What came of a change: of all its fields if they agree, else "" unless a person is needed."""
    outcomes = {history.verdict.outcome for history in change.fields}
    if change.is_of_the_log or len(outcomes) > 1:
        return Outcome.UNCLEAR if Outcome.UNCLEAR in outcomes else ""
    return outcomes.pop()


@register.filter
def steps(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    """How a change was settled, in order; fields of which the same was recorded at once are one.

    basis: what the outcome rests on, in words.
    """

    def key(entry: Entry) -> tuple[Any, ...]:
        return entry.recorded_at, str(entry.get_outcome_display()), basis(entry)

    return [
        {
            "time": time,
            "fields": in_sentence([field_label(entry.field) for entry in same]),
            "outcome": outcome,
            "basis": words,
        }
        for (time, outcome, words), same in groupby(entries, key)
    ]


@register.filter
def numbers(seqs: Sequence[int]) -> str:
    """Numbers of entries: "48,211 and 48,212", "48,211 to 48,250"."""
    first, last = seqs[0], seqs[-1]
    if len(seqs) > 2 and last - first == len(seqs) - 1:
        return wording.FROM_TO % {"first": number_text(first), "last": number_text(last)}
    return _enumerate([number_text(number) for number in seqs])


@register.simple_tag(takes_context=True)
def related_customers(context: template.Context, act: Act) -> SafeString:
    """Customers that looked like the same person when this one was created, as links."""
    if isinstance(act.related, Missing):
        return markup('<span class="muted">{}</span>', act.related)
    return joined((_customer(n, context["actor"]) for n in act.related), SafeString(", "))


def _customer(number: str, actor: Any) -> SafeString:
    if not number.isdecimal():
        return markup("{}", wording.OTHER_CREATE)
    page = address_of("profile" if actor.may_handle_customers else "history", number)
    return markup('<a class="num" href="{}">{}</a>', page, number)


@register.filter
def is_of_values(act: Act | Change | ChangedField) -> bool:
    """Was it done to a customer's fields, and not to the log?"""
    return act.action in OF_VALUES


@register.filter
def member(mapping: Mapping[str, Any], name: str) -> Any:
    """The value under that name, None if there is none."""
    return mapping.get(name)
