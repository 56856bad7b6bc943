"""A market's own rules for a profile: the JSON Schema of `GET /v3/schemas/profile/{locale}`.

Club Med's word counts, not ours: a rule that cannot be read, or may not be safe to apply, is left
out, and the API judges by itself.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from jsonschema import Draft7Validator
from jsonschema.exceptions import SchemaError, ValidationError
from jsonschema.validators import extend

from customers.clubmed.errors import FieldError
from customers.clubmed.profile import Json

_LONGEST_PATTERN = 500  # characters
# A repetition inside a repeated group: matching such a pattern may take for ever.
_EXPLODES = re.compile(r"\([^()]*[+*}][^()]*\)[+*{]")
_NOT_OURS = ("$id", "$schema")  # a local reference means the schema that we hold
# Judged by the API alone: fields that the schema does not know may be good all the same.
_IGNORED = ("additionalProperties", "unevaluatedProperties", "propertyNames", "format")


def _among_choices(
    validator: Any, choices: Any, value: Json, schema: Any
) -> Iterator[ValidationError]:
    codes = _codes(choices)
    if codes and isinstance(value, str) and value not in codes:
        yield ValidationError("not among the choices")


_Validator = extend(Draft7Validator, {"x-choices": _among_choices})  # type: ignore[no-untyped-call]


@dataclass(frozen=True)
class Rules:
    """What a market asks of a profile; without a schema, nothing. locale: whose rules these are."""

    locale: str
    schema: Mapping[str, Json] = field(default_factory=dict)

    @property
    def required(self) -> frozenset[str]:
        """Fields that a new customer must have."""
        names = self.schema.get("required")
        return frozenset(names if isinstance(names, list) else ())

    def choices(self, path: str) -> dict[str, str]:
        """code -> label of a field, or of a member of one ("address.state_or_district")."""
        return _codes(self._at(path).get("x-choices"))

    def problems(
        self, body: Mapping[str, Json], *, now: Mapping[str, Json] | None = None
    ) -> tuple[FieldError, ...]:
        """What the market would not take of a body that is about to be sent, in plain words.

        now: of a change, what Club Med holds of these fields. What stands there already is not
        judged, and a field that is not sent need not be there.
        """
        sent = _without_empty(body)
        try:
            errors = list(_Validator(self.schema).iter_errors(sent))
        except Exception:  # a reference that leads nowhere, or in a circle
            return ()
        return tuple(
            FieldError("", _dotted(path), message)
            for error in errors
            for path, message in self._told(error)
            if now is None or (path[0] in body and not _stands(path, sent, now))
        )

    def _told(self, error: ValidationError) -> Iterator[tuple[list[Any], str]]:
        path = list(error.absolute_path)
        instance, names = cast(Json, error.instance), cast(Json, error.validator_value)
        if error.validator == "required":
            missing = [name for name in names if name not in instance]
            yield from (([*path, name], f"{self.locale} needs this.") for name in missing)
        elif path:
            yield path, self._words(error)

    def _words(self, error: ValidationError) -> str:
        limit, value = error.validator_value, cast(Json, error.instance)
        match error.validator:
            case "maxLength":
                return f"At most {limit} characters; this has {len(value)}."
            case "minLength":
                return f"At least {limit} characters; this has {len(value)}."
            case "x-choices" | "enum" | "const":
                return f"{self.locale} knows no such value: choose one of its own."
            case _:
                return f"{self.locale} writes this in another way{_example(error.schema)}."

    def _at(self, path: str) -> Mapping[str, Json]:
        """The rule of one value, its references followed."""
        at: Json = self.schema
        for name in path.split("."):
            at = self._followed(at)
            members = at.get("properties") if isinstance(at, Mapping) else None
            at = members.get(name) if isinstance(members, Mapping) else None
        at = self._followed(at)
        return at if isinstance(at, Mapping) else {}

    def _followed(self, at: Json) -> Json:
        for _ in range(5):
            if not isinstance(at, Mapping) or "$ref" not in at:
                return at
            target: Json = self.schema
            for name in at["$ref"].removeprefix("#").strip("/").split("/"):
                target = target.get(name) if isinstance(target, Mapping) else None
            at = target
        return None


def rules(locale: str, schema: Json) -> Rules:
    """The rules of a schema, as far as they can be applied; none of a schema that is none."""
    try:
        usable = _usable(schema)
        Draft7Validator.check_schema(usable)
    except (SchemaError, RecursionError):
        usable = {}
    return Rules(locale, usable if isinstance(usable, dict) else {})


def _usable(schema: Json) -> Json:
    """The schema without what cannot be applied here."""
    if isinstance(schema, list):
        return [_usable(item) for item in schema]
    if not isinstance(schema, Mapping):
        return schema
    if "$ref" in schema:
        reference = schema["$ref"]
        is_local = isinstance(reference, str) and reference.startswith("#/")
        return {"$ref": reference} if is_local else {}
    return {
        key: _usable(value)
        for key, value in schema.items()
        if key not in (*_NOT_OURS, *_IGNORED)
        and not (key == "pattern" and isinstance(value, str) and not _is_safe(value))
    }


def _is_safe(pattern: str) -> bool:
    if len(pattern) > _LONGEST_PATTERN or _EXPLODES.search(pattern):
        return False
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError):  # of another dialect, perhaps
        return False
    return True


def _codes(choices: Json) -> dict[str, str]:
    """code -> label of `x-choices: [{code, label}]`; what has no code is left out."""
    return {
        item["code"]: item["label"] if isinstance(item.get("label"), str) else item["code"]
        for item in (choices if isinstance(choices, list) else [])
        if isinstance(item, dict) and isinstance(item.get("code"), str)
    }


def _without_empty(value: Json) -> Json:
    """Null and "" mean that nothing is there (contract 2)."""
    if isinstance(value, Mapping):
        members = {key: _without_empty(member) for key, member in value.items()}
        return {key: member for key, member in members.items() if member not in (None, "", [], {})}
    if isinstance(value, list):
        return [_without_empty(item) for item in value]
    return value


def _stands(path: list[Any], sent: Json, now: Json) -> bool:
    """Is the value at this path the one that is there already?"""
    for step in path:
        sent, now = (_step(value, step) for value in (sent, now))
    return sent is not None and sent == now


def _step(value: Json, step: Any) -> Json:
    try:
        return value[step]
    except (KeyError, IndexError, TypeError):
        return None


def _dotted(path: list[Any]) -> str:
    """phones[0].number, as `concerned_key` names it."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}"
    return text.removeprefix(".")


def _example(schema: Json) -> str:
    """What the schema says for people, if it does."""
    said = schema.get("x-meta") if isinstance(schema, Mapping) else None
    said = said if isinstance(said, Mapping) else {}
    if isinstance(said.get("example"), str | int):
        return f", like {said['example']}"
    return f": {said['hint'].rstrip('.')}" if isinstance(said.get("hint"), str) else ""
