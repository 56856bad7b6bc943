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
class SignIn:
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
    """Everybody's sessions for who may end them, else one's own. `ask`: the key to ask about."""
    sign_ins = _sign_ins(request)
    form = EndForm(request.POST if request.method == "POST" else None)
    key = request.POST.get("session") or request.GET.get("ask")
    if form.is_valid():
        to_end = [
            sign_in
            for sign_in in sign_ins
            if not sign_in.is_this and key in [session.pk for session in sign_in.rows]
        ]
        if not to_end:
            messages.warning(request, wording.ENDED_BEFORE)
        for sign_in in to_end:
            _end(request, sign_in, form.cleaned_data["reason"])
        return redirect("sessions")
    context = {
        "sessions": sign_ins,
        "ask": key,
        "form": form,
        "people_count": len({sign_in.row.person for sign_in in sign_ins}),
        "hours": settings.SESSION_COOKIE_AGE // 3600,
        "idle": f"{settings.SESSION_IDLE_MINUTES:g}",
    }
    answer = render(request, "sessions.html", context, status=422 if form.is_wrong else 200)
    if request.actor.may_end_sessions:
        note_access(request, answer, Access.AUDIT)
    return answer


def _sign_ins(request: DeskRequest) -> list[SignIn]:
    """This one first, then the most recently active."""
    rows = Session.lasting().order_by("-last_active")
    if not request.actor.may_end_sessions:
        rows = rows.filter(person=actor_key(request.actor.issuer, request.actor.sub))
    this = ours(request.session).row
    by_browser: dict[str, SignIn] = {}
    for row in rows:
        identity = row.read_identity()
        if identity and not identity.get("goes_on"):
            new = SignIn(actor_in(identity), identity.get("on", ""), [])
            sign_in = by_browser.setdefault(identity.get("browser") or row.pk, new)
            sign_in.rows.append(row)
            sign_in.is_this |= row == this
    return sorted(by_browser.values(), key=lambda sign_in: not sign_in.is_this)


def _end(request: DeskRequest, sign_in: SignIn, reason: str) -> None:
    """Record it, or do not do it: NotRecorded."""
    whom: dict[str, Any] = {"field": sign_in.actor.sub[:64], "query": reason}
    record_before(
        request, Access.END_SIGN_IN, refusal=wording.NOT_ENDED, address=request.address, **whom
    )
    for row in sign_in.rows:
        end_by_hand(row)
    note_at_door(request, Access.ENDED, actor=sign_in.actor)
    messages.success(request, wording.ENDED_SESSION % {"name": sign_in.actor.name})
