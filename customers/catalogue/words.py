"""Values in words: dates, numbers, countries, languages, phone types, channels, yes and no."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import NamedTuple

from babel import Locale
from django.utils.text import capfirst
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from customers.catalogue import reader
from customers.catalogue.compare import raw_text
from customers.clubmed.profile import Json, parse_date

# Codes of Babel's territories that are not ISO 3166-1 alpha-2: groupings, exceptional reservations.
_NOT_COUNTRIES = "AC CP CQ DG EA EU EZ IC QO TA UN XA XB XK ZZ"
_PHONE_TYPES = {"MOBILE": _("Mobile"), "HOME": _("Home"), "OFFICE": _("Office")}
_CHANNELS = {
    "EMAIL": _("E-mail"),
    "SMS": _("SMS"),
    "WECHAT": _("WeChat"),
    "PHONE": _("Phone"),
    "MAIL": _("Post"),
    "ALL": _("All channels"),
    "FOSUN_PARTNERS": _("Fosun partners"),
    "CLUBMED_PLUS": _("Club Med Plus"),
    "WHATSAPP": _("WhatsApp"),
    "PROFILING": _("Profiling"),
    "CGU_2": _("Terms of use 2"),
    "CONFORMITY": _("Compliance"),
}
_CHANNEL_HELP = {
    "PROFILING": _("offers chosen by interests"),
    "CGU_2": _("Club Med’s second terms accepted"),
    "CONFORMITY": _("as the law of the market asks"),
}


def countries() -> Mapping[str, str]:
    """ISO 3166-1 alpha-2 code -> name, sorted by name; in the language of the person."""
    return _countries(reader.locale())


@cache
def _countries(locale: Locale) -> Mapping[str, str]:
    return reader.in_order(
        {
            code: name
            for code, name in locale.territories.items()
            if len(code) == 2 and code.isalpha() and code not in _NOT_COUNTRIES
        }
    )


def languages() -> Mapping[str, str]:
    """ISO 639-1 code in capitals, as Club Med writes it, -> name, sorted by name; likewise."""
    return _languages(reader.locale())


@cache
def _languages(locale: Locale) -> Mapping[str, str]:
    items = locale.languages.items()
    names = {code.upper(): capfirst(name) for code, name in items if len(code) == 2}
    return reader.in_order(names)


class Words(NamedTuple):
    """The words for phones and opt-ins, in one language; a code without a name stands as it came.

    Asking for the language takes as long as putting a phone into words: do it once for a list.
    """

    phone_types: Mapping[str, str]
    channels: Mapping[str, str]
    yes: str
    no: str
    partners: str

    def phone_type(self, code: str | None) -> str:
        return self.phone_types.get(code or "", code or "")

    def channel(self, code: Json) -> str:
        text = raw_text(code)
        return self.channels.get(text, text)

    def yes_no(self, answer: Json) -> str:
        if isinstance(answer, bool):
            return self.yes if answer else self.no
        return raw_text(answer)

    def partners_text(self, answer: Json) -> str:
        """(partners Yes); "" without an answer."""
        text = self.yes_no(answer)
        return self.partners % text if text else ""


def here() -> Words:
    """The words in the language of the person."""
    return _words(get_language())


@cache
def _words(language: str | None) -> Words:
    types, channels = (
        {code: str(name) for code, name in names.items()} for names in (_PHONE_TYPES, _CHANNELS)
    )
    return Words(types, channels, str(_("Yes")), str(_("No")), str(_("(partners %s)")))


def channel_help() -> dict[str, str]:
    """A word about those that need one, by code."""
    return {code: str(text) for code, text in _CHANNEL_HELP.items()}


def date_text(value: Json) -> str:
    """14 June 1986."""
    day = parse_date(value)
    return raw_text(value) if day is None else reader.day_text(day)


def number_text(value: Json) -> str:
    """12,480; a number that is longer than any count, as it came."""
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= 10**15:
        return raw_text(value)
    return reader.number_text(value)


def yes_no(answer: Json) -> str:
    """Yes or No; any other value as it came."""
    return here().yes_no(answer)


def any_text(value: Json) -> str:
    """A value that is new to us, readable: a list with commas, an object with its keys."""
    if isinstance(value, list):
        return ", ".join(map(any_text, value))
    if isinstance(value, dict):
        members = ((key, member) for key, member in value.items() if member is not None)
        return ", ".join(f"{key_text(key)} {any_text(member)}" for key, member in members)
    return yes_no(value)


def new_text(key: str, value: Json) -> str:
    """A member that is new to us: "delivery point: 17"."""
    return f"{key_text(key)}: {any_text(value)}"


def key_text(key: str) -> str:
    """A key of Club Med's as people read it: "loyalty program, miles"."""
    return key.replace("_", " ").replace(".", ", ").strip() or key


def _name_of(names: Callable[[], Mapping[str, str]]) -> Callable[[Json], str]:
    """A function from a code to its name; a code without one stands as it came."""
    return lambda code: names().get(raw_text(code), raw_text(code))


country_text = _name_of(countries)
language_text = _name_of(languages)
