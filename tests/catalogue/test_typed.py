"""What is typed or pasted is cleaned once, where it enters; and what a page shows can be typed."""

import unicodedata
from datetime import date

import phonenumbers
import pytest
from babel.dates import format_date
from django.utils.translation import override
from hypothesis import given, settings
from hypothesis import strategies as st

from customers.catalogue import addresses, dates, emails, national_numbers, objects, phones
from customers.catalogue.fields import FIELDS
from customers.catalogue.reader import day_text
from customers.catalogue.typed import cleaned, coded, one_line
from customers.catalogue.words import date_text
from customers.clubmed.schema import visible_length
from customers.services import search_terms

pytestmark = pytest.mark.once

examples = settings(deadline=None, max_examples=200)
few = settings(deadline=None, max_examples=50)
UNSEEN = (
    "\u200b\u200c\u200d\u200e\u200f\u202a\u202d\u202c\u2066\u2069\u00ad\u2060\ufeff\ufe0d\u034f"
)
SPACES = "\u00a0\u202f\u2007\u3000\t\n\u2028"


def pasted(text):
    """A text with what comes along when it is copied: around it, and in it."""
    marks = st.lists(st.text(UNSEEN, max_size=2), min_size=len(text) + 1, max_size=len(text) + 1)
    inside = marks.map(lambda between: "".join(map("".join, zip(between, f"{text} ", strict=True))))
    around = st.text(UNSEEN + SPACES, max_size=3)
    return st.builds("{}{}{}".format, around, inside, around)


@examples
@given(
    st.text(UNSEEN + SPACES + "aé\u0301王葛\U000e0100می\u0915\u094d7-'", max_size=12) | st.text()
)
def test_a_cleaned_text_is_clean_and_stays_as_it_is(text):
    for clean in (cleaned, one_line, coded):
        once = clean(text)
        assert clean(once) == once
        assert once == unicodedata.normalize("NFC", once).strip()
        assert not set(once) & set(SPACES + "\u200b\u200e\u202d\u00ad\ufeff\0\x07\u202e")


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("\u200bTom\u200e", "Tom"),
        ("Zoe\u0301", "Zoé"),
        ("Jean\u00a0\u00adPaul  Rue\u200b\tX\x07", "Jean Paul Rue X"),
        ("\u202eSmith\u202c", "Smith"),
        ("To\u200dm\u200c", "Tom"),
        ("\u0301\u200c\u094d\u200c", "\u094d\u0301"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("\u200cمینا\u200c", "مینا"),
        ("ශ්\u200dරී", "ශ්\u200dරී"),
        ("അവന്\u200d", "അവന്\u200d"),
        ("葛\U000e0100城", "葛\U000e0100城"),
        ("A\U000e0100\ufe0f", "A"),
        ("王　小明", "王 小明"),
    ],
)
def test_what_nobody_sees_is_taken_out_but_where_a_script_needs_it(typed, stored):
    assert one_line(typed) == stored


@few
@given(pasted("Élodie D'Arc"), pasted("tom@example.com"), pasted("+33 6 12 34 56 78"))
def test_whatever_comes_along_with_a_name_an_address_or_a_number_is_not_stored(name, email, phone):
    assert one_line(name) == "Élodie D'Arc"
    assert emails.address(email) == "tom@example.com"
    assert phones.dial_digits(phone) == "+33612345678"
    assert search_terms.read(name) == {"name": "Élodie D'Arc"}
    assert search_terms.read(email) == {"email": "tom@example.com"}
    assert search_terms.read(phone) == {"number": "+33 6 12 34 56 78"}


def test_lengths_are_counted_in_what_people_see():
    name = "E\u0328\u0301" * 5 + "é" * 14

    assert visible_length(one_line(name)) == 19 < len(one_line(name))


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        ("Tom Smith <tom@example.com>", "tom@example.com"),
        ("mailto:tom@example.com?subject=Hi", "tom@example.com"),
        ("“tom@example.com”,", "tom@example.com"),
        ("ｔｏｍ＠ｅｘａｍｐｌｅ．ｃｏｍ", "tom@example.com"),
        ('"tom smith"@example.org', '"tom smith"@example.org'),
        ("zoë@example.test", "zoë@example.test"),
        ("tom@desk.local", "tom@desk.local"),
        (f"{'a' * 64}@example.org", f"{'a' * 64}@example.org"),
    ],
)
def test_an_email_is_taken_as_rfc_5321_has_it(typed, address):
    assert emails.address(typed) == address
    assert emails.is_address(address)
    assert search_terms.read(typed) == {"email": address}


@pytest.mark.parametrize(
    "typed",
    [
        "a..b@example.org",
        ".a@example.org",
        "a.@example.org",
        f"{'a' * 65}@example.org",
        "tom@example",
        "tom@example..org",
        "tom smith@example.org",
        "tom@example.com, tim@example.com",
        "@example.org",
    ],
)
def test_what_cannot_be_an_email_is_refused(typed):
    assert not emails.is_address(emails.address(typed))


@pytest.mark.parametrize(
    ("typed", "region", "stored"),
    [
        ("\u202d+33 6 12 34 56 78\u202c", "", "+33612345678"),
        ("tel:+33-6-12-34-56-78", "FR", "+33612345678"),
        ("tel:0612345678;phone-context=+33", "BR", "+33612345678"),
        ("06\u00ad12\u00ad34\u00ad56\u00ad78", "FR", "+33612345678"),
        ("06.12.34.56.78", "FR", "+33612345678"),
        ("06 39 98 12 34", "FR", "+33639981234"),  # of films: it is nobody's
        ("6\ufe0d 12 34 56 78", "FR", "+33612345678"),
        ("０３−１２３４−５６７８", "JP", "+81312345678"),
        ("03ー1234ー5678", "JP", "+81312345678"),
        ("٠٥٠ ١٢٣ ٤٥٦٧", "SA", "+966501234567"),
        ("(11) 90000‑0412", "BR", "+5511900000412"),
        ("001 206 342 8631", "FR", "+12063428631"),
        ("011 33 6 12 34 56 78", "US", "+33612345678"),
        ("33612345678", "FR", "+33612345678"),
        ("1-800-FLOWERS", "US", "+18003569377"),
        ("0612345678", "US", "0612345678"),  # of another country, nobody knows which
        ("0612345678", "", "0612345678"),
        ("01 40 50 60 70 ext. 12", "FR", ""),
        ("0612345678 / 0698765432", "FR", ""),
        ("call me", "FR", ""),
    ],
)
def test_a_phone_is_read_in_any_digits_and_dashes(typed, region, stored):
    assert phones.dial_digits(typed, region) == stored


@examples
@given(st.sampled_from(sorted(phonenumbers.SUPPORTED_REGIONS)))
def test_the_example_of_each_country_is_stored_as_it_says_and_shown_so_that_it_can_be_typed(region):
    national, whole = phones.example(region)
    if national:
        assert phones.dial_digits(national, region) == whole
        assert phones.dial_digits(phones.dial_text(whole)) == whole


@pytest.mark.parametrize(
    "typed",
    [
        "14 June 1986",
        "14 juin 1986",
        "1986/06/14",
        "14. 6. 1986",
        "14061986",
        "14/6/86",
        "14.06.1986",
        "14-06-1986",
        "19860614",
        "1986-06-14",
        "June 14, 1986",
        "le 14 juin 1986",
        "14-Jun-86",
        "14th of June 1986",
        "14 June 1986 (40)",
        "samedi 14 juin 1986",
        "Sat. 14/06/1986",
        "1986-06-14T00:00:00Z",
        "14 de junho de 1986",
        "1986年6月14日",
        "１４／０６／１９８６",
        "\u200e14/06/1986\u00a0",
    ],
)
def test_a_day_is_understood_by_editor_and_search_alike(typed):
    assert dates.read(typed) == (1986, 6, 14)
    asked = search_terms.read(f"Wang {typed}")
    assert (asked["name"], dates.read(asked["birthdate"])) == ("Wang", (1986, 6, 14))


def test_the_months_of_each_language_of_the_desk_are_understood(settings):
    settings.LANGUAGES = [*settings.LANGUAGES, ("pl", "Polski"), ("pt-br", "Português")]
    caches = (dates._locales, dates._shapes, dates._names, dates._month)
    for cached in caches:
        cached.cache_clear()
    try:
        assert dates.read("sobota, 14 czerwca 1986") == (1986, 6, 14)
    finally:
        for cached in caches:
            cached.cache_clear()


def test_of_two_small_numbers_the_first_is_the_day_and_short_years_are_past():
    assert dates.read("03/04/1986") == (1986, 4, 3)
    assert dates.read("3/4/05") == (2005, 4, 3)
    assert dates.read("3/4/99") == (1999, 4, 3)
    assert [dates.read(typed) for typed in ("14 jui 1986", "soon", "June", "1986")] == [None] * 4


@pytest.mark.parametrize("language", ["en", "fr"])
@examples
@given(day=st.dates(date(1800, 1, 1), date.today()))
def test_a_day_that_is_shown_can_be_typed(language, day):
    with override(language):
        shown = date_text(f"{day:%Y%m%d}")
    assert format_date(day, "MMMM", language) in shown
    for typed in (shown, f"{day:%d/%m/%Y}", f"{day:%d%m%Y}", f"{day:%Y%m%d}"):
        assert dates.read(typed) == (day.year, day.month, day.day)


def test_the_first_of_a_month_is_said_as_people_say_it():
    with override("fr"):
        assert date_text("19500101") == "1er janvier 1950"
        assert day_text(date(2026, 6, 1), "full") == "lundi 1er juin 2026"
        assert day_text(date(2026, 6, 11), "MMMMd") == "11 juin"


@few
@given(st.data(), st.integers(1, 10**8 - 1))
def test_a_national_number_that_is_shown_can_be_typed(data, middle):
    for kind, start in (("CPF", f"0{middle:08}"), ("CUIL", f"20{middle:08}")):
        ends = (f"{end:0{11 - len(start)}}" for end in range(100))
        number = next(
            start + end for end in ends if national_numbers.is_right(start + end, kind, "")
        )
        shown = national_numbers.printed(number, kind)
        typed = data.draw(pasted(shown))
        assert shown != number == national_numbers.compact(typed, kind, "")
        assert number == national_numbers.compact(number, kind, "")


@few
@given(st.data(), st.sampled_from(sorted(phonenumbers.SUPPORTED_REGIONS)))
def test_a_postal_code_of_any_country_is_taken_as_it_is_pasted(data, country):
    if known := addresses.postcodes(country):
        code = data.draw(st.from_regex(known.pattern, fullmatch=True))
        assert coded(data.draw(pasted(code))) == code


def test_a_national_number_is_sent_in_digits_and_shown_as_it_is_printed():
    cpf = {"type": "CPF", "number": "39053344705"}
    field = FIELDS["identity"]

    assert national_numbers.compact("390.533.447-05", "CPF", "BR") == cpf["number"]
    assert field.text(cpf, revealed=True) == "CPF 390.533.447-05"
    assert field.same(cpf, {"type": "CPF", "number": "390.533.447-05"})
    assert not field.same(cpf, {"type": "CPF", "number": "39053344704"})
    assert national_numbers.is_right("39053344705", "CPF", "BR")
    assert not national_numbers.is_right("39053344704", "CPF", "BR")
    assert national_numbers.compact("20-05536168-2", "CUIL", "") == "20055361682"
    assert national_numbers.compact("x 1", "DNI", "PE") == "x 1"  # nobody here knows these


@pytest.mark.parametrize(
    ("country", "good", "bad"),
    [
        ("GB", "SW1A 1AA", "75001"),
        ("FR", "75001", "SW1A 1AA"),
        ("BR", "01310-100", "0131"),
        ("US", "97205-1234", "9720"),
        ("JP", "150-0031", "15"),
    ],
)
def test_a_postal_code_is_judged_by_its_own_country(country, good, bad):
    known = addresses.postcodes(country)
    assert known.pattern.fullmatch(good)
    assert not known.pattern.fullmatch(bad)
    assert known.pattern.fullmatch(known.example)
    assert addresses.postcodes("XX") is None is addresses.postcodes("AE")


@pytest.mark.parametrize(
    ("stored", "refused"),
    [
        (
            [{"channel": "EMAIL", "optin": True}, {"channel": "EMAIL", "optin": False}],
            [{"channel": "EMAIL", "optin": False}],
        ),
        (
            [{"channel": None, "optin": True}, {"channel": "SMS", "optin": True}],
            [{"channel": "SMS", "optin": False}],
        ),
        ([{"channel": None, "optin": True}], [{"channel": "ALL", "optin": False}]),
        ([{"optin": True}], [{"channel": "ALL", "optin": False}]),
    ],
)
def test_consent_can_be_withdrawn_whatever_the_list_looks_like(stored, refused):
    field = FIELDS["optins"]
    assert field.readable(stored)
    assert field.kind.compose(stored, field.cleared(stored)) == refused
    assert not objects.by_channel(stored).get("EMAIL", {}).get("optin")
