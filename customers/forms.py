"""Forms made from the catalogue: one field in place, or a new customer.

A form's cleaned value is what the API takes. An empty input is never a clear: clearing is an act of
its own.
"""

import calendar
import re
import unicodedata
from collections.abc import Container, Iterable, Mapping
from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils import timezone

from customers import kinds
from customers.clubmed.errors import FieldError
from customers.clubmed.profile import Json, Profile, parse_date, parse_phones
from customers.fields import FIELDS, Create, Field, creatable
from customers.kinds import Kind
from customers.market import Market
from customers.tokens import Token

_LONGEST = 255  # characters, where the contract names no length
_MOST_PHONES = 20
_PHONE_PARTS = ("type", "number", "row")


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
        code = kinds.raw_text(now)
        if code and code not in choices:
            choices = {code: f"{code}, a new value from Club Med", **choices}
        super().__init__(choices=[("", "Choose…"), *choices.items()], **kwargs)


def _choices(field: Field, market: Market) -> Mapping[str, str]:
    """The market's own choices, or Club Med's for this desk, or what is known here."""
    if own := market.rules.choices(field.name):
        return own
    if field.kind is kinds.COUNTRY:
        return market.countries or kinds.countries()
    if field.kind is kinds.LANGUAGE:
        return kinds.languages()
    return (field.name == "civility" and market.civilities) or field.choices


class BooleanField(forms.ChoiceField):
    """Yes or no, in the field's words: a choice, since unticked and unknown are two things."""

    default_error_messages = {"invalid_choice": "Choose one of the two."}
    widget = forms.RadioSelect

    def __init__(self, *, field: Field, **kwargs: Any) -> None:
        super().__init__(choices=list(field.choices.items()), **kwargs)

    def prepare_value(self, value: Any) -> Any:
        return str(value).lower() if isinstance(value, bool) else value

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        return "" if text == "" else text == "true"


class Rows(list[dict[str, str]]):
    """Rows as they were typed, told apart from the phones of a profile."""


class PhonesInput(forms.Widget):
    """Rows of a type and a number.

    In an editor of its own the inputs are `type`, `number` and `row` (which phone the row was made
    from), once a row; in a longer form they are `phones-0-type`, `phones-0-number`, ...
    """

    template_name = "customers/_phones_input.html"

    def __init__(self, *, numbered: bool = False) -> None:
        super().__init__()
        self.numbered = numbered

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Rows:
        if not isinstance(data, QueryDict):
            data = QueryDict(mutable=True)
        rows = self._numbered_rows(data, name) if self.numbered else self._rows(data)
        if "add" in data:  # the two buttons inside, without a script
            rows.append({"type": "MOBILE", "number": "", "row": ""})
        remove = data.get("remove", "")
        if remove.isdecimal():
            rows = Rows(row for i, row in enumerate(rows) if i != int(remove[:4]))
        return rows

    @staticmethod
    def _rows(data: QueryDict) -> Rows:
        columns = {part: data.getlist(part) for part in _PHONE_PARTS}
        return Rows(
            {part: values[i] if i < len(values) else "" for part, values in columns.items()}
            for i in range(len(columns["number"]))
        )

    @staticmethod
    def _numbered_rows(data: QueryDict, name: str) -> Rows:
        shape = re.compile(rf"{name}-(\d{{1,3}})-number")
        numbers = sorted(int(found[1]) for key in data if (found := shape.fullmatch(key)))
        return Rows(
            {part: data.get(f"{name}-{i}-{part}", "") for part in _PHONE_PARTS} for i in numbers
        )

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return not self.value_from_datadict(data, files, name)

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        stem = f"{name}-%d-%s" if self.numbered else ""
        rows = [
            {
                **row,
                "choices": _phone_types(row["type"]),
                "type_name": stem % (i, "type") if stem else "type",
                "number_name": stem % (i, "number") if stem else "number",
                "row_name": stem % (i, "row") if stem else "row",
            }
            for i, row in enumerate(value)
        ]
        return context | {"rows": rows, "numbered": self.numbered}


def _phone_types(now: str) -> dict[str, str]:
    known = dict(kinds.PHONE_TYPES)
    return known if not now or now in known else known | {now: f"{now}, a new type"}


class PhonesField(forms.Field):
    """The whole list, as rows for `kinds.compose_phones`; numbers as the API takes them."""

    widget = PhonesInput

    def __init__(self, *, now: Json = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.now = parse_phones(now) or ()

    def prepare_value(self, value: Any) -> list[dict[str, str]]:
        """Rows to show: those typed, or those of the phones there are, or an empty one."""
        if isinstance(value, Rows) and value:
            return value
        return [
            {"type": phone.type or "", "number": phone.number or "", "row": str(i)}
            for i, phone in enumerate(parse_phones(value) or ())
        ] or [{"type": "MOBILE", "number": "", "row": ""}]

    def clean(self, value: Any) -> list[dict[str, Any]]:
        rows = [row for row in value if row["number"].strip() or row["row"]]
        if self.required and not rows:
            raise ValidationError(self.error_messages["required"], "required")
        if len(rows) > _MOST_PHONES:
            raise ValidationError(f"At most {_MOST_PHONES} phones.", "most")
        return [self._row(row) for row in rows]

    def _row(self, row: dict[str, str]) -> dict[str, Any]:
        index = int(row["row"]) if row["row"].isdecimal() and len(row["row"]) < 4 else None
        made_from = self.now[index] if index is not None and index < len(self.now) else None
        if made_from and (row["type"], row["number"]) == (made_from.type or "", made_from.number):
            return {"row": index, "type": made_from.type, "number": made_from.number}
        if not row["number"].strip():
            raise ValidationError("To take a phone out of the list, use its bin.", "blank")
        number = re.sub(r"[\s.()/\-]", "", row["number"])
        if not re.fullmatch(r"\+?[0-9]{3,20}", number):
            shown = row["number"].strip()[:40]
            raise ValidationError(
                f"“{shown}” is not a phone number: digits, with + first.", "number"
            )
        if row["type"] not in _phone_types(made_from.type or "" if made_from else ""):
            raise ValidationError("Choose a type for each phone.", "type")
        return {"row": index, "type": row["type"], "number": number}


def _form_field(field: Field, market: Market, *, now: Json = None, required: bool) -> forms.Field:
    """The form field of a catalogue row. now: the value there is, for choices that must keep it."""
    common: dict[str, Any] = {
        "label": field.label,
        "required": required,
        "error_messages": {"required": _missing(field, now)},
    }
    kind: Kind = field.kind
    if kind in (kinds.CODE, kinds.COUNTRY, kinds.LANGUAGE):
        return CodeField(field=field, now=now, market=market, **common)
    if kind is kinds.BOOLEAN:
        return BooleanField(field=field, **common)
    if kind is kinds.DATE:
        return DateField(**common)
    if kind is kinds.PHONES:
        return PhonesField(now=now, **common)
    if kind is kinds.EMAIL:
        return EmailField(max_length=field.max_length, **common)
    return TextField(max_length=field.max_length, **common)


def _missing(field: Field, now: Json) -> str:
    if field.clearable and not kinds.is_empty(now):
        return f"An empty answer changes nothing. To empty it, use “Clear {field.the_label}…”."
    return f"{field.label} cannot be empty."


class ValueForm(forms.Form):
    """The editor of one field: one input, `value`.

    now: the value that the person saw. data: what was sent, to be checked. typed: what was typed
    before, to be shown again and not checked yet. rows: phones to show, as they were cleaned.
    """

    use_required_attribute = False

    def __init__(
        self,
        field: Field,
        market: Market,
        *,
        now: Json,
        data: QueryDict | None = None,
        typed: QueryDict | None = None,
        rows: list[dict[str, Any]] | None = None,
    ) -> None:
        super().__init__(data, initial={"value": now})
        if rows is not None:
            self.initial["value"] = _shown_value(rows)
        self.field, self.now, self.market = field, now, market
        self.fields["value"] = _form_field(field, market, now=now, required=True)
        _show_again(self, typed)
        _decorate(self)

    def clean(self) -> None:
        if "value" in self.cleaned_data:
            self.check_market(self.cleaned_data["value"])

    def check_market(self, value: Json) -> None:
        """Would the customer's market take this value, as the editor or a clear gives it?"""
        body = {self.field.name: self.field.kind.compose(self.now, value)}
        for problem in self.market.rules.problems(body, now={self.field.name: self.now}):
            self.add_error("value", _in_words(problem))


def _in_words(problem: FieldError) -> str:
    """A member that a message is about is named: the form has one place for the whole field."""
    member = problem.key.partition(".")[2]
    return f"{member}: {problem.message}" if member else problem.message


class CreateForm(forms.Form):
    """A new customer: inputs named after the API's fields; what is left empty is not sent."""

    use_required_attribute = False

    def __init__(
        self,
        market: Market,
        data: QueryDict | None = None,
        *,
        typed: QueryDict | None = None,
    ) -> None:
        super().__init__(data, initial={"customer_type": "PROSPECT"})
        self.market = market
        for row in creatable():
            required = row.create is Create.REQUIRED or row.name in market.rules.required
            self.fields[row.name] = _form_field(row, market, required=required)
            self.fields[row.name].error_messages["required"] = "Needed to create a customer."
        self.fields["phones"].widget = PhonesInput(numbered=True)
        _show_again(self, typed)
        _decorate(self)

    def clean(self) -> None:
        """What the market would not take; what is required was asked for already."""
        typed = {name: value for name, value in self.cleaned_data.items() if value}
        body = {name: FIELDS[name].kind.compose(None, value) for name, value in typed.items()}
        for problem in self.market.rules.problems(body):
            name = problem.key.split(".")[0].split("[")[0]
            if name in typed:
                self.add_error(name, _in_words(problem))


class GroupForm(forms.Form):
    """Several fields of one customer at once, an input each named after the API's field.

    profile: what the person saw. An input that is as it was shown changes nothing, whatever it
    holds. `clear` names the fields to clear. `conflict` names those where somebody was quicker, and
    `<field>-choice` says whose value is to be: "theirs" or "mine".

    data: what was sent, to be checked; token: of what was shown, in case that was another profile.
    typed: what was sent, to be shown again and not checked yet; touched: only these fields of it.
    values: what was typed, as it was cleaned, to be shown over a newer profile.
    """

    use_required_attribute = False

    def __init__(
        self,
        rows: Iterable[Field],
        profile: Profile,
        market: Market,
        *,
        data: QueryDict | None = None,
        token: Token | None = None,
        typed: QueryDict | None = None,
        touched: Container[str] | None = None,
        values: Mapping[str, Json] | None = None,
    ) -> None:
        super().__init__(data)
        self.rows = {row.name: row for row in rows}
        self.profile, self.market, self.token = profile, market, token
        self.changes: dict[str, Json] = {}  # field -> the value to store, as its editor gives it
        self.touched: set[str] = set()
        sent = data or typed or QueryDict()
        self.to_clear = set(sent.getlist("clear"))
        self.choices = {
            name: sent.get(f"{name}-choice", "")
            for name in sent.getlist("conflict")
            if name in self.rows
        }
        for name, row in self.rows.items():
            now = row.value(profile)
            required = not kinds.is_empty(now) and not row.sensitive
            self.fields[name] = _form_field(row, market, now=now, required=required)
            self.initial[name] = _shown_value(values[name]) if values and name in values else now
            if row.clearable:
                empty = (
                    f"An empty answer changes nothing. To empty it, tick “Clear {row.the_label}”."
                )
                self.fields[name].error_messages["required"] = empty
            if row.kind is kinds.PHONES:
                self.fields[name].widget = PhonesInput(numbered=True)
        _show_again(self, typed, only=touched)
        _decorate(self)

    def clean(self) -> None:
        """Fill `changes`; what was not touched is neither checked nor sent."""
        for name, row in self.rows.items():
            clear = row.clearable and name in self.to_clear
            typed = self._is_touched(name) and not (clear and self._is_blank(name))
            if not typed and not clear:
                self.errors.pop(name, None)
                continue
            self.touched.add(name)
            choice = self.choices.get(name, "mine")
            if choice == "theirs" or not typed:
                self.errors.pop(name, None)
            if choice not in ("theirs", "mine"):
                self.add_error(name, "Choose one: theirs or yours.")
            elif choice == "mine" and typed and clear:
                self.add_error(name, "Type another or clear it: it cannot be both.")
            elif choice == "mine" and clear:
                self.changes[name] = row.cleared
            elif choice == "mine" and name in self.cleaned_data:
                self.changes[name] = self.cleaned_data[name]
        self._check_market()

    def _check_market(self) -> None:
        """Would the customer's market take what is to be sent?"""
        now = {name: self.rows[name].value(self.profile) for name in self.changes}
        body = {
            name: self.rows[name].kind.compose(now[name], value)
            for name, value in self.changes.items()
        }
        for problem in self.market.rules.problems(body, now=now):
            self.add_error(problem.key.split(".")[0].split("[")[0], _in_words(problem))

    def _is_touched(self, name: str) -> bool:
        """Is the input another than it was shown?"""
        row, now = self.rows[name], self.rows[name].value(self.profile)
        if _as_sent(self[name].data) == _as_sent(self.fields[name].prepare_value(now)):
            return False
        if self.token is None or self.token.vouches_for(name, now):
            return True
        if name not in self.token.seen:  # it was not part of what was previewed
            return False
        # The person saw an older profile, which is not at hand: only what it meant is known.
        typed = self.cleaned_data.get(name)
        return not self.token.vouches_for(name, row.kind.compose(None, typed))

    def _is_blank(self, name: str) -> bool:
        return _as_sent(self[name].data) in ("", [])


def _shown_value(typed: Json) -> Json:
    """A cleaned value as an initial one: rows of phones are told apart from phones."""
    if not isinstance(typed, list):
        return typed
    return Rows({**row, "row": "" if row["row"] is None else str(row["row"])} for row in typed)


def _as_sent(value: Any) -> Any:
    """What a browser sends of a value that an input shows: one line, without spaces around it."""
    if isinstance(value, dict):
        return {key: _as_sent(member) for key, member in value.items()}
    if isinstance(value, list):
        return [_as_sent(item) for item in value]
    return re.sub(r"[\r\n]", "", "" if value is None else str(value)).strip()


class SettleForm(forms.Form):
    """A person's word on an unclear change. customer_id: of a customer that a create made."""

    use_required_attribute = False
    landed = forms.TypedChoiceField(
        label="Did Club Med store it?",
        choices=[("yes", "Yes, Club Med stored it"), ("no", "No, it was not stored")],
        coerce=lambda answer: answer == "yes",
        widget=forms.RadioSelect,
        error_messages={"required": "Choose one."},
    )
    customer_id = forms.RegexField(
        r"^[1-9][0-9]{0,63}$",
        label="Number of the customer that was created",
        required=False,
        error_messages={"invalid": "Digits only, not starting with 0."},
    )
    reason = TextField(
        label="How do you know?",
        max_length=None,
        error_messages={"required": "Say how you know: the log keeps it."},
    )

    def __init__(self, data: QueryDict | None = None, *, typed: QueryDict | None = None) -> None:
        super().__init__(data)
        _show_again(self, typed)
        _decorate(self)


def _show_again(
    form: forms.Form, typed: QueryDict | None, *, only: Container[str] | None = None
) -> None:
    if typed is not None:
        shown = {name: field for name, field in form.fields.items() if only is None or name in only}
        for name, field in shown.items():
            form.initial[name] = field.widget.value_from_datadict(typed, {}, name)


def _decorate(form: forms.Form) -> None:
    """Give each input its look, and tie it to its message."""
    for name, field in form.fields.items():
        looks = {forms.Select: "form-select", forms.RadioSelect: "form-check-input"}
        field.widget.attrs["class"] = looks.get(type(field.widget), "form-control")
        field.widget.attrs["autocomplete"] = "off"
        field.widget.attrs.pop("maxlength", None)  # a browser would cut what is pasted, silently
        if isinstance(field, DateField):
            field.widget.attrs |= {"class": "form-control num", "inputmode": "numeric"}
        if form.is_bound and form[name].errors:
            field.widget.attrs |= {"aria-invalid": "true"}


def add_refusal(form: forms.Form, errors: tuple[FieldError, ...], names: list[str]) -> list[str]:
    """Put each message of Club Med's beside its field; returns those that have no field here.

    names: the catalogue's names that this form edits; one name means the form's `value`.
    """
    rest = []
    for error in errors:
        message = error.message or error.code or "Refused without a reason."
        name = error.key.split(".")[0].split("[")[0]
        if name in names:
            form.add_error("value" if "value" in form.fields else name, f"Club Med: {message}")
        else:
            rest.append(f"{error.key}: {message}" if error.key else message)
    _decorate(form)
    return rest
