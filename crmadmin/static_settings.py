"""The settings of static files, and all that `collectstatic` needs: nothing of the environment."""

from pathlib import Path

_BASE_DIR = Path(__file__).resolve().parent.parent

INSTALLED_APPS = ["django.contrib.staticfiles", "django_htmx"]
STATIC_URL = "/static/"
STATICFILES_DIRS = [_BASE_DIR / "static"]
STATIC_ROOT = _BASE_DIR / "collected"
STORAGES = {"staticfiles": {"BACKEND": "crmadmin.static.CollectedFiles"}}
WHITENOISE_ALLOW_ALL_ORIGINS = False
WHITENOISE_KEEP_ONLY_HASHED_FILES = True
WHITENOISE_USE_FINDERS = True  # where nobody has collected, the clone's own files are served
