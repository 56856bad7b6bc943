"""Club Med's data of a market: its locales, civilities, countries and rules for a profile.

`refresh_market` asks Club Med and fills the cache; all else reads the cache alone.
"""

import logging
import time
from collections.abc import Callable, Sequence

from django.core.cache import cache

from customers.access import Actor
from customers.catalogue.markets import Market
from customers.clubmed.client import ClubMed
from customers.clubmed.profile import Json
from customers.clubmed.schema import Rules, codes, rules
from customers.services.connection import calling, locale_of
from customers.services.outcomes import NotSaved

logger = logging.getLogger(__name__)
_GOOD = 12 * 60 * 60  # seconds until an answer is asked for again
_MAX_AGE = 7 * 24 * 60 * 60  # seconds that an answer is used if there is no newer one
_PAUSE = 60  # seconds after a failure until Club Med is asked again
_PATIENCE = 2  # seconds for all questions of one refresh


def known_market(locale: str, *, actor: Actor) -> Market:
    """A market as it is known here now; asks nothing of Club Med.

    locale: whose rules; "" for the market that the actor works in, whose language labels are in.
    """
    own_locale = locale_of(actor)
    return Market(
        locale or own_locale,
        Rules(cache.get(_key(f"schema {locale or own_locale}", "known"), {})),
        cache.get(_key(f"civilities {own_locale}", "known"), {}),
        cache.get(_key(f"countries {own_locale}", "known"), {}),
    )


def current_market(chosen: Sequence[str]) -> str:
    """The market chosen last, if Club Med still offers it; "" otherwise. chosen: newest first."""
    offered = offered_locales() if chosen else []
    return chosen[0] if chosen and (not offered or chosen[0] in offered) else ""


def offered_locales() -> list[str]:
    """The locales that may be chosen, [] while they are not known."""
    locales: list[str] = cache.get(_key("locales", "known"), [])
    return locales


def refresh_market(locale: str, *, actor: Actor) -> None:
    """Ask Club Med for data that are missing or old, the most important first, for a short time."""
    own_locale = locale_of(actor)
    locale = locale or own_locale
    questions: dict[str, Callable[[ClubMed], Json]] = {
        f"schema {locale}": lambda api: dict(rules(api.profile_schema(locale)).schema),
        f"civilities {own_locale}": lambda api: _labels(api.civilities(), "code"),
        f"countries {own_locale}": lambda api: _labels(api.countries(), "id"),
        "locales": ClubMed.locales,
    }
    recent = cache.get_many([_key(name, "asked") for name in questions])
    ends_at = time.monotonic() + _PATIENCE
    for name, ask in questions.items():
        seconds = ends_at - time.monotonic()
        if seconds > 0 and _key(name, "asked") not in recent:
            _ask(name, ask, actor, seconds)


def _ask(name: str, ask: Callable[[ClubMed], Json], actor: Actor, seconds: float) -> None:
    cache.set(_key(name, "asked"), True, _PAUSE)  # nobody else asks meanwhile
    try:
        with calling(actor) as api:
            answer = ask(api.within(seconds))
    except NotSaved as exc:
        logger.warning("what a market says cannot be had: %s", type(exc).__name__)
        return
    cache.set(_key(name, "known"), answer, _MAX_AGE)
    cache.set(_key(name, "asked"), True, _GOOD)


def _key(name: str, what: str) -> str:
    return f"market:{what}:{name.replace(' ', ':')}"


def _labels(items: Json, key: str) -> dict[str, str]:
    """code -> label; of a code with several labels the adults' one. key: the code's member."""
    labels = codes(sorted(items or [], key=lambda item: item.get("type") == "child"), key=key)
    labels.pop("", None)
    return labels
