"""The form of a profile: the editor of one field, of a group of fields, or of a new customer.

Leave, set and clear are three acts: an empty input is never a clear, clearing is an act of its own.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, TypeAlias

from django import forms
from django.conf import settings
from django.http import QueryDict

from customers import form_token, wording
from customers.audit.models import Entry, Missing
from customers.catalogue import compare, kinds
from customers.catalogue.fields import FIELDS, Group
from customers.catalogue.kinds import Kind
from customers.clubmed.profile import Json, Profile, member_name
from customers.form_token import FormToken
from customers.forms.composite import MembersForm, OptinsForm, PhonesFormSet, with_act
from customers.forms.plain import Clash, Editing, Inputs, PlainPart, TextField, dress
from customers.services.outcomes import Refused

AnyPart: TypeAlias = PlainPart | MembersForm | OptinsForm | PhonesFormSet

_COMPOSED: Mapping[Kind, type[AnyPart]] = {kinds.PHONES: PhonesFormSet, kinds.OPTINS: OptinsForm}

_SECTIONS = (
    (wording.WHO_CALLS, (Group.IDENTITY,)),
    (wording.HOW_TO_REACH, (Group.CONTACT,)),
    (wording.WHAT_THEY_WANT, (Group.PREFERENCES,)),
    (wording.ABOUT_THIS_CALL, (Group.HEAD, Group.ACCOUNT, Group.CALL)),
)


def typed_text(name: str, value: Json) -> str:
    """A value as a part gives it, as people read it; "" for a clear."""
    row = FIELDS[name]
    return row.text(row.kind.compose(None, value), revealed=True)


class ProfileForm(Inputs):
    """The fields of a profile, each with its part; the token; and how to send them.

    `clear` names the fields to clear. `conflict` names those where somebody was quicker, and
    `<field>-choice` says whose value is to be: "theirs" or "mine".

    data: what was sent. values: field -> value to show instead of what there is. judged: is what
    was sent checked, or only shown again? changes: field -> the value to store, as its part gives
    it, once the form is cleaned. given_up: field -> what was typed where theirs was chosen.
    reverts: the change whose old values it began with, if Club Med had refused them.
    """

    token = forms.CharField(required=False, widget=forms.HiddenInput)
    force_address = forms.BooleanField(label=wording.FORCE_ADDRESS, required=False)
    reason = TextField(label=wording.REASON, required=False)
    despite_reason = TextField(label=wording.ANOTHER_PERSON, required=False)

    def __init__(
        self,
        editing: Editing,
        data: QueryDict | None = None,
        *,
        values: Mapping[str, Json] | None = None,
        judged: bool = True,
    ) -> None:
        self.editing, self.judged = editing, judged
        query = QueryDict() if data is None else data
        if data is not None:
            data = with_act(data)
            for name in ("reason", "despite_reason"):  # these inputs begin with it
                data.setdefault(name, editing.reason)
        auto_id = f"id_{editing.rows[0].name}_%s" if editing.alone else "id_%s"
        super().__init__(data, auto_id=auto_id)
        text = query.get("token", "")
        self.valid_token = form_token.read(text, actor=editing.actor, form=editing.name)
        self.reverts = self.valid_token.reverts if self.valid_token else None
        self.changes: dict[str, Json] = {}
        self.given_up: dict[str, Json] = {}
        self.refusal = ""  # what Club Med says that belongs beside no field
        self.offers_force, self.asks_reason = "offers_force" in query, "reason" in query
        self.asks_clear = query.get("act") == "ask-clear"
        to_clear, clashing = query.getlist("clear"), query.getlist("conflict")
        self.parts: dict[str, AnyPart] = {}
        for row in editing.rows:
            make = _COMPOSED.get(row.kind, MembersForm if row.members else PlainPart)
            part = make(editing, row, data, (values or {}).get(row.name))
            part.clears = row.clearable and row.name in to_clear
            if row.name in clashing:
                part.clash = Clash(row.text(part.now), query.get(f"{row.name}-choice", ""))
            self.parts[row.name] = part
        dress(self)
        if editing.is_new and data is None:
            _, [first, *_], _ = next(self.sections)
            next(iter(first.fields.values())).widget.attrs["autofocus"] = True
        if not judged:
            self.forgive()

    @property
    def is_wrong(self) -> bool:
        """Is there an error message about the data that was sent?"""
        return bool(self.refusal or self.errors or self.in_trouble)

    @property
    def alone(self) -> AnyPart:
        """The one part of an editor in place."""
        return next(iter(self.parts.values()))

    @property
    def hidden_token(self) -> str:
        """The token that was sent, while it is good; else a new one, over what is shown."""
        if self.valid_token is not None:
            return str(self.data["token"])
        values, editing = self._shown_values, self.editing
        actor, reverts = editing.actor, self.reverts
        return form_token.mint(actor=actor, form=editing.name, values=values, reverts=reverts)

    @property
    def _shown_values(self) -> dict[str, Json]:
        """field -> the value that there is; {} for a new customer."""
        return {name: p.now for name, p in self.parts.items() if not self.editing.is_new}

    @property
    def in_trouble(self) -> list[AnyPart]:
        """The parts that something is wrong with."""
        return [part for part in self.parts.values() if part.problems]

    @property
    def why(self) -> str:
        """The reason for the log, as the person gave it: here if one was asked for, else above."""
        reasons = {"reason": self._needs_reason, "despite_reason": "despite" in self.data}
        texts = [self.cleaned_data.get(name) for name, holds in reasons.items() if holds]
        return "; ".join(dict.fromkeys(filter(None, texts))) or self.editing.reason

    @property
    def _needs_reason(self) -> bool:
        return self.forces or not settings.REASON_REQUIRED.isdisjoint(self.changes)

    @property
    def asked_beside(self) -> str:
        """The field beside which the form asks for a reason, and whether to force the address."""
        if self.offers_force:
            return "address"
        needing = (
            name for name in (*self.changes, *self.parts) if name in settings.REASON_REQUIRED
        )
        return next(needing, "")

    @property
    def forces(self) -> bool:
        """Is an address to be sent without Club Med's check?"""
        is_set = "address" in self.changes and not self.parts["address"].clears
        return bool(is_set and self.cleaned_data.get("force_address"))

    @property
    def typed_texts(self) -> list[tuple[str, str]]:
        """What is to be stored, as people read it; "" for a clear."""
        return [(FIELDS[name].label, typed_text(name, new)) for name, new in self.changes.items()]

    def is_valid(self) -> bool:
        return self.judged and super().is_valid() and not self.in_trouble

    def forgive(self) -> None:
        super().forgive()
        for part in self.parts.values():
            part.forgive()

    def clean(self) -> None:
        """Fill `changes`. A field that was not touched is neither checked nor sent."""
        if self.valid_token is None:
            self.forgive()
            self.add_error("token", wording.FORM_EXPIRED)
            return
        self.cleaned_data["token"] = self.valid_token
        for part in self.parts.values():
            self._judge(part)
        self._check_market()
        is_given = "reason" in self.errors or self.cleaned_data["reason"] or self.editing.reason
        if self._needs_reason and not is_given:
            self.add_error("reason", wording.SAY_WHY)
            self.asks_reason = True
        if self.in_trouble or self.asks_reason:
            self.asks_clear = self.editing.alone and self.alone.clears

    def _judge(self, part: AnyPart) -> None:
        """Take what the person wants of a field, or say what is wrong with it."""
        name, choice = part.row.name, part.clash.choice if part.clash else "mine"
        is_typed = self._is_typed(part)
        if choice == "theirs" and is_typed and part.is_valid():
            self.given_up[name] = part.value
        if choice == "theirs" or not is_typed:
            part.forgive()
        if choice == "theirs" or not (is_typed or part.clears):
            return
        if choice != "mine":
            part.refuse([], str(wording.WHOSE))
        elif is_typed and part.clears:
            part.refuse([], str(wording.BOTH))
        elif part.clears:
            self.changes[name] = part.row.cleared(part.now)
        elif part.is_valid():
            self.changes[name] = part.value

    def _is_typed(self, part: AnyPart) -> bool:
        """Did the person type into this part, be the text right or wrong?"""
        if self.editing.is_new:
            return bool(part.missing) or not part.is_blank
        if self.editing.alone:
            return not part.clears
        if part.is_omitted or (part.clears and part.is_blank):
            return False
        token, name = self.cleaned_data["token"], part.row.name
        if part.row.sensitive or token.vouches_for(name, part.now):
            return part.has_changed()
        # The person saw an older profile, which is gone: the token holds digests of its values.
        value = part.row.kind.compose(None, part.value if part.is_valid() else None)
        return not token.vouches_for(name, value)

    def _check_market(self) -> None:
        """Would the customer's market take what is to be sent?"""
        now = {name: self.parts[name].now for name in self.changes}
        new = self.changes.items()
        body = {name: FIELDS[name].kind.compose(now[name], value) for name, value in new}
        rules = self.editing.market.rules
        for problem in rules.problems(body, now=None if self.editing.is_new else now):
            name = member_name(problem.key)
            if name in self.changes and not self._is_foreign(problem.key):
                self.parts[name].doubt(_steps(problem.key), self.editing.words(problem))

    def _is_foreign(self, key: str) -> bool:
        """Is it a part of an address that the address's own country judges, not the market?"""
        address = self.parts.get("address")
        country = address.country if isinstance(address, MembersForm) else ""
        is_national = key in ("address.zip_code", "address.state_or_district")
        return is_national and country not in ("", self.editing.market.region)

    def _refuse(self, key: str, message: str) -> None:
        """Put a message beside the input of a dotted key."""
        self.parts[member_name(key)].refuse(_steps(key), message)

    def add_refusal(self, refused: Refused) -> None:
        """Put each message of Club Med's beside its field, what has no field here above all."""
        rest = []
        for error in refused.errors:
            message = error.message or error.code or str(wording.NO_REASON)
            if member_name(error.key) in self.parts:
                self._refuse(error.key, wording.CLUB_MED_SAYS % {"message": message})
            else:
                about = {"field": error.key, "message": message}
                rest.append(wording.ABOUT % about if error.key else message)
        self.offers_force |= any(member_name(error.key) == "address" for error in refused.errors)
        if not rest and not self.in_trouble:
            rest = [refused.description or str(wording.NO_REASON)]
        self.refusal = " ".join(rest)
        # What is sent next is a change of its own, if the person saw what is shown.
        token = self.valid_token
        if token and all(token.vouches_for(*item) for item in self._shown_values.items()):
            self.valid_token = None

    def over(self, profile: Profile, newest: Mapping[str, Entry] | None = None) -> "ProfileForm":
        """The same typing over the profile as Club Med holds it now.

        newest: the last entry of each field, for the choice where a field moved; None asks nothing.
        """
        values, clashes = {}, {}
        token: FormToken = self.cleaned_data["token"]
        for name, value in self.changes.items():
            row, part = FIELDS[name], self.parts[name]
            is_known, now = token.vouches_for(name, part.now), row.value(profile)
            mine = row.kind.rebase(value, part.now if is_known else None, now)
            values[name] = mine
            if newest is not None and not token.vouches_for(name, now):
                saw, by = row.text(part.now) if is_known else None, newest.get(name)
                if by and (isinstance(by.value, Missing) or not row.same(by.value, now)):
                    by = None
                # Of a sensitive value only the typed members are shown again, not the stored ones.
                whole = row.kind.compose(None if row.sensitive else now, mine)
                text = row.text(whole, revealed=True)
                clashes[name] = Clash(row.text(now), saw=saw, mine=text, by=by)
        initial = {name: value for name, value in values.items() if not self.parts[name].clears}
        form = ProfileForm(replace(self.editing, profile=profile), values=initial)
        form.offers_force, form.asks_reason = self.offers_force, self.asks_reason
        form.reverts = self.reverts
        form.initial = {name: self.data.get(name, "") for name in ("force_address", "reason")}
        for name in values:
            form.parts[name].clears = self.parts[name].clears
            form.parts[name].is_overruled = self.parts[name].is_overruled
            form.parts[name].clash = clashes.get(name)
        return form

    @property
    def asks_whose(self) -> bool:
        """Has a field moved meanwhile, and nobody said yet whose value is to be?"""
        return not self.is_bound and any(part.clash for part in self.parts.values())

    @property
    def usual_parts(self) -> list[AnyPart]:
        """The parts that always stand in the form of a group."""
        return [part for part in self.parts.values() if not _is_rare(part)]

    @property
    def rare_parts(self) -> list[AnyPart]:
        """Those that are folded away in it: rare, and without a value."""
        return [part for part in self.parts.values() if _is_rare(part)]

    @property
    def rare_parts_are_open(self) -> bool:
        return _open(self.rare_parts)

    @property
    def sections(self) -> Iterator[tuple[str, list[AnyPart], list[Any]]]:
        """Title, parts, and what is folded away as (summary, parts, is it open); as a call goes."""
        for title, groups in _SECTIONS:
            folds: dict[str, list[AnyPart]] = {"": []}
            for part in self.parts.values():
                if part.row.group in groups:
                    folds.setdefault(_fold(part), []).append(part)
            plain = folds.pop("")
            yield str(title), plain, [(name, parts, _open(parts)) for name, parts in folds.items()]


def _steps(key: str) -> list[str]:
    """Where in a field a dotted key leads: "phones[0].number" to ["0", "number"]."""
    return re.split(r"[.\[]", key.replace("]", ""))[1:]


def _fold(part: AnyPart) -> str:
    """What a field is folded away under in the create form, "" if it is not. Folded away is what is
    long, or rarely told on the phone, unless the market asks for it.
    """
    row = part.row
    if part.needed:
        return ""
    if row.native:
        return str(wording.NATIVE_NAME)
    return row.label if row.is_composed and row.kind is not kinds.PHONES else ""


def _is_rare(part: AnyPart) -> bool:
    return part.row.rare and compare.is_empty(part.now)


def _open(parts: list[AnyPart]) -> bool:
    return any(part.problems or part.missing or part.clash or not part.is_blank for part in parts)
