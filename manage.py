#!/usr/bin/env python
"""The commands of the product."""

import gc
import os
import sys
from importlib import import_module

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

# These run where nothing is configured yet, so settings, which demand a configuration, stay unread.
WITHOUT_SETTINGS = ("demo", "sandbox")


def main() -> None:
    gc.set_threshold(50_000)  # what is imported stays: looking through it is a sixth of a start
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crmadmin.settings")
    if len(sys.argv) > 1 and sys.argv[1] in WITHOUT_SETTINGS:
        module = import_module(f"crmadmin.management.commands.{sys.argv[1]}")
        module.Command().run_from_argv(sys.argv)
        return
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as exc:
        # Not 1, with which audit_verify says that the log is not whole.
        print(f"The environment does not hold what is needed: {exc}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
