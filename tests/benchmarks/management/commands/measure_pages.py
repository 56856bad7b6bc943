"""What is asked of the log's pages, how many queries each takes, and others' logs beside them."""

import argparse
import json
import os
import random
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from auditlog.models import LogEntry
from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from crmadmin.sso import sessions
from crmadmin.sso.store import SessionStore
from customers.access import Actor, Role
from customers.audit.models import actor_key
from tests.benchmarks import change, pages
from tests.benchmarks.management.commands.fill_log import AT_REST, CHUNK
from tests.benchmarks.models import Audited, Historied

_SIZE = 50  # rows of a page
_PEOPLE = 2_000  # whom the others' rows are about, and 40 who changed them
History = Historied.history.model


class Command(BaseCommand):
    """Prints JSON: cookie: of a supervisor's session; paths: name of a page -> its address;
    queries: name -> how many it takes; others: name -> `pages.Taken`.
    """

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("length", type=int)

    def handle(self, *, length: int, **options: Any) -> None:
        call_command("migrate", run_syncdb=True, verbosity=0)
        _fill(length)
        cookie = session_cookie()
        paths = _paths(length)
        found = {
            "cookie": cookie,
            "paths": paths,
            "queries": {name: _queries(path, cookie) for name, path in paths.items()},
            "others": _others(),
        }
        self.stdout.write(json.dumps(found))


def _paths(length: int) -> dict[str, str]:
    """Each finds a full page in the shortest log too, but for the one that finds almost nothing."""
    agent = change.agent(7)
    person = str(actor_key(agent["actor_issuer"], agent["actor_sub"]))
    customer = change.customer(2)
    middle = (timezone.now() - timedelta(days=365)).date()

    def period(days: int) -> dict[str, str]:
        return {"from": str(middle - timedelta(days)), "to": str(middle + timedelta(days))}

    filters: dict[str, dict[str, Any]] = {
        "newest": {},
        "deep": {"before": length // 2},
        "one person": {"person": person},
        "one customer": {"customer": customer},
        "one field": {"field": "phones"},
        "a period in the middle": period(7),
        "person, field and period": {"person": person, "field": change.FIELD, **period(340)},
        "a flag": {"flag": "forced_address"},
        "almost nothing": {"action": "create", "field": "second_name"},
    }
    month = {
        "from": str(timezone.localdate() - timedelta(days=30)),
        "to": str(timezone.localdate()),
    }
    log = reverse("log")
    return {
        **{name: f"{log}?{urlencode(asked)}" for name, asked in filters.items()},
        "looks by customer": f"{reverse('looks')}?{urlencode({'customer': customer})}",
        "unsettled": reverse("unsettled"),
        "activity of 30 days": f"{reverse('activity')}?{urlencode(month)}",
    }


def session_cookie() -> str:
    """Of a supervisor's session, as a header."""
    session = SessionStore()
    supervisor = Actor(change.ISSUER, "staff-1", "Sana El Idrissi", (Role.SUPERVISOR,))
    sessions.start(session, supervisor)
    return f"{settings.SESSION_COOKIE_NAME}={session.session_key}"


def _queries(path: str, cookie: str) -> int:
    """Of a page that was asked for before: what may be asked of the log is remembered a while."""
    for _ in range(2):
        with CaptureQueriesContext(connection) as captured:
            answer = Client().get(path, headers={"cookie": cookie})
        if answer.status_code != 200:
            raise CommandError(f"{path} answered {answer.status_code}")
    return len(captured)


# The others ---------------------------------------------------------------------------------------


def _fill(length: int) -> None:
    """Their own tables, to the same length, over the same time."""
    staff = User.objects.bulk_create(User(username=f"staff-{1000 + n}") for n in range(40))
    about = ContentType.objects.get_for_model(Audited)
    for done in range(0, length, CHUNK):
        times = [change.time_at((done + n) / length) for n in range(CHUNK)]
        LogEntry.objects.bulk_create(_logged(about, random.choice(staff), time) for time in times)
        History.objects.bulk_create(_kept(random.choice(staff), time) for time in times)
    with connection.cursor() as cursor:
        cursor.execute(AT_REST[connection.vendor])


def _logged(about: ContentType, who: User, time: datetime) -> LogEntry:
    return LogEntry(
        content_type=about,
        object_pk=str(random.randrange(_PEOPLE)),
        object_repr="Tom Durand",
        action=LogEntry.Action.UPDATE,
        changes={change.FIELD: [change.value(), change.value()]},
        actor=who,
        timestamp=time,
    )


def _kept(who: User, time: datetime) -> Any:
    return History(
        id=random.randrange(_PEOPLE),
        name="Tom Durand",
        email=change.value(),
        city="Lyon",
        history_date=time,
        history_type="~",
        history_user=who,
    )


def _others() -> dict[str, pages.Taken]:
    """Their newest rows, and those of one person, by their own queries, rendered to text."""
    person = User.objects.earliest("pk")
    entries = LogEntry.objects.select_related("content_type", "actor")
    history = History.objects.select_related("history_user")
    acts = {
        "django-auditlog, newest": lambda: _audited(entries[:_SIZE]),
        "django-auditlog, one person": lambda: _audited(entries.filter(actor=person)[:_SIZE]),
        "django-simple-history, newest": lambda: _historied(history[:_SIZE]),
        "django-simple-history, one person": lambda: _historied(
            history.filter(history_user=person)[:_SIZE]
        ),
    }
    database = pages.of_postgresql(os.environ["DATABASE_URL"])
    return pages.taken(acts, lambda: [os.getpid(), *database])


def _audited(entries: Iterable[LogEntry]) -> str:
    return "\n".join(
        f"{one.timestamp:%c} {one.actor} {one.object_repr} {one.changes_str}" for one in entries
    )


def _historied(rows: Iterable[Any]) -> str:
    """It keeps the values and not the changes: each row is compared with the one before it."""
    lines = []
    for row in rows:
        before = row.prev_record
        changes = row.diff_against(before).changes if before else []
        told = "; ".join(f"{one.field}: {one.old} → {one.new}" for one in changes)
        lines.append(f"{row.history_date:%c} {row.history_user} {row} {told}")
    return "\n".join(lines)
