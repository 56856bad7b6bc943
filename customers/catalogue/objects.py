"""Addresses, opt-ins and other values that are objects: shown, compared and sent whole."""

from collections.abc import Mapping

from customers.catalogue.compare import covers, is_empty, raw_text
from customers.catalogue.words import channel_text, countries, yes_no
from customers.clubmed.profile import Json


def is_object(value: Json) -> bool:
    return is_empty(value) or isinstance(value, dict)


def are_optins(value: Json) -> bool:
    """A list of objects, each with a channel of its own."""
    if is_empty(value):
        return True
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        return False
    channels = [item.get("channel") for item in value]
    return all(isinstance(one, str) and one for one in channels) and len(set(channels)) == len(
        channels
    )


def compose_object(now: Json, typed: Json) -> Json:
    """The whole object to send: what was typed over what there is, whose other members stay.

    typed: member -> value, null for nothing; so a member is emptied, and none is added empty.
    """
    if not isinstance(typed, dict):
        return typed
    base = now if isinstance(now, dict) else {}
    new = {key: value for key, value in typed.items() if value is not None or base.get(key)}
    return {**base, **new}


OPTIN_MEMBERS = ("channel", "optin", "optin_partners")


def compose_optins(now: Json, typed: Json) -> Json:
    """The whole list to send: each answer over the one of its channel; no channel is taken out.

    typed: [{"channel", "optin", "optin_partners"}], the last two only where they are answered.
    """
    answers = by_channel(typed)
    whole = [{**item, **answers.pop(item["channel"], {})} for item in by_channel(now).values()]
    return whole + list(answers.values())


def all_refused(now: Json) -> Json:
    """No to every channel that was asked, and to partners where they were."""
    return [
        {"channel": channel, "optin": False}
        | ({} if item.get("optin_partners") is None else {"optin_partners": False})
        for channel, item in by_channel(now).items()
    ]


def rebase_optins(typed: Json, saw: Json, now: Json) -> Json:
    """Only the answers that were changed, over another list: nobody else's are undone."""
    before = by_channel(saw)
    changed = [
        item for channel, item in by_channel(typed).items() if not covers(item, before.get(channel))
    ]
    return [
        {key: item[key] for key in OPTIN_MEMBERS if key in item}
        for item in compose_optins(now, changed)
    ]


def by_channel(value: Json) -> dict[str, dict[str, Json]]:
    """Opt-ins by their channel; {} for what are none."""
    return {item["channel"]: item for item in value} if value and are_optins(value) else {}


def address_lines(value: Json) -> list[str]:
    """An address as it is written on a letter; members without a place there follow, named."""
    if not isinstance(value, dict):
        return [raw_text(value)] if not is_empty(value) else []
    left = {key: raw_text(member) for key, member in value.items() if not is_empty(member)}
    country = countries().get(left.get("country_code", ""), left.get("country_code", ""))
    left.setdefault("country", country)
    lines = [" ".join(filter(None, (left.pop(key, "") for key in keys))) for keys in ADDRESS_LINES]
    left.pop("country_code", None)
    lines += [f"{key}: {text}" for key, text in left.items()]
    return [line for line in lines if line]


ADDRESS_LINES = (
    ("number", "street"),
    ("add_on",),
    ("additional_information_1",),
    ("additional_information_2",),
    ("town",),
    ("zip_code", "city", "state_or_district"),
    ("country",),
)
ADDRESS_MEMBERS = ("country_code", *(key for line in ADDRESS_LINES for key in line))


def address_text(value: Json) -> str:
    """In one line, without the members that are new to us: the profile alone shows those."""
    if isinstance(value, dict):
        value = {key: one for key, one in value.items() if key in ADDRESS_MEMBERS}
    return ", ".join(address_lines(value))


def optins_text(value: Json) -> str:
    """E-mail Yes (partners No), SMS No."""
    if not isinstance(value, list):
        return raw_text(value)
    return ", ".join(
        _optin_text(item) if isinstance(item, dict) else raw_text(item) for item in value
    )


def _optin_text(item: Mapping[str, Json]) -> str:
    partners = yes_no(item.get("optin_partners"))
    answers = (yes_no(item.get("optin")), f"(partners {partners})" if partners else "")
    return " ".join(filter(None, (channel_text(item.get("channel")), *answers)))
