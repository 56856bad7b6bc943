"""What may be typed into a field that is a list or an object, and always sent whole (contract 3).

In an editor of its own the inputs are named after the members (`zip_code`, `number`); in a longer
form the field's name stands before them (`address-zip_code`, `phones-0-number`).
"""

import re
from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict

from customers.catalogue import compare, objects, phones, words
from customers.catalogue.fields import Field
from customers.catalogue.markets import Market
from customers.clubmed.profile import Json, parse_phones
from customers.forms.plain import plain_field

_MOST_PHONES = 20
_PHONE_PARTS = ("type", "number", "row")


def as_sent(value: Any) -> Any:
    """What a browser sends of a value that an input shows: one line, without spaces around it."""
    if isinstance(value, dict):
        return {key: as_sent(member) for key, member in value.items()}
    if isinstance(value, list):
        return [as_sent(item) for item in value]
    return re.sub(r"[\r\n]", "", "" if value is None else str(value)).strip()


class Rows(list[dict[str, str]]):
    """Rows as they were typed, told apart from the phones of a profile."""


class Members(dict[str, Any]):
    """Members as they were typed, told apart from the object of a profile."""


class ComposedInput(forms.Widget):
    """Several inputs of one field.

    numbered: it stands in a longer form, so the field's name is a part of theirs. problems: part ->
    what is wrong with it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.numbered = False
        self.problems: dict[str, list[str]] = {}

    def input_name(self, name: str, key: str) -> str:
        return f"{name}-{key}" if self.numbered else key


class PhonesInput(ComposedInput):
    """Rows of a type and a number; a part is the place of a row.

    In an editor of its own the inputs are `type`, `number` and `row` (which phone the row was made
    from), once a row; in a longer form they are `phones-0-type`, `phones-0-number`, ...
    """

    template_name = "customers/_phones_input.html"

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
                "problems": self.problems.get(str(i), []),
            }
            for i, row in enumerate(value)
        ]
        return context | {"rows": rows, "numbered": self.numbered}


def _phone_types(now: str) -> dict[str, str]:
    """The types to choose from; now: the phone's own, "" for none."""
    known = words.phone_types()
    return known if now in known else {now: f"{now}, a new type" if now else "No type"} | known


class PhonesField(forms.Field):
    """The whole list, as rows for `kinds.compose_phones`; numbers as the API takes them."""

    def __init__(self, *, now: Json = None, region: str = "", **kwargs: Any) -> None:
        self.widget = PhonesInput()
        super().__init__(**kwargs)
        self.now = parse_phones(now) or ()
        self.region = region
        self.sent: list[str] = []  # places of the rows that are sent, in their order

    def prepare_value(self, value: Any) -> list[dict[str, str]]:
        """Rows to show: those typed, or those of the phones there are, or an empty one."""
        if isinstance(value, Rows) and value:
            return value
        return [
            {"type": phone.type or "", "number": phone.number or "", "row": str(i)}
            for i, phone in enumerate(parse_phones(value) or ())
        ] or [{"type": "MOBILE", "number": "", "row": ""}]

    def clean(self, value: Any) -> list[dict[str, Any]]:
        rows = {str(i): row for i, row in enumerate(value) if row["number"].strip() or row["row"]}
        self.sent = list(rows)
        if self.required and not rows:
            raise ValidationError(self.error_messages["required"], "required")
        if len(rows) > _MOST_PHONES:
            raise ValidationError(f"At most {_MOST_PHONES} phones.", "most")
        cleaned = []
        for place, row in rows.items():
            try:
                cleaned.append(self._row(row))
            except ValidationError as exc:
                self.widget.problems[place] = list(exc.messages)
        if self.widget.problems:
            told = dict.fromkeys(message for [message] in self.widget.problems.values())
            raise ValidationError(list(told), "rows")
        return cleaned

    def part_of(self, path: list[str]) -> str:
        """The row that a refused key means, "" if none. path: phones[0].number as ["0", …]."""
        at = path[0] if path else ""
        return self.sent[int(at)] if at.isdecimal() and int(at) < len(self.sent) else ""

    def part_label(self, part: str) -> str:
        return f"Phone {int(part) + 1}"

    def _row(self, row: dict[str, str]) -> dict[str, Any]:
        index = int(row["row"]) if row["row"].isdecimal() and len(row["row"]) < 4 else None
        made_from = self.now[index] if index is not None and index < len(self.now) else None
        own_type, own_number = (made_from.type, made_from.number) if made_from else ("MOBILE", "")
        if made_from and (row["type"], row["number"]) == (own_type or "", own_number or ""):
            return {"row": index, "type": own_type, "number": own_number}
        if not row["number"].strip():
            raise ValidationError("To take a phone out of the list, use its bin.", "blank")
        number = phones.dial_digits(row["number"], self.region)
        if not number:
            shown = row["number"].strip()[:40]
            raise ValidationError(
                f"“{shown}” is not a phone number: digits, with + first.", "number"
            )
        if row["type"] not in _phone_types(own_type or ""):
            raise ValidationError("Choose a type for each phone.", "type")
        return {"row": index, "type": row["type"] or own_type, "number": number}


class MembersInput(ComposedInput):
    """An input for each member of an object, which is a part.

    members: name -> its form field. label: of the whole. shown: name -> the text that its input
    began with; a member without an input stays as it is.
    """

    template_name = "customers/_members_input.html"

    def __init__(self, field: Field, members: Mapping[str, forms.Field]) -> None:
        super().__init__()
        self.rows, self.members = {row.name: row for row in field.members}, members
        self.label = field.label
        self.shown: Mapping[str, str] = {}

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Members:
        shown = self.shown
        sent = {key: data.get(self.input_name(name, key), shown[key]) for key in self.members}
        return Members(sent)

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return not any(self.input_name(name, key) in data for key in self.members)

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        value = value if isinstance(value, dict) else {}
        inputs = []
        for key, member in self.members.items():
            at = f"{context['widget']['attrs'].get('id', name)}_{key}"
            member.widget.attrs |= {"id": at, "class": _look(member), "autocomplete": "off"}
            member.widget.attrs.pop("aria-invalid", None)
            if self.problems.get(key):
                member.widget.attrs |= {"aria-invalid": "true", "aria-describedby": f"{at}_error"}
            inputs.append(
                {
                    "id": at,
                    "row": self.rows[key],
                    "input": member.widget.render(self.input_name(name, key), value.get(key, "")),
                    "problems": self.problems.get(key, []),
                }
            )
        return context | {"inputs": inputs, "label": self.label}


def _look(member: forms.Field) -> str:
    return "form-select" if isinstance(member.widget, forms.Select) else "form-control"


class MembersField(forms.Field):
    """An object such as the address: member -> what was typed, null for nothing there.

    now: the object there is. A sensitive member is never shown: its input begins empty, and left so
    it leaves what is stored.
    """

    def __init__(self, field: Field, market: Market, *, now: Json = None, **kwargs: Any) -> None:
        self.now: Mapping[str, Json] = now if isinstance(now, dict) else {}
        self.hidden = {
            row.name
            for row in field.members
            if row.sensitive and not compare.is_empty(self.now.get(row.name))
        }
        needed = market.rules.required(field.name)
        self.members = {
            row.name: plain_field(
                row,
                market,
                now=None if row.sensitive else self.now.get(row.name),
                label=row.label,
                # What an object lacks already may be lacking still.
                required=row.is_required
                or (row.name in needed and (not self.now or bool(self.now.get(row.name)))),
                error_messages={"required": f"{row.label} is needed."},
            )
            for row in field.members
        }
        self.widget = MembersInput(field, self.members)
        super().__init__(**kwargs)
        self.widget.shown = self.prepare_value(self.now)
        for key in self.hidden:
            self.members[key].widget.attrs["placeholder"] = "Hidden"
        self._offer_country_without_code()

    def prepare_value(self, value: Any) -> dict[str, str]:
        """Texts to show: those typed, or those there are, but for what is hidden."""
        typed = isinstance(value, Members)
        value = value if isinstance(value, dict) else {}
        return {
            key: compare.raw_text(value.get(key)) if typed or not row.sensitive else ""
            for key, row in self.widget.rows.items()
        }

    def clean(self, value: Any) -> dict[str, Json]:
        typed = as_sent(value)
        if not any(typed.values()):
            if self.required:
                raise ValidationError(self.error_messages["required"], "required")
            return {}
        cleaned: dict[str, Json] = {}
        for key, member in self.members.items():
            if typed[key] and typed[key] == as_sent(self.widget.shown[key]):
                cleaned[key] = self.now[key]  # not touched: whatever it is, it goes back
                continue
            if not typed[key] and key in self.hidden:
                continue  # left as it is stored
            try:
                cleaned[key] = member.clean(typed[key]) or None
            except ValidationError as exc:
                self.widget.problems[key] = list(exc.messages)
        if self.widget.problems:
            names = ", ".join(str(self.members[key].label) for key in self.widget.problems)
            raise ValidationError(f"Look again at: {names}.", "members")
        return self._with_country(cleaned)

    def part_of(self, path: list[str]) -> str:
        """The member that a refused key means, "" if none. path: ["zip_code"]."""
        return path[0] if path and path[0] in self.members else ""

    def part_label(self, part: str) -> str:
        return str(self.members[part].label)

    def _with_country(self, cleaned: dict[str, Json]) -> dict[str, Json]:
        """`country` is the name of `country_code` in the list, and goes with it."""
        code = cleaned.get("country_code")
        if "country_code" in cleaned and code != (self.now.get("country_code") or None):
            cleaned["country"] = self._countries()[code] if code else None
        return cleaned

    def _countries(self) -> dict[str, str]:
        country: Any = self.members["country_code"]
        return dict(country.choices)

    def _offer_country_without_code(self) -> None:
        """An old address may name its country in words alone: they stay until one is chosen."""
        if self.now.get("country") and not self.now.get("country_code"):
            named: Any = self._countries() | {"": compare.raw_text(self.now["country"])}
            self.members["country_code"].choices = list(named.items())  # type: ignore[attr-defined]


class OptinsInput(ComposedInput):
    """A question for each channel: not asked, yes or no; for e-mail one about partners too. A part
    is an input.

    channels: code -> name. asked: code -> what there is.
    """

    template_name = "customers/_optins_input.html"

    def __init__(
        self, channels: Mapping[str, str], asked: Mapping[str, Mapping[str, Json]]
    ) -> None:
        super().__init__()
        self.channels, self.asked = channels, asked

    def value_from_datadict(self, data: Any, files: Any, name: str) -> dict[str, str]:
        keys = (key for code in self.channels for key in _questions(code))
        return {key: data.get(self.input_name(name, key), "") for key in keys}

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return not any(self.value_from_datadict(data, files, name).values())

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        rows = [
            {
                "label": label,
                "questions": [
                    {
                        "name": self.input_name(name, key),
                        "answer": value.get(key, ""),
                        "of_partners": key.endswith("_partners"),
                        "unanswered": _unanswered(self.asked.get(code, {}), key),
                        "problems": self.problems.get(key, []),
                    }
                    for key in _questions(code)
                ],
                "problems": [p for key in _questions(code) for p in self.problems.get(key, [])],
            }
            for code, label in self.channels.items()
        ]
        return context | {"rows": rows}


def _questions(code: str) -> list[str]:
    """The inputs of a channel: partners only with e-mail (contract 3)."""
    return ["EMAIL", "EMAIL_partners"] if code == "EMAIL" else [code]


def _held(item: Mapping[str, Json], key: str) -> Json:
    """The answer that an input is about."""
    return item.get("optin_partners" if key.endswith("_partners") else "optin")


def _unanswered(item: Mapping[str, Json], key: str) -> str:
    """What the choice of no answer is called; "" where there is one: it can only change."""
    answer = _held(item, key)
    return "" if isinstance(answer, bool) else compare.raw_text(answer) or "Not asked"


def _answer(item: Mapping[str, Json], key: str) -> str:
    answer = _held(item, key)
    return ("yes" if answer else "no") if isinstance(answer, bool) else ""


class OptinsField(forms.Field):
    """The answers that there are, channel by channel: [{channel, optin, optin_partners}]."""

    def __init__(self, *, now: Json = None, **kwargs: Any) -> None:
        self.asked = objects.by_channel(now)
        known = words.channels()
        channels = known | {code: code for code in self.asked if code not in known}
        self.widget = OptinsInput(channels, self.asked)
        super().__init__(**kwargs)
        self.sent: list[str] = []  # channels, in the order in which they are sent

    def prepare_value(self, value: Any) -> dict[str, str]:
        if isinstance(value, dict):
            return value
        items = objects.by_channel(value)
        keys = [(code, key) for code in self.widget.channels for key in _questions(code)]
        return {key: _answer(items.get(code, {}), key) for code, key in keys}

    def clean(self, value: Any) -> list[dict[str, Json]]:
        odd = [answer for answer in value.values() if answer not in ("", "yes", "no")]
        if odd:
            raise ValidationError("Choose yes or no.", "invalid")
        if value.get("EMAIL_partners") and not value.get("EMAIL"):
            self.widget.problems["EMAIL"] = ["Partners go with an answer here: choose one."]
            raise ValidationError("Partners go with an answer for e-mail: choose one.", "partners")
        answers: list[dict[str, Json]] = []
        for code in self.widget.channels:
            if not value.get(code):
                continue
            answers.append({"channel": code, "optin": value[code] == "yes"})
            if code == "EMAIL" and value.get("EMAIL_partners"):
                answers[-1]["optin_partners"] = value["EMAIL_partners"] == "yes"
        if self.required and not answers:
            raise ValidationError(self.error_messages["required"], "required")
        typed = [answer["channel"] for answer in answers]
        self.sent = [*self.asked, *(code for code in typed if code not in self.asked)]
        return answers

    def part_of(self, path: list[str]) -> str:
        """The input that a refused key means, "" if none. path: optins[2].optin as ["2", …]."""
        at = path[0] if path else ""
        code = self.sent[int(at)] if at.isdecimal() and int(at) < len(self.sent) else at
        keys = _questions(code) if code in self.widget.channels else [""]
        return keys[-1 if "optin_partners" in path else 0]

    def part_label(self, part: str) -> str:
        return str(self.widget.channels[part.removesuffix("_partners")])
