"""Create a customer: a journal line, a call, entries."""

from collections.abc import Collection, Mapping
from typing import Any

from customers.access import Actor
from customers.audit import chain, journal
from customers.audit.models import Action, JournalLine, Outcome
from customers.catalogue.compare import is_empty
from customers.catalogue.fields import FIELDS
from customers.clubmed.profile import Json
from customers.form_token import FormToken
from customers.services import duplicates
from customers.services.connection import calling
from customers.services.duplicates import Duplicate
from customers.services.find import customers_like
from customers.services.outcomes import (
    MayExist,
    NeedsRenewal,
    NeedsSignIn,
    NoAnswer,
    NotSaved,
    Saved,
    Unreachable,
)
from customers.services.record import (
    act_of,
    before_a_write,
    first_answer,
    label_of,
    logger,
    note_number,
    reason_text,
    record_answer,
    recording_answer,
)


def create_customer(
    typed: Mapping[str, Json],
    *,
    token: FormToken,
    actor: Actor,
    request_id: str,
    reason: str = "",
    force_address: bool = False,
    despite: Collection[str] | None = None,
) -> Saved:
    """Create a customer from the fields that were filled in; returns with the new id.

    Raises like `change_profile`. A create without an answer is never sent again, and one of the
    same person raises MayExist, unless it is wanted all the same. despite: the keys of those
    that the person saw and does not take for the same; None before they saw any.
    """
    values = {
        name: FIELDS[name].kind.compose(None, value)
        for name, value in typed.items()
        if not is_empty(value)
    }
    why = reason_text(reason, force_address=force_address)
    act = act_of(Action.CREATE, "", label_of(values), actor, request_id, why)
    with before_a_write():
        line = _journal_create(values, token, act, actor, despite)
    if isinstance(line, Saved):
        return line
    with calling(actor, is_write=True) as api, recording_answer(line):
        number = api.create_customer(values, force_address=force_address)
    note_number(line, number)
    record_answer(line, Outcome.APPLIED)
    return Saved(line.change_id, number, values)


def _journal_create(
    values: Mapping[str, Json],
    token: FormToken,
    act: dict[str, Any],
    actor: Actor,
    despite: Collection[str] | None,
) -> JournalLine | Saved:
    """Write the line of a create; Saved instead if this form was answered before."""
    new = {name: (None, value) for name, value in values.items()}
    reason = act["reason"]
    while True:
        read_at = chain.sound_position()
        if (first := first_answer(token, values)) is not None:
            return first
        known = _all_the_same(values, actor, despite)
        act["reason"] = ". ".join(filter(None, (known, reason)))
        try:
            return journal.write(token.change_id, act, new, read_at=read_at)
        except journal.MovedOnError:  # the same form, answered between the two looks
            continue


def _all_the_same(values: Mapping[str, Json], actor: Actor, despite: Collection[str] | None) -> str:
    """What the log keeps of those who look the same; MayExist if the person has not seen one."""
    looking = _look_alikes(values, actor)
    found = duplicates.unsettled_creates(values) + (looking or [])
    unseen = [one for one in found if one.key not in (despite or ())]
    if unseen or (looking is None and despite is None):
        likely = duplicates.likeliest_first(values, found)
        raise MayExist(likely, values, unchecked=looking is None)
    customers = ", ".join(one.customer_id for one in found if one.customer_id)
    creates = ", ".join(str(one.change_id) for one in found if not one.customer_id)
    said = (
        customers and f"{duplicates.SAME_AS} {customers}",
        creates and f"Created although it was not settled what came of {creates}",
        looking is None and "Created although Club Med could not be searched for the same person",
    )
    return ". ".join(one for one in said if one)


def _look_alikes(values: Mapping[str, Json], actor: Actor) -> list[Duplicate] | None:
    """Customers who may be this person, as far as Club Med lets this desk search; None if it gave
    no answer.

    Raises what would keep the create from being sent too.
    """
    try:
        return customers_like(values, actor=actor)
    except (Unreachable, NeedsRenewal, NeedsSignIn):
        raise
    except NoAnswer:
        return None
    except NotSaved as exc:
        logger.warning("nobody could be searched for before a create: %s", type(exc).__name__)
        return []
