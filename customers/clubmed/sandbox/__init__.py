"""A local stand-in for the Club Med customer API, over real HTTP, with faults on demand."""

from customers.clubmed.sandbox.api import Recorded
from customers.clubmed.sandbox.faults import Fault, Kind
from customers.clubmed.sandbox.server import Sandbox

__all__ = ["Fault", "Kind", "Recorded", "Sandbox"]
