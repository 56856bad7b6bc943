"""What this process counts for /metrics. Nothing of it is about a person or a customer."""

import logging

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

# Each worker counts for itself; where gunicorn serves, /metrics adds them up (crmadmin.server).
OURS = CollectorRegistry()
_requests = Counter("crmadmin_requests", "Answers", ["route", "status"], registry=OURS)
_latency = Histogram(
    "crmadmin_request_seconds", "Until the answer", ["route"], buckets=_SECONDS, registry=OURS
)
_calls = Counter("crmadmin_calls", "Calls of Club Med", ["route", "outcome"], registry=OURS)
_call_latency = Histogram(
    "crmadmin_call_seconds", "Until Club Med answered", ["route"], buckets=_SECONDS, registry=OURS
)
_events = Counter("crmadmin_access_events", "Events of the access log", ["kind"], registry=OURS)
_breaker = Gauge(
    "crmadmin_breaker_open",
    "1 while Club Med is not called as it does not answer",
    multiprocess_mode="livemax",
    registry=OURS,
)


def count_answer(route: str, status: int, seconds: float, *, breaker_is_open: bool) -> None:
    """route: the pattern of the address, which names no customer."""
    _requests.labels(route, status).inc()
    _latency.labels(route).observe(seconds)
    _breaker.set(breaker_is_open)


class CountingHandler(logging.Handler):
    """Counts what the process log tells of calls and of accesses."""

    def emit(self, record: logging.LogRecord) -> None:
        fields = record.__dict__
        if "outcome" in fields:
            _calls.labels(fields["route"], fields["outcome"]).inc()
            _call_latency.labels(fields["route"]).observe(fields["ms"] / 1000)
        elif "kind" in fields:
            _events.labels(fields["kind"]).inc()
