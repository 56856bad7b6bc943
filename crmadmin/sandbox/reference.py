"""The lists beside the customers: locales, civilities, countries (contract, section 4).

Where the contract is silent, this API decides: a calling code is digits without a plus, a language
is written as in a profile (`FR`), a child's civility is not for adults, a civility may say no sex.
"""

from functools import cache
from typing import Any

import phonenumbers
from babel import Locale, UnknownLocaleError
from babel.languages import get_official_languages

from crmadmin.sandbox.markets import MARKETS
from crmadmin.sandbox.rules import CHILDREN, CIVILITIES

LOCALES = (
    *(market.locale for market in MARKETS),
    *("de-AT", "de-CH", "en-AU", "en-CA", "en-HK", "en-IE", "en-IN", "en-NZ", "en-SG", "en-ZA"),
    *("es-CL", "es-CO", "es-ES", "es-MX", "fr-BE", "fr-CA", "fr-CH", "fr-LU", "he-IL", "nl-BE"),
    *("nl-NL", "pt-PT", "tr-TR", "zh-HK", "zh-TW"),
)
_CIVILITY_LABELS = {
    "en": {"MR": "Mr", "MS": "Ms", "MX": "Mx", "MASTER": "Boy", "MISS": "Girl"},
    "fr": {"MR": "M.", "MS": "Mme", "MX": "Mx", "MASTER": "Garçon", "MISS": "Fille"},
    "pt": {"MR": "Sr.", "MS": "Sra.", "MX": "Mx", "MASTER": "Menino", "MISS": "Menina"},
    "de": {"MR": "Herr", "MS": "Frau", "MX": "Mx", "MASTER": "Junge", "MISS": "Mädchen"},
    "es": {"MR": "Sr.", "MS": "Sra.", "MX": "Mx", "MASTER": "Niño", "MISS": "Niña"},
    "ja": {"MR": "様 (男性)", "MS": "様 (女性)", "MX": "様", "MASTER": "男の子", "MISS": "女の子"},
}


def civility_labels(language: str) -> dict[str, str]:
    """code -> label, in English where the language has none. language: `fr-FR`, or anything."""
    return _CIVILITY_LABELS.get(language[:2], _CIVILITY_LABELS["en"])


def civilities(language: str) -> list[dict[str, Any]]:
    return [
        {
            "code": code,
            "label": label,
            "type": "child" if code in CHILDREN else "adult",
            "sex": CIVILITIES[code],
        }
        for code, label in civility_labels(language).items()
    ]


@cache
def countries(language: str) -> list[dict[str, Any]]:
    """Every country that has a calling code, by its code."""
    names = _locale(language).territories
    return [
        {
            "id": code,
            "label": names[code],
            "phones": {"calling_code": str(phonenumbers.country_code_for_region(code))},
            "languages": [
                each.upper()
                for each in get_official_languages(code, de_facto=True)
                if len(each) == 2
            ],
        }
        for code in sorted(phonenumbers.SUPPORTED_REGIONS)
        if code in names
    ]


def _locale(language: str) -> Locale:
    try:
        return Locale.parse(language, sep="-")
    except (ValueError, UnknownLocaleError):
        return Locale("en")
