"""Is this process up, and can it do its work?"""

from django.db import DatabaseError, transaction
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from customers.access import Permission, allow
from customers.audit import chain, triggers
from customers.audit.models import Colleague, Head

_TEXT = "text/plain; charset=utf-8"


@allow(Permission.EVERYONE)
@require_safe
def live(request: HttpRequest) -> HttpResponse:
    return HttpResponse("live\n", _TEXT)


@allow(Permission.EVERYONE)
@require_safe
def ready(request: HttpRequest) -> HttpResponse:
    """Can the database be written to, with the log's triggers up? Another line warns of a clock."""
    try:
        with transaction.atomic():
            Colleague.objects.bulk_create([Colleague(key=0, login="")])
            transaction.set_rollback(True)
        warning = chain.ahead_of_now(Head.objects.filter(pk=1).first())
        unguarded = triggers.missing()
    except DatabaseError:
        return HttpResponse("the database cannot be written to\n", _TEXT, 503)
    if unguarded:
        words = "the audit log is not protected by the database\n"
        return HttpResponse(words, _TEXT, 503)
    return HttpResponse(f"ready\n{warning}\n" if warning else "ready\n", _TEXT)
