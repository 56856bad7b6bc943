"""Seals: what was kept elsewhere of the head, and proves later how far the log went."""

import base64
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from customers.audit import digests, keys

_LOGGED = "appended "  # before a seal in the process log, see `customers.audit.chain`


class NotASealError(Exception):
    """A line that should be a seal is none."""


@dataclass(frozen=True)
class Seal:
    """A signed head. recorded_at as it was signed, digest and signature as bytes."""

    seq: int
    recorded_at: str
    digest: bytes
    key_id: str
    signature: bytes

    @classmethod
    def read(cls, line: str) -> "Seal":
        """From the line of JSON that `customers.audit.chain.seal` writes. Raises NotASealError."""
        try:
            said = json.loads(line)
            return cls(
                int(said["seq"]),
                str(said["recorded_at"]),
                bytes.fromhex(said["digest"]),
                str(said["key_id"]),
                base64.urlsafe_b64decode(said["signature"] + "=="),
            )
        except (ValueError, KeyError, TypeError):
            raise NotASealError from None

    def is_ours(self) -> bool:
        """Did our key sign it, or one of the former ones?"""
        message = digests.head_message(self.seq, self.recorded_at, self.digest, self.key_id)
        return keys.verifies(self.key_id, self.signature, message, former=True)


def in_file(lines: Iterable[str]) -> Iterator[Seal]:
    """The seals of a file that holds nothing else. Raises NotASealError."""
    return (Seal.read(line) for line in lines if line.strip())


def in_process_log(lines: Iterable[str]) -> Iterator[Seal]:
    """The seals that appends left in a process log; what looks like one and is none is no seal."""
    for line in lines:
        _, logged, said = line.partition(_LOGGED)
        if logged and said.startswith("{"):
            try:
                yield Seal.read(said)
            except NotASealError:
                continue
