"""`manage.py end_sessions`: end the sessions of one member of staff, or of everybody."""

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from crmadmin.models import Session
from crmadmin.sso.sessions import end_by_hand
from crmadmin.sso.store import actor_in
from customers.access import OPERATOR
from customers.audit import access_events
from customers.audit.models import Access


class Command(BaseCommand):
    help = "End the sessions of one member of staff, or of everybody; recorded."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        who = parser.add_mutually_exclusive_group(required=True)
        who.add_argument("--staff", metavar="SUB", help="the identifier from the company's sign-in")
        who.add_argument("--all", action="store_true", help="of everybody")

    def handle(self, *, staff: str | None, **options: Any) -> None:
        try:
            sessions = [
                (row, actor_in(identity))
                for row in Session.lasting()
                if (identity := row.read_identity())
            ]
            to_end = [(row, actor) for row, actor in sessions if staff in (None, actor.sub)]
            kind, whom = Access.END_SIGN_IN, (staff or "")[:64]
            access_events.record(kind, actor=OPERATOR, request_id="", field=whom)
            for row, _ in to_end:
                end_by_hand(row)
        except DatabaseError as exc:  # its text may hold values
            raise CommandError(f"the database fails: {type(exc).__name__}") from None
        for actor in {actor.key: actor for _, actor in to_end}.values():
            access_events.note(Access.ENDED, actor=actor, request_id="")
        self.stdout.write(f"Sessions ended: {len(to_end)}.")
