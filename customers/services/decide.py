"""A person's word on a change whose outcome is unclear."""

from uuid import UUID

from django.db import transaction

from customers.access import Actor
from customers.audit import chain, entries, reading
from customers.audit.actions import Action, Evidence, Outcome
from customers.audit.entries import FieldOutcome
from customers.services.outcomes import NotYours, NumberMissing
from customers.services.read import read_profile
from customers.services.record import act_of, journal_in_reach


def settle_change(
    change_id: UUID,
    *,
    landed: bool,
    reason: str,
    actor: Actor,
    request_id: str,
    customer_id: str = "",
) -> None:
    """A person's word on an unclear change: did Club Med store it?

    customer_id: of the customer that an unclear create made, if it landed. Raises a NotSaved.
    """
    if customer_id:
        read_profile(customer_id, actor=actor)
    outcome = Outcome.APPLIED if landed else Outcome.NOT_APPLIED
    with journal_in_reach(), transaction.atomic():
        head = chain.lock()
        steps = reading.of_change(change_id)
        unclear = [e for e in reading.verdicts(steps).values() if e.outcome == Outcome.UNCLEAR]
        if not unclear or any(entry.is_by(actor) for entry in steps):
            raise NotYours
        first = steps[0]
        number = first.customer_id or (customer_id if landed else "")
        if landed and not number:
            raise NumberMissing
        label, action = first.customer_label, Action(first.action)
        act = act_of(action, actor, reason, customer_id=number, label=label, request_id=request_id)
        entries.append(
            change_id,
            act | {"flags": first.flags, "reverts": first.reverts},
            [FieldOutcome(e.field, e.old, e.new, outcome, Evidence.PERSON) for e in unclear],
            head=head,
            unseen_by_author=True,
        )
