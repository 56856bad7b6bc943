"""Create a customer."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from customers import form_token
from customers.access import Permission, allow
from customers.audit import access_events
from customers.audit.models import Access
from customers.catalogue.fields import creatable
from customers.forms.profile import CreateForm, DespiteForm, ForceForm, add_refusal, refuses_address
from customers.forms.small import FindForm
from customers.services import search_terms
from customers.services.create import create_customer
from customers.services.duplicates import compared
from customers.services.markets import known_market, refresh_market
from customers.services.outcomes import (
    AlreadySent,
    InUse,
    MayExist,
    NotSaved,
    Pending,
    Refused,
    Unknown,
)
from customers.session import kept, searches
from customers.views.answers import DeskRequest, failure_of, lead, typed_text, wants_fragment

_NEW = "new"  # the form that a create token is good for


_REFUSED = "new/refused"  # the same, once Club Med refused the address: it may be forced


@allow(Permission.CUSTOMERS)
@require_http_methods(["GET", "HEAD", "POST"])
def create(request: DeskRequest) -> HttpResponse:
    """A new customer; whatever goes wrong, the form comes back with what was typed."""
    refresh_market("", actor=request.actor)
    here = known_market("", actor=request.actor)
    if request.method != "POST":
        back = kept.take(request.session, request.path)
        if back is not None and not (_token(request, back) or _token(request, back, refused=True)):
            back = None
        form = CreateForm(here, typed=back, known=_looked_for(request) if back is None else None)
        note = "Here is what you typed before you signed in again. Nothing was sent yet."
        force = _forced_before(request, back) if back else None
        return _create_page(request, form, note=note if back else "", force=force)
    if "add" in request.POST or "remove" in request.POST:  # rows of phones, without a script
        force = _forced_before(request, request.POST)
        return _create_page(request, CreateForm(here, typed=request.POST), force=force)
    form = CreateForm(here, request.POST)
    token, force = _token(request, request.POST), None
    if token is None and (token := _token(request, request.POST, refused=True)):
        force = ForceForm(request.POST)
    if token is None:
        note = "This form was not made for you or was changed on its way. Nothing was sent."
        return _create_page(request, form, note=f"{note} Check it and send it again.", status=422)
    if not form.is_valid() or (force and not force.is_valid()):
        return _create_page(request, form, force=force, status=422)
    forced = force.reason_given if force else None
    try:
        saved = create_customer(
            {name: form.cleaned_data[name] for name in form.fields},
            token=token,
            actor=request.actor,
            request_id=request.id,
            reason="; ".join(filter(None, [forced, _despite_reason(request)])),
            force_address=bool(forced),
            despite=request.POST.getlist("duplicate") if "despite" in request.POST else None,
        )
    except MayExist as exc:  # whoever was found is shown
        access_events.note(Access.SEARCH, actor=request.actor, request_id=request.id)
        return _create_page(request, form, alike=exc, force=force, status=409)
    except Refused as exc:
        rest = add_refusal(form, exc.errors, [row.name for row in creatable()])
        note = " ".join(rest) or ("" if form.errors else exc.description or "No reason was given.")
        if force is None and refuses_address(exc.errors):
            force = ForceForm()
        refusal = note or "Club Med refused it."
        return _create_page(request, form, refusal=refusal, force=force, status=422)
    except AlreadySent:
        note = "This form was sent before with other answers, and that customer was created. "
        note += "What you typed now was not sent. To create another customer, send it again."
        return _create_page(request, form, note=note, force=force, status=409)
    except (Unknown, InUse):
        context = {"typed": typed_text(request), "change_id": token.change_id}
        return _answer(request, "unknown", "Not known yet", context, status=503)
    except Pending as exc:
        context = {"customer_id": exc.customer_id}
        return _answer(request, "pending", "The customer is created", context)
    except NotSaved as exc:
        return _create_page(request, form, force=force, failure=failure_of(exc))
    messages.success(request, "The customer is created.")
    return lead(request, reverse("profile", args=[saved.customer_id]))


def _create_page(
    request: DeskRequest,
    form: CreateForm,
    *,
    note: str = "",
    refusal: str = "",
    alike: MayExist | None = None,
    force: ForceForm | None = None,
    failure: NotSaved | None = None,
    status: int = 200,
) -> HttpResponse:
    """The form with a fresh token."""
    context = {
        "form": form,
        "note": note,
        "refusal": refusal,
        "alike": alike,
        "lines": compared(alike.values, alike.duplicates) if alike else [],
        "despite": DespiteForm(request.POST if "despite" in request.POST else None),
        "force": force,
        "failure": failure,
        "token": form_token.mint(
            actor=request.actor, form=_REFUSED if force is not None else _NEW, seen={}
        ),
    }
    status = failure.status if failure else status
    return _answer(request, "form", "New customer", context, status=status)


def _answer(
    request: DeskRequest, part: str, title: str, context: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    """The part of the page that changes; with the page around it unless htmx asked."""
    context |= {"fragment": f"customers/_create_{part}.html", "title": title}
    template = context["fragment"] if wants_fragment(request) else "customers/create.html"
    return render(request, template, context, status=status)


def _looked_for(request: DeskRequest) -> dict[str, Any]:
    """What this person searched for and did not find: to begin with."""
    typed = searches.recall(request.session, request.GET.get("find", ""))
    form = FindForm(typed)
    return search_terms.person(form.criteria) if typed is not None and form.is_valid() else {}


def _forced_before(request: DeskRequest, typed: QueryDict) -> ForceForm | None:
    """What was typed about an address that Club Med had refused."""
    return ForceForm(typed=typed) if _token(request, typed, refused=True) else None


def _despite_reason(request: DeskRequest) -> str:
    form = DespiteForm(request.POST)
    given = "despite" in request.POST and form.is_valid()
    return form.cleaned_data["despite_reason"] if given else ""


def _token(
    request: DeskRequest, data: QueryDict, *, refused: bool = False
) -> form_token.Token | None:
    form = _REFUSED if refused else _NEW
    return form_token.read(data.get("token", ""), actor=request.actor, form=form)
