"""E-mail addresses: reading a pasted one, and judging its form (RFC 5321)."""

import re
import unicodedata

import email_validator

from customers.catalogue.typed import cleaned

# Whether a domain exists, or is one for tests, is not ours to judge.
email_validator.SPECIAL_USE_DOMAIN_NAMES.clear()

_NAMED = re.compile(r"[^@<>]*<([^<>]+)>[.,;]?")
_AROUND = "<>()[],;:'“”‘’"
_IN_TEXT = re.compile(r'"[^"@]+"@\S+|\S*@\S*')


def address(text: str) -> str:
    """The address in a pasted text: of `Tom Smith <tom@example.com>`, of `mailto:…?subject=Hi`.

    Any other text stays as it is, cleaned.
    """
    text = cleaned(text)
    plain = unicodedata.normalize("NFKC", text)
    text = plain if plain.isascii() else text  # ｔｏｍ＠ｅｘａｍｐｌｅ．ｃｏｍ
    if match := _NAMED.fullmatch(text):
        text = match[1]
    text = text.strip(_AROUND + " ")
    if re.match("mailto:", text, re.IGNORECASE):
        text = text[len("mailto:") :].partition("?")[0]
    match = re.fullmatch(r'"([^"]+@[^"]+)"', text)
    return match[1] if match else text


def find(text: str) -> str:
    """The first address in a text, "" if there is none."""
    match = _IN_TEXT.search(text)
    return address(match[0]) if match else ""


def is_whole(text: str) -> bool:
    """Has it all that an address has? It may be one that nobody could have now."""
    return bool(re.fullmatch(r".+@[^@]+\.[^@.]+", text))


def is_address(text: str) -> bool:
    """May it be an e-mail address? A local part may be quoted, or in any script."""
    try:
        email_validator.validate_email(
            text, check_deliverability=False, allow_quoted_local=True, strict=True
        )
    except email_validator.EmailNotValidError:
        return False
    return True
