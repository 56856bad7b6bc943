"""The sheet of the keyboard's shortcuts: static/shortcuts.js acts on them."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from customers.access import Permission, allow
from customers.views.answers import DeskRequest, wants_fragment


@allow(Permission.EVERYONE)
@require_safe
def shortcuts(request: DeskRequest) -> HttpResponse:
    """A page, or for htmx the inside of a dialog; it lists what the person's role can open."""
    in_dialog = wants_fragment(request)
    page = "customers/_shortcuts.html" if in_dialog else "customers/shortcuts.html"
    return render(request, page, {"in_dialog": in_dialog})
