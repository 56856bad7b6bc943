"""The log as JSON lines that anybody can check with `customers/audit/verifier.py`.

docs/audit.md, section 7, is the format. An export reaches to the head, so that its last digest is
signed; what is outside the wanted range or filter is reduced to its digest.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from customers.audit import chain, signing, values
from customers.audit.models import SALT, Action, Entry, Head
from customers.catalogue.masking import is_sensitive

_FORMAT = "crmadmin-audit-1"


def ndjson(
    *,
    first: int = 1,
    last: int | None = None,
    wanted: Callable[[Mapping[str, str]], bool] = lambda columns: True,
    with_values: bool = False,
) -> Iterator[str]:
    """The lines from entry `first` on; none for an empty log.

    In full are anchors, and the entries up to `last` whose columns, as texts, are wanted.
    with_values: beside them what they commit to, but for sensitive fields and what is erased.
    """
    head = Head.objects.filter(pk=1).first()
    if head is None or head.seq == 0:
        return
    after, before = chain.beginning()
    if first - 1 > after:
        kept = Entry.objects.filter(seq=first - 1).values_list("digest", flat=True).first()
        after, before = first - 1, bytes(kept or signing.BEGINNING)
    about = {"format": _FORMAT, "from": after + 1, "to": head.seq, "before": before.hex()}
    yield _line(about)
    for row in chain.hashed_rows(after, head.seq, with_vault=with_values):
        seq, version, content, digest, *texts = row[: chain.WIDTH]
        columns = dict(zip(signing.COLUMNS, texts, strict=True))
        line = {"seq": seq, "content_digest": content.hex()}
        in_full = (last is None or seq <= last) and wanted(columns)
        if in_full or columns["action"] == Action.ANCHOR:  # it proves where the log begins
            line |= {"version": version, "digest": digest.hex(), "content": columns}
            if held := row[chain.WIDTH :]:
                line["values"] = _values(seq, columns["field"], held)
        yield _line(line)
    yield _line({"head": json.loads(chain.seal(head))})


def _values(seq: int, field: str, held: Sequence[Any]) -> Mapping[str, Mapping[str, Any]]:
    """side -> salt and JSON text, to be held against its commitment."""
    hidden = is_sensitive(field)
    opened = values.opened(seq, field, held)
    return {
        side: {"salt": salted[:SALT].hex(), "text": salted[SALT:].decode()}
        for side, salted in opened.items()
        if not hidden or side in ("reason", "customer_label")
    }


def _line(said: Mapping[str, object]) -> str:
    """ASCII, so that no reader takes a character of a value for the end of a line."""
    return json.dumps(said, separators=(",", ":"))
