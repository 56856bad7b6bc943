"""What every template of the desk may use."""

from datetime import datetime, timedelta
from difflib import SequenceMatcher
from typing import Any

from django import template
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from customers.access import Actor
from customers.audit.models import (
    OF_VALUES,
    Act,
    Action,
    Change,
    Entry,
    Evidence,
    FieldHistory,
    JournalLine,
    Missing,
    Outcome,
    number_in,
)
from customers.catalogue.compare import is_empty, raw_text
from customers.catalogue.fields import FIELDS, MASK
from customers.catalogue.markets import market_name
from customers.catalogue.masking import is_sensitive
from customers.clubmed.profile import Json

register = template.Library()

_EMPTY = SafeString('<span class="nil">empty</span>')
_PARTS_OF_THE_LOG = {"values": "Values in the log", "entries": "Entries", "access": "Access events"}
_DONE_TO_THE_LOG: dict[str, dict[str, str]] = {
    Action.FORGOTTEN: {"values": "This customer’s values erased, up to entry {}"},
    Action.EXPIRED: {
        "values": "All values erased, up to entry {}",
        "access": "Old access events erased, up to number {}",
    },
    Action.ANCHOR: {"entries": "All entries removed, up to entry {}"},
}
_TYPED = {
    "number": "Number",
    "type": "Type",
    "reason": "Reason",
    "customer_id": "Customer number",
}
_BADGES = {
    Outcome.APPLIED: ("ok", "check"),
    Outcome.REFUSED: ("bad", "ban"),
    Outcome.NOT_APPLIED: ("none", "x"),
    Outcome.NOT_SEEN: ("none", "eye"),
    Outcome.UNCLEAR: ("warn", "help-circle"),
    Outcome.STORED_AS: ("ok", "check"),
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
    if outcome in _BADGES:
        label, (tone, name) = Outcome(outcome).label, _BADGES[Outcome(outcome)]
    else:  # somebody altered it: the other entries are to be seen all the same
        label, tone, name = Missing.UNREADABLE.capitalize(), "bad", "help-circle"
    return format_html('<span class="badge" data-tone="{}">{}{}</span>', tone, icon(name), label)


@register.filter
def field_label(name: str) -> str:
    """The catalogue's word for a field; one that has left it keeps its name."""
    return FIELDS[name].label if name in FIELDS else _PARTS_OF_THE_LOG.get(name, name)


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
    return _TYPED.get(name, "You typed")


@register.filter
def hides(entry: Entry) -> bool:
    """Is there a value in it that may be revealed?"""
    return is_sensitive(entry.field) and "hidden" in map(_hidden, (entry.old, entry.new))


@register.simple_tag
def delta(entry: Entry, *, revealed: bool = False) -> SafeString:
    """Old → new, with what differs marked; of a sensitive value only whether there was one."""
    if entry.action not in OF_VALUES:
        return _done_to_the_log(entry)
    if is_sensitive(entry.field) and not revealed:
        words = [_hidden(value) for value in (entry.old, entry.new)]
        shown = words[1] if entry.action == Action.CREATE else " → ".join(words)
        return format_html('<span class="muted">{}</span>', shown)
    old, new = (_shown(entry.field, value, revealed) for value in (entry.old, entry.new))
    if isinstance(entry.old, Missing) or isinstance(entry.new, Missing):
        shown = new if entry.action == Action.CREATE else f"{old} → {new}"
        return format_html('<span class="muted">{}</span>', shown)
    if entry.action == Action.CREATE:
        return format_html('<ins class="diff-new" dir="auto">{}</ins>', new)
    before, after = _marked(old, new)
    return format_html(  # each in its own direction, or old and new would change places
        '<del class="diff-old" dir="auto">{}</del>'
        '<span class="diff-arrow" aria-hidden="true">→</span><wbr>'
        '<ins class="diff-new" dir="auto">{}</ins>',
        before,
        after,
    )


def _done_to_the_log(entry: Entry) -> SafeString:
    """What was erased or removed, in words."""
    number = number_in(entry.detail, "seq" if entry.action == Action.ANCHOR else "up_to")
    if number is None or entry.action not in _DONE_TO_THE_LOG:
        return format_html('<span class="muted">{}</span>', Missing.UNREADABLE)
    words = _DONE_TO_THE_LOG[entry.action].get(entry.field, "{}")
    return format_html(words, number)


@register.filter
def told(entry: Entry) -> str:
    """What an outcome rests on, in words."""
    if entry.action not in OF_VALUES:
        return ""
    return " ".join(filter(None, (_rests_on(entry), entry.detail)))


@register.filter
def how(history: FieldHistory) -> list[str]:
    """What is to be said beside an outcome: nothing where Club Med answered and that was that."""
    entry, stored = history.verdict, history.stored
    lines: list[str] = []
    if entry.action not in OF_VALUES:
        return lines
    if entry.action == Action.ELSEWHERE or entry.evidence != Evidence.ANSWER or entry.detail:
        lines.append(told(entry))
    if stored is not None:
        lines.append(told(stored))
    return lines


def _rests_on(entry: Entry) -> str:
    if entry.action == Action.ELSEWHERE:
        return "Found when the profile was read."
    found = _held(entry.field, entry.found)
    match entry.evidence, entry.outcome:
        case Evidence.ANSWER, Outcome.REFUSED:
            return "Club Med refused it:"
        case Evidence.ANSWER, Outcome.NOT_APPLIED:
            return "Club Med sent us elsewhere: nothing was stored."
        case Evidence.ANSWER, _:
            return "Answered by Club Med."
        case Evidence.NO_CALL, _:
            return "Nothing reached Club Med."
        case Evidence.LOOK, Outcome.STORED_AS:
            return f"Club Med stored {found}."
        case Evidence.LOOK, Outcome.APPLIED:
            return "No answer, but the profile holds it."
        case Evidence.LOOK, Outcome.NOT_SEEN:
            return "No answer; the profile still held the old value."
        case Evidence.LOOK, _:
            return f"No answer; the profile then held {found}."
        case Evidence.PERSON, _:
            is_gone = isinstance(entry.reason, Missing)
            return f"{entry.actor_name}: {'a reason that is ' if is_gone else ''}{entry.reason}"
        case _:
            return "No answer, and it cannot be looked up."


def _held(name: str, value: Json) -> str:
    """A value in a sentence."""
    if isinstance(value, Missing):
        return f"a value that is {value}"
    return f"“{_shown(name, value) or 'nothing'}”"


@register.simple_tag(takes_context=True)
def customer_link(context: template.Context, act: Act | Change) -> SafeString:
    """The customer of a change: a link to the record for whoever may open it."""
    is_of_the_log = act.action not in OF_VALUES
    label, beside = act.customer_label or "Unnamed customer", act.customer_id
    if not act.customer_id:
        if is_of_the_log:
            return SafeString("")
        label = f"Name {label}" if isinstance(label, Missing) else label
        to_be = "to be created" if isinstance(act, JournalLine) else "no customer yet"
        return format_html("{} <small>{}</small>", label, to_be)
    if is_of_the_log or isinstance(label, Missing):
        label, beside = f"Customer {act.customer_id}", "" if is_of_the_log else f"name {label}"
    actor = context["actor"]
    page = reverse("profile" if actor.may_handle_customers else "history", args=[act.customer_id])
    return format_html('<a href="{}">{}</a> <small class="num">{}</small>', page, label, beside)


@register.filter
def title_of(act: Change | JournalLine) -> str:
    """What the page of a change, or of what was done to the log, is called."""
    if isinstance(act, JournalLine):
        return "A change that waits"
    if act.is_of_the_log:
        return str(act.get_action_display())
    if isinstance(act.customer_label, Missing):
        return f"Change to customer {act.customer_id}".strip()
    return f"Change to {act.customer_label or 'a customer'}"


@register.filter
def to_be_settled_by(change: Change, actor: Actor) -> bool:
    """Does this change need a person, and may it be this one?"""
    unclear = change.outcome == Outcome.UNCLEAR
    return unclear and actor.may_settle and not change.is_by(actor)


@register.filter
def moment(act: Change | JournalLine) -> datetime:
    """When a change was recorded, or sent if it is not recorded yet."""
    return act.sent_at if isinstance(act, JournalLine) else act.recorded_at


@register.filter(name="hex")
def as_hex(digest: bytes) -> str:
    return bytes(digest).hex()


def _hidden(value: Json) -> str:
    """What is said of a sensitive value."""
    if isinstance(value, Missing):
        return str(value)
    return "empty" if is_empty(value) else "hidden"


def _shown(name: str, value: Json, revealed: bool = False) -> str:
    if isinstance(value, Missing):
        return str(value)
    if name in FIELDS:
        return FIELDS[name].text(value, revealed=revealed)
    return raw_text(value) if revealed or is_empty(value) else MASK


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


@register.filter
def market_country(locale: str) -> str:
    """France for fr-FR."""
    return market_name(locale).partition(", ")[0]
