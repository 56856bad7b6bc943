"""What no deployment may be: the product does not start then, and says which variable to change.

What only deserves a second look, `manage.py check --deploy` warns of.
"""

import base64
from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from itertools import pairwise
from typing import Any
from urllib.parse import urlsplit

_SHORTEST_SECRET = 50  # characters
_LEAST_DIFFERENT = 16  # of the 32 bytes of a key; a random one has fewer once in 10**16
_LEAST_OF_TEXT = 10  # of the characters of a secret: one in hex or in digits may be random, too
_WORDS = ("insecure", "password", "changeme", "change-me")  # of secrets that nobody drew by lot
_WIDEST = {4: 8, 6: 7}  # bits that a network of proxies has in common, by version of IP
_GROUPS = ("AGENT_GROUPS", "SUPERVISOR_GROUPS", "AUDITOR_GROUPS")


def faults(settings: Mapping[str, Any]) -> Iterator[str]:
    """One sentence each, which begins with the variable, and repeats no value."""
    yield from _addresses(settings)
    yield from _secrets(settings)
    yield from _hosts(settings)
    yield from _roles(settings)
    if settings["DEBUG"] and settings["HTTPS_ONLY"]:
        yield "DEBUG must be off: error pages show code and settings"


def _addresses(settings: Mapping[str, Any]) -> Iterator[str]:
    """Tokens and customers travel to these."""
    for name in ("OIDC_ISSUER", "CLUBMED_API_URL", "CLUBMED_TOKEN_URL"):
        address = urlsplit(settings[name])
        if "@" in address.netloc:
            yield f"{name} must hold no user and no password"
        if (
            settings["HTTPS_ONLY"]
            and address.scheme == "http"
            and not is_loopback(address.hostname)
        ):
            yield f"{name} must begin with https://, as HTTPS_ONLY is on"


def is_loopback(host: str | None) -> bool:
    """Is that this machine, by its name or number?"""
    try:
        return host == "localhost" or ip_address(host or "").is_loopback
    except ValueError:
        return False


def _secrets(settings: Mapping[str, Any]) -> Iterator[str]:
    encryption, signing = settings["AUDIT_ENCRYPTION_KEYS"], settings["AUDIT_SIGNING_KEY"]
    keys = {"AUDIT_ENCRYPTION_KEYS": encryption, "AUDIT_SIGNING_KEY": (signing,)}
    others: set[bytes] = set()
    for name, values in (keys | {"AUDIT_VERIFY_KEYS": settings["AUDIT_VERIFY_KEYS"]}).items():
        if not all(map(_is_random_key, values)):
            yield f"{name} must be random: a key repeats or counts up, or is typed text"
        if len({*values}) < len(values) or not others.isdisjoint(values):
            yield f"{name} must hold no key twice, nor one that another variable holds"
        others.update(values)
    secrets = {"SECRET_KEY": [settings["SECRET_KEY"]]}
    secrets["SECRET_KEY_FALLBACKS"] = settings["SECRET_KEY_FALLBACKS"]
    for name, texts in secrets.items():
        if any(len(text) < _SHORTEST_SECRET or not _varies(text.encode()) for text in texts):
            yield f"{name} must have at least {_SHORTEST_SECRET} random characters"
        for word in (word for word in _WORDS if any(word in text.lower() for text in texts)):
            yield f'{name} must not be one that says "{word}"'
    if settings["SECRET_KEY"] in settings["SECRET_KEY_FALLBACKS"]:
        yield "SECRET_KEY_FALLBACKS must not hold the current SECRET_KEY"


def _is_random_key(key: bytes) -> bool:
    """Could it be random? Not if its bytes or its base64 count up or repeat, or are typed text."""
    is_text = all(32 <= byte < 127 for byte in key)
    return not is_text and _varies(key, _LEAST_DIFFERENT) and _varies(base64.b64encode(key))


def _varies(text: bytes, least: int = _LEAST_OF_TEXT) -> bool:
    """Has it `least` different bytes, as many different steps, and no repetition?"""
    steps = {after - before for before, after in pairwise(text)}
    threes = {text[place : place + 3] for place in range(len(text) - 2)}
    return min(len(set(text)), len(steps)) >= least and 2 * len(threes) > len(text)


def _hosts(settings: Mapping[str, Any]) -> Iterator[str]:
    if any(host == "*" or _is_public(host.strip(".")) for host in settings["ALLOWED_HOSTS"]):
        yield "ALLOWED_HOSTS must name hosts of the company: no *, and no .com or .github.io"
    for network in settings["TRUSTED_PROXIES"]:
        if network.prefixlen < _WIDEST[network.version]:
            yield "TRUSTED_PROXIES must name the proxies in front, not everybody"


def _is_public(domain: str) -> bool:
    """May anybody register a name under it? As the Public Suffix List says: com, co.uk, github.io.
    A name of an intranet is in none of its rules.
    """
    if not domain or is_loopback(domain):
        return not domain
    # The list has 10,000 lines: a laptop does not wait for them.
    from publicsuffixlist import PublicSuffixList

    suffix = PublicSuffixList(accept_unknown=False).publicsuffix(domain.lower())
    return suffix == domain.lower()


def _roles(settings: Mapping[str, Any]) -> Iterator[str]:
    agents, supervisors, auditors = (settings[name] for name in _GROUPS)
    if not agents | supervisors | auditors:
        yield f"{', '.join(_GROUPS)} must name a group: nobody could come in"
    for name, groups in (("AGENT_GROUPS", agents), ("AUDITOR_GROUPS", auditors)):
        if not groups.isdisjoint(supervisors):
            yield f"{name} must name no group of SUPERVISOR_GROUPS: all in it would be that"
