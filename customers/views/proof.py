"""The proof of one change as a small file, for `customers/audit/verifier.py`."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET

from customers import wording
from customers.access import Permission, allow
from customers.audit import reading
from customers.audit.models import Access
from customers.audit.proof import lines, prove
from customers.views.answers import DeskRequest, record_before


@allow(Permission.LOG)
@require_GET
def proof(request: DeskRequest, change_id: UUID) -> HttpResponse:
    """The change's entries in full, those up to the nearest seal as digests. Recorded before."""
    entries = reading.of_change(change_id)
    if not entries:
        raise Http404
    proven = prove(entries)
    if proven.seal is None:
        messages.warning(request, wording.TOO_FAR)
        return redirect("change", change_id)
    record_before(
        request,
        Access.EXPORT,
        refusal=wording.NOT_EXPORTED,
        customer_id=entries[-1].customer_id,
        field="ndjson",
        change_id=change_id,
    )
    return HttpResponse(
        "".join(f"{line}\n" for line in lines(proven)),
        content_type="application/x-ndjson",
        headers={"Content-Disposition": f'attachment; filename="change_{change_id}.ndjson"'},
    )
