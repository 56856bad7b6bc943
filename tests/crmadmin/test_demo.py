"""`manage.py demo` as a person starts it: with nothing configured, and gone when it ends."""

import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from tests.provider import sign_in

ROOT = Path(__file__).parent.parent.parent
NAMES = ("Customer desk", "Sandbox API", "Sign-in")


def environment(folder: Path, **ports: str) -> dict[str, str]:
    """Nothing of ours: what is left of an environment where nobody configured anything."""
    free = {"PORT": "0", "SANDBOX_PORT": "0", "OIDC_PORT": "0"}
    return {"PATH": os.environ["PATH"], "TMPDIR": str(folder), **free, **ports}


class Demo:
    """A running demo: its process, and what it printed: addresses by name, and a command."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.urls: dict[str, str] = {}
        self.command: list[str] = []
        assert process.stdout is not None
        for line in process.stdout:
            if line.strip().startswith("sh "):
                self.command = line.split()
            name, _, url = line.strip().rpartition(" ")
            self.urls.update({name.strip(): url} if name.strip() in NAMES else {})
            if "Ctrl-C" in line:
                break

    def end(self, ending: signal.Signals) -> tuple[int, str]:
        """Its exit status, and what it still said."""
        self.process.send_signal(ending)
        said, _ = self.process.communicate(timeout=30)
        return self.process.returncode, said


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
        try:
            yield Demo(process)
        finally:
            process.terminate()


def children_of(process: subprocess.Popen[str]) -> list[int]:
    """The process numbers of its children, in the order of their start."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text(encoding="utf-8")
    return [int(number) for number in children.split()]


def said_by(command: list[str]) -> str:
    environment = {"PATH": os.environ["PATH"]}
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, check=True
    ).stdout


def refuses(url: str) -> bool:
    """Nobody listens there any more."""
    host, port = url.removeprefix("http://").rstrip("/").split(":")
    with socket.socket() as caller:
        return caller.connect_ex((host, int(port))) != 0


def test_an_agent_signs_in_to_the_running_demo_and_ctrl_c_leaves_nothing_behind(
    tmp_path: Path,
) -> None:
    with running(tmp_path) as demo:
        assert set(demo.urls) == set(NAMES)
        desk, browser = demo.urls["Customer desk"], requests.Session()
        asked = browser.get(f"{desk}oidc/login/", allow_redirects=False).headers["Location"]
        assert asked.startswith(demo.urls["Sign-in"])
        home = browser.get(sign_in("ines.moreau", asked, browser))
        assert (home.status_code, home.url) == (200, desk)
        assert "Inès Moreau" in home.text
        assert said_by(demo.command) == "no entries\n"

        status, said = demo.end(signal.SIGINT)
        assert status == 0
        assert "Traceback" not in said
        assert all(refuses(url) for url in demo.urls.values())
        assert list(tmp_path.iterdir()) == []


def test_its_commands_call_the_sandbox_whatever_else_the_environment_says(tmp_path: Path) -> None:
    said = {"CLUBMED_API_URL": "https://api.example.com", "CLUBMED_TOKEN_FILE": "/nowhere/token"}
    ask = "from django.conf import settings; print(settings.CLUBMED_API_URL)"
    with running(tmp_path, **said) as demo:
        command = [*demo.command[:-1], "shell", "--verbosity", "0", "--command", ask]

        assert said_by(command).strip() == demo.urls["Sandbox API"].rstrip("/")


def test_a_server_that_stops_ends_the_demo_and_is_named(tmp_path: Path) -> None:
    with running(tmp_path) as demo:
        os.kill(children_of(demo.process)[-1], signal.SIGKILL)
        said, _ = demo.process.communicate(timeout=30)
        assert demo.process.returncode == 1
        assert said.strip().endswith("The customer desk has stopped, so the demo ends.")


def test_the_servers_end_even_when_the_demo_is_killed(tmp_path: Path) -> None:
    with running(tmp_path) as demo:
        servers = children_of(demo.process)
        watched = [os.pidfd_open(server) for server in servers]
        demo.process.kill()
        for handle in watched:
            assert select.select([handle], [], [], 30)[0], "it is still there"
            os.close(handle)


@pytest.mark.parametrize("variable", ["PORT", "SANDBOX_PORT", "OIDC_PORT"])
def test_a_taken_port_is_one_sentence_that_says_what_to_do(tmp_path: Path, variable: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "manage.py", "demo"],
            cwd=ROOT,
            env=environment(tmp_path, **{variable: str(port)}),
            capture_output=True,
            text=True,
            check=False,
        )
    sentence = f"Port {port} is taken: set {variable} to another one, or to 0 for any free one.\n"
    assert (done.returncode, done.stdout, done.stderr) == (1, "", sentence)
    assert list(tmp_path.iterdir()) == []
