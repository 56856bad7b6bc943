"""Exports of the log: what the same filters list, as a file. Recorded before the first byte."""

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, tzinfo
from functools import cache, partial
from itertools import chain
from types import SimpleNamespace

from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import get_language
from django.views.decorators.http import require_safe

from customers import wording
from customers.access import Permission, allow, role_words
from customers.audit import paging
from customers.audit.actions import Action, Outcome
from customers.audit.export import ndjson
from customers.audit.filters import changes_of
from customers.audit.models import Access, Change, ChangedField, FieldHistory, Purpose
from customers.forms.filters import known_people
from customers.forms.log import LogFilterForm
from customers.forms.small import RevealForm
from customers.templatetags.delta import in_text
from customers.templatetags.desk import basis, flagged, staff
from customers.views.answers import DeskRequest, filters_in, record_before
from customers.views.log import filter_form


@allow(Permission.LOG)
@require_safe
def export(request: DeskRequest) -> HttpResponse:
    """What the file will hold, and the way to it."""
    return _page(request, filter_form(filters_in(request), request.actor), RevealForm())


@allow(Permission.LOG)
def csv_file(request: DeskRequest) -> HttpResponseBase:
    """A row a changed field, newest first, for a spreadsheet."""
    return _export(request, "csv")


@allow(Permission.LOG)
def ndjson_file(request: DeskRequest) -> HttpResponseBase:
    """Entries with their proof, oldest first, for `customers/audit/verifier.py`."""
    return _export(request, "ndjson")


def _export(request: DeskRequest, format: str) -> HttpResponseBase:
    """A GET hides sensitive values; a POST with a purpose shows them, for those who may reveal."""
    form = filter_form(filters_in(request), request.actor)
    if not form.is_valid():
        return _page(request, form, RevealForm(), status=422)
    reveals = request.method == "POST" and "reveal" in request.POST and request.actor.may_reveal
    asking = RevealForm(request.POST if reveals else None)
    if reveals and not asking.is_valid():
        return _page(request, form, asking, status=422)
    batches = paging.every(form.wanted)
    first = next(batches, None)
    if first is None:
        return _page(request, form, asking, nothing=True)
    record = partial(record_before, request, refusal=wording.NOT_EXPORTED, query=form.newest)
    record(Access.EXPORT, field=format)
    if reveals:
        record(Access.REVEAL, purpose=Purpose(asking.cleaned_data["purpose"]))
    if format == "csv":
        people = known_people(form.people)
        lines: Iterable[str] = _csv_lines(chain([first], batches), people, revealed=reveals)
    else:
        begins = paging.span_of(form.wanted)[0]
        objects = ndjson(first=begins, filters=form.wanted, with_values=True, revealed=reveals)
        lines = (f"{line}\n" for line in objects)
    name = "_".join(["changes", *form.query.getlist("from"), *form.query.getlist("to")])
    return StreamingHttpResponse(
        lines,
        content_type="text/csv; charset=utf-8" if format == "csv" else "application/x-ndjson",
        headers={"Content-Disposition": f'attachment; filename="{name}.{format}"'},
    )


def _page(
    request: DeskRequest,
    form: LogFilterForm,
    asking: RevealForm,
    *,
    nothing: bool = False,
    status: int = 200,
) -> HttpResponse:
    context = {"filter": form, "asking": asking, "nothing": nothing}
    return render(request, "audit/export.html", context, status=status)


_OF_A_FORMULA = frozenset("=+-@\t\r")
_SECONDS = len("2026-11-23 09:44:12")


def _csv_lines(
    batches: Iterable[list[ChangedField]],
    people: Mapping[int, tuple[str, str, bool]],
    *,
    revealed: bool,
) -> Iterator[str]:
    """A title, a row a field, and a last line that says that the file is whole.

    people: as of `known_people`.
    """
    write = csv.writer(SimpleNamespace(write=str)).writerow  # gives the line back
    yield "\ufeff" + write(map(str, wording.COLUMNS))
    roles = cache(lambda text: role_words(text.split(", ")))
    labels = {code: str(label) for code, label in (*Action.choices, *Outcome.choices)}
    language, zone = get_language() or "", timezone.get_current_timezone()
    count = 0
    for rows in batches:
        lines = [
            write(_cells(change, who, history, labels, roles, language, zone, revealed=revealed))
            for change in changes_of(rows)
            for who in [_author(change, people)]
            for history in reversed(change.fields)
        ]
        count += len(lines)
        yield "".join(lines)
    yield write([wording.END_OF_EXPORT % {"rows": count}])


def _author(change: Change, people: Mapping[int, tuple[str, str, bool]]) -> str:
    """The name of who made a change, with the login behind it if two have this name."""
    _, login, is_shared = people.get(change.actor_key, ("", "", False))
    name = staff(change.actor_name)
    return f"{name} ({login})" if is_shared else name


def _cells(
    change: Change,
    who: str,
    history: FieldHistory,
    labels: Mapping[str, str],
    roles: Callable[[str], str],
    language: str,
    zone: tzinfo,
    *,
    revealed: bool,
) -> list[str]:
    """labels: of actions and outcomes. roles: from an entry's text to words. An apostrophe goes
    before a text that a spreadsheet would take for a formula.
    """
    first, verdict = history.first, history.verdict
    time = change.recorded_at
    field, old, new = in_text(verdict, language, revealed=revealed)
    cells = [
        time.astimezone(zone).isoformat(" ")[:_SECONDS],
        f"{time.astimezone(UTC).isoformat()[:_SECONDS]}Z",
        who,
        roles(first.actor_roles),
        change.customer_id,
        str(change.customer_label),
        field,
        labels.get(change.action, change.action),
        old,
        new,
        labels.get(verdict.outcome, verdict.outcome),
        basis(verdict, language),
        str(first.reason),
        ". ".join(flagged(first)),
        first.locale,
        first.request_id,
        str(change.pk),
        str(first.seq),
    ]
    return [f"'{text}" if text[:1] in _OF_A_FORMULA else text for text in cells]
