"""Forgetting a customer: what the log holds of them is erased, for good."""

from django.contrib import messages
from django.http import HttpResponse
from django.urls import reverse

from customers import form_token, wording
from customers.access import Permission, allow
from customers.audit import reading
from customers.audit.models import Access
from customers.forms.small import ForgetForm
from customers.services.forget import forget_customer
from customers.services.outcomes import Clash, InUse, NotRecorded, NotSaved
from customers.views import answers
from customers.views.answers import DeskRequest, Notice


@allow(Permission.FORGET)
@answers.records_access(Access.AUDIT)
def forget(request: DeskRequest, customer_id: str) -> HttpResponse:
    """Says what goes and what stays; POST does it, once the number was typed and a reason given."""
    form_name = f"{customer_id}/forget"
    form = ForgetForm(customer_id, **answers.form_arguments(request, form_name))
    notice: Notice = None
    if form.is_valid():
        try:
            count = forget_customer(
                customer_id,
                reason=form.cleaned_data["reason"],
                actor=request.actor,
                caller=request.actor,
                request_id=request.id,
            )
        except InUse as exc:
            notice = Clash(text=wording.CHANGING % {"who": exc.line.actor_name})
        except NotRecorded:
            notice = NotRecorded(text=wording.NOT_ERASED)
        except NotSaved as exc:
            notice = exc
        else:
            messages.success(request, wording.FORGOTTEN % {"entries": count, "count": f"{count:,}"})
            return answers.lead(request, reverse("history", args=[customer_id]))
    context = {
        "customer_id": customer_id,
        "newest": reading.newest_change(customer_id),
        "form": form,
        "notice": notice,
        "token": form_token.mint(actor=request.actor, form=form_name, values={}),
    }
    return answers.page_or_fragment(request, "audit/forget.html", "audit/_forget.html", context)
