"""Who looked: views, reveals, searches, exports, and what happened at the door. Newest first."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from customers import wording
from customers.access import Permission, allow
from customers.audit import paging, reading
from customers.audit.models import Access
from customers.forms.filters import known_people, period, tabs
from customers.forms.looks import LookFilterForm
from customers.views.answers import DeskRequest, filtered_page, filters_in, records_access

_REFUSED = [Access.REFUSED, Access.LIMITED, Access.SIGN_IN_FAILED, Access.FORGED_FORM]


@allow(Permission.LOG)
@require_safe
@records_access(Access.AUDIT)
def looks(request: DeskRequest) -> HttpResponse:
    """Access events that a filter selects; for htmx the list alone, or the panel of a profile."""
    form = LookFilterForm(filters_in(request), reader=request.actor)
    context: dict[str, Any] = {
        "views": _views(form.newest),
        "months": settings.ACCESS_MONTHS,
        "people": known_people(form.people),
    }
    if form.is_valid():
        page = paging.search(form.wanted, before=form.cleaned_data["before"])
        context |= {"page": page, "names": reading.names_of(page.rows)}
        context |= {name: form.at(getattr(page, name)) for name in ("older", "newer")}
    if request.htmx.target == "looks-panel":
        return render(request, "audit/_looks_panel.html", context | {"filter": form})
    return filtered_page(request, form, "audit/looks.html", "audit/_looks.html", context)


def _views(current: str) -> list[dict[str, Any]]:
    """The tabs that come with the product."""
    today = timezone.localdate()
    usual: dict[str, dict[str, object]] = {
        "all": {},
        "newest": {**period(today - timedelta(days=1), today)},
        "revealed": {"kind": Access.REVEAL, **period(today.replace(day=1), today)},
        "out": {"kind": [Access.EXPORT, Access.REPORT]},
        "refused": {"kind": _REFUSED},
    }
    return tabs(wording.LOOKS, usual, current)
