"""Settings come from the environment, and a bad value is named when the process starts."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
COMPLETE = {
    "SECRET_KEY": "k" * 60,
    "DATABASE_URL": "sqlite://:memory:",
    "CLUBMED_API_KEY": "key",
    "CLUBMED_TOKEN": "token",
    "AUDIT_ENCRYPTION_KEYS": "A" * 43,
    "AUDIT_SIGNING_KEY": "A" * 43,
    "OIDC_ISSUER": "https://login.example.com",
    "OIDC_CLIENT_ID": "crmadmin",
    "OIDC_CLIENT_SECRET": "secret",
}


def start(environment, ask="pass"):
    """A process of its own that reads the settings; its exit status, and what it printed."""
    code = f"import crmadmin.settings as s; {ask}"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_a_complete_environment_starts():
    assert start(COMPLETE) == (0, "")


@pytest.mark.parametrize("name", COMPLETE)
def test_a_missing_variable_is_named(name):
    status, said = start({key: value for key, value in COMPLETE.items() if key != name})

    assert status != 0
    assert name in said.splitlines()[-1]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECRET_KEY", ""),
        ("CLUBMED_API_URL", "api.clubmed.com"),
        ("CLUBMED_AUTH", "guess"),
        ("CLUBMED_READ_TIMEOUT", "soon"),
        ("CLUBMED_DEADLINE", "0"),
        ("CLUBMED_DEADLINE", "-3"),
        ("JOURNAL_GRACE", "nan"),
        ("AUDIT_ENCRYPTION_KEYS", "short"),
        ("AUDIT_ENCRYPTION_KEYS", "A" * 43 + ","),
        ("AUDIT_VALUE_MONTHS", "0"),
        ("AUDIT_VALUE_MONTHS", "37"),
        ("AUDIT_ENTRY_MONTHS", "a year"),
        ("ACCESS_MONTHS", "-1"),
        ("ACCESS_MONTHS", "37"),
        ("AUDIT_SIGNING_KEY", "short"),
        ("AUDIT_SIGNING_KEY", "A" * 44),
        ("AUDIT_VERIFY_KEYS", "A" * 43 + ",é"),
        ("OIDC_ISSUER", "login"),
        ("OIDC_CLIENT_ID", " "),
        ("HTTPS_ONLY", "ture"),
        ("DEBUG", "maybe"),
        ("TRUSTED_PROXIES", "the proxy"),
        ("DATABASE_URL", "foo"),
        ("CACHE_URL", "foo"),
        ("CLUBMED_TOKEN_FILE", "/nowhere/token"),
    ],
)
def test_a_bad_value_is_named(name, value):
    status, said = start(COMPLETE | {name: value})

    assert status != 0
    assert name in said.splitlines()[-1]


def test_a_command_says_it_in_one_sentence():
    done = subprocess.run(
        [sys.executable, "manage.py", "audit_verify"],
        cwd=ROOT,
        env=COMPLETE | {"AUDIT_ENCRYPTION_KEYS": "short"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    [said] = done.stderr.splitlines()
    assert "AUDIT_ENCRYPTION_KEYS" in said


def test_a_secret_may_lie_in_a_file(tmp_path):
    (tmp_path / "token").write_text("from-a-file\n")
    environment = COMPLETE | {"CLUBMED_TOKEN_FILE": str(tmp_path / "token")}
    del environment["CLUBMED_TOKEN"]

    assert start(environment, "print(s.CLUBMED_TOKEN)") == (0, "from-a-file\n")


def test_former_secrets_may_lie_in_a_file_too(tmp_path):
    (tmp_path / "former").write_text("one, two\n")
    environment = COMPLETE | {"SECRET_KEY_FALLBACKS_FILE": str(tmp_path / "former")}

    assert start(environment, "print(s.SECRET_KEY_FALLBACKS)") == (0, "['one', 'two']\n")


def test_no_error_repeats_a_value():
    for name in ("DATABASE_URL", "CACHE_URL", "CLUBMED_READ_TIMEOUT", "HTTPS_ONLY"):
        status, said = start(COMPLETE | {name: "s3cr3t-value"})
        assert status != 0
        assert "s3cr3t" not in said


def test_a_secret_may_begin_with_any_character():
    environment = COMPLETE | {"SECRET_KEY": "$" + "k" * 60}

    assert start(environment, "print(s.SECRET_KEY[0])") == (0, "$\n")


def test_lists_may_be_written_with_spaces():
    environment = COMPLETE | {"AGENT_GROUPS": "a, b ,c", "TRUSTED_PROXIES": "10.0.0.0/8, ::1"}

    ask = "print(sorted(s.AGENT_GROUPS), [str(n) for n in s.TRUSTED_PROXIES])"
    assert start(environment, ask) == (0, "['a', 'b', 'c'] ['10.0.0.0/8', '::1/128']\n")


def test_supervisors_may_reveal_unless_others_are_named():
    environment = COMPLETE | {"SUPERVISOR_GROUPS": "seniors"}

    for named, reveal in (
        ({}, "seniors"),
        ({"REVEAL_GROUPS": ""}, "seniors"),
        ({"REVEAL_GROUPS": "a, b"}, "a b"),
    ):
        assert start(environment | named, "print(*sorted(s.REVEAL_GROUPS))") == (0, f"{reveal}\n")


def test_what_a_database_address_asks_for_is_kept():
    address = "postgres://u:p%2Fw@db.example.com/name?sslmode=verify-full"

    ask = "d = s.DATABASES['default']; print(d['PASSWORD'], d['OPTIONS']['sslmode'])"
    assert start(COMPLETE | {"DATABASE_URL": address}, ask) == (0, "p/w verify-full\n")


def test_production_is_the_default():
    ask = "print(s.DEBUG, s.HTTPS_ONLY, s.SESSION_COOKIE_SECURE, s.ENVIRONMENT_NAME)"

    assert start(COMPLETE, ask) == (0, "False True True \n")


def test_the_example_lists_every_variable_and_no_other():
    source = (ROOT / "crmadmin/settings.py").read_text()
    readers = "text|switch|words|networks|secret|address|seconds|months|store"
    calls = rf'\b(?:{readers}|environ\.get)\("([A-Z_]+)"'
    read = set(re.findall(calls, source))
    listed = set(re.findall(r"^([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))

    assert read == listed
    assert len(read) > 20


def test_sqlite_is_as_durable_as_it_can_be(db):
    from django.db import connection

    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL keeps its own promise")
    with connection.cursor() as cursor:
        assert cursor.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
    assert connection.settings_dict["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
    assert connection.settings_dict["ATOMIC_REQUESTS"] is False
