"""What Prometheus reads of the product at /metrics. No metric is about a person or a customer."""

import hmac
import os
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.db import DatabaseError
from django.db.models import Min
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from crmadmin.counters import OURS
from customers.access import Permission, allow
from customers.audit import verification
from customers.audit.actions import Outcome
from customers.audit.models import Change, Head, JournalLine, StoredSeal


class _Log(Collector):
    """How the audit log stands, as the database says when it is asked."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        try:
            gauges = _gauges()
        except DatabaseError:  # this process counts without a database
            gauges = {}
        answers = {"database_up": ("1 if the database answers", int(bool(gauges)))}
        for name, (help, value) in (answers | gauges).items():
            yield GaugeMetricFamily(f"crmadmin_{name}", help, value)


def _gauges() -> dict[str, tuple[str, float]]:
    """name -> (help, value). Raises DatabaseError."""
    now = timezone.now()
    head = Head.objects.filter(pk=1).first()
    lines = JournalLine.objects.aggregate(Min("sent_at"))["sent_at__min"]
    seal = StoredSeal.objects.order_by("-seq").first()
    result = verification.result()

    def age(since: Any) -> float:
        return (now - since).total_seconds() if since else 0

    return {
        "log_entries": ("Number of the newest entry", head.seq if head else 0),
        "log_head_age_seconds": ("Since the newest entry", age(head and head.recorded_at)),
        "log_seal_age_seconds": (
            "Since the newest stored seal: there is one each 1,000 entries",
            age(seal and seal.recorded_at),
        ),
        "log_verified_age_seconds": ("Since a check ended", age(result and result.ended_at)),
        "log_broken": ("1 if the last check found a fault", int(verification.is_broken())),
        "journal_lines": ("Changes whose outcome is open", JournalLine.objects.count()),
        "journal_age_seconds": ("Since the oldest of them was sent", age(lines)),
        "unclear_changes": (
            "Changes that wait for a person",
            Change.objects.filter(outcome=Outcome.UNCLEAR).count(),
        ),
    }


@allow(Permission.EVERYONE)
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """For who holds METRICS_TOKEN as a bearer token; without one set, for this machine alone."""
    if not _may_read(request):
        return HttpResponse("a bearer token is needed\n", "text/plain; charset=utf-8", 401)
    registry = OURS
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    log = CollectorRegistry()
    log.register(_Log())
    return HttpResponse(generate_latest(registry) + generate_latest(log), CONTENT_TYPE_LATEST)


def _may_read(request: HttpRequest) -> bool:
    """A request with X-Forwarded-For comes from elsewhere, through a proxy on this machine."""
    if settings.METRICS_TOKEN:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return hmac.compare_digest(token.encode(), settings.METRICS_TOKEN.encode())
    here = request.META.get("REMOTE_ADDR") in ("127.0.0.1", "::1")
    return here and "X-Forwarded-For" not in request.headers
