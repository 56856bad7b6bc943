"""The records of every verb: the line before the call, the entries after it."""

import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from django.db import DatabaseError, transaction
from django.utils import timezone

from customers.access import Actor
from customers.audit import chain, entries, erasure, group_commit, journal, reading
from customers.audit.actions import Action, Evidence, Flag, Outcome
from customers.audit.entries import FieldOutcome
from customers.audit.models import PERSONAL, Entry, Head, JournalLine, Missing
from customers.catalogue.compare import is_empty, is_same
from customers.catalogue.fields import FIELDS
from customers.catalogue.names import full_name
from customers.clubmed import errors
from customers.clubmed.profile import Json
from customers.form_token import FormToken
from customers.services import outcomes, refusals
from customers.services.connection import locale_of
from customers.services.outcomes import AlreadySent, NotRecorded, Saved, Unknown

logger = logging.getLogger(__name__)


def note_number(line: JournalLine, customer_id: str) -> None:
    """Store the new customer's number with the line, in case the entries cannot be written."""
    values, act = line.values, line.act()  # bound to the number, so they are read before
    line.customer_id = customer_id
    try:
        line.encrypt(values, act)
        line.save(update_fields=["customer_id", "key_id", "encrypted"], force_update=True)
    except DatabaseError as exc:  # the entries hold it too
        logger.error("change %s has a number not noted: %s", line.change_id, type(exc).__name__)


def first_answer(token: FormToken, typed: Mapping[str, Json]) -> Saved | None:
    """The answer that this form got when it was sent first; None if it may be sent.

    A form that was refused, or that never got through, is not used up. Where a sensitive value was
    replaced, a repeated save counts as the same only if it clears the field: a guess would confirm
    the part that was not typed. Raises Unknown, AlreadySent.
    """
    if JournalLine.objects.filter(pk=token.change_id).exists():
        raise Unknown
    verdicts = reading.verdicts(reading.of_change(token.change_id))
    results = {entry.outcome for entry in verdicts.values()}
    if results <= {Outcome.REFUSED, Outcome.NOT_APPLIED}:
        return None
    if results & {Outcome.UNCLEAR, Outcome.NOT_SEEN}:
        raise Unknown
    sent = {name: entry.new for name, entry in verdicts.items() if entry.outcome == Outcome.APPLIED}
    values = [value for entry in verdicts.values() for value in (entry.old, entry.new)]
    if any(isinstance(value, Missing) for value in values):
        raise AlreadySent(sent)  # nothing is left to compare with

    def is_repeated(name: str, value: Json) -> bool:
        row = FIELDS[name]
        if row.sensitive and not is_empty(verdicts[name].old):
            return is_empty(value)
        return is_same(row.kind.compose(verdicts[name].old, value), sent[name])

    if typed.keys() != sent.keys() or not all(is_repeated(*pair) for pair in typed.items()):
        raise AlreadySent(sent)
    return Saved(token.change_id, next(iter(verdicts.values())).customer_id, sent)


@contextmanager
def journal_in_reach() -> Iterator[None]:
    """Around all that stands before the call: if the journal fails, nothing is sent."""
    try:
        yield
    except journal.ClaimedError as exc:
        raise outcomes.InUse(exc.line) from None
    except chain.ForgedHeadError as exc:
        raise NotRecorded from exc
    except DatabaseError as exc:  # its text may hold values
        logger.error("the journal cannot be written: %s", type(exc).__name__)
        raise NotRecorded from None


@contextmanager
def before_a_write() -> Iterator[None]:
    """Like `journal_in_reach`; a read without an answer becomes NotSent: nothing was sent."""
    try:
        with journal_in_reach():
            yield
    except outcomes.NoAnswer:
        raise outcomes.NotSent from None


@contextmanager
def recording_answer(line: JournalLine) -> Iterator[None]:
    """Around the one write: record a sure failure at once, leave any other outcome open."""
    try:
        if timezone.now() >= line.deadline:  # others may settle it from now on
            raise errors.NotSentError("the deadline passed before the call")
        yield
    except errors.NoAnswerError:
        raise
    except errors.RefusedError as exc:
        sent = line.new_values
        record_answer(line, Outcome.REFUSED, detail=refusals.codes(exc, sent))
        raise refusals.shown_refusal(exc, sent) from None
    except errors.ClubMedError as exc:  # not sent, or a redirect
        was_sent = not isinstance(exc, errors.NotSentError)
        record_answer(line, Outcome.NOT_APPLIED, Evidence.ANSWER if was_sent else Evidence.NO_CALL)
        raise


def record_answer(
    line: JournalLine, outcome: Outcome, evidence: Evidence = Evidence.ANSWER, detail: str = ""
) -> list[Entry]:
    """Append the line's entries and close it: one transaction. Returns them.

    If the line was settled meanwhile, only the differences are appended, as corrections.
    """
    act, values = line.act(), line.values
    if line.action == Action.CREATE and outcome is not Outcome.APPLIED:
        # Nobody's customer: of such a person the log keeps which fields, and why not.
        act |= dict.fromkeys(PERSONAL, "")
        values = {name: {"old": Missing.NOT_KEPT, "new": Missing.NOT_KEPT} for name in values}
    findings = [
        FieldOutcome(name, pair["old"], pair["new"], outcome, evidence, detail=detail)
        for name, pair in values.items()
    ]
    try:
        new = entries.prepare(line.change_id, act, findings)
        if (recorded := group_commit.close(line, new)) is not None:
            return recorded
        with transaction.atomic():
            head, was_open = journal.close(line)
            if was_open:
                return entries.append(line.change_id, act, findings, head=head)
            _correct(line, findings, head)
    except DatabaseError as exc:  # its text may hold values
        kind = type(exc).__name__
        logger.error("change %s is not recorded yet, its line stays: %s", line.change_id, kind)
        if outcome is Outcome.APPLIED:
            raise outcomes.Pending(line.customer_id) from None
    return []


def _correct(line: JournalLine, findings: list[FieldOutcome], head: Head) -> None:
    """Append the findings that differ from the outcome that the line got meanwhile."""
    steps = reading.of_change(line.change_id)
    verdicts = reading.verdicts(steps)
    no_customer = any(isinstance(finding.new, Missing) for finding in findings)
    wrong = [
        finding
        for finding in findings
        if (entry := verdicts.get(finding.field)) is None
        or (entry.outcome, entry.customer_id) != (finding.outcome, line.customer_id)
        or (no_customer and entry.new_commitment)
    ]
    act = line.act()
    was_forgotten = any(isinstance(entry.new, Missing) for entry in steps)
    if no_customer or was_forgotten:
        act |= dict.fromkeys(PERSONAL, "")
        wrong = [replace(finding, old=Missing.NOT_KEPT, new=Missing.NOT_KEPT) for finding in wrong]
    if wrong:
        entries.append(line.change_id, act, wrong, head=head, unseen_by_author=True)
    if no_customer:
        erasure.values_of_no_customer(line.change_id).delete()


def act_of(
    action: Action,
    actor: Actor,
    reason: str,
    *,
    customer_id: str = "",
    label: str = "",
    request_id: str = "",
    flags: Iterable[Flag] = (),
) -> dict[str, Any]:
    """The members that a journal line and an entry share. reason: as a person typed it."""
    return {
        "action": action,
        "customer_id": customer_id,
        "customer_label": label,
        **actor.columns,
        "reason": reason,
        "locale": locale_of(actor),
        "request_id": request_id,
        "flags": " ".join(sorted(flags)),
    }


def label_of(values: Mapping[str, Json]) -> str:
    """The customer's name for people who read the log, as any database and any page can hold it."""
    name = full_name(values)[:255]
    return "".join(char if char.isprintable() else " " for char in name)
