"""Find a customer."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect

from customers import wording
from customers.access import Permission, allow
from customers.audit import access_events, reading
from customers.audit.models import Change
from customers.forms.small import FindForm
from customers.services.find import find_customers
from customers.services.outcomes import NotSaved
from customers.session import name_of, remember_search, search_of
from customers.views.answers import DeskRequest, lead, note_search, page_or_fragment, wants_fragment
from customers.views.record import person

_RECENT = 8  # customers on the first page


@allow(Permission.CUSTOMERS)
def find(request: DeskRequest) -> HttpResponse:
    """Search for a customer; below, the customers whom this person opened or changed last.

    A search is kept under a handle, so that no address holds it and Back works. With htmx so is a
    search that cannot be made: the browser then holds no page that answered a POST.
    """
    if request.method == "POST":
        form = FindForm(request.POST)
        if form.is_valid():
            note_search(request)
        elif not wants_fragment(request):
            return _find_page(request, form)
        return lead(request, f"/?find={remember_search(request.session, request.POST)}")
    handle = request.GET.get("find", "")
    query = search_of(request.session, handle) if handle else None
    form = FindForm(query)
    if form.is_valid():
        return _found_page(request, form, handle)
    note = wording.SEARCH_EXPIRED if handle and query is None else ""
    return _find_page(request, form, note=note)


def _found_page(request: DeskRequest, form: FindForm, handle: str) -> HttpResponse:
    number = request.GET.get("page", "1")
    page = max(1, int(number)) if number.isdecimal() and len(number) < 6 else 1
    if page > 1:
        note_search(request)
    try:
        result = find_customers(form.criteria, actor=request.actor, page=page)
    except NotSaved as exc:
        return _find_page(request, form, notice=exc)
    if result.number:
        return redirect("profile", result.number)
    return _find_page(
        request,
        form,
        result=result,
        people=[person(item, result.matched) for item in result.items],
        handle=handle,
        page_number=page,
    )


def _find_page(
    request: DeskRequest, form: FindForm, *, notice: NotSaved | None = None, **context: Any
) -> HttpResponse:
    context |= {"form": form, "notice": notice, "recent": _recent(request)}
    return page_or_fragment(request, "customers/find.html", "customers/find.html", context)


def _recent(request: DeskRequest) -> list[dict[str, Any]]:
    """The customers whom this person opened or changed last, newest first: number, name, the last
    change that this person made, if any, and when it was.
    """
    views = access_events.viewed_by(request.actor)[: _RECENT * 4]
    changes = Change.objects.by(request.actor).exclude(customer_id="")[: _RECENT * 4]
    events = sorted([*views, *changes], key=lambda event: event.recorded_at)
    at = {event.customer_id: event.recorded_at for event in events}
    numbers = sorted(at, key=lambda number: at[number], reverse=True)[:_RECENT]
    newest = {change.customer_id: change for change in reversed(changes)}
    latest = reading.with_entries(newest[number] for number in numbers if number in newest)
    by_customer = {change.customer_id: change for change in latest}
    return [
        {
            "customer_id": number,
            "name": name_of(request.session, number)
            or (by_customer[number].customer_label if number in by_customer else ""),
            "change": by_customer.get(number),
            "at": at[number],
        }
        for number in numbers
    ]
