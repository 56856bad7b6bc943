"""`audit_verify`, `audit_seal` and `audit_export`, as operations and an auditor use them."""

import json
from contextlib import suppress

import pytest
from django.core.management import CommandError, call_command
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from customers.audit import chain, signing, verifier
from customers.audit.models import Entry, Head
from customers.audit.verifier import COLUMNS
from tests import log

pytestmark = pytest.mark.django_db


def lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_from_a_trusted_seal_on_it_sees_what_was_changed_after_it(tmp_path):
    log.fill()
    kept = log.seal(tmp_path)
    log.fill(2)
    whole = "entries 10 to 12: whole, 0 seals compared, 3 entries in full\n"
    assert log.verify("--since", kept) == (0, whole)
    log.lift_the_triggers()
    Entry.objects.filter(seq__in=(3, 11)).update(detail="other")

    assert log.verify("--since", kept)[1].startswith("entry 11: its content")
    assert log.verify()[1].startswith("entry 3: its content")


def test_a_seal_of_another_log_is_no_beginning(tmp_path):
    log.fill()
    seal = json.loads(log.seal(tmp_path).read_text())
    kept = tmp_path / "other"
    kept.write_text(json.dumps(seal | {"digest": "00" * 32}))

    status, words = log.verify("--since", kept)

    assert status == 1
    assert "entry 9: it is not the one that was sealed" in words
    assert "the seal of entry 9 is not signed with a key that was given" in words


def test_a_database_that_cannot_be_read_is_told_with_status_2():
    log.sql("ALTER TABLE customers_head RENAME TO elsewhere")

    assert log.verify() == (2, "The log cannot be read from the database.")


@pytest.mark.parametrize("option", ["--since", "--seal", "--log"])
def test_a_file_that_cannot_be_read_is_told_with_status_2(tmp_path, option):
    status, words = log.verify(option, tmp_path / "nowhere")

    assert status == 2
    assert "nowhere cannot be read: No such file or directory" in words


@pytest.mark.parametrize(
    "text", ["nonsense", "[]", "{}", '{"seq": "x", "digest": 1}'], ids=lambda text: text
)
def test_a_file_of_seals_that_holds_something_else_is_told(tmp_path, text):
    path = tmp_path / "seals"
    path.write_text(text)

    assert log.verify("--seal", path) == (2, "A file of seals holds a line that is no seal.")


def test_a_process_log_may_hold_anything_else(tmp_path):
    log.fill()
    shipped = tmp_path / "process.log"
    seal = chain.seal_line(Head.objects.get())
    shipped.write_text(
        f'appended\n"seal": {{oops\n12:00 host {{"x": 1, "seal": {seal}, "y": 2}}\n\n'
    )

    _, words, alone = log.both(tmp_path, "--log", shipped)
    assert words == alone == "entries 1 to 9: whole, 1 seals compared, 9 entries in full\n"


def test_a_seal_under_a_former_key_is_good_for_its_time(tmp_path, settings):
    log.fill()
    kept = log.seal(tmp_path)
    former = log.public_key()
    settings.AUDIT_VERIFY_KEYS = (signing.public_key(),)
    settings.AUDIT_SIGNING_KEY = b"n" * 32

    assert "after a change of keys, audit_seal --rotate" in log.verify()[1]
    call_command("audit_seal", rotate=True, to=str(tmp_path / "rotated"))
    log.fill(1)

    assert log.verify("--seal", kept, "--seal", tmp_path / "rotated")[0] == 0
    path = log.export(tmp_path)
    assert log.verify_alone(path, "--key", former, "--seal", kept)[0] == 0
    status, said = log.verify_alone(path, "--seal", kept)
    assert (status, "the seal of entry 9 is not signed" in said) == (1, True)


def test_a_seal_is_the_signed_head_in_one_line_added_to_its_file(tmp_path, capsys):
    log.fill(1)
    log.seal(tmp_path)
    log.fill(1)

    kept = log.seal(tmp_path)
    call_command("audit_seal", public_key=True)

    assert [seal["seq"] for seal in lines(kept)] == [1, 2]
    assert kept.read_text().splitlines()[1] == chain.seal_line(Head.objects.get())
    assert log.verify("--since", kept)[0] == 0
    assert capsys.readouterr().out == f"{log.public_key()}\n"


def test_a_disk_that_is_full_is_no_fault_of_the_log():
    log.fill(1)
    # What could not be written is tried once more as the file is closed.
    with suppress(OSError), open("/dev/full", "w", buffering=1) as full:
        for command, status in (("audit_verify", 2), ("audit_seal", 1)):
            with pytest.raises(CommandError, match="The output cannot be written") as error:
                call_command(command, stdout=full)
            assert error.value.returncode == status


@pytest.mark.parametrize("rotate", [False, True])
def test_neither_an_empty_log_nor_a_forged_head_is_sealed(rotate):
    with pytest.raises(CommandError, match="The log is empty"):
        call_command("audit_seal", rotate=rotate)
    log.fill(1)
    Head.objects.update(key_id="00000000")

    with pytest.raises(CommandError, match="not signed with our key"):
        call_command("audit_seal", rotate=rotate)


def test_an_export_holds_every_column_as_it_was_hashed(tmp_path):
    assert log.export(tmp_path).read_text() == ""
    log.fill()

    about, *entries, head = lines(log.export(tmp_path))

    assert about == {"format": "crmadmin-audit-2", "from": 1, "to": 9, "before": "00" * 32}
    assert [entry["seq"] for entry in entries] == list(range(1, 10))
    for entry, stored in zip(entries, Entry.objects.order_by("seq"), strict=True):
        assert entry["content"] == dict(zip(COLUMNS, chain.columns(stored), strict=True))
        assert entry["digest"] == bytes(stored.digest).hex()
    assert head == {"head": json.loads(chain.seal_line(Head.objects.get()))}


def test_what_is_outside_the_filter_is_reduced_to_its_digest(tmp_path):
    log.fill()
    path = log.export(tmp_path, "--customer", "101", "--field", "email", "--to", "5")

    _, *entries, _ = lines(path)

    full = [entry["seq"] for entry in entries if "content" in entry]
    wanted = Entry.objects.filter(customer_id="101", field="email", seq__lte=5)
    assert full == sorted(wanted.values_list("seq", flat=True)) != []
    reduced = [entry for entry in entries if "content" not in entry]
    assert all(entry.keys() == {"seq", "content_digest"} for entry in reduced)
    words = f"entries 1 to 9: whole, 0 seals compared, {len(full)} entries in full\n"
    assert log.verify_alone(path) == (0, words)


@pytest.mark.parametrize(
    ("numbers", "sentence"),
    [
        ({"first": 9}, "There is no entry 9"),
        ({"first": 2, "last": 1}, "--to is before --from"),
        ({"field": "nosuch"}, "There is no entry of a field nosuch: nothing was written"),
    ],
)
def test_an_export_of_no_entry_is_refused(numbers, sentence):
    log.fill(1)

    with pytest.raises(CommandError, match=sentence):
        call_command("audit_export", **numbers)


def test_an_export_from_the_middle_needs_a_seal_for_its_beginning(tmp_path):
    log.fill(3)
    kept = log.seal(tmp_path)
    log.fill(2)
    path = log.export(tmp_path, "--from", "5")

    status, said = log.verify_alone(path)
    assert (status, "give a seal of entry 4" in said) == (0, True)
    status, said = log.verify_alone(path, "--seal", kept)
    assert (status, "proven" in said) == (0, False)


def test_a_changed_or_cut_export_is_found(tmp_path):
    log.fill()
    path = log.export(tmp_path)
    whole = path.read_text(encoding="utf-8")

    path.write_text(whole.replace('"field":"phones"', '"field":"email"', 1), encoding="utf-8")
    assert log.verify_alone(path)[1].startswith("entry 3: its content gives another digest")
    path.write_text(whole.replace('"to":9', '"to":99', 1), encoding="utf-8")
    elsewhere = "the export says that it ends elsewhere than at its head\n"
    assert log.verify_alone(path)[1].startswith(elsewhere)
    path.write_text("\n".join(whole.splitlines()[:-1]), encoding="utf-8")
    assert log.verify_alone(path) == (2, "the export has no head: it was cut\n")
    path.write_text("nonsense", encoding="utf-8")
    assert log.verify_alone(path)[0] == 2
    path.write_text(whole, encoding="utf-8")
    assert log.verify_alone(path, key="short")[0] == 2


@pytest.mark.parametrize(
    ("line", "change"),
    [
        (3, {"seq": -1}),
        (3, {"seq": 3.0}),
        (3, {"seq": "3"}),
        (3, {"content_digest": "zz", "content": {}}),
        (-1, {"head": [1]}),
    ],
    ids=str,
)
def test_an_export_that_is_none_is_told_with_status_2(tmp_path, line, change):
    log.fill()
    said = lines(log.export(tmp_path))
    said[line] |= change
    path = tmp_path / "changed"
    path.write_text("\n".join(map(json.dumps, said)), encoding="utf-8")

    assert log.verify_alone_here(path)[0] == 2


@pytest.mark.once
@hypothesis_settings(deadline=None, max_examples=150)
@given(texts=st.lists(st.text(), min_size=len(COLUMNS), max_size=len(COLUMNS)))
def test_any_text_is_hashed_as_rfc_8785_writes_it(texts):
    short = dict(zip('\b\t\n\f\r"\\', [rf"\{c}" for c in 'btnfr"\\'], strict=True))
    written = ",".join(
        '"' + "".join(short.get(c, f"\\u{ord(c):04x}" if c < " " else c) for c in text) + '"'
        for text in ["crmadmin-entry-1", *texts]
    )
    assert verifier.text_array(["crmadmin-entry-1", *texts]).decode() == f"[{written}]"
