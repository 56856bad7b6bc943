"""`manage.py demo` as a person starts it: with nothing configured, and gone when it ends."""

import os
import select
import signal
import socket
import subprocess
import sys
from pathlib import Path

import requests

from tests.demo import NAMES, ROOT, children_of, environment, running
from tests.provider import sign_in


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
    """Its commands call the sandbox, whatever else the environment says."""
    others = {"CLUBMED_API_URL": "https://api.example.com", "CLUBMED_TOKEN_FILE": "/nowhere/token"}
    with running(tmp_path, **others) as demo:
        assert set(demo.urls) == set(NAMES)
        desk, browser = demo.urls["Customer desk"], requests.Session()
        asked = browser.get(f"{desk}oidc/login/", allow_redirects=False).headers["Location"]
        assert asked.startswith(demo.urls["Sign-in"])
        home = browser.get(sign_in("ines.moreau", asked, browser))
        assert (home.status_code, home.url) == (200, desk)
        assert "Inès Moreau" in home.text
        assert said_by(demo.command).startswith("no entries")
        ask = "from django.conf import settings; print(settings.CLUBMED_API_URL)"
        command = [*demo.command[:-1], "shell", "--verbosity", "0", "--command", ask]
        assert said_by(command).strip() == demo.urls["Sandbox API"].rstrip("/")

        status, said = demo.end(signal.SIGINT)
        assert status == 0
        assert "Traceback" not in said
        assert all(refuses(url) for url in demo.urls.values())
        assert list(tmp_path.iterdir()) == []


def test_a_server_that_stops_ends_the_demo_and_is_named(tmp_path: Path) -> None:
    with running(tmp_path) as demo:
        os.kill(children_of(demo.process.pid)[-1], signal.SIGKILL)
        status, said = demo.wait()
        assert status == 1
        assert said.strip().endswith("The customer desk has stopped, so the demo ends.")


def test_the_servers_end_even_when_the_demo_is_killed(tmp_path: Path) -> None:
    with running(tmp_path) as demo:
        servers = children_of(demo.process.pid)
        watched = [os.pidfd_open(server) for server in servers]
        demo.process.kill()
        for handle in watched:
            assert select.select([handle], [], [], 30)[0], "it is still there"
            os.close(handle)


def test_a_taken_port_is_one_sentence_that_says_what_to_do(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "manage.py", "demo"],
            cwd=ROOT,
            env=environment(tmp_path, SANDBOX_PORT=str(port)),
            capture_output=True,
            text=True,
            check=False,
        )
    sentence = f"Port {port} is taken: set SANDBOX_PORT to another one, or to 0 for any free one.\n"
    assert (done.returncode, done.stdout, done.stderr) == (1, "", sentence)
    assert list(tmp_path.iterdir()) == []
