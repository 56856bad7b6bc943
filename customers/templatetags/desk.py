"""What every template of the desk may use."""

from datetime import datetime, timedelta
from difflib import SequenceMatcher
from typing import Any

from django import template
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from customers.clubmed.profile import Json
from customers.fields import FIELDS
from customers.models import Entry, Outcome

register = template.Library()

_HIDDEN = SafeString('<span class="muted">hidden → hidden</span>')
_EMPTY = SafeString('<span class="nil">empty</span>')
_BADGES = {
    Outcome.APPLIED: ("ok", "check"),
    Outcome.REFUSED: ("bad", "ban"),
    Outcome.NOT_APPLIED: ("none", "x"),
    Outcome.UNCLEAR: ("warn", "help-circle"),
}


@register.simple_tag
def icon(name: str) -> SafeString:
    """An outline from the sprite; the word beside it says what it means."""
    return format_html(
        '<svg class="icon" aria-hidden="true"><use href="{}#{}"/></svg>',
        static("icons.svg"),
        name,
    )


@register.simple_tag
def outcome_badge(outcome: str) -> SafeString:
    """Applied, Refused, Not applied, Unclear: a word, an icon and a tone."""
    known = Outcome(outcome)
    tone, name = _BADGES[known]
    return format_html(
        '<span class="badge" data-tone="{}">{}{}</span>', tone, icon(name), known.label
    )


@register.filter
def field_label(name: str) -> str:
    """The catalogue's word for a field; one that has left it keeps its name."""
    return FIELDS[name].label if name in FIELDS else name


@register.filter
def breakable(address: str) -> SafeString:
    """An e-mail address that may break after its @."""
    name, at, host = address.partition("@")
    return format_html("{}{}<wbr>{}", name, at, host)


@register.filter
def typed_label(name: str) -> str:
    """What an input is called when its text is given back: by its field, or as what was typed."""
    field = FIELDS.get(name.split("-")[0])
    if field is not None:
        return field.label
    return {"number": "Number", "type": "Type"}.get(name, "You typed")


@register.simple_tag
def delta(entry: Entry) -> SafeString:
    """Old → new, with what differs marked; a sensitive value stays hidden."""
    field = FIELDS.get(entry.field)
    if field is not None and field.sensitive:
        return _HIDDEN
    old, new = (field.text(v) if field else _raw(v) for v in (entry.old, entry.new))
    if entry.action == "create":
        return format_html('<ins class="diff-new">{}</ins>', new)
    before, after = _marked(old, new)
    return format_html(
        '<del class="diff-old">{}</del>'
        '<span class="diff-arrow" aria-hidden="true">→</span>'
        '<ins class="diff-new">{}</ins>',
        before,
        after,
    )


def _raw(value: Json) -> str:
    return "" if value is None else str(value)


def _marked(old: str, new: str) -> tuple[SafeString, SafeString]:
    if not old or not new:
        return _whole(old), _whole(new)
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    if len(old) > 400 or len(new) > 400 or matcher.ratio() < 0.4:
        return _whole(old), _whole(new)
    steps = matcher.get_opcodes()
    return (
        _spans([(old[a:b], tag != "equal") for tag, a, b, _, _ in steps]),
        _spans([(new[a:b], tag != "equal") for tag, _, _, a, b in steps]),
    )


def _whole(text: str) -> SafeString:
    return _spans([(text, True)]) if text else _EMPTY


def _spans(parts: list[tuple[str, bool]]) -> SafeString:
    marks = (
        (format_html("<b>{}</b>", text) if marked else text,) for text, marked in parts if text
    )
    return format_html_join("", "{}", marks)


@register.simple_tag
def when(moment: datetime) -> SafeString:
    """Near in words, with the exact time in the markup."""
    return format_html(
        '<time datetime="{}" title="{} UTC">{}</time>',
        moment.isoformat(timespec="seconds"),
        f"{moment:%d %B %Y %H:%M:%S}",
        _words(moment, timezone.now()),
    )


def _words(moment: datetime, now: datetime) -> str:
    ago = now - moment
    if ago < timedelta(minutes=1):
        return "just now"
    if ago < timedelta(hours=1):
        minutes = int(ago.total_seconds() // 60)
        return f"{minutes} minute{'s' if minutes > 1 else ''} ago"
    days = (now.date() - moment.date()).days
    if days == 0:
        return f"at {moment:%H:%M}"
    if days < 7:
        return "yesterday" if days == 1 else f"{days} days ago"
    return f"on {moment.day} {moment:%B}" + ("" if moment.year == now.year else f" {moment.year}")


@register.filter
def day_name(moment: datetime) -> str:
    """Today, Monday 23 November 2026."""
    today = "Today, " if moment.date() == timezone.now().date() else ""
    return f"{today}{moment:%A} {moment.day} {moment:%B} {moment.year}"


@register.filter
def label_of(bound: Any) -> SafeString:
    """The label of a bound form field, tied to its input."""
    optional = "" if bound.field.required else " (optional)"
    return format_html(
        '<label class="form-label" for="{}">{}{}</label>',
        bound.id_for_label,
        bound.label,
        format_html('<span class="optional">{}</span>', optional) if optional else "",
    )
