"""What may be typed into a plain field: one form field a kind of value.

A cleaned value is what the API takes, or "" for nothing.
"""

import calendar
import re
import unicodedata
from collections.abc import Mapping
from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from customers.catalogue import compare, kinds, words
from customers.catalogue.fields import Field
from customers.catalogue.kinds import Kind
from customers.catalogue.markets import Market
from customers.clubmed.profile import Json, parse_date

_LONGEST = 255  # characters, where the contract names no length


def no_controls(text: str) -> None:
    """A value is one line of text: no control characters, nothing that came broken on its way."""
    if any(unicodedata.category(char) in ("Cc", "Cs") or char == "\ufffd" for char in text):
        raise ValidationError("This holds a character that cannot be typed: remove it.", "control")


class TextField(forms.CharField):
    """One line, trimmed. An empty one is refused where the field was there to be set."""

    def __init__(self, *, max_length: int | None, **kwargs: Any) -> None:
        super().__init__(max_length=max_length or _LONGEST, validators=[no_controls], **kwargs)
        most = max_length or _LONGEST
        self.error_messages["max_length"] = f"At most {most} characters; this has %(show_value)d."


class EmailField(TextField):
    """An address with one @ and a dot behind it; Club Med checks the rest."""

    default_error_messages = {
        "invalid": "This is not a whole e-mail address, like tom@example.com."
    }
    widget = forms.EmailInput

    def clean(self, value: Any) -> str:
        text: str = super().clean(value)
        if text and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s.]+", text):
            raise ValidationError(self.error_messages["invalid"], "invalid")
        return text


class DateField(forms.Field):
    """14/06/1986, 14.6.1986 or 1986-06-14; sent as 19860614 (contract 3)."""

    widget = forms.TextInput
    _SHAPES = (
        re.compile(r"(?P<d>\d{1,2})[/.\- ](?P<m>\d{1,2})[/.\- ](?P<y>\d{4})"),
        re.compile(r"(?P<y>\d{4})-(?P<m>\d{1,2})-(?P<d>\d{1,2})"),
        re.compile(r"(?P<y>\d{4})(?P<m>\d{2})(?P<d>\d{2})"),
    )

    def to_python(self, value: Any) -> str:
        text = (value or "").strip()
        if not text:
            return ""
        found = next((m for shape in self._SHAPES if (m := shape.fullmatch(text))), None)
        if found is None:
            raise ValidationError("Write the day, month and year, like 14/06/1986.", "invalid")
        year, month, day = (int(found[part]) for part in "ymd")
        return f"{_real_date(year, month, day):%Y%m%d}"

    def prepare_value(self, value: Any) -> Any:
        known = parse_date(value)
        return value if known is None or isinstance(value, date) else f"{known:%d/%m/%Y}"


def _real_date(year: int, month: int, day: int) -> date:
    if not 1 <= month <= 12:
        raise ValidationError(f"There is no month {month}: write day, month, year.", "invalid")
    if not 1800 <= year <= timezone.now().year:
        raise ValidationError(f"{year} cannot be a year of birth.", "invalid")
    if not 1 <= day <= calendar.monthrange(year, month)[1]:
        raise ValidationError(f"{day} {calendar.month_name[month]} does not exist.", "invalid")
    found = date(year, month, day)
    if found > timezone.now().date():
        raise ValidationError("This day is still to come.", "invalid")
    return found


class CodeField(forms.ChoiceField):
    """One of the known codes, or the code that is there now, however new."""

    default_error_messages = {"invalid_choice": "Choose one of the list."}

    def __init__(self, *, field: Field, now: Json, market: Market, **kwargs: Any) -> None:
        choices = dict(_choices(field, market))
        code = compare.raw_text(now)
        if code and code not in choices:
            choices = {code: f"{code}, a new value from Club Med", **choices}
        super().__init__(choices=[("", "Choose…"), *choices.items()], **kwargs)


def _choices(field: Field, market: Market) -> Mapping[str, str]:
    """The market's own choices, or Club Med's for this desk, or what is known here."""
    if own := market.rules.choices(_path(field)):
        return own
    if field.kind is kinds.COUNTRY:
        return market.countries or words.countries()
    if field.kind is kinds.LANGUAGE:
        return words.languages()
    return (field.name == "civility" and market.civilities) or field.choices


class BooleanField(forms.ChoiceField):
    """Yes or no, in the field's words: a choice, since unticked and unknown are two things."""

    default_error_messages = {"invalid_choice": "Choose one of the two."}
    widget = forms.RadioSelect

    def __init__(self, *, field: Field, **kwargs: Any) -> None:
        choices = field.choices or {"true": "Yes", "false": "No"}
        super().__init__(choices=list(choices.items()), **kwargs)

    def prepare_value(self, value: Any) -> Any:
        return str(value).lower() if isinstance(value, bool) else value

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        return "" if text == "" else text == "true"


def plain_field(field: Field, market: Market, *, now: Json = None, **common: Any) -> forms.Field:
    """The form field of a catalogue row with one input. now: the value there is, for choices that
    must keep it. common: what every form field takes.
    """
    kind: Kind = field.kind
    if kind in (kinds.CODE, kinds.COUNTRY, kinds.LANGUAGE) or market.rules.choices(_path(field)):
        return CodeField(field=field, now=now, market=market, **common)
    if kind is kinds.BOOLEAN:
        return BooleanField(field=field, **common)
    if kind is kinds.DATE:
        return DateField(**common)
    if kind is kinds.NUMBER:
        return forms.IntegerField(widget=forms.TextInput, **common)
    if kind is kinds.EMAIL:
        return EmailField(max_length=field.max_length, **common)
    return TextField(max_length=field.max_length, **common)


def _path(field: Field) -> str:
    return field.path or field.name
