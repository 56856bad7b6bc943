"""Settings: every value comes from the environment, and a bad one is named when the process starts.

`.env.example` lists the variables. For one that bears a secret, `NAME_FILE` reads a file instead.
"""

import base64
import os
from collections.abc import Callable
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent
environ.Env.read_env(BASE_DIR / ".env")
_YES, _NO = {"on", "true", "yes", "1"}, {"off", "false", "no", "0"}
# No error below repeats a value: it may be a secret.


def text(name: str, default: str | None = None) -> str:
    """A text that is not empty."""
    # Not through Env: it takes a value that begins with $ for the name of another variable.
    value = os.environ.get(name, default)
    if value is None:
        raise ImproperlyConfigured(f"{name} is not set")
    if not value.strip():
        raise ImproperlyConfigured(f"{name} is empty")
    return value.strip()


def switch(name: str, *, default: bool) -> bool:
    """on or off; a word that is neither is an error, not a no."""
    value = os.environ.get(name, "on" if default else "off").strip().lower()
    if value not in _YES | _NO:
        raise ImproperlyConfigured(f"{name} must be on or off")
    return value in _YES


def words(name: str) -> list[str]:
    """A list, comma-separated, spaces allowed."""
    return _listed(os.environ.get(name, ""))


def _listed(value: str) -> list[str]:
    return [word for part in value.split(",") if (word := part.strip())]


def networks(name: str) -> list[IPv4Network | IPv6Network]:
    """Addresses or networks like 10.0.0.0/8, comma-separated."""
    try:
        return [ip_network(word) for word in words(name)]
    except ValueError:
        raise ImproperlyConfigured(f"{name} must list addresses or networks") from None


def secret(name: str) -> str:
    """A secret from NAME, or from the file that NAME_FILE names."""
    path = os.environ.get(f"{name}_FILE", "")
    if not path:
        return text(name)
    try:
        value = Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise ImproperlyConfigured(f"{name}_FILE cannot be read") from None
    if not value:
        raise ImproperlyConfigured(f"{name}_FILE names an empty file")
    return value


def key_bytes(name: str, value: str) -> bytes:
    """A key: 32 bytes in URL-safe base64, its padding optional."""
    try:
        key = base64.b64decode(value + "=" * (-len(value) % 4), altchars=b"-_", validate=True)
    except ValueError:
        key = b""
    if len(key) != 32:
        raise ImproperlyConfigured(f"{name} must hold 32 bytes in URL-safe base64")
    return key


def address(name: str, default: str | None = None) -> str:
    """An http(s) address, as it is written."""
    value = text(name, default)
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise ImproperlyConfigured(f"{name} must be an http:// or https:// address")
    return value


def seconds(name: str, default: float) -> float:
    """A positive number of seconds."""
    try:
        value = float(os.environ.get(name, default))
    except ValueError:
        value = 0
    if not 0 < value < float("inf"):
        raise ImproperlyConfigured(f"{name} must be a number of seconds above 0")
    return value


def months(name: str, default: int) -> int:
    """A whole number of months, 1 or more."""
    value = os.environ.get(name, str(default)).strip()
    if not value.isdecimal() or not 0 < int(value) <= 1200:
        raise ImproperlyConfigured(f"{name} must be a whole number of months above 0")
    return int(value)


def is_set(name: str) -> bool:
    """Is a value given at all, itself or in a file?"""
    return bool(os.environ.get(name) or os.environ.get(f"{name}_FILE"))


def store(name: str, parse: Callable[[str], dict[str, Any]], needs: str, default: str = "") -> Any:
    """A database or a cache from its URL, which may hold a password."""
    value = secret(name) if is_set(name) or not default else default
    try:
        parsed = parse(value)
    except Exception:
        parsed = {}
    if not parsed.get(needs):
        raise ImproperlyConfigured(f"{name} is no address of a kind that is known here")
    return parsed


# Deployment ---------------------------------------------------------------------------------------
SECRET_KEY = secret("SECRET_KEY")
SECRET_KEY_FALLBACKS = (
    _listed(secret("SECRET_KEY_FALLBACKS")) if is_set("SECRET_KEY_FALLBACKS") else []
)
DEBUG = switch("DEBUG", default=False)
ALLOWED_HOSTS = words("ALLOWED_HOSTS")
HTTPS_ONLY = switch("HTTPS_ONLY", default=True)
TRUSTED_PROXIES = networks("TRUSTED_PROXIES")
ENVIRONMENT_NAME = os.environ.get("ENVIRONMENT_NAME", "")

# Club Med -----------------------------------------------------------------------------------------
CLUBMED_API_URL = address("CLUBMED_API_URL", "https://api.clubmed.com").rstrip("/")
CLUBMED_API_KEY = secret("CLUBMED_API_KEY")
CLUBMED_AUTH = text("CLUBMED_AUTH", "static")
if CLUBMED_AUTH not in ("static", "client_credentials", "employee"):
    raise ImproperlyConfigured("CLUBMED_AUTH must be static, client_credentials or employee")
# Where the staff's own tokens are used, either of these may stand beside them for the background.
_account = any(map(is_set, ("CLUBMED_TOKEN_URL", "CLUBMED_CLIENT_ID", "CLUBMED_CLIENT_SECRET")))
if CLUBMED_AUTH == "client_credentials" or (CLUBMED_AUTH == "employee" and _account):
    CLUBMED_TOKEN_URL = address("CLUBMED_TOKEN_URL")
    CLUBMED_CLIENT_ID = text("CLUBMED_CLIENT_ID")
    CLUBMED_CLIENT_SECRET = secret("CLUBMED_CLIENT_SECRET")
else:
    CLUBMED_TOKEN_URL = CLUBMED_CLIENT_ID = CLUBMED_CLIENT_SECRET = ""
if CLUBMED_AUTH == "static" or (CLUBMED_AUTH == "employee" and is_set("CLUBMED_TOKEN")):
    CLUBMED_TOKEN = secret("CLUBMED_TOKEN")
else:
    CLUBMED_TOKEN = ""
CLUBMED_LOCALE = text("CLUBMED_LOCALE", "en-US")
CLUBMED_CONNECT_TIMEOUT = seconds("CLUBMED_CONNECT_TIMEOUT", 3)
CLUBMED_READ_TIMEOUT = seconds("CLUBMED_READ_TIMEOUT", 10)
CLUBMED_DEADLINE = seconds("CLUBMED_DEADLINE", 15)
JOURNAL_GRACE = seconds("JOURNAL_GRACE", 30)

# The audit log ------------------------------------------------------------------------------------
AUDIT_ENCRYPTION_KEYS = tuple(
    key_bytes("AUDIT_ENCRYPTION_KEYS", word.strip())
    for word in secret("AUDIT_ENCRYPTION_KEYS").split(",")
)
AUDIT_VALUE_MONTHS = months("AUDIT_VALUE_MONTHS", 12)
AUDIT_ENTRY_MONTHS = months("AUDIT_ENTRY_MONTHS", 36)
ACCESS_MONTHS = months("ACCESS_MONTHS", 12)
# An entry says when older values and access events were erased: it must outlive them.
if max(AUDIT_VALUE_MONTHS, ACCESS_MONTHS) > AUDIT_ENTRY_MONTHS:
    raise ImproperlyConfigured(
        "AUDIT_VALUE_MONTHS and ACCESS_MONTHS must not be more than AUDIT_ENTRY_MONTHS"
    )
# Who was forgotten, kept outside the database: see docs/privacy.md.
AUDIT_TOMBSTONES = str(BASE_DIR / text("AUDIT_TOMBSTONES", "tombstones.ndjson"))
AUDIT_SIGNING_KEY = key_bytes("AUDIT_SIGNING_KEY", secret("AUDIT_SIGNING_KEY"))
AUDIT_VERIFY_KEYS = tuple(
    key_bytes("AUDIT_VERIFY_KEYS", word) for word in words("AUDIT_VERIFY_KEYS")
)

# Identity -----------------------------------------------------------------------------------------
OIDC_ISSUER = address("OIDC_ISSUER")
OIDC_CLIENT_ID = text("OIDC_CLIENT_ID")
OIDC_CLIENT_SECRET = secret("OIDC_CLIENT_SECRET")
OIDC_GROUPS_CLAIM = text("OIDC_GROUPS_CLAIM", "groups")
AGENT_GROUPS = frozenset(words("AGENT_GROUPS"))
SUPERVISOR_GROUPS = frozenset(words("SUPERVISOR_GROUPS"))
AUDITOR_GROUPS = frozenset(words("AUDITOR_GROUPS"))
REVEAL_GROUPS = frozenset(words("REVEAL_GROUPS")) or SUPERVISOR_GROUPS

# Django -------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.forms",
    "django_htmx",
    "csp",
    "customers",
    "crmadmin.apps.CrmadminConfig",
]
MIDDLEWARE = [
    "crmadmin.middleware.TrustedProxyMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "crmadmin.middleware.AnswerHeadersMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "crmadmin.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    # Before CSRF: a form sent after the session ended is told so, with its text, not "forged".
    "crmadmin.middleware.AccessMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "crmadmin.middleware.ErrorPagesMiddleware",
]
ROOT_URLCONF = "crmadmin.urls"
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"  # a widget of ours is a template of ours
WSGI_APPLICATION = "crmadmin.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.messages.context_processors.messages",
                "crmadmin.middleware.page_context",
            ],
            "builtins": ["customers.templatetags.desk"],
        },
    }
]
DATABASES = {"default": store("DATABASE_URL", environ.Env.db_url_config, "ENGINE")}
DATABASES["default"]["ATOMIC_REQUESTS"] = False  # a journal line must survive the request's failure
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
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
        **DATABASES["default"].get("OPTIONS", {}),
        "pool": {"min_size": 1, "max_size": 16, "timeout": 5},
    }
CACHES = {
    "default": store("CACHE_URL", environ.Env.cache_url_config, "BACKEND", "locmemcache://"),
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_ALLOW_ALL_ORIGINS = False
WHITENOISE_USE_FINDERS = True  # no collecting step: a clone serves what it holds

MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
SESSION_COOKIE_AGE = 8 * 60 * 60  # a working day
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS_ONLY
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "crmadmin.error_pages.forged"
SECURE_SSL_REDIRECT = HTTPS_ONLY
SECURE_REDIRECT_EXEMPT = [r"^health/"]
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS_ONLY else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS_ONLY
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],  # the ticks and arrows in Tabler's style sheet
        "connect-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name} {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        "authlib": {"level": "INFO"},  # it logs the code verifier at DEBUG
        # It logs addresses, and a failure's text; crmadmin.middleware logs what may be known.
        "django.request": {"level": "CRITICAL"},
    },
}
