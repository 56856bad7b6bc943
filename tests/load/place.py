"""One machine: the product as `make run` serves it, PostgreSQL as it comes, Club Med at 150 ms."""

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import requests

from crmadmin.demo import listening
from tests import postgres
from tests.demo import ROOT, SERVER, children_of, python

LATENCY = 0.15  # seconds, of each answer of Club Med's
PROCESSES = 2 * (os.cpu_count() or 1)  # docs/operations.md, section 8


class Place:
    """url: of the product. environment: of its commands. log: the process log, growing."""

    def __init__(self, folder, database, latency):
        self.database, self.log = database, folder / "process.log"
        self._sandbox, self.api = _sandbox(latency)
        self._server = None
        self.environment = {
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "DATABASE_URL": database,
            "TMPDIR": str(folder),
            "AUDIT_TOMBSTONES": str(folder / "tombstones.ndjson"),
            "CLUBMED_API_URL": self.api,
            "CLUBMED_READ_TIMEOUT": "10",
            "CLUBMED_DEADLINE": "15",
            "JOURNAL_GRACE": "15",
            "SESSION_RENEW_MINUTES": "600",
            "LIMIT_VIEWS": "100000/10m",
            "LIMIT_SEARCHES": "100000/10m",
        }

    def prepare(self, entries, people):
        """Cookies by person, in a database of a log of so many entries."""
        done = python("-m", "tests.load.prepare", entries, people, **self.environment)
        assert done.returncode == 0, done.stderr[-2000:]
        return json.loads(done.stdout)

    def serve(self, processes=PROCESSES):
        listener = listening.on(0, backlog=1024)
        self.url, handle = listening.url(listener), listener.fileno()
        with self.log.open("wb") as told:
            self._server = subprocess.Popen(
                [*SERVER, "--bind", f"fd://{handle}"],
                cwd=ROOT,
                env=os.environ | self.environment | {"WEB_CONCURRENCY": str(processes)},
                pass_fds=[handle],
                stderr=told,
            )
        listener.close()
        requests.get(f"{self.url}/health/ready", timeout=60).raise_for_status()

    def manage(self, *command):
        done = python("manage.py", *command, **self.environment)
        assert done.returncode == 0, done.stderr[-2000:] + done.stdout[-2000:]
        return done.stdout

    def workers(self):
        return children_of(self._server.pid)

    def end(self):
        for process in filter(None, (self._server, self._sandbox)):
            process.terminate()
            process.wait()

    def computed(self):
        """Seconds that each part of it has computed until now, and all else on this machine."""
        main = int(
            (postgres.folder_of(self.database) / "data/postmaster.pid").read_text().split()[0]
        )
        parts = {
            "the product": [self._server.pid, *self.workers()],
            "PostgreSQL": [main, *children_of(main)],
            "Club Med": [self._sandbox.pid],
            "the people": [os.getpid()],
        }
        ours = {name: sum(map(_cpu, processes)) for name, processes in parts.items()}
        return ours | {"others": _busy() - sum(ours.values())}


def _cpu(process):
    """User and system seconds of a process, and of its children that have ended (proc(5))."""
    try:
        stat = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:  # it has just ended, and is counted with who waited for it
        return 0
    return sum(map(int, stat[11:15])) / os.sysconf("SC_CLK_TCK")


def _busy():
    """Seconds that this machine's cores have computed until now (proc(5))."""
    spent = Path("/proc/stat").read_text().splitlines()[0].split()[1:9]
    idle, waits_for_a_disk = spent[3:5]
    return (sum(map(int, spent)) - int(idle) - int(waits_for_a_disk)) / os.sysconf("SC_CLK_TCK")


def _sandbox(latency):
    """Its process and its address."""
    process = subprocess.Popen(
        [sys.executable, "manage.py", "sandbox", "--port", "0"],
        cwd=ROOT,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    url = process.stdout.readline().split()[3].rstrip(",")
    slow = {"kind": "latency", "seconds": latency, "times": None}
    if latency:
        requests.post(f"{url}/_sandbox/faults", json=slow, timeout=60).raise_for_status()
    return process, url


@contextmanager
def place(folder, latency=LATENCY):
    with postgres.running(options="-c max_connections=200") as database:
        one = Place(Path(folder), database, latency)
        try:
            yield one
        finally:
            one.end()
