"""Who was forgotten, in a file outside the database: a restored backup knows it again from there.

One line of JSON each, signed like the log's head, so that nobody can have somebody forgotten by
writing to the file. No value stands in it: the customer's number, who forgot them, and when.
A line that was torn, by a full disk or a kill, is none; the next begins on a line of its own.
"""

import base64
import errno
import json
import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from uuid import UUID

from django.conf import settings

from customers.audit import signing


@dataclass(frozen=True)
class Tombstone:
    """change_id: of the act, in hex. at: as `customers.audit.models.moment` writes it.

    creates: the creates that got the customer's number, likewise in hex.
    """

    customer_id: str
    change_id: str
    at: str
    creates: tuple[str, ...]
    actor_issuer: str
    actor_sub: str
    actor_name: str

    def message(self) -> bytes:
        columns = asdict(self) | {"creates": " ".join(self.creates)}
        return signing.text_array(("crmadmin-tombstone-1", *columns.values()))


def write(tombstone: Tombstone) -> None:
    """Put it on the disk, or nothing of it. Raises OSError.

    To be called under the head's lock: so nobody else writes at the same time.
    """
    signature = base64.urlsafe_b64encode(signing.sign(tombstone.message())).decode()
    line = json.dumps(asdict(tombstone) | {"key_id": signing.current_key(), "signature": signature})
    is_new = not os.path.exists(settings.AUDIT_TOMBSTONES)
    owner_alone = partial(os.open, mode=0o600)  # it names customers and staff
    with open(settings.AUDIT_TOMBSTONES, "ab+", buffering=0, opener=owner_alone) as file:
        if is_new:
            _keep_name(settings.AUDIT_TOMBSTONES)
        end = file.seek(0, os.SEEK_END)
        file.seek(max(end - 1, 0))
        torn = file.read(1) not in (b"", b"\n")
        text = b"\n" * torn + line.encode() + b"\n"
        try:
            if file.write(text) != len(text):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(file.fileno())
        except OSError:
            with suppress(OSError):
                file.truncate(end)
            raise


def _keep_name(path: str) -> None:
    """A new file's name is on the disk once its folder is."""
    folder = os.open(os.path.dirname(os.path.abspath(path)), os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def read(lines: Iterable[str]) -> tuple[list[Tombstone], list[int]]:
    """The tombstones that we signed, and the numbers of the lines that are none."""
    signed, others = [], []
    for number, line in enumerate(lines, start=1):
        if line.strip():
            tombstone = _read(line)
            if tombstone is None:
                others.append(number)
            else:
                signed.append(tombstone)
    return signed, others


def _read(line: str) -> Tombstone | None:
    try:
        said = json.loads(line)
        key, signature = said.pop("key_id"), base64.urlsafe_b64decode(said.pop("signature"))
        tombstone = Tombstone(**said | {"creates": tuple(said["creates"])})
        for change_id in (tombstone.change_id, *tombstone.creates):
            UUID(change_id)  # what is signed joins them, and says not where one ends
        ours = signing.verifies(key, signature, tombstone.message(), former=True)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return tombstone if ours else None
