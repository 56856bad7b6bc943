"""Is this process up, and can it do its work?"""

import time
from dataclasses import dataclass
from threading import Lock

from django.db import DatabaseError, transaction
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from customers.access import Permission, allow
from customers.audit import chain, triggers
from customers.audit.models import Colleague, Head

_TEXT = "text/plain; charset=utf-8"
SECONDS = 1.0


@dataclass
class _Answer:
    """The newest answer of this process. until: by `time.monotonic`; strangers cannot have the
    database asked more often.
    """

    status: int = 0
    words: str = ""
    until: float = 0


_newest, _one_at_a_time = _Answer(), Lock()


@allow(Permission.EVERYONE)
@require_safe
def live(request: HttpRequest) -> HttpResponse:
    return HttpResponse("live\n", _TEXT)


@allow(Permission.EVERYONE)
@require_safe
def ready(request: HttpRequest) -> HttpResponse:
    """Can the database be written to, with the log's triggers up? Another line warns of a clock."""
    with _one_at_a_time:
        if time.monotonic() >= _newest.until:
            _newest.status, _newest.words = _ask_database()
            _newest.until = time.monotonic() + SECONDS
        return HttpResponse(_newest.words, _TEXT, _newest.status)


def _ask_database() -> tuple[int, str]:
    """Status and words of the answer."""
    try:
        with transaction.atomic():
            Colleague.objects.bulk_create([Colleague(key=0, login="")])
            transaction.set_rollback(True)
        warning = chain.ahead_of_now(Head.objects.filter(pk=1).first())
        unguarded = triggers.missing()
    except DatabaseError:
        return 503, "the database cannot be written to\n"
    if unguarded:
        return 503, "the audit log is not protected by the database\n"
    return 200, f"ready\n{warning}\n" if warning else "ready\n"
