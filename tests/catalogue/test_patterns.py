"""What a market's pattern asks for, in the reader's words."""

import string

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from crmadmin.sandbox.schemas import LOCALES, profile_schema
from customers.catalogue.patterns import exactly_in_words, in_words

pytestmark = pytest.mark.once

LATIN = "^[A-Za-zÀ-ÖØ-öø-ɏ\u0300-\u036fḀ-ỿ .'’-]+$"


@pytest.mark.parametrize(
    ("pattern", "english", "french"),
    [
        (LATIN, "Latin letters, spaces, dots, apostrophes and hyphens only",
         "lettres latines, espaces, points, apostrophes et traits d’union uniquement"),
        ("^[0-9]{11}$", "11 digits", "11 chiffres"),
        ("^[0-9]{5}-?[0-9]{3}$", "5 digits, a hyphen or none, 3 digits",
         "5 chiffres, un trait d’union ou rien, 3 chiffres"),
        ("^[0-9]{5}(-[0-9]{4})?$", "digits and hyphens only",
         "chiffres et traits d’union uniquement"),
        (r"^[\p{L} \-']{1,50}$", "1 to 50 letters, spaces, hyphens or apostrophes",
         "1 à 50 lettres, espaces, traits d’union ou apostrophes"),
        (r"^#[A-Z]\d{2,}$", "“#”, a capital letter, 2 or more digits",
         "«\u202f#\u202f», une lettre majuscule, au moins 2 chiffres"),
        (r"^BB[78]\d{4}$", "“BB”, “7” or “8”, 4 digits",
         "«\u202fBB\u202f», «\u202f7\u202f» ou «\u202f8\u202f», 4 chiffres"),
        ("^GIR ?0AA|[A-Z]{2}[0-9]$", "capital letters, spaces and digits only",
         "lettres majuscules, espaces et chiffres uniquement"),
        (r"^[a-z\-.]+$", "letters without accents, hyphens and dots only",
         "lettres sans accent, traits d’union et points uniquement"),
    ],
)  # fmt: skip
def test_the_usual_patterns_are_told_in_words(pattern, english, french):
    told = {"en": english, "fr": french}
    for language, words in told.items():
        with translation.override(language):
            assert in_words(pattern) == words


def test_a_rule_of_which_only_the_kinds_are_told_is_not_told_exactly():
    assert exactly_in_words("^[0-9]{2} ?[0-9]{3}$") == "2 digits, a space or none, 3 digits"
    assert exactly_in_words("^[0-9]{5}(-[0-9]{4})?$") == ""


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        "^$",
        "^.*$",
        "[0-9]",
        "^[+]1",
        r"^\S+@\S+$",
        "^[^<>]+$",
        "^(?!0)[0-9]$",
        "^[ -~]+$",
        "^($",
    ],
)
def test_of_what_cannot_be_told_nothing_is_said(pattern):
    assert in_words(pattern) == ""


def test_every_pattern_of_the_sandbox_is_told():
    patterns = {one for locale in LOCALES for one in _patterns(profile_schema(locale))}

    assert [one for one in patterns if not in_words(one)] == []


@given(st.text(alphabet=string.printable + "é王", max_size=30))
def test_no_pattern_breaks_a_page(pattern):
    assert isinstance(in_words(f"^{pattern}$"), str)


def _patterns(rule):
    if isinstance(rule, dict):
        yield from [rule["pattern"]] if isinstance(rule.get("pattern"), str) else []
    children = rule.values() if isinstance(rule, dict) else rule if isinstance(rule, list) else []
    for child in children:
        yield from _patterns(child)
