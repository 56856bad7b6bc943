"""Runs of the verification, as the page of the log's integrity shows and starts them.

Each run writes its progress and its result into a row; one at most is under way. The row is a
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
_MAX_AGE = timedelta(days=366)  # of a run
_MOST = 6  # runs on the page
_BROKEN, _SECONDS = "log:broken", 10  # seconds


class Runs(NamedTuple):
    """The newest runs, newest first; the one that says whether the log is whole; and the newest
    that compared the log with a seal from outside.
    """

    newest: list[Verification]
    result: Verification | None
    sealed: Verification | None


def runs() -> Runs:
    """One query. A run that was lost is shown as broken off."""
    all_runs = Verification.objects.all()
    newest, result = all_runs[:_MOST], _results()[:1]
    sealed = all_runs.filter(sealed__gt=0)[:1]
    queries = {"is_newest": newest, "is_result": result, "is_sealed": sealed}
    marks = {name: Q(pk__in=rows.values("pk")) for name, rows in queries.items()}
    rows: list[Any] = [
        *all_runs.annotate(lost=_is_lost(), **marks).filter(reduce(or_, marks.values()))
    ]
    for run in rows:
        run.state = CheckState.BROKEN_OFF if run.lost else run.state
    latest = next((run for run in rows if run.is_result), None)
    _remember(latest)
    return Runs(
        [run for run in rows if run.is_newest],
        latest,
        next((run for run in rows if run.is_sealed), None),
    )


def _results() -> "QuerySet[Verification]":
    """Runs that say whether the log is whole, the newest first: those that read all of the log, and
    those of a part that is not whole.
    """
    has_result = Q(state=CheckState.WHOLE, since=0) | Q(state=CheckState.NOT_WHOLE)
    return Verification.objects.filter(has_result).order_by("-ended_at")


def result() -> Verification | None:
    """The run that says whether the log is whole."""
    latest = _results().first()
    _remember(latest)
    return latest


def _remember(latest: Verification | None) -> None:
    cache.set(_BROKEN, bool(latest and latest.is_broken), _SECONDS)


def is_broken() -> bool:
    """Is the log not whole? Some seconds old, as each page of the log asks."""
    answer = cache.get(_BROKEN)
    if answer is None:
        latest = result()
        answer = latest and latest.is_broken
    return bool(answer)


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
    """Verify the log as `verify` does, and write the progress and the result into a row.

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


def _beating(row: Verification, progress: Progress) -> Progress:
    """Progress that is written into the row too, if the row is stored."""
    beat_at = time.monotonic()

    def beat(seq: int, last: int) -> None:
        nonlocal beat_at
        progress(seq, last)
        if row.pk and time.monotonic() - beat_at >= _BEAT:
            beat_at = time.monotonic()
            _leave(row, reached=seq, last=last)

    return beat


def _result(walker: Verifier) -> dict[str, Any]:
    """The result of a run, as columns."""
    elsewhere = (*walker.bad_head, *walker.bad_seals, *walker.beside)
    seqs = (seq for seq in walker.seals.digests if seq <= walker.seq)
    return {
        "state": CheckState.NOT_WHOLE if walker.faults else CheckState.WHOLE,
        "ended_at": timezone.now(),
        "first": walker.first,
        "reached": walker.seq,
        "last": walker.seq,
        "proven": min(walker.proven, walker.sound_up_to),
        "sealed": max(seqs, default=0),
        "faults": [*sorted(walker.bad_entries), *((None, what) for what in elsewhere)],
    }


def _leave(row: Verification, **values: Any) -> None:
    for name, value in {**values, "beat_at": statements.now()}.items():
        setattr(row, name, value)
    try:
        with transaction.atomic():
            row.save()
            if row.state in (CheckState.WHOLE, CheckState.NOT_WHOLE) and not row.since:
                old = Verification.objects.filter(started_at__lt=timezone.now() - _MAX_AGE)
                old.filter(pk__lt=row.pk).delete()
        cache.delete(_BROKEN)
    except DatabaseError as exc:
        logger.warning("what came of the verification cannot be kept: %s", type(exc).__name__)
