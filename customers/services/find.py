"""Find customers at Club Med: by typed criteria, or by the values of a person."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace

from customers import wording
from customers.access import Actor
from customers.catalogue.markets import region_of
from customers.clubmed.client import SearchPage
from customers.clubmed.profile import Json
from customers.services import search_terms
from customers.services.connection import calling, locale_of
from customers.services.duplicates import Duplicate
from customers.services.markets import offered_locales
from customers.services.outcomes import Forbidden, NotFound
from customers.services.read import read_profile
from customers.services.search_terms import Filters, Search


@dataclass(frozen=True)
class SearchResult:
    """A page of customers, as Club Med's search gave them.

    total: of all pages, None if it is unknown. tried: the spellings that were searched for.
    number: of the customer, where only one can be meant. matched: search key -> the values that
    were searched for in the step that found somebody.
    """

    items: list[dict[str, Json]]
    total: int | None
    has_next: bool
    tried: list[str]
    number: str = ""
    matched: Mapping[str, set[str]] = field(default_factory=dict)


def find_customers(criteria: Mapping[str, str], *, actor: Actor, page: int = 1) -> SearchResult:
    """Customers by typed criteria, as `search_terms.read` gives them.

    Raises a NotSaved; Forbidden: this token may not search, and no customer has that number.
    """
    others = map(region_of, offered_locales())
    search = search_terms.search(criteria, region=region_of(locale_of(actor)), others=others)
    result, forbidden = SearchResult([], 0, has_next=False, tried=search.tried), None
    try:
        result = _search(search, actor, page) or result
    except Forbidden as exc:
        forbidden = exc
    # Only a number that is a customer's may become an address: others may be a phone's.
    if search.number and page == 1 and not result.items:
        with suppress(NotFound):
            read_profile(search.number, actor=actor)
            return replace(result, number=search.number)
    if forbidden:
        raise forbidden
    return result


def customers_like(
    values: Mapping[str, Json], *, actor: Actor, by_name: bool = False
) -> list[Duplicate]:
    """Customers who may be the person with these values; `search_terms.look_alikes` says by what.

    by_name: by first and last name where there is nothing better. Raises a NotSaved.
    """
    region = region_of(locale_of(actor))
    tries = search_terms.look_alikes(values, region=region, by_name=by_name)
    items = {item["id"]: item for filters in tries for item in _page(filters, actor).items}
    return [Duplicate(item, number) for number, item in items.items()]


def _search(search: Search, actor: Actor, page: int) -> SearchResult | None:
    """The customers of the first step that finds any; None if no step does."""
    for step in search.steps:
        pages = [_page(filters, actor, page) for filters in step]
        items = {item["id"]: item for answer in pages for item in answer.items}
        if items:
            has_next = any(answer.has_next for answer in pages)
            totals = [answer.total for answer in pages if answer.items]
            total = totals[0] if len(totals) == 1 else None
            is_one = len(items) == 1 and not has_next and page == 1
            number = next(iter(items)) if is_one and search_terms.is_one_person(step[0]) else ""
            matched = {key: {filters[key] for filters in step} for key in step[0]}
            return SearchResult([*items.values()], total, has_next, search.tried, number, matched)
    return None


def _page(filters: Filters, actor: Actor, page: int = 1) -> SearchPage:
    try:
        with calling(actor) as api:
            return api.find_customers(filters, page=page)
    except Forbidden:
        raise Forbidden(wording.MAY_NOT_SEARCH, wording.TYPE_A_NUMBER) from None
