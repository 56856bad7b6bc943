"""Put back what a change replaced: a change of its own, through the same verb."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from uuid import UUID, uuid5

from django.utils.functional import Promise

from customers import wording
from customers.access import Actor
from customers.audit import reading
from customers.audit.actions import Action, Outcome
from customers.audit.models import Change, Entry, FieldHistory, Missing
from customers.catalogue.compare import is_empty
from customers.catalogue.fields import FIELDS, Clear, Field, to_send
from customers.clubmed.profile import Json, Profile
from customers.form_token import FormToken
from customers.services.change import change_profile
from customers.services.outcomes import Saved


@dataclass(frozen=True)
class WayBack:
    """How one field of a change can get its old value back.

    history: the field's entries in that change. obstacle: why it cannot, "" if it can. later: the
    last change of the field in the log, None if that is this one. profile: as Club Med holds it
    now, None if it was not read.
    """

    history: FieldHistory
    obstacle: str | Promise
    later: Entry | None = None
    profile: Profile | None = None

    @property
    def entry(self) -> Entry:
        """The entry with the outcome of the field."""
        return self.history.verdict

    @property
    def name(self) -> str:
        return self.entry.field

    @property
    def field(self) -> Field | None:
        """None if it has left the catalogue."""
        return FIELDS.get(self.name)

    @property
    def now(self) -> Json:
        """The value that Club Med holds; None also if the profile was not read."""
        return self.field.value(self.profile) if self.field and self.profile else None

    @property
    def by(self) -> Entry | None:
        """The entry of the value that Club Med holds now, if it came from here."""
        if self.later is None or isinstance(self.later.new, Missing):
            return None
        return self.later if FIELDS[self.name].same(self.later.new, self.now) else None

    @property
    def is_back(self) -> bool:
        """Did a later change put the old value back, as far as the log knows?"""
        return bool(self.later and self.field and self.field.same(self.entry.old, self.later.new))

    @property
    def old_text(self) -> str:
        return self._text(self.entry.old)

    @property
    def new_text(self) -> str:
        return self._text(self.entry.new)

    @property
    def now_text(self) -> str:
        return self._text(self.now)

    def _text(self, value: Json) -> str:
        """A value as people read it; a sensitive one stays hidden."""
        return self.field.text(value) if self.field else ""

    @property
    def moved(self) -> bool:
        """Does Club Med hold another value than the one that the change left?"""
        is_known = self.profile is not None and not self.obstacle
        return is_known and not self.is_as_left(self.now)

    def over(self, profile: Profile) -> "WayBack":
        """The same way back, judged by what Club Med holds now."""
        return replace(self, profile=profile, obstacle=obstacle_of(self.entry, profile))

    def is_as_left(self, value: Json) -> bool:
        """Is this the value that the change left, as it was sent or as Club Med wrote it?"""
        stored = self.history.stored
        versions = [self.entry.new, *([stored.found] if stored else [])]
        return any(FIELDS[self.name].same(version, value) for version in versions)


def ways_back(change: Change) -> list[WayBack]:
    """A way back for each field of a change, with its entries; [] for an act on the log itself."""
    if change.is_of_the_log:
        return []
    newest = reading.newest_by_field(change.customer_id) if change.customer_id else {}
    ways = []
    for history in change.fields:
        last = newest.get(history.first.field)
        later = last if last and last.change_id != change.pk else None
        ways.append(WayBack(history, obstacle_of(history.verdict), later))
    return ways


def obstacle_of(entry: Entry, profile: Profile | None = None) -> str | Promise:
    """Why the old value of an entry cannot be put back, "" if it can."""
    field, old, new = FIELDS.get(entry.field), entry.old, entry.new
    if field is None or not field.patch:
        return wording.KEPT_BY_CLUB_MED
    if entry.action == Action.CREATE:
        return wording.CREATED_SO
    if entry.outcome != Outcome.APPLIED:
        return wording.WAS_NOT_APPLIED
    for value in (old, new):
        if isinstance(value, Missing):
            return wording.OLD_IS_GONE % {"missing": value}
    if is_empty(old) and field.clear in (Clear.NEVER, Clear.NO):
        return wording.WAS_EMPTY
    current = field.value(profile) if profile else new
    if profile and field.holds(current, old, of=(old, new)):
        return wording.OLD_IS_THERE
    if not (field.readable(old) and field.readable(current)):
        return wording.NO_WAY_BACK
    is_exact = field.same(old, field.kind.compose(current, field.restored(old)))
    return "" if is_exact else wording.NO_WAY_BACK


@dataclass(frozen=True)
class _Basis(FormToken):
    """A token that vouches, beside what the person saw, for what the change left."""

    ways: Mapping[str, WayBack]

    def vouches_for(self, name: str, value: Json) -> bool:
        return super().vouches_for(name, value) or self.ways[name].is_as_left(value)


def revert_change(
    ways: Collection[WayBack],
    *,
    token: FormToken,
    actor: Actor,
    request_id: str,
    reason: str,
    force_address: bool = False,
) -> Saved:
    """Put back the old values of these fields of one change, none of them with an obstacle.

    Raises like `change_profile`; Conflict if a field holds neither what the change left nor what
    the person saw.
    """
    by_name = {way.name: way for way in ways}
    [(customer_id, change_id)] = {(way.entry.customer_id, way.entry.change_id) for way in ways}
    typed = {name: FIELDS[name].restored(way.entry.old) for name, way in by_name.items()}
    return change_profile(
        customer_id,
        typed,
        token=_Basis(token.change_id, token.digests, by_name),
        actor=actor,
        request_id=request_id,
        reason=reason,
        force_address=force_address,
        reverts=change_id,
    )


def puts_back(change_id: UUID | None, typed: Mapping[str, Json]) -> UUID | None:
    """`change_id` if one of these fields gets back the value that this change replaced, else None.

    typed: field -> the value to store, as its editor gives it.
    """
    if change_id is None:
        return None
    entries = reading.verdicts(reading.of_change(change_id)).values()
    old = {entry.field: entry.old for entry in entries if not isinstance(entry.old, Missing)}
    values = {name: value for name, value in typed.items() if name in old}
    return change_id if len(to_send(values, old)) < len(values) else None


def may_be_undone(entries: Collection[Entry], actor: Actor) -> bool:
    """May this person take back all of a change of theirs that was just saved? No undo itself."""
    return bool(entries) and all(
        entry.action == Action.CHANGE
        and entry.is_by(actor)
        and not entry.reverts
        and not obstacle_of(entry)
        for entry in entries
    )


def undo_token(change_id: UUID, actor: Actor) -> FormToken:
    """The token of the button beside a saved value: pressed twice, it makes one change."""
    return FormToken(uuid5(change_id, f"undo {actor.key}"), {})
