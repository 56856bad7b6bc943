"""About whom everything that is recorded is to be told."""

from typing import Any

from django import forms
from django.http import QueryDict

from customers import wording
from customers.access import Actor
from customers.audit import access_events
from customers.forms.filters import person_field
from customers.forms.plain import CodeField
from customers.forms.small import SmallForm
from customers.services.search_terms import is_customer_number


class ReportForm(SmallForm):
    """A customer's number or a member of staff, and a format."""

    customer_id = CodeField(
        label=wording.CUSTOMER_NUMBER,
        required=False,
        widget=forms.TextInput({"inputmode": "numeric"}),
    )
    person = forms.ChoiceField(label=wording.STAFF, required=False)
    format = forms.ChoiceField(
        label=wording.FORMAT, choices=[("html", wording.TO_PRINT), ("json", wording.AS_JSON)]
    )

    def __init__(self, data: QueryDict | None = None, *, reader: Actor, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        names = person_field(access_events.people(), reader).labels
        self.fields["person"].choices = [("", wording.NOBODY), *names.items()]  # type: ignore[attr-defined]

    def clean(self) -> None:
        number, person = (self.cleaned_data.get(name) for name in ("customer_id", "person"))
        if bool(number) is bool(person):
            self.add_error("customer_id", wording.ONE_OF_BOTH)
        elif number and not is_customer_number(number):
            self.add_error("customer_id", wording.NUMBER_RULE)
