"""Old → new in HTML: in the log, in conflicts and in reports, by the same rules."""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from django import template
from django.utils.safestring import SafeString
from django.utils.translation import get_language

from customers import wording
from customers.audit import encryption
from customers.audit.actions import OF_VALUES, Action
from customers.audit.models import Entry, Missing, VaultItem, number_in
from customers.catalogue import reader
from customers.catalogue.compare import is_empty
from customers.catalogue.differences import (
    Difference,
    Happened,
    Line,
    changed_members,
    cut_of,
    difference,
    first_value,
)
from customers.catalogue.fields import FIELDS, MASK
from customers.catalogue.marks import Part, Side, marked, shortened, side_of
from customers.catalogue.masking import is_sensitive
from customers.catalogue.spelling import is_simple
from customers.templatetags.desk import field_label, icon, value_text
from customers.templatetags.markup import NOTHING, broken_at, isolated_at, joined, markup

register = template.Library()

_LONG = 120  # characters, from which the rest of a value is one click away
_ARROW = SafeString('<span class="diff-arrow" aria-hidden="true">→</span>')
_SPACE = SafeString(" ")
_ABOVE = markup("<br>{}", _ARROW)
_SIDES = {
    ("old", False): '<del class="diff-old">{}</del>',
    ("old", True): '<del class="diff-old whole">{}</del>',
    ("new", False): '<ins class="diff-new">{}</ins>',
    ("new", True): '<ins class="diff-new whole">{}</ins>',
}


@register.simple_tag
def delta(entry: Entry, *, revealed: bool = False, named: bool = False) -> SafeString:
    """Old → new, differences marked; of a sensitive value only whether there was one.

    named: the member stands in front also if it is the only one that changed, which
    `changed_field` names otherwise.
    """
    if entry.action not in OF_VALUES:
        return _done_to_the_log(entry)
    if _is_missing(entry):
        return _missing(entry, revealed)
    return _difference_html(_difference(entry, revealed), named)


@register.simple_tag
def stored_as(entry: Entry, stored_entry: Entry | None) -> SafeString:
    """A line for each member that Club Med stored in another way than it was sent.

    stored_entry: the entry that says so, None if there is none.
    """
    if stored_entry is None or is_sensitive(entry.field):
        return NOTHING
    missing = [value for value in (stored_entry.found, entry.new) if isinstance(value, Missing)]
    if missing:
        return markup('<div class="muted">{} {}</div>', wording.STORED_AS, missing[0])
    if is_empty(stored_entry.found):
        return _stored_line(Line("", None, Side()))
    diff = difference(entry.field, entry.new, stored_entry.found, market=entry.locale)
    return joined(map(_stored_line, diff.lines))


def _stored_line(line: Line) -> SafeString:
    name = markup("{} ", spelled(line.member)) if line.member else ""
    value = _one_side(line, "new") if line.new else wording.NOTHING
    return markup('<div class="muted">{} {}{}</div>', wording.STORED_AS, name, value)


@register.filter
def in_columns(entry: Entry) -> bool:
    """Do old and new stand in columns of their own? Not what may be revealed, or was created."""
    return entry.action != Action.CREATE and not is_sensitive(entry.field)


@register.simple_tag
def delta_side(entry: Entry, side: str, *, revealed: bool = False) -> SafeString:
    """One column of a change whose old and new stand beside each other. side: "old" or "new"."""
    value = getattr(entry, side)
    if isinstance(value, Missing):
        badge = _key_missing(entry) if side == "new" else ""
        return markup('<span class="muted">{}</span>{}', value, badge)
    diff = _difference(entry, revealed)
    if not diff.lines:
        return markup('<span class="muted">{}</span>', diff.note)
    if len(diff.lines) == 1:
        return _one_side(diff.lines[0], side)
    there = [line for line in diff.lines if getattr(line, side) is not None]
    rows = (markup("<span>{}{}</span>", _name(line), _one_side(line, side)) for line in there)
    counts = _counts(diff) if side == "new" else ""
    return markup('<div class="plain">{}{}</div>', joined(rows), counts)


@register.filter
def changed_field(entry: Entry) -> str:
    """The field in a list: with the member if exactly one of it changed, as in "Opt-ins, SMS"."""
    by_member = _is_by_member(entry)
    return _of_member(entry.field, _difference(entry, False).member if by_member else "")


def _is_by_member(entry: Entry) -> bool:
    field = FIELDS.get(entry.field)
    has_values = entry.action in OF_VALUES and entry.action != Action.CREATE
    return bool(field and field.is_composed and has_values and not _is_missing(entry))


def _of_member(name: str, member: str, language: str = "") -> str:
    """A field with the name of one member, "" for none: "Opt-ins, SMS", "Address, street"."""
    label = field_label(name, language)
    if not member:
        return label
    if FIELDS[name].members:
        member = member[:1].lower() + member[1:]
    return wording.OF_FIELD % {"field": label, "member": member}


def in_text(entry: Entry, language: str, *, revealed: bool) -> tuple[str, str, str]:
    """Field, old and new for a spreadsheet, by the rules of `delta`: of a list or an object the
    members that differ. language: the reader's.
    """
    name, old, new = entry.field, entry.old, entry.new
    is_shown = revealed or not is_sensitive(name)
    members = is_shown and _is_by_member(entry) and changed_members(name, old, new)
    if not members:
        hidden = "" if is_shown else str(wording.MASKED)
        texts = [value_text(name, value, revealed=revealed, hidden=hidden) for value in (old, new)]
        return _of_member(name, "", language), texts[0], texts[1]
    if len(members) == 1:
        [(member, before, after)] = members
        return _of_member(name, member, language), before or "", after or ""
    olds = [f"{member}: {old}" for member, old, _ in members if old is not None]
    news = [f"{member}: {new}" for member, _, new in members if new is not None]
    return _of_member(name, "", language), "; ".join(olds), "; ".join(news)


@register.simple_tag
def report_delta(field: str, old: Mapping[str, Any] | None, new: Mapping[str, Any]) -> SafeString:
    """The same of two values as a report gives them, {"state": …, "value": …}. old: None: none."""
    if {new["state"], (old or new)["state"]} <= {"value", "empty"}:
        if old is None:
            return _difference_html(first_value(field, new["value"]), named=True)
        return _difference_html(difference(field, old["value"], new["value"]), named=True)
    states = [side for side in (old, new) if side is not None]
    return _arrowed(_in_report(side) for side in states)


def _in_report(value: Mapping[str, Any]) -> SafeString:
    if value["state"] == "value":
        return spelled(value["words"])
    return markup('<span class="state">{}</span>', state_words(value["state"]))


@register.filter
def state_words(state: str) -> str:
    """What stands in a report for a value that is not shown."""
    words = {"empty": wording.EMPTY, "hidden": wording.MASKED} | dict(Missing.choices)
    return str(words.get(state, state))


@register.filter
def spelled(text: str) -> SafeString:
    """A text in its own direction, with what does not show in it spelled out."""
    if not text:
        return NOTHING
    return isolated_at("@", text) if is_simple(text) else _text(side_of(text))


@register.simple_tag
def marked_beside(field: Any, text: str, other: str | None) -> SafeString:
    """A value of a conflict, with what differs from another value of that field."""
    if not text or not other or text == other:
        return spelled(text) or _empty()
    return _text(marked(other, text, cut_of(field)).new, mark="mark")


def _columns(entry: Entry) -> list[str]:
    """The sides that are shown: of a create there was nothing before."""
    return ["new"] if entry.action == Action.CREATE else ["old", "new"]


def _is_missing(entry: Entry) -> bool:
    no_old = entry.action != Action.CREATE and isinstance(entry.old, Missing)
    return no_old or isinstance(entry.new, Missing)


def _difference(entry: Entry, revealed: bool) -> Difference:
    """A value that cannot be read counts as none. Cached in the entry: a row asks twice."""
    differences: dict[bool, Difference] = vars(entry).setdefault("_differences", {})
    if revealed not in differences:
        old, new = (None if isinstance(v, Missing) else v for v in (entry.old, entry.new))
        how: dict[str, Any] = {"revealed": revealed, "market": entry.locale}
        differences[revealed] = (
            first_value(entry.field, new, **how)
            if entry.action == Action.CREATE
            else difference(entry.field, old, new, **how)
        )
    return differences[revealed]


def _difference_html(diff: Difference, named: bool) -> SafeString:
    if not diff.lines:
        return markup('<span class="muted">{}</span>', diff.note)
    if diff.member and not named:
        [line] = diff.lines
        changed = line.happened in (None, Happened.CHANGED)
        return _pair(line) if changed else joined([_happened(line), _pair(line)])
    if len(diff.lines) == 1 and not diff.lines[0].member:
        return _pair(diff.lines[0])
    rows = (markup("<span>{}{}</span>", _name(line), _pair(line)) for line in diff.lines)
    return markup('<div class="plain">{}{}</div>', joined(rows), _counts(diff))


def _counts(diff: Difference) -> SafeString:
    """How many members have no line of their own."""
    counts = ((diff.more, wording.MORE_CHANGED), (diff.unchanged, wording.UNCHANGED))
    texts = (words % {"count": count} for count, words in counts if count)
    return joined(markup('<span class="muted">{}</span>', words) for words in texts)


def _happened(line: Line) -> SafeString:
    return _happening(line.happened, get_language()) if line.happened else NOTHING


@cache
def _happening(happened: Happened, language: str | None) -> SafeString:
    return markup('<span class="muted">{}</span> ', happened.label)


def _name(line: Line) -> SafeString:
    """What stands before a line: "Changed Mobile "."""
    if not line.member:
        return NOTHING
    return joined([_happened(line), spelled(line.member), _SPACE])


def _texts(line: Line) -> list[tuple[str, Side | None]]:
    return [("old", line.old), ("new", line.new)]


def _pair(line: Line) -> SafeString:
    """Old → new of one line; cut if it is long, with the rest one click away."""
    if any(line.hidden):
        return _hidden(line)
    longest = max(side.length for side in (line.old, line.new) if side)
    if longest <= _LONG:
        return _sides(line)
    short = [text and shortened(text) for text in (line.old, line.new)]
    head = _sides(line._replace(old=short[0], new=short[1]))
    return _folded(head, _sides(line, arrow=_ABOVE), longest)


def _sides(line: Line, arrow: SafeString = _ARROW) -> SafeString:
    """Both values, or the one there is."""
    there = [(side, text) for side, text in _texts(line) if text is not None]
    pair = _arrowed((_value(side, text, line.whole) for side, text in there), arrow)
    return markup('{} <span class="muted">{}</span>', pair, line.note) if line.note else pair


def _folded(head: SafeString, whole: SafeString, length: int) -> SafeString:
    count = reader.number_text(length)
    return markup(
        '<details class="long"><summary><span class="head">{} <span class="more">{}</span></span>'
        '<span class="less link">{}</span></summary>{}</details>',
        head,
        wording.SHOW_ALL % {"count": count},
        wording.SHOW_LESS,
        whole,
    )


def _one_side(line: Line, side: str) -> SafeString:
    """A column of a line, of the same make as `_pair`."""
    text = getattr(line, side)
    if any(line.hidden):
        return _masked(line.hidden[side == "new"])
    if text is None:
        return NOTHING
    note = markup(' <span class="muted">{}</span>', line.note) if side == "new" else ""
    value = _value(side, text, line.whole)
    if text.length > _LONG:
        value = _folded(_value(side, shortened(text), line.whole), value, text.length)
    return markup("{}{}", value, note if line.note else "")


def _value(side: str, text: Side, whole: bool) -> SafeString:
    if not text.parts:
        return markup(_SIDES[side, False], _empty())
    return markup(_SIDES[side, whole], _text(text))


def _empty() -> SafeString:
    return markup('<span class="nil">{}</span>', wording.EMPTY)


def _text(side: Side, mark: str = "b") -> SafeString:
    """The parts of a text in its own direction and language. An address may break after its @."""
    if side.is_plain:
        return isolated_at("@", side.parts[0].text)
    language = markup(' lang="{}"', side.language) if side.language else ""
    direction = SafeString(' dir="rtl"') if side.is_rtl else ""
    parts = joined(_part(part, mark) for part in side.parts)
    return markup("<bdi{}{}>{}</bdi>", language, direction, parts)


def _part(part: Part, mark: str) -> SafeString:
    if part.is_code:
        tag = mark if part.is_marked else "span"
        return markup('<{0} class="code-point">{1}</{0}>', tag, part.text)
    text = broken_at("@", part.text)
    return markup("<{0}>{1}</{0}>", mark, text) if part.is_marked else text


def _hidden(line: Line) -> SafeString:
    """Whether there was a sensitive value, and is; the word once, behind the last of them."""
    there = [line.hidden[side == "new"] for side, text in _texts(line) if text is not None]
    if all(there):
        return markup("{} {}", _arrowed(_dots() for _ in there), _hidden_word())
    return _arrowed(_masked(hidden) for hidden in there)


def _masked(hidden: bool) -> SafeString:
    return markup("{} {}", _dots(), _hidden_word()) if hidden else _empty()


def _dots() -> SafeString:
    return markup('<span class="masked" aria-hidden="true">{}</span>', MASK)


def _hidden_word() -> SafeString:
    return markup('<span class="muted">{}</span>', wording.MASKED)


def _arrowed(values: Iterable[SafeString], arrow: SafeString = _ARROW) -> SafeString:
    return joined(values, arrow)


def _missing(entry: Entry, revealed: bool) -> SafeString:
    """Words in the place of values that cannot be had, and the other value, if there is one."""
    values = [getattr(entry, side) for side in _columns(entry)]
    if all(isinstance(value, Missing) for value in values):
        words = markup('<span class="muted">{}</span>', " → ".join(map(str, values)))
        return markup("{}{}", words, _key_missing(entry))
    return _arrowed(delta_side(entry, side, revealed=revealed) for side in _columns(entry))


def _key_missing(entry: Entry) -> SafeString:
    """A badge, if the entry was encrypted with a key that is missing."""
    try:
        is_known = encryption.has_key(entry.item.key_id)
    except VaultItem.DoesNotExist:
        is_known = True
    if is_known:
        return NOTHING
    badge = ' <span class="badge" data-tone="warn">{}{}</span>'
    return markup(badge, icon("alert-triangle"), wording.KEY_MISSING)


def _done_to_the_log(entry: Entry) -> SafeString:
    """What was erased or removed, in words."""
    number = number_in(entry.detail, "seq" if entry.action == Action.ANCHOR else "up_to")
    if number is None or entry.action not in wording.DONE_TO_THE_LOG:
        return markup('<span class="muted">{}</span>', Missing.UNREADABLE)
    words = wording.DONE_TO_THE_LOG[entry.action].get(entry.field, "%(number)d")
    return markup("{}", words % {"number": number})
