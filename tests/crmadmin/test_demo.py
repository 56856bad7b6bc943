"""`manage.py demo` as a person starts it: with nothing configured, and gone when it ends."""

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import requests

from customers.audit.actions import Outcome
from tests.conftest import text
from tests.demo import NAMES, ROOT, children_of, environment, running
from tests.faults.conftest import Person

PATIENT = {"CLUBMED_READ_TIMEOUT": "20", "CLUBMED_DEADLINE": "20", "JOURNAL_GRACE": "20"}


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


def test_it_holds_five_weeks_of_six_peoples_work_and_ctrl_c_leaves_nothing_behind(
    tmp_path: Path,
) -> None:
    """Its commands call the sandbox, whatever else the environment says."""
    others = {"CLUBMED_API_URL": "https://api.example.com", "CLUBMED_TOKEN_FILE": "/nowhere/token"}
    with running(tmp_path, DEMO_HISTORY="on", **PATIENT, **others) as demo:
        assert set(demo.urls) == set(NAMES)
        assert "Preparing five weeks of history ......................" in demo.announced
        assert ": whole, " in said_by(demo.command)
        ask = "from django.conf import settings; print(settings.CLUBMED_API_URL)"
        command = [*demo.command[:-1], "shell", "--verbosity", "0", "--command", ask]
        assert said_by(command).strip() == demo.urls["Sandbox API"].rstrip("/")
        sana = Person(demo.urls["Customer desk"].rstrip("/"), "sana.elidrissi")

        log = sana.page("/audit/")
        assert "Sana El Idrissi, supervisor" in text(log.select_one(".topbar"))
        people = [text(one) for one in log.select("label[for^=id_person_]")]
        assert len(people) == 7
        assert people.count("Outside this desk") == 1
        outcomes = {text(one) for one in log.select("label[for^=id_outcome_]")}
        assert outcomes == {"Waiting", *(map(str, Outcome.labels))} - {"Stored as"}
        for query in (
            "flag=forced_address",
            "flag=despite_duplicates",
            "flag=reverts",
            "action=forgotten",
            "action=elsewhere",
        ):
            assert sana.page(f"/audit/?{query}").select("tbody.change"), query
        assert "stored as" in text(log)

        assert "The log is intact up to entry" in text(sana.page("/audit/integrity/"))
        activity = text(sana.page("/audit/activity/findings/"))
        assert "One phone was set on 6 customers" in activity
        assert re.search(r"Opt-ins of \d+ customers switched on by Owen Whitfield", activity)
        unsettled = sana.page("/audit/unsettled/").select("tbody.change")
        assert len(unsettled) == 2
        looked = text(sana.page("/audit/looks/?kind=reveal&kind=export&kind=refused"))
        for what in ("Sensitive value revealed", "Log exported", "Entry refused"):
            assert what in looked

        status, said = demo.end(signal.SIGINT)
        assert status == 0
        assert "Traceback" not in said
        assert all(refuses(url) for url in demo.urls.values())
        assert list(tmp_path.iterdir()) == []


def test_without_a_history_the_demo_begins_and_with_a_server_it_ends(tmp_path: Path) -> None:
    """It says why, both times."""
    nowhere = str(tmp_path / "nowhere" / "tombstones.ndjson")
    with running(tmp_path, DEMO_HISTORY="on", AUDIT_TOMBSTONES=nowhere) as demo:
        assert "The history could not be made: its own messages above say why." in demo.announced
        assert requests.get(demo.urls["Customer desk"], allow_redirects=False).status_code == 302

        os.kill(children_of(demo.process.pid)[-1], signal.SIGKILL)
        status, said = demo.wait()
        assert status == 1
        assert said.strip().endswith("The customer desk has stopped, so the demo ends.")


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
