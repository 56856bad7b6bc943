"""The vault: entries hold commitments, the values lie encrypted beside them, and whatever is done
to them by hand is found and named."""

import io
import os
import stat
from unittest.mock import Mock

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, transaction

from customers.audit import encryption, erasure, values
from customers.audit.actions import Evidence, Outcome
from customers.audit.entries import FieldOutcome
from customers.audit.models import Entry, JournalLine, Missing, VaultItem
from tests import log
from tests.acts import NEEDED, create, lose_the_answer
from tests.conftest import SUPERVISOR, signed_in, text
from tests.log import sql

pytestmark = pytest.mark.django_db
LAST = 9
OTHER_KEY = b"another-key-of-exactly-32-bytes!"


@pytest.fixture
def filled(db):
    log.fill()
    assert Entry.objects.count() == LAST


@pytest.fixture
def unguarded(filled):
    log.lift_the_triggers()  # the transaction that this test runs in brings it back


def test_an_entry_gives_back_what_was_put_in_and_commits_to_it():
    """To an empty value too: else the log would tell for ever that there was none."""
    same = FieldOutcome("email", "a", "a", Outcome.APPLIED, Evidence.READ, {"b": ["北"]})
    log.append(same, FieldOutcome("email", None, "", Outcome.APPLIED))

    entry, empty = Entry.objects.order_by("seq")

    assert (entry.old, entry.new, entry.found) == ("a", "a", {"b": ["北"]})
    assert (entry.reason, entry.customer_label) == ("said so \\ by phone\u2028", "Béatriz 北")
    assert entry.old_commitment != entry.new_commitment
    assert (empty.old, empty.new) == (None, "")
    assert len(empty.old_commitment) == len(empty.new_commitment) == 64
    assert empty.found_commitment == ""


def test_the_values_of_a_page_come_with_its_entries_in_one_query(filled, django_assert_num_queries):
    with django_assert_num_queries(1):
        assert all(entry.new for entry in Entry.objects.all())


def test_an_open_line_holds_what_is_sent_encrypted(agent, clubmed):
    lose_the_answer(agent, clubmed, "drop_after")

    line = JournalLine.objects.get()

    assert line.fields == ["email"]
    assert b"example.com" not in bytes(line.encrypted)
    assert line.new_values == {"email": "new@example.com"}
    assert line.customer_label == "Tom Smith"


@pytest.mark.parametrize(
    "column", ["action", "actor_issuer", "actor_sub", "actor_name", "locale", "customer_id"]
)
def test_an_open_line_that_was_altered_does_not_open(agent, clubmed, column):
    """So nobody can be made the author of what somebody else is sending."""
    lose_the_answer(agent, clubmed, "drop_after")
    JournalLine.objects.update(**{column: "555"})

    line = JournalLine.objects.get()

    assert not line.is_readable
    assert line.new_values == {"email": Missing.UNREADABLE}
    words = f"the open line {line.pk} does not open: it was altered, or lacks its"
    assert log.verify()[1].startswith(words)


def test_a_refused_create_keeps_the_names_of_its_fields_and_the_codes_only(agent, clubmed):
    typed = NEEDED | {"last_name": "Durand 2", "email": "lea@example.com"}

    create(agent, **typed)

    entries = list(Entry.objects.all())
    assert {entry.field for entry in entries} == set(typed)
    assert {entry.outcome for entry in entries} == {"refused"}
    assert {entry.customer_label for entry in entries} == {""}
    assert {entry.new for entry in entries} == {Missing.NOT_KEPT}
    assert not VaultItem.objects.exists()
    assert "not kept" in text(signed_in(SUPERVISOR).page("/audit/"))


def forge(seq, sides):
    """Values of an entry, by somebody who has the key. sides: JSON texts."""
    field = Entry.objects.get(seq=seq).field
    return encryption.encrypt_values(seq, field, [b"s" * 32 + side for side in sides])


def encrypted(seq=5):
    return bytes(VaultItem.objects.get(pk=seq).encrypted)


MISSING = "its values are missing, and no entry says that they were erased"
CLOSED = "its values are altered or out of place"
ALTERED = "its values are not what it committed to"
SET = "UPDATE customers_vaultitem SET encrypted = %s WHERE seq = 5"
TAMPERINGS = {
    "deleted": (lambda: sql("DELETE FROM customers_vaultitem WHERE seq = 5"), MISSING),
    "another entry's": (lambda: sql(SET, encrypted(4)), CLOSED),
    "another field's": (lambda: sql(SET, encryption.encrypt(b"", b"elsewhere")), CLOSED),
    "sides left out": (lambda: sql(SET, forge(5, [b'"forged"'])), ALTERED),
    "a side more": (lambda: sql(SET, forge(5, [b"1"] * 7)), ALTERED),
    "forged with the key": (lambda: sql(SET, forge(5, [b'"forged"'] * 6)), ALTERED),
    "empty": (lambda: sql(SET, b""), CLOSED),
    "a nonce alone": (lambda: sql(SET, encrypted()[:12]), CLOSED),
    "truncated": (lambda: sql(SET, encrypted()[:-1]), CLOSED),
    "another key's id": (
        lambda: sql("UPDATE customers_vaultitem SET key_id = '1' WHERE seq = 5"),
        "its values are encrypted with key 1, which is not given",
    ),
}


@pytest.mark.parametrize(("tamper", "words"), TAMPERINGS.values(), ids=TAMPERINGS)
def test_values_that_were_tampered_with_are_named_and_read_so(supervisor, unguarded, tamper, words):
    assert tamper() in (None, 1)

    status, said = log.verify()

    assert status == 1
    assert said.splitlines()[:2] == [f"entry 5: {words}", "entries 1 to 4 are whole"]
    shown = Missing.ERASED if words == MISSING else Missing.UNREADABLE
    assert Entry.objects.get(seq=5).new is shown
    assert str(shown) in text(supervisor.page("/audit/"))


def test_two_entries_whose_values_were_swapped_are_named(unguarded):
    for seq, new_seq in ((4, 99), (6, 4), (99, 6)):
        sql("UPDATE customers_vaultitem SET seq = %s WHERE seq = %s", new_seq, seq)

    words = log.verify()[1].splitlines()

    assert words[:2] == [f"entry 4: {CLOSED}", f"entry 6: {CLOSED}"]


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        (
            "INSERT INTO customers_vaultitem (seq, key_id, encrypted)"
            " SELECT 77, key_id, encrypted FROM customers_vaultitem WHERE seq = 5",
            "entry 77: there are values of it in the vault, and no such entry",
        ),
        ("UPDATE customers_entry SET found_commitment = '' WHERE seq = 5", f"entry 5: {ALTERED}"),
    ],
)
def test_values_that_no_entry_committed_to_are_found(unguarded, statement, words):
    sql(statement)

    status, said = log.verify()

    assert status == 1
    assert words in said


def rewrap():
    said = io.StringIO()
    call_command("audit_rewrap", stdout=said, stderr=io.StringIO())
    return said.getvalue()


def test_under_a_new_key_everything_is_encrypted_anew(
    agent, clubmed, filled, settings, monkeypatch, capsys
):
    lose_the_answer(agent, clubmed, "drop_after")
    before = [entry.new for entry in Entry.objects.all()]
    settings.AUDIT_ENCRYPTION_KEYS = (OTHER_KEY, *settings.AUDIT_ENCRYPTION_KEYS)
    monkeypatch.setattr(values, "_BATCH", 4)

    call_command("audit_rewrap")

    said, told = capsys.readouterr()
    assert said == f"10 rows encrypted anew; all are under key {encryption.key_id(OTHER_KEY)}.\n"
    assert told.splitlines() == ["4 of 10", "8 of 10", "9 of 10", "10 of 10"]
    settings.AUDIT_ENCRYPTION_KEYS = (OTHER_KEY,)
    assert [entry.new for entry in Entry.objects.all()] == before
    assert JournalLine.objects.get().new_values == {"email": "new@example.com"}
    assert log.verify()[0] == 0
    assert values.count_of_former_keys() == 0
    assert "0 rows encrypted anew" in rewrap()


def test_what_does_not_open_is_told_of_and_keeps_nothing_else_back(filled, settings):
    sql("UPDATE customers_vaultitem SET key_id = 'gone' WHERE seq = 5")
    settings.AUDIT_ENCRYPTION_KEYS = (OTHER_KEY, *settings.AUDIT_ENCRYPTION_KEYS)

    with pytest.raises(CommandError, match=r"8 rows are under key \w+ now, and 1 are not"):
        rewrap()

    assert {entry.seq for entry in Entry.objects.all() if entry.new is Missing.UNREADABLE} == {5}


def test_a_database_that_fails_is_told_in_one_sentence(filled, settings, monkeypatch):
    settings.AUDIT_ENCRYPTION_KEYS = (OTHER_KEY, *settings.AUDIT_ENCRYPTION_KEYS)
    monkeypatch.setattr(
        values.statements, "update", Mock(side_effect=OperationalError("with values"))
    )

    with pytest.raises(CommandError, match=r"^the database fails: OperationalError$"):
        rewrap()


def test_an_export_holds_no_value_unless_asked_and_no_sensitive_one_at_all(tmp_path, filled):
    log.append(FieldOutcome("identity", None, {"number": "123-SECRET"}, Outcome.APPLIED))
    assert "tom@example.com" not in log.export(tmp_path).read_text()

    exported = log.export(tmp_path, "--values")

    assert "tom@example.com" in exported.read_text()
    assert "SECRET" not in exported.read_text()
    assert log.verify_alone(exported)[0] == 0


def test_an_export_is_a_new_file_of_its_owners_alone_and_whole_or_not_there(
    tmp_path, filled, unguarded
):
    path = tmp_path / "export"
    call_command("audit_export", output=str(path))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(CommandError, match="cannot be written: File exists"):
        call_command("audit_export", output=str(path))

    sql("UPDATE customers_vaultitem SET encrypted = %s WHERE seq = 9", b"gone")
    with pytest.raises(CommandError, match="The log cannot be read as it is"):
        call_command("audit_export", values=True, output=str(tmp_path / "other"))

    assert os.listdir(tmp_path) == ["export"]


def test_an_exported_value_that_was_altered_is_found(tmp_path, filled):
    exported = log.export(tmp_path, "--values")
    exported.write_text(exported.read_text().replace("tom@example.com", "tim@example.com", 1))

    status, said = log.verify_alone_here(exported)

    assert status == 1
    assert "is not what it committed to" in said


def test_what_is_erased_is_missing_in_an_export_which_stays_whole(tmp_path, filled):
    with transaction.atomic():
        log.append(erasure.erasure_entry(erasure.VALUES, 4), action="expired")
    erasure.delete(VaultItem.objects.filter(pk__lte=4))

    assert log.verify()[0] == 0
    assert log.verify_alone_here(log.export(tmp_path, "--values"))[0] == 0
