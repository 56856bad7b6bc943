"""`python -m tests.load.prepare ENTRIES PEOPLE`: cookies of their sessions, as JSON."""

import io
import json
import sys

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402

from crmadmin.sso import sessions  # noqa: E402
from crmadmin.sso.store import SessionStore  # noqa: E402
from customers.access import Actor, Role  # noqa: E402
from tests.benchmarks.management.commands import fill_log  # noqa: E402


def main():
    """Every tenth person is a supervisor."""
    entries, people = map(int, sys.argv[1:])
    call_command("migrate", verbosity=0)
    if entries:
        fill_log.Command(stdout=io.StringIO()).handle(length=entries)
    roles = (Role.SUPERVISOR if n % 10 == 9 else Role.AGENT for n in range(people))
    staff = [(f"{role}-{n}", role) for n, role in enumerate(roles)]
    print(json.dumps({sub: cookie_of(sub, role) for sub, role in staff}))


def cookie_of(sub, role):
    session = SessionStore()
    sessions.start(session, Actor(settings.OIDC_ISSUER, sub, sub.title(), (role,)))
    return f"{settings.SESSION_COOKIE_NAME}={session.session_key}"


if __name__ == "__main__":
    main()
