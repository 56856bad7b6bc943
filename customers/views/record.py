"""A profile as its page shows it: panels of rows, made from the catalogue."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any

from django.utils import timezone

from customers import wording
from customers.audit.models import Entry
from customers.catalogue import compare, kinds, phones, words
from customers.catalogue.fields import FIELDS, FOUND_TYPES, Field, Group
from customers.catalogue.markets import country_name, market_of, region_of
from customers.catalogue.names import full_name, native_name
from customers.catalogue.spelling import language_of
from customers.clubmed.profile import Json, Profile, member, parse_date, parse_phones


@dataclass(frozen=True)
class FieldRow:
    """One field on the page.

    newest: the last entry that changed it here. lang: of a native name. region: ISO alpha-2 code of
    the customer's country, whose phone numbers are written as people there do. was: the value
    before this one, in words. revealed: a sensitive value is shown.
    """

    field: Field
    customer_id: str
    value: Json
    newest: Entry | None = None
    lang: str = ""
    region: str = ""
    was: str = ""
    revealed: bool = False

    @cached_property
    def empty(self) -> bool:
        return compare.is_empty(self.value)

    @cached_property
    def text(self) -> str:
        return self.field.text(self.value, revealed=self.revealed)

    @property
    def editable(self) -> bool:
        return self.field.patch and self.field.readable(self.value)

    @property
    def absent(self) -> bool:
        """Is it a rare field without a value? Such fields are added from one line."""
        return self.empty and self.field.rare

    @property
    def recent(self) -> bool:
        newest = self.newest
        return bool(newest and timezone.now() - newest.recorded_at < timedelta(days=14))

    @property
    def new_code(self) -> bool:
        """Is the value a code that the catalogue does not know?"""
        code = compare.raw_text(self.value)
        return bool(code and self.field.codes) and code not in self.field.codes

    @property
    def age(self) -> int | None:
        """Years of life, for a date of birth."""
        day = parse_date(self.value) if self.field.kind is kinds.DATE else None
        if day is None:
            return None
        today = timezone.localdate()
        return today.year - day.year - ((today.month, today.day) < (day.month, day.day))

    @cached_property
    def phones(self) -> list[dict[str, str]]:
        names = words.here().phone_types
        return [
            {
                "number": phones.dial_text(phone.number, self.region),
                "dialled": phones.dial_digits(phone.number or "", self.region),
                "type": names.get(phone.type or "", ""),
                "new_type": "" if (phone.type or "") in names else phone.type or "",
                "extra": _pairs(phone.extra),
            }
            for phone in parse_phones(self.value) or ()
        ]

    @property
    def optins(self) -> list[dict[str, Json]]:
        """Channels that were asked about, with the answers and the members that are new to us."""
        here = words.here()
        return [
            {
                "channel": here.channel(item.get("channel")),
                "optin": item.get("optin"),
                "partners": item.get("optin_partners"),
                "extra": _pairs({k: v for k, v in item.items() if k not in kinds.OPTINS.members}),
            }
            for item in self.value
        ]

    @property
    def channels_without_answer(self) -> str:
        codes = {compare.raw_text(item.get("channel")) for item in self.value}
        return ", ".join(name for code, name in words.here().channels.items() if code not in codes)


_NAME = ("civility", "first_name", "last_name")


def _pairs(members: Mapping[str, Json]) -> str:
    return ", ".join(words.new_text(key, value) for key, value in members.items())


def person(values: Mapping[str, Json], matched: Mapping[str, set[str]]) -> dict[str, Any]:
    """A customer in a list of search results. values: an item of Club Med's search. matched:
    search key -> values that were searched for. name, phones: (text, was it searched for?) each.
    """

    def texts(*names: str) -> str:
        return " ".join(filter(None, (FIELDS[name].text(values.get(name)) for name in names)))

    numbers = matched.get("phones.number", set())
    country = words.country_text(member(values, "address.country_code"))
    city = compare.raw_text(member(values, "address.city"))
    kind = compare.raw_text(values.get("type"))
    return {
        "customer_id": str(values["id"]),
        "name": [(text, name in matched) for name in _NAME if (text := texts(name)).strip()],
        "native_name": native_name(
            texts("unicode_first_name"), texts("unicode_last_name"), texts("locale")
        ),
        "gm_number": texts("gm_number"),
        "born": texts("birthdate"),
        "email": texts("email"),
        "phones": [
            (phones.phones_text([phone]), compare.raw_text(phone.get("number")) in numbers)
            for phone in values.get("phones") or []
        ],
        "place": ", ".join(filter(None, (city, country))),
        "type": str(FOUND_TYPES.get(kind, kind)),
        "blacklisted": values.get("blacklisted") is True,
    }


@dataclass(frozen=True)
class ProfilePage:
    """The whole page of one customer. newest: field -> the last entry that changed it here."""

    profile: Profile
    newest: Mapping[str, Entry]

    @property
    def lang(self) -> str:
        return compare.raw_text(self.profile.get("locale"))

    @cached_property
    def rows(self) -> dict[str, FieldRow]:
        """Every field of the catalogue by its name."""
        region = region_of(self.lang)
        return {
            name: FieldRow(
                field,
                self.profile.customer_id,
                field.value(self.profile),
                self.newest.get(name),
                lang=self.native_lang if field.native else "",
                region=region,
                was=self._text(field.before) if field.before else "",
            )
            for name, field in FIELDS.items()
        }

    def _text(self, name: str) -> str:
        return FIELDS[name].text(FIELDS[name].value(self.profile))

    @property
    def name(self) -> str:
        return full_name(self.profile.values)

    @cached_property
    def native_name(self) -> str:
        first = compare.raw_text(self.profile.get("unicode_first_name"))
        last = compare.raw_text(self.profile.get("unicode_last_name"))
        return native_name(first, last, self.lang)

    @cached_property
    def native_lang(self) -> str:
        """The language of the native name, "" if its letters do not tell."""
        return language_of(self.native_name, self.native_name, self.lang)

    @property
    def phones(self) -> list[dict[str, str]]:
        """Phones that can be called from here."""
        return [phone for phone in self.rows["phones"].phones if phone["dialled"]]

    @property
    def market(self) -> str:
        """The market with its country, as in "Brazil, pt-BR"; as it is if it is no locale."""
        locale = market_of(self.profile)
        return f"{country_name(locale)}, {locale}" if locale else self.rows["locale"].text

    @property
    def title(self) -> str:
        numbered = wording.CUSTOMER % {"number": self.profile.customer_id}
        return self.name or self.native_name or numbered

    @property
    def medal(self) -> str:
        """The tier that has a colour of its own, "" for the others."""
        code = compare.raw_text(self.rows["loyalty_status"].value).lower()
        return code if code in ("turquoise", "silver", "gold", "platinum") else ""

    @property
    def facts(self) -> list[FieldRow]:
        """The fields of the header, but for the number that stands in front of them."""
        rows = self.rows.values()
        return [
            row for row in rows if row.field.group is Group.HEAD and row.field.name != "gm_number"
        ]

    @property
    def last_change(self) -> Entry | None:
        return max(self.newest.values(), key=lambda entry: entry.seq, default=None)

    @cached_property
    def columns(self) -> list[list[dict[str, Any]]]:
        groups = ((Group.IDENTITY, Group.CONTACT), (Group.PREFERENCES, Group.ACCOUNT))
        return [[self.panel(group) for group in column] for column in groups]

    def panel(self, group: Group) -> dict[str, Any]:
        """One box of the page. absent: rare fields without a value. to_add: those that can be
        given a value, by title.
        """
        names = {row.field.before for row in self.rows.values() if not row.empty}
        of_group = [row for row in self.rows.values() if row.field.group is group]
        rows = [row for row in of_group if row.field.name not in names]
        rare = [row for row in rows if row.absent]
        return {
            "title": group.label,
            "slug": group.value,
            "rows": [row for row in rows if not row.absent],
            "absent": rare,
            "to_add": _by_script(row for row in rare if row.editable),
            "fields_to_add": sum(row.editable for row in rare),
            "read_only": not any(row.field.patch for row in rows),
        }


def _by_script(rows: Iterable[FieldRow]) -> list[tuple[str, list[FieldRow]]]:
    """Rows under the title of what they are: names in their own script apart."""
    apart: dict[bool, list[FieldRow]] = {False: [], True: []}
    for row in rows:
        apart[row.field.native].append(row)
    titles = {False: wording.OTHER_EMPTY, True: wording.NATIVE_NAME}
    return [(str(titles[native]), group) for native, group in apart.items() if group]
