"""What views answer: a page or a fragment, and what came of a verb."""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, TypeAlias
from uuid import UUID

from django.core.signing import BadSignature
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django_htmx.http import HttpResponseClientRedirect
from django_htmx.middleware import HtmxDetails

from customers import form_token, wording
from customers.access import Actor
from customers.audit import access_events, reading
from customers.audit.models import Access
from customers.catalogue.fields import FIELDS
from customers.clubmed.profile import Json, Profile
from customers.forms.plain import Editing
from customers.forms.profile import ProfileForm
from customers.forms.small import SmallForm
from customers.services.outcomes import (
    AlreadySent,
    Conflict,
    InUse,
    NeedsSignIn,
    NotSaved,
    Pending,
    Refused,
    Taken,
    Unknown,
)
from customers.services.read import read_profile
from customers.services.search_terms import is_customer_number
from customers.session import (
    forget_shown,
    remember_shown,
    shown_profile,
    take_back,
)

View: TypeAlias = Callable[..., HttpResponse]


class DeskRequest(HttpRequest):
    """A request as a view behind a rule gets it."""

    htmx: HtmxDetails
    actor: Actor
    id: str


MARKETS = "markets"  # the cookie's name


def chosen_markets(request: HttpRequest) -> list[str]:
    """Locales that were chosen in this browser, the current one first; [] if none ever was."""
    try:
        held = request.get_signed_cookie(MARKETS, "")
    except BadSignature:
        return []
    return (held or "").split()


class NotACustomerNumberError(Http404):
    """The address holds something that cannot be a customer_id (contract 3)."""


class NotEditableError(Http404):
    """There is no such field, or none that this product may change."""


def check_customer_number(customer_id: str) -> None:
    """Digits without a leading zero, or NotACustomerNumberError; nothing is asked of Club Med."""
    if not is_customer_number(customer_id):
        raise NotACustomerNumberError


def wants_fragment(request: HttpRequest) -> bool:
    """Asked by htmx for a part of the page; a boosted or history request wants the whole page."""
    htmx: HtmxDetails | None = getattr(request, "htmx", None)  # none where a request failed early
    return bool(htmx and not htmx.boosted and not htmx.history_restore_request)


def lead(request: HttpRequest, place: str) -> HttpResponse:
    """To another page; htmx, which would put it where the form was, has the browser open it."""
    return HttpResponseClientRedirect(place) if wants_fragment(request) else redirect(place)


def failure_of(exc: NotSaved) -> NotSaved:
    """What to say of it on the form's own page.

    Raises what only a new sign-in can mend: the way to it keeps what was typed, wherever that was.
    """
    if isinstance(exc, NeedsSignIn):
        raise exc
    return exc


def afterwards(response: HttpResponse, act: Callable[[], None]) -> HttpResponse:
    """Act once the answer is out, so that nobody waits for it: a server closes it then."""
    close = response.close

    def act_and_close() -> None:
        try:
            act()
        finally:
            close()

    response.close = act_and_close  # type: ignore[method-assign]
    return response


def typed_text(request: HttpRequest) -> list[tuple[str, str]]:
    """What a person typed into the form that was sent, for an answer that must give it back."""
    if request.method != "POST":
        return []
    try:
        posted = request.POST
    except Exception:  # it could not be read at all: that is what the answer is about
        return []
    chosen = {"token", "act", "add", "remove", "row", "field", "purpose"}  # and not typed
    hidden = {"csrfmiddlewaretoken", *chosen}
    return [
        (name, value)
        for name, values in posted.lists()
        if name not in hidden
        for value in values
        if value
    ]


def records_access(kind: Access) -> Callable[[View], View]:
    """A view whose answers are access events, of the customer in its address where there is one."""

    def mark(view: View) -> View:
        @wraps(view)
        def noting(request: DeskRequest, **address: Any) -> HttpResponse:
            answer = view(request, **address)
            return note_access(request, answer, kind, address.get("customer_id", ""))

        return noting

    return mark


def note_access(
    request: DeskRequest,
    answer: HttpResponse,
    kind: Access,
    customer_id: str,
    change_id: UUID | None = None,
) -> HttpResponse:
    """The same answer, noted as an access event unless it leads elsewhere.

    change_id: of the one change that it shows; whose it was may turn out later.
    Where a save failed, the form still shows what was there; where nothing could be read, no answer
    of the view's comes this far.
    """
    if not 300 <= answer.status_code < 400 and "HX-Redirect" not in answer:
        access_events.note(
            kind,
            actor=request.actor,
            request_id=request.id,
            customer_id=customer_id,
            change_id=change_id,
        )
    return answer


# What came of a verb


class Note(NotSaved):
    """A notice on a form's page that is no outcome of a verb's."""

    status = 200
    is_about_form = True
    icon, tone = "alert-triangle", "warn"


Notice: TypeAlias = NotSaved | None
# Shows a form's page, or its fragment, with a notice.
Show: TypeAlias = Callable[[ProfileForm, Notice], HttpResponse]


def status_of(form: ProfileForm | SmallForm | None, notice: Notice) -> int:
    """The HTTP status of a form's page."""
    if notice is not None:
        return notice.status
    return 422 if form and form.is_wrong else 200


def sent_or_typed(request: DeskRequest, form_name: str) -> dict[str, Any]:
    """The arguments of a small form: what was sent, or what the person typed before a sign-in."""
    if request.method == "POST":
        return {"data": request.POST}
    typed = take_back(request.session, request.path)
    token = typed.get("token", "") if typed else ""
    own = form_token.read(token, actor=request.actor, form=form_name)
    return {"typed": typed if own else None}


def page_or_fragment(
    request: HttpRequest, page: str, fragment: str, context: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    """The fragment for htmx; else the page, which includes it as `fragment`."""
    template = fragment if wants_fragment(request) else page
    return render(request, template, context | {"fragment": fragment}, status=status)


def profile_form(
    request: DeskRequest, editing: Editing, *, values: Mapping[str, Json] | None = None
) -> tuple[ProfileForm, Notice]:
    """The form as it was sent, as it was typed before a sign-in, or new. values: to begin with."""
    if request.method == "POST":
        return ProfileForm(editing, request.POST, judged="act" not in request.POST), None
    typed = take_back(request.session, request.path)
    form = ProfileForm(editing, typed, judged=False)
    if form.seen is not None:
        return form, Note(text=wording.TYPED_BEFORE)
    return ProfileForm(editing, values=values), None


def act_of(request: DeskRequest, form: ProfileForm) -> dict[str, Any]:
    """What a verb takes beside the values: who acts, how and why."""
    return {
        "token": form.cleaned_data["token"],
        "actor": request.actor,
        "request_id": request.id,
        "reason": form.why,
        "force_address": form.forces,
    }


def not_saved(request: DeskRequest, exc: NotSaved, form: ProfileForm, show: Show) -> HttpResponse:
    """The form again after an outcome: the one table of what becomes of it."""
    number = form.editing.profile.customer_id  # "" for a new customer
    notice: Notice = failure_of(exc)
    match exc:
        case Refused():
            form.add_refusal(exc)
            form.renew_token()
        case Conflict():
            remember_shown(request.session, exc.profile)
            form = form.over(exc.profile, reading.newest_by_field(number))
        case AlreadySent():
            if number:
                form = form.over(read_and_remember(request, number))
                notice = _already_sent(exc)
            form.seen = None  # the token is used up
        case InUse():
            notice = _in_use(exc, form)
        case Unknown() | Pending():
            forget_shown(request.session, number)
    return show(form, notice)


def _already_sent(exc: AlreadySent) -> Taken:
    texts = (FIELDS[name].text(value) for name, value in exc.sent.items())
    sent = ", ".join(wording.QUOTED % {"text": text} for text in texts)
    return Taken(text=wording.SENT_BEFORE % {"sent": sent})


def _in_use(exc: InUse, form: ProfileForm) -> Taken:
    """Who is saving which of the fields that were to be saved."""
    names = (name for name in exc.line.values if name in form.changes)
    fields = ", ".join(FIELDS[name].label.lower() for name in names)
    return Taken(text=wording.SAVING % {"who": exc.line.actor_name, "fields": fields})


def shown_or_read(request: DeskRequest, customer_id: str) -> Profile:
    """The profile as the person saw it, read now if that is gone."""
    shown = shown_profile(request.session, customer_id, current=request.method != "POST")
    return shown or read_and_remember(request, customer_id)


def read_and_remember(request: DeskRequest, customer_id: str) -> Profile:
    profile = read_profile(customer_id, actor=request.actor)
    remember_shown(request.session, profile)
    return profile
