"""What a profile shows many times: its fields, at rest or with what came of them; those that can be
added; and the newest changes. In Python and not in a template, as in `rows`.
"""

from collections.abc import Callable, Iterable, Mapping
from itertools import groupby
from typing import Any

from django import template
from django.utils.safestring import SafeString

from customers import wording
from customers.audit.actions import Action, Outcome
from customers.audit.models import Change, Entry
from customers.catalogue import kinds
from customers.catalogue.kinds import Kind
from customers.catalogue.objects import address_lines
from customers.templatetags.delta import changed_field, delta
from customers.templatetags.desk import (
    address_of,
    breakable,
    clock,
    colon,
    day_name,
    day_of,
    icon,
    isolated,
    outcome_badge,
    staff,
    when,
)
from customers.templatetags.markup import NOTHING, joined, markup
from customers.templatetags.rows import reason

register = template.Library()
_SPACE = SafeString("\n")
_SWAPPED = SafeString(' hx-swap-oob="true"')


@register.simple_tag(takes_context=True)
def field_row(context: template.Context, row: Any, *, at_rest: bool = False) -> SafeString:
    """A field of a profile. row: a `customers.views.record.FieldRow`.

    at_rest: do not look at the rest of the context, which may hold: saved with change_id, and
    confirm if Club Med is to be read again; mine, a text given up for theirs; out_of_band.
    """
    of = {} if at_rest else context.flatten()
    pieces = [_value_to_edit(row) if row.editable else _value(row)]
    if row.field.sensitive and not row.empty and context["actor"].may_reveal:
        place = address_of("value", row.customer_id, row.field.name)
        more = {"row": row, "value_url": place}
        pieces.append(_included(context, "customers/_reveal_or_hide.html", **more))
    if of.get("mine"):
        place = address_of("edit", row.customer_id, row.field.name)
        pieces.append(_included(context, "customers/_kept_theirs.html", row=row, edit_url=place))
    if of.get("saved"):
        pieces.append(_included(context, "customers/_was_saved.html", row=row))
    return markup(
        '<div class="field{}" id="{}"{}>\n<dt>{}{}</dt>\n'
        '<dd class="field-value">{}</dd>{}\n</div>\n',
        " joins" if row.field.joins else "",
        row.field.name,
        _state(row, of),
        row.field.label,
        _recent(row),
        joined(pieces, _SPACE),
        _history(row),
    )


def _included(context: template.Context, name: str, **more: Any) -> SafeString:
    """A template with the context and more: for parts that are rare."""
    with context.push(**more):
        engine = context.template.engine  # type: ignore[union-attr]
        return SafeString(engine.get_template(name).render(context))  # nosec B703


def _state(row: Any, of: Mapping[Any, Any]) -> SafeString:
    """The attributes that say what state the row is in, and what htmx asks for by itself."""
    place = row.customer_id, row.field.name
    attrs = '{} data-state="{}" hx-get="{}" hx-trigger="{}" hx-swap="outerHTML"'
    swapped = _SWAPPED if of.get("out_of_band") else NOTHING
    if of.get("confirm"):
        page = address_of("confirm", *place, of["change_id"])
        return markup(attrs, swapped, "saved", page, "load")
    if of.get("saved"):
        return markup('{} data-state="saved"', swapped)
    if row.revealed:
        return markup(attrs, swapped, "revealed", address_of("value", *place), "load delay:60s")
    return swapped


def _recent(row: Any) -> SafeString:
    if not row.recent:
        return NOTHING
    mark = '<span class="recent"></span><span class="visually-hidden"> ({} {})</span>'
    return markup(mark, wording.CHANGED_RECENTLY, when(row.newest.recorded_at))


def _history(row: Any) -> SafeString:
    """When and by whom the field was changed last."""
    if not row.newest:
        return NOTHING
    return markup(
        '\n<dd class="field-history"><a href="{}"><span class="hit">{}</span><span class="words">'
        '{}, {}</span><span class="visually-hidden">: {}</span></a></dd>',
        address_of("field-history", row.customer_id, row.field.name),
        icon("clock"),
        when(row.newest.recorded_at),
        staff(row.newest.actor_name),
        wording.HISTORY_OF_FIELD,
    )


@register.simple_tag(takes_context=True)
def add_field(context: template.Context, panel: Mapping[str, Any]) -> SafeString:
    """The line of the empty fields that can be filled in. panel: of `ProfilePage.panel`."""
    words = wording.FIELDS_TO_ADD % {"n": panel["fields_to_add"]}
    return markup(
        '<div class="field field-add" id="{}-add"{}{}>\n<dt>{}</dt>\n<dd class="field-value">'
        '<details class="add-field"><summary>{}{} <span class="muted">{}</span></summary>{}'
        "</details></dd>\n</div>\n",
        panel["slug"],
        _SWAPPED if context.get("out_of_band") else NOTHING,
        NOTHING if panel["to_add"] else SafeString(" hidden"),
        *(wording.ALSO_EMPTY, icon("plus"), wording.ADD_FIELD, words),
        joined(
            markup("<h3>{}</h3><ul>{}</ul>", title, joined(map(_to_add, rows)))
            for title, rows in panel["to_add"]
        ),
    )


def _to_add(row: Any) -> SafeString:
    return markup(
        '<li><a href="{0}" hx-get="{0}" hx-target="#{1}" hx-swap="outerHTML">'
        '<span class="visually-hidden">{2} </span>{3}</a></li>',
        address_of("edit", row.customer_id, row.field.name),
        *(row.field.name, wording.ADD, row.field.label),
    )


# The value ----------------------------------------------------------------------------------------


def _value_to_edit(row: Any) -> SafeString:
    return markup(
        '<a class="field-edit" href="{0}" hx-get="{0}" hx-target="closest .field"'
        ' hx-swap="outerHTML"><span class="visually-hidden">{1} {2} </span>{3}{4}</a>',
        address_of("edit", row.customer_id, row.field.name),
        wording.EDIT,
        colon(row.field.label),
        _value(row),
        icon("pencil"),
    )


def _value(row: Any) -> SafeString:
    if row.empty:
        none = wording.NONE_ASKED if row.field.kind is kinds.OPTINS else wording.NOT_GIVEN
        return markup('<span class="nil">{}</span>', none)
    if row.field.sensitive and not row.revealed:
        text = row.field.open_text(row.value)
        text = f"{text} " if text else ""
        masked = '{}<span class="masked" aria-hidden="true">••••••</span> {}'
        return markup(masked, text, markup('<span class="muted">{}</span>', wording.MASKED))
    layout = _LAID_OUT.get(row.field.kind) if row.field.kind.readable(row.value) else None
    value = (layout or _text)(row)
    return markup("<span data-secret>{}</span>", value) if row.revealed else value


def _text(row: Any) -> SafeString:
    """The value in one line."""
    kind, text = row.field.kind, row.text
    number = SafeString(' class="num"') if kind.number else ""
    lang = markup(' lang="{}"', row.lang) if row.lang else ""
    text = breakable(text) if kind is kinds.EMAIL else text
    value = markup('<span dir="auto" translate="no"{}{}>{}</span>', number, lang, text)
    if row.field.name == "blacklisted" and row.value is True:
        value = markup('<span class="badge" data-tone="bad">{}{}</span>', icon("ban"), value)
    beside = [value]
    if row.age is not None:
        age = wording.YEARS_OLD % {"years": row.age}
        beside.append(markup(' <span class="muted">{}</span>', age))
    if row.was:
        was = SafeString(wording.WAS % {"was": isolated(row.was)})  # nosec B703
        beside.append(markup(' <span class="muted">({})</span>', was))
    if row.new_code:
        beside.append(markup(_BESIDE, wording.NEW_CODE))
    if row.field.note:
        beside.append(markup(_BESIDE, row.field.note))
    return joined(beside)


_BESIDE = ' <span class="read-only">{}</span>'


def _phones(row: Any) -> SafeString:
    return joined(map(_phone, row.phones))


def _phone(phone: Mapping[str, str]) -> SafeString:
    new_type = phone["new_type"] and f"{phone['new_type']}, {wording.NEW_TYPE}"
    extra = phone["extra"] and f" {phone['extra']}"
    return markup(
        '<span class="phone"><bdi class="num" translate="no">{}</bdi>'
        '<span class="phone-type">{}{}{}</span></span>',
        *(phone["number"], phone["type"], new_type, extra),
    )


def _address(row: Any) -> SafeString:
    lines = (markup('<bdi translate="no">{}</bdi>', line) for line in address_lines(row.value))
    return joined(lines, SafeString("<br>"))


def _optins(row: Any) -> SafeString:
    table = (
        '<table class="optins">\n<thead><tr><th scope="col"><span class="visually-hidden">{}</span>'
        '</th><th scope="col">{}</th><th scope="col">{}</th></tr></thead>\n<tbody>{}</tbody>\n'
        "</table>{}"
    )
    rest = row.channels_without_answer
    paragraph = '\n<p class="tiny muted">{} {}</p>'
    return markup(
        table,
        *(wording.CHANNEL, wording.CLUB_MED, wording.PARTNERS),
        joined(map(_optin, row.optins)),
        markup(paragraph, wording.NOT_ASKED_REST, rest) if rest else "",
    )


def _optin(optin: Mapping[str, Any]) -> SafeString:
    return markup(
        '<tr>\n<th scope="row">{}{}</th>\n<td>{}</td>\n<td>{}</td>\n</tr>\n',
        optin["channel"] or wording.NO_CHANNEL,
        markup(_BESIDE, optin["extra"]) if optin["extra"] else "",
        _yes_no(optin["optin"]),
        _yes_no(optin["partners"]),
    )


def _yes_no(answer: object) -> object:
    """Yes or no; any other answer as it came."""
    if answer is True:
        return markup('<span class="yes">{}{}</span>', icon("check"), wording.YES)
    if answer is False:
        return markup('<span class="no">{}{}</span>', icon("minus"), wording.NO)
    return "" if answer is None else answer


_LAID_OUT: Mapping[Kind, Callable[[Any], SafeString]] = {
    kinds.PHONES: _phones,
    kinds.ADDRESS: _address,
    kinds.OPTINS: _optins,
}


# The newest changes -------------------------------------------------------------------------------


@register.simple_tag(takes_context=True)
def trail_of(context: template.Context, changes: Iterable[Change]) -> SafeString:
    """Changes of one customer, newest first, under their days."""
    leads_on = context["actor"].may_handle_customers
    days = [
        markup(
            "<h3>{}</h3>\n<ol>\n{}</ol>\n",
            day_name(day),
            joined(_change(change, leads_on=leads_on) for change in of_day),
        )
        for day, of_day in groupby(changes, lambda change: day_of(change.recorded_at))
    ]
    return markup('<div class="trail">\n{}</div>\n', joined(days))


def _change(change: Change, *, leads_on: bool) -> SafeString:
    if change.action == Action.CREATE:
        badge = _unless_applied(change.outcome)
        what = markup("<strong>{}</strong>{}", wording.CUSTOMER_CREATED, badge)
    elif change.is_of_the_log:
        what = markup("<strong>{}</strong>", change.get_action_display())
    else:
        what = joined(_changed(field.verdict, leads_on=leads_on) for field in change.fields)
    return markup(
        '<li>\n<div class="trail-who"><span>{}</span>{}</div>\n<div class="trail-what">{}</div>\n'
        '<p class="trail-why">{}</p>\n</li>\n',
        *(staff(change.actor_name), clock(change.recorded_at), what, reason(change.entries[0])),
    )


def _changed(entry: Entry, *, leads_on: bool) -> SafeString:
    """A field, old → new. leads_on: with a link to its history."""
    name = markup("<strong>{}</strong>", changed_field(entry))
    if leads_on:
        place = address_of("field-history", entry.customer_id, entry.field)
        name = markup('<a href="{}">{}</a>', place, changed_field(entry))
    return markup("<div>{} {}{}</div>", name, delta(entry), _unless_applied(entry.outcome))


def _unless_applied(outcome: str) -> SafeString:
    return NOTHING if outcome == Outcome.APPLIED else markup(" {}", outcome_badge(outcome))
