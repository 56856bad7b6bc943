"""The filters of who looked at whom."""

from django.http import QueryDict

from customers import wording
from customers.access import Actor
from customers.audit import access_events
from customers.audit.access_events import AccessFilter
from customers.audit.models import Access, Purpose
from customers.catalogue.fields import FIELDS
from customers.forms.filters import FilterForm, ValuesField, person_field


class LookFilterForm(FilterForm):
    """The filters of access events; once they are valid, `wanted` is what they select."""

    pickers = ("person", "customer", "kind", "field", "purpose")
    wanted: AccessFilter

    def __init__(self, query: QueryDict, *, reader: Actor) -> None:
        kinds, purposes = dict(Access.choices), dict(Purpose.choices)
        masked = {name: field.label for name, field in FIELDS.items() if field.sensitive}
        self.people = access_events.people()
        values = [
            person_field(self.people, reader),
            ValuesField("kind", wording.WHAT, kinds, wording.ANYTHING),
            ValuesField("field", wording.FIELD, masked, wording.ANY_FIELD),
            ValuesField("purpose", wording.PURPOSE, purposes, wording.ANY),
        ]
        super().__init__(query, values)

    def clean(self) -> None:
        super().clean()
        values = self.cleaned_data
        if not self.errors:
            self.wanted = AccessFilter(
                people=tuple(map(int, values["person"])),
                customers=tuple(values["customer"]),
                kinds=tuple(values["kind"]),
                fields=tuple(values["field"]),
                purposes=tuple(values["purpose"]),
                since=values["since"],
                until=values["until"],
            )
