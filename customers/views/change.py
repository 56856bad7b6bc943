"""One change: every field, its outcome, who and why."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import Exists, OuterRef, Subquery
from django.http import Http404, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from customers import form_token, wording
from customers.access import Permission, allow
from customers.audit import reading
from customers.audit.actions import Action, Outcome
from customers.audit.around import around
from customers.audit.models import Access, Change, Colleague, JournalLine, Missing
from customers.audit.proof import prove
from customers.forms.small import SettleForm
from customers.services.decide import settle_change
from customers.services.duplicates import compared, likeliest_first
from customers.services.find import customers_like
from customers.services.outcomes import NeedsSignIn, NotFound, NotSaved, NotYours, NumberMissing
from customers.services.settle import give_up_creates
from customers.session import reason_of
from customers.views import answers
from customers.views.answers import DeskRequest, Notice
from customers.views.revert import part_of_page


@allow(Permission.LOG)
@require_safe
def change(request: DeskRequest, change_id: UUID) -> HttpResponse:
    """One change: every field, its outcome, who and why, and its place in the log."""
    return change_page(request, change_id, SettleForm())


@allow(Permission.SETTLE)
def settle(request: DeskRequest, change_id: UUID) -> HttpResponse:
    """A supervisor's decision on an unclear change of somebody else's; GET after a sign-in."""
    arguments = answers.form_arguments(request, f"settle/{change_id}")
    if number := request.POST.get("this_one"):  # the button beside a customer that a search found
        arguments["data"] = request.POST.copy()
        arguments["data"].update({"landed": "yes", "customer_id": number})
    form = SettleForm(**arguments)
    if not form.is_valid():
        return change_page(request, change_id, form)
    try:
        settle_change(change_id, actor=request.actor, request_id=request.id, **form.cleaned_data)
    except NotYours as exc:
        messages.warning(request, exc.text)
    except (NumberMissing, NotFound) as exc:
        form.add_error("customer_id", exc.title or exc.text)
        return change_page(request, change_id, form)
    except NotSaved as exc:
        return change_page(request, change_id, form, exc)
    else:
        messages.success(request, wording.RECORDED)
    return answers.lead(request, reverse("change", args=[change_id]))


def change_page(
    request: DeskRequest,
    change_id: UUID,
    form: SettleForm,
    notice: Notice = None,
    *,
    reveal: dict[str, Any] | None = None,
    status: int = 0,
) -> HttpResponse:
    """All that is recorded of a change; for htmx the form of a decision alone.

    reveal: the field whose values are asked for or shown, as `audit/_delta.html` takes it.
    """
    change, line = _of(change_id)
    act = change or line
    if act is None:
        raise Http404
    form.initial.setdefault("reason", reason_of(request.session, act.customer_id))
    context = {
        "change": change,
        "line": line,
        "time": act.recorded_at if isinstance(act, Change) else act.sent_at,
        "proof": prove(change.entries) if change else None,
        "around": around(act),
        "form": form,
        "notice": notice,
        "reveal": reveal,
        "token": form_token.mint(actor=request.actor, form=f"settle/{change_id}", values={}),
    }
    if change and not answers.wants_fragment(request):
        context |= part_of_page(request, change)
    if change and ("search" in request.GET or "search" in request.POST):
        context |= search_for_created(request, change)
    pages = "audit/change.html", "audit/_settle.html"
    page = answers.page_or_fragment(request, *pages, context, status=status)
    of: dict[str, Any] = {"customer_id": act.customer_id, "change_id": change_id}
    return answers.note_access(request, page, Access.AUDIT, **of)


def _of(change_id: UUID) -> tuple[Change | None, JournalLine | None]:
    """What is recorded of a change, with the login of who made it, and its open line. An overdue
    create is settled first.
    """
    login = Colleague.objects.filter(pk=OuterRef("actor_key")).values("login")
    changes = Change.objects.filter(pk=change_id).annotate(login=Subquery(login))
    lines = JournalLine.objects.filter(pk=change_id)
    if settled := changes.exclude(Exists(lines)).first():
        return _with_entries(settled), None
    line = lines.first()
    if line and not line.customer_id:
        give_up_creates()
        line = lines.first()
    return _with_entries(changes.first()), line


def _with_entries(change: Change | None) -> Change | None:
    """None also without an entry: somebody put its row in."""
    if change:
        change.entries = reading.of_change(change.pk)
    return change if change and change.entries else None


def search_for_created(request: DeskRequest, change: Change) -> dict[str, Any]:
    """Search Club Med for the customer that an unclear create may have made.

    The context of `audit/_search.html`; {} if the change is no unclear create, or if the person
    may not handle customers.
    """
    is_unclear_create = change.action == Action.CREATE and change.outcome == Outcome.UNCLEAR
    if not is_unclear_create or not request.actor.may_handle_customers:
        return {}
    new = {entry.field: entry.new for entry in change.entries}
    values = {name: value for name, value in new.items() if not isinstance(value, Missing)}
    answers.note_search(request)
    try:
        customers = customers_like(values, actor=request.actor, by_name=True)
    except NeedsSignIn:
        raise
    except NotSaved as exc:
        return {"search_failure": exc}
    duplicates = likeliest_first(values, customers)[:5]
    return {"duplicates": duplicates, "lines": compared(values, duplicates), "searched": True}
