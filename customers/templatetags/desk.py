"""Tags and filters for every template: icons, fields, changes of the log, times."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import cache, lru_cache
from typing import Any, TypeVar
from urllib.parse import quote
from uuid import UUID

from django import template
from django.forms.boundfield import BoundField
from django.forms.utils import flatatt
from django.template.base import Parser, TextNode, Token
from django.templatetags.i18n import do_translate
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.timesince import timesince
from django.utils.translation import get_language, gettext

from customers import wording
from customers.audit.actions import OF_VALUES, Action, Evidence, Flag, Outcome
from customers.audit.around import Near
from customers.audit.models import Act, Change, Entry, FieldHistory, JournalLine, Missing
from customers.catalogue import reader
from customers.catalogue.compare import is_empty, raw_text
from customers.catalogue.fields import FIELDS, MASK
from customers.catalogue.markets import country_name
from customers.catalogue.marks import side_of
from customers.catalogue.masking import is_sensitive
from customers.templatetags.markup import NOTHING, broken_at, joined, markup

_Tag = TypeVar("_Tag", bound=Callable[..., str])

register = template.Library()
register.filter("market_country", country_name)

_BADGES: dict[str, tuple[str, str]] = {
    Outcome.APPLIED: ("ok", "check"),
    Outcome.REFUSED: ("bad", "ban"),
    Outcome.NOT_APPLIED: ("none", "x"),
    Outcome.NOT_SEEN: ("none", "eye"),
    Outcome.UNCLEAR: ("warn", "help-circle"),
    Outcome.STORED_AS: ("ok", "check"),
}


@register.tag("translate")
def translate(parser: Parser, token: Token) -> template.Node:
    """Django's tag, but translated when the template is compiled: once for each language."""
    _, sentence, *more = token.split_contents()
    if more or sentence[0] != '"' or set("%\\").intersection(sentence):
        return do_translate(parser, token)
    return TextNode(gettext(sentence[1:-1]))


def tag_or_text(name: str) -> Callable[[_Tag], _Tag]:
    """Register a pure function as a tag. With constant arguments it is rendered at compile time."""

    def register_as(function: _Tag) -> _Tag:
        register.simple_tag(function, name=name)
        compile_tag = register.tags[name]

        def compile_once(parser: Parser, token: Token) -> template.Node:
            node = compile_tag(parser, token)
            varies = node.kwargs or node.target_var or any(arg.is_var for arg in node.args)
            return node if varies else TextNode(node.render(template.Context()))

        register.tag(name, compile_once)
        return function

    return register_as


tag_or_text("static")(static)


@tag_or_text("icon")
def icon(name: str) -> SafeString:
    """An outline from the sprite; the word beside it says what it means."""
    outline = '<svg class="icon" aria-hidden="true"><use href="{}#{}"/></svg>'
    return markup(outline, _sprite(), name)


_sprite = cache(lambda: static("icons.svg"))


@cache
def _address(name: str, count: int) -> str:
    places = [UUID(int=number) for number in range(count)]
    address = reverse(name, args=places)
    for place in places:
        address = address.replace(str(place), "{}")
    return address


@tag_or_text("address")
def address_of(name: str, *of: UUID | str) -> str:
    """Django's `reverse`, with the pattern looked up once. of: the arguments, in order."""
    return _address(name, len(of)).format(*(quote(str(argument), safe="") for argument in of))


@register.simple_tag
def outcome_badge(outcome: str) -> SafeString:
    """Applied, Refused, Not applied, Unclear: a word, an icon and a tone."""
    return _badge(outcome, get_language())


@lru_cache
def _badge(outcome: str, language: str | None) -> SafeString:
    tone, name = _BADGES.get(outcome, ("bad", "help-circle"))  # the second: of an altered entry
    is_known = outcome in _BADGES
    label = Outcome(outcome).label if is_known else capfirst(str(Missing.UNREADABLE))
    return markup('<span class="badge" data-tone="{}">{}{}</span>', tone, icon(name), label)


@register.simple_tag
def boxes(bound: BoundField) -> SafeString:
    """A box with its label for each value that a field offers. Not by Django's templates, of which
    each box takes four.
    """
    field: Any = bound.field
    chosen, name, auto_id = bound.value() or (), bound.html_name, bound.auto_id
    attributes = flatatt(bound.build_widget_attrs(field.widget.attrs))
    box = (
        '<label class="form-check" for="{0}"><input type="checkbox" name="{1}" value="{2}"{3}'
        ' id="{0}"{4}><span class="form-check-label">{5}</span></label>'
    )
    return joined(
        markup(
            box,
            f"{auto_id}_{at}",
            name,
            value,
            attributes,
            SafeString(" checked") if value in chosen else "",
            label,
        )
        for at, (value, label) in enumerate(field.offered)
    )


@register.simple_tag
def text_input(bound: BoundField) -> SafeString:
    """An input of one line, or of a day; likewise."""
    widget = bound.field.widget
    attrs = {"type": widget.input_type, "name": bound.html_name, "id": bound.auto_id}
    attrs["value"] = widget.format_value(bound.value())
    return markup("<input{}>", flatatt({**attrs, **bound.build_widget_attrs(widget.attrs)}))


@register.simple_tag
def select_input(bound: BoundField) -> SafeString:
    """A choice; likewise."""
    chosen = str(bound.value() or "")
    options = (
        markup(
            '<option value="{}"{}>{}</option>',
            value,
            SafeString(" selected") if str(value) == chosen else "",
            label,
        )
        for value, label in bound.field.widget.choices
    )
    attrs = {"name": bound.html_name, "id": bound.auto_id}
    attributes = flatatt({**attrs, **bound.build_widget_attrs(bound.field.widget.attrs)})
    return markup("<select{}>{}</select>", attributes, joined(options))


@register.filter
def field_label(name: str, language: str = "") -> str:
    """The label of a field; the name of one that left the catalogue. language: the reader's."""
    return _label(name, language or get_language())


@lru_cache(1024)
def _label(name: str, language: str | None) -> str:
    return FIELDS[name].label if name in FIELDS else str(wording.PARTS_OF_THE_LOG.get(name, name))


@register.filter
def field_labels(act: Change | JournalLine | Near) -> str:
    """The labels of its fields in one line: "E-mail, Phones"."""
    return ", ".join(labels_of(act))


def labels_of(act: Change | JournalLine | Near) -> list[str]:
    if isinstance(act, Change):
        return [field_label(history.first.field) for history in act.fields]
    return [field_label(name) for name in act.fields]


@register.filter
def colon(label: str) -> str:
    """A label with a colon behind it, as the language sets one."""
    return wording.COLON % {"label": label}


@register.filter
def isolated(value: object) -> SafeString:
    """A value in a sentence: its direction is its own, and no browser translates it."""
    return markup('<bdi translate="no">{}</bdi>', value)


@register.filter
def staff(name: str) -> str:
    """Who changed something, as the log names them; in the reader's language if it is nobody."""
    return str(wording.NOBODY_HERE.get(name, name))


@register.filter
def breakable(address: str) -> SafeString:
    """An e-mail address that may break after its @."""
    return broken_at("@", address)


@register.filter
def typed_label(name: str) -> str:
    """The label of an input whose text is given back. name: of the input, like "address-city"."""
    field = FIELDS.get(name.split("-")[0])
    return field.label if field else str(wording.TYPED.get(name, wording.YOU_TYPED))


@register.filter
def hides(entry: Entry) -> bool:
    """Is there a value in it that may be revealed?"""
    values = [value for value in (entry.old, entry.new) if not isinstance(value, Missing)]
    return is_sensitive(entry.field) and not all(map(is_empty, values))


@register.filter
def basis(entry: Entry, language: str = "") -> str:
    """What an outcome rests on, in words. language: the reader's, from who asks for many."""
    if entry.action not in OF_VALUES:
        return ""
    if entry.action == Action.ELSEWHERE:
        return str(wording.ELSEWHERE)
    words = _basis(entry.evidence, entry.outcome, language or get_language())
    if "%(" in words:
        reason = entry.reason
        if isinstance(reason, Missing):
            reason = wording.MISSING_REASON % {"missing": reason}
        text = _quoted(entry.field, entry.found)
        words %= {"who": entry.actor_name, "reason": reason, "found": text}
    return f"{words} {entry.detail}".strip()


@lru_cache
def _basis(evidence: str, outcome: str, language: str | None) -> str:
    any_outcome = wording.BASIS.get((evidence, ""), wording.NOT_FOUND_OUT)
    return str(wording.BASIS.get((evidence, outcome), any_outcome))


@register.filter
def flagged(act: Act) -> list[str]:
    """How a change was made, where that was not the usual way."""
    if not act.flags:
        return []
    related, words = act.related, dict(act.flag_words)
    words.pop(Flag.REVERTS, None)  # the tag `reverts` says which change
    if related and (flag := words.get(Flag.DESPITE_DUPLICATES)):
        others = [str(related)]
        if not isinstance(related, Missing):
            number, none = wording.CUSTOMER, wording.OTHER_CREATE
            others = [(number if n.isdecimal() else none) % {"number": n} for n in related]
        about = {"flag": flag, "others": ", ".join(others)}
        words[Flag.DESPITE_DUPLICATES] = wording.FLAG_ABOUT % about
    return list(words.values())


@register.filter
def how(history: FieldHistory) -> list[str]:
    """What is said beside an outcome: nothing if Club Med answered and gave no reason."""
    entry = history.verdict
    by_answer = entry.action != Action.ELSEWHERE and entry.evidence == Evidence.ANSWER
    if entry.action not in OF_VALUES or (by_answer and not entry.detail):
        return []
    return [basis(entry)]


def _quoted(name: str, value: Any) -> str:
    """A value in a sentence."""
    if isinstance(value, Missing):
        return wording.MISSING_VALUE % {"missing": value}
    return wording.QUOTED % {"text": side_of(value_text(name, value) or str(wording.NOTHING))}


@register.simple_tag(takes_context=True)
def customer_link(
    context: template.Context, act: Act | Change, *, numbered: bool = True
) -> SafeString:
    """The customer of a change: a link to the profile, or to the history for an auditor; numbered:
    with the number behind it.
    """
    is_of_the_log = act.action not in OF_VALUES
    label, beside = act.customer_label or str(wording.UNNAMED), act.customer_id
    if not act.customer_id:
        if is_of_the_log:
            return NOTHING
        if isinstance(label, Missing):
            label = capfirst(wording.MISSING_NAME % {"missing": label})
        return markup("{} <small>{}</small>", label, wording.NO_CUSTOMER_YET)
    if is_of_the_log or isinstance(label, Missing):
        beside = "" if is_of_the_log else wording.MISSING_NAME % {"missing": label}
        label = wording.CUSTOMER % {"number": act.customer_id}
    actor = context["actor"]
    page = address_of("profile" if actor.may_handle_customers else "history", act.customer_id)
    link = markup('<a href="{}"><bdi translate="no">{}</bdi></a>', page, label)
    return markup('{} <small class="num">{}</small>', link, beside) if numbered else link


@register.simple_tag(takes_context=True)
def colleague(context: template.Context, name: str, key: int) -> SafeString:
    """A member of staff; the login on hover, and beside a name that two have. In a list with
    filters, a link to what this person did.
    """
    _, login, is_shared = (context.get("people") or {}).get(key, ("", "", False))
    beside, name = markup(" <small>{}</small>", login) if is_shared else "", staff(name)
    if "filter" not in context:
        return markup('<span title="{}">{}</span>{}', login, name, beside)
    query = asking(context, "person", key)
    return markup('<a href="?{}" title="{}">{}</a>{}', query, login, name, beside)


@register.simple_tag(takes_context=True)
def asking(context: template.Context, name: str, value: object) -> str:
    """The query string of the list with this filter too."""
    query: str = context["filter"].asking_one(name, str(value))
    return query


@register.filter
def title_of(act: Change | JournalLine) -> str:
    """What the page of a change, or of what was done to the log, is called."""
    if isinstance(act, JournalLine):
        return str(wording.WAITING_CHANGE)
    if act.is_of_the_log:
        return str(act.get_action_display())
    label = act.customer_label
    if isinstance(label, Missing):
        label = act.customer_id and wording.CUSTOMER % {"number": act.customer_id}
    return wording.CHANGE_TO % {"name": label or wording.UNNAMED}


@register.filter
def to_be_settled_by(change: Change, actor: Any) -> bool:
    """Does this change need a person, and may it be this one?"""
    unclear = change.outcome == Outcome.UNCLEAR
    return unclear and actor.may_settle and not change.is_by(actor)


def value_text(name: str, value: Any, *, revealed: bool = False, hidden: str = MASK) -> str:
    """The whole value of a field in one line, "" if it is empty. hidden: what stands for a
    sensitive one that is not revealed.
    """
    if isinstance(value, Missing):
        return str(value)
    if is_empty(value):
        return ""
    if is_sensitive(name) and not revealed:
        return hidden
    return FIELDS[name].text(value, revealed=True) if name in FIELDS else raw_text(value)


@register.simple_tag
def when(moment: datetime) -> SafeString:
    """How long ago, with the exact time in the markup."""
    return _time(moment, _words(moment, timezone.now()))


@register.simple_tag
def clock(moment: datetime | None, shape: str = "Hm") -> SafeString:
    """The time of the day, with UTC on hover. shape: as of `reader.clock_text`."""
    return NOTHING if moment is None else _time(moment, reader.clock_text(moment, shape))


@register.simple_tag
def clock_now() -> SafeString:
    return clock(timezone.now())


@register.simple_tag
def moment_now() -> SafeString:
    return moment(timezone.now())


@register.simple_tag
def moment(at: datetime | None, shape: str = "long") -> SafeString:
    """Day and time to the second. shape: of the day."""
    return NOTHING if at is None else _time(at, day_and_time(at, shape, "Hms"))


@register.filter
def day_and_time(at: datetime | None, shape: str = "long", clock: str = "Hm") -> str:
    """23 November 2026, 09:44; "" for none."""
    if at is None:
        return ""
    params = {"day": reader.day_text(at, shape), "time": reader.clock_text(at, clock)}
    return wording.DAY_AND_TIME % params


@register.simple_tag
def times_of() -> str:
    """In whose zone the times of this page are."""
    return wording.TIMES_OF % {"zone": timezone.get_current_timezone_name()}


def _time(moment: datetime, words: str) -> SafeString:
    utc = moment.astimezone(UTC).isoformat(timespec="milliseconds")
    return markup(f'<time datetime="{utc}" title="{utc[:10]} {utc[11:19]} UTC">{{}}</time>', words)


def _words(moment: datetime, now: datetime) -> str:
    ago = now - moment
    if ago < timedelta(minutes=1):
        return str(wording.JUST_NOW)
    if ago < timedelta(hours=1):
        return wording.AGO % {"time": timesince(moment, now)}
    day, today = reader.local(moment).date(), reader.local(now).date()
    days = (today - day).days
    if days == 0:
        return wording.AT % {"time": reader.clock_text(moment)}
    if days < 7:
        return (
            str(wording.YESTERDAY) if days == 1 else wording.AGO % {"time": timesince(day, today)}
        )
    return wording.ON % {"day": reader.day_text(day, "MMMMd" if day.year == today.year else "long")}


register.filter("grouped", reader.number_text)


@register.filter
def day(at: date | None, shape: str = "long") -> str:
    """As `reader.day_text`; "" for none, which an altered entry may have."""
    return "" if at is None else reader.day_text(at, shape)


@register.filter
def day_of(moment: datetime) -> date:
    """The day on which that was for the reader."""
    return reader.local(moment).date()


@register.filter
def day_name(day: date) -> str:
    """Today, Monday 23 November 2026."""
    words = reader.day_text(day, "full")
    return wording.TODAY % {"day": words} if day == timezone.localdate() else words
