"""The tests' settings, with two logs of others and models to follow."""

from tests.settings import *  # noqa: F403

INSTALLED_APPS += [  # noqa: F405
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "auditlog",
    "simple_history",
    "tests.benchmarks",
]
ALLOWED_HOSTS += ["testserver"]  # noqa: F405
