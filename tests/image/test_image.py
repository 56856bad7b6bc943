"""The image as operations run it: read-only, unprivileged, on PostgreSQL. `make image-test`.

Containers share this machine's network, so that they reach the sandbox and the sign-in on loopback.
"""

import os
import shutil
import signal
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import requests

from crmadmin.sandbox import Fault
from tests import postgres
from tests.conftest import HTMX, TOM, hidden_inputs
from tests.faults.conftest import Person, stand_ins, wait_until

pytestmark = pytest.mark.image
TOOL = "docker" if shutil.which("podman") is None else "podman"
IMAGE = "crmadmin:latest"
URL = f"/customers/{TOM}/fields/email/"


def tool(*arguments, check=True):
    """What the container tool prints."""
    command = [TOOL, *(["--runtime", "runc"] if TOOL == "podman" else []), *map(str, arguments)]
    environment = os.environ | {"STORAGE_DRIVER": "vfs"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert not check or done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def environment(sandbox, provider, tmp_path):
    """A company's: everything by the environment, PostgreSQL by its socket."""
    with postgres.running() as address:
        folder = Path(unquote(urlsplit(address).netloc.partition("@")[2]))
        folder.chmod(0o711)  # the container's account enters it
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        names = ("SECRET_KEY", "AUDIT_ENCRYPTION_KEYS", "AUDIT_SIGNING_KEY", "AGENT_GROUPS")
        yield {
            name: os.environ[name] for name in (*names, "SUPERVISOR_GROUPS", "AUDITOR_GROUPS")
        } | {
            "PORT": str(port),
            "HTTPS_ONLY": "off",
            "ALLOWED_HOSTS": "127.0.0.1",
            "DATABASE_URL": address,
            **stand_ins(sandbox, provider),
            "JOURNAL_GRACE": "15",
        }


def options(environment):
    folder = unquote(urlsplit(environment["DATABASE_URL"]).netloc.partition("@")[2])
    return [
        # The health check is run by hand: Podman needs systemd for it.
        *(
            "--no-healthcheck",
            "--network",
            "host",
            "--read-only",
            "--tmpfs=/tmp",
            "--volume",
            f"{folder}:{folder}",
        ),
        *("--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024", "--cap-drop", "ALL"),
        *(word for name, value in environment.items() for word in ("--env", f"{name}={value}")),
    ]


def manage(environment, *command):
    return tool("run", "--rm", *options(environment), IMAGE, "manage", *command)


class Container:
    def __init__(self, environment):
        self.url = f"http://127.0.0.1:{environment['PORT']}"
        self.name = tool("create", *options(environment), IMAGE)
        started = time.monotonic()
        tool("start", self.name)
        wait_until(lambda: self._is_ready() or self._has_ended())
        assert self._is_ready(), tool("logs", self.name)
        self.start_seconds = time.monotonic() - started

    def _is_ready(self):
        try:
            return requests.get(f"{self.url}/health/ready", timeout=5).ok
        except requests.RequestException:
            return False

    def _has_ended(self):
        return self.inspect("{{.State.Running}}") == "false"

    def inspect(self, what):
        return tool("inspect", "--format", what, self.name)

    def run(self, *command, check=True):
        return tool("exec", self.name, *command, check=check)

    def end(self, ending=signal.SIGTERM):
        """Its exit status."""
        tool("kill", "--signal", ending.name, self.name)
        return int(tool("wait", self.name))


@pytest.fixture
def start(environment):
    started = []

    def start():
        started.append(Container(environment))
        return started[-1]

    manage(environment, "migrate")
    yield start
    for container in started:
        tool("rm", "--force", container.name)


@pytest.fixture
def desk(start):
    return start()


def save(person, value):
    form = hidden_inputs(person.page(URL)) | {"value": value}
    return person.post(URL, form, headers=HTMX)


def test_the_main_job_is_done_and_recorded(desk, environment, sandbox, capsys):
    with capsys.disabled():
        size = int(tool("image", "inspect", "--format", "{{.Size}}", IMAGE)) // 1_000_000
        print(f"\n{size} MB, ready {desk.start_seconds:.1f} s after its start")
    ines, sana = Person(desk.url, "ines.moreau"), Person(desk.url, "sana.elidrissi")

    assert save(ines, "new@example.com").status_code == 200

    assert sandbox.customers[TOM]["email"] == "new@example.com"
    assert "new@example.com" in sana.page("/audit/").get_text()
    assert "whole" in manage(environment, "audit_verify")


def test_it_runs_as_nobody_and_can_write_nothing_of_its_own(desk):
    assert desk.run("id", "-u") == "10001"
    refused = desk.run(
        "sh", "-c", "touch /srv/crmadmin/x 2>&1; touch /opt/venv/x 2>&1", check=False
    )
    assert refused.count("Read-only file system") == 2


@pytest.mark.parametrize("name", ["crmadmin.demo", "crmadmin.sandbox", "tests", "pip", "pytest"])
def test_nothing_is_inside_that_the_product_does_not_need(desk, name):
    found = f"import importlib.util; print(importlib.util.find_spec('{name}'))"

    assert desk.run("python", "-c", found) == "None"
    assert ".whl" not in desk.run("ls", "-AR")


def test_its_bytecode_is_good_so_that_it_starts_at_once(desk):
    said = desk.run("sh", "-c", "python -v -c 'import django.db, customers.access' 2>&1")

    assert "customers/access.py" in said
    assert "stale" not in said


def test_it_knows_what_it_was_built_of(desk):
    commit = desk.run("cat", "COMMIT")

    assert len(commit) == 40
    assert desk.inspect('{{index .Config.Labels "org.opencontainers.image.revision"}}') == commit


def test_its_health_check_asks_whether_it_can_work(desk):
    assert "crmadmin.probe" in tool("image", "inspect", IMAGE)
    assert desk.run("python", "-m", "crmadmin.probe") == ""
    assert "not up" in desk.run("sh", "-c", "PORT=9 python -m crmadmin.probe || echo not up")


def test_told_to_stop_it_answers_what_is_under_way_and_leaves_with_0(desk, sandbox):
    sandbox.faults.add(Fault("latency", method="PATCH", seconds=3))
    ines = Person(desk.url, "ines.moreau")
    with ThreadPoolExecutor() as pool:
        saving = pool.submit(save, ines, "slow@example.com")
        wait_until(lambda: any(r.method == "PATCH" for r in sandbox.requests))
        assert desk.end() == 0
        assert saving.result().status_code == 200


def test_killed_at_a_save_another_one_settles_it(desk, start, environment, sandbox):
    sandbox.faults.add(Fault("latency", method="PATCH", seconds=3))
    ines = Person(desk.url, "ines.moreau")
    with ThreadPoolExecutor() as pool:
        saving = pool.submit(save, ines, "killed@example.com")
        wait_until(lambda: any(r.method == "PATCH" for r in sandbox.requests))
        desk.end(signal.SIGKILL)
        assert isinstance(saving.exception(), requests.ConnectionError)

    sana = Person(start().url, "sana.elidrissi")

    def is_settled():
        manage(environment, "reconcile")
        return "killed@example.com" in sana.page("/audit/").get_text()

    wait_until(is_settled)
    manage(environment, "audit_verify")
