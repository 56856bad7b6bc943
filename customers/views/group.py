"""All fields of one group at once: what was touched goes out as one change, after a look at it."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from customers import form_token
from customers.access import Permission, allow
from customers.audit import reading
from customers.audit.actions import Action
from customers.audit.models import Access, Entry
from customers.catalogue.compare import canonical, is_empty
from customers.catalogue.fields import FIELDS, MASK, Field, Group, to_send
from customers.catalogue.markets import market_of
from customers.clubmed.profile import Json, Profile
from customers.forms.profile import GroupForm, add_refusal, refuses_address
from customers.services.change import change_profile
from customers.services.markets import known_market
from customers.services.outcomes import (
    AlreadySent,
    Conflict,
    InUse,
    NotSaved,
    Pending,
    Refused,
    Saved,
    Unknown,
)
from customers.services.read import read_profile
from customers.session import kept, seen
from customers.views.answers import (
    DeskRequest,
    NotEditableError,
    check_customer_number,
    failure_of,
    lead,
    looks,
    wants_fragment,
)
from customers.views.record import Record, Row

_GROUPS = {
    group.name.lower(): group
    for group in Group
    if any(row.patch for row in FIELDS.values() if row.group is group)
}
_PATH = "/v1/customers/{}/profile"
_NOT_CARRIED = {"csrfmiddlewaretoken", "token", "typed", "act", "add", "remove"}


@allow(Permission.CUSTOMERS)
@require_http_methods(["GET", "HEAD", "POST"])
@looks(Access.VIEW)
def edit(request: DeskRequest, customer_id: str, slug: str) -> HttpResponse:
    """The form; a look at what it would send; the change itself."""
    check_customer_number(customer_id)
    if slug not in _GROUPS:
        raise NotEditableError
    editor = GroupEditor(request, customer_id, slug)
    if request.method != "POST":
        return editor.open()
    if "add" in request.POST or "remove" in request.POST:  # rows of phones, without a script
        return editor.open(typed=request.POST)
    match request.POST.get("act"):
        case "send":
            return editor.send()
        case "edit":
            return editor.open(typed=request.POST)
        case _:
            return editor.preview()


class GroupEditor:
    """The answers of one group's editor to one request.

    The form's token holds what was shown of every field. That of a preview holds what was shown of
    the fields to be sent, and is good for the one body that was previewed.
    """

    def __init__(self, request: DeskRequest, customer_id: str, slug: str) -> None:
        self.request = request
        self.customer_id = customer_id
        self.group = _GROUPS[slug]
        self.form_name = f"{customer_id}/groups/{slug}"

    def open(self, *, typed: QueryDict | None = None) -> HttpResponse:
        """No call to Club Med while what was seen is still at hand."""
        note = ""
        if typed is None:
            typed = kept.take(self.request.session, self.request.path)
            note = "Here is what you typed before you signed in again. Nothing was sent yet."
        elif self._token(typed) is None:
            return self._not_ours()
        token = self._token(typed) if typed is not None else None
        profile = self._seen()
        if typed is None or token is None:
            return self._form(self._group_form(profile))
        sent = self._sent(typed, token)
        sent.is_valid()
        if stale := self._stale(sent.changes, profile, token):
            return self._conflict(sent.changes, sent.profile, profile, token, stale)
        form = self._group_form(profile, typed=typed, touched=sent.touched)
        return self._form(form, note=note)

    def preview(self) -> HttpResponse:
        """What exactly will be sent, or what is wrong with it."""
        token = self._token(self.request.POST)
        if token is None:
            return self._not_ours()
        form = self._sent(self.request.POST, token)
        if not form.is_valid():
            return self._form(form, token=self.request.POST["token"], status=422)
        if stale := self._stale(form.changes, form.profile, token):
            return self._conflict(form.changes, form.profile, form.profile, token, stale)
        return self._preview(form.changes, form.profile)

    def send(self) -> HttpResponse:
        """The one change, which is what was previewed."""
        if "typed" not in self.request.POST:
            return self.preview()
        token = self._token(self.request.POST)
        if token is None:
            return self._not_ours()
        typed: dict[str, Json] = json.loads(self.request.POST["typed"])
        try:
            saved = change_profile(
                self.customer_id,
                typed,
                token=token,
                actor=self.request.actor,
                request_id=self.request.id,
            )
        except Refused as exc:
            return self._refused(token, exc)
        except Conflict:
            saw, now = self._seen(current=False), self._read()
            return self._conflict(typed, saw, now, token, self._stale(typed, now, token))
        except AlreadySent:
            note = (
                "This was sent before, and Club Med took it otherwise than it stands here. Nothing "
            )
            note += "was sent now: look again."
            return self._preview(typed, self._read(), note=note, status=409)
        except InUse as exc:
            if exc.line.change_id == token.change_id:
                return self._unknown(typed)
            return self._being_saved(typed, exc)
        except Unknown:
            return self._unknown(typed)
        except Pending:
            seen.forget(self.request.session, self.customer_id)
            return self._page("customers/_group_pending.html", {"typed": _texts(typed)})
        except NotSaved as exc:
            saw = self._seen(current=False)
            return self._preview(typed, saw, failure=failure_of(exc))
        return self._saved(saved)

    # What was typed

    def _sent(self, data: QueryDict, token: form_token.Token | None) -> GroupForm:
        """The form as it was sent, over what the person was shown last."""
        profile = self._seen(current=False)
        return self._group_form(profile, data=data, token=token)

    def _seen(self, *, current: bool = True) -> Profile:
        profile = seen.recall(self.request.session, self.customer_id, current=current)
        return profile or self._read()

    def _read(self) -> Profile:
        profile = read_profile(self.customer_id, actor=self.request.actor)
        seen.remember(self.request.session, profile)
        return profile

    def _rows(self, profile: Profile) -> list[Row]:
        record = Record(profile, {})
        rows = (record.row(name) for name, row in FIELDS.items() if row.group is self.group)
        return [row for row in rows if row.editable]

    def _fields(self, profile: Profile) -> list[Field]:
        return [row.field for row in self._rows(profile)]

    def _group_form(self, profile: Profile, **kwargs: Any) -> GroupForm:
        """The form over that profile, under the rules of its market."""
        here = known_market(market_of(profile), actor=self.request.actor)
        return GroupForm(self._fields(profile), profile, here, **kwargs)

    def _token(self, data: QueryDict) -> form_token.Token | None:
        form = self.form_name
        if "typed" in data:
            form = self._previewed(data.get("typed", ""))
        return form_token.read(data.get("token", ""), actor=self.request.actor, form=form)

    def _previewed(self, typed: str) -> str:
        """The name of the form that sends this and nothing else."""
        return f"{self.form_name}/{typed}"

    def _stale(self, typed: Iterable[str], now: Profile, token: form_token.Token) -> list[str]:
        """The fields to be changed that are not as the person saw them."""
        return [name for name in typed if not token.vouches_for(name, FIELDS[name].value(now))]

    # Pages

    def _form(
        self,
        form: GroupForm,
        *,
        token: str = "",
        note: str = "",
        refusal: str = "",
        refused: Refused | None = None,
        conflicts: Mapping[str, dict[str, Any]] | None = None,
        status: int = 200,
    ) -> HttpResponse:
        rows = [row for row in self._rows(form.profile) if row.field.name in form.fields]
        values = {row.field.name: row.value for row in rows}
        context = {
            "inputs": [
                {
                    "row": row,
                    "bound": form[row.field.name],
                    "now": row.field.text(row.value),
                    "clear": row.field.name in form.to_clear,
                    "choice": form.choices.get(row.field.name),
                    **(conflicts or {}).get(row.field.name, {}),
                }
                for row in rows
            ],
            "form": form,
            "note": note,
            "refusal": refusal,
            "refused": refused is not None,
            "address_refused": refused is not None and refuses_address(refused.errors),
            "token": token
            or form_token.mint(actor=self.request.actor, form=self.form_name, seen=values),
        }
        return self._page("customers/_group_form.html", context, form.profile, status=status)

    def _preview(
        self,
        typed: Mapping[str, Json],
        profile: Profile,
        *,
        note: str = "",
        failure: NotSaved | None = None,
        status: int = 200,
    ) -> HttpResponse:
        values = {name: FIELDS[name].value(profile) for name in typed}
        body = to_send(typed, values)
        if not body:
            note = "Nothing is changed here yet, so nothing would be sent."
            return self._form(self._group_form(profile), note=note)
        sending = json.dumps({name: typed[name] for name in body})
        context = {
            "changes": [_as_entry(name, values[name], new) for name, new in body.items()],
            "cleared": [name for name, new in body.items() if is_empty(new)],
            "path": _PATH.format(self.customer_id),
            "body": _readable(body),
            "carried": self._carried(),
            "note": note,
            "failure": failure,
            "sending": sending,
            "token": form_token.mint(
                actor=self.request.actor,
                form=self._previewed(sending),
                seen={name: values[name] for name in body},
                body=body,
            ),
        }
        status = failure.status if failure else status
        return self._page("customers/_group_preview.html", context, profile, status=status)

    def _carried(self) -> list[tuple[str, str]]:
        """What was typed, to be sent along with the preview."""
        return [
            (name, value)
            for name, values in self.request.POST.lists()
            if name not in _NOT_CARRIED
            for value in values
        ]

    def _not_ours(self) -> HttpResponse:
        note = "This form was not made for you or was changed on its way. Nothing was sent. "
        note += "Look at the values again, then go on."
        profile = self._seen()
        form = self._group_form(profile, typed=self.request.POST)
        return self._form(form, note=note, status=422)

    def _refused(self, token: form_token.Token, exc: Refused) -> HttpResponse:
        """Each message beside its field, over what was typed."""
        form = self._sent(self.request.POST, token)
        form.is_valid()
        rest = add_refusal(form, exc.errors, list(form.fields))
        if not rest and not form.errors:
            rest = [exc.description or "No reason was given."]
        return self._form(form, refusal=" ".join(rest), refused=exc, status=422)

    def _conflict(
        self,
        typed: Mapping[str, Json],
        saw: Profile,
        now: Profile,
        token: form_token.Token,
        names: list[str],
    ) -> HttpResponse:
        """The form over what Club Med holds now, with a choice where that has moved."""
        newest = reading.newest_by_field(self.customer_id)
        facts, values = {}, {}
        for name, value in typed.items():
            row, before, held = FIELDS[name], FIELDS[name].value(saw), FIELDS[name].value(now)
            known = token.vouches_for(name, before)
            values[name] = row.kind.rebase(value, before if known else None, held)
            by = newest.get(name)
            facts[name] = {
                "saw": row.text(before) if known else None,
                "by": by if by and canonical(by.new) == canonical(held) else None,
            }
        form = self._group_form(now, values=values)
        form.to_clear = {name for name, value in values.items() if is_empty(value)}
        form.choices = dict.fromkeys(names, "")
        note = "" if names else "This customer is being changed at this moment. Nothing of yours "
        note += "" if names else "was sent: look again, then go on."
        return self._form(form, note=note, conflicts=facts, status=409)

    def _being_saved(self, typed: Mapping[str, Json], exc: InUse) -> HttpResponse:
        line = exc.line
        who = "You are" if line.is_by(self.request.actor) else f"{line.actor_name} is"
        fields = ", ".join(FIELDS[name].label.lower() for name in line.values if name in typed)
        note = (
            f"{who} saving {fields} at this moment. Nothing of this was sent: wait until that is "
        )
        note += "settled, then send it again."
        return self._preview(typed, self._seen(current=False), note=note, status=409)

    def _unknown(self, typed: Mapping[str, Json]) -> HttpResponse:
        seen.forget(self.request.session, self.customer_id)
        context = {"typed": _texts(typed)}
        return self._page("customers/_group_unknown.html", context, status=503)

    def _saved(self, saved: Saved) -> HttpResponse:
        seen.forget(self.request.session, self.customer_id)
        labels = ", ".join(FIELDS[name].label for name in saved.values)
        if labels:
            messages.success(self.request, f"{labels}: saved.")
        else:
            messages.success(self.request, "Club Med holds all of this already; nothing was sent.")
        return lead(self.request, reverse("profile", args=[self.customer_id]))

    def _page(
        self,
        fragment: str,
        context: dict[str, Any],
        profile: Profile | None = None,
        *,
        status: int = 200,
    ) -> HttpResponse:
        context |= {
            "customer_id": self.customer_id,
            "group": self.group.title,
            "url": self.request.path,
            "title": Record(profile, {}).title if profile else f"Customer {self.customer_id}",
            "fragment": fragment,
        }
        template = fragment if wants_fragment(self.request) else "customers/group.html"
        return render(self.request, template, context, status=status)


def _as_entry(name: str, old: Json, new: Json) -> Entry:
    """A change as the log would show it."""
    entry = Entry(action=Action.CHANGE, field=name)
    entry.old, entry.new = old, new
    return entry


def _texts(typed: Mapping[str, Json]) -> list[tuple[str, str]]:
    """What was typed, as people read it."""
    rows = ((FIELDS[name], value) for name, value in typed.items())
    return [
        (row.label, row.text(row.kind.compose(None, value), revealed=True) or "to be cleared")
        for row, value in rows
    ]


def _readable(body: Mapping[str, Json]) -> str:
    """The body of the PATCH for people, sensitive values masked."""
    masked = {
        name: MASK if FIELDS[name].sensitive and not is_empty(value) else value
        for name, value in body.items()
    }
    return json.dumps(masked, indent=2, ensure_ascii=False)
