"""Settings of the local OpenID provider; `start` gives every value by the environment."""

import os
from pathlib import Path

SECRET_KEY = os.environ["PROVIDER_SECRET_KEY"]
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]

CLIENT_ID = os.environ["PROVIDER_CLIENT_ID"]
CLIENT_SECRET = os.environ["PROVIDER_CLIENT_SECRET"]
REDIRECT_URIS = os.environ["PROVIDER_REDIRECT_URIS"]
POST_LOGOUT_REDIRECT_URIS = os.environ["PROVIDER_POST_LOGOUT_REDIRECT_URIS"]

INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "oauth2_provider"]
# The database lives as long as the process: its tables come from the models, without the history.
MIGRATION_MODULES = {"contenttypes": None, "auth": None, "oauth2_provider": None}
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "crmadmin.demo.provider.urls"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [Path(__file__).parent / "templates"],
    }
]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ["PROVIDER_DATABASE"],
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;",
        },
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True

# Cookies know no ports: these must not be the names that the product uses on the same host.
CSRF_COOKIE_NAME = "provider_csrf"
SESSION_COOKIE_NAME = "provider_session"
SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"

OAUTH2_PROVIDER = {
    "OIDC_ENABLED": True,
    "OIDC_ISS_ENDPOINT": os.environ["PROVIDER_ISSUER"],
    "OIDC_RSA_PRIVATE_KEY": os.environ["PROVIDER_SIGNING_KEY"],
    "OIDC_RESPONSE_TYPES_SUPPORTED": ["code"],
    "OIDC_RP_INITIATED_LOGOUT_ENABLED": True,
    "OAUTH2_VALIDATOR_CLASS": "crmadmin.demo.provider.claims.StaffValidator",
    "SCOPES": {
        "openid": "who you are",
        "profile": "your name",
        "email": "your e-mail address",
        "groups": "your groups",
    },
    "PKCE_REQUIRED": True,
    "ALLOW_LOCALHOST_LOOPBACK": True,  # the product may be opened as localhost, too
    "ACCESS_TOKEN_EXPIRE_SECONDS": 3600,
    "ID_TOKEN_EXPIRE_SECONDS": 3600,
    # Only what RFC 9700 allows: PKCE with S256, and neither implicit nor password grants.
    "COMPLIANT_BCP_RFC9700_PKCE_METHOD": True,
    "COMPLIANT_BCP_RFC9700_IMPLICIT_GRANT": True,
    "COMPLIANT_BCP_RFC9700_PASSWORD_GRANT": True,
    "COMPLIANT_BCP_RFC9700_ACCESS_TOKEN_TRANSPORT": True,
    "COMPLIANT_BCP_RFC9700_AUTHZ_RESPONSE_ISS": True,
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": "ERROR"},
}
