"""A market's own rules for a profile: the JSON Schema of `GET /v3/schemas/profile/{locale}`.

Club Med's word counts, not ours: a rule that cannot be read, or may not be safe to apply, is left
out, and the API judges by itself.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from jsonschema import Draft7Validator
from jsonschema.exceptions import SchemaError, ValidationError
from jsonschema.validators import extend

from customers.clubmed.errors import FieldError
from customers.clubmed.profile import Json

_LARGEST = 500_000  # characters of a schema; a larger one takes seconds to check
_LONGEST_PATTERN = 500  # characters
_MOST_VARYING = 3  # parts of any length; one less where a pattern may begin anywhere
_MOST_OPTIONAL = 10  # parts of a pattern that may be there or not
_LONGEST_HINT = 200  # characters
_NOT_OURS = ("$id", "$schema")  # a local reference means the schema that we hold
# Judged by the API alone: fields that the schema does not know may be good all the same.
_IGNORED = ("additionalProperties", "patternProperties", "propertyNames", "format")
_REVERSING = ("not", "if", "oneOf")  # what is left out inside would make them refuse more


def _among_choices(
    validator: Any, choices: Any, value: Json, schema: Any
) -> Iterator[ValidationError]:
    known = codes(choices)
    if known and isinstance(value, str) and value not in known:
        yield ValidationError("not among the choices")


_Validator = extend(Draft7Validator, {"x-choices": _among_choices})  # type: ignore[no-untyped-call]


@dataclass(frozen=True)
class Rules:
    """What a market asks of a profile; without a schema, nothing. locale: whose rules these are."""

    locale: str
    schema: Mapping[str, Json] = field(default_factory=dict)

    def required(self, path: str = "") -> frozenset[str]:
        """What a new customer must have, or an object at that path ("address")."""
        names = self._at(path).get("required")
        return frozenset(names if isinstance(names, list) else ())

    def choices(self, path: str) -> dict[str, str]:
        """code -> label of a field, or of a member of one ("address.state_or_district")."""
        return codes(self._at(path).get("x-choices"))

    def problems(
        self, body: Mapping[str, Json], *, now: Mapping[str, Json] | None = None
    ) -> tuple[FieldError, ...]:
        """What the market would not take of a body that is about to be sent, in plain words.

        now: of a change, what Club Med holds of these fields. What stands there already is not
        judged, and a field that is not sent need not be there.
        """
        sent, there = _without_empty(body), _without_empty(now)
        schema = dict(self.schema)
        if now is not None:
            schema.pop("if", None)  # it cannot be told of a part of a profile
        try:
            errors = list(_Validator(schema).iter_errors(sent))
        except Exception:  # a reference that leads in a circle
            return ()
        told = (
            FieldError("", _dotted(path), message)
            for error in errors
            for path, message in self._told(error)
            if now is None or (path[0] in body and not _stands(path, sent, there))
        )
        return tuple(dict.fromkeys(told))  # of several that are missing each error names all

    def _told(self, error: ValidationError) -> Iterator[tuple[list[Any], str]]:
        path = list(error.absolute_path)
        instance, names = cast(Json, error.instance), cast(Json, error.validator_value)
        if error.validator == "required":
            missing = [name for name in names if name not in instance]
            words = f"The market {self.locale} needs this."
            yield from (([*path, name], words) for name in missing)
        elif path and error.validator != "type":  # which no typing could mend
            yield path, self._words(error)

    def _words(self, error: ValidationError) -> str:
        limit, value = error.validator_value, cast(Json, error.instance)
        match error.validator:
            case "maxLength":
                return f"At most {limit} characters; this has {len(value)}."
            case "minLength":
                return f"At least {limit} characters; this has {len(value)}."
            case "x-choices" | "enum" | "const":
                return f"The market {self.locale} knows no such value: choose one of its own."
            case _:
                return f"The market {self.locale} writes this in another way{_hint(error.schema)}."

    def _at(self, path: str) -> Mapping[str, Json]:
        """The rule of one value, its references followed; of the whole for ""."""
        at = self._followed(self.schema)
        for name in path.split(".") if path else ():
            members = at.get("properties")
            at = self._followed(members.get(name) if isinstance(members, Mapping) else None)
        return at

    def _followed(self, at: Json) -> Mapping[str, Json]:
        for _ in range(5):
            if not isinstance(at, Mapping):
                break
            if "$ref" not in at:
                return at
            at = _target(at["$ref"], self.schema)
        return {}


def rules(locale: str, schema: Json) -> Rules:
    """The rules of a schema, as far as they can be applied; none of a schema that is none."""
    usable: Json = {}
    try:
        if len(json.dumps(schema)) <= _LARGEST:
            usable = _usable(schema, schema)
            Draft7Validator.check_schema(usable)
    except (SchemaError, RecursionError):
        usable = {}
    return Rules(locale, usable if isinstance(usable, dict) else {})


def _usable(schema: Json, root: Json) -> Json:
    """The schema without what cannot be applied here. root: where its references lead."""
    if isinstance(schema, list):
        return [_usable(item, root) for item in schema]
    if not isinstance(schema, Mapping):
        return schema
    if "$ref" in schema:  # rules beside it do not count; what it leads to may stand there
        kept = {key: schema[key] for key in ("definitions", "$defs") if key in schema}
        leads = _target(schema["$ref"], root) is not None
        return {**_usable(kept, root), **({"$ref": schema["$ref"]} if leads else {})}
    return {
        key: usable
        for key, value in schema.items()
        if key not in (*_NOT_OURS, *_IGNORED)
        and not (key == "pattern" and isinstance(value, str) and not _is_safe(value))
        and ((usable := _usable(value, root)) == value or key not in _REVERSING)
    }


def _target(reference: Json, root: Json) -> Json:
    """What a reference leads to inside the schema; None if that is nothing."""
    if not isinstance(reference, str) or not reference.startswith("#/"):
        return None
    at = root
    for name in reference.removeprefix("#/").split("/"):
        at = at.get(name) if isinstance(at, Mapping) else None
    return at


_ATOM = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]")  # an escaped character, a class
_GROUP = re.compile(r"\((?:\?(?:[:=!]|<[=!]|P?<\w+>))?([^()]*)\)(?=([*+{])?)")


def _is_safe(pattern: str) -> bool:
    """Can it be applied here, and in a time that is bounded?

    Not with a repeated group that itself varies, nor with many parts that vary one after the other:
    matching such a pattern may take for ever.
    """
    if len(pattern) > _LONGEST_PATTERN:
        return False
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError):  # of another dialect, perhaps
        return False
    bare = re.sub(r"(?<!\))\{\d+\}", "", _ATOM.sub("x", pattern))  # a fixed count does not vary
    bare = re.sub(r"(?<!\))\{\d,\d\}", "?", bare)
    while group := _GROUP.search(bare):
        varies = re.sub(r"[^*+{?|]", "", group[1])
        if varies and group[2]:
            return False
        bare = f"{bare[: group.start()]}x{varies}{bare[group.end() :]}"
    most = _MOST_VARYING if pattern.startswith("^") else _MOST_VARYING - 1
    return len(re.findall(r"[*+{]", bare)) <= most and bare.count("?") <= _MOST_OPTIONAL


def codes(choices: Json, *, key: str = "code") -> dict[str, str]:
    """code -> label of `[{code, label}]`; what has no code is left out. key: of the code."""
    return {
        item[key]: item["label"] if isinstance(item.get("label"), str) else item[key]
        for item in (choices if isinstance(choices, list) else [])
        if isinstance(item, dict) and isinstance(item.get(key), str)
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
    """Is what is at this path there already, wherever in a list it stood?"""
    if not path:
        return bool(sent == now)
    step, *rest = path
    if isinstance(step, int):
        there = now if isinstance(now, list) else []
        return any(_stands(rest, sent[step], item) for item in there)
    return isinstance(now, Mapping) and _stands(rest, sent.get(step), now.get(step))


def _dotted(path: list[Any]) -> str:
    """phones[0].number, as `concerned_key` names it."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}"
    return text.removeprefix(".")


def _hint(schema: Json) -> str:
    """What the schema says for people, if it does."""
    rule: Mapping[str, Json] = schema if isinstance(schema, Mapping) else {}
    meta = rule.get("x-meta")
    said = meta if isinstance(meta, Mapping) else {"hint": meta}
    if isinstance(said.get("example"), str | int):
        return f", like {said['example']}"
    words = (said.get("hint"), said.get("description"), rule.get("description"), said.get("title"))
    found = next((one for one in words if isinstance(one, str) and one.strip()), "")
    return f": {found.strip().rstrip('.')[:_LONGEST_HINT]}" if found else ""
