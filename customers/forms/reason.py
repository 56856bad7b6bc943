"""The reason bar: why a person changes a customer, asked once and not at each save."""

from collections.abc import Iterator
from typing import Any

from django import forms
from django.conf import settings
from django.http import QueryDict

from customers import wording
from customers.forms.plain import ChoiceField, TextField
from customers.forms.small import SmallForm

_OTHER = "…"  # the choice of whoever gives a reason in words alone


def _choices() -> Iterator[tuple[str, Any]]:
    yield "", wording.NO_REASON_YET
    yield from ((reason, wording.USUAL_REASONS.get(reason, reason)) for reason in settings.REASONS)
    yield _OTHER, wording.OTHER_REASON


class ReasonForm(SmallForm):
    """A usual reason, and words of one's own. reason: the stored one, which both inputs show."""

    reason_usual = ChoiceField(label=wording.WHY, choices=_choices, required=False)
    reason_words = TextField(
        label=wording.WHY_IN_WORDS,
        max_length=200,
        required=False,
        widget=forms.TextInput(
            {"aria-label": wording.WHY_IN_WORDS, "placeholder": wording.WHY_EXAMPLE}
        ),
    )

    def __init__(self, data: QueryDict | None = None, *, reason: str = "") -> None:
        super().__init__(data)
        usual = next((r for r in settings.REASONS if f"{reason}: ".startswith(f"{r}: ")), "")
        self.initial["reason_usual"] = usual or (_OTHER if reason else "")
        self.initial["reason_words"] = reason.removeprefix(usual).removeprefix(": ")

    @property
    def reason(self) -> str:
        """Both in one line, for the log: "Customer called: call 48133"; "" for no reason."""
        usual, words = (self.cleaned_data[name] for name in ("reason_usual", "reason_words"))
        return ": ".join(filter(None, (usual if usual != _OTHER else "", words)))

    @property
    def problems(self) -> list[str]:
        return [str(error) for errors in self.errors.values() for error in errors]
