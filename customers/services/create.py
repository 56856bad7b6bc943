"""Create a customer: a journal line, a call, entries."""

from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import Any

from django.db import transaction

from customers.access import Actor
from customers.audit import chain, journal
from customers.audit.actions import Action, Flag, Outcome
from customers.audit.models import JournalLine
from customers.catalogue.compare import is_empty
from customers.catalogue.fields import FIELDS
from customers.clubmed.profile import Json
from customers.form_token import FormToken
from customers.services import duplicates, outcomes, record
from customers.services.connection import calling
from customers.services.duplicates import Duplicate
from customers.services.find import customers_like
from customers.services.outcomes import MayExist, Saved


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

    Raises like `change_profile`, and MayExist. A create without an answer is never sent again.
    despite: the keys of the duplicates that the person saw, who are others; None before that.
    """
    values = {
        name: FIELDS[name].kind.compose(None, value)
        for name, value in typed.items()
        if not is_empty(value)
    }
    flags = [Flag.FORCED_ADDRESS] if force_address else []
    label = record.label_of(values)
    act = record.act_of(
        Action.CREATE, actor, reason, label=label, request_id=request_id, flags=flags
    )
    with record.before_a_write():
        line = _journal_create(values, token, act, actor, despite)
    if isinstance(line, Saved):
        return line
    with calling(actor, is_write=True, is_new=True) as api, record.recording_answer(line):
        number = api.create_customer(values, force_address=force_address)
    record.note_number(line, number)
    record.record_answer(line, Outcome.APPLIED)
    return Saved(line.change_id, number, values)


def _journal_create(
    values: Mapping[str, Json],
    token: FormToken,
    act: dict[str, Any],
    actor: Actor,
    despite: Collection[str] | None,
) -> JournalLine | Saved:
    """Write the line of a create; Saved instead if this form was answered before.

    Two people may create the same person at once, each having searched before the other's line was
    there: so whoever writes second looks again.
    """
    new = {name: (None, value) for name, value in values.items()}
    while True:
        read_at, is_known = chain.sound_position(token.change_id)
        if is_known and (first := record.first_answer(token, values)) is not None:
            return first
        flags, related = _duplicates(values, actor, despite)
        about = {"flags": " ".join(sorted({*act["flags"].split(), *flags})), "related": related}
        with suppress(journal.MovedOnError):  # the same form, answered between the two queries
            line = journal.write(token.change_id, act | about, new, read_at=read_at)
            keys = {*related, str(line.change_id)}
            alike = duplicates.unsettled_creates(values, since=read_at)
            if all(duplicate.key in keys for duplicate in alike):
                return line
            with transaction.atomic():  # nothing was sent: look again at who else is created
                journal.close(line)


def _duplicates(
    values: Mapping[str, Json], actor: Actor, despite: Collection[str] | None
) -> tuple[list[Flag], list[str]]:
    """Flags of the create, and the keys of who looks like the same person.

    Raises MayExist for one whom the person who creates has not seen.
    """
    customers: list[Duplicate] | None = None
    try:
        customers = customers_like(values, actor=actor)
    except outcomes.Forbidden:  # this desk may not search
        customers = []
    except (outcomes.Unreachable, outcomes.NeedsRenewal, outcomes.NeedsSignIn):
        raise  # nor could the create be sent
    except outcomes.NotSaved:
        pass
    alike = duplicates.unsettled_creates(values) + (customers or [])
    keys = [duplicate.key for duplicate in alike]
    if not {*keys} <= {*(despite or ())} or (customers is None and despite is None):
        raise MayExist(duplicates.likeliest_first(values, alike), values, customers is None)
    flags = [Flag.DESPITE_DUPLICATES] if alike else []
    return flags + ([Flag.UNCHECKED_DUPLICATES] if customers is None else []), keys
