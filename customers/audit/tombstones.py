"""Who was forgotten, in a file outside the database: a restored backup knows it again from there.

One line of JSON each, signed like the log's head, so that nobody can have somebody forgotten by
writing to the file. No value stands in it: the customer's number, who forgot them, and when.
"""

import base64
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass

from django.conf import settings

from customers.audit import digests, keys


class NotATombstoneError(Exception):
    """A line of the file is none, or was not signed by us; its number is the text."""


@dataclass(frozen=True)
class Tombstone:
    """at: as `customers.models.moment` writes it."""

    customer_id: str
    at: str
    actor_issuer: str
    actor_sub: str
    actor_name: str

    def message(self) -> bytes:
        return digests.text_array(("crmadmin-tombstone-1", *asdict(self).values()))


def write(tombstone: Tombstone) -> None:
    """Put it on the disk. Raises OSError."""
    signature = base64.urlsafe_b64encode(keys.sign(tombstone.message())).decode()
    line = json.dumps(asdict(tombstone) | {"key_id": keys.current(), "signature": signature})
    with open(settings.AUDIT_TOMBSTONES, "a", encoding="utf-8") as file:
        file.write(f"{line}\n")
        file.flush()
        os.fsync(file.fileno())


def read(lines: Iterable[str]) -> Iterator[Tombstone]:
    """Raises NotATombstoneError."""
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                said = json.loads(line)
                key, signature = said.pop("key_id"), base64.urlsafe_b64decode(said.pop("signature"))
                tombstone = Tombstone(**said)
                ours = keys.verifies(key, signature, tombstone.message(), former=True)
            except (ValueError, KeyError, TypeError, AttributeError):
                ours = False
            if not ours:
                raise NotATombstoneError(str(number))
            yield tombstone
