"""What views answer: a page or a fragment, and what came of a verb."""

import logging
from collections.abc import Callable, Container, Mapping
from functools import wraps
from typing import Any, TypeAlias

from django.conf import settings
from django.db import DatabaseError
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.functional import Promise
from django_htmx.http import HttpResponseClientRedirect
from django_htmx.middleware import HtmxDetails

from customers import form_token, session, wording
from customers.access import Actor
from customers.audit import access_events, limits, reading
from customers.audit.histories import History
from customers.audit.models import Access
from customers.catalogue.fields import FIELDS
from customers.clubmed.profile import Json, Profile
from customers.forms.filters import FilterForm
from customers.forms.plain import Editing
from customers.forms.profile import ProfileForm
from customers.forms.reason import ReasonForm
from customers.forms.small import SmallForm
from customers.services import outcomes
from customers.services.outcomes import NotSaved
from customers.services.read import read_with_history

logger = logging.getLogger(__name__)
View: TypeAlias = Callable[..., HttpResponse]


class DeskRequest(HttpRequest):
    """A request as a view behind a rule gets it."""

    htmx: HtmxDetails
    actor: Actor
    id: str
    browser: str  # what it is known by, since somebody signed in there; else ""
    was_last: str  # a digest of who signed in there last; else ""
    address: str  # the caller's, as TRUSTED_PROXIES say; "" if it has none


def chosen_markets(request: HttpRequest) -> list[str]:
    """Locales that were chosen in this browser, the current one first; [] if none ever was."""
    return (request.get_signed_cookie(settings.MARKETS_COOKIE_NAME, "") or "").split()


def markets_at_hand(request: HttpRequest) -> list[str]:
    """Locales that were chosen in this browser, and the company's own."""
    return list(dict.fromkeys((*chosen_markets(request), settings.CLUBMED_LOCALE)))


class NotEditableError(Http404):
    """There is no such field, or none that this product may change."""


def set_cookie(
    response: HttpResponse,
    name: str,
    value: str,
    *,
    max_age: int | None = None,
    signed: bool = False,
) -> None:
    """A cookie that no script reads. max_age: in seconds, None until the browser is closed."""
    put = response.set_signed_cookie if signed else response.set_cookie
    secure = settings.SESSION_COOKIE_SECURE
    put(name, value, max_age=max_age, secure=secure, httponly=True, samesite="Lax")


def wants_fragment(request: HttpRequest) -> bool:
    """Asked by htmx for a part of the page; a boosted or history request wants the whole page."""
    htmx: HtmxDetails | None = getattr(request, "htmx", None)  # none where a request failed early
    return bool(htmx and not htmx.boosted and not htmx.history_restore_request)


def lead(request: HttpRequest, place: str) -> HttpResponse:
    """To another page; htmx, which would put it where the form was, has the browser open it."""
    return HttpResponseClientRedirect(place) if wants_fragment(request) else redirect(place)


def typed_text(request: HttpRequest) -> list[tuple[str, str]]:
    """What a person typed into the form that was sent, for an answer that must give it back."""
    if request.method != "POST":
        return []
    try:
        posted = request.POST
    except Exception:  # it could not be read at all: that is what the answer is about
        return []
    # These inputs are chosen, not typed.
    chosen = {"csrfmiddlewaretoken", "token", "act", "anyway", "theirs", "field", "purpose"}
    return [
        (name, value)
        for name, values in posted.lists()
        if name not in chosen and not name.endswith(("_FORMS", "-row"))  # of a list of inputs
        for value in values
        if value
    ]


def records_access(kind: Access, *, limited: bool = False) -> Callable[[View], View]:
    """A view whose answers are access events, of the customer in its address where there is one.

    limited: raises LimitReached beyond how much one person may look at.
    """

    def mark(view: View) -> View:
        @wraps(view)
        def noting(request: DeskRequest, **address: Any) -> HttpResponse:
            customer_id = address.get("customer_id", "")
            is_noted, has_room = False, not limited
            if limited and kind is Access.VIEW:
                is_noted, has_room = _before_a_view(request, customer_id)
            if not (is_noted or has_room):
                stay_within(request, kind, customer_id=customer_id)
            answer = view(request, **address)
            if is_noted:
                return answer
            return note_access(request, answer, kind, limited=limited, customer_id=customer_id)

        return noting

    return mark


def _before_a_view(request: DeskRequest, customer_id: str) -> tuple[bool, bool]:
    """`limits.before_a_view`; two times False if the database fails."""
    try:
        return limits.before_a_view(customer_id, actor=request.actor)
    except DatabaseError:
        return False, False


def stay_within(
    request: DeskRequest, kind: Access, *, customer_id: str = "", recorded: bool = False
) -> None:
    """Raise LimitReached if the person has no look of that kind left, and record it once.

    recorded: this look is counted already. A customer whom the person viewed just before is no
    further view, and for a save one whom they ever viewed. If the database fails, nothing is
    raised: whether the look can be recorded decides then.
    """
    try:
        limit = limits.reached_limit(kind, actor=request.actor, is_recorded=recorded)
        if limit is None or (
            kind is Access.VIEW
            and not recorded
            and limits.has_viewed(customer_id, actor=request.actor, lately=request.method != "POST")
        ):
            return
    except DatabaseError:
        return
    note_at_door(request, Access.LIMITED, field=limit.name, same=limit.within)
    raise outcomes.LimitReached(limit)


def note_at_door(
    request: DeskRequest, kind: Access, *, actor: Actor | None = None, **of: Any
) -> None:
    """Note what happens at the door, with the caller's address: as of `access_events.note`.

    actor: whom it is about, if not the person who is signed in.
    """
    who, at = actor or request.actor, request.address
    access_events.note(kind, actor=who, request_id=request.id, address=at, **of)


def note_search(request: DeskRequest) -> None:
    """Note a search, never its words. Raises LimitReached."""
    stay_within(request, Access.SEARCH)
    access_events.note(Access.SEARCH, actor=request.actor, request_id=request.id)
    stay_within(request, Access.SEARCH, recorded=True)


def note_access(
    request: DeskRequest, answer: HttpResponse, kind: Access, *, limited: bool = False, **of: Any
) -> HttpResponse:
    """The same answer, noted as an access event unless it is a redirect.

    limited: raise LimitReached if looks at the same moment exceeded the limit; a save's answer is
    always given. of: customer_id, and change_id of a page about one change, whose customer may
    become known later.
    """
    if not 300 <= answer.status_code < 400 and "HX-Redirect" not in answer:
        is_new = access_events.note(kind, actor=request.actor, request_id=request.id, **of)
        if limited and is_new and request.method != "POST":
            stay_within(request, kind, recorded=True)
    return answer


class Note(NotSaved):
    """A notice on a form's page that does not come from a verb."""

    status = 200
    is_about_form = True
    icon, tone = "alert-triangle", "warn"


Notice: TypeAlias = NotSaved | None
# Shows a form's page, or its fragment, with a notice.
Show: TypeAlias = Callable[[ProfileForm, Notice], HttpResponse]


def form_arguments(request: DeskRequest, form_name: str = "") -> dict[str, Any]:
    """The arguments of a small form: what was sent, or the draft from before a sign-in.

    form_name: of the token in it, "" for a form that holds no text and needs none.
    """
    if request.method == "POST":
        return {"data": request.POST}
    draft = session.take_back(request.browser, request.path)
    token = draft.get("token", "") if draft else ""
    own = not form_name or form_token.read(token, actor=request.actor, form=form_name)
    return {"draft": draft if own else None}


def status_of(form: ProfileForm | SmallForm | None, notice: Notice) -> int:
    """The HTTP status of a form's page. Raises NeedsSignIn: its page puts what was typed aside."""
    if isinstance(notice, outcomes.NeedsSignIn):
        raise notice
    if notice is not None:
        return notice.status
    return 422 if form and form.is_wrong else 200


def record_before(
    request: DeskRequest,
    kind: Access,
    *,
    refusal: str | Promise,
    title: str | Promise = "",
    **of: Any,
) -> None:
    """Record what is about to be given: as of `access_events.record`. Raises NotRecorded, with
    `title` and `refusal` as its words: then nothing must be given.
    """
    try:
        access_events.record(kind, actor=request.actor, request_id=request.id, **of)
    except DatabaseError as exc:  # its text may hold values
        logger.error("%s: %s is not recorded: %s", request.id, kind, type(exc).__name__)
        raise outcomes.NotRecorded(title, refusal) from None


def page_or_fragment(
    request: HttpRequest, page: str, fragment: str, context: dict[str, Any], *, status: int = 0
) -> HttpResponse:
    """A form's fragment for htmx; else the page, which includes it as `fragment`.

    context: also "form" and "notice", either may be None. status: if it is not what they mean.
    """
    status = status or status_of(context["form"], context["notice"])
    template = fragment if wants_fragment(request) else page
    return render(request, template, context | {"fragment": fragment}, status=status)


def filters_in(request: HttpRequest) -> QueryDict:
    """The query string, cut to the number of values that Django accepts; of so many, the filter
    itself says that they are too many.
    """
    parts = request.META["QUERY_STRING"].split("&")
    return QueryDict("&".join(parts[: settings.DATA_UPLOAD_MAX_NUMBER_FIELDS]))


def filtered_page(
    request: HttpRequest,
    form: FilterForm,
    page: str,
    fragment: str,
    context: dict[str, Any],
    *,
    is_wrong: bool = False,
) -> HttpResponse:
    """A page with filters; for htmx its list alone, and the address of what is listed.

    is_wrong: is there a mistake in another form of the page?
    """
    is_wrong = is_wrong or (not form.is_valid() and wants_fragment(request))
    status = 422 if is_wrong else 200
    context = context | {"filter": form}
    answer = page_or_fragment(request, page, fragment, context, status=status)
    if wants_fragment(request):
        answer["HX-Push-Url"] = f"{request.path}?{form.query.urlencode()}"
    return answer


def profile_form(
    request: DeskRequest, editing: Editing, *, values: Mapping[str, Json] | None = None
) -> tuple[ProfileForm, Notice]:
    """The form as it was sent, as the draft has it, or new. values: of a new form."""
    if request.method == "POST":
        return ProfileForm(editing, request.POST, judged="act" not in request.POST), None
    draft = session.take_back(request.browser, request.path)
    form = ProfileForm(editing, draft, judged=False)
    if form.valid_token is not None:
        return form, Note(text=wording.TYPED_BEFORE)
    return ProfileForm(editing, values=values), None


def reason_for(request: DeskRequest, customer_id: str) -> str:
    """Why this customer is changed: from the reason bar if it was sent, else from the session."""
    form = ReasonForm(request.POST) if "reason_words" in request.POST else None
    if form and form.is_valid():
        return form.reason
    return session.reason_of(request.session, customer_id)


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
    notice = exc
    match exc:
        case outcomes.Refused():
            form.add_refusal(exc)
        case outcomes.Conflict():
            session.remember_profile(request.session, exc.profile, reading.newest(number))
            form = form.over(exc.profile, reading.newest_stored(number))
        case outcomes.AlreadySent():
            if number:
                form = form.over(read_and_remember(request, number)[0])
                notice = sent_before(exc)
            form.valid_token = None  # the token is used up
        case outcomes.InUse():
            notice = in_use(exc, form.changes)
        case outcomes.Unknown() | outcomes.Pending():
            session.forget_profile(request.session, number)
    return show(form, notice)


def sent_before(exc: outcomes.AlreadySent) -> outcomes.Clash:
    """The outcome, with the values that the form has stored."""
    texts = (FIELDS[name].text(value) for name, value in exc.sent.items())
    values = ", ".join(wording.QUOTED % {"text": text} for text in texts)
    return outcomes.Clash(text=wording.SENT_BEFORE % {"sent": values})


def in_use(exc: outcomes.InUse, names: Container[str]) -> outcomes.Clash:
    """The outcome, with who is saving which of these fields."""
    in_both = (name for name in exc.line.values if name in names)
    fields = ", ".join(FIELDS[name].label.lower() for name in in_both)
    return outcomes.Clash(text=wording.SAVING % {"who": exc.line.actor_name, "fields": fields})


def profile_of(request: DeskRequest, customer_id: str) -> Profile:
    """The profile as the person saw it; read now if the session has it no more."""
    profile = session.shown_profile(request.session, customer_id, current=request.method != "POST")
    return profile or read_and_remember(request, customer_id)[0]


def read_and_remember(request: DeskRequest, customer_id: str) -> tuple[Profile, History]:
    profile, history = read_with_history(customer_id, actor=request.actor)
    session.remember_profile(request.session, profile, history.newest)
    return profile, history
