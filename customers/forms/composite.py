"""What may be typed into a field that is a list or an object, and always sent whole (contract 3).

The inputs carry the field's name before their own: `address-zip_code`, `phones-0-number`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.forms.utils import ErrorDict, ErrorList
from django.http import QueryDict

from customers import wording
from customers.catalogue import (
    addresses,
    compare,
    kinds,
    national_numbers,
    objects,
    patterns,
    phones,
    words,
)
from customers.catalogue.fields import Field
from customers.catalogue.markets import Market, country_name
from customers.catalogue.typed import cleaned
from customers.clubmed.profile import Json, Phone, parse_phones
from customers.clubmed.schema import Problem, Rules
from customers.forms import plain
from customers.forms.plain import Editing, sent_text


class MembersForm(plain.FormPart):
    """An object such as the address, an input a member; its value: member -> value, null if empty.

    A member whose input was not touched goes back as it is. A sensitive member is never shown:
    its input begins empty, and left so it leaves what is stored.
    """

    def __init__(self, editing: Editing, row: Field, data: QueryDict | None, initial: Json) -> None:
        super().__init__(editing, row, data, prefix=row.name)
        members, now = row.members, self.now if isinstance(self.now, dict) else {}
        self.stored: Mapping[str, Json] = now
        is_there = {field.name: not compare.is_empty(now.get(field.name)) for field in members}
        self.hidden = {field.name for field in members if field.sensitive and is_there[field.name]}
        open_now = {field.name: now.get(field.name) for field in members if not field.sensitive}
        texts = initial if isinstance(initial, dict) else open_now
        self.initial = {field.name: compare.raw_text(texts.get(field.name)) for field in members}
        needed = editing.market.rules.required(row.name)
        for field in members:
            # What an object lacks already may be lacking still.
            is_needed = field.name in needed and (not now or is_there[field.name])
            problem = Problem(field.name, "required")
            needs = editing.words(problem) if is_needed else wording.REQUIRED
            self.fields[field.name] = plain.plain_field(
                field,
                editing.market if field.name != "state_or_district" else self._market_of_states(),
                now=open_now.get(field.name),
                is_bounded=not self.is_overruled,
                label=field.label,
                required=field.is_required or (is_needed and not self.is_overruled),
                error_messages={"required": needs},
            )
        for name in self.hidden:
            self.fields[name].widget.attrs["placeholder"] = str(wording.MASKED)
        country: Any = self.fields.get("country_code")
        self.countries = dict(country.choices) if country else {}
        if now.get("country") and not now.get("country_code") and country:
            # An old address may name its country in words alone: they stay until one is chosen.
            country.choices = [("", compare.raw_text(now["country"])), *country.choices[1:]]
        plain.dress(self)

    def _market_of_states(self) -> Market:
        """The market, if the address is in its country: it knows the states of no other."""
        market = self.editing.market
        code = self.data.get(self.add_prefix("country_code"))
        country = self.stored.get("country_code") if code is None else code
        is_here = not country or country == market.region
        return market if is_here else Market(market.locale, Rules())

    @property
    def error_codes(self) -> set[str | None]:
        """What a market alone requires of an object may be missing, if the person says so."""
        codes = super().error_codes
        needs = {field.name for field in self.row.members if field.is_required} | {NON_FIELD_ERRORS}
        missing = {
            name
            for name, errors in self.errors.as_data().items()
            if any(error.code == "required" for error in errors)
        }
        return codes - {"required"} | {plain.DOUBT} if missing and not missing & needs else codes

    @property
    def inputs(self) -> list[tuple[int, forms.BoundField]]:
        """Each input with its width, in sixths."""
        return [(field.width, self[field.name]) for field in self.row.members]

    @property
    def value(self) -> Json:
        return self.cleaned_data

    def clean(self) -> dict[str, Json]:
        if self.is_blank:
            self.forgive()
            if self.missing:
                raise ValidationError(self.missing, "required")
            return {}
        values = dict(filter(None, map(self._member, self.fields)))
        code = values.get("country_code")
        if "country_code" in values and code != (self.stored.get("country_code") or None):
            # The name of the code in the list goes with it.
            values["country"] = self.countries[str(code)] if code else None
        if self.row.kind is kinds.IDENTITY:
            self._check_number(values)
        if self.row.kind is kinds.ADDRESS and "zip_code" in self.changed_data:
            self._check_postcode(values)
        return values

    def _check_number(self, values: dict[str, Json]) -> None:
        """A national number is sent without its punctuation; its check digits should fit."""
        number, kind, region = values.get("number"), values.get("type"), self.editing.market.region
        if isinstance(number, str) and isinstance(kind, str):
            values["number"] = national_numbers.compact(number, kind, region)
            if not national_numbers.is_right(number, kind, region):
                kind = dict(self.row.members[0].choices).get(kind, kind)
                self.doubt(["number"], wording.WRONG_DIGITS % {"kind": kind})

    def _check_postcode(self, values: dict[str, Json]) -> None:
        """A postal code is judged by its own country, if that is not the market's."""
        country, code = self.country, values.get("zip_code")
        postcodes = addresses.postcodes(country) if isinstance(code, str) else None
        if postcodes is None or code is None:
            return
        values["zip_code"] = code = code.upper()
        if country != self.editing.market.region and not postcodes.pattern.fullmatch(code):
            rule = patterns.exactly_in_words(f"^{postcodes.pattern.pattern}$")
            sentence = wording.MARKET_RULES["pattern example"] if rule else wording.NOT_A_POSTCODE
            country = words.country_text(country)
            params = {"country": country, "hint": postcodes.example, "pattern": rule}
            self.doubt(["zip_code"], sentence % params)

    @property
    def country(self) -> str:
        """The country of an address, "" if it names none."""
        code = sent_text(self["country_code"].value())
        return code if code in self.countries else ""

    def _member(self, name: str) -> tuple[str, Json] | None:
        """What is to be stored of a member; None leaves it as it is stored."""
        text, omitted = sent_text(self[name].data), self.omits(name)
        if omitted or (text and name not in self.changed_data):
            self.errors.pop(name, None)
            return name, self.stored.get(name)
        if not text and name in self.hidden:
            self.errors.pop(name, None)
            return None
        return name, self.cleaned_data.get(name) or None


class OptinsForm(plain.FormPart):
    """A question for each channel, for e-mail one about partners too (contract 3).

    Its value: the answers that there are, as [{channel, optin, optin_partners}]. about: input ->
    the channel and the member that it asks for.
    """

    def __init__(self, editing: Editing, row: Field, data: QueryDict | None, initial: Json) -> None:
        super().__init__(editing, row, data, prefix=row.name)
        now = objects.by_channel(self.now)
        answers = now if initial is None else objects.by_channel(initial)
        names = words.here().channels
        self.channels = {**names} | {code: code for code in now if code not in names}
        self.about = {code: (code, "optin") for code in self.channels}
        self.about["EMAIL_partners"] = ("EMAIL", "optin_partners")
        yes_and_no = (("yes", words.yes_no(True)), ("no", words.yes_no(False)))
        for key, (code, member) in self.about.items():
            self.initial[key] = _word(answers.get(code, {}).get(member))
            there = now.get(code, {}).get(member)
            nothing = [] if _word(there) else [("", compare.raw_text(there) or wording.NOT_ASKED)]
            choices, label = [*nothing, *yes_and_no], self.channels[code]
            self.fields[key] = plain.ChoiceField(choices=choices, label=label, required=False)
            asks = wording.OPTIN if member == "optin" else wording.OPTIN_PARTNERS
            self.fields[key].widget.attrs["aria-label"] = asks % {"channel": label}
        plain.dress(self)

    @property
    def inputs(self) -> list[tuple[str, str, list[forms.BoundField]]]:
        """The inputs of each channel, after its name and a word of help."""
        helps = words.channel_help()
        return [
            (
                label,
                helps.get(code, ""),
                [self[key] for key in self.about if self.about[key][0] == code],
            )
            for code, label in self.channels.items()
        ]

    @property
    def value(self) -> Json:
        answers: dict[str, dict[str, Json]] = {}
        for key, (code, member) in self.about.items():
            if answer := self.cleaned_data.get(key):
                answers.setdefault(code, {"channel": code})[member] = answer == "yes"
        return list(answers.values())

    def clean(self) -> None:
        if self.cleaned_data.get("EMAIL_partners") and not self.cleaned_data.get("EMAIL"):
            self.add_error("EMAIL", wording.PARTNERS_ALONE)
        if self.missing and not self.errors and not self.value:
            raise ValidationError(self.missing, "required")

    def input_at(self, path: Sequence[str]) -> str:
        """path: optins[2].optin as ["2", "optin"], a place in the list that was sent."""
        codes = [item["channel"] for item in objects.compose_optins(self.now, self.value)]
        at = path[0] if path else ""
        code = codes[int(at)] if at.isdecimal() and int(at) < len(codes) else at
        return "EMAIL_partners" if code == "EMAIL" and "optin_partners" in path else code


def _word(answer: Json) -> str:
    return ("yes" if answer else "no") if isinstance(answer, bool) else ""


class PhoneForm(plain.Inputs):
    """One phone. row: the place in the stored list of the phone that it was made from, "" if new.

    phone: what is to be stored, for `phones.compose_phones`; None of a row that was left empty.
    """

    row = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, now: Sequence[Phone], region: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        row = sent_text(self["row"].value())
        self.at = int(row) if row.isdecimal() and len(row) < 4 and int(row) < len(now) else None
        self.own = now[self.at] if self.at is not None else Phone(None, "MOBILE")
        self.region = region
        self.phone: dict[str, Json] | None = None
        self.is_typed = False
        types, own_type = {**words.here().phone_types}, self.own.type or ""
        if own_type not in types:
            unknown = wording.NEW_VALUE % {"code": own_type} if own_type else str(wording.NO_TYPE)
            types = {own_type: unknown} | types
        self.fields["type"] = plain.ChoiceField(
            choices=list(types.items()),
            required=bool(own_type),
            error_messages={"required": wording.CHOOSE_ONE},
        )
        dialled = forms.TextInput({"type": "tel", "inputmode": "tel"})
        self.fields["number"] = forms.CharField(required=False, widget=dialled)
        plain.dress(self)
        self.fields["number"].widget.attrs["class"] = "form-control num"

    def clean(self) -> None:
        text, chosen = sent_text(self["number"].data), sent_text(self["type"].data)
        before = self.own.type or "", sent_text(self.own.number)
        if self.at is not None and (chosen, text) == before:
            self.phone = {"row": self.at, "type": self.own.type, "number": self.own.number}
        elif cleaned(text):
            self.is_typed = True
            number = phones.dial_digits(text, self.region)
            if not number:
                self.add_error("number", wording.NOT_A_PHONE)
            self.phone = {"row": self.at, "type": chosen or self.own.type, "number": number}
        elif self.at is not None:
            self.add_error("number", wording.USE_THE_BIN)

    @property
    def new_number(self) -> Json:
        return (self.phone or {}).get("number")

    @property
    def is_removed(self) -> bool:
        return bool(self["DELETE"].value())


_Phones = forms.formset_factory(PhoneForm, max_num=20, validate_max=True, can_delete=True)


class PhonesFormSet(plain.Part, _Phones):  # type: ignore[misc, valid-type]
    """The whole list of phones; its value: rows for `phones.compose_phones`."""

    default_error_messages = {"too_many_forms": wording.TOO_MANY_PHONES}

    def __init__(self, editing: Editing, row: Field, data: QueryDict | None, initial: Json) -> None:
        now = parse_phones(row.value(editing.profile)) or ()
        there = [{"row": i, "type": p.type, "number": p.number} for i, p in enumerate(now)]
        rows = initial if isinstance(initial, list) else there
        self.extra = 0 if rows else 1
        kwargs = {"now": now, "region": editing.market.region}
        super().__init__(editing, row, data, prefix=row.name, initial=rows, form_kwargs=kwargs)

    @property
    def shown_forms(self) -> list[PhoneForm]:
        """The rows that were not removed; a new row takes the keyboard."""
        rows = [form for form in self.forms if not form.is_removed]
        if len(rows) > 1 and not rows[-1]["number"].value():
            rows[-1].fields["number"].widget.attrs["data-focus"] = True
        return rows

    @property
    def is_omitted(self) -> bool:
        return f"{self.prefix}-TOTAL_FORMS" not in self.data

    @property
    def is_blank(self) -> bool:
        return not any(sent_text(form["number"].value()) for form in self.shown_forms)

    @property
    def sent_forms(self) -> list[PhoneForm]:
        """The rows that hold a phone, in the order of the list that is sent."""
        return [form for form in self.shown_forms if form.phone is not None]

    @property
    def value(self) -> Json:
        return [form.phone for form in self.sent_forms]

    @property
    def whole_errors(self) -> list[str]:
        return list(self.non_form_errors())

    @property
    def problems(self) -> list[str]:
        messages = [
            wording.OF_PHONE % {"n": n, "problem": problem}
            for n, form in enumerate(self.shown_forms, start=1)
            for problems in form.errors.values()
            for problem in problems
        ]
        return [*self.whole_errors, *messages]

    def clean(self) -> None:
        """Doubt a phone that stands there twice, unless it was stored so; and a number without its
        country, which cannot be called from another one.
        """
        rows = self.sent_forms
        for at, form in enumerate(rows):
            place, number = [str(at), "number"], form.new_number
            twin = next(
                (n for n in range(at) if phones.same_number(rows[n].new_number, number)), -1
            )
            if twin >= 0 and (form.is_typed or rows[twin].is_typed):
                params = {"n": twin + 1, "number": phones.dial_text(number, form.region)}
                self.doubt(place, wording.SAME_PHONE % params)
            if form.is_typed and number and not str(number).startswith("+"):
                self.doubt(place, str(wording.NO_COUNTRY))
        if self.missing and not self.value and not any(self.errors):
            raise ValidationError(self.missing, "required")

    @property
    def error_codes(self) -> set[str | None]:
        codes = {error.code for error in self.non_form_errors().as_data()}
        return codes.union(*(plain.codes_of(form.errors) for form in self.forms))

    @property
    def national_example(self) -> dict[str, str]:
        """How a number of the customer's country is taken that has no + in front; {} for none."""
        market = self.editing.market
        national, whole = phones.example(market.region)
        params = {"country": country_name(market.locale), "national": national, "whole": whole}
        return params if national else {}

    def forgive(self) -> None:
        self._errors: list[ErrorDict] = []
        self._non_form_errors = ErrorList()
        for form in self.forms:
            form.forgive()

    def refuse(self, path: Sequence[str], message: str | ValidationError) -> None:
        """path: phones[0].number as ["0", "number"], a place in the list that was sent."""
        at = path[0] if path else ""
        rows = self.sent_forms
        if at.isdecimal() and int(at) < len(rows):
            rows[int(at)].add_error("number", message)
        else:
            self.non_form_errors().append(message)


def with_act(data: QueryDict) -> QueryDict:
    """The data that was sent, after the button that adds or removes a phone, if there was one."""
    act, total = data.get("act", ""), data.get("phones-TOTAL_FORMS", "")
    data = data.copy()
    if act == "phones-add":
        n = int(total[:4]) if total.isdecimal() else 0
        data["phones-TOTAL_FORMS"], data[f"phones-{n}-type"] = str(n + 1), "MOBILE"
    elif act.startswith("phones-remove-"):
        data[f"phones-{act.removeprefix('phones-remove-')}-DELETE"] = "on"
    return data
