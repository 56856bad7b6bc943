"""The product as it is deployed, on one machine, and all that may befall it."""

import json
import os
import random
import re
import signal
import subprocess
import sys
from contextlib import suppress

import requests

from crmadmin.demo import listening
from tests import postgres
from tests.demo import ROOT, children_of, python
from tests.faults.conftest import wait_until


class Product:
    """gunicorn with two workers, and the timer that settles.

    environment: of all its processes. database: the address of a PostgreSQL that is ours to bring
    down, None on SQLite. log: the process log of all of them. seals: what `audit_seal` wrote.
    """

    def __init__(self, folder, environment, database):
        self.environment = os.environ | environment
        self.database = database
        self.log, self.seals = folder / "process.log", folder / "seals"
        # Never closed, whoever dies: callers wait, as they would at a proxy.
        self._listener = listening.on(0)
        self.url = listening.url(self._listener)

    def __enter__(self):
        self.manage("migrate", "--verbosity", "0")
        self._told = self.log.open("ab")
        self._start_server()
        self._start_timer()
        wait_until(self._is_ready)
        return self

    def __exit__(self, *exc):
        """As operations stop it: what is under way is answered first."""
        self.server.terminate()
        self.server.wait()
        self.timer.kill()
        self.timer.wait()
        self._listener.close()
        self._told.close()

    def manage(self, *command):
        done = python("manage.py", *command, **self.environment)
        assert done.returncode == 0, done.stderr + done.stdout
        return done.stdout

    def _start(self, *command, **more):
        return subprocess.Popen(
            [sys.executable, *command],
            cwd=ROOT,
            env=self.environment,
            stderr=self._told,
            stdout=self._told,
            **more,
        )

    def _start_server(self):
        handle = self._listener.fileno()
        served = ("--config", "python:tests.soak.server", "--bind", f"fd://{handle}")
        application = "crmadmin.wsgi:application"
        self.server = self._start("-m", "gunicorn", application, *served, pass_fds=[handle])

    def _start_timer(self):
        self.timer = self._start("manage.py", "reconcile", "--watch", "2")

    def _is_ready(self):
        with suppress(requests.RequestException):
            return requests.get(f"{self.url}/health/ready", timeout=10).ok

    # What befalls it

    def kill_a_worker(self):
        if workers := children_of(self.server.pid):
            os.kill(random.choice(workers), signal.SIGKILL)

    def kill_the_server(self):
        """The main process; its workers find out. Another is started at once."""
        self.server.kill()
        self.server.wait()
        self._start_server()

    def reload(self):
        self.server.send_signal(signal.SIGHUP)

    def kill_the_timer(self):
        self.timer.kill()
        self.timer.wait()
        self._start_timer()

    def crash_the_database(self):
        postgres.crash(self.database, "")

    def seal(self):
        """Nothing befalls it: what the log says now must still be there afterwards."""
        with suppress(AssertionError):  # nothing is in it yet, or the database is on its way back
            self.manage("audit_seal", "--to", str(self.seals))

    def failures(self, requests):
        """Of the requests that failed, those that did so beside a database that was gone."""
        why = {}
        for line in self.log.read_text().splitlines():
            said = json.loads(line) if line.startswith("{") else {"message": ""}
            if found := re.match(r"(\w+) failed: (\w+)", said["message"]):
                why[found[1]] = found[2]
        gone = ("OperationalError", "InterfaceError") if self.database else ()
        return [f"{why.get(one)} in {path}" for path, one in requests if why.get(one) not in gone]
