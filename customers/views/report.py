"""Everything that is recorded about one person (art. 15 GDPR), for who answers their request."""

from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render

from customers import wording
from customers.access import Permission, allow
from customers.audit.models import Access, AccessEvent
from customers.forms.report import ReportForm
from customers.services import report
from customers.views.answers import DeskRequest, record_before

_TYPES = {"html": "text/html; charset=us-ascii", "json": "application/json"}


@allow(Permission.FORGET)
def access_report(request: DeskRequest) -> HttpResponseBase:
    """Ask about whom; then the report, as a file. Recorded before anything of it is sent."""
    form = ReportForm(request.POST if request.method == "POST" else None, reader=request.actor)
    if not form.is_valid():
        return _page(request, form)
    number, key = form.cleaned_data["customer_id"], form.cleaned_data["person"]
    events = AccessEvent.objects.filter(actor_key=int(key)) if key else AccessEvent.objects.none()
    newest = events.order_by("-id").first()
    issuer, sub = (newest.actor_issuer, newest.actor_sub) if newest else ("", "")
    about = {"customer_id": number, "field": sub[:64]}
    record_before(request, Access.REPORT, refusal=wording.NO_REPORT, **about)
    if number:
        document = report.of_customer(number)
    else:
        document = report.of_staff(issuer, sub, report.names_by_issuer(sub).get(issuer, ()))
    if not document.head["known"]:
        form.add_error("customer_id", wording.NOTHING_KNOWN)
        return _page(request, form)
    kind = form.cleaned_data["format"]
    name = f"customer_{number}" if number else "staff"
    return StreamingHttpResponse(
        report.FORMATS[kind](document),
        content_type=_TYPES[kind],
        headers={"Content-Disposition": f'attachment; filename="report_{name}.{kind}"'},
    )


def _page(request: DeskRequest, form: ReportForm) -> HttpResponse:
    status = 422 if form.errors else 200
    return render(request, "audit/ask_report.html", {"form": form}, status=status)
