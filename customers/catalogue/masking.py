"""Sensitive values, the national number and the health pass, are masked until they are revealed."""

from customers.catalogue.fields import FIELDS


def is_sensitive(name: str) -> bool:
    """Is a value of that field of the log masked? A field that left the catalogue may have been."""
    return name not in FIELDS or FIELDS[name].sensitive
