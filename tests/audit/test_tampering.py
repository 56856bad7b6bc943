"""Whoever writes to the database past its triggers cannot change the log unseen: both verifiers
name what is wrong."""

import hashlib
import io
import json
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test import TestCase

from crmadmin.logs import JsonLine
from customers.audit import chain, erasure, signing, triggers, verifier
from customers.audit.actions import Action, Evidence, Outcome
from customers.audit.entries import FieldOutcome
from customers.audit.models import (
    AccessEvent,
    Change,
    ChangedField,
    Entry,
    Head,
    JournalLine,
    VaultItem,
)
from tests import log
from tests.acts import let_the_grace_pass, lose_the_answer
from tests.conftest import text
from tests.log import sql

pytestmark = pytest.mark.django_db
LAST = 9
CONTENT = "its content gives another digest than the one recorded"
LINK = "its digest does not follow from the entry before it"


@pytest.fixture(scope="module", autouse=True)
def filled(django_db_setup, django_db_blocker):
    """A log without its guard, to which each test comes in a transaction of its own."""
    with django_db_blocker.unblock(), transaction.atomic():
        log.endless()
        log.fill()
        assert Entry.objects.count() == LAST
        log.lift_the_triggers()
        yield
        transaction.set_rollback(True)


def faults(tmp_path, *arguments):
    """What is said of a log that is not whole: by both verifiers the same to begin with."""
    statuses, words, alone = log.both(tmp_path, *arguments)
    assert statuses == (1, 1)
    assert words.splitlines()[0] == alone.splitlines()[0]
    return words


def test_a_clean_log_passes_both(tmp_path):
    kept = log.seal(tmp_path)
    log.fill(2)

    statuses, words, alone = log.both(tmp_path, "--seal", kept)

    assert statuses == (0, 0)
    assert words == alone == "entries 1 to 12: whole, 1 seals compared, 12 entries in full\n"


OTHER = {
    "change_id": "00000000000000000000000000000009",
    "recorded_at": "2020-01-01 00:00:00.000001",
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

    words = faults(tmp_path)

    assert words.startswith(f"entry {seq}: ")
    assert seq == 1 or "digest" in column or f"\nentries 1 to {seq - 1} are whole\n" in words


ERASED = {
    "forgotten": erasure.erasure_entry(erasure.VALUES, 2),
    "expired": erasure.erasure_entry(erasure.VALUES, 2),
    "access": erasure.erasure_entry(erasure.ACCESS, 2),
    "anchor": erasure.anchor(2, bytes(32)),
}


@pytest.mark.parametrize(
    "detail", ["", "oops", "[]", "{}", '{"seq": 1e999, "up_to": "x"}', "[" * 9999]
)
@pytest.mark.parametrize("what", ERASED)
def test_an_entry_that_no_longer_says_what_it_erased_is_named_and_breaks_nothing(
    supervisor, what, detail
):
    log.append(ERASED[what], action="expired" if what == "access" else what, customer_id="100")
    assert sql("UPDATE customers_entry SET detail = %s WHERE seq = 10", detail) == 1

    status, words = log.verify()

    assert (status, words.partition("\n")[0]) == (1, f"entry 10: {CONTENT}")
    for path in ("/audit/", "/customers/100/history/"):
        assert "not readable" in text(supervisor.page(path))
    call_command("access_report", customer="100", stdout=io.StringIO())


WORDS = {
    "action": [*Action.values, "other"],
    "outcome": [*Outcome.values, "other"],
    "evidence": [*Evidence.values, "other"],
    "field": ["identity", "phones", "values", "other"],
    "flags": ["other", "reverts  "],
}


@pytest.mark.parametrize(
    ("column", "value"), [(column, word) for column, words in WORDS.items() for word in words]
)
def test_the_pages_show_the_other_entries_whatever_one_was_altered_to(supervisor, column, value):
    sql(f"UPDATE customers_entry SET {column} = %s WHERE seq = 5", value)
    altered = Entry.objects.get(seq=5)

    for path in ("/audit/", "/customers/100/history/", f"/audit/changes/{altered.change_id}/"):
        assert "Béatriz 北" in text(supervisor.page(path))


@pytest.mark.parametrize("seqs", [[1], [5], [1, 2, 3], [4, 5, 6], [LAST], range(1, LAST + 1)])
def test_entries_taken_out_are_missed(tmp_path, seqs):
    assert Entry.objects.filter(seq__in=seqs).delete()[0] == len(seqs)

    assert faults(tmp_path).startswith(f"entry {seqs[0]}: missing, up to ")


LEFT = {
    "there are values": [Change, ChangedField],
    "there are rows of lists": [VaultItem, Change],
    "there are changes": [VaultItem, ChangedField],
    "somebody looked at a change": [VaultItem, Change, ChangedField],
}


@pytest.mark.parametrize("words", LEFT)
def test_a_log_that_was_emptied_with_its_head_is_not_taken_for_a_new_one(words):
    entry = Entry.objects.first()
    AccessEvent.objects.create(
        recorded_at=entry.recorded_at,
        kind="audit",
        actor_name="Ada",
        actor_key=1,
        change_id=entry.change_id,
    )
    for model in (Entry, Head, *LEFT[words]):
        model.objects.all().delete()

    status, said = log.verify()

    assert status == 1
    assert f"the log was emptied: {words}" in said
    assert ", and no entry" in said


def test_a_sign_in_before_the_first_entry_is_no_fault():
    for model in (Entry, Head, VaultItem, Change, ChangedField):
        model.objects.all().delete()
    now = "2026-11-23T09:41:07Z"
    AccessEvent.objects.create(recorded_at=now, kind="sign_in", actor_name="Ada", actor_key=1)

    assert log.verify() == (0, "no entries: whole, 0 seals compared, 0 entries in full\n")


def copy(seq, new_seq):
    columns = ", ".join(COLUMNS)
    insert = f"INSERT INTO customers_entry (seq, {columns}) SELECT %s, {columns}"
    assert sql(f"{insert} FROM customers_entry WHERE seq = %s", new_seq, seq) == 1


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


@pytest.mark.parametrize(
    ("seq", "words"),
    [
        (LAST + 1, "it comes after the head"),
        (0, "numbers begin at 1: it was put in"),
        (-3, "numbers begin at 1: it was put in"),
    ],
)
def test_an_entry_put_in_outside_the_log_is_found_and_no_part_of_an_export(
    tmp_path, numbers_unchecked, seq, words
):
    copy(5, seq)

    status, said = log.verify()

    assert status == 1
    assert said.startswith(f"entry {seq}: {words}\n")
    assert "\nentries 1 to 9 are whole\n" in said
    assert log.verify_alone(log.export(tmp_path))[0] == 0


def renumber(seq, new_seq):
    assert sql("UPDATE customers_entry SET seq = %s WHERE seq = %s", new_seq, seq) == 1


def put_in_with_a_head_moved_on():
    copy(5, LAST + 1)
    sql("UPDATE customers_head SET seq = seq + 1")


def swap():
    for seq, new_seq in ((4, 99), (5, 4), (99, 5)):
        renumber(seq, new_seq)


def close_up_the_numbers():
    """One entry is taken out."""
    sql("DELETE FROM customers_entry WHERE seq = 4")
    for seq in range(5, LAST + 1):
        renumber(seq, seq - 1)
    sql("UPDATE customers_head SET seq = seq - 1")


@pytest.mark.parametrize(
    ("tamper", "first"), [(put_in_with_a_head_moved_on, 10), (swap, 4), (close_up_the_numbers, 4)]
)
def test_entries_put_in_or_moved_are_found(tmp_path, tamper, first):
    tamper()

    words = faults(tmp_path)

    assert words.startswith(f"entry {first}: ")
    assert f"entry {first}: {LINK}" in words


@pytest.fixture
def rewritten(tmp_path):
    """Entry 3 changed and the digests computed anew up to entry 6: the first that does not fit is
    entry 7. Two seals: of the log when it had 2 entries, and 6."""
    for model in (Entry, Head, Change, ChangedField, VaultItem):
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


def test_what_a_rewritten_log_proves_depends_on_the_seals(tmp_path, rewritten):
    early, late = rewritten

    words = faults(tmp_path)
    assert words.startswith(f"entry 7: {LINK}")
    assert "\nnothing signed vouches for entries 1 to 6" in words

    words = faults(tmp_path, "--seal", early)
    assert "\nentries 1 to 2 are whole\nnothing signed vouches for entries 3 to 6" in words

    words = faults(tmp_path, "--seal", early, "--seal", late)
    assert words.startswith("entry 6: it is not the one that was sealed")
    assert "\nentries 1 to 2 are whole\nnothing signed vouches for entries 3 to 5" in words


def forge_the_chain(start, last=None, key=None):
    """Compute every digest again from there on, as somebody who can read the document.

    last: only up to that entry, and the head stays as it is.
    """
    before = bytes(Entry.objects.get(seq=start - 1).digest) if start > 1 else verifier.BEGINNING
    for entry in Entry.objects.filter(seq__range=(start, last or LAST)).order_by("seq"):
        content = verifier.content_digest(chain.columns(entry))
        before = verifier.entry_digest(entry.seq, before, content)
        sql(
            "UPDATE customers_entry SET content_digest = %s, digest = %s WHERE seq = %s",
            *(content, before, entry.seq),
        )
    if last is None:
        sql("UPDATE customers_head SET digest = %s", before)
    if key is not None:
        head = Head.objects.get()
        head.key_id = hashlib.sha256(key.public_key().public_bytes_raw()).hexdigest()[:8]
        signature = key.sign(chain.seal_of(head).message())
        sql("UPDATE customers_head SET key_id = %s, signature = %s", head.key_id, signature)


@pytest.mark.parametrize("key", [None, Ed25519PrivateKey.generate()], ids=["none", "another"])
def test_a_chain_forged_to_its_end_lacks_the_signature_and_does_not_fit_a_seal(tmp_path, key):
    kept = log.seal(tmp_path)
    sql("UPDATE customers_entry SET actor_name = 'other' WHERE seq = 5")
    forge_the_chain(5, key=key)

    assert faults(tmp_path).startswith("the head is not signed with a key that was given")
    words = faults(tmp_path, "--seal", kept)
    assert words.startswith(f"entry {LAST}: it is not the one that was sealed")


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

    said = log.verify(), log.verify_alone(log.export(tmp_path), "--key", former)

    assert [status for status, _ in said] == [1, 1]
    assert all("the head is signed with a former key" in words for _, words in said)


@pytest.mark.parametrize(
    "values",
    [{"digest": b"x" * 32}, {"signature": b"x" * 64}, {"signature": b""}, {"key_id": "00000000"}],
    ids=["digest", "signature", "no signature", "key"],
)
def test_a_forged_head_is_found(tmp_path, values):
    [(name, value)] = values.items()
    sql(f"UPDATE customers_head SET {name} = %s", value)

    assert "the head is not " in faults(tmp_path)


def test_a_log_without_its_head_is_found(tmp_path):
    sql("DELETE FROM customers_head")

    status, words = log.verify()

    assert (status, words.splitlines()[0]) == (1, "there are entries, and no head")
    assert log.verify_alone(log.export(tmp_path)) == (2, "this is no export of the audit log\n")


def test_a_time_without_end_is_found(tmp_path):
    sql("UPDATE customers_entry SET recorded_at = 'infinity' WHERE seq = 5")

    assert faults(tmp_path).startswith(f"entry 5: {CONTENT}")


def test_a_head_that_cannot_be_read_is_told(tmp_path):
    sql("UPDATE customers_head SET recorded_at = 'infinity'")

    status, words = log.verify()

    assert (status, words.splitlines()[0]) == (1, "the head cannot be read")
    with pytest.raises(CommandError, match="run audit_verify"):
        log.export(tmp_path)


@pytest.fixture
def cut(tmp_path, caplog):
    """A log that was set back; what was copied of it elsewhere: a seal, and the process log."""
    head = Head.objects.get()
    caplog.set_level("INFO", logger="customers.audit.chain")
    with TestCase.captureOnCommitCallbacks(execute=True):
        log.fill(3)
    kept = log.seal(tmp_path)
    shipped = tmp_path / "process.log"
    shipped.write_text("".join(f"{JsonLine().format(one)}\n" for one in caplog.records))
    for table in ("entry", "vaultitem"):
        sql(f"DELETE FROM customers_{table} WHERE seq > %s", head.seq)
    sql(
        "UPDATE customers_head SET seq = %s, recorded_at = %s, digest = %s, signature = %s",
        *(head.seq, head.recorded_at, bytes(head.digest), bytes(head.signature)),
    )
    log.rebuild()
    return kept, shipped


def test_a_cut_tail_is_found_only_by_what_was_copied_elsewhere(tmp_path, cut):
    assert log.both(tmp_path)[0] == (0, 0)
    said = "the log was cut: a seal says that there was an entry 13"
    for option, path in zip(("--seal", "--log"), cut, strict=True):
        words = faults(tmp_path, option, path)
        assert said in words
        assert "\nentries 1 to 9 are whole\n" in words
    assert said in log.verify("--since", cut[0])[1]


def test_what_left_behind_an_anchor_leaves_the_rest_whole(tmp_path):
    triggers.install()
    log.leave_behind_an_anchor(4)

    statuses, words, alone = log.both(tmp_path)

    assert statuses == (0, 0)
    assert words == alone == "entries 5 to 10: whole, 0 seals compared, 6 entries in full\n"


def test_more_than_the_anchor_allows_is_missed(tmp_path):
    log.leave_behind_an_anchor(4)
    sql("DELETE FROM customers_entry WHERE seq = 5")

    assert faults(tmp_path).startswith("entry 1: missing, up to 5")


@pytest.mark.parametrize("detail", ["oops", "[]", '{"seq":4}', '{"digest":"zz","seq":4}'])
def test_an_anchor_that_cannot_be_read_is_none(tmp_path, detail):
    log.leave_behind_an_anchor(4)
    sql("UPDATE customers_entry SET detail = %s WHERE action = 'anchor'", detail)

    words = faults(tmp_path)

    assert words.startswith("entry 1: missing, up to 4\n")
    assert f"entry 10: {CONTENT}" in words


def test_an_anchor_put_in_by_hand_is_found(tmp_path):
    digest = bytes(Entry.objects.get(seq=4).digest).hex()
    put_in_with_a_head_moved_on()
    sql(
        "UPDATE customers_entry SET action = 'anchor', detail = %s WHERE seq = 10",
        json.dumps({"digest": digest, "seq": 4}),
    )
    for table in ("entry", "vaultitem"):
        sql(f"DELETE FROM customers_{table} WHERE seq <= 4")

    assert faults(tmp_path).startswith("entry 10: ")


LISTED = {
    "action": "'create'",
    "outcome": "'refused'",
    "customer_id": "'555'",
    "actor_key": 5,
    "recorded_at": "'2020-01-01 00:00:00.000001'",
}
OF_A_FIELD = {"field": "'email'", "flags": "''", "request_id": "'other'"}
ROWS = [
    "DELETE FROM customers_change WHERE seq = 2",
    "DELETE FROM customers_changedfield WHERE seq = 2",
    "DELETE FROM customers_changedfield WHERE seq = 3",
    *(
        f"UPDATE customers_change SET {column} = {value} WHERE seq = 2"
        for column, value in {"seq": 77, **LISTED}.items()
    ),
    *(
        f"UPDATE customers_changedfield SET {column} = {value} WHERE seq = 3"
        for column, value in (LISTED | OF_A_FIELD).items()
    ),
]


@pytest.mark.parametrize("statement", ROWS)
def test_a_list_that_does_not_show_what_the_entries_say_is_named_and_made_anew(statement):
    assert sql(statement) == 1

    status, words = log.verify()

    assert status == 1
    assert words.startswith(f"change {2:032x}: the lists do not show it as its entries say")
    assert "\nentries 1 to 9 are whole\n" in words
    log.rebuild()
    assert log.verify()[0] == 0


def test_a_row_that_no_list_should_show_beside_that_of_its_field_is_named():
    log.append(*[FieldOutcome("email", "a", "b", Outcome.APPLIED)] * 2, change_id=UUID(int=99))
    assert log.verify()[0] == 0
    row = ChangedField.objects.get(seq=LAST + 1)
    row.seq += 1
    row.save(force_insert=True)

    status, words = log.verify()

    assert status == 1
    assert words.startswith(f"change {99:032x}: the lists do not show it as its entries say")


@pytest.mark.parametrize(
    ("model", "key"), [(Change, {"change_id": f"{77:032x}"}), (ChangedField, {"seq": 77})]
)
def test_a_row_of_no_entry_is_named_and_taken_away(supervisor, model, key):
    row = model.objects.get(seq=2)
    row.seq = 77
    for name, value in key.items():
        setattr(row, name, value)
    row.save(force_insert=True)

    status, said = log.verify()

    assert supervisor.get("/audit/").status_code == 200
    assert status == 1
    [named] = key.values()
    words = f"{model._meta.db_table} holds a row of no entry, {named}"
    assert said.replace("-", "").startswith(words)
    log.rebuild()
    assert log.verify()[0] == 0


def test_a_line_put_back_after_it_was_settled_is_named(agent, clubmed):
    lose_the_answer(agent, clubmed, "drop_after")
    line = JournalLine.objects.get()
    let_the_grace_pass()
    agent.get(f"/customers/{line.customer_id}/")
    made = Entry.objects.count()
    line.save(force_insert=True)
    let_the_grace_pass()

    out = io.StringIO()
    call_command("reconcile", stdout=out, stderr=out)
    agent.get(f"/customers/{line.customer_id}/")

    named = f"the open line {line.pk} was settled before: somebody put it back"
    assert named in out.getvalue()
    assert named in log.verify()[1]
    assert (Entry.objects.count(), JournalLine.objects.count()) == (made, 1)
