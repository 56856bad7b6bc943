"""Club Med on a bad day: one call in a few goes wrong, in any way. And what it really stored."""

import random
import threading
from dataclasses import dataclass

from crmadmin.sandbox import Fault, Sandbox
from crmadmin.sandbox.faults import Faults

_HTML = {"Content-Type": "text/html"}


def _something():
    """Any fault. Only what leaves open whether it landed comes after the change was made."""
    return random.choice(
        [
            Fault("drop_before"),
            Fault("drop_after"),
            Fault("reset"),
            Fault("reset", applied=True),
            Fault("apply_late", seconds=random.uniform(0.1, 8)),
            Fault("status", status=429, headers={"Retry-After": "1"}),
            Fault("status", status=500),
            Fault("status", status=502, body="<h1>Bad gateway</h1>", headers=_HTML, applied=True),
            Fault("status", status=503, headers={"Retry-After": "1"}),
            Fault("status", status=504, applied=True),
            Fault("html", applied=random.random() < 0.5),
            Fault("empty", applied=random.random() < 0.5),
            Fault("truncated"),
            Fault("wrong_length"),
            Fault("early_hints"),
            Fault("drip", part="headers", seconds=0.05),
            Fault("drip", part="body", seconds=0.01),
            Fault("latency", seconds=random.uniform(0.1, 4)),
        ]
    )


class _AtRandom(Faults):
    """share: of the calls go wrong."""

    share = 0.0

    def take(self, method, path):
        return _something() if random.random() < self.share else super().take(method, path)


@dataclass(frozen=True)
class Stored:
    """Club Med took it. customer_id: of whom. field: of a create, `first_name`."""

    customer_id: str
    field: str
    value: str
    is_create: bool = False


class ClubMed(Sandbox):
    """stored: all it ever took, in order. created: the e-mail addresses of all it created."""

    def __init__(self):
        super().__init__()
        self.faults = _AtRandom()
        self.stored, self.created = [], []
        self._one_by_one = threading.Lock()

    def go_wrong(self, share):
        self.faults.share = share

    def be_well(self):
        """And have stored whatever was still to come."""
        self.go_wrong(0)
        self.wait_for_late()

    def _answer(self, request):
        with self._one_by_one:
            answer = super()._answer(request)
            if answer.status == 201:
                sent = request.json
                self.created.append(sent["email"])
                number = answer.content["id"]
                self.stored.append(Stored(number, "first_name", sent["first_name"], True))
            elif request.method == "PATCH" and answer.status == 204:
                number = request.path.split("/")[3]
                self.stored += [Stored(number, *pair) for pair in request.json.items()]
        return answer
