"""Addresses, opt-ins and other values that are objects: shown, compared and sent whole."""

from django.utils.text import capfirst

from customers.catalogue import addresses
from customers.catalogue.compare import is_empty, raw_text, same_text
from customers.catalogue.words import countries, here, new_text
from customers.clubmed.profile import Json


def is_object(value: Json) -> bool:
    return is_empty(value) or isinstance(value, dict)


def are_optins(value: Json) -> bool:
    """Is this a list of objects? A channel may be missing, or stand there twice."""
    is_list = isinstance(value, list) and all(isinstance(item, dict) for item in value)
    return is_empty(value) or is_list


def compose_object(now: Json, typed: Json) -> Json:
    """The whole object to send: the typed members over the current object, whose others stay.

    typed: member -> value, null to empty it. A missing member is not added empty.
    """
    if not isinstance(typed, dict):
        return typed
    base = now if isinstance(now, dict) else {}
    new = {key: value for key, value in typed.items() if value is not None or base.get(key)}
    return {**base, **new}


_ANSWERS = ("optin", "optin_partners")
OPTIN_MEMBERS = ("channel", *_ANSWERS)


def compose_optins(now: Json, typed: Json) -> Json:
    """The whole list to send: each answer over the one of its channel; no channel is taken out.

    typed: [{"channel", "optin", "optin_partners"}], the last two only where they are answered. An
    item without a channel gives nobody consent to anything, and is not sent back.
    """
    answers = by_channel(typed)
    whole = [{**item, **answers.pop(item["channel"], {})} for item in by_channel(now).values()]
    return whole + list(answers.values())


def all_refused(now: Json) -> Json:
    """No to every channel of the list, and to partners where they were asked about.

    Where the list names none, the channel that stands for all of them is refused.
    """
    if not by_channel(now):
        return [] if is_empty(now) else [{"channel": "ALL", "optin": False}]
    return [
        {"channel": channel, "optin": False}
        | ({} if item.get("optin_partners") is None else {"optin_partners": False})
        for channel, item in by_channel(now).items()
    ]


def rebase_optins(typed: Json, saw: Json, now: Json) -> Json:
    """Only the answers that the person changed, over the list there is now."""
    before, answers = by_channel(saw), by_channel(typed)
    changed = [item for key, item in answers.items() if not same_text(item, before.get(key))]
    whole = compose_optins(now, changed)
    return [{key: item[key] for key in OPTIN_MEMBERS if key in item} for item in whole]


def by_channel(value: Json) -> dict[str, dict[str, Json]]:
    """channel -> its opt-in; {} for a value that is no list of opt-ins.

    Of a channel that stands there twice, an answer is yes only if both are.
    """
    optins: dict[str, dict[str, Json]] = {}
    for item in value if value and are_optins(value) else ():
        if isinstance(channel := item.get("channel"), str) and channel:
            before = optins.get(channel, {})
            noes = {key: False for key in _ANSWERS if before.get(key, True) is not True}
            optins[channel] = {**before, **item, **noes} if before else item
    return optins


ADDRESS_MEMBERS = (
    "country_code",
    "number",
    "street",
    "add_on",
    "additional_information_1",
    "additional_information_2",
    "town",
    "zip_code",
    "city",
    "state_or_district",
    "country",
)


def address_lines(value: Json) -> list[str]:
    """An address as on a letter to its country. Members without a place there follow, named."""
    if not isinstance(value, dict):
        return [raw_text(value)] if not is_empty(value) else []
    rest = {key: member for key, member in value.items() if not is_empty(member)}
    text = {key: raw_text(rest.pop(key, "")) for key in ADDRESS_MEMBERS}
    country = text["country_code"]
    street = addresses.street_line(text["street"], text["number"], country)
    above = [", ".join(filter(None, (street, text["add_on"])))]
    above += [text["additional_information_1"], text["additional_information_2"]]
    parts = {
        "A": "\n".join(filter(None, above)),
        "D": text["town"],
        "C": text["city"],
        "S": text["state_or_district"],
        "Z": text["zip_code"],
    }
    name = countries().get(country) or text["country"] or country
    lines = [*addresses.lines(parts, country), name]
    new = (capfirst(new_text(key, member)) for key, member in rest.items())
    return [*filter(None, lines), *new]


def address_text(value: Json) -> str:
    """An address in one line, without members that are new to us: the profile alone shows them."""
    if isinstance(value, dict):
        value = {key: member for key, member in value.items() if key in ADDRESS_MEMBERS}
    return ", ".join(address_lines(value))


def optins_text(value: Json) -> str:
    """E-mail Yes (partners No), SMS No."""
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        return raw_text(value)
    words = here()
    texts = (
        (
            words.channel(item.get("channel")),
            words.yes_no(item.get("optin")),
            words.partners_text(item.get("optin_partners")),
        )
        for item in value
    )
    return ", ".join(" ".join(filter(None, parts)) for parts in texts)
