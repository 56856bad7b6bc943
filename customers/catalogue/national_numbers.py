"""National numbers: as their country prints them, as they are sent, and their check digits."""

import re
from functools import cache
from importlib import import_module
from typing import Any

from stdnum.exceptions import ValidationError

from customers.catalogue import compare
from customers.catalogue.typed import coded

# (type, country) -> the module of python-stdnum; "" for a type that one country alone has.
_MODULES = {
    ("CPF", ""): "br.cpf",
    ("CUIL", ""): "ar.cuit",
    ("DNI", "AR"): "ar.dni",
    ("DNI", "ES"): "es.dni",
    ("ID_NUMBER", "CN"): "cn.ric",
    ("ID_NUMBER", "KR"): "kr.rrn",
    ("ID_NUMBER", "TR"): "tr.tckimlik",
    ("NATIONAL_REGISTER", "BE"): "be.nn",
    ("SECURITY_NUMBER", "FR"): "fr.nir",
    ("SECURITY_NUMBER", "US"): "us.ssn",
    ("TAX_NUMBER", "DE"): "de.idnr",
    ("TAX_NUMBER", "ES"): "es.nif",
    ("TAX_NUMBER", "FR"): "fr.nif",
    ("TAX_NUMBER", "IT"): "it.codicefiscale",
    ("TAX_NUMBER", "MX"): "mx.rfc",
    ("TAX_NUMBER", "PT"): "pt.nif",
}
_PUNCTUATION = re.compile(r"[\s.\-/]")


def compact(number: str, kind: str, region: str) -> str:
    """A number as it is sent, without its punctuation; of a kind that is not known here, as typed.

    kind: its type at Club Med. region: ISO alpha-2 code of the customer's country.
    """
    number, rules = coded(number), _rules(kind, region)
    return str(rules.compact(number)) if rules else number


def is_right(number: str, kind: str, region: str) -> bool:
    """Do its length and its check digits fit? True of a kind that is not known here."""
    rules = _rules(kind, region)
    try:
        return not rules or bool(rules.validate(number))
    except ValidationError:
        return False


def printed(number: str, kind: str) -> str:
    """A number with the punctuation of its country, where one country alone has that kind."""
    rules = _rules(kind, "")
    if rules is None or not is_right(number, kind, ""):
        return number
    return str(rules.format(rules.compact(number)))


@cache
def _rules(kind: str, region: str) -> Any:
    """The module of python-stdnum for a kind of number, None if there is none."""
    name = _MODULES.get((kind, "")) or _MODULES.get((kind, region))
    return import_module(f"stdnum.{name}") if name else None


def _plain(text: str) -> str:
    return compare.caseless(_PUNCTUATION.sub("", text))


normal = compare.normal_by(_plain)
