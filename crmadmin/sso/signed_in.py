"""Who is signed in, on what and since when, and the end of a session."""

from dataclasses import dataclass
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render

from crmadmin.models import Session
from crmadmin.sso.sessions import end_by_hand, ours
from crmadmin.sso.store import actor_in
from customers import wording
from customers.access import Actor, Permission, allow
from customers.audit.models import Access, actor_key
from customers.forms.plain import TextField
from customers.forms.small import SmallForm
from customers.views.answers import DeskRequest, note_access, note_at_door, record_before


class EndForm(SmallForm):
    """Why a session is ended, and which: its key's digest."""

    session = forms.CharField()
    reason = TextField(
        label=wording.WHY_END, help_text=wording.WHY_END_HINT, max_length=200, required=False
    )


@dataclass
class SignedIn:
    """A person in one browser. on: "Firefox, Windows". is_this: the one of the request that asks.

    rows: one session as a rule, the most recently active first. Tabs that sign in at once begin one
    each, of which the browser keeps the last.
    """

    actor: Actor
    on: str
    rows: list[Session]
    is_this: bool = False

    @property
    def row(self) -> Session:
        return self.rows[0]


@allow(Permission.OWN_SESSIONS)
def sessions(request: DeskRequest) -> HttpResponse:
    """Everybody's for who may end them, else one's own. `ask`: the one to ask about."""
    listed = _listed(request)
    form = EndForm(request.POST if request.method == "POST" else None)
    asked = request.POST.get("session") or request.GET.get("ask")
    if form.is_valid():
        found = [
            one
            for one in listed
            if not one.is_this and asked in [session.pk for session in one.rows]
        ]
        if not found:
            messages.warning(request, wording.ENDED_BEFORE)
        for one in found:
            _end(request, one, form.cleaned_data["reason"])
        return redirect("sessions")
    context = {
        "sessions": listed,
        "asked": asked,
        "form": form,
        "people_count": len({one.row.person for one in listed}),
        "hours": settings.SESSION_COOKIE_AGE // 3600,
        "idle": f"{settings.SESSION_IDLE_MINUTES:g}",
    }
    answer = render(request, "sessions.html", context, status=422 if form.is_wrong else 200)
    if request.actor.may_end_sessions:
        note_access(request, answer, Access.AUDIT)
    return answer


def _listed(request: DeskRequest) -> list[SignedIn]:
    """This one first, then the most recently active."""
    rows = Session.lasting().order_by("-last_active")
    if not request.actor.may_end_sessions:
        rows = rows.filter(person=actor_key(request.actor.issuer, request.actor.sub))
    this = ours(request.session).row
    found: dict[str, SignedIn] = {}
    for row in rows:
        identity = row.read_identity()
        if identity and not identity.get("goes_on"):
            new = SignedIn(actor_in(identity), identity.get("on", ""), [])
            one = found.setdefault(identity.get("browser") or row.pk, new)
            one.rows.append(row)
            one.is_this |= row == this
    return sorted(found.values(), key=lambda one: not one.is_this)


def _end(request: DeskRequest, one: SignedIn, reason: str) -> None:
    """Record it, or do not do it: NotRecorded."""
    whom: dict[str, Any] = {"field": one.actor.sub[:64], "query": reason}
    record_before(
        request, Access.END_SIGN_IN, refusal=wording.NOT_ENDED, address=request.address, **whom
    )
    for row in one.rows:
        end_by_hand(row)
    note_at_door(request, Access.ENDED, actor=one.actor)
    messages.success(request, wording.ENDED_SESSION % {"name": one.actor.name})
