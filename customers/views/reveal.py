"""A sensitive value is shown once it is recorded who sees it, and why; never before."""

import logging
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.db import DatabaseError
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from customers.access import Permission, allow
from customers.audit import access_events, reading
from customers.audit.models import Access, Change, Entry, Purpose
from customers.catalogue.fields import FIELDS
from customers.catalogue.masking import is_sensitive
from customers.forms.small import RevealForm, SettleForm
from customers.services.outcomes import NotRevealed, NotSaved
from customers.services.read import read_profile
from customers.session import remember_shown, shown_profile, take_back
from customers.views.answers import DeskRequest, check_customer_number, failure_of, wants_fragment
from customers.views.change import change_page
from customers.views.record import Record, Row

logger = logging.getLogger(__name__)


@allow(Permission.CUSTOMERS, Permission.REVEAL)
@require_http_methods(["GET", "HEAD", "POST"])
def reveal(request: DeskRequest, customer_id: str, name: str) -> HttpResponse:
    """A value of the profile, as the person saw it or as Club Med holds it now."""
    check_customer_number(customer_id)
    if name not in FIELDS or not FIELDS[name].sensitive:
        raise Http404
    row = Row(FIELDS[name], customer_id, None)
    form = RevealForm(_chosen(request), auto_id=f"id_{name}_%s")
    if request.method != "POST":
        return _row_page(request, row, form)
    if not form.is_valid():
        return _row_page(request, row, form, status=422)
    try:
        profile = shown_profile(request.session, customer_id)
        if profile is None:
            profile = read_profile(customer_id, actor=request.actor)
            remember_shown(request.session, profile)
        shown = Record(profile, reading.newest_by_field(customer_id)).row(name)
        _record(request, form, customer_id, name)
    except (NotSaved, DatabaseError) as exc:
        return _row_page(request, row, form, failure=_failure(request, exc))
    return _row_page(request, replace(shown, revealed=True))


def _row_page(
    request: DeskRequest,
    row: Row,
    form: RevealForm | None = None,
    *,
    failure: NotSaved | None = None,
    status: int = 200,
) -> HttpResponse:
    """The row with the value, or, with a form, asking why."""
    fragment = "customers/_field_reveal.html" if form else "customers/_field.html"
    profile = shown_profile(request.session, row.customer_id, current=False)
    title = Record(profile, {}).title if profile else ""
    context = {"row": row, "form": form, "failure": failure, "fragment": fragment, "title": title}
    template = fragment if wants_fragment(request) else "customers/field_form.html"
    return render(request, template, context, status=failure.status if failure else status)


@allow(Permission.LOG, Permission.REVEAL)
@require_http_methods(["GET", "HEAD", "POST"])
def reveal_change(request: DeskRequest, change_id: UUID) -> HttpResponse:
    """Old → new of one field of a change; `hide` instead of `field` goes back to the mask."""
    chosen = _chosen(request)
    asked = request.GET if chosen is None else chosen
    entry = _entry(change_id, asked.get("hide") or asked.get("field", ""))
    if "hide" in asked:
        return _cell_page(request, entry)
    form = RevealForm(chosen, auto_id=f"id_{entry.field}_%s")
    if request.method != "POST":
        return _cell_page(request, entry, form=form)
    if not form.is_valid():
        return _cell_page(request, entry, form=form, status=422)
    try:
        _record(request, form, entry.customer_id, entry.field, change_id)
    except DatabaseError as exc:
        return _cell_page(request, entry, form=form, failure=_failure(request, exc))
    return _cell_page(request, entry, revealed=True)


def _entry(change_id: UUID, name: str) -> Entry:
    """What came of that sensitive field of that change."""
    for change in reading.with_entries(Change.objects.filter(pk=change_id)):
        for history in change.fields:
            if history.first.field == name and is_sensitive(name) and not change.is_of_the_log:
                return history.verdict
    raise Http404


def _cell_page(
    request: DeskRequest,
    entry: Entry,
    *,
    status: int = 200,
    **reveal: Any,
) -> HttpResponse:
    """Old → new: hidden, asking why (form, failure), or revealed; alone or on the change's page."""
    reveal["field"] = entry.field
    failure = reveal.get("failure")
    status = failure.status if failure else status
    if not wants_fragment(request):
        return change_page(request, entry.change_id, SettleForm(), reveal=reveal, status=status)
    context = {"change_id": entry.change_id, "entry": entry, "reveal": reveal}
    return render(request, "audit/_delta.html", context, status=status)


def _chosen(request: DeskRequest) -> QueryDict | None:
    """The form as it was sent, now or when the session had ended."""
    if request.method == "POST":
        return request.POST
    return take_back(request.session, request.path)


def _record(
    request: DeskRequest,
    form: RevealForm,
    customer_id: str,
    field: str,
    change_id: UUID | None = None,
) -> None:
    access_events.record(
        Access.REVEAL,
        actor=request.actor,
        request_id=request.id,
        customer_id=customer_id,
        field=field,
        change_id=change_id,
        purpose=Purpose(form.cleaned_data["purpose"]),
    )


def _failure(request: DeskRequest, exc: NotSaved | DatabaseError) -> NotSaved:
    if isinstance(exc, NotSaved):
        return failure_of(exc)
    logger.error("%s: %s is not recorded: %s", request.id, Access.REVEAL, type(exc).__name__)
    return NotRevealed()
