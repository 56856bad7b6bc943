"""The catalogue of profile fields (contract 3). A new field needs a row, and nothing else."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import partial
from typing import Any

from django.db import models
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from customers.catalogue import compare, kinds, national_numbers, objects
from customers.catalogue.kinds import Kind
from customers.catalogue.words import any_text, key_text, new_text, yes_no
from customers.clubmed.profile import Json, Profile, member, parse_date


class Group(models.TextChoices):
    """Where a field stands on the page."""

    HEAD = "head", _("Head")
    IDENTITY = "identity", _("Identity")
    CONTACT = "contact", _("Contact")
    PREFERENCES = "preferences", _("Preferences")
    ACCOUNT = "account", _("Loyalty and account")
    CALL = "call", _("About this call")


class Create(Enum):
    """A field's place in the body of `POST /v1/customers`."""

    NO = "no"
    OPTIONAL = "optional"
    REQUIRED = "required"


class Clear(Enum):
    """What a PATCH sends to empty a field; NEVER where the contract or this product has no way."""

    NEVER = "never"
    NULL = None
    BLANK = ""
    LIST = ()
    NO = "optin: false"


_NESTED = {bool, list, dict}  # of JSON, what no input of one line can hold
MASK = "••••••"  # stands for a sensitive value of any length


@dataclass(frozen=True)
class Field:
    """One field of a profile.

    name: the API's key, the form's input and the log's word for it; unique.
    title: its name for people; use `label`.
    path: where it is read, `name` unless nested ("loyalty_program.status").
    patch: it has an editor here. max_length: in characters, None where the contract names none.
    codes: code -> its title; use `choices`. Any other code is shown as a new value, not refused.
    rare: without a value it stands in the line "Also empty". in_profile: a profile holds it.
    sensitive: masked until it is revealed; of an object, its sensitive members are.
    note: a word beside the value. help: a sentence below its input. follows: the field whose change at Club Med changes it.
    before: the field with the value before this one, which stands in the same row.
    joins: it goes on in the line of the row above it, as in "São Paulo, Brazil".
    width: of its input in a form, in sixths.
    members: of an object, each a row of its own, named by its key in the object.
    """

    name: str
    title: str | Promise
    group: Group
    kind: Kind = kinds.TEXT
    path: str = ""
    create: Create = Create.NO
    patch: bool = False
    clear: Clear = Clear.NEVER
    max_length: int | None = None
    codes: Mapping[str, str | Promise] = field(default_factory=dict)
    rare: bool = False
    sensitive: bool = False
    in_profile: bool = True
    note: str | Promise = ""
    help: str | Promise = ""
    follows: str = ""
    before: str = ""
    joins: bool = False
    width: int = 3
    members: "tuple[Field, ...]" = ()

    @property
    def label(self) -> str:
        return str(self.title)

    @property
    def native(self) -> bool:
        return self.kind is kinds.NATIVE

    @property
    def choices(self) -> dict[str, str]:
        """code -> label."""
        return {code: str(title) for code, title in self.codes.items()}

    def value(self, profile: Profile) -> Json:
        """The value in the profile, None when there is nothing."""
        path = self.path or self.name
        return member(profile.values, path) if "." in path else profile.get(path)

    def text(self, value: Json, *, revealed: bool = False) -> str:
        """The value in one line, "" when there is none; a sensitive one masked until revealed."""
        if compare.is_empty(value):
            return ""
        if self.sensitive and not revealed:
            return " ".join(filter(None, (self.open_text(value), MASK)))
        if self.kind is kinds.IDENTITY and isinstance(value, dict):
            rest = dict(value)  # what is new to us follows with its keys
            if isinstance(value.get("number"), str) and isinstance(value.get("type"), str):
                rest["number"] = national_numbers.printed(value["number"], value["type"])
            texts = (row.text(rest.pop(row.name, None), revealed=True) for row in self.members)
            first = " ".join(filter(None, texts))
            new = (new_text(key, item) for key, item in rest.items() if item is not None)
            return ", ".join(filter(None, (first, *new)))
        if self.kind is kinds.BOOLEAN and isinstance(value, bool):
            return str(self.codes.get("true" if value else "false", "")) or yes_no(value)
        if isinstance(value, str) and value in self.codes:
            return str(self.codes[value])
        return self.kind.text(value)

    def open_text(self, value: Json) -> str:
        """The open part of a masked sensitive value: of a national number its type."""
        if not isinstance(value, dict) or not self.readable(value):
            return ""
        texts = (row.text(value.get(row.name)) for row in self.members if not row.sensitive)
        return " ".join(filter(None, texts))

    def has_sensitive(self, value: Json) -> bool:
        """Is there something sensitive in a value, as an editor gives it?"""
        if not self.members or not isinstance(value, dict):
            return self.sensitive and not compare.is_empty(value)
        return any(row.has_sensitive(value.get(row.name)) for row in self.members)

    def same(self, sent: Json, stored: Json) -> bool:
        """Does the stored value hold what was sent, as a person compares them?"""
        return self.kind.is_contained(sent, stored, self.kind.normal)

    def holds(self, stored: Json, value: Json, *, of: tuple[Json, Json]) -> bool:
        """Is `stored` the value `value` of the two in `of`? If these two are the same to a person,
        the comparison is by the letter, so capitals and accents count.
        """
        return compare.is_same(value, stored) if self.same(*of) else self.same(value, stored)

    def fingerprint(self, value: Json) -> Json:
        """The form that must not have changed since an editor was opened over this value."""
        return (self.kind.fingerprint or self.kind.normal)(value)

    def readable(self, value: Json) -> bool:
        """Is it in the contract's shape? Any other is shown, and cannot be edited here."""
        members = [value.get(row.name) for row in self.members] if isinstance(value, dict) else []
        is_flat = _NESTED.isdisjoint(map(type, members))
        return self.kind.readable(value) and is_flat

    @property
    def is_required(self) -> bool:
        """Of a member: must every object have it?"""
        return self.create is Create.REQUIRED

    @property
    def is_composed(self) -> bool:
        """Has it several inputs, in rows or one a member?"""
        return bool(self.members) or self.kind in (kinds.PHONES, kinds.OPTINS)

    @property
    def clearable(self) -> bool:
        return self.clear is not Clear.NEVER

    @property
    def clear_words(self) -> str:
        """The label of the control that clears the field."""
        return str(_("Set every opt-in to No") if self.clear is Clear.NO else _("Clear"))

    def cleared(self, now: Json) -> Json:
        """The value that clears the field, as its editor gives it. now: the current value."""
        if self.clear is Clear.NO:
            return objects.all_refused(now)
        return [] if self.clear is Clear.LIST else self.clear.value

    def restored(self, old: Json) -> Json:
        """The value that puts back an older one, as an editor gives it. old: as it was read."""
        if compare.is_empty(old):
            return self.cleared(None)
        if self.kind is kinds.DATE and (day := parse_date(old)):
            return f"{day:%Y%m%d}"  # read in two forms, sent in one (contract 3)
        if isinstance(old, dict):  # a member that came since is emptied
            return dict.fromkeys(self.kind.members) | old
        return old


CUSTOMER_STATUSES = {
    "NEW_CUSTOMER": _("New customer"),
    "UNAVAILABLE": _("Unavailable"),
    "PROSPECT": _("Prospect"),
    "CLIENT": _("Client"),
}
CUSTOMER_TYPES = {"PROSPECT": _("Prospect"), "CLIENT": _("Client")}
FOUND_TYPES = CUSTOMER_TYPES | {"GO": _("G.O"), "AGENT": _("Agent"), "AGENCE": _("Agency")}
TIERS = {
    "NONE": _("None"),
    "TURQUOISE": _("Turquoise"),
    "SILVER": _("Silver"),
    "GOLD": _("Gold"),
    "PLATINUM": _("Platinum"),
    "UNAVAILABLE_FOR_THIS_COUNTRY": _("Not available in this country"),
    "EXCLUDED": _("Excluded"),
    "UNAVAILABLE": _("Unavailable"),
}
IDENTITY_TYPES = {
    "CPF": _("CPF"),
    "CUIL": _("CUIL"),
    "TAX_NUMBER": _("Tax number"),
    "SECURITY_NUMBER": _("Social security number"),
    "ID_NUMBER": _("Identity card number"),
    "NATIONAL_REGISTER": _("National register number"),
    "DNI": _("DNI"),
}

_middle_name = partial(Field, group=Group.IDENTITY, patch=True, clear=Clear.BLANK, rare=True)
_native_name = partial(_middle_name, kind=kinds.NATIVE)


def _address(name: str, title: str | Promise, max_length: int, **more: Any) -> Field:
    path = f"address.{name}"
    return Field(name, title, Group.CONTACT, path=path, max_length=max_length, **more)


# `country` (100) has no row: it is the name of `country_code`, chosen with it.
_ADDRESS = (
    _address("street", _("Street"), 100, width=4),
    _address("number", _("Number"), 50, width=2),
    _address("add_on", _("Flat, floor"), 50),
    _address("town", _("District or town"), 100),
    _address("zip_code", _("Postal code"), 50, width=2, kind=kinds.IDENTIFIER),
    _address("city", _("City"), 150, width=4),
    _address("state_or_district", _("State or district"), 100),
    _address("country_code", _("Country"), 3, kind=kinds.COUNTRY),
    _address("additional_information_1", _("Additional information 1"), 100),
    _address("additional_information_2", _("Additional information 2"), 100),
)
_IDENTITY = (
    Field("type", _("Type"), Group.IDENTITY, kinds.CODE, "identity.type", create=Create.REQUIRED, codes=IDENTITY_TYPES),
    Field("number", _("Number"), Group.IDENTITY, kinds.IDENTIFIER, "identity.number", create=Create.REQUIRED, sensitive=True),
)  # fmt: skip

_ROWS = (
    Field("gm_number", _("GM number"), Group.HEAD, kinds.IDENTIFIER),
    Field("customer_type", _("Type"), Group.HEAD, kinds.CODE, create=Create.OPTIONAL, codes=CUSTOMER_TYPES),
    Field("locale", _("Market"), Group.HEAD, kinds.IDENTIFIER),
    Field("civility", _("Civility"), Group.IDENTITY, kinds.CODE, create=Create.REQUIRED, patch=True, codes={"MR": _("Mr"), "MS": _("Ms")}, help=_("The gender follows it."), width=2),
    Field("first_name", _("First name"), Group.IDENTITY, create=Create.REQUIRED, patch=True, max_length=20, width=4),
    Field("last_name", _("Last name"), Group.IDENTITY, create=Create.REQUIRED, patch=True, max_length=30),
    _native_name("unicode_first_name", _("Native first name"), create=Create.OPTIONAL, max_length=100),
    _native_name("unicode_last_name", _("Native last name"), create=Create.OPTIONAL, max_length=100),
    _native_name("unicode_civility", _("Native civility"), create=Create.OPTIONAL),
    _middle_name("second_name", _("Second name")),
    _native_name("unicode_second_name", _("Native second name")),
    _middle_name("third_name", _("Third name")),
    _native_name("unicode_third_name", _("Native third name")),
    _middle_name("fourth_name", _("Fourth name")),
    _native_name("unicode_fourth_name", _("Native fourth name")),
    Field("gender", _("Gender"), Group.IDENTITY, kinds.CODE, codes={"M": _("Male"), "F": _("Female")}, rare=True, note=_("follows the civility"), follows="civility"),
    Field("birthdate", _("Date of birth"), Group.IDENTITY, kinds.DATE, create=Create.OPTIONAL, patch=True, clear=Clear.NULL),
    Field("birth_city", _("Place of birth"), Group.IDENTITY, patch=True, clear=Clear.BLANK, rare=True),
    Field("birth_country_code", _("Country of birth"), Group.IDENTITY, kinds.COUNTRY, patch=True, clear=Clear.NULL, rare=True, joins=True),
    Field("identity", _("National number"), Group.IDENTITY, kinds.IDENTITY, create=Create.OPTIONAL, patch=True, clear=Clear.NULL, rare=True, sensitive=True, width=6, members=_IDENTITY),
    Field("phones", _("Phones"), Group.CONTACT, kinds.PHONES, create=Create.OPTIONAL, patch=True, clear=Clear.LIST, width=6),
    Field("email", _("E-mail"), Group.CONTACT, kinds.EMAIL, create=Create.OPTIONAL, patch=True, clear=Clear.NULL, max_length=254, width=6),
    Field("address", _("Address"), Group.CONTACT, kinds.ADDRESS, create=Create.OPTIONAL, patch=True, clear=Clear.NULL, width=6, members=_ADDRESS),
    Field("language_code", _("Language"), Group.PREFERENCES, kinds.LANGUAGE, create=Create.OPTIONAL, patch=True, clear=Clear.BLANK),
    Field("optins", _("Opt-ins"), Group.PREFERENCES, kinds.OPTINS, create=Create.OPTIONAL, patch=True, clear=Clear.NO, width=6),
    Field("personal_data_usage_allowed", _("Personal data use"), Group.PREFERENCES, kinds.BOOLEAN, patch=True, codes={"true": _("Allowed"), "false": _("Not allowed")}),
    Field("loyalty_status", _("Tier"), Group.ACCOUNT, kinds.CODE, "loyalty_program.status", codes=TIERS, before="loyalty_previous_status"),
    Field("loyalty_previous_status", _("Tier before"), Group.ACCOUNT, kinds.CODE, "loyalty_program.previous_status", codes=TIERS, rare=True),
    Field("loyalty_points", _("Points"), Group.ACCOUNT, kinds.NUMBER, "loyalty_program.points"),
    Field("loyalty_is_platinum_for_life", _("Platinum for life"), Group.ACCOUNT, kinds.BOOLEAN, "loyalty_program.is_platinum_for_life", rare=True),
    Field("customer_status", _("Customer status"), Group.ACCOUNT, kinds.CODE, codes=CUSTOMER_STATUSES),
    Field("filiation_number", _("Filiation number"), Group.ACCOUNT, kinds.IDENTIFIER, rare=True, note=_("links a family at Club Med")),
    Field("blacklisted", _("Blacklisted"), Group.ACCOUNT, kinds.BOOLEAN),
    Field("health_pass_id", _("Health pass"), Group.ACCOUNT, kinds.IDENTIFIER, sensitive=True, rare=True),
    Field("call_id", _("Call motive"), Group.CALL, kinds.IDENTIFIER, help=_("Club Med’s code for why the customer calls."), create=Create.OPTIONAL, in_profile=False),
)  # fmt: skip

FIELDS: dict[str, Field] = {row.name: row for row in _ROWS}

_TECHNICAL = {"id", "_links"}  # known, and no values of their own
_INSTEAD = {"birthday"}  # read where its field is missing: `Profile.get`


def creatable() -> list[Field]:
    """The fields of the create form, in the catalogue's order."""
    return [row for row in FIELDS.values() if row.create is not Create.NO]


def unknown_values(profile: Profile) -> list[tuple[str, str, str]]:
    """Keys that no row reads; the same and their values as people read them."""
    unknown = _unknown(profile).items()
    return [(key, capfirst(key_text(key)), any_text(value)) for key, value in unknown]


def cut_unknown(profile: Profile, cut: Callable[[Json], Json], most: int) -> tuple[Profile, int]:
    """The profile with at most `most` of the keys that no row reads, each value as `cut` leaves it;
    and how many keys were left out. Such keys are shown, and never sent or recorded.
    """
    values = {k: {**v} if isinstance(v, Mapping) else v for k, v in profile.values.items()}
    unknown = _unknown(profile)
    for key in _TECHNICAL & values.keys():
        del values[key]
    for number, (path, value) in enumerate(unknown.items()):
        key, _, inner = path.partition(".")
        place, name = (values, path) if path in values else (values[key], inner)
        if number < most:
            place[name] = cut(value)
        else:
            del place[name]
    return replace(profile, values=values), max(0, len(unknown) - most)


def _unknown(profile: Profile) -> dict[str, Json]:
    """The values that no row reads, by their dotted path."""
    paths = {row.path or row.name for row in FIELDS.values()}
    nested = {path.split(".")[0] for path in paths if "." in path}
    values: dict[str, Json] = {}
    for key, value in profile.values.items():
        if key in nested and isinstance(value, Mapping):
            values |= {f"{key}.{inner}": item for inner, item in value.items()}
        elif key not in nested or value is not None:
            values[key] = value
    paths |= _TECHNICAL | _INSTEAD
    return {key: value for key, value in values.items() if key not in paths}


def to_send(typed: Mapping[str, Json], now: Mapping[str, Json]) -> dict[str, Json]:
    """The typed values to send, as field -> value, without those that Club Med holds now.

    A typed sensitive value is always sent.
    """
    new = {name: FIELDS[name].kind.compose(now[name], value) for name, value in typed.items()}
    return {
        name: value
        for name, value in new.items()
        if not compare.is_same(value, now[name]) or FIELDS[name].has_sensitive(typed[name])
    }
