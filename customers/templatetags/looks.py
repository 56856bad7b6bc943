"""The rows of who looked. In Python for the reason that `rows` names."""

from functools import lru_cache

from django import template
from django.utils.safestring import SafeString
from django.utils.translation import get_language

from customers import wording
from customers.audit.models import Access, AccessEvent
from customers.templatetags.desk import address_of, clock, colleague, field_label, icon
from customers.templatetags.markup import NOTHING, joined, markup

register = template.Library()
_BADGES = {
    Access.REVEAL: ("info", "eye"),
    **dict.fromkeys((Access.EXPORT, Access.REPORT), ("info", "download")),
    **dict.fromkeys((Access.LIMITED, Access.ENDED, Access.END_SIGN_IN), ("warn", "alert-triangle")),
    **dict.fromkeys((Access.REFUSED, Access.FORGED_FORM, Access.SIGN_IN_FAILED), ("bad", "ban")),
}


@register.simple_tag(takes_context=True)
def look_row(context: template.Context, event: AccessEvent) -> SafeString:
    """When, who, what, of which customer, and what else is known of it."""
    return markup(
        '<tr><th scope="row" class="when num">{}</th><td class="who">{} <small>{}</small></td>'
        '<td class="outcome">{}</td><td class="customer">{}</td><td class="reason">{}</td></tr>',
        clock(event.recorded_at, "Hms"),
        colleague(context, event.actor_name, event.actor_key),
        event.role_words,
        look_what(event),
        _customer(context, event.customer_id),
        look_details(event),
    )


def _customer(context: template.Context, number: str) -> SafeString:
    """A link, with the name that the log knows."""
    if not number:
        return NOTHING
    handles = context["actor"].may_handle_customers
    page = address_of("profile" if handles else "history", number)
    name = context["names"].get(number)
    if not name:
        return markup('<a class="num" href="{}">{}</a>', page, number)
    link = '<a href="{}"><bdi translate="no">{}</bdi></a> <small class="num">{}</small>'
    return markup(link, page, name, number)


@register.simple_tag
def look_what(event: AccessEvent) -> SafeString:
    """The kind of access, with a badge where a supervisor looks for it."""
    return _what(event.kind, get_language())


@lru_cache
def _what(kind: str, language: str | None) -> SafeString:
    words = Access(kind).label if kind in Access.values else kind
    if kind not in _BADGES:
        return markup("{}", words)
    tone, outline = _BADGES[Access(kind)]
    return markup('<span class="badge" data-tone="{}">{}{}</span>', tone, icon(outline), words)


@register.simple_tag
def look_details(event: AccessEvent) -> SafeString:
    """Of which field, what for, from where, and of which change."""
    pieces = [_subject(event)]
    if event.query:
        is_reason = event.kind == Access.END_SIGN_IN
        pieces.append(markup("{} " if is_reason else '<span class="code">{}</span> ', event.query))
    if event.purpose:
        pieces.append(markup("{} {}. ", wording.FOR_PURPOSE, event.get_purpose_display()))
    if event.address:
        pieces.append(markup("{} ", wording.FROM_ADDRESS % {"address": event.address}))
    if event.change_id:
        page = address_of("change", event.change_id)
        pieces.append(markup('<a href="{}">{}</a>', page, wording.THE_CHANGE))
    return joined(pieces)


def _subject(event: AccessEvent) -> SafeString:
    """Of a reveal the field, of an export its format, of a limit its name, of an end who."""
    match event.kind:
        case Access.REVEAL if event.field:
            return markup("{}. ", field_label(event.field))
        case Access.EXPORT:
            return markup("{}. ", event.field.upper() or "NDJSON")
        case Access.LIMITED:
            return markup("{}. ", wording.LIMIT_NAMES.get(event.field, event.field))
        case Access.END_SIGN_IN:
            return markup('<span class="code">{}</span> ', event.field)
    return NOTHING
