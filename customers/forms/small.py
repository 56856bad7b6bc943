"""The forms that edit no profile: find, settle, reveal, forget."""

from typing import Any

from django import forms
from django.http import QueryDict

from customers.audit.models import Purpose
from customers.catalogue import phones
from customers.forms.plain import DateField, TextField, dress, show_again
from customers.services import search_terms


class SmallForm(forms.Form):
    """typed: what was sent before, to be shown again and not checked yet."""

    use_required_attribute = False

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        typed: QueryDict | None = None,
        auto_id: str = "id_%s",
    ) -> None:
        super().__init__(data, auto_id=auto_id)
        show_again(self, typed)
        dress(self)

    @property
    def is_wrong(self) -> bool:
        """Was it sent, and is something wrong with it?"""
        return bool(self.errors)


class FindForm(SmallForm):
    """What somebody knows of a customer: in one box, or answer by answer.

    criteria: what to look for, as `search_terms.search` takes it.
    """

    q = TextField(max_length=None, required=False)
    last_name = TextField(label="Last name", max_length=None, required=False)
    first_name = TextField(label="First name", max_length=None, required=False)
    birthdate = DateField(label="Date of birth", required=False)
    zip_code = TextField(label="Postal code", max_length=None, required=False)
    email = TextField(label="E-mail", max_length=None, required=False)
    phone = TextField(label="Phone", max_length=None, required=False)

    def clean(self) -> None:
        boxed = search_terms.read(self.cleaned_data.get("q", ""))
        if "birthdate" in boxed:
            try:
                boxed["birthdate"] = DateField().clean(boxed["birthdate"])
            except forms.ValidationError as exc:
                self.add_error("q", exc)
        asked = {name: value for name, value in self.cleaned_data.items() if name != "q" and value}
        if "phone" in asked and not phones.dialled(asked["phone"]):
            self.add_error("phone", "This is not a phone number: digits, with + first.")
        self.criteria: dict[str, str] = boxed | asked
        if not self.criteria and not self.errors:
            self.add_error("q", "Type a number, an e-mail, a phone or a name.")

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
        help_text="Only if it was stored",
        error_messages={"invalid": "Digits only, not starting with 0."},
    )
    reason = TextField(
        label="How do you know?",
        max_length=None,
        help_text="Kept in the log with your name, like “Customer confirmed by phone”",
        error_messages={"required": "Say how you know: the log keeps it."},
    )


class RevealForm(SmallForm):
    """Why somebody needs to see a sensitive value."""

    purpose = forms.ChoiceField(
        label="Why do you need to see it?",
        choices=[("", "Choose…"), *Purpose.choices],
        widget=forms.Select({"data-focus": True}),
        error_messages={"required": "Choose why.", "invalid_choice": "Choose one of the list."},
    )


class ForgetForm(SmallForm):
    """Why a customer is forgotten, and their number once more."""

    reason = TextField(
        label="Why is this customer to be forgotten?",
        max_length=None,
        help_text="Kept in the log with your name, like “Asked for by letter of 12 March”. "
        "No personal data of the customer",
        error_messages={"required": "Say why: the log keeps it."},
    )
    customer_id = forms.CharField(
        label="The customer’s number, once more",
        help_text="So that nobody is forgotten by mistake",
        widget=forms.TextInput({"inputmode": "numeric"}),
        error_messages={"required": "Type the customer’s number."},
    )

    def __init__(self, number: str, data: QueryDict | None = None, **kwargs: Any) -> None:
        self._number = number
        super().__init__(data, **kwargs)

    def clean_customer_id(self) -> str:
        if self.cleaned_data["customer_id"] != self._number:
            raise forms.ValidationError("This is not the number of this customer.")
        return self._number
