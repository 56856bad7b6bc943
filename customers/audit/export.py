"""The log as JSON lines that anybody can check with `customers/audit/verifier.py`.

docs/audit.md, section 7, is the format. An export reaches to the head, so that its last digest is
signed; what is outside the wanted range or filter is reduced to its digest.
"""

import json
from collections.abc import Callable, Iterator, Mapping

from customers.audit import chain, digests, hashed
from customers.models import Action, Entry, Head

_FORMAT = "crmadmin-audit-1"


def ndjson(
    *,
    first: int = 1,
    last: int | None = None,
    wanted: Callable[[Mapping[str, str]], bool] = lambda columns: True,
) -> Iterator[str]:
    """The lines from entry `first` on; none for an empty log.

    In full are anchors, and the entries up to `last` whose columns, as texts, are wanted.
    """
    head = Head.objects.filter(pk=1).first()
    if head is None or head.seq == 0:
        return
    after, before = hashed.beginning()
    if first - 1 > after:
        kept = Entry.objects.filter(seq=first - 1).values_list("digest", flat=True).first()
        after, before = first - 1, bytes(kept or digests.BEGINNING)
    about = {"format": _FORMAT, "from": after + 1, "to": head.seq, "before": before.hex()}
    yield _line(about)
    for seq, version, content, digest, *texts in hashed.rows(after, head.seq):
        columns = dict(zip(digests.COLUMNS, texts, strict=True))
        line = {"seq": seq, "content_digest": content.hex()}
        in_full = (last is None or seq <= last) and wanted(columns)
        if in_full or columns["action"] == Action.ANCHOR:  # it proves where the log begins
            line |= {"version": version, "digest": digest.hex(), "content": columns}
        yield _line(line)
    yield _line({"head": json.loads(chain.seal(head))})


def _line(said: Mapping[str, object]) -> str:
    """ASCII, so that no reader takes a character of a value for the end of a line."""
    return json.dumps(said, separators=(",", ":"))
