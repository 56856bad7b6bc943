"""A market's rules for a profile: the JSON Schema of `GET /v3/schemas/profile/{locale}`.

Club Med judges in the end, so a rule that cannot be applied here is left out. Patterns run in an
engine whose time grows linearly with the text; it takes no look-around and no back-reference.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from jsonschema_rs import Draft7Validator, RegexOptions, ValidationError

from customers.clubmed.profile import Json

_MAX_PARTS = 20_000  # objects and lists of a schema, references replaced by what they name
_PATTERN_PARTS = 200  # parts that a pattern counts as: it may take 30 ms to compile
_MAX_BODY = 10_000  # characters of JSON
_MAX_HINT = 200  # characters
_ENGINE = RegexOptions(size_limit=1_000_000)  # bytes of a compiled pattern
# Club Med alone judges these: a field that the schema does not name may be good all the same.
_IGNORED = {"additionalProperties", "patternProperties", "propertyNames", "format"}
_NOT_RULES = {"$id", "$schema", "definitions", "$defs"}  # what is in them stands at the references
_VALUES = {"x-choices", "x-meta", "enum", "const"}
_NEGATING = {"not", "if", "oneOf"}  # a rule left out in here would make these refuse more


class Problem(NamedTuple):
    """A value that a market refuses.

    key: dotted, as `concerned_key` has it. rule: "required", "choice", "maxLength" or "minLength";
    of any other rule how it is explained: by an "example", "explained" in words, or "other".
    limit, length: in characters. hint: the example or the explanation, or "".
    """

    key: str
    rule: str
    limit: int = 0
    length: int = 0
    hint: str = ""


@dataclass(frozen=True)
class Rules:
    """What a market asks of a profile.

    locale: of the market. schema: as `rules` returns it; {} asks for nothing.
    """

    locale: str
    schema: Mapping[str, Json] = field(default_factory=dict)

    def required(self, path: str = "") -> frozenset[str]:
        """The names that a new customer must have, or the object at that path ("address")."""
        names = self._at(path).get("required")
        return frozenset(names if isinstance(names, list) else ())

    def choices(self, path: str) -> dict[str, str]:
        """code -> label of a field, or of a member of one ("address.state_or_district")."""
        return codes(self._at(path).get("x-choices"))

    def problems(
        self, body: Mapping[str, Json], *, now: Mapping[str, Json] | None = None
    ) -> tuple[Problem, ...]:
        """What the market refuses of a body that is about to be sent.

        now: for a change, the current values of these fields. A value that is there already, and a
        field that is not in the body, are not judged.
        """
        sent, current = _without_empty(body), _without_empty(now)
        # A condition needs the whole profile.
        schema = {key: rule for key, rule in self.schema.items() if now is None or key != "if"}
        try:
            if len(json.dumps(sent)) > _MAX_BODY:
                return ()
            errors = list(_validator(json.dumps(schema)).iter_errors(sent))
        except ValueError:  # half a character (a lone surrogate)
            return ()
        problems = (
            self._problem(_dotted(path), error)
            for error in errors
            for path in [_path(error)]
            if path and error.kind.name != "type"  # nothing that a person types mends a type
            if now is None or (path[0] in body and not _is_there(path, sent, current))
        )
        return tuple(dict.fromkeys(problems))

    def _problem(self, key: str, error: ValidationError) -> Problem:
        value: Json = error.instance
        match error.kind.name:
            case "maxLength" | "minLength" as length:
                return Problem(key, length, error.kind.value, len(value))
            case "required":
                return Problem(key, "required")
            case "x-choices" | "enum" | "const":
                return Problem(key, "choice")
        rule: Json = self.schema
        for step in error.schema_path[:-1]:
            rule = rule[step]
        how, hint = _hint(rule)
        return Problem(key, how, hint=hint)

    def _at(self, path: str) -> Mapping[str, Json]:
        """The rule for the value at a path; for the whole profile at ""."""
        rule = self.schema
        for name in path.split(".") if path else ():
            members = rule.get("properties")
            rule = members.get(name, {}) if isinstance(members, Mapping) else {}
            if not isinstance(rule, Mapping):
                return {}
        return rule


def rules(locale: str, schema: Json) -> Rules:
    """The rules of a market's JSON Schema that can be applied here.

    References are replaced by what they name. No rule at all for a schema that is invalid or too
    large.
    """
    try:
        usable = _Copy(schema).part(schema)
        _validator(json.dumps(usable))
    except (ValueError, RecursionError):
        usable = {}
    return Rules(locale, usable if isinstance(usable, dict) else {})


class _Copy:
    """A copy of a schema without the rules that cannot be applied here.

    root: where references lead. omitted: how many rules were left out until now.
    """

    def __init__(self, root: Json) -> None:
        self.root = root
        self.omitted = 0
        self._left = _MAX_PARTS

    def part(self, schema: Json, trail: tuple[Json, ...] = ()) -> Json:
        """trail: the references that led here. Raises ValueError if the schema is too large."""
        if not isinstance(schema, Mapping | list):
            return schema
        self._spend(1)
        if isinstance(schema, list):
            return [self.part(item, trail) for item in schema]
        if "$ref" in schema:  # draft 7 ignores the rules beside a reference
            reference = schema["$ref"]
            rule = None if reference in trail else _target(reference, self.root)
            self.omitted += rule is None
            return self.part(rule or {}, (*trail, reference))
        copy = {}
        for key, rule in schema.items():
            before = self.omitted
            if key in _VALUES:
                copy[key] = rule
            elif key in _IGNORED or (key == "pattern" and not self._is_pattern(rule)):
                self.omitted += 1
            elif key not in _NOT_RULES:
                copy[key] = self.part(rule, trail)
                if key in _NEGATING and self.omitted != before:
                    del copy[key]
        return copy

    def _is_pattern(self, rule: Json) -> bool:
        self._spend(_PATTERN_PARTS)
        try:
            _validator(json.dumps({"pattern": rule}))
        except ValueError:
            return False
        return True

    def _spend(self, parts: int) -> None:
        self._left -= parts
        if self._left < 0:
            raise ValueError("too large")


def _target(reference: Json, root: Json) -> Json:
    """The part of the schema that a reference names; None if there is none."""
    if not isinstance(reference, str) or not reference.startswith("#/"):
        return None
    at = root
    for name in reference.removeprefix("#/").split("/"):
        at = at.get(name) if isinstance(at, Mapping) else None
    return at


class _Choices:
    """The keyword `x-choices`, for the validator."""

    def __init__(self, rule: Json, choices: Json, path: list[str | int]) -> None:
        self._codes = codes(choices)

    def validate(self, value: Json) -> None:
        if self._codes and isinstance(value, str) and value not in self._codes:
            raise ValueError("not among the choices")


@lru_cache(maxsize=1000)
def _validator(schema: str) -> Draft7Validator:
    """schema: its JSON. Raises ValueError if it is invalid."""
    return Draft7Validator(
        schema, pattern_options=_ENGINE, keywords={"x-choices": _Choices}, offline=True
    )


def codes(choices: Json, *, key: str = "code") -> dict[str, str]:
    """code -> label of `[{code, label}]`; an item without a code is left out. key: of the code."""
    return {
        item[key]: item["label"] if isinstance(item.get("label"), str) else item[key]
        for item in (choices if isinstance(choices, list) else [])
        if isinstance(item, dict) and isinstance(item.get(key), str)
    }


def _without_empty(value: Json) -> Json:
    """The value without members that are null, "" or empty themselves (contract 2)."""
    if isinstance(value, Mapping):
        members = {key: _without_empty(member) for key, member in value.items()}
        return {key: member for key, member in members.items() if member not in (None, "", [], {})}
    if isinstance(value, list):
        return [_without_empty(item) for item in value]
    return value


def _is_there(path: list[str | int], sent: Json, current: Json) -> bool:
    """Is the value at this path among the current ones, at any place of a list?"""
    if not path:
        return bool(sent == current)
    step, *rest = path
    if isinstance(step, int):
        items = current if isinstance(current, list) else []
        return any(_is_there(rest, sent[step], item) for item in items)
    return isinstance(current, Mapping) and _is_there(rest, sent.get(step), current.get(step))


def _path(error: ValidationError) -> list[str | int]:
    """Where the value is that the error is about; [] for the whole body."""
    missing = [error.kind.value] if error.kind.name == "required" else []
    return [*error.instance_path, *missing]


def _dotted(path: list[str | int]) -> str:
    """phones[0].number, as `concerned_key` has it."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return "".join(steps).removeprefix(".")


def _hint(rule: Json) -> tuple[str, str]:
    """How a rule is explained to people, as `Problem.rule` and `Problem.hint`."""
    rule = rule if isinstance(rule, Mapping) else {}
    meta = rule.get("x-meta")
    meta = meta if isinstance(meta, Mapping) else {"hint": meta}
    if isinstance(meta.get("example"), str | int):
        return "example", str(meta["example"])
    texts = (meta.get("hint"), meta.get("description"), rule.get("description"), meta.get("title"))
    hint = next((text for text in texts if isinstance(text, str) and text.strip()), "")
    return ("explained", hint.strip().rstrip(".")[:_MAX_HINT]) if hint else ("other", "")
