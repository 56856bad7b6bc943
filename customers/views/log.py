"""The log: who changed which field, when, from what to what. Newest first."""

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from customers import wording
from customers.access import Actor, Permission, allow
from customers.audit import filters, reading
from customers.audit.models import Access, Change, SavedView
from customers.catalogue.fields import FIELDS
from customers.forms.filters import known_people, period, tabs
from customers.forms.log import LogFilterForm, SavedViewForm, query_of
from customers.services.settle import give_up_creates
from customers.views.answers import DeskRequest, filtered_page, filters_in, records_access


@allow(Permission.LOG)
@require_safe
@records_access(Access.AUDIT)
def log(request: DeskRequest) -> HttpResponse:
    """Everything, or what a filter selects, for supervisors and auditors."""
    return _log_page(request, filter_form(filters_in(request), request.actor), SavedViewForm())


@allow(Permission.LOG)
@require_POST
def save_view(request: DeskRequest) -> HttpResponse:
    """Keep the filter that is on the page under a name, for oneself or for everybody."""
    form = filter_form(QueryDict(request.POST.get("query", "")), request.actor)
    naming = SavedViewForm(request.POST)
    if not form.is_valid() or not naming.is_valid():
        return _log_page(request, form, naming)
    view = naming.save(form, owner=request.actor)
    messages.success(request, wording.VIEW_SAVED % {"name": view.name})
    return redirect(f"{reverse('log')}?{form.newest}")


@allow(Permission.LOG)
@require_POST
def delete_view(request: DeskRequest, number: int) -> HttpResponse:
    """Delete a view of one's own."""
    view = get_object_or_404(SavedView, pk=number)
    if not view.is_of(request.actor):
        raise Http404
    view.delete()
    messages.success(request, wording.VIEW_DELETED % {"name": view.name})
    return redirect("log")


def filter_form(query: QueryDict, reader: Actor) -> LogFilterForm:
    """The filters of a query string, checked."""
    form = LogFilterForm(query, filters.occurring(), reader=reader)
    if form.is_valid():
        return form
    # What is wrong may be what was recorded just now.
    return LogFilterForm(query, filters.occurring(now=True), reader=reader)


def _log_page(request: DeskRequest, form: LogFilterForm, naming: SavedViewForm) -> HttpResponse:
    """A filter with a mistake lists nothing, and never everything instead."""
    context = {
        "naming": naming,
        "views": _views(request.actor, form.newest),
        "usual": form.usual(request.actor),
        "people": known_people(form.people),
    }
    if form.is_valid():
        page = filters.page(form.wanted, before=form.cleaned_data["before"])
        waiting = filters.waiting_lines(form.wanted) if page.is_newest else []
        context |= {"page": page, "waiting": waiting}
        context |= {name: form.at(getattr(page, name)) for name in ("older", "newer")}
    pages, is_wrong = ("audit/log.html", "audit/_log.html"), bool(naming.errors)
    return filtered_page(request, form, *pages, context, is_wrong=is_wrong)


def _views(actor: Actor, current: str) -> list[dict[str, Any]]:
    """The tabs: views that come with the product, the person's own, and those for everybody."""
    today = timezone.localdate()
    monday = today - timedelta(days=today.weekday())
    usual: dict[str, dict[str, Any]] = {
        "all": {},
        "newest": period(today - timedelta(days=1), today),
        "refused": {"outcome": "refused", **period(monday, today)},
        "unclear": {"outcome": "unclear"},
        "names": {"field": ["last_name", "first_name", "second_name"]},
    }
    own = [
        {"name": view.name, "query": query_of(view), "view": view, "is_own": view.is_of(actor)}
        for view in reading.views_of(actor)
    ]
    return tabs(wording.VIEWS, usual, current, own)


@allow(Permission.CUSTOMER_HISTORY)
@require_safe
@records_access(Access.AUDIT, limited=True)
def history(request: DeskRequest, customer_id: str, name: str = "") -> HttpResponse:
    """One customer's timeline, or that of one field, its `name`; `before` in the query string says
    where the page starts.
    """
    if name and name not in FIELDS:
        raise Http404
    changes = Change.objects.of_customer(customer_id, field=name)
    start = request.GET.get("before", "")
    before = int(start) if start.isdecimal() and len(start) < 19 else None
    context = {
        "customer_id": customer_id,
        "field": FIELDS.get(name),
        "waiting": [] if name or before else reading.waiting(customer_id),
        "page": reading.page(changes, before=before, field=name),
        "before": before,
    }
    return render(request, "audit/history.html", context)


@allow(Permission.LOG)
@require_safe
@records_access(Access.AUDIT)
def unsettled(request: DeskRequest) -> HttpResponse:
    """What is not known of anybody's changes, with what was found."""
    give_up_creates()
    return render(request, "audit/unsettled.html", {"unsettled": reading.unsettled()})
