"""A PostgreSQL of one's own around a command: `python -m tests.postgres COMMAND...`

Starts the machine's PostgreSQL in a new folder, on a Unix socket and no port, gives the command its
address as DATABASE_URL, and removes everything when the command ends. Exits as the command did.
No service, no cluster and no account of the machine is used, and any number may run side by side.
"""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

# Nothing here outlives the run, so nothing waits for a disk; and nobody tidies up in between.
_FORGETFUL = "-c fsync=off -c full_page_writes=off -c autovacuum=off"
_INITDB = ("-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale")


class PostgresError(Exception):
    """There is no PostgreSQL to be had; the text is one sentence that says what to do."""


def binaries() -> Path:
    """The folder of `initdb` and `pg_ctl`: on the PATH, or the newest where Debian keeps them."""
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    versions = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    newest = max(versions, key=lambda path: float(path.parts[-3]), default=None)
    if newest is None:
        raise PostgresError(
            "PostgreSQL's server is not installed: run `apt-get install postgresql` as root."
        )
    return newest.parent


def _account() -> dict[str, Any]:
    """PostgreSQL refuses to run as root: who runs it then, as arguments for subprocess."""
    if os.geteuid() != 0:
        return {}
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    entry = known.get("postgres") or known["nobody"]
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


@contextmanager
def running(options: str = _FORGETFUL) -> Iterator[str]:
    """A server with an empty database; the address that Django's settings take. PostgresError.

    options: of the server's command line; with none, it is as durable as PostgreSQL comes.
    """
    account = _account()
    # Straight in /tmp: a socket's path is short, and the server's account must be able to enter it.
    with tempfile.TemporaryDirectory(prefix="crmadmin-pg-", dir="/tmp") as name:
        folder = Path(name)
        if account:
            os.chown(folder, account["user"], account["group"])
        data = folder / "data"
        try:
            _call(folder, "initdb", "-D", str(data), *_INITDB)
            _start(folder, options)
            yield f"postgres://postgres@{quote(name, safe='')}/postgres"
        finally:
            if (data / "postmaster.pid").exists():
                _stop(folder, "fast")


def crash(address: str, options: str = _FORGETFUL) -> None:
    """End a server of `running` without a word to anybody, and start it again. PostgresError."""
    folder = folder_of(address)
    _stop(folder, "immediate")
    _start(folder, options)


def folder_of(address: str) -> Path:
    """The folder of a server of `running`."""
    return Path(unquote(urlsplit(address).netloc.rpartition("@")[2]))


def _start(folder: Path, options: str) -> None:
    served = f"-c listen_addresses='' -k {folder} {options}"
    log = folder / "log"
    _call(folder, "pg_ctl", "-D", "data", "-l", str(log), "-o", served, "--wait", "start")


def _stop(folder: Path, mode: str) -> None:
    _call(folder, "pg_ctl", "-D", "data", "--mode", mode, "--wait", "stop")


def _call(folder: Path, program: str, *arguments: str) -> None:
    """One of PostgreSQL's programs, in the folder of a server. PostgresError."""
    command = [str(binaries() / program), *arguments]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, **_account()
    )
    if done.returncode != 0:
        log = folder / "log"
        told = done.stderr + (log.read_text() if log.exists() else "")
        raise PostgresError(f"PostgreSQL did not start: `{program}` said\n{told}")


def run(command: list[str]) -> int:
    """Run the command beside a server; its exit status. A SIGTERM is handed on to it."""
    signal.signal(signal.SIGTERM, lambda signum, frame: sys.exit(128 + signum))
    with running() as address:
        child = subprocess.Popen(command, env={**os.environ, "DATABASE_URL": address})
        # Ctrl-C reaches the command too, which ends in its own way; the server stays until then.
        signal.signal(signal.SIGINT, lambda signum, frame: None)
        signal.signal(signal.SIGTERM, lambda signum, frame: child.terminate())
        status = child.wait()
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    try:
        sys.exit(run(sys.argv[1:]))
    except PostgresError as exc:
        sys.exit(str(exc))
