"""Runs of the verification, as the page of the log's integrity shows and starts them.

Each run writes into a row how far it is and what it found; one at most is under way. The row is a
help and no proof: whoever can write to the database can write it.
"""

import logging
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from datetime import timedelta
from functools import partial, reduce
from operator import or_
from typing import Any, NamedTuple

from django.conf import settings
from django.core.cache import cache
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from customers.access import Actor
from customers.audit import statements
from customers.audit.models import CheckState, Verification
from customers.audit.verifier import Seal, Verifier
from customers.audit.verify import Progress, verify

logger = logging.getLogger(__name__)
_LOST = timedelta(minutes=2)  # a run that has not beaten for so long has ended
_BEAT = 1.0  # seconds between two of its beats
_KEPT = timedelta(days=366)
_SHOWN = 6
_BROKEN, _REMEMBERED = "log:broken", 10  # seconds


class Runs(NamedTuple):
    """The newest runs, newest first; the one that says whether the log is whole; and the newest
    that compared the log with a seal kept elsewhere.
    """

    newest: list[Verification]
    result: Verification | None
    sealed: Verification | None


def runs() -> Runs:
    """One query. A run that was lost is shown as broken off."""
    all_runs = Verification.objects.all()
    newest, result = all_runs[:_SHOWN], _results()[:1]
    sealed = all_runs.filter(sealed__gt=0)[:1]
    asked = {"is_newest": newest, "is_result": result, "is_sealed": sealed}
    marks = {name: Q(pk__in=rows.values("pk")) for name, rows in asked.items()}
    rows: list[Any] = [
        *all_runs.annotate(lost=_is_lost(), **marks).filter(reduce(or_, marks.values()))
    ]
    for run in rows:
        run.state = CheckState.BROKEN_OFF if run.lost else run.state
    found = next((run for run in rows if run.is_result), None)
    _remember(found)
    return Runs(
        [run for run in rows if run.is_newest],
        found,
        next((run for run in rows if run.is_sealed), None),
    )


def _results() -> "QuerySet[Verification]":
    """Runs that say whether the log is whole, the newest first: those that read all of the log, and
    those of a part that is not whole.
    """
    ended = Q(state=CheckState.WHOLE, since=0) | Q(state=CheckState.NOT_WHOLE)
    return Verification.objects.filter(ended).order_by("-ended_at")


def result() -> Verification | None:
    """The run that says whether the log is whole."""
    found = _results().first()
    _remember(found)
    return found


def _remember(found: Verification | None) -> None:
    cache.set(_BROKEN, bool(found and found.is_broken), _REMEMBERED)


def is_broken() -> bool:
    """Is the log not whole? Some seconds old, as each page of the log asks."""
    known = cache.get(_BROKEN)
    if known is None:
        found = result()
        known = found and found.is_broken
    return bool(known)


def _is_lost() -> Q:
    return Q(state=CheckState.RUNNING, beat_at__lt=statements.now() - _LOST)


def begin(actor_name: str) -> Verification | None:
    """A row of a run that begins; None while another runs. One that was lost is broken off."""
    lost = Verification.objects.filter(_is_lost())
    lost.update(state=CheckState.BROKEN_OFF, ended_at=timezone.now())
    row = _new(actor_name)
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError:
        return None
    return row


def start(actor: Actor) -> None:
    """Verify the log in a process of its own, unless one does so already.

    That holds up no worker, needs none of its connections, and outlives the worker that began it.
    """
    if row := begin(actor.name):
        transaction.on_commit(partial(_launch, row.pk))


def _launch(number: int) -> None:
    command = [sys.executable, "manage.py", "audit_verify", "--of-page", str(number)]
    try:
        process = subprocess.Popen(  # noqa: S603
            [*command, "--verbosity", "0"],
            cwd=settings.BASE_DIR,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError:
        _break_off(number)
        raise
    threading.Thread(target=_wait, args=(process, number), daemon=True).start()


def _wait(process: subprocess.Popen[bytes], number: int) -> None:
    """Break the run off if its process ended without a result."""
    process.wait()
    try:
        _break_off(number)
    finally:
        connection.close()


def _break_off(number: int) -> None:
    running = Verification.objects.filter(pk=number, state=CheckState.RUNNING)
    running.update(state=CheckState.BROKEN_OFF, ended_at=timezone.now())


def run(
    actor_name: str,
    *,
    progress: Progress,
    since: Seal | None = None,
    seals: Iterable[Seal] = (),
    number: int | None = None,
) -> Verifier:
    """Verify the log as `verify` does, and leave in a row how far that is and what came of it.

    number: of the row that `start` made. While another run has the row, only the result is written.
    A row that cannot be written stops nothing.
    """
    row = _row(actor_name, number)
    row.since = since.seq if since else 0
    try:
        walker = verify(since=since, seals=seals, progress=_beating(row, progress))
    except BaseException:
        _leave(row, state=CheckState.BROKEN_OFF, ended_at=timezone.now())
        raise
    _leave(row, **_result(walker))
    if walker.faults:
        logger.critical("the audit log is not whole: %s", walker.faults[0])
    return walker


def _row(actor_name: str, number: int | None) -> Verification:
    try:
        row = Verification.objects.filter(pk=number).first() if number else begin(actor_name)
    except DatabaseError:  # a role that only reads may verify too
        row = None
    return row or _new(actor_name)


def _new(actor_name: str) -> Verification:
    return Verification(actor_name=actor_name, started_at=timezone.now(), beat_at=statements.now())


def _beating(row: Verification, told: Progress) -> Progress:
    """Progress that is left in the row too, if that is shown."""
    beaten = time.monotonic()

    def beat(seq: int, last: int) -> None:
        nonlocal beaten
        told(seq, last)
        if row.pk and time.monotonic() - beaten >= _BEAT:
            beaten = time.monotonic()
            _leave(row, reached=seq, last=last)

    return beat


def _result(walker: Verifier) -> dict[str, Any]:
    """What a run found, as columns."""
    elsewhere = (*walker.bad_head, *walker.bad_seals, *walker.beside)
    compared = (seq for seq in walker.seals.digests if seq <= walker.seq)
    return {
        "state": CheckState.NOT_WHOLE if walker.faults else CheckState.WHOLE,
        "ended_at": timezone.now(),
        "first": walker.first,
        "reached": walker.seq,
        "last": walker.seq,
        "proven": min(walker.proven, walker.sound_up_to),
        "sealed": max(compared, default=0),
        "faults": [*sorted(walker.bad_entries), *((None, what) for what in elsewhere)],
    }


def _leave(row: Verification, **values: Any) -> None:
    for name, value in {**values, "beat_at": statements.now()}.items():
        setattr(row, name, value)
    try:
        with transaction.atomic():
            row.save()
            if row.state in (CheckState.WHOLE, CheckState.NOT_WHOLE) and not row.since:
                old = Verification.objects.filter(started_at__lt=timezone.now() - _KEPT)
                old.filter(pk__lt=row.pk).delete()
        cache.delete(_BROKEN)
    except DatabaseError as exc:
        logger.warning("what came of the verification cannot be kept: %s", type(exc).__name__)
