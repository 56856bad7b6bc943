"""The rows of one change in a table, a field a row.

In Python and not in a template: a page shows fifty, and this takes a fifth of the time.
"""

from django import template
from django.urls import reverse
from django.utils.safestring import SafeString

from customers import wording
from customers.audit.actions import Action, Outcome
from customers.audit.models import Act, Change, FieldHistory, JournalLine
from customers.templatetags.delta import changed_field, delta, stored_as
from customers.templatetags.desk import (
    address_of,
    asking,
    clock,
    colleague,
    customer_link,
    flagged,
    how,
    moment,
    outcome_badge,
    to_be_settled_by,
    when,
)
from customers.templatetags.markup import NOTHING, joined, markup

register = template.Library()


@register.simple_tag(takes_context=True)
def change_rows(context: template.Context, change: Change, *, dated: bool = False) -> SafeString:
    """A row a field; what all fields share stands once, beside them all. dated: the time includes
    the day, as no day stands above it.
    """
    fields = change.fields
    span = markup(' rowspan="{}"', len(fields))
    is_told_once = change.came_out_alike
    rows = []
    for field in fields:
        is_first = field is fields[0]
        cells = [
            _who(context, change, span, dated) if is_first else NOTHING,
            _what(context, change, field),
            _outcome(context, change, field, span if is_told_once else NOTHING)
            if is_first or not is_told_once
            else NOTHING,
            _why(context, change, span) if is_first else NOTHING,
        ]
        rows.append(markup("<tr>{}</tr>\n", joined(cells)))
    return markup('<tbody class="change">\n{}</tbody>', joined(rows))


def _who(context: template.Context, change: Change, span: SafeString, dated: bool) -> SafeString:
    """When, by whom and of which customer."""
    time = when(change.recorded_at) if dated else clock(change.recorded_at, "Hms")
    return markup(
        '<th scope="rowgroup"{0} class="when num">{1}</th>'
        '<td{0} class="who">{2}</td><td{0} class="customer">{3}</td>\n',
        span,
        _linked(context, change, time),
        colleague(context, change.actor_name, change.actor_key),
        customer_link(context, change),
    )


def _linked(context: template.Context, change: Change, words: SafeString) -> SafeString:
    """A link to the page of a change, for who may read the log."""
    if not context["actor"].may_read_log:
        return words
    return markup('<a href="{}">{}</a>', address_of("change", change.pk), words)


def _what(context: template.Context, change: Change, field: FieldHistory) -> SafeString:
    """Which field, and old → new."""
    entry = field.verdict
    if change.is_of_the_log:
        name = markup("{}", change.get_action_display())
    elif context.get("filter"):
        query = asking(context, "field", entry.field)
        name = markup('<a href="?{}">{}</a>', query, changed_field(entry))
    else:
        name = markup("{}", changed_field(entry))
    if entry.action == Action.CREATE:
        name = markup('{} <span class="muted">{}</span>', name, wording.NEW)
    cells = (delta(entry), stored_as(entry, field.stored))
    return markup(
        '<td class="field-name">{}</td>\n<td class="delta" translate="no">{}{}</td>\n', name, *cells
    )


def _outcome(
    context: template.Context, change: Change, field: FieldHistory, span: SafeString
) -> SafeString:
    """The outcome, with a link to settle it where it is not known."""
    badge = NOTHING if change.is_of_the_log else outcome_badge(field.verdict.outcome)
    words = [
        markup('<span class="tiny">{}</span>', way) for way in (*flagged(field.first), *how(field))
    ]
    links = []
    if field.first is change.entries[0]:
        if to_be_settled_by(change, context["actor"]):
            page = address_of("change", change.pk)
            links.append(markup(' <a href="{}#settle">{}</a>', page, wording.DECIDE))
        is_unclear_create = (change.action, change.outcome) == (Action.CREATE, Outcome.UNCLEAR)
        if context.get("searchable") and is_unclear_create:
            page = reverse("saves")
            link = ' <a href="{}?search={}#search">{}</a>'
            links.append(markup(link, page, change.pk, wording.SEARCH_CLUB_MED))
    return markup('<td class="outcome"{}>{}{}</td>\n', span, badge, joined([*words, *links]))


def _why(context: template.Context, change: Change, span: SafeString) -> SafeString:
    texts = reason(change.entries[0]), reverts(context, change)
    return markup('<td{} class="reason">{} {}</td>', span, *texts)


@register.simple_tag
def reason(act: Act) -> SafeString:
    """The reason, as a person typed it; a usual reason in the reader's language."""
    if act.reason:
        usual, colon, words = str(act.reason).partition(": ")
        text = f"{wording.USUAL_REASONS.get(usual, usual)}{colon}{words}"
        return markup("<bdi>{}</bdi>", text)
    if act.action in (Action.CHANGE, Action.CREATE):
        return markup('<em class="nil">{}</em>', wording.NO_REASON_GIVEN)
    return NOTHING


@register.simple_tag(takes_context=True)
def reverts(context: template.Context, act: Change | JournalLine) -> SafeString:
    """The earlier change that this one puts back, if there is one."""
    first, earlier = (act, None) if isinstance(act, JournalLine) else (act.entries[0], act.reverted)
    if earlier:
        link = _linked(context, earlier, moment(earlier.recorded_at, "MMMd"))
        return markup('<span class="tiny">{} {}</span>', wording.REVERTS, link)
    if first.reverts:
        return markup('<span class="tiny">{}</span>', wording.REVERTS_EARLIER)
    return NOTHING
