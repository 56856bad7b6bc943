"""Settings come from the environment, and a bad value is named when the process starts."""

import base64
import hashlib
import os
import re
import runpy
import secrets
import subprocess
import sys
from datetime import timedelta
from ipaddress import ip_network
from unittest.mock import patch

import environ
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management.utils import get_random_secret_key

from crmadmin import unsafe
from crmadmin.apps import is_proven
from tests.demo import ROOT

pytestmark = pytest.mark.once

SECRET = "a-key-for-tests-only-of-at-least-fifty-characters-0123456789"
KEY, SIGNING_KEY, THIRD_KEY = (
    base64.urlsafe_b64encode(hashlib.sha256(name).digest()).decode()
    for name in (b"encryption", b"signing", b"third")
)


def in_base64(key):
    return base64.urlsafe_b64encode(bytes(key)).decode()


FLAT_KEY = in_base64(b"k" * 32)
REQUIRED = {
    "SECRET_KEY": SECRET,
    "DATABASE_URL": "sqlite://:memory:",
    "CLUBMED_API_KEY": "key",
    "CLUBMED_TOKEN": "token",
    "AUDIT_ENCRYPTION_KEYS": KEY,
    "AUDIT_SIGNING_KEY": SIGNING_KEY,
    "OIDC_ISSUER": "https://login.example.com",
    "OIDC_CLIENT_ID": "crmadmin",
    "OIDC_CLIENT_SECRET": "secret",
}
COMPLETE = REQUIRED | {"AGENT_GROUPS": "agents", "ALLOWED_HOSTS": "desk.example.com"}


def settings_of(**environment):
    """The settings that a process with a complete environment and these variables has."""
    given = {name: value for name, value in (COMPLETE | environment).items() if value is not None}
    with patch.dict(os.environ, given, clear=True):
        environ.FileAwareEnv.ENVIRON.files_cache.clear()
        return runpy.run_path(str(ROOT / "crmadmin/settings.py"))


@pytest.mark.parametrize("name", REQUIRED)
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
        ("AUDIT_ENCRYPTION_KEYS", KEY + ","),
        ("AUDIT_VALUE_MONTHS", "0"),
        ("AUDIT_VALUE_MONTHS", "37"),  # more than AUDIT_ENTRY_MONTHS, which is 36
        ("AUDIT_ENTRY_MONTHS", "a year"),
        ("ACCESS_MONTHS", "37"),
        ("AUDIT_SIGNING_KEY", "short"),
        ("AUDIT_VERIFY_KEYS", THIRD_KEY + ",é"),
        ("OIDC_ISSUER", "login"),
        ("OIDC_ISSUER", "https://[login"),
        ("OIDC_CLIENT_ID", " "),
        ("HTTPS_ONLY", "ture"),
        ("TRUSTED_PROXIES", "the proxy"),
        ("LIMIT_VIEWS", "120"),
        ("LIMIT_SEARCHES", "0/10m"),
        ("LIMIT_REVEALS", "30/1w"),
        ("DATABASE_URL", "mysql://u:s3cr3t@db/name"),
        ("CACHE_URL", "s3cr3t"),
        ("CACHE_URL", ""),
        ("ALLOWED_HOSTS", "https://desk.example.com"),
        ("ALLOWED_HOSTS", "desk.example.com:8000"),
        ("CLUBMED_TOKEN_FILE", "/nowhere/token"),
    ],
)
def test_a_bad_value_is_named_and_not_repeated(name, value):
    with pytest.raises(ImproperlyConfigured, match=name) as error:
        settings_of(**{name: value})

    assert "s3cr3t" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OIDC_ISSUER", "http://login.example.com"),
        ("OIDC_ISSUER", "https://s3cr3t@login.example.com"),
        ("CLUBMED_API_URL", "http://api.example.com"),
        ("CLUBMED_API_URL", "https://user:s3cr3t@api.example.com"),
        ("CLUBMED_TOKEN_URL", "http://127.0.0.1.example.com/token"),
        ("CLUBMED_TOKEN_URL", "https://:s3cr3t@id.example.com/token"),
        ("AUDIT_ENCRYPTION_KEYS", "A" * 43),
        ("AUDIT_ENCRYPTION_KEYS", FLAT_KEY),
        ("AUDIT_ENCRYPTION_KEYS", f"{KEY},{FLAT_KEY}"),
        ("AUDIT_ENCRYPTION_KEYS", f"{KEY},{in_base64(range(32))}"),
        ("AUDIT_ENCRYPTION_KEYS", in_base64(range(255, 95, -5))),
        ("AUDIT_SIGNING_KEY", in_base64(b"correct horse battery staple, 42")),
        ("AUDIT_SIGNING_KEY", "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ"),
        ("AUDIT_SIGNING_KEY", in_base64(bytes.fromhex("9f86d081884c7d65") * 4)),
        ("AUDIT_ENCRYPTION_KEYS", f"{KEY},{KEY}"),
        ("AUDIT_SIGNING_KEY", "A" * 43),
        ("AUDIT_SIGNING_KEY", KEY),
        ("AUDIT_VERIFY_KEYS", "A" * 43),
        ("AUDIT_VERIFY_KEYS", SIGNING_KEY),  # the private one
        ("SECRET_KEY", SECRET[:49]),
        ("SECRET_KEY", "s3cr3t" * 10),
        ("SECRET_KEY", "Correct-Horse-7-" * 4),
        ("SECRET_KEY", "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"),
        ("SECRET_KEY", f"PassWord-{SECRET}"),
        ("SECRET_KEY", f"django-Insecure-{SECRET}"),
        ("SECRET_KEY_FALLBACKS", "s3cr3t"),
        ("SECRET_KEY_FALLBACKS", SECRET),
        ("ALLOWED_HOSTS", "*"),
        ("ALLOWED_HOSTS", "desk.example.com,.com"),
        ("ALLOWED_HOSTS", ".co.uk"),
        ("ALLOWED_HOSTS", ".Com.br"),
        ("ALLOWED_HOSTS", "com"),
        ("ALLOWED_HOSTS", ".github.io"),
        ("ALLOWED_HOSTS", ".azurewebsites.net,desk.example.com"),
        ("ALLOWED_HOSTS", ".pvt.k12.ma.us"),
        ("ALLOWED_HOSTS", ".рф"),
        ("ALLOWED_HOSTS", "."),
        ("TRUSTED_PROXIES", "0.0.0.0/0"),
        ("TRUSTED_PROXIES", "10.0.0.1,0.0.0.0/1,128.0.0.0/1"),
        ("TRUSTED_PROXIES", "::/0"),
        ("AGENT_GROUPS", ""),  # and no other role has one
        # One group for an agent and an auditor gives both roles, and neither is in the other.
        ("AGENT_GROUPS", "agents,seniors"),
        ("AUDITOR_GROUPS", "seniors"),
        ("DEBUG", "on"),
    ],
)
def test_an_unsafe_deployment_does_not_start_and_the_variable_is_named(name, value):
    beside = {"SUPERVISOR_GROUPS": "seniors"} if "seniors" in value else {}
    if name == "CLUBMED_TOKEN_URL":
        beside = {"CLUBMED_CLIENT_ID": "desk", "CLUBMED_CLIENT_SECRET": "s3cr3t"}
        beside["CLUBMED_AUTH"] = "client_credentials"
    with pytest.raises(ImproperlyConfigured) as error:
        settings_of(**{name: value}, **beside)

    said = str(error.value)
    assert said.startswith(name)
    assert "s3cr3t" not in said
    assert SECRET not in said
    assert not re.search(f"; (?!{name})", said)  # nothing else is found fault with


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"HTTPS_ONLY": "off", "DEBUG": "on", "OIDC_ISSUER": "http://id.example.com"},  # a laptop
        {"OIDC_ISSUER": "http://127.0.0.1:8002", "CLUBMED_API_URL": "http://[::1]:8001"},
        {"ALLOWED_HOSTS": "desk,.example.com,.example.co.uk,10.0.0.7,[::1],desk.corp.internal"},
        {"ALLOWED_HOSTS": "clubmed-desk.azurewebsites.net"},
        {"TRUSTED_PROXIES": "10.0.0.0/8,fd00::/8,192.0.2.1"},
        {"AUDIT_ENCRYPTION_KEYS": f"{KEY},{THIRD_KEY}", "SECRET_KEY_FALLBACKS": SECRET[::-1]},
        {"AGENT_GROUPS": "desk", "AUDITOR_GROUPS": "desk", "SUPERVISOR_GROUPS": "seniors"},
        {"AGENT_GROUPS": "", "AUDITOR_GROUPS": "auditors"},
    ],
    ids=str,
)
def test_a_safe_one_starts_silently(environment):
    assert settings_of(**environment)["INSTALLED_APPS"]


def test_no_random_key_or_secret_is_taken_for_a_weak_one():
    safe = settings_of(ALLOWED_HOSTS="127.0.0.1")
    for _ in range(1000):
        drawn = {
            "AUDIT_ENCRYPTION_KEYS": (secrets.token_bytes(32),),
            "AUDIT_SIGNING_KEY": secrets.token_bytes(32),
            "SECRET_KEY": secrets.token_hex(32),
            "SECRET_KEY_FALLBACKS": [get_random_secret_key(), secrets.token_urlsafe(38)],
        }
        assert not [*unsafe.faults(safe | drawn)]


def test_every_fault_is_told_at_once():
    with pytest.raises(ImproperlyConfigured) as error:
        settings_of(SECRET_KEY="short", ALLOWED_HOSTS="*")

    assert [said.split()[0] for said in str(error.value).split("; ")] == [
        "SECRET_KEY",
        "ALLOWED_HOSTS",
    ]


@pytest.mark.parametrize(
    ("address", "proven"),
    [
        ("postgres://desk@db.example.com/desk", False),
        ("postgres://desk@db.example.com/desk?sslmode=require", False),
        ("postgres://desk@db.example.com/desk?sslmode=verify-full", True),
        ("postgres://desk@127.0.0.1/desk", True),
        ("postgres://desk@%2Frun%2Fpostgresql/desk", True),
        ("sqlite:////var/lib/desk.sqlite3", True),
    ],
)
def test_a_database_that_may_be_another_is_warned_of(address, proven):
    assert is_proven(settings_of(DATABASE_URL=address)["DATABASES"]["default"]) == proven


def test_a_command_says_it_in_one_sentence():
    done = subprocess.run(
        [sys.executable, "manage.py", "audit_verify"],
        cwd=ROOT,
        env=COMPLETE | {"AUDIT_ENCRYPTION_KEYS": "short"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 2  # 1 would say that the log is not whole
    [said] = done.stderr.splitlines()
    assert "AUDIT_ENCRYPTION_KEYS" in said


def test_every_value_may_lie_in_a_file(tmp_path):
    (tmp_path / "token").write_text("from-a-file\n")
    former = [f"{SECRET}-{year}" for year in (2025, 2024)]
    (tmp_path / "former").write_text(", ".join(former) + "\n")

    settings = settings_of(
        CLUBMED_TOKEN=None,
        CLUBMED_TOKEN_FILE=str(tmp_path / "token"),
        SECRET_KEY_FALLBACKS_FILE=str(tmp_path / "former"),
    )

    assert settings["CLUBMED_TOKEN"] == "from-a-file"
    assert settings["SECRET_KEY_FALLBACKS"] == former


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        ("SECRET_KEY", "$" + SECRET, "$" + SECRET),
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
    usual = {"SUPERVISOR_GROUPS": "seniors", "HTTPS_ONLY": "off"}
    assert settings_of(**usual | {name: value})[name] == read


def test_the_example_lists_every_variable_and_no_other():
    source = (ROOT / "crmadmin/settings.py").read_text()
    readers = (
        "variable|text|switch|words|hosts|networks|auth|key|keys|address|seconds|months|database"
    )
    readers += "|cache|reasons|fields|threshold|limit|language|zone|hours|minutes"
    read = set(re.findall(rf'\b(?:{readers})\("([A-Z_]+)"', source))
    listed = set(re.findall(r"^([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))

    assert read == listed
    assert len(read) > 20


@pytest.mark.parametrize(("https", "start"), [("on", "__Host-crmadmin_"), ("off", "crmadmin_")])
def test_over_https_cookies_are_taken_from_this_host_alone(https, start):
    read = settings_of(HTTPS_ONLY=https, SUPERVISOR_GROUPS="seniors")

    ours = "SESSION CSRF BROWSER ATTEMPT SIGNED_OUT ENDED LANGUAGE ZONE MARKETS"
    for kind in ours.split():
        assert read[f"{kind}_COOKIE_NAME"].startswith(start)
