"""A sensitive value is shown once it is recorded who sees it, and why; never before."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import render

from customers import wording
from customers.access import Permission, allow
from customers.audit import reading
from customers.audit.models import Access, Change, Entry, Purpose
from customers.catalogue.fields import FIELDS
from customers.catalogue.masking import is_sensitive
from customers.forms.small import RevealForm, SettleForm
from customers.services.outcomes import NotSaved
from customers.session import shown_profile
from customers.views import answers
from customers.views.answers import DeskRequest, Notice
from customers.views.change import change_page
from customers.views.record import FieldRow, ProfilePage


@allow(Permission.CUSTOMERS, Permission.REVEAL)
def reveal(request: DeskRequest, customer_id: str, name: str) -> HttpResponse:
    """A value of the profile, as the person saw it or as Club Med holds it now."""
    if name not in FIELDS or not FIELDS[name].sensitive:
        raise Http404
    row = FieldRow(FIELDS[name], customer_id, None)
    form = RevealForm(**answers.form_arguments(request), auto_id=f"id_{name}_%s")
    if not form.is_valid():
        return _row_page(request, row, form)
    answers.stay_within(request, Access.REVEAL)
    try:
        profile = shown_profile(request.session, customer_id)
        profile = profile or answers.read_and_remember(request, customer_id)[0]
        _record(request, form, customer_id=customer_id, field=name)
    except NotSaved as exc:
        return _row_page(request, row, form, exc)
    answers.stay_within(request, Access.REVEAL, recorded=True)
    row = ProfilePage(profile, reading.newest_by_field(customer_id)).rows[name]
    return _row_page(request, replace(row, revealed=True))


def _row_page(
    request: DeskRequest, row: FieldRow, form: RevealForm | None = None, notice: Notice = None
) -> HttpResponse:
    """The row with its value; with a form, it asks why instead."""
    fragment = "customers/_field_reveal.html" if form else "customers/_field.html"
    profile = shown_profile(request.session, row.customer_id, current=False)
    title = ProfilePage(profile, {}).title if profile else ""
    context = {"row": row, "form": form, "notice": notice, "title": title}
    return answers.page_or_fragment(request, "customers/field_form.html", fragment, context)


@allow(Permission.LOG, Permission.REVEAL)
def reveal_change(request: DeskRequest, change_id: UUID) -> HttpResponse:
    """Old → new of one field of a change; `hide` instead of `field` goes back to the mask."""
    arguments = answers.form_arguments(request)
    query = arguments.get("data") or arguments.get("draft") or request.GET
    entry = _entry(change_id, query.get("hide") or query.get("field", ""))
    if "hide" in query:
        return _cell_page(request, entry)
    form = RevealForm(**arguments, auto_id=f"id_{entry.field}_%s")
    if not form.is_valid():
        return _cell_page(request, entry, form)
    answers.stay_within(request, Access.REVEAL)
    try:
        of = {"customer_id": entry.customer_id, "field": entry.field, "change_id": change_id}
        _record(request, form, **of)
    except NotSaved as exc:
        return _cell_page(request, entry, form, exc)
    answers.stay_within(request, Access.REVEAL, recorded=True)
    return _cell_page(request, entry, revealed=True)


def _entry(change_id: UUID, name: str) -> Entry:
    """The newest entry of that sensitive field of that change."""
    for change in reading.with_entries(Change.objects.filter(pk=change_id)):
        for history in change.fields:
            if history.first.field == name and is_sensitive(name) and not change.is_of_the_log:
                return history.verdict
    raise Http404


def _cell_page(
    request: DeskRequest,
    entry: Entry,
    form: RevealForm | None = None,
    notice: Notice = None,
    *,
    revealed: bool = False,
) -> HttpResponse:
    """Old → new masked, revealed, or with a form that asks why; alone, or on the change's page."""
    cell = {"field": entry.field, "form": form, "notice": notice, "revealed": revealed}
    status = answers.status_of(form, notice)
    if not answers.wants_fragment(request):
        return change_page(request, entry.change_id, SettleForm(), reveal=cell, status=status)
    context = {"change_id": entry.change_id, "entry": entry, "reveal": cell}
    return render(request, "audit/_delta.html", context, status=status)


def _record(request: DeskRequest, form: RevealForm, **of: Any) -> None:
    """Record who sees the value, and why. of: the value's place. Raises NotRecorded."""
    of |= {"title": wording.NOT_REVEALED, "refusal": wording.NOT_REVEALED_TEXT}
    purpose = Purpose(form.cleaned_data["purpose"])
    answers.record_before(request, Access.REVEAL, purpose=purpose, **of)
