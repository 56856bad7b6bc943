"""Is the log whole? What the last verification left; it runs in a process of its own."""

from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import DataError
from django.db.models.functions import Now
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from customers.access import Permission, allow
from customers.audit import chain, reading, signing, triggers, verification
from customers.audit.models import Access, CheckState, Entry, Head, Verification
from customers.views.answers import DeskRequest, note_access, wants_fragment

_UNSETTLED = 10  # of those that wait, and of the others
# What SQLite holds may be no time, no id and no number.
_TAMPERED = (DataError, ValidationError, ValueError, TypeError, AttributeError)


@allow(Permission.LOG)
def integrity(request: DeskRequest) -> HttpResponse:
    """What is known of the log's integrity; POST begins a check. htmx asks for the check alone."""
    if request.method == "POST":
        verification.start(request.actor)
        if not wants_fragment(request):
            return redirect("integrity")
    runs = verification.runs()
    context = _check(runs)
    if wants_fragment(request):
        return render(request, "audit/_integrity.html", context)
    context |= {
        "head": _head(),
        "last_sealed": runs.sealed,
        "unguarded": triggers.missing(),
        "unsettled": reading.unsettled(most=_UNSETTLED),
    }
    page = render(request, "audit/integrity.html", context)
    return note_access(request, page, Access.AUDIT)


def _check(runs: verification.Runs) -> dict[str, Any]:
    """The run that goes on or was broken off, the result that holds, and the runs before."""
    newest, result, _ = runs
    is_off = bool(newest) and newest[0].state == CheckState.BROKEN_OFF
    return {
        "running": next((run for run in newest if run.state == CheckState.RUNNING), None),
        "broken_off": newest[0] if is_off else None,
        "result": result,
        "faults": _faults(result) if result else [],
        "runs": [run for run in newest if run.state != CheckState.RUNNING and run != result],
    }


def _faults(result: Verification) -> list[tuple[int | None, str, Entry | None]]:
    """(number of the entry, what is wrong, the entry if it is there and can be read) each."""
    numbers = [seq for seq, _ in result.faults if seq]
    entries = Entry.objects.select_related(None).only("change_id", "recorded_at")
    try:
        by_number = entries.in_bulk(numbers)
    except _TAMPERED:
        by_number = {}
    return [(seq, what, by_number.get(seq)) for seq, what in result.faults]


def _head() -> dict[str, Any]:
    """The signed head and the clocks, as they are now; without a number if it cannot be read."""
    try:
        head = Head.objects.filter(pk=1, seq__gt=0).annotate(now=Now()).first()
        if head is None:
            return {}
        seal = chain.seal_of(head)
        here = timezone.now()
        return {
            "seq": seal.seq,
            "recorded_at": head.recorded_at,
            "digest": seal.digest.hex(),
            "key_id": seal.key_id,
            "is_signed": signing.keys().signed(seal),
            "line": chain.seal_line(head),
            "clocks_apart": abs(head.now - here) // timedelta(minutes=1),
            "ahead": (head.recorded_at - here) // timedelta(minutes=1)
            if chain.ahead_of_now(head)
            else 0,
        }
    except _TAMPERED:
        return {"is_unreadable": True}
