"""The demo: product, sandbox API and sign-in, each on its port, until it is told to end."""

import base64
import os
import secrets
import shlex
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import NoReturn

from crmadmin.demo import listening, provider
from crmadmin.demo.server import BASE_DIR, Server, ServerError, manage, python
from crmadmin.demo.staff import STAFF
from crmadmin.sandbox import Sandbox

_ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run() -> NoReturn:
    """Serve until Ctrl-C, SIGTERM or SIGHUP, then leave with 0 and without a trace.

    Raises PortError or ServerError, both with one sentence for the person.
    """
    for ending in _ENDINGS:
        signal.signal(ending, _leave)
    with ExitStack() as stack:
        desk = stack.enter_context(listening.listen("PORT", 8000))
        api = stack.enter_context(listening.listen("SANDBOX_PORT", 8001))
        identity = stack.enter_context(listening.listen("OIDC_PORT", 8002))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="crmadmin-demo-")))
        with _serving(desk, api, identity, folder) as servers:
            _watch(servers)


@contextmanager
def _serving(
    desk: socket.socket, api: socket.socket, identity: socket.socket, folder: Path
) -> Iterator[tuple[Server, ...]]:
    """Everything up and announced; ended in reverse order."""
    port = desk.getsockname()[1]
    sandbox = Sandbox(
        listener=api, token=secrets.token_urlsafe(24), api_key=secrets.token_urlsafe(24)
    )
    hosts = ("127.0.0.1", "localhost")
    sign_in = provider.start(
        identity,
        folder,
        redirect_uris=tuple(f"http://{host}:{port}/oidc/callback/" for host in hosts),
        post_logout_redirect_uris=tuple(f"http://{host}:{port}/signed-out/" for host in hosts),
    )
    with sandbox, sign_in as op:
        defaults, fixed = _defaults(folder), _fixed(sandbox, op)
        environment = {**defaults, **os.environ, **fixed}
        manage("migrate", environment)
        if environment["DATABASE_URL"] == defaults["DATABASE_URL"]:
            _fill_log(environment)
        ours = {name: environment[name] for name in (*defaults, *fixed)}
        _write_manage(folder / "manage", ours)
        application = "crmadmin.wsgi:application"
        with Server("The customer desk", application, desk, environment, threads=32) as product:
            op.wait()
            product.wait("/health/live")
            _announce(product.url, sandbox.url, op.issuer, folder / "manage")
            yield product, op.server


def _fill_log(environment: Mapping[str, str]) -> None:
    """Some weeks of history, unless DEMO_HISTORY is off; the demo goes on without, and says so."""
    if environment.get("DEMO_HISTORY") == "off":
        return
    if python(["-m", "crmadmin.demo.history"], environment) != 0:
        print("\n  The history could not be made: its own messages above say why.", flush=True)


def _defaults(folder: Path) -> dict[str, str]:
    """What the caller's environment may say otherwise."""
    return {
        "SECRET_KEY": secrets.token_urlsafe(48),
        "AUDIT_ENCRYPTION_KEYS": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "AUDIT_SIGNING_KEY": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "AUDIT_TOMBSTONES": str(folder / "tombstones.ndjson"),
        "DEBUG": "off",
        "DATABASE_URL": f"sqlite:///{folder / 'desk.sqlite3'}",
        "CLUBMED_LOCALE": "en-US",
        "CLUBMED_CONNECT_TIMEOUT": "3",
        "CLUBMED_READ_TIMEOUT": "8",
        "CLUBMED_DEADLINE": "10",
        "JOURNAL_GRACE": "10",
        "ENVIRONMENT_NAME": "Demo",
    }


def _fixed(sandbox: Sandbox, op: provider.Provider) -> dict[str, str]:
    """What must fit the servers that the demo starts; no NAME_FILE may speak against it."""
    fixed = {
        "DJANGO_SETTINGS_MODULE": "crmadmin.settings",
        "ALLOWED_HOSTS": "127.0.0.1,localhost",
        "HTTPS_ONLY": "off",
        "CLUBMED_API_URL": sandbox.url,
        "CLUBMED_API_KEY": sandbox.api_key,
        "CLUBMED_AUTH": "static",
        "CLUBMED_TOKEN": sandbox.token,
        "OIDC_ISSUER": op.issuer,
        "OIDC_CLIENT_ID": op.client_id,
        "OIDC_CLIENT_SECRET": op.client_secret,
        "OIDC_GROUPS_CLAIM": "groups",
        "AGENT_GROUPS": "crm-agents",
        "SUPERVISOR_GROUPS": "crm-supervisors",
        "AUDITOR_GROUPS": "crm-auditors",
        "REVEAL_GROUPS": "crm-supervisors",
    }
    return fixed | {f"{name}_FILE": "" for name in fixed}


def _write_manage(path: Path, environment: Mapping[str, str]) -> None:
    """A script that is this demo's `manage.py`, for its person alone: it holds the keys."""
    lines = [f"export {name}={shlex.quote(value)}" for name, value in environment.items()]
    command = shlex.join([sys.executable, str(BASE_DIR / "manage.py")])
    with open(path, "x", encoding="utf-8", opener=partial(os.open, mode=0o600)) as file:
        file.write("\n".join([*lines, f'exec {command} "$@"\n']))


def _announce(desk: str, api: str, issuer: str, script: Path) -> None:
    lines = [
        "",
        f"  Customer desk   {desk}/",
        f"  Sandbox API     {api}/",
        f"  Sign-in         {issuer}/",
        "",
        "  Who may sign in (invented people, no passwords)",
        *(f"    {person.name:<18}{person.role}" for person in STAFF),
        "",
        "  Its commands, like audit_verify",
        f"    sh {script} audit_verify",
        "",
        "  Ctrl-C ends all of it.",
    ]
    for line in lines:
        print(line, flush=True)


def _watch(servers: tuple[Server, ...]) -> NoReturn:
    """Stay until a signal ends us. Raises ServerError when a server has gone."""
    while True:
        for server in servers:
            if not server.running:
                raise ServerError(f"{server.name} has stopped, so the demo ends.")
        time.sleep(0.5)


def _leave(signum: int, frame: object) -> NoReturn:
    """End by unwinding, once: a second Ctrl-C must not interrupt the tidying."""
    for ending in _ENDINGS:
        signal.signal(ending, signal.SIG_IGN)
    raise SystemExit(0)
