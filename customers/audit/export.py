"""The log as JSON lines that anybody can check with `customers/audit/verifier.py`.

docs/audit.md, section 7, is the format. An export reaches to the head, so that its last digest is
signed; what is outside the wanted range or filter is reduced to its digest.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any
from uuid import UUID

from customers.audit import chain, encryption
from customers.audit.actions import SIDES, Action
from customers.audit.filters import LogFilter
from customers.audit.models import PERSONAL, ChangedField, Entry, Head
from customers.audit.verifier import BEGINNING, COLUMNS, FORMAT
from customers.catalogue.masking import is_sensitive

_BATCH = 500  # entries whose changes are looked up at once
_EVERYTHING = LogFilter()


def ndjson(
    *,
    first: int = 1,
    last: int | None = None,
    filters: LogFilter = _EVERYTHING,
    with_values: bool = False,
    revealed: bool = False,
) -> Iterator[str]:
    """The lines from entry `first` on; none for an empty log.

    In full are anchors, and the entries up to `last` of the fields that the filter selects.
    with_values: with the values that they commit to, unless erased. revealed: of sensitive fields
    too. Raises UnreadableError if a value is not what an entry committed to.
    """
    head = Head.objects.filter(pk=1).first()
    if head is None or head.seq == 0:
        return
    after, before = chain.beginning()
    if first - 1 > after:
        last_digest = Entry.objects.filter(seq=first - 1).values_list("digest", flat=True).first()
        after, before = first - 1, bytes(last_digest or BEGINNING)
    yield as_line({"format": FORMAT, "from": after + 1, "to": head.seq, "before": before.hex()})
    rows = chain.hashed_rows(after, head.seq, beside=with_values)
    while batch := list(islice(rows, _BATCH)):
        selected = None if filters == _EVERYTHING else _selected(filters, batch)
        for row in batch:
            seq, version, content, digest = row[:4]
            columns = dict(zip(COLUMNS, row[4 : chain.WIDTH], strict=True))
            line = {"seq": seq, "content_digest": content.hex()}
            is_wanted = selected is None or (columns["change_id"], columns["field"]) in selected
            in_full = is_wanted and (last is None or seq <= last)
            if in_full or columns["action"] == Action.ANCHOR:  # it proves where the log begins
                line |= {"version": version, "digest": digest.hex(), "content": columns}
                if with_values and (key_id := row[chain.WIDTH]):
                    encrypted = row[chain.WIDTH + 1]
                    line["values"] = values_in(seq, columns, key_id, encrypted, revealed=revealed)
            yield as_line(line)
    yield as_line({"head": chain.seal_of(head).members()})


def _selected(filters: LogFilter, rows: Sequence[Sequence[Any]]) -> set[tuple[str, str]]:
    """(change id, field) of all that the filter selects among the changes of these entries."""
    change_ids = {UUID(row[4]) for row in rows}  # the first of COLUMNS
    numbers = Entry.objects.filter(change_id__in=change_ids).order_by().values("seq")
    fields = ChangedField.objects.filter(seq__in=numbers)
    return {(field.change_id.hex, field.field) for field in fields if filters.selects(field)}


def values_in(
    seq: int,
    columns: Mapping[str, str],
    key_id: str,
    encrypted: bytes,
    *,
    revealed: bool = False,
) -> Mapping[str, Mapping[str, str]]:
    """side -> salt and JSON text, to be compared with its commitment."""
    commitments = {side: columns[f"{side}_commitment"] for side in SIDES}
    sides = [side for side in SIDES if commitments[side]]
    field = columns["field"]
    texts = encryption.decrypt_values(seq, field, commitments.values(), key_id, encrypted)
    visible = PERSONAL if is_sensitive(field) and not revealed else SIDES
    return {
        side: {"salt": text[: encryption.SALT].decode(), "text": text[encryption.SALT :].decode()}
        for side, text in zip(sides, texts, strict=True)
        if side in visible
    }


def as_line(members: Mapping[str, object]) -> str:
    """ASCII, so that no reader takes a character of a value for the end of a line."""
    return json.dumps(members, separators=(",", ":"))
