"""The proof of one change, as a file that an auditor checks alone."""

import json

import pytest
from django.db import transaction

from customers.audit import chain, proof, reading, verifier
from customers.audit.actions import Outcome
from customers.audit.entries import FieldOutcome
from customers.audit.models import Change, ChangedField, Entry, Head, StoredSeal, VaultItem
from tests import log

pytestmark = pytest.mark.django_db


def append(*fields, value="new@example.com", **of):
    outcomes = (FieldOutcome(name, "old@example.com", value, Outcome.APPLIED) for name in fields)
    return log.append(*outcomes, **of)


def download(tmp_path, change_id):
    """The lines of the file, and what checks them once more."""
    given = list(proof.lines(proof.prove(reading.of_change(change_id))))
    path = tmp_path / "proof.ndjson"

    def check(lines=given, **how):
        path.write_text("".join(f"{line}\n" for line in lines))
        return log.verify_alone_here(path, **how)

    return [json.loads(line) for line in given], check


@pytest.fixture
def amid(tmp_path):
    """The proof of a change of two fields, with others before and after it."""
    append("first_name")
    entries = append("email", "phones")
    append("last_name", value="Durand")
    append("last_name", value="Smith")
    return download(tmp_path, entries[0].change_id)


def test_the_file_is_whole_by_itself(amid, tmp_path):
    lines, check = amid

    assert check()[0] == 0
    status, words = log.verify_alone(tmp_path / "proof.ndjson")
    assert status == 0
    assert "entries 2 to 5: whole, 0 seals compared, 2 entries in full" in words
    assert lines[0]["before"] == Entry.objects.get(seq=1).digest.hex()


def test_it_holds_this_change_in_full_and_of_others_digests_alone(amid):
    lines, _ = amid

    assert [set(line) for line in lines[3:5]] == [{"seq", "content_digest"}] * 2
    assert [line["values"]["new"]["text"] for line in lines[1:3]] == ['"new@example.com"'] * 2
    assert "Durand" not in json.dumps(lines)


def alter(lines, number, **members):
    return [json.dumps(line | members if n == number else line) for n, line in enumerate(lines)]


def test_an_altered_or_cut_file_is_not_whole(amid):
    lines, check = amid
    full = lines[1]
    other = lines[2]
    content = full["content"] | {"actor_name": "Nobody"}
    values = full["values"] | {"new": full["values"]["new"] | {"text": '"other@example.com"'}}

    assert check(alter(lines, 1, content=content))[0] == 1
    assert check(alter(lines, 1, values=values))[0] == 1
    assert check(alter(lines, 1, content_digest=other["content_digest"]))[0] == 1
    assert check(alter(lines, 3, content_digest=other["content_digest"]))[0] == 1
    assert check(alter(lines, 0, before="00" * 32))[0] == 1
    assert check(alter(lines, len(lines) - 1, head=lines[-1]["head"] | {"seq": 4}))[0] == 1
    whole = list(map(json.dumps, lines))
    for gone in range(1, len(whole) - 1):
        assert check(whole[:gone] + whole[gone + 1 :])[0] == 1
    assert check(whole[:-1])[0] == 2
    assert check(whole[:2])[0] == 2


def test_another_key_does_not_vouch_for_it(amid):
    _, check = amid

    assert check(key="A" * 43)[0] == 1


def test_sensitive_and_erased_values_are_not_in_it(tmp_path):
    [entry] = log.append(
        FieldOutcome("identity", None, {"number": "X123"}, Outcome.APPLIED), customer_id="555"
    )
    lines, check = download(tmp_path, entry.change_id)
    assert "X123" not in json.dumps(lines)
    assert "reason" in lines[1]["values"]
    assert check()[0] == 0

    [entry] = append("email", customer_id="556")
    entry.item.delete()
    lines, check = download(tmp_path, entry.change_id)
    assert "values" not in lines[1]
    assert check()[0] == 0


def test_the_first_change_and_the_newest_are_proven(tmp_path):
    entries = [append("email")[0] for _ in range(3)]

    for entry in entries:
        lines, check = download(tmp_path, entry.change_id)
        assert check()[0] == 0
        assert lines[0]["from"] == entry.seq


def test_the_file_of_an_old_change_ends_at_a_stored_seal(tmp_path, monkeypatch):
    monkeypatch.setattr(chain, "SEALED_EVERY", 4)
    entries = [append("email")[0] for _ in range(11)]

    lines, check = download(tmp_path, entries[1].change_id)

    assert list(StoredSeal.objects.values_list("seq", flat=True)) == [4, 8]
    assert [line.get("seq") for line in lines] == [None, 2, 3, 4, None]
    assert lines[-1]["head"]["seq"] == 4
    assert check()[0] == 0


def test_entries_that_come_at_once_pass_a_thousand_with_one_seal(monkeypatch):
    monkeypatch.setattr(chain, "SEALED_EVERY", 2)

    append("email", "phones", "first_name", "last_name", "birth_city")

    assert [seal.seq for seal in StoredSeal.objects.all()] == [5]


def test_an_entry_that_is_not_recorded_leaves_no_seal(monkeypatch):
    monkeypatch.setattr(chain, "SEALED_EVERY", 1)

    with transaction.atomic():
        append("email")
        transaction.set_rollback(True)

    assert not StoredSeal.objects.exists()


@pytest.fixture
def sealed(monkeypatch):
    """A log of six entries with the seals of entries 2, 4 and 6."""
    monkeypatch.setattr(chain, "SEALED_EVERY", 2)
    for _ in range(6):
        append("email")
    assert log.verify()[0] == 0
    log.lift_the_triggers()


def test_a_log_written_anew_does_not_fit_its_stored_seals(sealed):
    """Even with the signing key."""
    digest = bytes(32)
    for entry in Entry.objects.order_by("seq"):
        entry.actor_name = "Nobody"
        content = verifier.content_digest(chain.columns(entry))
        digest = verifier.entry_digest(entry.seq, digest, content)
        columns = {"actor_name": "Nobody", "content_digest": content, "digest": digest}
        Entry.objects.filter(pk=entry.pk).update(**columns)
    head = Head.objects.get()
    head.digest = digest
    chain.sign(head)

    status, words = log.verify()

    assert status == 1
    assert "entry 2: it is not the one that was sealed" in words


def test_a_log_that_was_cut_lacks_what_a_stored_seal_names(sealed):
    VaultItem.objects.filter(pk__gt=3).delete()
    for model in (Change, ChangedField, Entry):
        model.objects.filter(seq__gt=3).delete()
    head = Head.objects.get()
    head.seq, head.digest = 3, Entry.objects.get(seq=3).digest
    chain.sign(head)

    status, words = log.verify()

    assert status == 1
    assert "the log was cut: a seal says that there was an entry 4" in words


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM customers_storedseal",
        "UPDATE customers_storedseal SET digest = signature",
        "UPDATE customers_storedseal SET seq = 9 WHERE seq = 6",
    ],
)
def test_a_stored_seal_that_no_key_signed_says_nothing(sealed, statement):
    log.sql(statement)

    assert log.verify()[0] == 0
