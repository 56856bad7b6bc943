"""What a market asks of a profile, as the API's own JSON Schema tells it (contract, section 4).

The sandbox refuses by this very schema, so the two cannot disagree. A value that is empty clears:
that is no matter of types and patterns, only of what is required.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from jsonschema import Draft7Validator, ValidationError, validators

from crmadmin.sandbox import rules
from crmadmin.sandbox.reference import LOCALES, civility_labels

Schema = dict[str, Any]
Codes = Mapping[str, str]

_LATIN = "^[A-Za-zÀ-ÖØ-öø-ɏ\u0300-\u036fḀ-ỿ .'’-]+$"
_US_STATES = {
    "AL": "Alabama", "AK": "Alaska", "AZ": "Arizona", "AR": "Arkansas", "CA": "California",
    "CO": "Colorado", "CT": "Connecticut", "DE": "Delaware", "DC": "District of Columbia",
    "FL": "Florida", "GA": "Georgia", "HI": "Hawaii", "ID": "Idaho", "IL": "Illinois",
    "IN": "Indiana", "IA": "Iowa", "KS": "Kansas", "KY": "Kentucky", "LA": "Louisiana",
    "ME": "Maine", "MD": "Maryland", "MA": "Massachusetts", "MI": "Michigan", "MN": "Minnesota",
    "MS": "Mississippi", "MO": "Missouri", "MT": "Montana", "NE": "Nebraska", "NV": "Nevada",
    "NH": "New Hampshire", "NJ": "New Jersey", "NM": "New Mexico", "NY": "New York",
    "NC": "North Carolina", "ND": "North Dakota", "OH": "Ohio", "OK": "Oklahoma", "OR": "Oregon",
    "PA": "Pennsylvania", "PR": "Puerto Rico", "RI": "Rhode Island", "SC": "South Carolina",
    "SD": "South Dakota", "TN": "Tennessee", "TX": "Texas", "UT": "Utah", "VT": "Vermont",
    "VA": "Virginia", "WA": "Washington", "WV": "West Virginia", "WI": "Wisconsin",
    "WY": "Wyoming",
}  # fmt: skip
_BRAZILIAN_STATES = {
    "AC": "Acre", "AL": "Alagoas", "AP": "Amapá", "AM": "Amazonas", "BA": "Bahia", "CE": "Ceará",
    "DF": "Distrito Federal", "ES": "Espírito Santo", "GO": "Goiás", "MA": "Maranhão",
    "MT": "Mato Grosso", "MS": "Mato Grosso do Sul", "MG": "Minas Gerais", "PA": "Pará",
    "PB": "Paraíba", "PR": "Paraná", "PE": "Pernambuco", "PI": "Piauí", "RJ": "Rio de Janeiro",
    "RN": "Rio Grande do Norte", "RS": "Rio Grande do Sul", "RO": "Rondônia", "RR": "Roraima",
    "SC": "Santa Catarina", "SP": "São Paulo", "SE": "Sergipe", "TO": "Tocantins",
}  # fmt: skip
_CANADIAN_PROVINCES = {
    "AB": "Alberta", "BC": "British Columbia", "MB": "Manitoba", "NB": "New Brunswick",
    "NL": "Newfoundland and Labrador", "NS": "Nova Scotia", "NT": "Northwest Territories",
    "NU": "Nunavut", "ON": "Ontario", "PE": "Prince Edward Island", "QC": "Quebec",
    "SK": "Saskatchewan", "YT": "Yukon",
}  # fmt: skip


@dataclass(frozen=True)
class _National:
    """What one country asks beyond what every market asks.

    zip_code: a pattern and an example. states: the only ones, with the longest code allowed.
    identity: the only type of national number, its pattern and an example. An example is nobody's.
    """

    zip_code: tuple[str, str] | None = None
    required: tuple[str, ...] = ()
    in_address: tuple[str, ...] = ()
    states: Codes = field(default_factory=dict)
    state_length: int = rules.ADDRESS_LENGTHS["state_or_district"]
    identity: tuple[str, str, str] | None = None


_FOUR = "^[0-9]{4}$"
_FIVE = "^[0-9]{5}$"
_SIX = "^[0-9]{6}$"
_NATIONAL = {
    "AR": _National(("^([A-Z][0-9]{4}[A-Z]{3}|[0-9]{4})$", "C1012AAA")),
    "AT": _National((_FOUR, "1010")),
    "AU": _National((_FOUR, "2000")),
    "BE": _National((_FOUR, "1000")),
    "BR": _National(
        ("^[0-9]{5}-?[0-9]{3}$", "20040-002"),
        required=("identity",),
        states=_BRAZILIAN_STATES,
        state_length=2,
        identity=("CPF", "^[0-9]{11}$", "12345678909"),
    ),
    "CA": _National(
        ("^[A-Z][0-9][A-Z] ?[0-9][A-Z][0-9]$", "H2Y 1C6"),
        states=_CANADIAN_PROVINCES,
        state_length=10,
    ),
    "CH": _National((_FOUR, "8001")),
    "CN": _National((_SIX, "200000"), required=("phones",)),
    "DE": _National((_FIVE, "80331"), in_address=("street", "zip_code", "city")),
    "ES": _National((_FIVE, "28001")),
    "FR": _National((_FIVE, "75001"), required=("email",)),
    "GB": _National(("^[A-Z]{1,2}[0-9][0-9A-Z]? ?[0-9][A-Z]{2}$", "SW1A 1AA")),
    "GR": _National(("^[0-9]{3} ?[0-9]{2}$", "105 57")),
    "IN": _National((_SIX, "110001")),
    "IT": _National((_FIVE, "10121")),
    "JP": _National(
        ("^[0-9]{3}-?[0-9]{4}$", "150-0031"),
        required=("unicode_first_name", "unicode_last_name"),
    ),
    "KR": _National((_FIVE, "04001"), required=("birthdate",)),
    "LU": _National((_FOUR, "1009")),
    "MX": _National((_FIVE, "06000")),
    "NL": _National(("^[0-9]{4} ?[A-Z]{2}$", "1012 AB")),
    "PT": _National(("^[0-9]{4}-[0-9]{3}$", "1000-001")),
    "RU": _National((_SIX, "190000")),
    "SG": _National((_SIX, "018956")),
    "TR": _National((_FIVE, "34000")),
    "US": _National(
        ("^[0-9]{5}(-[0-9]{4})?$", "97205"),
        states=_US_STATES,
        state_length=10,
    ),
}


def market_of(locale_or_country: str) -> str | None:
    """The locale of a market: itself, or the first one of a country. None for one we lack."""
    for locale in LOCALES:
        if locale_or_country in (locale, locale[3:]):
            return locale
    return None


@cache
def profile_schema(locale: str) -> Schema:
    """The draft-07 schema of a profile in that market; the general one for a locale we lack."""
    national = _NATIONAL.get(locale[3:], _National())
    return {
        "title": f"Profile, {locale}",
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$id": f"https://api.clubmed.com/v3/schemas/profile/{locale}",
        "type": "object",
        "additionalProperties": False,
        "required": ["civility", "first_name", "last_name", *national.required],
        "definitions": _definitions(national),
        "properties": _properties(locale),
    }


def refusals(locale: str, body: Mapping[str, Any], *, complete: bool) -> list[rules.Refusal]:
    """What the market forbids in a body. complete: does it miss what it does not hold?

    How another country writes postal codes and states is not this market's to say.
    """
    sent = {key: value for key, value in body.items() if complete or not rules.is_empty(value)}
    found = [
        rules.Refusal(str(problem.validator), ".".join(map(str, problem.path)), problem.message)
        for problem in _validator(locale, complete).iter_errors(_without_empty(sent))
        if not (_is_abroad(body, locale) and list(problem.path) in _NATIONAL_PARTS)
    ]
    cleared = [
        rules.Refusal("required", key, "This field is required.")
        for key in profile_schema(locale)["required"]
        if not complete and key in body and rules.is_empty(body[key])
    ]
    return found + cleared


_NATIONAL_PARTS = (["address", "zip_code"], ["address", "state_or_district"])


def _is_abroad(body: Mapping[str, Any], locale: str) -> bool:
    address = body.get("address")
    country = address.get("country_code") if isinstance(address, dict) else None
    return bool(country) and country != locale[3:]


@cache
def _validator(locale: str, complete: bool) -> Draft7Validator:
    schema = profile_schema(locale)
    return _Validator(schema if complete else {**schema, "required": []})


def _without_empty(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_empty(m) for key, m in value.items() if not rules.is_empty(m)}
    return [_without_empty(item) for item in value] if isinstance(value, list) else value


def _properties(locale: str) -> Schema:
    name = {"type": "string", "pattern": _LATIN}
    native = {"type": "string", "maxLength": 100}
    country = {"type": "string", "maxLength": 2, "pattern": "^[A-Z]{2}$"}
    return {
        "civility": {"type": "string", **_choices(civility_labels(locale))},
        "unicode_civility": native,
        "first_name": {**name, "maxLength": 20},
        "last_name": {**name, "maxLength": 30},
        "unicode_first_name": native,
        "unicode_last_name": native,
        "second_name": {**name, "maxLength": 50},
        "unicode_second_name": native,
        "third_name": {**name, "maxLength": 50},
        "unicode_third_name": native,
        "fourth_name": {**name, "maxLength": 50},
        "unicode_fourth_name": native,
        "email": {"type": "string", "format": "email", "maxLength": 254},
        "birthdate": {
            "type": "string",
            "maxLength": 8,
            "pattern": "^[0-9]{8}$",
            "x-meta": {"format": "YYYYMMDD", "example": "19791231"},
        },
        "birth_country_code": country,
        "birth_city": {"type": "string", "maxLength": 100},
        "language_code": country,
        "phones": {"type": "array", "items": {"$ref": "#/definitions/phone"}},
        "address": {"$ref": "#/definitions/address"},
        "optins": {"type": "array", "items": {"$ref": "#/definitions/optin"}},
        "personal_data_usage_allowed": {"type": "boolean"},
        "identity": {"$ref": "#/definitions/identity"},
        "customer_type": {
            "type": "string",
            **_choices({"CLIENT": "Client", "PROSPECT": "Prospect"}),
        },
        "call_id": {"type": "string", "maxLength": 100},
    }


def _definitions(national: _National) -> Schema:
    number: Schema = {"type": "string", "maxLength": 50}
    types = sorted(rules.IDENTITY_TYPES)
    if national.identity:
        kind, pattern, example = national.identity
        types = [kind]
        number |= {"pattern": pattern, "x-meta": {"example": example}}
    return {
        "address": _address(national),
        "zip_code": _zip_code(national),
        "state_or_district": _state(national),
        "phone": {
            "type": "object",
            "required": ["number", "type"],
            "properties": {
                "number": {"type": "string", "maxLength": 50, "pattern": "^[+]?[0-9]+$"},
                "type": {"type": "string", **_choices(_PHONE_TYPES)},
            },
        },
        "optin": {
            "type": "object",
            "required": ["channel", "optin"],
            "properties": {
                "channel": {"type": "string", **_choices(_named(sorted(rules.CHANNELS)))},
                "optin": {"type": "boolean"},
                "optin_partners": {"type": "boolean"},
            },
        },
        "identity": {
            "type": "object",
            "required": ["number", "type"],
            "properties": {"number": number, "type": {"type": "string", **_choices(_named(types))}},
        },
    }


_PHONE_TYPES = {"MOBILE": "Mobile", "HOME": "Home", "OFFICE": "Office", "FAX_2": "Second fax"}


def _address(national: _National) -> Schema:
    members: Schema = {
        key: {"type": "string", "maxLength": limit} for key, limit in rules.ADDRESS_LENGTHS.items()
    }
    for key in ("zip_code", "state_or_district"):
        members[key] = {"$ref": f"#/definitions/{key}"}
    return {"type": "object", "required": list(national.in_address), "properties": members}


def _zip_code(national: _National) -> Schema:
    schema: Schema = {"type": "string", "maxLength": rules.ADDRESS_LENGTHS["zip_code"]}
    if national.zip_code:
        pattern, example = national.zip_code
        schema |= {"pattern": pattern, "x-meta": {"example": example}}
    return schema


def _state(national: _National) -> Schema:
    schema: Schema = {"type": "string", "maxLength": national.state_length}
    return schema | _choices(national.states) if national.states else schema


_INITIALS = {"CGU", "CPF", "CUIL", "DNI", "ID", "SMS"}


def _named(codes: list[str]) -> Codes:
    return {code: _words(*code.split("_")) for code in codes}


def _words(first: str, *rest: str) -> str:
    first = first if first in _INITIALS else first.capitalize()
    return " ".join([first, *(word.lower() for word in rest)])


def _choices(codes: Codes) -> Schema:
    return {"x-choices": [{"code": code, "label": label} for code, label in codes.items()]}


def _is_choice(
    validator: Any, choices: list[Codes], value: Any, schema: Schema
) -> Iterator[ValidationError]:
    if isinstance(value, str) and value not in {choice["code"] for choice in choices}:
        yield ValidationError("This value is not one of the allowed ones.")


def _has_required(
    validator: Any, names: list[str], value: Any, schema: Schema
) -> Iterator[ValidationError]:
    """As the standard's, with the missing member in the path."""
    for name in names:
        if isinstance(value, dict) and name not in value:
            yield ValidationError("This field is required.", path=[name])


def _has_no_other(
    validator: Any, others: bool, value: Any, schema: Schema
) -> Iterator[ValidationError]:
    """As the standard's, with the member that is too much in the path."""
    for name in value if isinstance(value, dict) and not others else ():
        if name not in schema["properties"]:
            yield ValidationError("This field is not known.", path=[name])


_Validator: type[Draft7Validator] = validators.extend(  # type: ignore[no-untyped-call]
    Draft7Validator,
    {"x-choices": _is_choice, "required": _has_required, "additionalProperties": _has_no_other},
)
