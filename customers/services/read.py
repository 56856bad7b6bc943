"""Read a profile, and settle open changes from it."""

import json
import sys
from dataclasses import replace
from functools import partial
from uuid import UUID

from django.db import DatabaseError

from customers import wording
from customers.access import Actor
from customers.audit import chain, histories, reading
from customers.audit.histories import History
from customers.audit.models import Change, JournalLine
from customers.catalogue.fields import cut_unknown
from customers.catalogue.words import any_text
from customers.clubmed.profile import Json, Profile
from customers.services.connection import calling
from customers.services.outcomes import NotFound, TooLong
from customers.services.record import logger
from customers.services.settle import settle_from_profile

_LONGEST = 512 * 1024  # bytes of a profile: each that is open is in the cache
# Of what no field reads, in a longer profile: how many members are left, with how many characters.
_CUTS = (sys.maxsize, 2_000), (300, 200), (0, 0)


def read_profile(customer_id: str, *, actor: Actor | None) -> Profile:
    """The profile as Club Med holds it now. actor: None for the background."""
    return read_at_position(customer_id, chain.position(), actor)[0]


def read_with_history(customer_id: str, *, actor: Actor) -> tuple[Profile, History]:
    """The profile, and what the log says of the customer since it was read."""
    try:
        profile, _, history = read_at_position(customer_id, chain.position(), actor)
    except NotFound:  # so says a read that lags behind a create, too
        raise NotFound(text=wording.GONE if reading.newest(customer_id) else "") from None
    return profile, history or histories.of_customer(customer_id)


def read_at_position(
    customer_id: str, read_at: int, actor: Actor | None
) -> tuple[Profile, int, History | None]:
    """The profile, the log's position up to which it is true, and what the log says of the customer
    (None if the database fails). read_at: the log's position now.
    """
    with calling(actor) as api:
        profile = _fitting(api.read_profile(customer_id))
    try:
        return profile, *settle_from_profile(profile, read_at)
    except DatabaseError as exc:  # the profile can be seen all the same
        logger.error("what a profile says cannot be recorded: %s", type(exc).__name__)
    return profile, read_at, None


def _fitting(profile: Profile) -> Profile:
    """A profile that is too long, with what no field reads cut short. Fields stay whole: a value
    that was cut could be saved. Raises TooLong.
    """
    if profile.length <= _LONGEST:
        return profile
    for most, longest in _CUTS:
        cut, left_out = cut_unknown(profile, partial(_short, longest), most)
        length = len(json.dumps(cut.values, ensure_ascii=False).encode(errors="replace"))
        if length <= _LONGEST:
            more = {"…": wording.LEFT_OUT % {"count": left_out}} if left_out else {}
            return replace(cut, length=length, values={**cut.values, **more})
    raise TooLong


def _short(longest: int, value: Json) -> Json:
    text = any_text(value)
    return value if len(text) <= longest else wording.CUT_SHORT % {"text": text[:longest]}


def confirm_change(
    customer_id: str, change_id: UUID, *, actor: Actor
) -> tuple[Profile, History, JournalLine | None, Change | None]:
    """Read the profile again after a change: the profile and the history; the line of the change
    while it has no outcome; and the change with its entries, None without any.
    """
    profile, history = read_with_history(customer_id, actor=actor)
    change = next((change for change in history.trail if change.pk == change_id), None)
    if change is not None and not history.is_waiting:
        return profile, history, None, change
    # Before its entries, so that none of them is missed.
    line = JournalLine.objects.filter(pk=change_id, customer_id=customer_id).first()
    changes = Change.objects.of_customer(customer_id).filter(pk=change_id)
    return profile, history, line, next(iter(reading.with_entries(changes)), None)
