"""Where Django looks for the tables: they belong to the log."""

from customers.audit.models import *  # noqa: F403
