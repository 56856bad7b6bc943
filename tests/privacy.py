"""What nobody may read outside a page: in a log, in an address, or where it leaves our server.

Every test that stands on the sandbox is watched: what was typed, what went to Club Med and what
came from there is looked for, in whatever guise, in each line of the log, in each address that a
browser asked for or was told of, and in each cookie; secrets also in every answer.
"""

import base64
import html
import json
import logging
import re
import zlib
from collections.abc import Mapping
from contextlib import contextmanager
from functools import lru_cache
from urllib.parse import quote, quote_plus, unquote_plus

from django.conf import settings
from django.core import signing
from django.core.signals import request_started

from crmadmin.logs import JsonLine

_SHORTEST = 4  # characters of a value that is looked for: shorter ones are part of any word
# Members whose values are codes, or words of the interface, and nobody's data.
_CODES = re.compile(
    "(.*-)?(type|channel|(previous_|customer_)?status|customer_type|civility|gender|optin"
    "|optin_partners|locale|market|(birth_)?country_code|language_code|act|anyway|despite|clear|conflict|choice|[A-Z_]+_FORMS|DELETE"
    "|landed|next|session|token|csrfmiddlewaretoken|purpose|field|query|format|person)"
)
# What of an answer a browser takes for an address.
_ADDRESSES = re.compile("location|content-location|content-disposition|link|refresh|hx-.*", re.I)
_BY_CHANCE = ("crmadmin_session", "crmadmin_csrf")  # cookies that hold nothing but random letters
# Of a customer, in a line of the log: in an address, or alone. A reference has 12 digits.
_NUMBER = re.compile(r"customers/\d|(?<![\w.:-])[1-9]\d{7,10}(?![\w.:-])")
_SURE = 8  # bytes of a guise, and digits of a number, that no digest holds by chance
_watching = []  # the test that runs in this process, if it is watched


def held_in(said, texts):
    """The texts that can be read in these bytes: as they are, or escaped or encoded as anybody can
    undo."""
    return {text for text in texts if any(guise in said for guise in guises(text))}


@lru_cache(4096)
def guises(text):
    """The bytes in which a text may stand: among them no short ones that stand there by chance."""
    plain = text.encode("utf-8", "surrogatepass")
    escaped = (json.dumps(text)[1:-1], html.escape(text), quote(plain, safe=""), quote_plus(plain))
    coded = [plain.hex(), plain.hex().upper(), *_base64(plain)]
    wide = [text.encode(f"utf-16-{end}", "surrogatepass") for end in ("le", "be")]
    sure = [guise for guise in [*(one.encode() for one in coded), *wide] if len(guise) >= _SURE]
    return {plain, *(one.encode() for one in escaped), *sure}


def _base64(plain):
    """What of a text's base64 is the same whatever stands around it: at each of three places."""
    for before in range(3):
        whole = base64.b64encode(bytes(before) + plain).decode()
        inner = whole[-(-before * 8 // 6) : (before + len(plain)) * 8 // 6]
        yield from {inner, inner.translate(str.maketrans("+/", "-_"))}


def readings(text):
    """A text, and what can be read in it: it may be signed (`django.core.signing`), or JSON."""
    yield text
    for inner in (*_unsigned(text), *_members(text)):
        yield from readings(inner)


def _unsigned(text):
    signed, *rest = text.split(":")
    if rest:
        try:
            said = signing.b64_decode(signed.lstrip(".").encode())
            yield (zlib.decompress(said) if signed.startswith(".") else said).decode()
        except (ValueError, zlib.error):
            return


def _members(text):
    """The texts in a list or an object, at any depth."""
    try:
        held = json.loads(text) if text[:1] in ("[", "{") else None
    except ValueError:
        return
    waiting = [held]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, list | dict):
            waiting += one.values() if isinstance(one, dict) else one


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

    def keep_exchanged(self, sandbox):
        """Remember what went to Club Med, and what it holds of those who were asked for."""
        for request in sandbox.requests:
            self.keep_private(request.json)
            if found := re.fullmatch(r"/v\d/customers/(\d+)/profile", request.path):
                self.keep_private(_without_numbers(sandbox.customers.get(found[1], {})))

    def leaks(self):
        """Each thing said that holds a private text or a secret, and each line of the log that
        holds the number or the address of a customer.
        """
        found = held_in(_bytes("\n".join(self.said)), self.private | secrets())
        return [
            said
            for said in self.said
            if held_in(_bytes(said), found) or (said.startswith("log: ") and _NUMBER.search(said))
        ]


def _bytes(said):
    return said.encode("utf-8", "surrogatepass")


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


def note(response):
    """Note of an answer what becomes an address, or stays in the browser."""
    said = [
        f"{name}: {unquote_plus(value)}"
        for name, value in response.items()
        if _ADDRESSES.fullmatch(name)
    ]
    for name, cookie in response.cookies.items():
        if name not in _BY_CHANCE:
            said += [f"cookie {name}: {reading}" for reading in readings(cookie.value)]
    for told in _watching:
        told.said += said


def without_chance(said):
    """A line of the process log without what may hold a customer's text by chance: today's date,
    the random reference of its request, and the digest and signature of a seal."""
    line = json.loads(said)
    del line["time"]
    line.pop("seal", None)
    reference = line.pop("request", "")
    rest = json.dumps(line, ensure_ascii=False)
    return rest.replace(reference, "") if reference else rest


class _Lines(logging.Handler):
    """Every line as it would stand in the log, with its exception."""

    def __init__(self, said):
        super().__init__()
        self.setFormatter(JsonLine(json_ensure_ascii=False))
        self.said = said

    def emit(self, record):
        if record.name.startswith("crmadmin.sandbox"):  # Club Med's own, not ours
            return
        self.said.append(f"log: {without_chance(self.format(record))}")


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
    told.keep_exchanged(sandbox)
    leaks = told.leaks()
    assert not leaks, leaks


def _without_numbers(profile):
    """Without what stands in our own addresses: a customer's number, which a GM number may be."""
    return {
        key: value for key, value in profile.items() if key not in ("id", "gm_number", "_links")
    }
