"""Calls of Club Med, as one person or as the background."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from django.conf import settings

from customers.access import Actor
from customers.audit.statements import give_back_connection
from customers.clubmed.client import ClubMed
from customers.clubmed.errors import ClubMedError
from customers.services import credentials
from customers.services.outcomes import outcome_of


@cache
def client() -> ClubMed:
    """The one client of this process."""
    return ClubMed(
        base_url=settings.CLUBMED_API_URL,
        api_key=settings.CLUBMED_API_KEY,
        tokens=credentials.tokens_of(None),
        locale=settings.CLUBMED_LOCALE,
        connect_timeout=settings.CLUBMED_CONNECT_TIMEOUT,
        read_timeout=settings.CLUBMED_READ_TIMEOUT,
        deadline=settings.CLUBMED_DEADLINE,
    )


@contextmanager
def calling(
    actor: Actor | None, *, is_write: bool = False, is_new: bool = False
) -> Iterator[ClubMed]:
    """The client with the actor's token and market; its errors are raised as `NotSaved`.

    actor: None for the background. is_new: a customer is created.
    """
    give_back_connection()
    try:
        yield client().calling_as(tokens=credentials.tokens_of(actor), locale=locale_of(actor))
    except ClubMedError as exc:
        raise outcome_of(exc, is_write=is_write, is_new=is_new) from exc


def locale_of(actor: Actor | None) -> str:
    """The market that the actor works in."""
    return (actor.market if actor else "") or settings.CLUBMED_LOCALE
