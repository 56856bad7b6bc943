"""Forms made from the catalogue: one field in place, a group of fields, or a new customer.

A form's cleaned value is what the API takes. An empty input is never a clear: clearing is an act of
its own.
"""

import re
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import QueryDict

from customers.catalogue import compare, kinds
from customers.catalogue.fields import FIELDS, Create, Field, Group, creatable
from customers.catalogue.markets import Market
from customers.clubmed.errors import FieldError
from customers.clubmed.profile import Json, Profile, member_name
from customers.form_token import Token
from customers.forms.composite import Members, MembersField, OptinsField, PhonesField, Rows, as_sent
from customers.forms.plain import DateField, TextField, plain_field


def form_field(
    field: Field, market: Market, *, now: Json = None, required: bool, many: bool = False
) -> forms.Field:
    """The form field of a catalogue row.

    now: the value there is. many: it stands beside others, so its inputs carry the field's name.
    """
    common: dict[str, Any] = {
        "label": field.label,
        "required": required,
        "error_messages": {"required": _missing(field, market, now)},
    }
    if field.kind is kinds.PHONES:
        composed: forms.Field = PhonesField(now=now, region=market.region, **common)
    elif field.kind is kinds.OPTINS:
        composed = OptinsField(now=now, **common)
    elif field.members:
        composed = MembersField(field, market, now=now, **common)
    else:
        return plain_field(field, market, now=_begins_with(field, now), **common)
    composed.widget.numbered = many
    return composed


_COMPOSED = (MembersField, OptinsField, PhonesField)


def _begins_with(field: Field, now: Json) -> Json:
    """What an input is given to show; an object's keeps its sensitive members to itself."""
    return None if field.sensitive and not field.members else now


def _may_clear(field: Field, market: Market, now: Json) -> bool:
    """Is there a value that may be emptied, here and in the customer's market?"""
    if not field.clearable or compare.is_empty(now):
        return False
    body = {field.name: field.kind.compose(now, field.cleared(now))}
    return not market.rules.problems(body, now={field.name: now})


def _missing(field: Field, market: Market, now: Json) -> str:
    if _may_clear(field, market, now):
        return f"An empty answer changes nothing. To empty it, use “{field.clear_words}…”."
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
        super().__init__(
            data, initial={"value": _begins_with(field, now)}, auto_id=f"id_{field.name}_%s"
        )
        if rows is not None:
            self.initial["value"] = _shown_value(rows)
        self.field, self.now, self.market = field, now, market
        self.may_clear = _may_clear(field, market, now)
        self.fields["value"] = form_field(field, market, now=now, required=True)
        _show_again(self, typed)
        _decorate(self)

    def clean(self) -> None:
        if "value" in self.cleaned_data:
            self.check_market(self.cleaned_data["value"])

    def check_market(self, value: Json) -> None:
        """Would the customer's market take this value, as the editor or a clear gives it?"""
        name = self.field.name
        body = {name: self.field.kind.compose(self.now, value)}
        for problem in self.market.rules.problems(body, now={name: self.now}):
            _add_error(self, "value", problem.key, problem.message)


@dataclass(frozen=True)
class Input:
    """An input of a longer form, with its row of the catalogue."""

    row: Field
    bound: forms.BoundField

    @property
    def is_in_use(self) -> bool:
        value = self.bound.value()
        held = value.values() if isinstance(value, dict) else value
        return bool(self.bound.errors or self.bound.field.required) or bool(
            any(held) if not isinstance(held, str) and held else held
        )


@dataclass(frozen=True)
class Section:
    """A part of the create form. folded: (summary, inputs, is it open) for what is rarely told."""

    title: str
    inputs: list[Input]
    folded: list[tuple[str, list[Input], bool]]


_SECTIONS = (
    ("Who is calling", (Group.IDENTITY,)),
    ("How to reach them", (Group.CONTACT,)),
    ("What they want", (Group.PREFERENCES,)),
    ("About this call", (Group.HEAD, Group.ACCOUNT, Group.CALL)),
)


class CreateForm(forms.Form):
    """A new customer: inputs named after the API's fields; what is left empty is not sent."""

    use_required_attribute = False

    def __init__(
        self,
        market: Market,
        data: QueryDict | None = None,
        *,
        typed: QueryDict | None = None,
        known: Mapping[str, Json] | None = None,
    ) -> None:
        super().__init__(data, initial={"customer_type": "PROSPECT", **(known or {})})
        self.market = market
        for row in creatable():
            required = row.create is Create.REQUIRED or row.name in market.rules.required()
            self.fields[row.name] = form_field(row, market, required=required, many=True)
            self.fields[row.name].error_messages["required"] = "Needed to create a customer."
        _show_again(self, typed)
        _decorate(self)

    @property
    def sections(self) -> list[Section]:
        """The inputs in the order of a call: by group, as the catalogue has them."""
        sections = []
        for title, groups in _SECTIONS:
            inputs = [Input(row, self[row.name]) for row in creatable() if row.group in groups]
            native = [one for one in inputs if one.row.native]
            folds = [("Name in its own script", native)] if native else []
            folds += [(one.row.label, [one]) for one in inputs if _is_folded(one.row)]
            sections.append(
                Section(
                    title,
                    [one for one in inputs if not one.row.native and not _is_folded(one.row)],
                    [(name, held, any(one.is_in_use for one in held)) for name, held in folds],
                )
            )
        return sections

    def clean(self) -> None:
        """What the market would not take; what is required was asked for already."""
        typed = {name: value for name, value in self.cleaned_data.items() if value}
        body = {name: FIELDS[name].kind.compose(None, value) for name, value in typed.items()}
        for problem in self.market.rules.problems(body):
            name = member_name(problem.key)
            if name in typed:
                _add_error(self, name, problem.key, problem.message)


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
        self.may_clear: set[str] = set()
        sent = data or typed or QueryDict()
        self.to_clear = set(sent.getlist("clear"))
        self.choices = {
            name: sent.get(f"{name}-choice", "")
            for name in sent.getlist("conflict")
            if name in self.rows
        }
        for name, row in self.rows.items():
            now = row.value(profile)
            required = not compare.is_empty(now)
            self.fields[name] = form_field(row, market, now=now, required=required, many=True)
            self.initial[name] = _begins_with(row, now)
            if values and name in values:
                self.initial[name] = _shown_value(values[name])
            if _may_clear(row, market, now):
                self.may_clear.add(name)
                empty = f"An empty answer changes nothing. To empty it, tick “{row.clear_words}”."
                self.fields[name].error_messages["required"] = empty
        _show_again(self, typed, only=touched)
        _decorate(self)

    def clean(self) -> None:
        """Fill `changes`; what was not touched is neither checked nor sent."""
        for name, row in self.rows.items():
            clear = row.clearable and name in self.to_clear
            typed = self._is_touched(name) and not (clear and self._is_blank(name))
            if not typed and not clear:
                self._forgive(name)
                continue
            self.touched.add(name)
            choice = self.choices.get(name, "mine")
            if choice == "theirs" or not typed:
                self._forgive(name)
            if choice not in ("theirs", "mine"):
                self.add_error(name, "Choose one: theirs or yours.")
            elif choice == "mine" and typed and clear:
                self.add_error(name, "Type another or clear it: it cannot be both.")
            elif choice == "mine" and clear:
                self.changes[name] = row.cleared(row.value(self.profile))
            elif choice == "mine" and name in self.cleaned_data:
                self.changes[name] = self.cleaned_data[name]
        self._check_market()

    def _forgive(self, name: str) -> None:
        """What is wrong with an input that does not count is not told."""
        self.errors.pop(name, None)
        field = self.fields[name]
        if isinstance(field, _COMPOSED):
            field.widget.problems.clear()

    def _check_market(self) -> None:
        """Would the customer's market take what is to be sent?"""
        now, body = {}, {}
        for name, value in self.changes.items():
            row, there = self.rows[name], self.rows[name].value(self.profile)
            now[name], body[name] = there, row.kind.compose(there, value)
        for problem in self.market.rules.problems(body, now=now):
            _add_error(self, member_name(problem.key), problem.key, problem.message)

    def _is_touched(self, name: str) -> bool:
        """Is the input another than it was shown?"""
        row, now = self.rows[name], self.rows[name].value(self.profile)
        shown = self.fields[name].prepare_value(_begins_with(row, now))
        if as_sent(self[name].data) == as_sent(shown):
            return False
        if self.token is None or self.token.vouches_for(name, now):
            return True
        if name not in self.token.seen:  # it was not part of what was previewed
            return False
        # The person saw an older profile, which is not at hand: only what it meant is known.
        typed = self.cleaned_data.get(name)
        return row.has_sensitive(typed) or not self.token.vouches_for(
            name, row.kind.compose(None, typed)
        )

    def _is_blank(self, name: str) -> bool:
        sent = as_sent(self[name].data)
        return not (any(sent.values()) if isinstance(sent, dict) else sent)


def _shown_value(typed: Json) -> Json:
    """A cleaned value as an initial one: what was typed is told apart from what there is."""
    if isinstance(typed, dict):
        return Members(typed)
    if not isinstance(typed, list) or not all("row" in item for item in typed):
        return typed
    return Rows({**row, "row": "" if row["row"] is None else str(row["row"])} for row in typed)


class DespiteForm(forms.Form):
    """Create somebody all the same. duplicate: the key of each who was shown."""

    use_required_attribute = False
    despite_reason = TextField(label="Why it is another person", max_length=200, required=False)

    def __init__(self, data: QueryDict | None = None) -> None:
        super().__init__(data)
        _decorate(self)


class ForceForm(forms.Form):
    """Send an address without Club Med's check: offered only after it was refused.

    typed: what was typed before, to be shown again and not checked yet.
    """

    use_required_attribute = False
    force_address = forms.BooleanField(
        label="Send this address all the same, without Club Med’s check", required=False
    )
    reason = TextField(label="Why is it right?", max_length=200, required=False)

    def __init__(self, data: QueryDict | None = None, *, typed: QueryDict | None = None) -> None:
        super().__init__(data)
        _show_again(self, typed)
        _decorate(self)
        self.fields["force_address"].widget.attrs["class"] = "form-check-input"

    def clean(self) -> None:
        if self.cleaned_data.get("force_address") and not self.cleaned_data.get("reason"):
            self.add_error("reason", "Say why: the log keeps it.")

    @property
    def reason_given(self) -> str | None:
        """Why the address is forced; None if it is not."""
        forced = self.is_bound and self.is_valid() and self.cleaned_data["force_address"]
        return self.cleaned_data["reason"] if forced else None


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
        name = member_name(error.key)
        if name in names:
            place = "value" if "value" in form.fields else name
            _add_error(form, place, error.key, f"Club Med: {message}")
        else:
            rest.append(f"{error.key}: {message}" if error.key else message)
    _decorate(form)
    return rest


def refuses_address(errors: Iterable[FieldError]) -> bool:
    """Is it the address, or a part of it, that Club Med does not take?"""
    return any(member_name(error.key) == "address" for error in errors)


def _is_folded(row: Field) -> bool:
    """Long, and rarely told on the phone."""
    return row.is_composed and row.kind is not kinds.PHONES


def _add_error(form: forms.Form, place: str, key: str, message: str) -> None:
    """Put a message beside its input, or beside that of the part that the key names."""
    field, path = form.fields[place], re.split(r"[.\[]", key.replace("]", ""))[1:]
    if isinstance(field, _COMPOSED) and (part := field.part_of(path)):
        field.widget.problems.setdefault(part, []).append(message)
        message = f"{field.part_label(part)}: {message}"
    form.add_error(place, message)
