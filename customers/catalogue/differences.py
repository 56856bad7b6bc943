"""The difference between two values of a field: a line for each member that changed.

Every function takes any JSON and never raises. What is computed is bounded, however long a value
is; its text is not.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Hashable, Mapping
from functools import cache, partial
from typing import Any, NamedTuple, TypeAlias

from django.db import models
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext_lazy as _

from customers.catalogue import compare, kinds, objects, phones, words
from customers.catalogue.fields import FIELDS, Field
from customers.catalogue.marks import Cut, Side, marked, side_of
from customers.catalogue.masking import is_sensitive
from customers.catalogue.words import Words
from customers.clubmed.profile import Json, Phone, parse_phones

_MOST_LINES = 50  # members that are shown one by one
_TELLING = 7  # last digits of a number that tell whose it is
# Of texts that may be empty; any other kind is one token.
_IN_WORDS = (kinds.TEXT, kinds.NATIVE, kinds.PHONES, kinds.ADDRESS, kinds.OPTINS, kinds.IDENTITY)


class Happened(models.TextChoices):
    """The change of a member that may come and go."""

    CHANGED = "changed", _("Changed")
    ADDED = "added", _("Added")
    REMOVED = "removed", _("Removed")


class Line(NamedTuple):
    """One member, or the value of a plain field.

    member: its name, "" for a plain field. happened: None for what is always there. old, new: None
    where there was none, or where it is not shown; without parts if it is empty. whole: they are
    too unlike for marks inside. note: what the eye may miss, in words. hidden: of old and new, is
    it a sensitive value? Then no text is here.
    """

    member: str
    old: Side | None
    new: Side | None
    happened: Happened | None = None
    whole: bool = True
    note: str = ""
    hidden: tuple[bool, bool] = (False, False)


class Difference(NamedTuple):
    """unchanged: members that are as they were. more: lines that were left out. note: in words."""

    lines: tuple[Line, ...]
    unchanged: int = 0
    more: int = 0
    note: str = ""

    @property
    def member(self) -> str:
        """The name of the only member that changed, "" if there is none or several."""
        return self.lines[0].member if len(self.lines) == 1 and not self.more else ""


class _Member(NamedTuple):
    """A part of a value: its name, its JSON, its text, and how that is cut."""

    name: str
    value: Json
    text: str
    cut: Cut = Cut.NEVER


_Item: TypeAlias = Mapping[str, _Member]  # what belongs together: a phone, a channel, a member
_Members: TypeAlias = tuple[_Member | None, _Member | None]  # old and new; None: was not there
_Pair: TypeAlias = tuple[Callable[[Any], _Item | None], Any, Any]  # how a part is put into words


def difference(
    name: str, old: Json, new: Json, *, revealed: bool = False, market: str = ""
) -> Difference:
    """Compare two values of the field of that name. market: a locale, for the language of names."""
    if is_sensitive(name) and not revealed:
        hidden = not compare.is_empty(old), not compare.is_empty(new)
        return Difference((Line("", Side(), Side(), hidden=hidden),))
    pairs = _pairs(name, old, new)
    if not pairs:
        return Difference((_line(_plain(name, old), _plain(name, new), market),))
    changed, unchanged = _compared(pairs)
    if not changed:
        return Difference((), note=_order_note(name, old, new))
    comes_and_goes = FIELDS[name].kind is kinds.PHONES
    lines = [
        _line(*members, market, comes_and_goes)
        for part in changed[:_MOST_LINES]
        for members in part
    ]
    return Difference(tuple(lines), unchanged, len(changed[_MOST_LINES:]))


def _compared(pairs: list[_Pair]) -> tuple[list[list[_Members]], int]:
    """The members that differ of each part, and how many parts are unchanged."""
    changed, unchanged = [], 0
    for item_of, before, after in pairs:
        if _is_same(before, after):  # not put into words
            unchanged += not compare.is_empty(before)
            continue
        pair = item_of(before), item_of(after)
        if members := _changed_of(*pair):
            changed.append(members)
        else:
            unchanged += _is_there(*pair)
    return changed, unchanged


def first_value(name: str, new: Json, *, revealed: bool = False, market: str = "") -> Difference:
    """The value that a create gave to a field: as `difference`, without an old side."""
    whole = difference(name, None, new, revealed=revealed, market=market)
    lines = tuple(line._replace(old=None, happened=None) for line in whole.lines)
    return whole._replace(lines=lines)


def _plain(name: str, value: Json) -> _Member:
    field = FIELDS.get(name)
    if field is None:
        return _Member("", value, compare.raw_text(value), Cut.WORDS)
    return _Member("", value, field.text(value, revealed=True), cut_of(field, value))


def changed_members(name: str, old: Json, new: Json) -> list[tuple[str, str | None, str | None]]:
    """The lines of `difference` in plain text: member, old, new; None where it was not there.

    [] of a plain field, and where no member differs.
    """
    changed, _unchanged = _compared(_pairs(name, old, new) or [])
    return [_plain_line(*members) for part in changed for members in part]


def _plain_line(old: _Member | None, new: _Member | None) -> tuple[str, str | None, str | None]:
    if old and new:
        return (new.name or old.name, *_texts(old, new))
    member = new or old or _NOTHING
    return member.name, member.text if old else None, member.text if new else None


def cut_of(field: Field, value: Json = None) -> Cut:
    """Into what a value of a field is cut; JSON of another shape into words."""
    if isinstance(value, list | dict) or field.kind in _IN_WORDS:
        return Cut.WORDS
    return Cut.EMAIL if field.kind is kinds.EMAIL else Cut.NEVER


def _pairs(name: str, old: Json, new: Json) -> list[_Pair] | None:
    """The pairs to compare; None for a plain field or a value of another shape."""
    field = FIELDS.get(name)
    if field is None:
        return None
    if field.kind is kinds.PHONES:
        olds, news = parse_phones(old or None), parse_phones(new or None)
        if olds is None or news is None:
            return None
        to_words = partial(_phone, words.here())
        return [(to_words, *pair) for pair in _phone_pairs(olds, news)]
    if not (field.readable(old) and field.readable(new)):
        return None
    if field.kind is kinds.OPTINS:
        before, after = objects.by_channel(old), objects.by_channel(new)
        here, pairs = words.here(), list[_Pair]()
        for code in {**before, **after}:
            pair = before.get(code, {}), after.get(code, {})
            has_partners = any("optin_partners" in optin for optin in pair)
            pairs.append((partial(_channel, here, code, has_partners), *pair))
        return pairs
    if field.members:
        before, after = _members_of(old), _members_of(new)
        keys = [row.name for row in field.members]
        keys += sorted({**before, **after}.keys() - set(keys))
        rows = _rows(name, get_language())
        return [
            (partial(_of_row, key, *rows.get(key, ("", None))), before.get(key), after.get(key))
            for key in keys
        ]
    return None


@cache
def _rows(name: str, language: str | None) -> Mapping[str, tuple[str, Field]]:
    """Of an object, key -> the label and the row of that member."""
    return {row.name: (row.label, row) for row in FIELDS[name].members}


def _is_same(before: Any, after: Any) -> bool:
    if isinstance(before, Phone) and isinstance(after, Phone):
        is_same_number = (before.number, before.type) == (after.number, after.type)
        return is_same_number and compare.is_same(dict(before.extra), dict(after.extra))
    return compare.is_same(before, after)


def _members_of(value: Json) -> dict[str, Json]:
    """The members of an object; a country's name only where there is no code."""
    members = dict(value or {})
    if members.get("country_code"):
        members.pop("country", None)
    return members


def _of_row(key: str, label: str, row: Field | None, value: Json) -> _Item:
    """A member of an object, by its row of the catalogue if it has one."""
    if row is None:
        return {key: _new_member("", key, value)}
    return {key: _Member(label, value, row.text(value, revealed=True), cut_of(row, value))}


def _new_member(before: str, key: str, value: Json) -> _Member:
    """A member that is new to us. before: the text before its name."""
    return _Member(before + words.key_text(key), value, words.any_text(value), Cut.WORDS)


def _phone(here: Words, phone: Phone | None) -> _Item | None:
    """A phone by its type, its type by its number, and members that are new to us."""
    if phone is None:
        return None
    kind = here.phone_type(phone.type)
    number = phones.dial_text(phone.number)
    label = kind or str(_("Phone"))
    members = {
        "number": _Member(label, phone.number, number, Cut.WORDS),
        "type": _Member(number or label, phone.type, kind),
    }
    for key, value in sorted(phone.extra.items()):
        members[key] = _new_member(f"{label}, ", key, value)
    return members


def _channel(here: Words, code: str, has_partners: bool, optin: Mapping[str, Json]) -> _Item:
    """The answers for a channel; "not asked" where there is none. has_partners: on either side."""
    name, rest = here.channel(code), dict(optin)
    answer, partners = rest.pop("optin", None), rest.pop("optin_partners", None)
    members = {"optin": _Member(name, answer, here.yes_no(answer) or str(_("not asked")))}
    if has_partners:
        members["optin_partners"] = _Member(
            str(_("%(channel)s, partners")) % {"channel": name},
            partners,
            here.yes_no(partners) or str(_("not asked")),
        )
    rest.pop("channel", None)
    for key, value in sorted(rest.items()):
        members[key] = _new_member(f"{name}, ", key, value)
    return members


_NOTHING = _Member("", None, "")


def _changed_of(old: _Item | None, new: _Item | None) -> list[_Members]:
    """The members that differ; of an item that was added or removed its first member."""
    if not (old and new):
        first, *_rest = (new or old or {}).values()
        return [(None, first) if new else (first, None)]
    pairs = ((old.get(key, _NOTHING), new.get(key, _NOTHING)) for key in {**old, **new})
    return [pair for pair in pairs if not compare.is_same(pair[0].value, pair[1].value)]


def _is_there(old: _Item | None, new: _Item | None) -> bool:
    """Has this item a value on either side?"""
    members = [*(old or {}).values(), *(new or {}).values()]
    return not all(compare.is_empty(member.value) for member in members)


def _line(
    old: _Member | None, new: _Member | None, market: str, comes_and_goes: bool = False
) -> Line:
    if not (old and new):
        member = new or old or _NOTHING
        side = side_of(member.text, market)
        if new:
            return Line(member.name, None, side, Happened.ADDED)
        return Line(member.name, side, None, Happened.REMOVED)
    cut = old.cut if new.cut is Cut.NEVER else new.cut
    texts = marked(*_texts(old, new), cut, market)
    happened = Happened.CHANGED if comes_and_goes else None
    return Line(new.name or old.name, texts.old, texts.new, happened, texts.whole, texts.note)


def _texts(old: _Member, new: _Member) -> tuple[str, str]:
    if old.text != new.text:
        return old.text, new.text
    # One day in two ways of writing, or two codes of one name.
    return compare.raw_text(old.value), compare.raw_text(new.value)


def _order_note(name: str, old: Json, new: Json) -> str:
    """The note on a list or object that has the same members as before."""
    if not isinstance(new, list) or compare.is_same(old, new):
        return str(_("no change that shows"))
    count = len(new)
    if FIELDS[name].kind is kinds.PHONES:
        same = ngettext("same phone", "same %(count)d phones, other order", count)
    else:
        same = ngettext("same opt-in", "same %(count)d opt-ins, other order", count)
    return same % {"count": count}


_PAIRED_BY: tuple[Callable[[int, Phone], Hashable], ...] = (
    lambda at, phone: (phone.number, phone.type),
    # The last digits: a number may have become international, or national.
    lambda at, phone: phones.dialled(phone.number)[-_TELLING:] or phone.number,
    lambda at, phone: phone.type,
    lambda at, phone: at,  # only where one has no type
)


def _phone_pairs(
    old: tuple[Phone, ...], new: tuple[Phone, ...]
) -> list[tuple[Phone | None, Phone | None]]:
    """Pairs in the order of the new list, then the phones that are gone."""
    before, after = dict(enumerate(old)), dict(enumerate(new))
    pairs: dict[int, Phone] = {}
    for key in _PAIRED_BY:
        if not (before and after):
            break
        places: defaultdict[Hashable, deque[int]] = defaultdict(deque)
        for at, phone in before.items():
            places[key(at, phone)].append(at)
        for at, phone in list(after.items()):
            same = places.get(key(at, phone))
            if same and (key is not _PAIRED_BY[-1] or not (old[same[0]].type and phone.type)):
                pairs[at] = before.pop(same.popleft())
                del after[at]
    return [(pairs.get(at), phone) for at, phone in enumerate(new)] + [
        (phone, None) for phone in before.values()
    ]
