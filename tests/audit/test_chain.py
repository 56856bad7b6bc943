"""The order and the proof of the log: numbers, clock, digests, the signed head."""

import base64
import hashlib
from datetime import timedelta
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.core.management import call_command
from django.db import transaction
from django.db.transaction import TransactionManagementError
from django.utils import timezone

from customers.audit import chain, entries, signing
from customers.audit.actions import Outcome
from customers.audit.entries import FieldOutcome
from customers.audit.models import Entry, Head, JournalLine, VaultItem
from customers.audit.verifier import id_of
from tests import log
from tests.conftest import HTMX, TOM, sent, soup, text
from tests.log import sql

URL = f"/customers/{TOM}/fields/email/"
ACT = {"action": "change", "customer_id": TOM, "actor_name": "Inès Moreau", "locale": "en-US"}


def append(*fields):
    with transaction.atomic():
        findings = [FieldOutcome(name, "a", '北 \u2028 " \\', Outcome.APPLIED) for name in fields]
        return entries.append(uuid4(), ACT, findings)


def as_specified(*parts):
    """The hash of a text array, written from docs/audit.md alone."""
    escaped = (
        part.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") for part in parts
    )
    array = "[" + ",".join(f'"{part}"' for part in escaped) + "]"
    return hashlib.sha256(array.encode()).digest()


def committed(entry, *texts):
    """What the entry has to commit to: the hash of each salt in the vault and its value's text."""
    encrypted = bytes(VaultItem.objects.get(pk=entry.seq).encrypted)
    about = f'["crmadmin-values-1","{entry.seq}","{entry.field}"]'.encode()
    key = AESGCM(settings.AUDIT_ENCRYPTION_KEYS[0])
    plain = key.decrypt(encrypted[:12], encrypted[12:], about)
    salted = plain.split(b"\n")
    assert [one[32:].decode() for one in salted] == list(texts)
    return [hashlib.sha256(one).hexdigest() for one in salted]


@pytest.mark.django_db
def test_an_entry_is_hashed_as_the_document_says():
    [entry] = append("email")

    at = entry.recorded_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    old, new = committed(entry, '"a"', r'"\u5317 \u2028 \" \\"')
    content = as_specified(
        "crmadmin-entry-3", entry.change_id.hex, at, "change", TOM, "", "", "", "Inès Moreau", "",
        "", "en-US", "", "", "", "", "email", old, new, "", "applied", "answer", "",
    )  # fmt: skip
    assert bytes(entry.content_digest) == content
    before = bytes(32)
    linked = b"crmadmin-chain-1" + (1).to_bytes(8, "big") + before + content
    assert bytes(entry.digest) == hashlib.sha256(linked).digest()


@pytest.mark.django_db
def test_what_is_stored_gives_the_digests_again():
    append("email", "first_name")
    append("email")

    digest = bytes(32)
    for entry in Entry.objects.order_by("seq"):
        content = as_specified("crmadmin-entry-3", *chain.columns(entry))
        linked = b"crmadmin-chain-1" + entry.seq.to_bytes(8, "big") + digest + content
        digest = hashlib.sha256(linked).digest()
        assert (bytes(entry.content_digest), bytes(entry.digest)) == (content, digest)
    head = Head.objects.get()
    assert (head.seq, bytes(head.digest)) == (3, digest)


@pytest.mark.django_db
def test_the_head_is_signed_with_our_key(settings):
    [entry] = append("email")

    head = Head.objects.get()
    public = Ed25519PrivateKey.from_private_bytes(settings.AUDIT_SIGNING_KEY).public_key()
    assert head.key_id == hashlib.sha256(public.public_bytes_raw()).hexdigest()[:8]
    at = entry.recorded_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    message = f'["crmadmin-head-1","1","{at}","{bytes(entry.digest).hex()}","{head.key_id}"]'
    public.verify(bytes(head.signature), message.encode())  # raises if it is not


@pytest.mark.django_db(transaction=True)
def test_each_append_leaves_a_seal_in_the_process_log(caplog):
    caplog.set_level("INFO", logger="customers.audit.chain")

    [entry] = append("email")
    with transaction.atomic():
        entries.append(uuid4(), ACT, [FieldOutcome("email", "a", "b", Outcome.APPLIED)])
        transaction.set_rollback(True)

    [said] = [record.seal for record in caplog.records]
    assert (said["seq"], said["digest"]) == (1, bytes(entry.digest).hex())
    head = Head.objects.get()
    assert base64.urlsafe_b64decode(said["signature"] + "==") == bytes(head.signature)


@pytest.mark.django_db
def test_the_clock_of_the_log_never_runs_backwards(monkeypatch):
    append("email")
    an_hour_ago = timezone.now() - timedelta(hours=1)
    monkeypatch.setattr(timezone, "now", lambda: an_hour_ago)

    append("email")

    times = list(Entry.objects.order_by("seq").values_list("recorded_at", flat=True))
    assert times[0] == times[1]


@pytest.mark.django_db
@pytest.mark.parametrize(("minutes", "warned"), [(1, False), (4, True)])
def test_a_head_ahead_of_the_clock_is_warned_of_everywhere(
    client, caplog, capsys, monkeypatch, minutes, warned
):
    append("email")
    then = timezone.now() - timedelta(minutes=minutes)
    monkeypatch.setattr(timezone, "now", lambda: then)

    append("email")
    call_command("audit_verify")

    words = f"The newest entry was recorded {minutes - 1} minutes ahead of this machine’s clock"
    told = caplog.text, capsys.readouterr().err, client.get("/health/ready").content.decode()
    assert [words in one for one in told] == [warned] * 3
    assert told[2].startswith("ready\n")


@pytest.mark.django_db(transaction=True)
def test_the_log_grows_inside_a_transaction_only():
    with pytest.raises(TransactionManagementError):
        entries.append(uuid4(), ACT, [FieldOutcome("email", "a", "b", Outcome.APPLIED)])


def forge(**columns):
    """As somebody with the database, and without the key."""
    names = ", ".join(f"{name} = %s" for name in columns)
    sql(f"UPDATE customers_head SET {names}", *columns.values())


def another_key_signs(seed):
    head = Head.objects.get()
    other = Ed25519PrivateKey.from_private_bytes(seed)
    head.key_id = id_of(other.public_key().public_bytes_raw())
    forge(key_id=head.key_id, signature=other.sign(chain.seal_of(head).message()))


FORGERIES = {
    "digest": lambda: forge(digest=b"x" * 32),
    "signature": lambda: forge(signature=b"x" * 64),
    "another key": lambda: another_key_signs(b"o" * 32),
    "time": lambda: forge(recorded_at=timezone.now()),
    "number": lambda: forge(seq=7),
    "taken away": lambda: [log.lift_the_triggers(), forge(seq=0, signature=b"")],
}


@pytest.mark.parametrize("forgery", FORGERIES.values(), ids=FORGERIES)
@pytest.mark.parametrize("restarted", [False, True], ids=["same process", "restarted"])
def test_over_a_forged_head_nothing_is_sent_and_the_text_comes_back(
    agent, clubmed, caplog, forgery, restarted
):
    agent.post(URL, agent.form(URL) | {"value": "new@example.com"}, headers=HTMX)
    agent.get(f"/customers/{TOM}/")
    forgery()
    if restarted:
        chain._believe(Head(pk=1, recorded_at=timezone.now(), digest=b"", signature=b""))

    answer = agent.post(URL, agent.form(URL) | {"value": "newer@example.com"}, headers=HTMX)

    assert answer.status_code == 503
    assert "The audit log cannot be written right now." in text(soup(answer))
    assert b"newer@example.com" in answer.content
    assert len(sent(clubmed, "PATCH")) == 1
    assert not JournalLine.objects.exists()
    assert "the head of the log is not signed with our key" in caplog.text
    assert agent.get(f"/customers/{TOM}/").status_code == 200, "looking goes on"


@pytest.mark.django_db
def test_a_former_key_is_good_for_nothing_but_a_rotation(settings):
    append("email")
    former = settings.AUDIT_SIGNING_KEY
    settings.AUDIT_VERIFY_KEYS = (signing.public_key(),)
    settings.AUDIT_SIGNING_KEY = b"n" * 32

    with pytest.raises(chain.ForgedHeadError):
        append("email")

    with transaction.atomic():
        chain.sign(chain.lock(rotating=True))
    append("email")
    head = Head.objects.get()
    assert head.key_id == signing.current_key()
    another_key_signs(former)
    with pytest.raises(chain.ForgedHeadError):
        append("email")
