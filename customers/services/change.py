"""Change fields of a customer: a journal line, a call, entries."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from uuid import UUID

from customers.access import Actor
from customers.audit import chain, journal
from customers.audit.actions import Action, Flag, Outcome
from customers.audit.models import JournalLine
from customers.catalogue.fields import FIELDS, to_send
from customers.clubmed.profile import Json
from customers.form_token import FormToken
from customers.services import record
from customers.services.connection import calling
from customers.services.outcomes import Conflict, Saved
from customers.services.read import read_at_position


def change_profile(
    customer_id: str,
    typed: Mapping[str, Json],
    *,
    token: FormToken,
    actor: Actor,
    request_id: str,
    reason: str = "",
    force_address: bool = False,
    reverts: UUID | None = None,
) -> Saved:
    """Send the fields that a person changed, and only those; record it before and after.

    typed: field -> the value to store, as its editor gives it; the field's cleared value clears.
    reason: the person's own, for the log. force_address: bypass Club Med's check of the address.
    reverts: the change whose old values these are. Raises a NotSaved.
    """
    flags = [Flag.FORCED_ADDRESS] if force_address else []
    flags += [Flag.REVERTS] if reverts else []
    act = record.act_of(
        Action.CHANGE, actor, reason, customer_id=customer_id, request_id=request_id, flags=flags
    )
    act["reverts"] = reverts.hex if reverts else ""
    with record.before_a_write():
        line = _journal_change(act, typed, token, actor)
    if isinstance(line, Saved):
        return line
    sent = line.new_values
    with calling(actor, is_write=True) as api, record.recording_answer(line):
        api.update_profile(customer_id, sent, force_address=force_address)
    entries = record.record_answer(line, Outcome.APPLIED)
    return Saved(line.change_id, customer_id, sent, entries)


def _journal_change(
    act: dict[str, Any], typed: Mapping[str, Json], token: FormToken, actor: Actor
) -> JournalLine | Saved:
    """Compare with what Club Med holds, and write the line.

    Saved instead if this form was answered before, or if there is nothing to change.
    """
    customer_id = act["customer_id"]
    for _ in range(3):  # a profile whose fields keep moving
        read_at, is_known = chain.sound_position(token.change_id)
        if is_known and (first := record.first_answer(token, typed)) is not None:
            return first
        profile, read_at, _ = read_at_position(customer_id, read_at, actor)
        now = {name: FIELDS[name].value(profile) for name in typed}
        if not all(token.vouches_for(name, value) for name, value in now.items()):
            raise Conflict(profile)
        body = to_send(typed, now)
        if not body:
            return Saved(token.change_id, customer_id, {})
        values = {name: (now[name], new) for name, new in body.items()}
        act["customer_label"] = record.label_of(profile.values)
        with suppress(journal.MovedOnError):
            return journal.write(token.change_id, act, values, read_at=read_at)
    raise Conflict(profile)
