"""A log to verify, and the two who verify it."""

import base64
import io
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from customers.audit import chain, entries, erasure, signing, triggers, verifier
from customers.audit.actions import Evidence, Outcome
from customers.audit.entries import FieldOutcome
from customers.audit.models import Change, ChangedField, Entry, VaultItem

VERIFIER = Path(__file__).parent.parent / "customers" / "audit" / "verifier.py"
TEXTS = ["tom@example.com", "北京", 'é "quoted" \\ \u2028', "emoji 😀", "tab\tand\nline", ""]


def sql(statement, *values):
    """How many rows it touched."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.rowcount


def append(*findings, action="change", customer_id="123456789", change_id=None, locale="en-US"):
    act = {
        "action": action,
        "customer_id": customer_id,
        "customer_label": "Béatriz 北",
        "actor_issuer": "https://login.example.com",
        "actor_sub": "staff-1001",
        "actor_name": "Inès “I” Moreau",
        "actor_roles": "agent",
        "reason": "said so \\ by phone\u2028",
        "locale": locale,
        "request_id": "0123456789ab",
        "flags": "forced_address",
        "related": ["555"],
    }
    with transaction.atomic():
        return entries.append(change_id or uuid4(), act, findings)


def fill(changes=6):
    """A log of so many changes, of one or two fields each."""
    begun = chain.position()
    for n in range(changes):
        old, new = TEXTS[n % len(TEXTS)], [{"number": TEXTS[(n + 1) % len(TEXTS)], "n": n}]
        fields = ["email", "phones"][: 1 + n % 2]
        append(
            *(
                FieldOutcome(field, old, new, Outcome.APPLIED, Evidence.READ, new)
                for field in fields
            ),
            customer_id=str(100 + n % 3),
            change_id=UUID(int=begun + n + 1),
        )


def endless():
    """A transaction may last as long as some tests."""
    if connection.vendor == "postgresql":
        sql("SET LOCAL idle_in_transaction_session_timeout = 0")


def lift_the_triggers(of=""):
    """As whoever owns the tables can. In a transaction, whose end brings them back.

    of: the one table that they are lifted of.
    """
    sqlite = connection.vendor == "sqlite"
    for name in triggers._SQLITE if sqlite else triggers._POSTGRESQL:
        table, _, _ = name.rpartition("_")
        if of in ("", table):
            sql(f"DROP TRIGGER IF EXISTS {name}" + ("" if sqlite else f" ON {table}"))


def empty():
    """Delete all rows, and leave the triggers as they should be.

    Most tables have none: Django's flush, which truncates them all, takes ten times as long.
    """
    tables = connection.introspection.django_table_names(only_existing=True, include_views=False)
    with transaction.atomic(), connection.cursor() as cursor:
        held = [f"SELECT '{one}' WHERE EXISTS (SELECT 1 FROM {one})" for one in tables]
        cursor.execute(" UNION ALL ".join(held))
        for (table,) in cursor.fetchall():
            lift_the_triggers(table)
            sql(f"DELETE FROM {table}")
        triggers.install()


def leave_behind_an_anchor(last, digest=None):
    """The oldest entries up to that number leave, as the product lets them.

    digest: what the anchor says, if not that of the last one.
    """
    digest = digest or bytes(Entry.objects.get(seq=last).digest)
    append(erasure.anchor(last, digest), action="anchor", customer_id="")
    VaultItem.objects.filter(pk__lte=last).delete()
    for model in (Change, ChangedField, Entry):
        model.objects.filter(seq__lte=last).delete()


def rebuild():
    call_command("audit_rebuild", stdout=io.StringIO(), stderr=io.StringIO())


def public_key():
    return base64.urlsafe_b64encode(signing.public_key()).decode()


def seal(tmp_path, name="seal"):
    path = tmp_path / name
    call_command("audit_seal", to=str(path))
    return path


def verify(*arguments):
    """Exit status and words of `audit_verify`."""
    said, told = io.StringIO(), io.StringIO()
    try:
        call_command("audit_verify", *map(str, arguments), stdout=said, stderr=told)
    except SystemExit as exc:
        return exc.code, said.getvalue()
    except CommandError as exc:
        return exc.returncode, str(exc)
    return 0, said.getvalue()


def export(tmp_path, *arguments):
    path = tmp_path / f"{uuid4()}.ndjson"
    call_command("audit_export", *map(str, arguments), output=str(path))
    return path


def verify_alone(path, *arguments, key=None):
    """Exit status and words of the standalone file, in a Python that knows nothing of ours."""
    command = [sys.executable, "-I", *_standalone(path, *arguments, key=key)]
    done = subprocess.run(command, cwd="/", capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return done.returncode, done.stdout


def verify_alone_here(path, *arguments, key=None):
    """The same without a process of its own, which costs more than the look."""
    said = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(said):
        patch.setattr(sys, "argv", _standalone(path, *arguments, key=key))
        status = verifier.main()
    return status, said.getvalue()


def _standalone(path, *arguments, key=None):
    return [str(VERIFIER), str(path), "--key", key or public_key(), *map(str, arguments)]


def both(tmp_path, *arguments):
    """What both say of the log as it is: statuses and words."""
    status, words = verify(*arguments)
    alone, said = verify_alone_here(export(tmp_path), *arguments)
    return (status, alone), words, said
