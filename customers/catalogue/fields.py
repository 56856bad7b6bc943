"""The catalogue of profile fields: one row a field (contract 3).

Pages, forms, PATCH bodies and the audit log all read it; adding a plain field is adding a row.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum

from customers.catalogue import compare, kinds, objects
from customers.catalogue.kinds import Kind
from customers.clubmed.profile import Json, Profile, member


class Group(StrEnum):
    """Where a field stands on the page."""

    HEAD = "Head"
    IDENTITY = "Identity"
    CONTACT = "Contact"
    PREFERENCES = "Preferences"
    ACCOUNT = "Loyalty and account"
    CALL = "About this call"


class Create(Enum):
    """A field's place in the body of `POST /v1/customers`."""

    NO = "no"
    OPTIONAL = "optional"
    REQUIRED = "required"


class Clear(Enum):
    """What a PATCH sends to empty a field; NEVER where the contract has no way or ours refuses."""

    NEVER = "never"
    NULL = "null"
    BLANK = '""'
    LIST = "[]"
    NO = "optin: false"


MASK = "••••••"  # stands for a sensitive value, however long
_CLEARED: Mapping[Clear, Json] = {Clear.NULL: None, Clear.BLANK: "", Clear.LIST: []}


@dataclass(frozen=True)
class Field:
    """One field of a profile.

    name: the API's key, the form's input and the log's word for it; unique.
    path: where it is read, `name` unless nested ("loyalty_program.status").
    patch: it has an editor here, and the API takes it in a PATCH.
    max_length: characters, None where the contract names none.
    choices: code -> label; a code beside them is shown as a new value, not refused.
    rare: stands in the line "Also empty" when it has no value.
    sensitive: hidden wherever it stands until it is revealed; of an object with members, those of
    them that are.
    read: the profile read holds it.
    note: a word beside the value.
    width: of its input in a form, in sixths.
    members: of an object, rows of their own; their names are the keys inside it.
    """

    name: str
    label: str
    group: Group
    kind: Kind = kinds.TEXT
    path: str = ""
    create: Create = Create.NO
    patch: bool = False
    clear: Clear = Clear.NEVER
    max_length: int | None = None
    choices: Mapping[str, str] = field(default_factory=dict)
    native: bool = False
    rare: bool = False
    sensitive: bool = False
    read: bool = True
    note: str = ""
    width: int = 3
    members: "tuple[Field, ...]" = ()

    def value(self, profile: Profile) -> Json:
        """What the profile holds, None when there is nothing."""
        path = self.path or self.name
        return member(profile.values, path) if "." in path else profile.get(path)

    def text(self, value: Json, *, revealed: bool = False) -> str:
        """The value in one line, "" when there is none; a sensitive one masked until revealed."""
        if compare.is_empty(value):
            return ""
        if self.sensitive and not revealed:
            return " ".join(filter(None, (self.open_text(value), MASK)))
        if self.kind is kinds.IDENTITY and isinstance(value, dict):
            return self._members_text(value)
        if self.kind is kinds.BOOLEAN and isinstance(value, bool):
            return self.choices.get(str(value).lower(), "Yes" if value else "No")
        if isinstance(value, str) and value in self.choices:
            return self.choices[value]
        return self.kind.text(value)

    def open_text(self, value: Json) -> str:
        """What of a sensitive value is no secret: of a national number its type."""
        if not isinstance(value, dict) or not self.readable(value):
            return ""
        open_rows = (row for row in self.members if not row.sensitive)
        return " ".join(filter(None, (row.text(value.get(row.name)) for row in open_rows)))

    def _members_text(self, value: Mapping[str, Json]) -> str:
        """Member by member; those that are not known here named."""
        left = dict(value)
        known = (row.text(left.pop(row.name, None), revealed=True) for row in self.members)
        said = " ".join(filter(None, known))
        more = (f"{key}: {compare.raw_text(one)}" for key, one in left.items() if one is not None)
        return ", ".join(filter(None, (said, *more)))

    def has_sensitive(self, value: Json) -> bool:
        """Is there something sensitive in a value, as an editor gives it?"""
        if not self.members or not isinstance(value, dict):
            return self.sensitive and not compare.is_empty(value)
        return any(row.has_sensitive(value.get(row.name)) for row in self.members)

    def is_new_code(self, value: Json) -> bool:
        """A code that this catalogue does not know yet."""
        known = bool(self.choices) and self.kind is kinds.CODE
        return known and not compare.is_empty(value) and compare.raw_text(value) not in self.choices

    def normal(self, value: Json) -> Json:
        """The form under which two reads that mean the same to a person are one.

        Compare it by `kinds.canonical`, to which true is not 1.
        """
        return self.kind.normal(value)

    def same(self, sent: Json, stored: Json) -> bool:
        """Is what Club Med stored what was sent, to a person?"""
        return self.kind.same(sent, stored)

    def seen(self, value: Json) -> Json:
        """What has to be there still for a form that was opened over this value to hold."""
        return (self.kind.seen or self.kind.normal)(value)

    @property
    def is_required(self) -> bool:
        """Of a member: it has to be there where the object is."""
        return self.create is Create.REQUIRED

    @property
    def is_composed(self) -> bool:
        """Has it several inputs, in rows or one a member?"""
        return bool(self.members) or self.kind in (kinds.PHONES, kinds.OPTINS)

    @property
    def clear_words(self) -> str:
        """What the clear is called: "Clear the e-mail", "Refuse all opt-ins"."""
        return f"{'Refuse' if self.clear is Clear.NO else 'Clear'} {self.the_label}"

    @property
    def clearable(self) -> bool:
        return self.clear is not Clear.NEVER

    def cleared(self, now: Json) -> Json:
        """What clears it, as its editor would give it. now: the value there is."""
        if self.clear is Clear.NO:
            return objects.all_refused(now)
        return _CLEARED[self.clear]

    def readable(self, value: Json) -> bool:
        """Is it in the contract's shape? One that is not is shown, and not ours to rewrite."""
        return self.kind.readable(value) and not (
            isinstance(value, dict)
            and any(isinstance(value.get(row.name), bool | list | dict) for row in self.members)
        )

    @property
    def the_label(self) -> str:
        """The label inside a sentence: "the e-mail", "all phones"."""
        inner = self.label if self.label[1].isupper() else self.label[0].lower() + self.label[1:]
        return f"all {inner}" if self.clear in (Clear.LIST, Clear.NO) else f"the {inner}"


CIVILITIES = {"MR": "Mr", "MS": "Ms"}
GENDERS = {"M": "Male", "F": "Female"}
CUSTOMER_TYPES = {"PROSPECT": "Prospect", "CLIENT": "Client"}
CUSTOMER_STATUSES = {
    "NEW_CUSTOMER": "New customer",
    "UNAVAILABLE": "Unavailable",
    "PROSPECT": "Prospect",
    "CLIENT": "Client",
}
TIERS = {
    "NONE": "None",
    "TURQUOISE": "Turquoise",
    "SILVER": "Silver",
    "GOLD": "Gold",
    "PLATINUM": "Platinum",
    "UNAVAILABLE_FOR_THIS_COUNTRY": "Not available in this country",
    "EXCLUDED": "Excluded",
    "UNAVAILABLE": "Unavailable",
}
ALLOWED = {"true": "Allowed", "false": "Not allowed"}


IDENTITY_TYPES = {
    "CPF": "CPF",
    "CUIL": "CUIL",
    "TAX_NUMBER": "Tax number",
    "SECURITY_NUMBER": "Social security number",
    "ID_NUMBER": "Identity card number",
    "NATIONAL_REGISTER": "National register number",
    "DNI": "DNI",
}


def _native_name(
    name: str, label: str, max_length: int | None = None, create: Create = Create.NO
) -> Field:
    return Field(
        f"unicode_{name}", f"Native {label}", Group.IDENTITY, kinds.NATIVE, create=create, patch=True,
        clear=Clear.BLANK, max_length=max_length, native=True, rare=True,
    )  # fmt: skip


def _middle_name(name: str, label: str) -> Field:
    return Field(name, label, Group.IDENTITY, patch=True, clear=Clear.BLANK, rare=True)


def _address(
    name: str, label: str, max_length: int, width: int = 3, kind: Kind = kinds.TEXT
) -> Field:
    return Field(
        name, label, Group.CONTACT, kind, f"address.{name}", max_length=max_length, width=width
    )


# `country` (100) has no row: it is the name of `country_code`, chosen with it.
_ADDRESS = (
    _address("street", "Street", 100, 4),
    _address("number", "Number", 50, 2),
    _address("add_on", "Flat, floor", 50),
    _address("town", "District or town", 100),
    _address("zip_code", "Postal code", 50, 2),
    _address("city", "City", 150, 4),
    _address("state_or_district", "State or district", 100),
    _address("country_code", "Country", 3, kind=kinds.COUNTRY),
    _address("additional_information_1", "More about it", 100),
    _address("additional_information_2", "Yet more", 100),
)
_IDENTITY = (
    Field("type", "Type", Group.IDENTITY, kinds.CODE, "identity.type", create=Create.REQUIRED, choices=IDENTITY_TYPES),
    Field("number", "Number", Group.IDENTITY, kinds.IDENTIFIER, "identity.number", create=Create.REQUIRED, sensitive=True),
)  # fmt: skip

_ROWS = (
    Field("gm_number", "GM number", Group.HEAD, kinds.IDENTIFIER),
    Field("customer_type", "Type", Group.HEAD, kinds.CODE, create=Create.OPTIONAL, choices=CUSTOMER_TYPES),
    Field("locale", "Market", Group.HEAD, kinds.IDENTIFIER),
    Field("civility", "Civility", Group.IDENTITY, kinds.CODE, create=Create.REQUIRED, patch=True, choices=CIVILITIES, width=2),
    Field("first_name", "First name", Group.IDENTITY, create=Create.REQUIRED, patch=True, max_length=20, width=4),
    Field("last_name", "Last name", Group.IDENTITY, create=Create.REQUIRED, patch=True, max_length=30),
    _native_name("first_name", "first name", 100, Create.OPTIONAL),
    _native_name("last_name", "last name", 100, Create.OPTIONAL),
    _native_name("civility", "civility", create=Create.OPTIONAL),
    _middle_name("second_name", "Second name"),
    _native_name("second_name", "second name"),
    _middle_name("third_name", "Third name"),
    _native_name("third_name", "third name"),
    _middle_name("fourth_name", "Fourth name"),
    _native_name("fourth_name", "fourth name"),
    Field("gender", "Gender", Group.IDENTITY, kinds.CODE, choices=GENDERS, rare=True, note="follows the civility"),
    Field("birthdate", "Date of birth", Group.IDENTITY, kinds.DATE, create=Create.OPTIONAL, patch=True, clear=Clear.NULL),
    Field("birth_city", "Place of birth", Group.IDENTITY, patch=True, clear=Clear.BLANK, rare=True),
    Field("birth_country_code", "Country of birth", Group.IDENTITY, kinds.COUNTRY, patch=True, clear=Clear.NULL, rare=True),
    Field("identity", "National number", Group.IDENTITY, kinds.IDENTITY, create=Create.OPTIONAL, patch=True, clear=Clear.NULL, rare=True, sensitive=True, width=6, members=_IDENTITY),
    Field("phones", "Phones", Group.CONTACT, kinds.PHONES, create=Create.OPTIONAL, patch=True, clear=Clear.LIST, width=6),
    Field("email", "E-mail", Group.CONTACT, kinds.EMAIL, create=Create.OPTIONAL, patch=True, clear=Clear.NULL, max_length=254, width=6),
    Field("address", "Address", Group.CONTACT, kinds.ADDRESS, create=Create.OPTIONAL, patch=True, clear=Clear.NULL, width=6, members=_ADDRESS),
    Field("language_code", "Language", Group.PREFERENCES, kinds.LANGUAGE, create=Create.OPTIONAL, patch=True, clear=Clear.BLANK),
    Field("optins", "Opt-ins", Group.PREFERENCES, kinds.OPTINS, create=Create.OPTIONAL, patch=True, clear=Clear.NO, width=6),
    Field("personal_data_usage_allowed", "Personal data use", Group.PREFERENCES, kinds.BOOLEAN, patch=True, choices=ALLOWED),
    Field("loyalty_status", "Tier", Group.ACCOUNT, kinds.CODE, "loyalty_program.status", choices=TIERS),
    Field("loyalty_previous_status", "Tier before", Group.ACCOUNT, kinds.CODE, "loyalty_program.previous_status", choices=TIERS, rare=True),
    Field("loyalty_points", "Points", Group.ACCOUNT, kinds.NUMBER, "loyalty_program.points"),
    Field("loyalty_is_platinum_for_life", "Platinum for life", Group.ACCOUNT, kinds.BOOLEAN, "loyalty_program.is_platinum_for_life", rare=True),
    Field("customer_status", "Customer status", Group.ACCOUNT, kinds.CODE, choices=CUSTOMER_STATUSES),
    Field("filiation_number", "Filiation number", Group.ACCOUNT, kinds.IDENTIFIER, rare=True),
    Field("blacklisted", "Blacklisted", Group.ACCOUNT, kinds.BOOLEAN),
    Field("health_pass_id", "Health pass", Group.ACCOUNT, kinds.IDENTIFIER, sensitive=True, rare=True),
    Field("call_id", "Call motive", Group.CALL, kinds.IDENTIFIER, create=Create.OPTIONAL, read=False),
)  # fmt: skip

FIELDS: dict[str, Field] = {row.name: row for row in _ROWS}

# Known, and no value of the customer's: where to read it again, and the twin of birthdate.
_TECHNICAL = {"id", "_links", "birthday"}


def creatable() -> list[Field]:
    """The fields of the create form, in the catalogue's order."""
    return [row for row in FIELDS.values() if row.create is not Create.NO]


def unknown_values(profile: Profile) -> list[tuple[str, str]]:
    """Keys that no row reads, with their values as they came."""
    paths = [row.path or row.name for row in FIELDS.values()]
    nested = {path.split(".")[0] for path in paths if "." in path}
    found: list[tuple[str, Json]] = []
    for key, value in profile.values.items():
        if key in nested and isinstance(value, Mapping):
            found += [
                (f"{key}.{inner}", item)
                for inner, item in value.items()
                if f"{key}.{inner}" not in paths
            ]
        elif key not in paths and key not in _TECHNICAL and not (key in nested and value is None):
            found.append((key, value))
    return [(key, compare.raw_text(value)) for key, value in found]


def to_send(typed: Mapping[str, Json], now: Mapping[str, Json]) -> dict[str, Json]:
    """field -> the value to be sent, of what was typed over what Club Med holds now.

    A value that Club Med holds already is left out, unless something sensitive was typed.
    """
    new = {name: FIELDS[name].kind.compose(now[name], value) for name, value in typed.items()}
    return {
        name: value
        for name, value in new.items()
        if compare.canonical(value) != compare.canonical(now[name])
        or FIELDS[name].has_sensitive(typed[name])
    }
