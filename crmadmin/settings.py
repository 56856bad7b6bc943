"""Settings: every value comes from the environment, and a bad one is named when the process starts.

`.env.example` lists the variables. For one that bears a secret, `NAME_FILE` reads a file instead.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

T = TypeVar("T")
BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
environ.Env.read_env(BASE_DIR / ".env")


def read(cast: Callable[..., T], name: str, **default: Any) -> T:
    """The variable's value, or an error that names the variable."""
    try:
        return cast(name, **default)
    except (ValueError, TypeError) as exc:
        raise ImproperlyConfigured(f"{name} has a value that cannot be read: {exc}") from exc


def secret(name: str) -> str:
    """A secret from NAME, or from the file that NAME_FILE names."""
    path = env.str(f"{name}_FILE", default="")
    try:
        value = Path(path).read_text(encoding="utf-8").strip() if path else env.str(name)
    except OSError as exc:
        raise ImproperlyConfigured(f"{name}_FILE cannot be read: {exc.strerror}") from exc
    if not value:
        raise ImproperlyConfigured(f"{name} is empty")
    return value


def url(name: str, **default: Any) -> str:
    """An http(s) address, without the slash at its end."""
    value = str(env.str(name, **default))
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise ImproperlyConfigured(f"{name} must be an http:// or https:// address")
    return value.rstrip("/")


def seconds(name: str, default: float) -> float:
    """A positive number of seconds."""
    value = float(read(env.float, name, default=default))
    if not 0 < value < float("inf"):
        raise ImproperlyConfigured(f"{name} must be a number of seconds above 0")
    return value


# Deployment ---------------------------------------------------------------------------------------
SECRET_KEY = secret("SECRET_KEY")
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
DEBUG = read(env.bool, "DEBUG", default=False)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[])
HTTPS_ONLY = read(env.bool, "HTTPS_ONLY", default=True)
TRUSTED_PROXIES = frozenset(env.list("TRUSTED_PROXIES", default=[]))
ENVIRONMENT_NAME = env.str("ENVIRONMENT_NAME", default="")

# Club Med -----------------------------------------------------------------------------------------
CLUBMED_API_URL = url("CLUBMED_API_URL", default="https://api.clubmed.com")
CLUBMED_API_KEY = secret("CLUBMED_API_KEY")
CLUBMED_AUTH = env.str("CLUBMED_AUTH", default="static")
if CLUBMED_AUTH != "static":
    raise ImproperlyConfigured("CLUBMED_AUTH must be 'static': the only token source so far")
CLUBMED_TOKEN = secret("CLUBMED_TOKEN")
CLUBMED_LOCALE = env.str("CLUBMED_LOCALE", default="en-US")
CLUBMED_CONNECT_TIMEOUT = seconds("CLUBMED_CONNECT_TIMEOUT", 3)
CLUBMED_READ_TIMEOUT = seconds("CLUBMED_READ_TIMEOUT", 10)
CLUBMED_DEADLINE = seconds("CLUBMED_DEADLINE", 15)
JOURNAL_GRACE = seconds("JOURNAL_GRACE", 30)

# Identity -----------------------------------------------------------------------------------------
OIDC_ISSUER = env.str("OIDC_ISSUER")
url("OIDC_ISSUER")  # checked as an address, kept to the letter: it is compared with the token's
OIDC_CLIENT_ID = env.str("OIDC_CLIENT_ID")
OIDC_CLIENT_SECRET = secret("OIDC_CLIENT_SECRET")
OIDC_GROUPS_CLAIM = env.str("OIDC_GROUPS_CLAIM", default="groups")
AGENT_GROUPS = frozenset(env.list("AGENT_GROUPS", default=[]))
SUPERVISOR_GROUPS = frozenset(env.list("SUPERVISOR_GROUPS", default=[]))
AUDITOR_GROUPS = frozenset(env.list("AUDITOR_GROUPS", default=[]))

# Django -------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.forms",
    "django_htmx",
    "csp",
    "customers",
]
MIDDLEWARE = [
    "crmadmin.middleware.TrustedProxyMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "crmadmin.middleware.AnswerHeadersMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
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
DATABASES = {"default": read(env.db_url, "DATABASE_URL")}
DATABASES["default"]["ATOMIC_REQUESTS"] = False  # a journal line must survive the request's failure
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 10,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
    }
else:
    DATABASES["default"]["HOST"] = DATABASES["default"]["HOST"].replace("%2F", "/")
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
    DATABASES["default"]["OPTIONS"] = {"pool": {"min_size": 1, "max_size": 16, "timeout": 5}}
CACHES = {"default": read(env.cache_url, "CACHE_URL", default="locmemcache://")}
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
CSRF_FAILURE_VIEW = "crmadmin.errors.forged"
SECURE_SSL_REDIRECT = HTTPS_ONLY
SECURE_REDIRECT_EXEMPT = [r"^health/"]
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS_ONLY else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS_ONLY
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 256 * 1024
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
        "django.request": {"level": "ERROR"},  # a 4xx would log whatever was typed as an address
    },
}
