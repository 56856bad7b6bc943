"""The forms that edit no profile: find, settle, reveal, forget."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.http import QueryDict

from customers import wording
from customers.audit.models import Purpose
from customers.catalogue import emails, phones
from customers.forms.plain import ChoiceField, CodeField, DateField, TextField, dress
from customers.services import search_terms


class SmallForm(forms.Form):
    """draft: a text that was put aside, to be shown again and not checked yet."""

    use_required_attribute = False

    def __init__(
        self, data: QueryDict | None = None, *, draft: QueryDict | None = None, **kwargs: Any
    ) -> None:
        super().__init__(data, **kwargs)
        if draft is not None:
            for name, field in self.fields.items():
                self.initial[name] = field.widget.value_from_datadict(draft, {}, name)
        dress(self)

    @property
    def is_wrong(self) -> bool:
        """Was it sent, and is something wrong with it?"""
        return bool(self.errors)


class FindForm(SmallForm):
    """What somebody knows of a customer: in one box, or answer by answer.

    criteria: what to look for, as `search_terms.search` takes it.
    """

    q = TextField(required=False)
    last_name = TextField(label=wording.CRITERIA["last_name"], required=False)
    first_name = TextField(label=wording.CRITERIA["first_name"], required=False)
    birthdate = DateField(label=wording.CRITERIA["birthdate"], required=False)
    zip_code = CodeField(label=wording.CRITERIA["zip_code"], required=False)
    email = TextField(label=wording.CRITERIA["email"], required=False)
    phone = CodeField(label=wording.CRITERIA["phone"], required=False)

    def clean(self) -> None:
        terms = search_terms.read(self.cleaned_data.get("q", ""))
        if "birthdate" in terms:
            try:
                terms["birthdate"] = DateField().clean(terms["birthdate"])
            except forms.ValidationError as exc:
                self.add_error("q", exc)
        self._refuse_parts(terms)
        inputs = {name: value for name, value in self.cleaned_data.items() if name != "q" and value}
        for name, plain in (("email", emails.address), ("phone", phones.unlinked)):
            if name in inputs:
                inputs[name] = plain(inputs[name])
        if "phone" in inputs and not phones.dialled(inputs["phone"]):
            self.add_error("phone", wording.NOT_A_PHONE)
        self.criteria: dict[str, str] = terms | inputs
        if not self.criteria and not self.errors:
            self.add_error("q", wording.TYPE_SOMETHING)

    def _refuse_parts(self, terms: Mapping[str, str]) -> None:
        """Club Med would find nobody by a part of a value."""
        texts = {name: str(self.cleaned_data.get(name) or "") for name in self.fields}
        for name, email in (("q", terms.get("email")), ("email", emails.address(texts["email"]))):
            if email and not emails.is_whole(email):
                self.add_error(name, wording.NOT_A_WHOLE_EMAIL)
        for name in ("q", "last_name", "first_name"):
            if set("*%").intersection(texts[name]):
                self.add_error(name, wording.NO_WILDCARD)

    @property
    def advice(self) -> str:
        """What to try instead, where nobody was found."""
        names = (name for name in ("email", "phone", "number") if name in self.criteria)
        return str(wording.TRY_INSTEAD[next(names, "name")])

    @property
    def known_more(self) -> list[forms.BoundField]:
        """The inputs beside the box."""
        return [self[name] for name in self.fields if name != "q"]

    @property
    def is_more_in_use(self) -> bool:
        return any(bound.value() or bound.errors for bound in self.known_more)


class SettleForm(SmallForm):
    """A person's decision on an unclear change. customer_id: of a customer that a create made."""

    landed = forms.TypedChoiceField(
        label=wording.DID_IT_LAND,
        choices=[("yes", wording.LANDED), ("no", wording.NOT_LANDED)],
        coerce=lambda answer: answer == "yes",
        widget=forms.RadioSelect,
        error_messages={"required": wording.CHOOSE_ONE},
    )
    customer_id = forms.RegexField(
        r"^[1-9][0-9]{0,63}$",
        label=wording.CREATED_NUMBER,
        required=False,
        help_text=wording.IF_LANDED,
        error_messages={"invalid": wording.NUMBER_RULE},
    )
    reason = TextField(
        label=wording.HOW_KNOWN,
        help_text=wording.HOW_KNOWN_HINT,
        error_messages={"required": wording.SAY_WHY},
    )

    def clean(self) -> None:
        if self.cleaned_data.get("landed") is False and self.cleaned_data.get("customer_id"):
            self.add_error("customer_id", wording.NUMBER_OF_NOTHING)


class RevealForm(SmallForm):
    """Why somebody needs to see a sensitive value."""

    purpose = ChoiceField(
        label=wording.WHY_REVEAL,
        choices=[("", wording.CHOOSE), *Purpose.choices],
        widget=forms.Select({"data-focus": True}),
        error_messages={"required": wording.CHOOSE_ONE},
    )


class UndoForm(SmallForm):
    """Why a change is undone, where a field of it may not be changed without a reason."""

    reason = TextField(
        label=wording.WHY_REVERT, required=False, error_messages={"required": wording.SAY_WHY}
    )


class ForgetForm(SmallForm):
    """Why a customer is forgotten, and their number once more."""

    reason = TextField(
        label=wording.WHY_FORGET,
        help_text=wording.WHY_FORGET_HINT,
        error_messages={"required": wording.SAY_WHY},
    )
    customer_id = CodeField(
        label=wording.NUMBER_AGAIN,
        help_text=wording.NUMBER_AGAIN_HINT,
        widget=forms.TextInput({"inputmode": "numeric"}),
        error_messages={"required": wording.REQUIRED},
    )

    def __init__(self, number: str, data: QueryDict | None = None, **kwargs: Any) -> None:
        self._number = number
        super().__init__(data, **kwargs)

    def clean_customer_id(self) -> str:
        if self.cleaned_data["customer_id"] != self._number:
            raise forms.ValidationError(wording.OTHER_NUMBER)
        return self._number
