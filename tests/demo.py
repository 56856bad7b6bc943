"""The demo as a person starts it, for tests that need the whole running product."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parent.parent
# As `make run` starts it.
SERVER = (
    *(sys.executable, "-m", "gunicorn", "crmadmin.wsgi:application"),
    *("--config", "python:crmadmin.server"),
)
_PATIENCE = 120  # seconds: a busy machine is slow, and not wrong
NAMES = ("Customer desk", "Sandbox API", "Sign-in")


def python(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run Python in a process of its own, at the root of the repository."""
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def environment(folder: Path, **ports: str) -> dict[str, str]:
    """Nothing of ours: what is left of an environment where nobody configured anything."""
    free = {"PORT": "0", "SANDBOX_PORT": "0", "OIDC_PORT": "0", "DEMO_HISTORY": "off"}
    return {"PATH": os.environ["PATH"], "TMPDIR": str(folder), **free, **ports}


class Demo:
    """A running demo: its process, and what it printed until it was ready: all of it, addresses by
    name, and a command.
    """

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.announced = ""
        self.urls: dict[str, str] = {}
        self.command: list[str] = []
        assert process.stdout is not None
        for line in process.stdout:
            self.announced += line
            if line.strip().startswith("sh "):
                self.command = line.split()
            name, _, url = line.strip().rpartition(" ")
            self.urls.update({name.strip(): url} if name.strip() in NAMES else {})
            if "Ctrl-C" in line:
                break
        # Somebody has to read on: a full pipe would stop the servers at their next line.
        self._said: list[str] = []
        self._reader = threading.Thread(target=self._said.extend, args=[process.stdout])
        self._reader.start()

    def end(self, ending: signal.Signals) -> tuple[int, str]:
        """Its exit status, and what it said since it was ready."""
        self.process.send_signal(ending)
        return self.wait()

    def wait(self) -> tuple[int, str]:
        """The same of a demo that ends by itself."""
        self.process.wait(timeout=_PATIENCE)
        self._reader.join(timeout=_PATIENCE)
        return self.process.returncode, "".join(self._said)


@contextmanager
def running(folder: Path, **more: str) -> Iterator[Demo]:
    with subprocess.Popen(
        [sys.executable, "manage.py", "demo"],
        cwd=ROOT,
        env=environment(folder, **more),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        demo = None
        try:
            demo = Demo(process)
            yield demo
        finally:
            process.terminate()
            if demo:
                demo.wait()


def children_of(process: int) -> list[int]:
    """The process numbers of its children, in the order of their start."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text(encoding="utf-8")
    return [int(number) for number in children.split()]
