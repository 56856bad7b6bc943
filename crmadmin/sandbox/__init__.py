"""A local stand-in for the Club Med customer API, over real HTTP, with faults on demand."""

from crmadmin.sandbox.api import Recorded
from crmadmin.sandbox.faults import Fault, Kind
from crmadmin.sandbox.server import Sandbox

__all__ = ["Fault", "Kind", "Recorded", "Sandbox"]
