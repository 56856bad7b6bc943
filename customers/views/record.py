"""A profile as its page shows it: panels of rows, made from the catalogue."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from django.utils import timezone

from customers.audit.models import Entry
from customers.catalogue import compare, kinds, objects, phones, words
from customers.catalogue.fields import FIELDS, Field, Group, unknown_values
from customers.catalogue.markets import region_of
from customers.clubmed.profile import Json, Profile, parse_date, parse_phones

RECENT = timedelta(days=14)


@dataclass(frozen=True)
class Row:
    """One field on the page.

    newest: the last entry that changed it here. lang: of a native name. region: the customer's
    country, whose phone numbers are written as people there do. revealed: a sensitive
    value is shown.
    """

    field: Field
    customer_id: str
    value: Json
    newest: Entry | None = None
    lang: str = ""
    region: str = ""
    revealed: bool = False

    @property
    def empty(self) -> bool:
        return compare.is_empty(self.value)

    @property
    def text(self) -> str:
        return self.field.text(self.value, revealed=self.revealed)

    @property
    def sensitive(self) -> bool:
        """Is there a value that is hidden until it is revealed?"""
        return self.field.sensitive and not self.empty

    @property
    def open_text(self) -> str:
        """What of it is shown while it is hidden."""
        return self.field.open_text(self.value)

    @property
    def editable(self) -> bool:
        return self.field.patch and self.readable

    @property
    def readable(self) -> bool:
        """A list that is not in the contract's shape is shown, and not ours to rewrite."""
        return self.field.readable(self.value)

    @property
    def recent(self) -> bool:
        return self.newest is not None and timezone.now() - self.newest.recorded_at < RECENT

    @property
    def new_code(self) -> bool:
        field, value = self.field, compare.raw_text(self.value)
        return bool(field.codes) and value not in ("", *field.codes)

    @property
    def template(self) -> str:
        """How the value is laid out; one line unless its kind has more to show."""
        shaped = {
            kinds.PHONES: parse_phones(self.value) is not None,
            kinds.ADDRESS: isinstance(self.value, dict),
            kinds.OPTINS: isinstance(self.value, list)
            and all(isinstance(item, dict) for item in self.value),
        }
        name = self.field.kind.name if shaped.get(self.field.kind) else "text"
        return f"customers/value/_{name}.html"

    @property
    def age(self) -> int | None:
        """Years of life, for a date of birth."""
        day = parse_date(self.value) if self.field.kind is kinds.DATE else None
        if day is None:
            return None
        today = date.today()
        return today.year - day.year - ((today.month, today.day) < (day.month, day.day))

    @property
    def phones(self) -> list[dict[str, str]]:
        names = words.phone_types()
        return [
            {
                "number": phones.dial_text(phone.number, self.region),
                "type": names.get(phone.type or "", ""),
                "new_type": "" if (phone.type or "") in names else phone.type or "",
                "extra": ", ".join(f"{k}: {compare.raw_text(v)}" for k, v in phone.extra.items()),
            }
            for phone in parse_phones(self.value) or ()
        ]

    @property
    def address_lines(self) -> list[str]:
        return objects.address_lines(self.value)

    @property
    def optins(self) -> list[dict[str, Json]]:
        """Channels that were asked, each with its answers; what else came, named."""
        return [
            {
                "channel": words.channel_text(item.get("channel")),
                "optin": item.get("optin"),
                "partners": item.get("optin_partners"),
                "extra": ", ".join(
                    f"{key}: {compare.raw_text(value)}"
                    for key, value in item.items()
                    if key not in kinds.OPTINS.members
                ),
            }
            for item in (self.value if isinstance(self.value, list) else [])
            if isinstance(item, dict)
        ]

    @property
    def channels_not_asked(self) -> str:
        items = self.value if isinstance(self.value, list) else []
        asked = {compare.raw_text(item.get("channel")) for item in items if isinstance(item, dict)}
        return ", ".join(name for code, name in words.channels().items() if code not in asked)


@dataclass(frozen=True)
class Person:
    """A customer in a list of those who were found. values: an item of Club Med's search."""

    values: Mapping[str, Json]

    def _text(self, name: str) -> str:
        return FIELDS[name].text(self.values.get(name))

    @property
    def customer_id(self) -> str:
        return str(self.values["id"])

    @property
    def name(self) -> str:
        parts = (self._text(key) for key in ("civility", "first_name", "last_name"))
        return " ".join(filter(None, parts)) or "Unnamed customer"

    @property
    def native_name(self) -> str:
        keys = ("unicode_last_name", "unicode_first_name")
        return " ".join(filter(None, (self._text(key) for key in keys)))

    @property
    def gm_number(self) -> str:
        return self._text("gm_number")

    @property
    def born(self) -> str:
        return self._text("birthdate")

    @property
    def email(self) -> str:
        return self._text("email")

    @property
    def phones(self) -> str:
        return self._text("phones")

    @property
    def place(self) -> str:
        """City and country."""
        address = self.values.get("address")
        if not isinstance(address, dict):
            return ""
        country = words.country_text(address.get("country_code"))
        return ", ".join(filter(None, (compare.raw_text(address.get("city")), country)))

    @property
    def type(self) -> str:
        return compare.raw_text(self.values.get("type")).capitalize()

    @property
    def blacklisted(self) -> bool:
        return self.values.get("blacklisted") is True


@dataclass(frozen=True)
class Panel:
    """One box of the page. also_empty: fields without a value that share one line."""

    title: str
    slug: str
    rows: list[Row]
    also_empty: list[Row] = field(default_factory=list)
    read_only: bool = False


@dataclass(frozen=True)
class Record:
    """The whole page of one customer."""

    profile: Profile
    newest: Mapping[str, Entry]

    def row(self, name: str) -> Row:
        row = FIELDS[name]
        return Row(
            row,
            self.profile.customer_id,
            row.value(self.profile),
            self.newest.get(name),
            lang=self.lang if row.native else "",
            region=region_of(self.lang),
        )

    @property
    def customer_id(self) -> str:
        return self.profile.customer_id

    @property
    def lang(self) -> str:
        locale = self.profile.get("locale")
        return locale if isinstance(locale, str) else ""

    @property
    def name(self) -> str:
        names = (compare.raw_text(self.profile.get(key)) for key in ("first_name", "last_name"))
        return " ".join(filter(None, names))

    @property
    def native_name(self) -> str:
        keys = ("unicode_last_name", "unicode_first_name")
        return " ".join(filter(None, (compare.raw_text(self.profile.get(key)) for key in keys)))

    @property
    def title(self) -> str:
        return self.name or self.native_name or f"Customer {self.customer_id}"

    @property
    def civility(self) -> Row:
        return self.row("civility")

    @property
    def tier(self) -> Row:
        return self.row("loyalty_status")

    @property
    def medal(self) -> str:
        """The tier that has a colour of its own, "" for the others."""
        code = compare.raw_text(self.tier.value).lower()
        return code if code in ("turquoise", "silver", "gold", "platinum") else ""

    @property
    def status(self) -> Row:
        return self.row("customer_status")

    @property
    def blacklisted(self) -> bool:
        return self.profile.get("blacklisted") is True

    @property
    def head(self) -> list[Row]:
        return [self.row(name) for name, row in FIELDS.items() if row.group is Group.HEAD]

    @property
    def last_change(self) -> Entry | None:
        return max(self.newest.values(), key=lambda entry: entry.seq, default=None)

    def panel(self, group: Group) -> Panel:
        rows = [self.row(name) for name, row in FIELDS.items() if row.group is group]
        shown = [row for row in rows if not (row.empty and row.field.rare)]
        empty = [row for row in rows if row.empty and row.field.rare and row.editable]
        read_only = not any(row.field.patch for row in rows)
        return Panel(group.title, group.value, shown, empty, read_only)

    @property
    def left(self) -> list[Panel]:
        return [self.panel(Group.IDENTITY), self.panel(Group.CONTACT)]

    @property
    def right(self) -> list[Panel]:
        return [self.panel(Group.PREFERENCES), self.panel(Group.ACCOUNT)]

    @property
    def unknown(self) -> list[tuple[str, str]]:
        return unknown_values(self.profile)
