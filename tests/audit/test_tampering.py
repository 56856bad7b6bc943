"""Whoever can write to the database cannot change the log unseen: both verifiers name what is
wrong. The triggers are lifted for these tests: this is what they cannot stop."""

import hashlib
import io

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import TestCase

from customers.audit import chain, erasure, signing, triggers
from customers.audit.entries import FieldOutcome
from customers.audit.models import Action, Change, Entry, Evidence, Head, Outcome, VaultItem
from tests import log
from tests.conftest import text

pytestmark = pytest.mark.django_db
LAST = 9


@pytest.fixture(autouse=True)
def filled(db):
    log.fill()
    assert Entry.objects.count() == LAST
    triggers.remove()  # the transaction that this test runs in brings it back


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
    "outcome": "refused",
    "evidence": "person",
    "action": "create",
    "version": 3,
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


SAID = {
    "forgotten": erasure.erasure_entry(erasure.VALUES, 2),
    "expired": erasure.erasure_entry(erasure.VALUES, 2),
    "access": erasure.erasure_entry(erasure.ACCESS, 2),
    "anchor": erasure.anchor(2, bytes(32)),
}


@pytest.mark.parametrize(
    "detail", ["", "oops", "[]", "{}", '{"seq": 1e999, "up_to": "x"}', "[" * 9999]
)
@pytest.mark.parametrize("what", SAID)
def test_an_entry_that_no_longer_says_what_it_erased_is_named_and_breaks_nothing(
    supervisor, what, detail
):
    action = "expired" if what == "access" else what
    log.append(SAID[what], action=action, customer_id="100")
    assert sql("UPDATE customers_entry SET detail = %s WHERE seq = 10", detail) == 1

    status, words = log.verify()

    assert (status, words.partition("\n")[0]) == (
        1,
        "entry 10: its content gives another digest than the one recorded",
    )
    for path in ("/audit/", "/customers/100/history/"):
        assert "unreadable" in text(supervisor.page(path))
    call_command("access_report", customer="100", stdout=io.StringIO())


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


@pytest.mark.skipif(connection.vendor != "sqlite", reason="only sqlite takes it")
@pytest.mark.parametrize("value", ["text", 5, 1.5, b""])
@pytest.mark.parametrize("column", ["digest", "content_digest", "detail", "recorded_at", "version"])
def test_what_is_no_digest_and_no_text_is_named(tmp_path, column, value):
    for seq in (5, LAST):
        sql(f"UPDATE customers_entry SET {column} = %s WHERE seq = %s", value, seq)

    status, words = log.verify()

    assert status == 1
    assert words.startswith("entry 5: ")


@pytest.mark.skipif(connection.vendor != "sqlite", reason="only sqlite takes it")
@pytest.mark.parametrize("value", ["text", 5, b"\xff"])
def test_of_a_time_that_is_none_there_is_no_report(value, capsys):
    sql("UPDATE customers_entry SET recorded_at = %s WHERE seq = 5", value)

    with pytest.raises(CommandError, match="The log cannot be read as it is: run audit_verify"):
        call_command("access_report", customer="100")


WORDS = {
    "action": [*Action.values, "other"],
    "outcome": [*Outcome.values, "other"],
    "evidence": [*Evidence.values, "other"],
    "field": ["identity", "phones", "values", "other"],
}


@pytest.mark.parametrize(
    ("column", "value"), [(column, word) for column, words in WORDS.items() for word in words]
)
def test_the_pages_show_the_other_entries_whatever_one_was_altered_to(supervisor, column, value):
    sql(f"UPDATE customers_entry SET {column} = %s WHERE seq = 5", value)
    altered = Entry.objects.get(seq=5)

    for path in ("/audit/", "/customers/100/history/", f"/audit/changes/{altered.change_id}/"):
        assert "Béatriz 北" in text(supervisor.page(path))


def test_all_values_taken_out_at_once_are_missed_without_a_look_at_each(
    django_assert_max_num_queries,
):
    log.fill(60)
    sql("DELETE FROM customers_vaultitem")

    with django_assert_max_num_queries(200):
        status, words = log.verify()

    assert status == 1
    assert words.count("its values are missing") == 20


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
        "entry 10: it comes after the head\nThe log is not whole. Entries 1 to 9 are.\n",
    )
    # An export ends at the head: what lies behind it is no part of the log.
    assert log.verify_alone(log.export(tmp_path))[0] == 0


@pytest.fixture
def numbers_unchecked():
    """The constraint on them is lifted, as whoever owns the table can."""
    if connection.vendor == "sqlite":
        sql("PRAGMA ignore_check_constraints = ON")
        yield
        sql("PRAGMA ignore_check_constraints = OFF")
    else:
        sql("ALTER TABLE customers_entry DROP CONSTRAINT entry_numbered")
        yield


@pytest.mark.parametrize("seq", [0, -3])
def test_an_entry_put_in_below_the_first_is_found(tmp_path, numbers_unchecked, seq):
    copy(5, seq)

    assert log.verify() == (
        1,
        f"entry {seq}: numbers begin at 1: it was put in\n"
        "The log is not whole. Entries 1 to 9 are.\n",
    )
    # Nor does an export hold it.
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


def test_entries_before_a_bad_one_are_whole_where_the_head_vouches_for_them(tmp_path):
    sql("UPDATE customers_entry SET detail = 'other' WHERE seq = 5")

    _, words, said = log.both(tmp_path)

    assert "The log is not whole. Entries 1 to 4 are.\n" in words
    assert "entries 1 to 4 are whole\n" in said


@pytest.fixture
def rewritten(tmp_path):
    """Entry 3 changed and the digests computed anew up to entry 6: the first that does not fit is
    entry 7. Two seals: of the log when it had 2 entries, and 6."""
    for model in (Entry, Head, Change, VaultItem):
        model.objects.all().delete()
    log.fill(1)
    log.append(FieldOutcome("email", "a", "b", Outcome.APPLIED))
    early = log.seal(tmp_path, "early")
    for _ in range(4):
        log.append(FieldOutcome("email", "a", "b", Outcome.APPLIED))
    late = log.seal(tmp_path, "late")
    log.fill(2)
    sql("UPDATE customers_entry SET actor_name = 'other' WHERE seq = 3")
    forge_the_chain(3, 6)
    return early, late


def test_entries_before_one_that_does_not_follow_may_have_been_rewritten(tmp_path, rewritten):
    statuses, words, said = log.both(tmp_path)

    assert statuses == (1, 1)
    assert words.startswith("entry 7: its digest does not follow from the entry before it")
    assert "Nothing signed vouches for entries 1 to 6" in words
    assert said.startswith("entry 7: its digest does not follow from the entry before it")
    assert "nothing signed vouches for entries 1 to 6" in said


def test_a_seal_vouches_for_the_entries_up_to_it(tmp_path, rewritten):
    statuses, words, said = log.both(tmp_path, "--seal", rewritten[0])

    assert statuses == (1, 1)
    assert "Entries 1 to 2 are. Nothing signed vouches for entries 3 to 6" in words
    assert "entries 1 to 2 are whole\nnothing signed vouches for entries 3 to 6" in said


def test_a_seal_that_differs_vouches_for_nothing_before_it(tmp_path, rewritten):
    seals = [option for path in rewritten for option in ("--seal", path)]

    statuses, words, said = log.both(tmp_path, *seals)

    assert statuses == (1, 1)
    assert words.startswith("entry 6: it is not the one that was sealed")
    assert "Entries 1 to 2 are. Nothing signed vouches for entries 3 to 5" in words
    assert said.startswith("entry 6: it is not the one that was sealed")
    assert "entries 1 to 2 are whole\nnothing signed vouches for entries 3 to 5" in said


def forge_the_chain(start, last=None, key=None):
    """Compute every digest again from there on, as somebody who can read the document.

    last: only up to that entry, and the head stays as it is.
    """
    before = bytes(Entry.objects.get(seq=start - 1).digest) if start > 1 else signing.BEGINNING
    for entry in Entry.objects.filter(seq__range=(start, last or LAST)).order_by("seq"):
        content = signing.content_digest(chain.columns(entry))
        before = signing.entry_digest(entry.seq, before, content)
        sql(
            "UPDATE customers_entry SET content_digest = %s, digest = %s WHERE seq = %s",
            *(content, before, entry.seq),
        )
    if last is None:
        sql("UPDATE customers_head SET digest = %s", before)
    if key is not None:
        head = Head.objects.get()
        head.key_id = hashlib.sha256(key.public_key().public_bytes_raw()).hexdigest()[:8]
        signature = key.sign(chain.message(head))
        sql("UPDATE customers_head SET key_id = %s, signature = %s", head.key_id, signature)


def test_a_chain_forged_to_its_end_lacks_the_signature(tmp_path):
    sql("UPDATE customers_entry SET actor_name = 'other' WHERE seq = 5")
    forge_the_chain(5)

    statuses, words, said = log.both(tmp_path)

    assert statuses == (1, 1)
    assert words.startswith("the head is not signed with a key of ours")
    assert said.startswith("the head is not signed with a key that was given")


def test_a_chain_forged_to_its_end_does_not_fit_a_seal(tmp_path):
    kept = log.seal(tmp_path)
    sql("UPDATE customers_entry SET actor_name = 'other' WHERE seq = 5")
    forge_the_chain(5)

    statuses, words, said = log.both(tmp_path, "--seal", kept)

    assert statuses == (1, 1)
    assert f"entry {LAST}: it is not the one that was sealed" in words
    assert f"entry {LAST}: it is not the one that was sealed" in said


def test_another_key_is_no_key(tmp_path):
    sql("UPDATE customers_entry SET actor_name = 'other' WHERE seq = 5")
    forge_the_chain(5, key=Ed25519PrivateKey.generate())

    statuses, words, said = log.both(tmp_path)

    assert statuses == (1, 1)
    assert words.startswith("the head is not signed with a key of ours")
    assert said.startswith("the head is not signed with a key that was given")


def test_an_old_key_reused_is_named(tmp_path, settings):
    stolen = Ed25519PrivateKey.from_private_bytes(settings.AUDIT_SIGNING_KEY)
    former = log.public_key()
    settings.AUDIT_VERIFY_KEYS = (signing.public_key(),)
    settings.AUDIT_SIGNING_KEY = b"n" * 32
    assert log.verify()[0] == 1, "before the rotation"
    call_command("audit_seal", rotate=True, to=str(tmp_path / "rotated"))
    assert log.verify()[0] == 0
    sql("UPDATE customers_entry SET actor_name = 'other' WHERE seq = 5")
    forge_the_chain(5, key=stolen)

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


# What the product cannot have stored


def only_on(vendor):
    return pytest.mark.skipif(f"connection.vendor != {vendor!r}", reason=f"only {vendor} takes it")


@only_on("postgresql")
def test_a_time_without_end_is_found(tmp_path):
    sql("UPDATE customers_entry SET recorded_at = 'infinity' WHERE seq = 5")

    statuses, words, said = log.both(tmp_path)

    assert statuses == (1, 1)
    assert words.startswith("entry 5: its content gives another digest")
    assert said.startswith("entry 5: its content gives another digest")


@only_on("sqlite")
@pytest.mark.parametrize(
    ("column", "value"),
    [("digest", "text"), ("digest", 5), ("content_digest", "text"), ("detail", b"\xff")],
)
def test_what_is_no_digest_and_no_text_is_found_and_not_exported(tmp_path, column, value):
    sql(f"UPDATE customers_entry SET {column} = %s WHERE seq = {LAST}", value)

    status, words = log.verify()

    assert status == 1
    assert words.startswith(f"entry {LAST}: its ")
    with pytest.raises(CommandError, match="run audit_verify"):
        log.export(tmp_path)


UNREADABLE = [
    pytest.param("recorded_at", "infinity", marks=only_on("postgresql")),
    pytest.param("recorded_at", "oops", marks=only_on("sqlite")),
    pytest.param("signature", "text", marks=only_on("sqlite")),
    pytest.param("seq", "text", marks=only_on("sqlite")),
]


@pytest.mark.parametrize(("column", "value"), UNREADABLE)
def test_a_head_that_cannot_be_read_is_told(tmp_path, column, value):
    sql(f"UPDATE customers_head SET {column} = %s", value)

    assert log.verify() == (1, "the head cannot be read\nThe log is not whole.\n")
    with pytest.raises(CommandError, match="run audit_verify"):
        log.export(tmp_path)


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
    sql("DELETE FROM customers_vaultitem WHERE seq > %s", head.seq)
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
    assert "Entries 1 to 9 are." in words
    assert "the log was cut: a seal says that there was an entry 13" in said


# Old entries that left


def test_what_left_behind_an_anchor_leaves_the_rest_whole(tmp_path):
    triggers.install()
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


@pytest.mark.parametrize("detail", ["oops", "[]", '{"seq":4}', '{"digest":"zz","seq":4}'])
def test_an_anchor_that_cannot_be_read_is_none(tmp_path, detail):
    log.leave_behind_an_anchor(4)
    sql("UPDATE customers_entry SET detail = %s WHERE action = 'anchor'", detail)

    status, words = log.verify()

    assert status == 1
    assert words.startswith("entry 1: missing, up to 4\n")
    assert "entry 10: its content gives another digest than the one recorded" in words


def test_an_anchor_put_in_by_hand_is_found(tmp_path):
    digest = bytes(Entry.objects.get(seq=4).digest).hex()
    copy(LAST, LAST + 1)
    anchor = f'{{"digest":"{digest}","seq":4}}'
    sql(
        "UPDATE customers_entry SET action = 'anchor', detail = %s WHERE seq = %s", anchor, LAST + 1
    )
    sql("DELETE FROM customers_entry WHERE seq <= 4")
    sql("DELETE FROM customers_vaultitem WHERE seq <= 4")
    sql("UPDATE customers_head SET seq = seq + 1")

    statuses, words, said = log.both(tmp_path)

    assert statuses == (1, 1)
    assert words.startswith("entry 10: ")
    assert said.startswith("entry 10: ")
