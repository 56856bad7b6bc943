"""Create a customer."""

from functools import partial
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.urls import reverse

from customers import wording
from customers.access import Permission, allow
from customers.catalogue.fields import creatable
from customers.catalogue.markets import Market
from customers.clubmed.profile import Profile
from customers.forms.plain import Editing
from customers.forms.profile import ProfileForm
from customers.forms.reason import ReasonForm
from customers.forms.small import FindForm
from customers.services import search_terms
from customers.services.create import create_customer
from customers.services.duplicates import compared
from customers.services.markets import known_market, refresh_market
from customers.services.outcomes import MayExist, NotSaved, Pending, Unknown
from customers.session import keep_reason, search_of
from customers.views import answers
from customers.views.answers import DeskRequest, Notice


@allow(Permission.CUSTOMERS)
def create(request: DeskRequest) -> HttpResponse:
    """A new customer; whatever goes wrong, the form comes back with what was typed."""
    refresh_market("", actor=request.actor)
    here = known_market("", actor=request.actor)
    why, nobody = answers.reason_for(request, ""), Profile("", {})
    editing = Editing(creatable(), here, request.actor, "new", nobody, reason=why)
    form, notice = answers.profile_form(request, editing, values=_to_begin_with(request, here))
    bar = ReasonForm(form.data if isinstance(form.data, QueryDict) else None)
    show = partial(_page, request, bar)
    if not form.is_valid() or not bar.is_valid():
        return show(form, notice)
    try:
        duplicates = request.POST.getlist("duplicate") if "despite" in request.POST else None
        saved = create_customer(form.changes, despite=duplicates, **answers.act_of(request, form))
    except NotSaved as exc:
        return answers.not_saved(request, exc, form, show)
    keep_reason(request.session, saved.customer_id, bar.reason)
    messages.success(request, wording.CREATED)
    return answers.lead(request, reverse("profile", args=[saved.customer_id]))


def _page(request: DeskRequest, bar: ReasonForm, form: ProfileForm, notice: Notice) -> HttpResponse:
    context: dict[str, Any] = {"form": form, "notice": notice, "why": bar}
    context["at_hand"] = sorted(answers.markets_at_hand(request))
    part, status = "form", answers.status_of(form, notice)
    if notice is None and bar.is_wrong:
        status = 422
    match notice:
        case MayExist():  # whoever was found is shown
            answers.note_search(request)
            lines = compared(notice.values, notice.duplicates)
            context |= {"notice": None, "alike": notice, "lines": lines}
        case Unknown():
            part, change_id = "unknown", form.cleaned_data["token"].change_id
            context["change_id"] = change_id
        case Pending():
            part = "pending"
            context["customer_id"] = notice.customer_id
    pages = "customers/create.html", f"customers/_create_{part}.html"
    return answers.page_or_fragment(request, *pages, context, status=status)


def _to_begin_with(request: DeskRequest, here: Market) -> dict[str, Any]:
    """The values of the search that found nobody, and the language of the person's market."""
    query = search_of(request.session, request.GET.get("find", ""))
    form = FindForm(query)
    values = search_terms.person(form.criteria) if query is not None and form.is_valid() else {}
    language = here.locale.partition("-")[0].upper()
    return {"customer_type": "PROSPECT", "language_code": language, **values}
