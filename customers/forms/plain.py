"""What may be typed into a plain field: one form field a kind of value; and what the parts of a
profile's form share.

A cleaned value is what the API takes, or "" for nothing.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator
from django.forms.utils import ErrorDict
from django.http import QueryDict
from django.utils import timezone
from django.utils.dates import MONTHS
from django.utils.functional import cached_property

from customers import wording
from customers.access import Actor
from customers.audit.models import Entry
from customers.catalogue import compare, dates, emails, kinds, patterns, reader, typed, words
from customers.catalogue.fields import Create, Field
from customers.catalogue.markets import Market, country_name
from customers.clubmed.profile import Json, Profile, parse_date
from customers.clubmed.schema import Problem, visible_length

_LONGEST = 255  # letters, where the contract names no length
_UNBOUNDED = 10_000  # letters of a value whose length Club Med is to judge
DOUBT = "doubt"  # of an error that a person may overrule: Club Med may know better
_DOUBTS = {DOUBT, "max_length"}


def nothing_broken(text: str) -> None:
    """No half of a character, and nothing that could not be read on its way."""
    if any(unicodedata.category(char) == "Cs" or char == "\ufffd" for char in text):
        raise ValidationError(wording.CONTROL, "broken")


class _MostLetters(MaxLengthValidator):
    def clean(self, x: Any) -> int:
        return visible_length(x)


def sent_text(value: Any) -> str:
    """What a browser sends of a value that an input shows: one line, without spaces around it."""
    return re.sub(r"[\r\n]", "", "" if value is None or value is False else str(value)).strip()


class Inputs(forms.Form):
    """A form of a profile's inputs. An input has changed if its text is not as it was shown."""

    use_required_attribute = False

    @cached_property
    def changed_data(self) -> list[str]:
        texts = {bound.name: bound.field.prepare_value(bound.initial) for bound in self}
        return [name for name in texts if sent_text(texts[name]) != sent_text(self[name].data)]

    def forgive(self) -> None:
        """Show the text that was sent, without errors."""
        self._errors = ErrorDict()
        self.cleaned_data: dict[str, Any] = {}


class TextField(forms.CharField):
    """One line of text, cleaned. max_length: in letters as people see them; 255 if None."""

    default_error_messages = {"max_length": wording.TOO_LONG}
    default_validators = [nothing_broken]

    def __init__(self, *, max_length: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.validators.append(_MostLetters(max_length or _LONGEST))

    def to_python(self, value: Any) -> str:
        return self.clean_text(super().to_python(value) or "")

    def clean_text(self, text: str) -> str:
        return typed.one_line(text)


class CodeField(TextField):
    """A number or a code, in whatever digits it was typed."""

    def clean_text(self, text: str) -> str:
        return typed.coded(text)


class EmailField(TextField):
    """An e-mail address, as RFC 5321 has it."""

    widget = forms.EmailInput

    def clean_text(self, text: str) -> str:
        return emails.address(text)

    def run_validators(self, value: Any) -> None:
        super().run_validators(value)
        if value and not emails.is_address(value):
            raise ValidationError(wording.NOT_AN_EMAIL, "invalid")


class DateField(forms.Field):
    """A day as people write it; sent as 19860614 (contract 3)."""

    widget = forms.TextInput

    def to_python(self, value: Any) -> str:
        if not typed.cleaned(value or ""):
            return ""
        day = dates.read(value)
        if day is None:
            raise ValidationError(wording.NOT_A_DATE, "invalid")
        return f"{_real_date(*day):%Y%m%d}"

    def prepare_value(self, value: Any) -> Any:
        day = parse_date(value)
        return value if day is None or isinstance(value, date) else f"{day:%d/%m/%Y}"


def _real_date(year: int, month: int, day: int) -> date:
    latest = (timezone.now() + timedelta(hours=14)).date()  # a day begins in UTC+14
    if not 1 <= month <= 12:
        raise ValidationError(wording.NO_SUCH_MONTH % {"month": month}, "invalid")
    if not 1800 <= year <= latest.year:
        raise ValidationError(wording.NO_SUCH_YEAR % {"year": year}, "invalid")
    try:
        real_date = date(year, month, day)
    except ValueError:
        params = {"day": day, "month": MONTHS[month]}
        raise ValidationError(wording.NO_SUCH_DAY % params, "invalid") from None
    if real_date > latest:
        raise ValidationError(wording.FUTURE_DAY, "invalid")
    return real_date


class ChoiceField(forms.ChoiceField):
    """One of several."""

    default_error_messages = {"invalid_choice": wording.CHOOSE_ONE}


class BooleanField(forms.TypedChoiceField):
    """Yes or no, in the field's words. Not a checkbox, as "no" and "not known" differ."""

    default_error_messages = {"invalid_choice": wording.CHOOSE_ONE}
    widget = forms.RadioSelect

    def __init__(self, *, field: Field, **kwargs: Any) -> None:
        choices = field.choices or {"true": words.yes_no(True), "false": words.yes_no(False)}
        super().__init__(
            choices=list(choices.items()), coerce=lambda text: text == "true", **kwargs
        )

    def prepare_value(self, value: Any) -> Any:
        return str(value).lower() if isinstance(value, bool) else value


def plain_field(
    field: Field, market: Market, *, now: Json = None, is_bounded: bool = True, **common: Any
) -> forms.Field:
    """The form field of a catalogue row with one input. now: the value there is, for choices that
    must keep it. is_bounded: does its length count? common: what every form field takes.
    """
    kind = field.kind
    if kind is kinds.BOOLEAN:
        return BooleanField(field=field, **common)
    if choices := _choices(field, market):
        code = compare.raw_text(now)
        if code and code not in choices:
            choices = {code: wording.NEW_VALUE % {"code": code}, **choices}
        return ChoiceField(choices=[("", wording.CHOOSE), *choices.items()], **common)
    if kind is kinds.DATE:
        return DateField(**common)
    if kind is kinds.NUMBER:
        return forms.IntegerField(widget=forms.TextInput, **common)
    field_class = {kinds.EMAIL: EmailField, kinds.IDENTIFIER: CodeField}.get(kind, TextField)
    return field_class(max_length=field.max_length if is_bounded else _UNBOUNDED, **common)


def _choices(field: Field, market: Market) -> Mapping[str, str]:
    """What can be chosen, code -> name; {} where anything can be typed.

    The market's own choices, or Club Med's for this desk, or those that are known here; in the
    person's words where the code is known here, else in the market's.
    """
    by_kind = {kinds.COUNTRY: words.countries, kinds.LANGUAGE: words.languages}
    names = by_kind[field.kind]() if field.kind in by_kind else field.choices
    of_desk = market.countries if field.kind is kinds.COUNTRY else {}
    of_desk = market.civilities if field.name == "civility" else of_desk
    offered = market.rules.choices(field.path or field.name) or of_desk or names
    named = {code: names.get(code, name) for code, name in offered.items()}
    return reader.in_order(named) if field.kind in by_kind else named


def dress(form: forms.BaseForm) -> None:
    """Give each input its look. A browser shall not complete, check or cut what is typed: it may
    send it elsewhere for that. Its direction is that of its first letter, as where it is shown.
    """
    looks: dict[type, str] = {
        forms.Select: "form-select",
        forms.RadioSelect: "form-check-input",
        forms.CheckboxInput: "form-check-input",
    }
    for field in form.fields.values():
        attrs = field.widget.attrs
        attrs |= {"class": looks.get(type(field.widget), "form-control"), "autocomplete": "off"}
        if isinstance(field.widget, forms.TextInput | forms.EmailInput):
            attrs |= {"spellcheck": "false", "dir": "auto"}
        attrs.pop("maxlength", None)
        if isinstance(field, DateField):
            attrs |= {"class": "form-control num", "inputmode": "numeric"}


def codes_of(errors: ErrorDict) -> set[str | None]:
    """The codes of all errors of a form."""
    return {error.code for of_one in errors.as_data().values() for error in of_one}


@dataclass(frozen=True)
class Editing:
    """What a form is for. name: what its token is good for, "123456789/email" or "new". profile:
    as the person saw it, nobody's for a new customer. alone: there is one field, in place. reason:
    why the customer is being changed, as the bar says.
    """

    rows: Sequence[Field]
    market: Market
    actor: Actor
    name: str
    profile: Profile
    alone: bool = False
    reason: str = ""

    @property
    def is_new(self) -> bool:
        return not self.profile.customer_id

    def words(self, problem: Problem) -> str:
        """What the customer's market refuses, in words."""
        lengths = {"limit_value": problem.limit, "show_value": problem.length}
        pattern = patterns.in_words(problem.pattern)
        country = country_name(self.market.locale)
        params = lengths | {"country": country, "hint": problem.hint, "pattern": pattern}
        return wording.MARKET_RULES[f"pattern {problem.rule}" if pattern else problem.rule] % params


@dataclass(frozen=True)
class Clash:
    """A field that moved while somebody typed. choice: whose value is to be, "theirs" or "mine".
    saw: "" if empty, None if it is not known any more. by: the entry of whoever was quicker, if it
    was somebody here.
    """

    now: str
    choice: str = ""
    saw: str | None = None
    mine: str = ""
    by: Entry | None = None


class Part:
    """The inputs of one field of the catalogue: a form, or a set of forms, inside a longer one.

    Forms of two kinds mix this in. now: the value that Club Med holds, as the person saw it.
    clears: the person ticked "Clear". initial, when made: what to show instead of the value now.
    """

    clears = False
    clash: Clash | None = None

    def __init__(self, editing: Editing, row: Field, data: QueryDict | None, **form: Any) -> None:
        self.editing, self.row, self.now = editing, row, row.value(editing.profile)
        self.is_overruled = data is not None and row.name in data.getlist("anyway")
        super().__init__(data, **form)  # type: ignore[call-arg]

    def refuse(self, path: Sequence[str], message: str | ValidationError) -> None:
        """Put a message beside the input that the path names, or under all. path: ["zip_code"]."""
        raise NotImplementedError

    def doubt(self, path: Sequence[str], message: str) -> None:
        """Refuse a value until the person says to send it all the same."""
        if not self.is_overruled:
            self.refuse(path, ValidationError(message, DOUBT))

    @property
    def error_codes(self) -> set[str | None]:
        """The code of every message."""
        raise NotImplementedError

    @property
    def is_doubted(self) -> bool:
        """May the person overrule all that is said against it?"""
        codes, doubts = self.error_codes, _DOUBTS | ({"required"} if self.is_asked_for else set())
        return bool(codes) and codes <= doubts

    @property
    def is_asked_for(self) -> bool:
        """Does the market, and not the contract, ask for this field of a new customer?"""
        is_open = self.editing.is_new and self.row.create is not Create.REQUIRED
        return is_open and self.row.name in self.editing.market.rules.required()

    @property
    def needed(self) -> str:
        """Required in Brazil; "" if it is not the market that asks for it."""
        country = {"country": country_name(self.editing.market.locale)}
        return wording.REQUIRED_IN % country if self.is_asked_for else ""

    @property
    def may_clear(self) -> bool:
        """Is there a value that may be emptied?"""
        return not self.editing.is_new and self.row.clearable and not compare.is_empty(self.now)

    @property
    def clear_doubt(self) -> str:
        """What the customer's market says against no value, "" if nothing."""
        name, cleared = self.row.name, self.row.kind.compose(self.now, self.row.cleared(self.now))
        rules = self.editing.market.rules
        messages = map(self.editing.words, rules.problems({name: cleared}, now={name: self.now}))
        return " ".join(dict.fromkeys(messages))

    @cached_property
    def missing(self) -> str:
        """The message for an empty field, "" if the field may be empty."""
        row, editing = self.row, self.editing
        if editing.is_new:
            if row.create is Create.REQUIRED:
                return str(wording.REQUIRED)
            is_needed = self.is_asked_for and not self.is_overruled
            return editing.words(Problem(row.name, "required")) if is_needed else ""
        if self.may_clear:
            how = wording.USE_CLEAR if editing.alone else wording.TICK_CLEAR
            return how % {"clear": row.clear_words}
        if compare.is_empty(self.now):
            return str(wording.EMPTY_ALREADY) if editing.alone else ""
        return wording.CANNOT_BE_EMPTY % {"field": row.label}


class FormPart(Part, Inputs):
    """A part that is one form."""

    @property
    def is_omitted(self) -> bool:
        """Did the browser send none of the inputs?"""
        return all(map(self.omits, self.fields))

    @property
    def is_blank(self) -> bool:
        """Are all inputs empty?"""
        return not any(sent_text(bound.value()) for bound in self)

    def omits(self, name: str) -> bool:
        """Did this input not come back?"""
        widget = self.fields[name].widget
        return bool(widget.value_omitted_from_data(self.data, self.files, self.add_prefix(name)))

    def refuse(self, path: Sequence[str], message: str | ValidationError) -> None:
        name = self.input_at(path)
        self.add_error(name if name in self.fields else None, message)

    @property
    def error_codes(self) -> set[str | None]:
        return codes_of(self.errors)

    def input_at(self, path: Sequence[str]) -> str:
        """The name of that input, if it is an input of this form."""
        return path[0] if path else self.row.name

    @property
    def whole_errors(self) -> list[str]:
        """The messages that belong beside no single one of several inputs."""
        return [*self.non_field_errors(), *self.errors.get(self.row.name, ())]

    @property
    def problems(self) -> list[str]:
        """Every message, with the input's label before it where there are several."""
        several = [bound for bound in self if bound.name != self.row.name]
        messages = [
            wording.ABOUT % {"field": bound.label, "message": error}
            for bound in several
            for error in bound.errors
        ]
        return [*self.whole_errors, *messages]


class PlainPart(FormPart):
    """One input: named after the field, or `value` where it stands alone."""

    def __init__(self, editing: Editing, row: Field, data: QueryDict | None, initial: Json) -> None:
        auto_id = f"id_{row.name}_%s" if editing.alone else "id_%s"
        super().__init__(editing, row, data, auto_id=auto_id)
        now = None if row.sensitive else self.now
        self.initial = {row.name: now if initial is None else initial}
        self.fields[row.name] = plain_field(
            row,
            editing.market,
            now=now,
            is_bounded=not self.is_overruled,
            label=row.label,
            required=bool(self.missing),
            error_messages={"required": self.missing},
        )
        dress(self)

    def add_prefix(self, field_name: str) -> str:
        return "value" if self.editing.alone else field_name

    @property
    def bound(self) -> forms.BoundField:
        return self[self.row.name]

    @property
    def value(self) -> Json:
        return self.cleaned_data.get(self.row.name)
