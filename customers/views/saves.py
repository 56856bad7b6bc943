"""A person's own unsettled saves."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from customers.access import Permission, allow
from customers.audit import reading
from customers.audit.models import Access, Change, JournalLine
from customers.services.settle import give_up_creates
from customers.views.answers import DeskRequest, note_access
from customers.views.change import search_for_created


@allow(Permission.CUSTOMERS)
@require_safe
def saves(request: DeskRequest) -> HttpResponse:
    """A person's own unsettled saves, and those that were settled since they last looked."""
    give_up_creates()
    unseen_by_author = reading.unseen_by_author(request.actor)
    unsettled = reading.unsettled(request.actor)
    settled = [change for change in unseen_by_author if change not in unsettled.changes]
    context = {"settled": settled, "unsettled": unsettled, "searchable": True}
    for change in unsettled.changes:
        if str(change.pk) == request.GET.get("search"):
            context |= {"search": change, **search_for_created(request, change)}
    page = render(request, "audit/saves.html", context)
    reading.mark_seen(unseen_by_author)
    acts: list[Change | JournalLine] = [*settled, *unsettled.waiting, *unsettled.changes]
    for customer_id in {act.customer_id for act in acts if act.customer_id}:
        note_access(request, page, Access.VIEW, customer_id=customer_id)
    for create in (act for act in acts if not act.customer_id):
        note_access(request, page, Access.VIEW, change_id=create.pk)
    return page
