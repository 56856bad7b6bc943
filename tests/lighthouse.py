"""`python -m tests.lighthouse`: what Lighthouse says of each kind of page of the running demo, with
its weeks of history. It fails if any page has fewer points than `LEAST`.

As on a desktop, where the desk is used. Of what it counts, SEO is of no use here: nobody outside
may find these pages.
"""

import json
import shutil
import socket
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

import requests
from playwright.sync_api import sync_playwright

from tests.demo import ROOT, running
from tests.provider import sign_in

PROGRAM = ROOT / "requirements/lighthouse/node_modules/.bin/lighthouse"
LEAST = {"performance": 98, "accessibility": 100, "best-practices": 100}  # of a hundred points
CUSTOMER = "/customers/704118236/"  # with nearly every field
MONTH = urlencode({"from": "2026-01-01", "to": "2026-01-31"})
PAGES = {
    "": ["/signed-out/"],
    "ines.moreau": [
        *("/", "/customers/new/", CUSTOMER, f"{CUSTOMER}history/", "/saves/"),
        *(f"{CUSTOMER}fields/email/", f"{CUSTOMER}groups/contact/"),
    ],
    "sana.elidrissi": [
        *("/audit/", "/audit/looks/", f"/audit/activity/?{MONTH}", "/audit/integrity/"),
        *("/audit/unsettled/", "/sessions/"),
    ],
}


def main():
    below = []
    with tempfile.TemporaryDirectory() as folder, running(Path(folder), DEMO_HISTORY="on") as demo:
        desk = demo.urls["Customer desk"].rstrip("/")
        print("points of a hundred:", *LEAST)
        for person, pages in PAGES.items():
            with chromium(Path(folder) / (person or "nobody")) as (browser, port):
                if person:
                    browser.add_cookies(signed_in(desk, person))
                for page in pages:
                    scores, found = best_report(desk + page, port)
                    print(page.ljust(50), *map("{:4}".format, scores), *wrong(found), flush=True)
                    below += [page] * falls_short(scores)
    if below:
        sys.exit(f"Below {', '.join(f'{n} in {kind}' for kind, n in LEAST.items())}: {below}")


def falls_short(scores):
    return any(score < least for score, least in zip(scores, LEAST.values(), strict=True))


def best_report(address, port):
    """Points, by kind, and the report, of which there are up to three: a busy machine makes a page
    slower, and nothing makes it faster than it is.
    """
    looks = []
    for _ in range(3):
        found = report(address, port)
        scores = [round(100 * found["categories"][kind]["score"]) for kind in LEAST]
        if not falls_short(scores):
            return scores, found
        looks.append((scores, found))
    return max(looks, key=lambda look: look[0])


@contextmanager
def chromium(profile):
    """A browser with a profile of its own, and the port on which Lighthouse reaches it."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch_persistent_context(
            profile,
            executable_path=shutil.which("chromium"),
            args=["--no-sandbox", "--disable-gpu", f"--remote-debugging-port={port}"],
        )
        yield browser, port
        browser.close()


def wrong(found):
    """The names of what costs points, but for times: those follow from the others."""
    for kind in list(LEAST)[1:]:
        for one in found["categories"][kind]["auditRefs"]:
            if one["weight"] and found["audits"][one["id"]]["score"] == 0:
                yield one["id"]


def signed_in(desk, person):
    """The cookies of that person's browser."""
    browser = requests.Session()
    asked = browser.get(f"{desk}/oidc/login/", allow_redirects=False)
    browser.get(sign_in(person, asked.headers["Location"], browser))
    ours = (one for one in browser.cookies if one.name.startswith("crmadmin_"))
    return [{"name": one.name, "value": one.value, "url": desk} for one in ours]


def report(address, port):
    """What Lighthouse found, as its JSON says it."""
    command = [
        *(PROGRAM, address, f"--port={port}", "--quiet", "--output=json", "--preset=desktop"),
        *("--disable-storage-reset", f"--only-categories={','.join(LEAST)}"),
    ]
    for _ in range(3):  # on a busy machine it may miss what it waits for
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode == 0:
            return json.loads(done.stdout)
    sys.exit(f"Lighthouse has no report of {address}: {done.stderr}")


if __name__ == "__main__":
    main()
