"""A gunicorn of our own on a socket that is already bound, and its end with ours."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import requests

from crmadmin.demo import listening

BASE_DIR = Path(__file__).resolve().parent.parent.parent
_START_SECONDS = 60
_STOP_SECONDS = 5
# On loopback nothing goes through a proxy, and gunicorn is told here alone what to do.
_ALONE = {"NO_PROXY": "*", "no_proxy": "*", "GUNICORN_CMD_ARGS": ""}


class ServerError(Exception):
    """A server did not come up; the text is one sentence for the person who started the demo."""


class Server:
    """A WSGI application under gunicorn; leaving the context ends it and its workers."""

    def __init__(
        self,
        name: str,
        application: str,
        listener: socket.socket,
        environment: Mapping[str, str],
        *,
        threads: int,
    ) -> None:
        self.name = name
        self.url = listening.url(listener)
        handle = listener.fileno()
        self._process = subprocess.Popen(  # noqa: S603
            [
                *(sys.executable, "-m", "gunicorn", application),
                *("--config", "python:crmadmin.demo.gunicorn"),
                *("--bind", f"fd://{handle}"),
                *("--threads", str(threads)),
            ],
            cwd=BASE_DIR,
            env={**environment, **_ALONE},
            pass_fds=[handle],
            stdin=subprocess.PIPE,  # the leash: see crmadmin.demo.gunicorn
            start_new_session=True,  # Ctrl-C reaches us alone, and we end it in order
        )
        listener.close()  # it is the child's now: should that die, callers are told at once

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def wait(self, path: str) -> None:
        """Return once GET `path` succeeds. Raises ServerError if that does not happen."""
        deadline = time.monotonic() + _START_SECONDS
        session = requests.Session()
        session.trust_env = False  # no proxy on the way to loopback
        while self.running and time.monotonic() < deadline:
            try:
                if session.get(self.url + path, timeout=5, allow_redirects=False).ok:
                    return
            except requests.RequestException:
                pass
            time.sleep(0.1)
        raise ServerError(f"{self.name} did not start: its own messages above say why.")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.running:
            self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        if self._process.stdin:
            self._process.stdin.close()


def manage(command: str, environment: Mapping[str, str]) -> None:
    """Run a quiet `manage.py` command. Raises ServerError if it fails."""
    if python(["manage.py", command, "--verbosity", "0"], environment) != 0:
        raise ServerError(f"`manage.py {command}` failed: its own messages above say why.")


def python(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run Python in a process of its own; its exit status."""
    command = [sys.executable, *arguments]
    return subprocess.run(  # noqa: S603
        command, cwd=BASE_DIR, env={**environment, **_ALONE}, check=False
    ).returncode
