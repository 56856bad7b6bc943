"""The log of one customer, in one statement: each page and save of a profile needs it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

from customers.audit import reading, reverts, statements
from customers.audit.models import Change, Entry, VaultItem

_TRAIL = 8  # changes beside a record


@dataclass(frozen=True)
class History:
    """As of one moment.

    newest: the number of the customer's newest entry, 0 if there is none. is_waiting: is a journal
    line open? watched: how many changes are to be looked for in the profile. changed: field -> the
    last entry that changed it here. latest: field -> the last entry with Club Med's value;
    `Entry.value`. trail: the newest changes with their entries, to stand beside the record.
    """

    newest: int
    is_waiting: bool
    watched: int
    changed: dict[str, Entry]
    latest: dict[str, Entry]
    trail: list[Change]


def of_customer(customer_id: str) -> History:
    rows = statements.planned(_query(), [customer_id] * 4)
    newest, is_waiting, watched = rows[0][:3]
    changed: dict[str, Entry] = {}
    latest: dict[str, Entry] = {}
    trail: dict[UUID, Change] = {}
    for _, _, _, is_change, is_known, *row in rows:
        entry, change = _models_of(row)
        if entry is None:
            break  # the one row of a customer without an entry
        if is_change:
            changed[entry.field] = entry
        if is_known:
            latest[entry.field] = entry
        if change is not None:
            trail.setdefault(change.pk, change).entries.append(entry)
    changes = sorted(trail.values(), key=lambda change: change.seq, reverse=True)
    reverts.link(changes)
    return History(newest or 0, bool(is_waiting), watched, changed, latest, changes)


def _models_of(row: Sequence[Any]) -> tuple[Entry | None, Change | None]:
    """An entry with its item of the vault, and its change if that is in the trail."""
    width = sum(len(model._meta.concrete_fields) for model in (Entry, VaultItem))
    change = statements.row_of(Change, row[width:])
    if change is not None:
        change.entries = []
    return reading.entry_of(row[:width]), change


@cache
def _query() -> str:
    """Each entry of a customer that a page or a save needs, in order."""
    entry = statements.columns(Entry, "entry")
    item = statements.columns(VaultItem, "item")
    change = statements.columns(Change, "trail")
    return f"""
        WITH ends AS (
            SELECT max(seq) AS newest,
                max(seq) FILTER (
                    WHERE outcome = 'applied' AND action IN ('change', 'create', 'elsewhere')
                ) AS changed,
                max(seq) FILTER (
                    WHERE (outcome = 'applied' AND evidence = 'answer') OR evidence = 'read'
                ) AS latest
            FROM customers_entry WHERE customer_id = %s GROUP BY field
        ), trail AS (
            SELECT * FROM customers_change WHERE customer_id = %s ORDER BY seq DESC LIMIT {_TRAIL}
        ), wanted AS (
            SELECT changed AS seq FROM ends UNION SELECT latest FROM ends
            UNION SELECT of_trail.seq FROM trail
            JOIN customers_entry of_trail ON of_trail.change_id = trail.change_id
        )
        SELECT now.newest, now.is_waiting, now.watched,
            entry.seq IN (SELECT changed FROM ends), entry.seq IN (SELECT latest FROM ends),
            {entry}, {item}, {change}
        FROM (
            SELECT (SELECT max(newest) FROM ends) AS newest,
                EXISTS (SELECT 1 FROM customers_journalline WHERE customer_id = %s) AS is_waiting,
                (
                    SELECT count(*) FROM customers_change
                    WHERE customer_id = %s AND read_again_at IS NOT NULL
                ) AS watched
        ) now
        LEFT JOIN wanted ON wanted.seq IS NOT NULL
        LEFT JOIN customers_entry entry ON entry.seq = wanted.seq
        LEFT JOIN customers_vaultitem item ON item.seq = entry.seq
        LEFT JOIN trail ON trail.change_id = entry.change_id
        ORDER BY entry.seq
    """  # noqa: S608 - only names are put in
