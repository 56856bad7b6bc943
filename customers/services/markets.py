"""What Club Med says of a market: its locales, civilities, countries and rules for a profile.

Kept in the cache. `refresh_market` asks for what is missing, everything else takes what is there,
and what cannot be had is left to the catalogue.
"""

import logging
import time
from collections.abc import Callable, Sequence
from functools import partial

from django.core.cache import cache

from customers.access import Actor
from customers.catalogue.markets import Market
from customers.clubmed.client import ClubMed
from customers.clubmed.profile import Json
from customers.clubmed.schema import Rules, codes, rules
from customers.services.connection import calling, locale_of
from customers.services.outcomes import NotSaved

logger = logging.getLogger(__name__)


_GOOD = 12 * 60 * 60  # seconds until it is asked for again


_KEPT = 7 * 24 * 60 * 60  # seconds that it is used when it cannot be had again


_PAUSE = 60  # seconds after a failure until it is asked for again


_PATIENCE = 2  # seconds that all that is missing may take


def known_market(locale: str, *, actor: Actor) -> Market:
    """A market as it is known here now; asks nothing of Club Med.

    locale: whose rules; "" for the market that the actor works in. Labels are in the actor's.
    """
    spoken = locale_of(actor)
    return Market(
        locale or spoken,
        Rules(locale or spoken, _held(f"schema {locale or spoken}") or {}),
        _labels(_held(f"civilities {spoken}"), "code"),
        _labels(_held(f"countries {spoken}"), "id"),
    )


def current_market(chosen: Sequence[str]) -> str:
    """The market among those chosen that holds: the last, if it is offered still; "" for none."""
    offered = offered_locales() if chosen else []
    return chosen[0] if chosen and (not offered or chosen[0] in offered) else ""


def offered_locales() -> list[str]:
    """The locales that may be chosen, as far as they are known."""
    held = _held("locales")
    return held if isinstance(held, list) else []


def refresh_market(locale: str, *, actor: Actor) -> None:
    """Ask for what is missing or old, within a short time; what cannot be had is left."""
    spoken = locale_of(actor)
    wanted: dict[str, Callable[[ClubMed], Json]] = {  # what is missed most comes first
        f"schema {locale or spoken}": partial(_usable_schema, locale=locale or spoken),
        f"civilities {spoken}": ClubMed.civilities,
        f"countries {spoken}": ClubMed.countries,
        "locales": ClubMed.locales,
    }
    ends_at = time.monotonic() + _PATIENCE
    for name in cache.get_many([_key(name, "asked") for name in wanted]):
        wanted = {key: ask for key, ask in wanted.items() if _key(key, "asked") != name}
    for name, ask in wanted.items():
        if (left := ends_at - time.monotonic()) <= 0:
            return
        _ask(name, ask, actor, left)


def _usable_schema(api: ClubMed, *, locale: str) -> Json:
    return dict(rules(locale, api.profile_schema(locale)).schema)


def _ask(name: str, ask: Callable[[ClubMed], Json], actor: Actor, seconds: float) -> None:
    cache.set(_key(name, "asked"), True, _PAUSE)  # nobody else asks meanwhile
    try:
        with calling(actor) as api:
            answer = ask(api.within(seconds))
    except NotSaved as exc:
        logger.warning("what a market says cannot be had: %s", type(exc).__name__)
        return
    cache.set(_key(name, "held"), answer, _KEPT)
    cache.set(_key(name, "asked"), True, _GOOD)


def _held(name: str) -> Json:
    return cache.get(_key(name, "held"))


def _key(name: str, what: str) -> str:
    return f"market:{what}:{name.replace(' ', ':')}"


def _labels(items: Json, key: str) -> dict[str, str]:
    """code -> label, adults first where a type is told; items without a code are left out."""
    held = items if isinstance(items, list) else []
    labels = codes(sorted(held, key=lambda item: item.get("type") == "child"), key=key)
    labels.pop("", None)
    return labels
