"""One field, edited in place: the same address is a fragment with htmx and a whole page without."""

import re
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from customers import form_token
from customers.access import Permission, allow
from customers.audit import reading
from customers.audit.actions import Outcome
from customers.audit.models import Access, Entry
from customers.catalogue.compare import canonical
from customers.catalogue.fields import FIELDS, Field
from customers.catalogue.markets import market_of
from customers.clubmed.profile import Json, Profile
from customers.forms.profile import ForceForm, ValueForm, add_refusal, refuses_address
from customers.services.change import change_profile
from customers.services.markets import known_market
from customers.services.outcomes import (
    AlreadySent,
    Conflict,
    InUse,
    NotSaved,
    Pending,
    Refused,
    Unknown,
)
from customers.services.read import confirm_change, read_profile
from customers.session import kept, seen
from customers.views.answers import (
    DeskRequest,
    NotEditableError,
    check_customer_number,
    failure_of,
    looks,
    wants_fragment,
)
from customers.views.record import Record, Row

_PENDING = "saved at Club Med; our record of it is pending and will follow."
_UNCHANGED = "this is what Club Med holds already; nothing was sent."


@allow(Permission.CUSTOMERS)
@require_http_methods(["GET", "HEAD", "POST"])
@looks(Access.VIEW)
def edit(request: DeskRequest, customer_id: str, name: str) -> HttpResponse:
    """Open the editor on what the person saw; save what they typed, or clear on purpose."""
    field = _editable(customer_id, name)
    editor = Editor(request, customer_id, field)
    if request.method != "POST":
        return editor.open()
    act = request.POST.get("act", "")
    if act in ("ask-clear", "edit") or "add" in request.POST or "remove" in request.POST:
        return editor.open(typed=request.POST)
    return editor.save(clear=act == "clear")


@allow(Permission.CUSTOMERS)
@require_safe
@looks(Access.VIEW)
def value(request: DeskRequest, customer_id: str, name: str) -> HttpResponse:
    """The field at rest, as the person saw it: what Cancel and Hide go back to."""
    field = _editable(customer_id, name, or_revealed=True)
    if not wants_fragment(request):
        return redirect(_place(customer_id, field))
    profile = seen.recall(request.session, customer_id) or _read(request, customer_id)
    return render(request, "customers/_field.html", {"row": _row(profile, field)})


@allow(Permission.CUSTOMERS)
@require_safe
@looks(Access.VIEW)
def confirm(request: DeskRequest, customer_id: str, name: str, change_id: UUID) -> HttpResponse:
    """What came of a change, from a fresh look at Club Med."""
    field = _editable(customer_id, name)
    profile, open_yet, change = confirm_change(customer_id, change_id, actor=request.actor)
    seen.remember(request.session, profile)
    if not wants_fragment(request):
        return redirect(_place(customer_id, field))
    histories = change.fields if change else []
    history = next((one for one in histories if one.first.field == name), None)
    context: dict[str, Any] = {"row": _row(profile, field), "change_id": change_id}
    page, *_ = re.split("[?#]", request.htmx.current_url or "")
    if page.endswith(reverse("profile", args=[customer_id])):  # an editor's own page has no trail
        context["trail"] = reading.trail(customer_id)
    if open_yet or change is None or history is None:
        context["fragment"] = f"customers/_field{'_unknown' if open_yet else ''}.html"
        return render(request, "customers/_confirmed.html", context)
    if change.is_by(request.actor):
        reading.mark_seen([change])
    entry = context["entry"] = history.verdict
    if entry.outcome != Outcome.APPLIED:
        context["fragment"] = "customers/_field_settled.html"
    else:
        context["fragment"] = "customers/_field.html"
        context["saved"] = True
        context["stored_as"] = _stored_as(field, entry, field.value(profile))
    return render(request, "customers/_confirmed.html", context)


class Editor:
    """The answers of one field's editor to one request."""

    def __init__(self, request: DeskRequest, customer_id: str, field: Field) -> None:
        self.request = request
        self.customer_id = customer_id
        self.field = field
        self.force: ForceForm | None = None  # offered once Club Med has refused the address

    def open(self, *, typed: QueryDict | None = None) -> HttpResponse:
        """The editor: no call to Club Med while what was seen is still at hand."""
        profile = self._seen()
        note = ""
        back = kept.take(self.request.session, self.request.path) if typed is None else None
        if back is not None and (self._token(back) or self._token(back, refused=True)):
            typed = back
            note = "Here is what you typed before you signed in again. Nothing was sent yet."
        if typed is not None and self._token(typed, refused=True):
            self.force = ForceForm(typed=typed)
        form = self._value_form(profile, typed=typed)
        return self._show(form, profile, note=note)

    def save(self, *, clear: bool) -> HttpResponse:
        """One change of one field."""
        typed = self.request.POST
        profile = self._seen(current=False)
        form = self._value_form(profile, data=typed)
        token = self._token(typed)
        if token is None and (token := self._token(typed, refused=True)):
            self.force = ForceForm(typed)
        if token is None:
            note = "This form was not made for you or was changed on its way. Nothing was sent. "
            note += "Look at the value again, then save."
            return self._show(form, profile, note=note, status=422)
        if clear and not self.field.clearable:
            raise NotEditableError
        if clear:
            form.errors.clear()  # of an input that does not count now
            form.check_market(self.field.cleared(form.now))
        force = None if clear else self.force
        if not form.is_valid() or (force and not force.is_valid()):
            return self._show(form, profile, note="Nothing was sent.", status=422)
        new = self.field.cleared(form.now) if clear else form.cleaned_data["value"]
        try:
            saved = change_profile(
                self.customer_id,
                {self.field.name: new},
                token=token,
                actor=self.request.actor,
                request_id=self.request.id,
                reason=(force and force.reason_given) or "",
                force_address=bool(force and force.reason_given),
            )
        except Refused as exc:
            return self._refused(form, profile, exc)
        except Conflict:
            return self._conflict(form, profile, token, clear=clear)
        except AlreadySent as exc:
            sent = self.field.text(exc.sent.get(self.field.name))
            note = f"This form was sent before: Club Med took “{sent}”. "
            note += (
                "What you typed now was not sent. If it is the same, it is stored already; save "
            )
            note += "again if you want it instead."
            fresh = _read(self.request, self.customer_id)
            return self._show(form, fresh, note=note, status=409)
        except InUse as exc:
            if exc.line.change_id == token.change_id:
                return self._unknown(profile, token.change_id, new)
            return self._being_saved(form, profile, exc)
        except Unknown:
            return self._unknown(profile, token.change_id, new)
        except Pending:
            return self._pending(profile, new)
        except NotSaved as exc:
            return self._not_done(form, profile, exc)
        if not saved.values:
            held = self.field.value(profile)
            return self._saved(profile, saved.change_id, held, confirm=False, note=_UNCHANGED)
        return self._saved(profile, saved.change_id, saved.values[self.field.name])

    def _seen(self, *, current: bool = True) -> Profile:
        """What the person was shown; NotEditableError if this field's value is not in our shape."""
        profile = seen.recall(self.request.session, self.customer_id, current=current)
        profile = profile or _read(self.request, self.customer_id)
        if not self._bare_row(profile).editable:
            raise NotEditableError
        return profile

    def _value_form(self, profile: Profile, **kwargs: Any) -> ValueForm:
        """The form over that profile's value, under the rules of its market."""
        here = known_market(market_of(profile), actor=self.request.actor)
        return ValueForm(self.field, here, now=self.field.value(profile), **kwargs)

    def _bare_row(self, profile: Profile) -> Row:
        """The row without its last change, which an open editor does not show."""
        return Record(profile, {}).row(self.field.name)

    def _saved(
        self,
        profile: Profile,
        change_id: UUID,
        new: Json,
        *,
        confirm: bool = True,
        note: str = "saved.",
    ) -> HttpResponse:
        """Right after the 204: the row with what was sent, which looks again by itself."""
        seen.forget(self.request.session, self.customer_id)
        if not wants_fragment(self.request):
            messages.success(self.request, f"{self.field.label}: {note}")
            return redirect(_place(self.customer_id, self.field))
        shown = Profile(self.customer_id, {**profile.values, self.field.name: new})
        context = {
            "row": _row(shown, self.field),
            "saved": True,
            "change_id": change_id,
            "confirm": confirm,
            "note": note,
        }
        return render(self.request, "customers/_field.html", context)

    def _pending(self, profile: Profile, new: Json) -> HttpResponse:
        """Stored at Club Med while our database fails: an answer that asks nothing of it."""
        seen.forget(self.request.session, self.customer_id)
        shown = Profile(self.customer_id, {**profile.values, self.field.name: new})
        context = {"row": self._bare_row(shown), "saved": True, "note": _PENDING}
        return self._page("customers/_field.html", context, shown, status=200)

    def _not_done(self, form: ValueForm, profile: Profile, exc: NotSaved) -> HttpResponse:
        """Nothing landed. Under htmx the form stays in place, and the notice stands above it."""
        if wants_fragment(self.request):
            raise exc
        return self._show(form, profile, failure=failure_of(exc))

    def _refused(self, form: ValueForm, profile: Profile, exc: Refused) -> HttpResponse:
        rest = add_refusal(form, exc.errors, [self.field.name])
        if rest or not form.errors:
            said = " ".join(rest) or exc.description or "no reason was given."
            form.add_error("value", f"Club Med refused this: {said}")
        note = "Nothing was changed."
        if self.force is None and refuses_address(exc.errors):
            self.force = ForceForm()
        return self._show(form, profile, note=note, status=422)

    def _conflict(
        self, form: ValueForm, saw: Profile, token: form_token.Token, *, clear: bool
    ) -> HttpResponse:
        """Three values and three equal choices; the fresh token is good for the value shown."""
        fresh = _read(self.request, self.customer_id)
        now, saw_value = self.field.value(fresh), self.field.value(saw)
        known = token.vouches_for(self.field.name, saw_value)
        # Of a sensitive value only what was typed is given back, without what is stored beside it.
        beside = None if self.field.sensitive else now
        typed = self.field.cleared(now) if clear else form.cleaned_data["value"]
        typed = self.field.kind.rebase(typed, saw_value if known else None, now)
        newest = reading.newest_by_field(self.customer_id).get(self.field.name)
        context = {
            "saw": self.field.text(saw_value) if known else None,
            "now": self.field.text(now),
            "mine": self.field.text(self.field.kind.compose(beside, typed), revealed=True),
            "clear": clear,
            "by": newest if newest and canonical(newest.new) == canonical(now) else None,
        }
        if isinstance(typed, list):
            form = self._value_form(fresh, rows=typed)
        return self._show(form, fresh, conflict=context, status=409)

    def _being_saved(self, form: ValueForm, profile: Profile, exc: InUse) -> HttpResponse:
        who = "You are" if exc.line.is_by(self.request.actor) else f"{exc.line.actor_name} is"
        note = f"{who} saving this field at this moment. Nothing of this was sent: "
        note += "wait until that is settled, then save again."
        return self._show(form, profile, note=note, status=409)

    def _unknown(self, profile: Profile, change_id: UUID, new: Json) -> HttpResponse:
        seen.forget(self.request.session, self.customer_id)
        context = {
            "row": self._bare_row(profile),
            "change_id": change_id,
            "typed": self.field.text(self.field.kind.compose(None, new), revealed=True)
            or "nothing: a clear",
        }
        return self._page("customers/_field_unknown.html", context, profile, status=503)

    def _show(
        self,
        form: ValueForm,
        profile: Profile,
        *,
        note: str = "",
        conflict: dict[str, Any] | None = None,
        failure: NotSaved | None = None,
        status: int = 200,
    ) -> HttpResponse:
        now = self.field.value(profile)
        context = {
            "form": form,
            "row": self._bare_row(profile),
            "note": note,
            "force": self.force,
            "conflict": conflict,
            "failure": failure,
            "asking_clear": self.request.POST.get("act") == "ask-clear",
            "token": form_token.mint(
                actor=self.request.actor,
                form=self._form_name(refused=self.force is not None),
                seen={self.field.name: now},
            ),
        }
        status = failure.status if failure else status
        return self._page("customers/_field_form.html", context, profile, status=status)

    def _page(
        self, fragment: str, context: dict[str, Any], profile: Profile, *, status: int
    ) -> HttpResponse:
        context |= {"fragment": fragment, "title": Record(profile, {}).title}
        if wants_fragment(self.request):
            return render(self.request, fragment, context, status=status)
        return render(self.request, "customers/field_form.html", context, status=status)

    def _token(self, data: QueryDict, *, refused: bool = False) -> form_token.Token | None:
        form = self._form_name(refused=refused)
        return form_token.read(data.get("token", ""), actor=self.request.actor, form=form)

    def _form_name(self, *, refused: bool) -> str:
        """What a token is good for; refused: also for an address that is sent unchecked."""
        name = f"{self.customer_id}/{self.field.name}"
        return f"{name}/refused" if refused else name


def _editable(customer_id: str, name: str, *, or_revealed: bool = False) -> Field:
    """The field that may be edited; or_revealed: or whose value may have been revealed."""
    check_customer_number(customer_id)
    field = FIELDS.get(name)
    if field is None or not (field.patch or (or_revealed and field.sensitive)):
        raise NotEditableError
    return field


def _read(request: DeskRequest, customer_id: str) -> Profile:
    profile = read_profile(customer_id, actor=request.actor)
    seen.remember(request.session, profile)
    return profile


def _row(profile: Profile, field: Field) -> Row:
    newest = reading.newest_by_field(profile.customer_id)
    return Record(profile, newest).row(field.name)


def _place(customer_id: str, field: Field) -> str:
    return f"{reverse('profile', args=[customer_id])}#{field.name}"


def _stored_as(field: Field, entry: Entry, stored: Json) -> tuple[str, str] | None:
    """What was typed and what Club Med made of it, if they differ to the eye."""
    typed, kept_as = field.text(entry.new), field.text(stored)
    return None if typed == kept_as else (typed, kept_as)
