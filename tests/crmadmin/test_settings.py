"""Settings come from the environment, and a bad value is named when the process starts."""

import os
import re
import runpy
import subprocess
import sys
from datetime import timedelta
from ipaddress import ip_network
from unittest.mock import patch

import environ
import pytest
from django.core.exceptions import ImproperlyConfigured

from tests.demo import ROOT

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


def settings_of(**environment):
    """The settings that a process with a complete environment and these variables has."""
    given = {name: value for name, value in (COMPLETE | environment).items() if value is not None}
    with patch.dict(os.environ, given, clear=True):
        environ.FileAwareEnv.ENVIRON.files_cache.clear()
        return runpy.run_path(str(ROOT / "crmadmin/settings.py"))


@pytest.mark.parametrize("name", COMPLETE)
def test_a_missing_variable_is_named(name):
    with pytest.raises(ImproperlyConfigured, match=f"^{name} is not set$"):
        settings_of(**{name: None})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECRET_KEY", ""),
        ("LANGUAGE_CODE", "french"),
        ("TIME_ZONE", "Europe/Lutetia"),
        ("TIME_ZONE", "../etc/passwd"),
        ("CLUBMED_API_URL", "api.clubmed.com"),
        ("CLUBMED_AUTH", "guess"),
        ("CLUBMED_READ_TIMEOUT", "soon"),
        ("CLUBMED_DEADLINE", "0"),
        ("CLUBMED_DEADLINE", "30"),  # the seconds that a worker has to stop
        ("JOURNAL_GRACE", "nan"),
        ("JOURNAL_GRACE", "14"),  # less than CLUBMED_DEADLINE, which is 15
        ("REASONS", "Customer called;" + "x" * 51),
        ("REASONS", "Customer\tcalled"),
        ("REASON_REQUIRED", "email,mail"),
        ("REASON_REQUIRED", "gm_number"),  # Club Med's to change
        ("AUDIT_ENCRYPTION_KEYS", "short"),
        ("AUDIT_ENCRYPTION_KEYS", "A" * 43 + ","),
        ("AUDIT_VALUE_MONTHS", "0"),
        ("AUDIT_VALUE_MONTHS", "37"),  # more than AUDIT_ENTRY_MONTHS, which is 36
        ("AUDIT_ENTRY_MONTHS", "a year"),
        ("ACCESS_MONTHS", "37"),
        ("AUDIT_SIGNING_KEY", "short"),
        ("AUDIT_VERIFY_KEYS", "A" * 43 + ",é"),
        ("OIDC_ISSUER", "login"),
        ("OIDC_CLIENT_ID", " "),
        ("HTTPS_ONLY", "ture"),
        ("TRUSTED_PROXIES", "the proxy"),
        ("LIMIT_VIEWS", "120"),
        ("LIMIT_SEARCHES", "0/10m"),
        ("LIMIT_REVEALS", "30/1w"),
        ("DATABASE_URL", "mysql://u:s3cr3t@db/name"),
        ("CACHE_URL", "s3cr3t"),
        ("CLUBMED_TOKEN_FILE", "/nowhere/token"),
    ],
)
def test_a_bad_value_is_named_and_not_repeated(name, value):
    with pytest.raises(ImproperlyConfigured, match=name) as error:
        settings_of(**{name: value})

    assert "s3cr3t" not in str(error.value)


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


def test_every_value_may_lie_in_a_file(tmp_path):
    (tmp_path / "token").write_text("from-a-file\n")
    (tmp_path / "former").write_text("one, two\n")

    settings = settings_of(
        CLUBMED_TOKEN=None,
        CLUBMED_TOKEN_FILE=str(tmp_path / "token"),
        SECRET_KEY_FALLBACKS_FILE=str(tmp_path / "former"),
    )

    assert settings["CLUBMED_TOKEN"] == "from-a-file"
    assert settings["SECRET_KEY_FALLBACKS"] == ["one", "two"]


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        ("SECRET_KEY", "$" + "k" * 60, "$" + "k" * 60),
        ("AGENT_GROUPS", "a, b ,c", {"a", "b", "c"}),
        ("REVEAL_GROUPS", "a, b", {"a", "b"}),
        ("REVEAL_GROUPS", "", {"seniors"}),  # those of the supervisors
        ("REASONS", " By phone ;; In writing, by letter;", ["By phone", "In writing, by letter"]),
        ("REASON_REQUIRED", "email, phones", {"email", "phones"}),
        ("REASON_REQUIRED", None, set()),
        ("DEBUG", "On", True),
        ("AUDIT_VERIFY_KEYS", "", ()),
        ("TRUSTED_PROXIES", "10.0.0.0/8, ::1", [ip_network("10.0.0.0/8"), ip_network("::1")]),
        ("LIMIT_VIEWS", None, (120, timedelta(minutes=10))),
        ("LIMIT_REVEALS", "7/2h", (7, timedelta(hours=2))),
        ("LANGUAGE_CODE", None, "en"),
        # Production is the default.
        ("DEBUG", None, False),
        ("HTTPS_ONLY", None, True),
        ("ENVIRONMENT_NAME", None, ""),
    ],
)
def test_a_value_is_read_as_it_is_meant(name, value, read):
    assert settings_of(SUPERVISOR_GROUPS="seniors", **{name: value})[name] == read


def test_the_example_lists_every_variable_and_no_other():
    source = (ROOT / "crmadmin/settings.py").read_text()
    readers = "given|text|switch|words|networks|auth|key|keys|address|seconds|months|database|cache"
    readers += "|reasons|fields|threshold|limit|language|zone"
    read = set(re.findall(rf'\b(?:{readers})\("([A-Z_]+)"', source))
    listed = set(re.findall(r"^([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))

    assert read == listed
    assert len(read) > 20
