"""Who was forgotten, in a file outside the database (AUDIT_TOMBSTONES): after a restored backup it
says who is to be forgotten again.

One line of JSON each, without any value, and signed like the log's head.
"""

import base64
import errno
import json
import os
from dataclasses import asdict, dataclass
from functools import partial
from uuid import UUID

from django.conf import settings

from customers.audit import signing, verifier


@dataclass(frozen=True)
class Tombstone:
    """change_id: of the entry that says so, in hex. at: as `customers.audit.models.moment` writes
    it. creates: the creates that got the customer's number, in hex.
    """

    customer_id: str
    change_id: str
    at: str
    creates: tuple[str, ...]
    actor_issuer: str
    actor_sub: str
    actor_name: str

    def message(self) -> bytes:
        """The bytes that are signed."""
        columns = asdict(self) | {"creates": " ".join(self.creates)}
        return verifier.text_array(("crmadmin-tombstone-1", *columns.values()))


def write(tombstone: Tombstone) -> None:
    """Append a tombstone to the file and flush it to the disk, or nothing. Raises OSError.

    Call it under the head's lock, so that nobody else writes at the same time.
    """
    signature = base64.urlsafe_b64encode(signing.sign(tombstone.message())).decode()
    line = json.dumps(asdict(tombstone) | {"key_id": signing.current_key(), "signature": signature})
    owner_alone = partial(os.open, mode=0o600)  # it names customers and staff
    with open(settings.AUDIT_TOMBSTONES, "ab+", buffering=0, opener=owner_alone) as file:
        end = file.seek(0, os.SEEK_END)
        file.seek(max(end - 1, 0))
        is_torn = file.read(1) not in (b"", b"\n")  # the last line, by a kill: begin a new one
        text = b"\n" * is_torn + line.encode() + b"\n"
        try:
            if file.write(text) != len(text):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(file.fileno())
        except OSError:
            file.truncate(end)
            raise


def read(path: str) -> tuple[list[Tombstone], list[int]]:
    """The tombstones in a file that we signed, and the numbers of other lines. Raises OSError."""
    tombstones, others = [], []
    with open(path, encoding="utf-8", errors="replace") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            if (tombstone := _parse(line)) is None:
                others.append(number)
            else:
                tombstones.append(tombstone)
    return tombstones, others


def _parse(line: str) -> Tombstone | None:
    try:
        columns = json.loads(line)
        key, signature = columns.pop("key_id"), base64.urlsafe_b64decode(columns.pop("signature"))
        tombstone = Tombstone(**columns | {"creates": tuple(columns["creates"])})
        for change_id in (tombstone.change_id, *tombstone.creates):
            UUID(change_id)  # the message joins them, so each must be one id
        is_ours = signing.keys().verifies(key, signature, tombstone.message())
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return tombstone if is_ours else None
