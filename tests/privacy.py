"""What nobody may read outside a page: in a log, in an address, or where it leaves our server.

Every test that stands on the sandbox is watched: what was typed, what went to Club Med and what
came from there is looked for in each line of the log and in each address that a browser asked for;
secrets also in every answer.
"""

import logging
import re
from collections.abc import Mapping
from contextlib import contextmanager
from urllib.parse import unquote_plus

from django.conf import settings
from django.core.signals import request_started

_SHORTEST = 4  # characters of a value that is looked for: shorter ones are part of any word
# Members whose values are codes, or words of the interface, and nobody's data.
_CODES = re.compile(
    "(.*-)?(type|channel|(previous_|customer_)?status|customer_type|civility|gender|optin"
    "|optin_partners|locale|market|(birth_)?country_code|language_code|act|add|remove|despite"
    "|landed|next|token|csrfmiddlewaretoken|purpose|field)"
)
_watching = []  # the test that runs in this process, if it is watched


class Told:
    """What one test told the world, and what it may not have."""

    def __init__(self):
        self.said = []
        self.private = set()

    def keep_private(self, value, name=""):
        """Remember every text in it, at any depth; name: of the member that holds it."""
        if isinstance(value, Mapping):
            for key, member in value.items():
                self.keep_private(member, key)
        elif isinstance(value, list | tuple):
            for item in value:
                self.keep_private(item, name)
        elif isinstance(value, str) and _is_private(name, value.strip()):
            self.private.add(value.strip())

    def leaks(self):
        """Each thing said that holds a private text or a secret."""
        kept = self.private | secrets()
        return [said for said in self.said if any(private in said for private in kept)]


def _is_private(name, text):
    """A customer's number is not: it stands in our own addresses, whoever types it."""
    is_number = name in ("q", "customer_id") and re.fullmatch("[1-9][0-9]*", text)
    return len(text) >= _SHORTEST and not is_number and not _CODES.fullmatch(name)


def secrets():
    held = {
        settings.SECRET_KEY,
        settings.CLUBMED_TOKEN,
        settings.CLUBMED_CLIENT_SECRET,
        settings.CLUBMED_API_KEY,
        settings.OIDC_CLIENT_SECRET,
        settings.AUDIT_SIGNING_KEY.hex(),
        *(key.hex() for key in settings.AUDIT_ENCRYPTION_KEYS),
    }
    return held - {""}


def assert_no_secret(response):
    content = getattr(response, "content", b"")  # none where it is streamed
    assert not [secret for secret in secrets() if secret.encode() in content]


def keep_private(typed):
    """Remember what somebody types."""
    for told in _watching:
        told.keep_private(typed)


class _Lines(logging.Handler):
    """Every line as it would stand in the log, with its exception."""

    def __init__(self, said):
        super().__init__()
        self.said = said

    def emit(self, record):
        if record.name.startswith("customers.clubmed.sandbox"):  # Club Med's own, not ours
            return
        self.said.append(f"log: {self.format(record)}")


@contextmanager
def watched(sandbox):
    """Around a test that stands on this sandbox; fails at its end if too much was told."""
    told = Told()

    def asked(environ, **kwargs):
        told.said.append(f"address: {environ['PATH_INFO']}?{unquote_plus(environ['QUERY_STRING'])}")

    lines = _Lines(told.said)
    request_started.connect(asked)
    logging.getLogger().addHandler(lines)
    _watching.append(told)
    try:
        yield told
    finally:
        _watching.remove(told)
        logging.getLogger().removeHandler(lines)
        request_started.disconnect(asked)
    for request in sandbox.requests:
        told.keep_private(request.json)
        if found := re.fullmatch(r"/v\d/customers/(\d+)/profile", request.path):
            told.keep_private(_without_numbers(sandbox.customers.get(found[1], {})))
    leaks = told.leaks()
    assert not leaks, leaks


def _without_numbers(profile):
    """Without what stands in our own addresses: a customer's number, which a GM number may be."""
    return {
        key: value for key, value in profile.items() if key not in ("id", "gm_number", "_links")
    }
