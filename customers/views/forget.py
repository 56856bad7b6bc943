"""Forgetting a customer: what the log holds of them is erased, for good."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import render
from django.template.defaultfilters import pluralize
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from customers import form_token
from customers.access import Permission, allow
from customers.audit import reading
from customers.audit.models import Access
from customers.forms.small import ForgetForm
from customers.services.forget import forget_customer
from customers.services.outcomes import InUse, NotErased, NotRecorded, NotSaved
from customers.session import take_back_own
from customers.views.answers import (
    DeskRequest,
    check_customer_number,
    failure_of,
    lead,
    records_access,
    wants_fragment,
)


@allow(Permission.FORGET)
@require_http_methods(["GET", "HEAD", "POST"])
@records_access(Access.AUDIT)
def forget(request: DeskRequest, customer_id: str) -> HttpResponse:
    """Says what goes and what stays; POST does it, once the number was typed and a reason given."""
    check_customer_number(customer_id)
    if request.method != "POST":
        back = take_back_own(
            request.session, request.path, actor=request.actor, form=_form_name(customer_id)
        )
        return _page(request, customer_id, ForgetForm(customer_id, typed=back))
    form = ForgetForm(customer_id, request.POST)
    if not form.is_valid():
        return _page(request, customer_id, form, status=422)
    try:
        count = forget_customer(
            customer_id,
            reason=form.cleaned_data["reason"],
            actor=request.actor,
            caller=request.actor,
            request_id=request.id,
        )
    except InUse as exc:
        note = f"{exc.line.actor_name} is changing this customer at this moment. Nothing was "
        note += "erased: try again once that is settled."
        return _page(request, customer_id, form, note=note, status=409)
    except NotRecorded:
        return _page(request, customer_id, form, failure=NotErased())
    except NotSaved as exc:
        failure = failure_of(exc)
        return _page(request, customer_id, form, failure=failure)
    of = f"the values of {count:,} entr{pluralize(count, 'y are,ies are')} erased"
    messages.success(request, f"Forgotten: {of if count else 'the log held no values'}.")
    return lead(request, reverse("history", args=[customer_id]))


def _page(
    request: DeskRequest,
    customer_id: str,
    form: ForgetForm,
    *,
    note: str = "",
    failure: NotSaved | None = None,
    status: int = 200,
) -> HttpResponse:
    context = {
        "customer_id": customer_id,
        "newest": reading.newest_change(customer_id),
        "form": form,
        "note": note,
        "failure": failure,
        "token": form_token.mint(actor=request.actor, form=_form_name(customer_id), seen={}),
    }
    status = failure.status if failure else status
    template = "audit/_forget.html" if wants_fragment(request) else "audit/forget.html"
    return render(request, template, context, status=status)


def _form_name(customer_id: str) -> str:
    return f"{customer_id}/forget"
