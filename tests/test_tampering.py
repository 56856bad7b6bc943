"""Whoever can write to the database cannot change the log unseen: both verifiers name what is
wrong. The triggers are lifted for these tests: this is what they cannot stop."""

import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.core.management import call_command
from django.db import connection
from django.test import TestCase

from customers.audit import chain, digests, guard, keys
from customers.models import Entry, Head
from tests import log

pytestmark = pytest.mark.django_db
LAST = 9


@pytest.fixture(autouse=True)
def filled(db):
    log.fill()
    assert Entry.objects.count() == LAST
    guard.remove()  # the transaction that this test runs in brings it back


def sql(statement, *values):
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.rowcount


def test_a_clean_log_passes_both(tmp_path):
    kept = log.seal(tmp_path)
    log.fill(2)

    statuses, words, said = log.both(tmp_path, "--seal", kept)

    assert statuses == (0, 0)
    assert "12 entries, 1 to 12, whole; head signed with" in words
    assert "entries 1 to 12: whole, 1 seals compared" in said


OTHER = {
    "change_id": "00000000000000000000000000000009",
    "recorded_at": "2020-01-01 00:00:00.000001",
    "old": '"other"',
    "new": '"other"',
    "found": '"other"',
    "outcome": "refused",
    "evidence": "person",
    "action": "create",
    "version": 2,
    "content_digest": b"x" * 32,
    "digest": b"x" * 32,
}
COLUMNS = [field.column for field in Entry._meta.concrete_fields if field.column != "seq"]


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("seq", [1, 5, LAST], ids=["first", "middle", "last"])
def test_any_column_changed_is_found_and_named(tmp_path, column, seq):
    value = OTHER.get(column, "other")
    assert sql(f"UPDATE customers_entry SET {column} = %s WHERE seq = %s", value, seq) == 1

    statuses, words, said = log.both(tmp_path)

    assert statuses == (1, 1)
    assert words.startswith(f"entry {seq}: ")
    assert said.startswith(f"entry {seq}: ")


@pytest.mark.parametrize(
    ("seqs", "first"), [([1], 1), ([5], 5), ([1, 2, 3], 1), ([4, 5, 6], 4), ([LAST], LAST)]
)
def test_entries_taken_out_are_missed(tmp_path, seqs, first):
    assert sql(f"DELETE FROM customers_entry WHERE seq IN ({', '.join(map(str, seqs))})") == len(
        seqs
    )

    statuses, words, said = log.both(tmp_path)

    assert statuses == (1, 1)
    assert words.startswith(f"entry {first}: missing, up to ")
    assert said.startswith(f"entry {first}: missing, up to ")


def test_all_entries_taken_out_are_missed(tmp_path):
    sql("DELETE FROM customers_entry")

    statuses, words, _ = log.both(tmp_path)

    assert statuses == (1, 1)
    assert words.startswith("entry 1: missing, up to the head at 9")


def copy(seq, new_seq):
    columns = ", ".join(COLUMNS)
    insert = f"INSERT INTO customers_entry (seq, {columns}) SELECT %s, {columns}"
    assert sql(f"{insert} FROM customers_entry WHERE seq = %s", new_seq, seq) == 1


def test_an_entry_put_in_behind_the_head_is_found(tmp_path):
    copy(5, LAST + 1)

    assert log.verify() == (
        1,
        "entry 10: it comes after the head\nThe log is not whole. What comes before entry 10 is.\n",
    )
    # An export ends at the head: what lies behind it is no part of the log.
    assert log.verify_alone(log.export(tmp_path))[0] == 0


def test_an_entry_put_in_with_a_head_moved_on_is_found(tmp_path):
    copy(5, LAST + 1)
    sql("UPDATE customers_head SET seq = seq + 1")

    statuses, words, said = log.both(tmp_path)

    assert statuses == (1, 1)
    assert "entry 10: its digest does not follow from the entry before it" in words
    assert "the head is not signed with a key of ours" in words
    assert "entry 10: its digest does not follow from the entry before it" in said


def renumber(seq, new_seq):
    assert sql("UPDATE customers_entry SET seq = %s WHERE seq = %s", new_seq, seq) == 1


def test_two_entries_swapped_are_found(tmp_path):
    for seq, new_seq in ((4, 99), (5, 4), (99, 5)):
        renumber(seq, new_seq)

    statuses, words, said = log.both(tmp_path)

    assert statuses == (1, 1)
    assert words.startswith("entry 4: its digest does not follow from the entry before it")
    assert said.startswith("entry 4: its digest does not follow from the entry before it")


def test_a_renumbered_log_is_found(tmp_path):
    """One is taken out, and the numbers closed up."""
    sql("DELETE FROM customers_entry WHERE seq = 4")
    for seq in range(5, LAST + 1):
        renumber(seq, seq - 1)
    sql("UPDATE customers_head SET seq = seq - 1")

    statuses, words, said = log.both(tmp_path)

    assert statuses == (1, 1)
    assert words.startswith("entry 4: its digest does not follow")
    assert said.startswith("entry 4: its digest does not follow")


def forge_the_chain(start, key=None):
    """Compute every digest again from there on, as somebody who can read the document."""
    before = bytes(Entry.objects.get(seq=start - 1).digest) if start > 1 else digests.BEGINNING
    for entry in Entry.objects.filter(seq__gte=start).order_by("seq"):
        content = digests.content_digest(chain.columns(entry))
        before = digests.entry_digest(entry.seq, before, content)
        sql(
            "UPDATE customers_entry SET content_digest = %s, digest = %s WHERE seq = %s",
            *(content, before, entry.seq),
        )
    sql("UPDATE customers_head SET digest = %s", before)
    if key is not None:
        head = Head.objects.get()
        head.key_id = hashlib.sha256(key.public_key().public_bytes_raw()).hexdigest()[:8]
        signature = key.sign(chain.message(head))
        sql("UPDATE customers_head SET key_id = %s, signature = %s", head.key_id, signature)


def test_a_chain_forged_to_its_end_lacks_the_signature(tmp_path):
    sql("UPDATE customers_entry SET new = %s WHERE seq = 5", '"other"')
    forge_the_chain(5)

    statuses, words, said = log.both(tmp_path)

    assert statuses == (1, 1)
    assert words.startswith("the head is not signed with a key of ours")
    assert said.startswith("the head is not signed with a key that was given")


def test_a_chain_forged_to_its_end_does_not_fit_a_seal(tmp_path):
    kept = log.seal(tmp_path)
    sql("UPDATE customers_entry SET new = %s WHERE seq = 5", '"other"')
    forge_the_chain(5)

    statuses, words, said = log.both(tmp_path, "--seal", kept)

    assert statuses == (1, 1)
    assert f"entry {LAST}: it is not the one that was sealed" in words
    assert f"entry {LAST}: it is not the one that was sealed" in said


def test_another_key_is_no_key(tmp_path):
    sql("UPDATE customers_entry SET new = %s WHERE seq = 5", '"other"')
    forge_the_chain(5, Ed25519PrivateKey.generate())

    statuses, words, said = log.both(tmp_path)

    assert statuses == (1, 1)
    assert words.startswith("the head is not signed with a key of ours")
    assert said.startswith("the head is not signed with a key that was given")


def test_an_old_key_reused_is_named(tmp_path, settings):
    stolen = Ed25519PrivateKey.from_private_bytes(settings.AUDIT_SIGNING_KEY)
    former = log.public_key()
    settings.AUDIT_VERIFY_KEYS = (keys.public_key(),)
    settings.AUDIT_SIGNING_KEY = b"n" * 32
    assert log.verify()[0] == 1, "before the rotation"
    call_command("audit_seal", rotate=True, to=str(tmp_path / "rotated"))
    assert log.verify()[0] == 0
    sql("UPDATE customers_entry SET new = %s WHERE seq = 5", '"other"')
    forge_the_chain(5, stolen)

    status, words = log.verify()
    alone, said = log.verify_alone(log.export(tmp_path), "--key", former)

    assert (status, alone) == (1, 1)
    assert "the head is signed with a former key" in words
    assert "the head is signed with a former key" in said


@pytest.mark.parametrize(
    "values",
    [{"digest": b"x" * 32}, {"signature": b"x" * 64}, {"signature": b""}, {"key_id": "00000000"}],
    ids=["digest", "signature", "no signature", "key"],
)
def test_a_forged_head_is_found(tmp_path, values):
    [(name, value)] = values.items()
    sql(f"UPDATE customers_head SET {name} = %s", value)

    statuses, words, said = log.both(tmp_path)

    assert statuses == (1, 1)
    assert "the head is not " in words
    assert "the head is not " in said


def test_a_log_without_its_head_is_found(tmp_path):
    sql("DELETE FROM customers_head")

    assert log.verify() == (1, "there are entries, and no head\nThe log is not whole.\n")
    status, said = log.verify_alone(log.export(tmp_path))
    assert (status, said) == (2, "this is no export of the audit log\n")


# The tail cut, with the head of its time: whole in itself


@pytest.fixture
def cut(tmp_path, caplog):
    """A log that was set back; what was kept of it elsewhere: a seal, and the process log."""
    head = Head.objects.get()
    caplog.set_level("INFO", logger="customers.audit.chain")
    with TestCase.captureOnCommitCallbacks(execute=True):
        log.fill(3)
    kept = log.seal(tmp_path)
    shipped = tmp_path / "process.log"
    shipped.write_text("".join(f"12:00 INFO {r.getMessage()}\n" for r in caplog.records))
    sql("DELETE FROM customers_entry WHERE seq > %s", head.seq)
    sql(
        "UPDATE customers_head SET seq = %s, recorded_at = %s, digest = %s, signature = %s",
        *(head.seq, head.recorded_at, bytes(head.digest), bytes(head.signature)),
    )
    return kept, shipped


def test_a_cut_tail_is_whole_in_itself(tmp_path, cut):
    assert log.both(tmp_path)[0] == (0, 0)


@pytest.mark.parametrize("which", [0, 1], ids=["seal", "process log"])
def test_a_cut_tail_is_found_by_what_was_kept_elsewhere(tmp_path, cut, which):
    option = ("--seal", "--log")[which]

    statuses, words, said = log.both(tmp_path, option, cut[which])

    assert statuses == (1, 1)
    assert "the log was cut: a seal says that there was an entry 13" in words
    assert "the log was cut: a seal says that there was an entry 13" in said


# Old entries that left


def test_what_left_behind_an_anchor_leaves_the_rest_whole(tmp_path):
    guard.install()
    log.leave_behind_an_anchor(4)

    statuses, words, said = log.both(tmp_path)

    assert statuses == (0, 0)
    assert "6 entries, 5 to 10, whole" in words
    assert "entries 5 to 10: whole" in said


def test_more_than_the_anchor_allows_is_missed(tmp_path):
    log.leave_behind_an_anchor(4)
    sql("DELETE FROM customers_entry WHERE seq = 5")

    statuses, words, said = log.both(tmp_path)

    assert statuses == (1, 1)
    assert words.startswith("entry 1: missing, up to 5")
    assert said.startswith("entry 1: missing, up to 5")


def test_an_anchor_put_in_by_hand_is_found(tmp_path):
    digest = bytes(Entry.objects.get(seq=4).digest).hex()
    copy(LAST, LAST + 1)
    anchor = f'{{"digest":"{digest}","seq":4}}'
    sql("UPDATE customers_entry SET action = 'anchor', new = %s WHERE seq = %s", anchor, LAST + 1)
    sql("DELETE FROM customers_entry WHERE seq <= 4")
    sql("UPDATE customers_head SET seq = seq + 1")

    statuses, words, said = log.both(tmp_path)

    assert statuses == (1, 1)
    assert words.startswith("entry 10: ")
    assert said.startswith("entry 10: ")
