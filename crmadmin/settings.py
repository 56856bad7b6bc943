"""Settings: every value comes from the environment, and a bad one is named when the process starts.

`.env.example` lists the variables. In place of each, NAME_FILE may name a file with the value.
"""

import base64
import re
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from ipaddress import ip_network
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import environ
from babel import Locale
from django.core.exceptions import ImproperlyConfigured

from crmadmin.server import graceful_timeout
from crmadmin.static_settings import *  # noqa: F403
from crmadmin.unsafe import faults
from customers.catalogue.fields import FIELDS, Create

BASE_DIR = Path(__file__).resolve().parent.parent
environ.Env.read_env(BASE_DIR / ".env")
# Not env("NAME"): that takes a value that begins with $ for the name of another variable.
_ENVIRON = environ.FileAwareEnv.ENVIRON
T = TypeVar("T")
N = TypeVar("N", int, float)


def variable(name: str, default: str | None = "") -> str:
    """The value of NAME, or the text of the file that NAME_FILE names, without spaces around it."""
    try:
        value: str | None = _ENVIRON.get(name, default)
    except (OSError, UnicodeDecodeError):
        raise ImproperlyConfigured(f"{name}_FILE cannot be read") from None
    if value is None:
        raise ImproperlyConfigured(f"{name} is not set")
    return value.strip()


def read(parse: Callable[[str], T], must: str, name: str, default: str | None = None) -> T:
    """The value of a variable as `parse` returns it.

    must: what a right value does, for the error, which does not repeat a value that may be secret.
    """
    value = variable(name, default)
    try:
        return parse(value)
    except Exception:
        raise ImproperlyConfigured(f"{name} must {must}") from None


def _match(pattern: str, value: str) -> str:
    if not re.fullmatch(pattern, value, re.DOTALL):
        raise ValueError
    return value


def _address(value: str) -> str:
    if not urlsplit(_match("https?://[^/?#]+.*", value)).hostname:
        raise ValueError
    return value


def _hosts(value: str) -> list[str]:
    return [_match(r"\*|[^/:]+|\[[^]]+\]", host) for host in _words(value)]


def _words(value: str) -> list[str]:
    return [word for part in value.split(",") if (word := part.strip())]


def _reasons(value: str) -> list[str]:
    reasons = [reason for part in value.split(";") if (reason := part.strip())]
    if any(len(reason) > 50 or not reason.isprintable() for reason in reasons):
        raise ValueError
    return reasons


def _fields(value: str) -> frozenset[str]:
    can_change = {row.name for row in FIELDS.values() if row.patch or row.create is not Create.NO}
    if not can_change.issuperset(names := _words(value)):
        raise ValueError
    return frozenset(names)


def _number(kind: Callable[[str], N], most: int, value: str) -> N:
    if not 0 < (number := kind(value)) <= most:
        raise ValueError
    return number


def _limit(value: str) -> tuple[int, timedelta]:
    count, time = _match("[1-9][0-9]{0,5}/[1-9][0-9]{0,2}[smh]", value).split("/")
    unit = {"s": "seconds", "m": "minutes", "h": "hours"}[time[-1]]
    return int(count), timedelta(**{unit: int(time[:-1])})


def _key(value: str) -> bytes:
    key = base64.b64decode(value + "=" * (-len(value) % 4), altchars=b"-_", validate=True)
    if len(key) != 32:
        raise ValueError
    return key


def _keys(value: str) -> tuple[bytes, ...]:
    return tuple(_key(part.strip()) for part in value.split(","))


def _database(value: str) -> dict[str, Any]:
    return dict(environ.Env.db_url_config(_match("(postgres|postgresql|sqlite)://.*", value)))


def _cache(value: str) -> dict[str, Any]:
    return dict(environ.Env.cache_url_config(_match(".+", value)))


_SWITCH = {"on": True, "true": True, "1": True, "off": False, "false": False, "0": False}
text = partial(read, partial(_match, ".+"), "not be empty")
switch = partial(read, lambda value: _SWITCH[value.lower()], "be on or off")
words = partial(read, _words, "be a list", default="")
hosts = partial(read, _hosts, "list names alone, without https:// and port", default="")
networks = partial(
    read, lambda value: list(map(ip_network, _words(value))), "list networks", default=""
)
reasons = partial(read, _reasons, "list reasons of at most 50 characters, separated by ;")
fields = partial(read, _fields, "list fields that can be changed, by Club Med's names", default="")
address = partial(read, _address, "be an address that begins with http:// or https://")
seconds = partial(read, partial(_number, float, 86_400), "be from 0 to 86400 seconds")
hours = partial(read, partial(_number, float, 24), "be more than 0 and at most 24 hours")
minutes = partial(read, partial(_number, float, 1440), "be more than 0 and at most 1440 minutes")
months = partial(read, partial(_number, int, 1200), "be from 1 to 1200 months")
limit = partial(read, _limit, "be a number and a time, like 120/10m, 30/1h or 5/30s")
threshold = partial(read, partial(_number, int, 1_000_000), "be from 1 to 1000000")
_auth = partial(_match, "static|client_credentials|employee")
auth = partial(read, _auth, "be static, client_credentials or employee")
key = partial(read, _key, "hold 32 bytes in URL-safe base64")
keys = partial(read, _keys, "list keys of 32 bytes in URL-safe base64")
# Each but English is a file in customers/locale, and nothing else.
_folders = sorted((BASE_DIR / "customers/locale").glob("*/LC_MESSAGES"))
_codes = ("en", *(folder.parent.name for folder in _folders))
LANGUAGES = [(code, str(Locale(code).get_display_name()).capitalize()) for code in _codes]
_language = partial(_match, "|".join(dict(LANGUAGES)))
language = partial(read, _language, "be the code of a language that the pages are in")
zone = partial(read, lambda value: ZoneInfo(value).key, "be a time zone, such as Europe/Paris")
database = partial(read, _database, "be a postgres:// or sqlite:// address")
cache = partial(read, _cache, "be an address of a kind that is known")


# Deployment ---------------------------------------------------------------------------------------
SECRET_KEY = text("SECRET_KEY")
SECRET_KEY_FALLBACKS = words("SECRET_KEY_FALLBACKS")
DEBUG = switch("DEBUG", default="off")
ALLOWED_HOSTS = hosts("ALLOWED_HOSTS")
HTTPS_ONLY = switch("HTTPS_ONLY", default="on")
HSTS_PRELOAD = switch("HSTS_PRELOAD", default="off")
TRUSTED_PROXIES = networks("TRUSTED_PROXIES")
ENVIRONMENT_NAME = variable("ENVIRONMENT_NAME")
METRICS_TOKEN = variable("METRICS_TOKEN")

# Club Med -----------------------------------------------------------------------------------------
CLUBMED_API_URL = address("CLUBMED_API_URL", default="https://api.clubmed.com").rstrip("/")
CLUBMED_API_KEY = text("CLUBMED_API_KEY")
CLUBMED_AUTH = auth("CLUBMED_AUTH", default="static")
# Where the staff's own tokens are used, either of these may stand beside them for the background.
_employee = CLUBMED_AUTH == "employee"
_account = any(map(variable, ("CLUBMED_TOKEN_URL", "CLUBMED_CLIENT_ID", "CLUBMED_CLIENT_SECRET")))
CLUBMED_TOKEN_URL = CLUBMED_CLIENT_ID = CLUBMED_CLIENT_SECRET = CLUBMED_TOKEN = ""
if CLUBMED_AUTH == "client_credentials" or (_employee and _account):
    CLUBMED_TOKEN_URL = address("CLUBMED_TOKEN_URL")
    CLUBMED_CLIENT_ID = text("CLUBMED_CLIENT_ID")
    CLUBMED_CLIENT_SECRET = text("CLUBMED_CLIENT_SECRET")
if CLUBMED_AUTH == "static" or (_employee and variable("CLUBMED_TOKEN")):
    CLUBMED_TOKEN = text("CLUBMED_TOKEN")
CLUBMED_LOCALE = text("CLUBMED_LOCALE", default="en-US")
CLUBMED_CONNECT_TIMEOUT = seconds("CLUBMED_CONNECT_TIMEOUT", default="3")
CLUBMED_READ_TIMEOUT = seconds("CLUBMED_READ_TIMEOUT", default="10")
CLUBMED_DEADLINE = seconds("CLUBMED_DEADLINE", default="15")
if graceful_timeout <= CLUBMED_DEADLINE:
    raise ImproperlyConfigured(f"CLUBMED_DEADLINE must be less than {graceful_timeout} seconds")
JOURNAL_GRACE = seconds("JOURNAL_GRACE", default="30")
if JOURNAL_GRACE < CLUBMED_DEADLINE:
    raise ImproperlyConfigured("JOURNAL_GRACE must not be less than CLUBMED_DEADLINE")

# Why a customer is changed ------------------------------------------------------------------------
REASONS = reasons("REASONS", default="Customer called; Customer wrote; Correction; Document seen")
REASON_REQUIRED = fields("REASON_REQUIRED")

# The audit log ------------------------------------------------------------------------------------
AUDIT_ENCRYPTION_KEYS = keys("AUDIT_ENCRYPTION_KEYS")
AUDIT_SIGNING_KEY = key("AUDIT_SIGNING_KEY")
AUDIT_VERIFY_KEYS = keys("AUDIT_VERIFY_KEYS") if variable("AUDIT_VERIFY_KEYS") else ()
AUDIT_VALUE_MONTHS = months("AUDIT_VALUE_MONTHS", default="12")
AUDIT_ENTRY_MONTHS = months("AUDIT_ENTRY_MONTHS", default="36")
ACCESS_MONTHS = months("ACCESS_MONTHS", default="12")
# An entry says what became of its values, and how many looks it counted.
if max(AUDIT_VALUE_MONTHS, ACCESS_MONTHS) > AUDIT_ENTRY_MONTHS:
    raise ImproperlyConfigured("AUDIT_VALUE_MONTHS and ACCESS_MONTHS: at most AUDIT_ENTRY_MONTHS")
# Who was forgotten, kept outside the database: see docs/privacy.md.
AUDIT_TOMBSTONES = str(BASE_DIR / text("AUDIT_TOMBSTONES", default="tombstones.ndjson"))

# From which number on something is worth a look on the page of activity.
ACTIVITY_FIELD_AN_HOUR = threshold("ACTIVITY_FIELD_AN_HOUR", default="30")
ACTIVITY_REFUSALS = threshold("ACTIVITY_REFUSALS", default="10")
ACTIVITY_REFUSALS_TIMES = threshold("ACTIVITY_REFUSALS_TIMES", default="3")
ACTIVITY_QUIET_HOUR = threshold("ACTIVITY_QUIET_HOUR", default="5")
ACTIVITY_VIEWS = threshold("ACTIVITY_VIEWS", default="100")
ACTIVITY_REVEALS = threshold("ACTIVITY_REVEALS", default="10")
ACTIVITY_OPTINS_ON = threshold("ACTIVITY_OPTINS_ON", default="20")
ACTIVITY_SAME_VALUE = threshold("ACTIVITY_SAME_VALUE", default="5")

# Limits -------------------------------------------------------------------------------------------
# (how many, in which time) one person may look at.
LIMIT_VIEWS = limit("LIMIT_VIEWS", default="120/10m")
LIMIT_SEARCHES = limit("LIMIT_SEARCHES", default="60/10m")
LIMIT_REVEALS = limit("LIMIT_REVEALS", default="30/1h")

# Identity -----------------------------------------------------------------------------------------
OIDC_ISSUER = address("OIDC_ISSUER")
OIDC_CLIENT_ID = text("OIDC_CLIENT_ID")
OIDC_CLIENT_SECRET = text("OIDC_CLIENT_SECRET")
OIDC_GROUPS_CLAIM = text("OIDC_GROUPS_CLAIM", default="groups")
AGENT_GROUPS = frozenset(words("AGENT_GROUPS"))
SUPERVISOR_GROUPS = frozenset(words("SUPERVISOR_GROUPS"))
AUDITOR_GROUPS = frozenset(words("AUDITOR_GROUPS"))
REVEAL_GROUPS = frozenset(words("REVEAL_GROUPS")) or SUPERVISOR_GROUPS
# A sign-in ends so long after its beginning, whatever is done, and so long after the last work; the
# company is asked again so long after it was asked last, while there is work.
SESSION_HOURS = hours("SESSION_HOURS", default="10")
SESSION_IDLE_MINUTES = minutes("SESSION_IDLE_MINUTES", default="60")
SESSION_RENEW_MINUTES = minutes("SESSION_RENEW_MINUTES", default="10")

if unsafe := "; ".join(faults(globals())):
    raise ImproperlyConfigured(unsafe)

# Django -------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.forms",
    "django_htmx",
    "csp",
    "customers",
    "crmadmin.apps.CrmadminConfig",
]
MIDDLEWARE = [
    "crmadmin.middleware.trusted_proxy",
    # Of every answer: files, redirects and refused hosts too.
    "crmadmin.middleware.browser_rules",
    "csp.middleware.CSPMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "crmadmin.static.CompressedPages",
    "crmadmin.middleware.answer_headers",
    "crmadmin.middleware.SessionMiddleware",
    # What comes next may answer with a page: in the reader's language, with the reader's times.
    "django.middleware.locale.LocaleMiddleware",
    "crmadmin.middleware.reader_zone",
    "django.middleware.common.CommonMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    # Before CSRF: a form sent after the session ended is told so, with its text, not "forged".
    "crmadmin.middleware.AccessMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
]
ROOT_URLCONF = "crmadmin.urls"
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"  # a widget of ours is a template of ours
WSGI_APPLICATION = "crmadmin.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "loaders": [
                (
                    "crmadmin.template_loader.Loader",
                    [
                        "django.template.loaders.filesystem.Loader",
                        "django.template.loaders.app_directories.Loader",
                    ],
                )
            ],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.messages.context_processors.messages",
                "crmadmin.middleware.page_context",
            ],
            "builtins": [
                "django.templatetags.i18n",
                "customers.templatetags.desk",
                "customers.templatetags.delta",
                "customers.templatetags.rows",
                "customers.templatetags.profile",
                "customers.templatetags.change",
            ],
        },
    }
]
DATABASES = {"default": database("DATABASE_URL")}
DATABASES["default"]["ATOMIC_REQUESTS"] = False  # a journal line must survive the request's failure
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["CONN_MAX_AGE"] = 60  # to open it and read its schema takes 2 ms
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 10,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
        # What is deleted is overwritten: a customer who is forgotten is.
        " PRAGMA secure_delete=ON;",
    }
else:
    DATABASES["default"]["HOST"] = DATABASES["default"]["HOST"].replace("%2F", "/")
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
    DATABASES["default"]["OPTIONS"] = {
        # A writer that hangs must not stop the others for longer than this; a commit waits for
        # the disk, whatever the server's default.
        "options": "-c lock_timeout=5s -c idle_in_transaction_session_timeout=10s"
        " -c synchronous_commit=on",
        "prepare_threshold": 1,
        "tcp_user_timeout": 10_000,  # ms, until a connection that the network lost is given up
        **DATABASES["default"].get("OPTIONS", {}),
        "pool": {"min_size": 1, "max_size": 10, "timeout": 5},
    }
CACHES = {"default": cache("CACHE_URL", default="locmemcache://")}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# The reader's language and zone are their browser's, or what they chose; these hold for the rest.
LANGUAGE_CODE = language("LANGUAGE_CODE", default="en")
LANGUAGE_COOKIE_AGE = 365 * 24 * 60 * 60
LANGUAGE_COOKIE_SECURE = HTTPS_ONLY
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
TIME_ZONE = "UTC"  # of the process: its log, its commands
READER_ZONE = zone("TIME_ZONE", default="Europe/Paris")

MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
SESSION_ENGINE = "crmadmin.sso.store"
SESSION_COOKIE_AGE = round(SESSION_HOURS * 60 * 60)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS_ONLY
# A name that begins so is taken by a browser from this host alone, and over HTTPS.
_COOKIE = f"{'__Host-' if HTTPS_ONLY else ''}crmadmin_"
SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = f"{_COOKIE}session", f"{_COOKIE}csrf"
ATTEMPT_COOKIE_NAME = f"{_COOKIE}attempt_"  # the beginning of it
SIGNED_OUT_COOKIE_NAME, ENDED_COOKIE_NAME = f"{_COOKIE}signed_out", f"{_COOKIE}ended"
BROWSER_COOKIE_NAME, BROWSER_COOKIE_AGE = f"{_COOKIE}browser", 30 * 24 * 60 * 60
LANGUAGE_COOKIE_NAME, ZONE_COOKIE_NAME = f"{_COOKIE}language", f"{_COOKIE}timezone"
MARKETS_COOKIE_NAME = f"{_COOKIE}markets"
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "crmadmin.error_pages.forged"
SECURE_SSL_REDIRECT = HTTPS_ONLY
SECURE_REDIRECT_EXEMPT = [r"^health/", r"^metrics$"]  # machines ask each worker itself
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS_ONLY else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS_ONLY
SECURE_HSTS_PRELOAD = HTTPS_ONLY and HSTS_PRELOAD
# Browsers' lists are hard to leave, and they are the whole domain's affair.
SILENCED_SYSTEM_CHECKS = ["security.W021"]
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        **dict.fromkeys(("default-src", "base-uri", "frame-ancestors"), ("'none'",)),
        **dict.fromkeys(("script-src", "style-src", "connect-src", "form-action"), ("'self'",)),
        "img-src": ["'self'", "data:"],  # the ticks and arrows in Tabler's style sheet
    }
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "crmadmin.logs.JsonLine"}},
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": "json"},
        "counter": {"class": "crmadmin.counters.CountingHandler"},
    },
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        "customers.clubmed": {"handlers": ["counter"]},
        "customers.audit.access_events": {"handlers": ["counter"]},
        "authlib": {"level": "INFO"},  # it logs the code verifier at DEBUG
        # They log addresses, and a failure's text; crmadmin.middleware and crmadmin.error_pages
        # log what may be known.
        "django.request": {"level": "CRITICAL"},
        "django.security": {"level": "CRITICAL"},
    },
}
