"""The form that puts back what a change replaced."""

from collections.abc import Collection
from typing import Any

from django import forms
from django.http import QueryDict

from customers import wording
from customers.catalogue.fields import FIELDS
from customers.clubmed.profile import member_name
from customers.forms.plain import TextField
from customers.forms.small import SmallForm
from customers.services.outcomes import Refused
from customers.services.revert import WayBack


class RevertForm(SmallForm):
    """Which fields get their old value back, and why.

    ways: of every field of the change. What moved since is not ticked by itself: that is for the
    person to do, who has seen both values. problems: what Club Med refuses, a line each.
    """

    field = forms.MultipleChoiceField(
        label=wording.WHAT_TO_PUT_BACK,
        widget=forms.CheckboxSelectMultiple,
        error_messages={
            "required": wording.CHOOSE_A_FIELD,
            "invalid_choice": wording.CHOOSE_A_FIELD,
        },
    )
    reason = TextField(
        label=wording.WHY_REVERT,
        help_text=wording.WHY_REVERT_HINT,
        error_messages={"required": wording.SAY_WHY},
    )
    force_address = forms.BooleanField(label=wording.FORCE_ADDRESS, required=False)

    def __init__(
        self,
        ways: Collection[WayBack],
        data: QueryDict | None = None,
        *,
        reason: str = "",
        **kwargs: Any,
    ) -> None:
        """reason: to begin with."""
        super().__init__(data, **kwargs)
        self.ways = ways
        self.problems: list[str] = []
        self.offers_force = "force_address" in (data or {})
        names = [way.name for way in ways if not way.obstacle]
        moved = {way.name for way in ways if way.moved or way.is_back}
        boxes: Any = self.fields["field"]
        boxes.choices = [(name, FIELDS[name].label) for name in names]
        ticked = self.initial.get("field", names)
        self.initial["field"] = [name for name in ticked if name not in moved]
        self.initial.setdefault("reason", reason)

    @property
    def chosen(self) -> list[WayBack]:
        """What is to be put back, once the form is valid."""
        return [way for way in self.ways if way.name in self.cleaned_data["field"]]

    @property
    def possible(self) -> list[WayBack]:
        return [way for way in self.ways if not way.obstacle]

    @property
    def impossible(self) -> list[WayBack]:
        return [way for way in self.ways if way.obstacle]

    def add_refusal(self, refused: Refused) -> None:
        """Say what Club Med refuses; an address may be sent without its check."""
        for error in refused.errors:
            name = member_name(error.key)
            label = FIELDS[name].label if name in FIELDS else error.key
            message = error.message or error.code or str(wording.NO_REASON)
            about = {"field": label, "message": message}
            self.problems.append(str(wording.ABOUT % about if label else message))
            self.offers_force |= name == "address"
        if not self.problems:
            self.problems = [refused.description or str(wording.NO_REASON)]
