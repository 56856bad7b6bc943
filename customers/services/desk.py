"""The verbs. The only place where Club Med's API and the audit log meet.

Each verb takes its actor by name. A ClubMedError that leaves a verb means that nothing of the act
landed; what may have landed leaves as UnknownOutcomeError, with its journal line still open.
"""

import logging
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from customers.access import Actor
from customers.audit import chain, entries, erasure, journal, queries
from customers.audit.entries import Finding
from customers.audit.models import Action, Change, Evidence, Gone, Head, JournalLine, Outcome
from customers.catalogue.fields import FIELDS, to_send
from customers.catalogue.kinds import canonical, is_empty, raw_text
from customers.clubmed.client import ClubMed
from customers.clubmed.errors import (
    ClubMedError,
    ForbiddenError,
    NoAnswerError,
    NotFoundError,
    NotSentError,
    RefusedError,
)
from customers.clubmed.profile import Json, Profile
from customers.services import credentials, finding, refusals, settling, twins
from customers.services.finding import Search
from customers.services.twins import Twin
from customers.session.tokens import Token

logger = logging.getLogger(__name__)
_LONGEST = 255  # characters of a line of text in the log
_READS = 3  # of a profile whose fields keep moving, before we give up


class NotDoneError(Exception):
    """Nothing was sent: what is said to the person depends on the class."""


class ConflictError(NotDoneError):
    """A field is not what the person saw."""


class NotAsShownError(NotDoneError):
    """What would be sent now is not to the letter what the person was shown before."""


class BeingSavedError(NotDoneError):
    """Somebody, perhaps the same person, is saving a field of this change; `line` says who."""

    def __init__(self, line: JournalLine) -> None:
        super().__init__("being saved")
        self.line = line


class UsedTokenError(NotDoneError):
    """This form was sent before, with another text; `sent` is what that change holds."""

    def __init__(self, sent: Mapping[str, Json]) -> None:
        super().__init__("form sent before")
        self.sent = sent


class TwinError(NotDoneError):
    """Somebody who may be the same person is there, or in the making.

    twins: the likeliest first. values: what would have been sent. unchecked: Club Med could not be
    searched, so there may be others.
    """

    def __init__(self, twins: list[Twin], values: Mapping[str, Json], *, unchecked: bool) -> None:
        super().__init__("may be there already")
        self.twins = twins
        self.values = values
        self.unchecked = unchecked


class NotYoursToSettleError(NotDoneError):
    """Nobody settles a change of their own, nor one that needs no person."""


class NoCustomerNumberError(NotDoneError):
    """A create that landed has made a customer: which one has to be said."""


class NotRecordedError(NotDoneError):
    """The journal cannot be written, so nothing was sent. Its text, if any, says what to do."""


class UnknownOutcomeError(Exception):
    """Club Med gave no answer that says whether the act landed. It is never sent again."""


class RecordPendingError(Exception):
    """It landed at Club Med; the entry could not be written, and the journal line waits for it."""

    def __init__(self, customer_id: str) -> None:
        super().__init__("the record is pending")
        self.customer_id = customer_id


@dataclass(frozen=True)
class Saved:
    """A change that Club Med took. values: field -> what was sent; empty if all was so already."""

    change_id: UUID
    customer_id: str
    values: Mapping[str, Json]


@dataclass(frozen=True)
class Found:
    """A page of customers, as Club Med's search gave them.

    total: of all pages, None where it is not said. tried: the spellings that were looked for.
    number: of the one customer whose number was typed.
    """

    items: list[dict[str, Json]]
    total: int | None
    has_next: bool
    tried: list[str]
    number: str = ""


@cache
def clubmed() -> ClubMed:
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
    return not clubmed().breaker.is_open


def read_profile(customer_id: str, *, actor: Actor | None) -> Profile:
    """The profile as Club Med holds it now; what it says of open changes is recorded.

    actor: who looks; None for a look in the background.
    """
    return _look(customer_id, chain.position(), actor)[0]


def _look(customer_id: str, read_at: int, actor: Actor | None) -> tuple[Profile, int]:
    """The profile, and the log's position that it holds true for; read_at: the position before."""
    profile = calling(actor).read_profile(customer_id)
    try:
        read_at = settling.settle(profile, read_at)
    except DatabaseError as exc:  # the profile can be seen all the same
        logger.error("what a profile says cannot be recorded: %s", type(exc).__name__)
    return profile, read_at


def change_profile(
    customer_id: str,
    typed: Mapping[str, Json],
    *,
    token: Token,
    actor: Actor,
    request_id: str,
    reason: str = "",
    force_address: bool = False,
) -> Saved:
    """Send the fields that a person changed, and only those; record it before and after.

    typed: field -> the value to store, as its editor gives it; the field's cleared value clears.
    reason: the person's own, for the log. force_address: bypass Club Med's check of the address.
    Raises ConflictError, NotAsShownError, BeingSavedError, UsedTokenError, UnknownOutcomeError,
    RecordPendingError, or the ClubMedError of a refusal.
    """
    reason = _why(reason, force_address=force_address)
    with journal_in_reach():
        found = _journal_change(customer_id, typed, token, actor, request_id, reason)
    if isinstance(found, Saved):
        return found
    line, held = found
    sent = line.new_values
    with _answer_to(line, held, typed):
        calling(actor, line).update_profile(customer_id, sent, force_address=force_address)
    _record(line, Outcome.APPLIED)
    return Saved(line.change_id, customer_id, sent)


def create_customer(
    typed: Mapping[str, Json],
    *,
    token: Token,
    actor: Actor,
    request_id: str,
    reason: str = "",
    force_address: bool = False,
    despite: Collection[str] | None = None,
) -> Saved:
    """Create a customer from the fields that were filled in; returns with the new id.

    Raises like `change_profile`. A create without an answer is never sent again, and one of the
    same person raises TwinError, unless it is wanted all the same. despite: the keys of the twins
    that the person saw and does not take for the same; None before they saw any.
    """
    values = {
        name: FIELDS[name].kind.compose(None, value)
        for name, value in typed.items()
        if not is_empty(value)
    }
    why = _why(reason, force_address=force_address)
    act = act_of(Action.CREATE, "", _label(values), actor, request_id, why)
    with journal_in_reach():
        line = _journal_create(values, token, act, actor, despite)
    if isinstance(line, Saved):
        return line
    with _answer_to(line, Profile("", {}), values):
        number = calling(actor, line).create_customer(values, force_address=force_address)
    note_number(line, number)
    _record(line, Outcome.APPLIED)
    return Saved(line.change_id, number, values)


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

    customer_id: of the customer that an unclear create made, if it landed. Raises
    NotYoursToSettleError, NoCustomerNumberError, NotRecordedError, or the ClubMedError of that
    customer's profile.
    """
    if customer_id:
        read_profile(customer_id, actor=actor)
    outcome = Outcome.APPLIED if landed else Outcome.NOT_APPLIED
    with journal_in_reach(), transaction.atomic():
        head = chain.lock()
        made = entries.of_change(change_id)
        open_yet = [e for e in entries.verdicts(made).values() if e.outcome == Outcome.UNCLEAR]
        own = any(entry.is_by(actor) for entry in made)
        if not open_yet or own:
            raise NotYoursToSettleError
        first = made[0]
        number = first.customer_id or (customer_id if landed else "")
        if landed and not number:
            raise NoCustomerNumberError
        action, label = Action(first.action), first.customer_label
        entries.append(
            change_id,
            act_of(action, number, label, actor, request_id, reason),
            [Finding(e.field, e.old, e.new, outcome, Evidence.PERSON) for e in open_yet],
            head=head,
            before=made,
            untold=True,
        )


def confirm_change(
    customer_id: str, change_id: UUID, *, actor: Actor
) -> tuple[Profile, bool, Change | None]:
    """Look at Club Med again after a change: the profile; is it still not known what came of the
    change; and the change with its entries, perhaps of an earlier sending.
    """
    profile = read_profile(customer_id, actor=actor)
    open_yet = is_open(change_id)  # before its entries: what is settled in between is not missed
    changes = Change.objects.of_customer(customer_id).filter(pk=change_id)
    return profile, open_yet, next(iter(queries.with_entries(changes)), None)


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
    return clubmed().calling_as(tokens=credentials.tokens_of(actor), locale=locale_of(actor))


def locale_of(actor: Actor | None) -> str:
    """The market that the actor works in."""
    return (actor.market if actor else "") or settings.CLUBMED_LOCALE


def is_open(change_id: UUID) -> bool:
    """Is it still not known what came of this change?"""
    return JournalLine.objects.filter(pk=change_id).exists()


def _journal_change(
    customer_id: str,
    typed: Mapping[str, Json],
    token: Token,
    actor: Actor,
    request_id: str,
    reason: str,
) -> tuple[JournalLine, Profile] | Saved:
    """Compare with what Club Med holds, which is returned too, and write the line.

    Saved instead if this form was answered before, or if there is nothing to change.
    """
    for _ in range(_READS):
        read_at = chain.sound_position()
        if (first := _first_answer(token, typed)) is not None:
            return first
        profile, read_at = _look(customer_id, read_at, actor)
        now = {name: FIELDS[name].value(profile) for name in typed}
        if not all(token.vouches_for(name, value) for name, value in now.items()):
            raise ConflictError
        body = to_send(typed, now)
        if not body:
            return Saved(token.change_id, customer_id, {})
        if not token.allows(body):
            raise NotAsShownError
        values = {name: (now[name], new) for name, new in body.items()}
        act = act_of(Action.CHANGE, customer_id, _label(profile.values), actor, request_id, reason)
        try:
            return journal.write(token.change_id, act, values, read_at=read_at), profile
        except journal.MovedOnError:
            continue
    raise ConflictError


def _journal_create(
    values: Mapping[str, Json],
    token: Token,
    act: dict[str, Any],
    actor: Actor,
    despite: Collection[str] | None,
) -> JournalLine | Saved:
    """Write the line of a create; Saved instead if this form was answered before."""
    new = {name: (None, value) for name, value in values.items()}
    reason = act["reason"]
    while True:
        read_at = chain.sound_position()
        if (first := _first_answer(token, values)) is not None:
            return first
        known = _all_the_same(values, actor, despite)
        act["reason"] = ". ".join(filter(None, (known, reason)))
        try:
            return journal.write(token.change_id, act, new, read_at=read_at)
        except journal.MovedOnError:  # the same form, answered between the two looks
            continue


def _all_the_same(values: Mapping[str, Json], actor: Actor, despite: Collection[str] | None) -> str:
    """What the log keeps of those who look the same; TwinError if the person has not seen one."""
    looking = _look_alikes(values, actor)
    found = twins.unsettled(values) + (looking or [])
    unseen = [twin for twin in found if twin.key not in (despite or ())]
    if unseen or (looking is None and despite is None):
        likely = twins.likeliest_first(values, found)
        raise TwinError(likely, values, unchecked=looking is None)
    customers = ", ".join(twin.customer_id for twin in found if twin.customer_id)
    creates = ", ".join(str(twin.change_id) for twin in found if not twin.customer_id)
    said = (
        customers and f"{twins.SAME_AS} {customers}",
        creates and f"Created although it was not settled what came of {creates}",
        looking is None and "Created although Club Med could not be searched for the same person",
    )
    return ". ".join(one for one in said if one)


def _look_alikes(values: Mapping[str, Json], actor: Actor) -> list[Twin] | None:
    """Customers who may be this person, as far as Club Med lets this desk search; None if it gave
    no answer.

    Raises NotSentError: then the create would not be sent either.
    """
    found: dict[str, Twin] = {}
    try:
        for filters in finding.look_alikes(values, region=finding.region_of(locale_of(actor))):
            for item in calling(actor).find_customers(filters).items:
                found.setdefault(item["id"], Twin(item, item["id"]))
    except NoAnswerError:
        return None
    except ClubMedError as exc:
        if isinstance(exc, NotSentError):
            raise
        logger.warning("nobody could be searched for before a create: %s", type(exc).__name__)
    return list(found.values())


def find_customers(criteria: Mapping[str, str], *, actor: Actor, page: int = 1) -> Found:
    """Customers by what somebody typed (`finding.read`), at most `finding.MOST_CALLS` and one more.

    Raises a ClubMedError; ForbiddenError: this token may not search, and no customer has the number
    that was typed.
    """
    search = finding.search(criteria, region=finding.region_of(locale_of(actor)))
    by_number = Found([], None, has_next=False, tried=search.tried, number=search.number)
    try:
        if (found := _search(search, actor, page)) is not None:
            return found
    except ForbiddenError:
        # Only a number that is a customer's may become an address: others may be a phone's.
        if page == 1 and _is_there(search.number, actor):
            return by_number
        raise
    if page == 1 and _is_there(search.number, actor):
        return by_number
    return Found([], 0, has_next=False, tried=search.tried)


def _search(search: Search, actor: Actor, page: int) -> Found | None:
    """Whom the first step finds that finds anybody."""
    for n, step in enumerate(search.steps):
        pages = [calling(actor).find_customers(filters, page=page) for filters in step]
        items = {item["id"]: item for one in pages for item in one.items}
        kept = [item for item in items.values() if search.keeps(item)]
        has_next = any(one.has_next for one in pages)
        if kept or has_next:
            totals = [one.total for one in pages if one.items]
            total = totals[0] if len(totals) == 1 and len(kept) == len(items) else None
            is_one = len(kept) == 1 and not has_next and page == 1 and search.is_by_number(n)
            return Found(kept, total, has_next, search.tried, kept[0]["id"] if is_one else "")
    return None


def _is_there(number: str, actor: Actor) -> bool:
    """Does Club Med know a customer by that number? "" is nobody's."""
    try:
        return bool(number and read_profile(number, actor=actor))
    except NotFoundError:
        return False


def _why(reason: str, *, force_address: bool) -> str:
    """The reason as the log keeps it."""
    return f"Address sent without Club Med's check: {reason}" if force_address else reason


def note_number(line: JournalLine, customer_id: str) -> None:
    """Keep the new customer's number with the line, in case the entries cannot be written."""
    values, label, reason = line.values, line.customer_label, line.reason
    line.customer_id = customer_id  # what is encrypted is bound to it, so it is read before
    try:
        line.encrypt(values, customer_label=label, reason=reason)
        line.save(update_fields=["customer_id", "key_id", "encrypted"], force_update=True)
    except DatabaseError as exc:  # the entries hold it too
        logger.error("change %s has a number not noted: %s", line.change_id, type(exc).__name__)


def _first_answer(token: Token, typed: Mapping[str, Json]) -> Saved | None:
    """The answer that this form got when it was sent first; None if it may be sent.

    A form that was refused, or that never got through, is not used up. Over a stored secret only a
    clear, or what the token is bound to, is the same again.
    """
    if line := JournalLine.objects.filter(pk=token.change_id).first():
        raise BeingSavedError(line)
    made = entries.verdicts(entries.of_change(token.change_id))
    outcomes = {entry.outcome for entry in made.values()}
    if outcomes <= {Outcome.REFUSED, Outcome.NOT_APPLIED}:
        return None
    if outcomes & {Outcome.UNCLEAR, Outcome.NOT_SEEN}:
        raise UnknownOutcomeError
    sent = {name: entry.new for name, entry in made.items() if entry.outcome == Outcome.APPLIED}
    if any(isinstance(entry.old, Gone) or isinstance(entry.new, Gone) for entry in made.values()):
        raise UsedTokenError(sent)  # nothing is left to compare with

    def is_same(name: str, value: Json) -> bool:
        row, old = FIELDS[name], made[name].old
        if row.holds_secret(old) and not (is_empty(value) or token.body):
            return False  # perhaps it was not typed then: who guesses it must not learn so
        return canonical(row.kind.compose(old, value)) == canonical(sent[name])

    if typed.keys() != sent.keys() or not all(is_same(*one) for one in typed.items()):
        raise UsedTokenError(sent)
    return Saved(token.change_id, next(iter(made.values())).customer_id, sent)


@contextmanager
def journal_in_reach() -> Iterator[None]:
    """Around all that stands before the call: if the journal fails, nothing is sent."""
    try:
        yield
    except journal.ClaimedError as exc:
        raise BeingSavedError(exc.line) from None
    except chain.ForgedHeadError as exc:
        raise NotRecordedError(exc) from None
    except DatabaseError as exc:  # its text may hold values
        logger.error("the journal cannot be written: %s", type(exc).__name__)
        raise NotRecordedError from None


@contextmanager
def _answer_to(line: JournalLine, held: Profile, typed: Mapping[str, Json]) -> Iterator[None]:
    """Around the one write: record at once what certainly did not land, leave the rest open.

    held: what Club Med holds of the customer. typed: as `change_profile` takes it.
    """
    try:
        yield
    except NoAnswerError:
        raise UnknownOutcomeError from None
    except RefusedError as exc:
        exc = refusals.discreet(exc, held, typed)
        _record(line, Outcome.REFUSED, detail=refusals.codes(exc, held, line.new_values))
        raise exc from None
    except NotSentError:
        _record(line, Outcome.NOT_APPLIED, Evidence.NO_CALL)
        raise
    except ClubMedError:  # a redirect
        _record(line, Outcome.NOT_APPLIED)
        raise


def _record(
    line: JournalLine,
    outcome: Outcome,
    evidence: Evidence = Evidence.ANSWER,
    detail: str = "",
) -> None:
    """Append the line's entries and close it: one transaction.

    If the line was settled meanwhile, only what that got wrong is appended, as a correction.
    """
    act, values = line.act(), line.values
    if line.action == Action.CREATE and outcome is not Outcome.APPLIED:
        # Nobody's customer: of such a person the log keeps which fields, and why not.
        act |= {"customer_label": "", "reason": ""}
        values = {name: {"old": Gone.NOT_KEPT, "new": Gone.NOT_KEPT} for name in values}
    findings = [
        Finding(name, pair["old"], pair["new"], outcome, evidence, detail=detail)
        for name, pair in values.items()
    ]
    try:
        with transaction.atomic():
            head = chain.lock()
            if journal.close(line):
                entries.append(line.change_id, act, findings, head=head)
            else:
                _correct(line, findings, head)
    except DatabaseError as exc:  # its text may hold values
        kind = type(exc).__name__
        logger.error("change %s is not recorded yet, its line stays: %s", line.change_id, kind)
        if outcome is Outcome.APPLIED:
            raise RecordPendingError(line.customer_id) from None


def _correct(line: JournalLine, findings: list[Finding], head: Head) -> None:
    """Append the findings that differ from what the line was settled as meanwhile."""
    made = entries.of_change(line.change_id)
    settled = entries.verdicts(made)
    no_customer = any(isinstance(finding.new, Gone) for finding in findings)
    wrong = [
        finding
        for finding in findings
        if (entry := settled.get(finding.field)) is None
        or (entry.outcome, entry.customer_id) != (finding.outcome, line.customer_id)
        or (no_customer and entry.new_commitment)
    ]
    act = line.act()
    if no_customer or any(isinstance(entry.new, Gone) for entry in made):  # or forgotten meanwhile
        act |= {"customer_label": "", "reason": ""}
        wrong = [replace(one, old=Gone.NOT_KEPT, new=Gone.NOT_KEPT) for one in wrong]
    if wrong:
        entries.append(line.change_id, act, wrong, head=head, before=made, untold=True)
    if no_customer:
        erasure.of_no_customer(line.change_id).delete()


def act_of(
    action: Action,
    customer_id: str,
    label: str,
    actor: Actor,
    request_id: str,
    reason: str,
) -> dict[str, Any]:
    """What a journal line and an entry share; see `customers.audit.models.Act.act`."""
    return {
        "action": action,
        "customer_id": customer_id,
        "customer_label": label,
        "actor_issuer": actor.issuer,
        "actor_sub": actor.sub,
        "actor_name": actor.name,
        "actor_roles": ", ".join(actor.roles),
        "reason": reason,
        "locale": locale_of(actor),
        "request_id": request_id,
    }


def _label(values: Mapping[str, Json]) -> str:
    """The customer's name, for people who read the log."""
    names = (raw_text(values.get(key)) for key in ("first_name", "last_name"))
    return _one_line(" ".join(filter(None, names)))[:_LONGEST]


def _one_line(text: str) -> str:
    """Text that any database and any page can hold."""
    return "".join(char if char.isprintable() else " " for char in text)
