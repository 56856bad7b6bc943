"""The client that calls Club Med, as one person or as the background."""

from functools import cache

from django.conf import settings
from django.db import connection
from django.utils import timezone

from customers.access import Actor
from customers.audit.models import JournalLine
from customers.clubmed.client import ClubMed
from customers.clubmed.errors import (
    NotSentError,
)
from customers.services import credentials


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


def is_answering() -> bool:
    """Does Club Med answer this process at all?"""
    return not client().breaker.is_open


def calling(actor: Actor | None, line: JournalLine | None = None) -> ClubMed:
    """The client with the actor's token and market, for a call that may take its time: nobody else
    waits for our connection then.

    actor: None for the background. line: of a write. Once its deadline has passed others may settle
    it, so it is no longer sent.
    """
    if line is not None and timezone.now() >= line.deadline:
        raise NotSentError("the deadline passed before the call")
    if not connection.in_atomic_block:
        connection.close()
    return client().calling_as(tokens=credentials.tokens_of(actor), locale=locale_of(actor))


def locale_of(actor: Actor | None) -> str:
    """The market that the actor works in."""
    return (actor.market if actor else "") or settings.CLUBMED_LOCALE
