"""A market's rules for a profile: the JSON Schema of `GET /v3/schemas/profile/{locale}`.

Club Med judges in the end, so a rule that cannot be applied here is left out. Patterns run in an
engine whose time grows linearly with the text; it takes no look-around and no back-reference.
"""

import json
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from jsonschema_rs import Draft7Validator, RegexOptions, ValidationError

from customers.clubmed.profile import Json, member

_MAX_REFERENCES = 5  # that lead to one another
_MAX_BODY = 10_000  # characters of JSON
_MAX_HINT = 200  # characters
_ENGINE = RegexOptions(size_limit=1_000_000)  # bytes of a compiled pattern
# Club Med alone judges these: a field that the schema does not name may be good all the same.
_IGNORED = {"additionalProperties", "patternProperties", "propertyNames", "format"}
_IGNORED |= {"$id", "$schema", "definitions", "$defs"}  # no rules
_VALUES = {"x-choices", "x-meta", "enum", "const"}
_NEGATING = {"not", "if", "oneOf"}  # a rule left out in here would make these refuse more


class Problem(NamedTuple):
    """A value that a market refuses.

    key: dotted, as `concerned_key` has it. rule: "required", "choice", "maxLength" or "minLength";
    of any other its explanation: by an "example", "explained" in words, or "other". limit, length:
    in characters. hint: the example or the explanation, or "". pattern: of the rule that the value
    breaks, "" for a rule of another kind.
    """

    key: str
    rule: str
    limit: int = 0
    length: int = 0
    hint: str = ""
    pattern: str = ""


@dataclass(frozen=True)
class Rules:
    """The rules of a market for a profile. schema: as `rules` returns it; {} asks for nothing."""

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
        """The problems that the market has with a body to send.

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
        problems = {}
        for error in errors:
            missing = [error.kind.value] if error.kind.name == "required" else []
            path = [*error.instance_path, *missing]  # [] of the whole body
            if not path or error.kind.name == "type":  # nothing that a person types mends a type
                continue
            value: Json = error.instance
            if error.kind.name == "maxLength" and visible_length(value) <= error.kind.value:
                continue  # whether an accent of its own counts is Club Med's to say
            if now is None or (path[0] in body and not _is_there(path, sent, current)):
                problems[self._problem(path, error)] = True
        return tuple(problems)

    def _problem(self, path: list[str | int], error: ValidationError) -> Problem:
        value: Json = error.instance
        steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
        key = "".join(steps).removeprefix(".")  # phones[0].number
        match error.kind.name:
            case "maxLength" | "minLength" as length:
                return Problem(key, length, error.kind.value, visible_length(value))
            case "required":
                return Problem(key, "required")
            case "x-choices" | "enum" | "const":
                return Problem(key, "choice")
        rule: Json = self.schema
        for step in error.schema_path[:-1]:
            rule = rule[step]
        how, hint = _hint(rule)
        pattern = rule["pattern"] if error.kind.name == "pattern" else ""
        return Problem(key, how, hint=hint, pattern=pattern)

    def _at(self, path: str) -> Mapping[str, Json]:
        """The rule for the value at a path; for the whole profile at ""."""
        steps = ".".join(f"properties.{name}" for name in path.split("."))
        rule = member(self.schema, steps) if path else self.schema
        return rule if isinstance(rule, Mapping) else {}


def rules(schema: Json) -> Rules:
    """The rules of a market's JSON Schema that can be applied here; none of what is no schema."""
    try:
        usable = _usable(schema, schema)
        _validator(json.dumps(usable))
    except (ValueError, RecursionError):
        usable = {}
    return Rules(usable if isinstance(usable, dict) else {})


def visible_length(text: str) -> int:
    """How many letters people see: a mark on a letter, or a joiner, is none."""
    return sum(unicodedata.category(char) not in ("Mn", "Me", "Cf") for char in text)


def _usable(schema: Json, root: Json, references: int = 0) -> Json:
    """The schema without rules that cannot be applied here. references: how many led here."""
    if isinstance(schema, list):
        return [_usable(item, root, references) for item in schema]
    if not isinstance(schema, Mapping):
        return schema
    if "$ref" in schema:  # draft 7 ignores the rules beside a reference
        start, *names = str(schema["$ref"]).split("/")
        rule = root if start == "#" and references < _MAX_REFERENCES else {}
        for name in names:
            rule = rule.get(name, {}) if isinstance(rule, Mapping) else {}
        return _usable(rule, root, references + 1)
    copy = {}
    for key, rule in schema.items():
        if key in _VALUES:
            copy[key] = rule
        elif key not in _IGNORED:
            part = _usable(rule, root, references)
            is_valid = isinstance(part, Mapping) or _is_valid({key: part})
            if is_valid and (key not in _NEGATING or part == rule):
                copy[key] = part
    return copy


def _is_valid(schema: Mapping[str, Json]) -> bool:
    try:
        _validator(json.dumps(schema))
    except ValueError:
        return False
    return True


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
        members = {key: _without_empty(part) for key, part in value.items()}
        return {key: part for key, part in members.items() if part not in (None, "", [], {})}
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


def _hint(rule: Json) -> tuple[str, str]:
    """How a rule is explained to people, as `Problem.rule` and `Problem.hint`."""
    rule = rule if isinstance(rule, Mapping) else {}
    meta = rule.get("x-meta")
    meta = meta if isinstance(meta, Mapping) else {"hint": meta}
    if isinstance(meta.get("example"), str | int):
        return "example", str(meta["example"])
    hint = meta.get("hint") or meta.get("description") or rule.get("description")
    is_hint = isinstance(hint, str)
    return ("explained", hint.strip().rstrip(".")[:_MAX_HINT]) if is_hint else ("other", "")
