"""Sensitive values are masked wherever they stand until somebody reveals them.

They are the national number and the health pass. A sensitive value that is typed is always sent,
also if Club Med holds it already.
"""

from customers.catalogue.fields import FIELDS


def is_sensitive(name: str) -> bool:
    """Is a value of that field of the log masked? A field that left the catalogue may have been."""
    return name not in FIELDS or FIELDS[name].sensitive
