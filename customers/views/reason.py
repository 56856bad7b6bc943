"""Why a customer is being changed: the bar of the profile, asked once and not at each save."""

from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render

from customers.access import Permission, allow
from customers.audit.models import Access
from customers.forms.reason import ReasonForm
from customers.session import keep_reason
from customers.views import answers
from customers.views.answers import DeskRequest
from customers.views.profile import bar, profile_page


@allow(Permission.CUSTOMERS)
def reason(request: DeskRequest, customer_id: str) -> HttpResponse:
    """Keep the reason that was sent, or that the draft has. The button "Clear" keeps none."""
    arguments = answers.form_arguments(request, f"{customer_id}/reason")
    data = arguments.get("data", arguments.get("draft"))
    if data is None:
        return redirect("profile", customer_id)
    clears, is_fragment = data.get("act") == "clear", answers.wants_fragment(request)
    form = ReasonForm(QueryDict() if clears else data)
    if form.is_valid():
        keep_reason(request.session, customer_id, form.reason)
        if not is_fragment:
            return redirect("profile", customer_id)
    elif not is_fragment:
        answers.stay_within(request, Access.VIEW, customer_id=customer_id)
        page = profile_page(request, customer_id, form)
        return answers.note_access(request, page, Access.VIEW, customer_id=customer_id)
    template = f"customers/_reason{'' if clears else '_said'}.html"
    status = 422 if form.is_wrong else 200
    return render(request, template, bar(request, customer_id, form), status=status)
