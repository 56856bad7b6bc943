"""Create a customer: a journal line, a call, entries."""

from collections.abc import Collection, Mapping
from typing import Any

from customers.access import Actor
from customers.audit import chain, journal
from customers.audit.actions import Action, Flag, Outcome
from customers.audit.models import JournalLine
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
    flags = [Flag.FORCED_ADDRESS] if force_address else []
    act = act_of(Action.CREATE, "", label_of(values), actor, request_id, reason, flags=flags)
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
    while True:
        read_at = chain.sound_position()
        if (first := first_answer(token, values)) is not None:
            return first
        about = _duplicates(values, actor, despite)
        flags = sorted({*act["flags"].split(), *about["flags"]})
        try:
            found = act | about | {"flags": " ".join(flags)}
            return journal.write(token.change_id, found, new, read_at=read_at)
        except journal.MovedOnError:  # the same form, answered between the two queries
            continue


def _duplicates(
    values: Mapping[str, Json], actor: Actor, despite: Collection[str] | None
) -> dict[str, Any]:
    """`flags` and `related`: who looks like the same person. Raises MayExist for one whom the
    person who creates has not seen.
    """
    looking = _look_alikes(values, actor)
    found = duplicates.unsettled_creates(values) + (looking or [])
    unseen = [one for one in found if one.key not in (despite or ())]
    if unseen or (looking is None and despite is None):
        likely = duplicates.likeliest_first(values, found)
        raise MayExist(likely, values, looking is None)
    flags = [Flag.DESPITE_DUPLICATES] if found else []
    if looking is None:
        flags.append(Flag.UNCHECKED_DUPLICATES)
    return {"flags": flags, "related": [duplicate.key for duplicate in found]}


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
